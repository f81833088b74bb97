//! What a GPU, or the software that stands in for one, computes is what the CPU computes, to rounding. Needs a build with
//! `--features wgpu` and an adapter; where there is none, the tests say so and are left out.

use std::collections::BTreeMap;

use ndarray::{Array1, ArrayD, Zip};
use ndarray_npy::ReadNpyExt;
use serde_json::Value;

use crate::head_arrays::HeadArrays;
use crate::items;
use crate::project::Project;

/// The first adapter that `doctor` lists.
fn adapter() -> Option<String> {
    let told: Value = serde_json::from_str(&Project::new().call(&["doctor", "--json"])).unwrap();
    let texts = told["findings"].as_array().unwrap().iter().filter(|finding| finding["what"] == "device");
    let found = texts.filter_map(|finding| finding["text"].as_str()?.strip_prefix("wgpu:")?.split(": ").next());
    let found = found.map(|place| format!("wgpu:{place}")).next();
    if found.is_none() {
        #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
        {
            eprintln!("skipped: no adapter for wgpu; build with --features wgpu, and see `dgpipe doctor`");
        }
    }
    found
}

/// The arrays of 32-bit floats in the artifact of a cell.
fn arrays(project: &Project, file: &str, cell: &str, set: &[&str]) -> BTreeMap<String, ArrayD<f32>> {
    let path = project.call(&[&["path", file, cell], set].concat());
    let mut arrays = BTreeMap::new();
    for entry in fs_err::read_dir(path.trim()).unwrap() {
        let path = entry.unwrap().path();
        // Labels and counters are integers, and are told apart by not being read.
        if path.extension().is_some_and(|extension| extension == "npy")
            && let Ok(array) = ArrayD::<f32>::read_npy(fs_err::File::open(&path).unwrap())
        {
            arrays.insert(path.file_name().unwrap().to_string_lossy().into_owned(), array);
        }
    }
    arrays
}

/// The largest difference of any two values, relative to the largest value of their array.
fn difference(one: &BTreeMap<String, ArrayD<f32>>, other: &BTreeMap<String, ArrayD<f32>>) -> f32 {
    assert!(!one.is_empty() && one.keys().eq(other.keys()));
    let of = |(one, other): (&ArrayD<f32>, &ArrayD<f32>)| {
        let largest = one.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
        let most = Zip::from(one).and(other).fold(0.0_f32, |most, one, other| most.max((one - other).abs()));
        assert!(other.iter().all(|value| value.is_finite()));
        most / largest
    };
    one.values().zip(other.values()).map(of).fold(0.0, f32::max)
}

#[test]
fn embeddings_agree_with_those_of_the_cpu() {
    let Some(adapter) = adapter() else { return };
    let embedded = |device: &str| {
        let project = items::project(12);
        project.run(&["items.yaml", "vit", "--device", device]);
        arrays(&project, "items.yaml", "vit", &[])
    };
    let difference = difference(&embedded("cpu"), &embedded(&adapter));
    assert!(difference <= 1e-4, "{adapter}: {difference}");
}

#[test]
fn trained_weights_agree_with_those_of_the_cpu() {
    let Some(adapter) = adapter() else { return };
    let set = ["--set", "seeds=[42]", "--set", "epochs=2", "--set", "methods=[erm]"];
    // Embeddings, because pictures have pixels that are the same in all of them: the weights of those are to a
    // normalisation what a bias is, and rounding decides them.
    let (file, cell) = ("pipelines/pacs.yaml", "train-erm[target=sketch]");
    let project = Project::new();
    let trained = |device: &str| {
        // What is trained on stays, whatever computed it: a device is in no key.
        project.run(&[&[file, cell, "--device", device, "--force", cell], &set[..]].concat());
        let named = |(file, array): (String, ArrayD<f32>)| {
            let name = file.strip_suffix(".npy").unwrap_or(&file).to_owned();
            (name, array.into_iter().collect::<Vec<f32>>())
        };
        HeadArrays::new(arrays(&project, file, cell, &set).into_iter().map(named).collect())
    };
    let (cpu, gpu) = (trained("cpu"), trained(&adapter));
    assert!(!cpu.means.is_empty() && cpu.decided.contains_key("classifier.weight"), "{:?}", cpu.decided.keys());
    assert_eq!(cpu.stray_mean(&gpu), None, "{adapter}");
    let difference = difference(&as_arrays(cpu.decided), &as_arrays(gpu.decided));
    assert!(difference <= 1e-3, "{adapter}: {difference}");
}

fn as_arrays(values: BTreeMap<String, Vec<f32>>) -> BTreeMap<String, ArrayD<f32>> {
    values.into_iter().map(|(name, values)| (name, Array1::from_vec(values).into_dyn())).collect()
}

/// The bits of the vector of each picture, by its name.
fn vectors(project: &Project) -> BTreeMap<String, Vec<u32>> {
    let vectors = arrays(project, "items.yaml", "vit", &[]).remove("embeddings.npy").unwrap();
    let folder = project.call(&["path", "items.yaml", "vit"]);
    let items = fs_err::read(format!("{}/items.json", folder.trim())).unwrap();
    let items: Value = serde_json::from_slice(&items).unwrap();
    let ids = items["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned());
    let rows = vectors.outer_iter().map(|row| row.iter().map(|value| value.to_bits()).collect());
    ids.zip(rows).collect()
}

#[test]
fn an_embedding_on_the_gpu_does_not_depend_on_what_it_was_batched_with() {
    let Some(adapter) = adapter() else { return };
    let embedded = |pictures: u32, batch_size: u32| {
        let project = items::project(pictures);
        items::set_batch_size(&project, batch_size);
        project.run(&["items.yaml", "vit", "--device", &adapter]);
        vectors(&project)
    };
    // More than a group of 32, so that one is full and one is filled up.
    let all = embedded(40, 64);
    assert_eq!(all.len(), 40);
    assert!(all.values().collect::<std::collections::BTreeSet<_>>().len() == 40, "no two pictures are alike");
    assert!(embedded(40, 5) == all, "{adapter}: the batch size decides");
    for (picture, vector) in embedded(7, 64) {
        assert!(all[&picture] == vector, "{adapter}: the neighbours of {picture} decide");
    }
}
