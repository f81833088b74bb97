//! A Vision Transformer as people have it: a folder that `save_pretrained` wrote or that was cloned from the hub.
//!
//! `config.json` must be there; without `preprocessor_config.json` the transform is the usual one. Weights are the first
//! found of `model.safetensors`, its shards, `pytorch_model.bin`, its shards, or one single other file of weights.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use dgpipe_engine::stage::{Form, FormatError, View};
use serde::Deserialize;

use super::Backbone;
use super::mistakes::Mistakes;
use crate::images::ImageTransform;
use crate::nets::vit::{Taken, VitShape, VitWeights};
use crate::nets::weight_file::{PickleFile, SafetensorsFile, TensorFile, WeightFiles};

/// A net taken out of such a folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The net and its transform.
    pub backbone: Backbone,
    /// Whether the folder has the very files of a backbone, so that they can be taken as they are.
    pub is_backbone: bool,
    /// What was done to fit it, for whoever watches.
    pub notes: Vec<String>,
}

/// What is used of `….index.json`.
#[derive(Deserialize)]
struct Index {
    /// File names by tensor.
    weight_map: BTreeMap<String, String>,
}

const BIN: &str = "pytorch_model.bin";

impl Checkpoint {
    /// Reads the folder. Pictures are of the side given, else of that in the transform. Files of `PyTorch` are copied
    /// to `scratch` first, since their reader asks for a path. The error names every mistake.
    pub fn read(folder: &View, image_size: Option<usize>, scratch: &Path) -> Result<Self, FormatError> {
        let mut mistakes = Mistakes::default();
        let mut notes = Vec::new();
        let config = folder.at(Backbone::CONFIG)?.bytes()?;
        let shape = mistakes.of(Backbone::CONFIG, VitShape::from_json(&config));
        let preprocessor = folder.find(Backbone::PREPROCESSOR)?;
        let transform = match &preprocessor {
            Some(file) => mistakes.of(Backbone::PREPROCESSOR, ImageTransform::from_json(&file.bytes()?)),
            None => {
                notes.push(format!("there is no `{}`; mean and deviation are 0.5", Backbone::PREPROCESSOR));
                shape.as_ref().map(|shape| ImageTransform::square(shape.image))
            }
        };
        let files = weight_files(folder, scratch, &mut mistakes)?;
        // What the tensors should be is not known without the sizes.
        let Some(shape) = shape else { return Err(mistakes.into_error(folder)) };
        let side = image_size.or(transform.as_ref().map(|transform| transform.size)).unwrap_or(shape.image);
        let sized = VitShape { image: side, ..shape.clone() };
        let wrong = sized.mistakes();
        let fits = mistakes.of(Backbone::CONFIG, if wrong.is_empty() { Ok(()) } else { Err(wrong) });
        let taken = fits.and(files).and_then(|files| mistakes.of("weights", VitWeights::from_files(&sized, &files)));
        let (Some(taken), Some(transform), true) = (taken, transform, mistakes.is_empty()) else {
            return Err(mistakes.into_error(folder));
        };
        notes.extend(notes_on(&taken, &sized));
        let is_backbone = preprocessor.is_some()
            && taken.interpolated_from.is_none()
            && (side, side) == (shape.image, transform.size)
            && folder.find(Backbone::MODEL)?.is_some();
        let transform = ImageTransform { size: side, ..transform };
        Ok(Self { backbone: Backbone { transform, weights: taken.weights }, is_backbone, notes })
    }
}

fn notes_on(taken: &Taken, shape: &VitShape) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(from) = taken.interpolated_from {
        let to = shape.image / shape.patch;
        notes.push(format!("the table of positions was interpolated from {from}×{from} to {to}×{to} patches"));
    }
    if !taken.left_out.is_empty() {
        notes.push(format!("the classifier beside the net was left out: [{}]", taken.left_out.join(", ")));
    }
    notes
}

/// Opens the weights of a folder, whichever way they are stored; nothing where that is a mistake.
fn weight_files(folder: &View, scratch: &Path, mistakes: &mut Mistakes) -> Result<Option<WeightFiles>, FormatError> {
    for name in [Backbone::MODEL, BIN] {
        if folder.find(name)?.is_some() {
            return open_all(folder, &[name.to_owned()], scratch, mistakes);
        }
        let index = format!("{name}.index.json");
        if let Some(file) = folder.find(&index)? {
            return open_shards(folder, &index, &file.bytes()?, scratch, mistakes);
        }
    }
    let is_weights = |name: &str| [".safetensors", ".bin", ".pth", ".pt"].iter().any(|end| name.ends_with(end));
    let entries = folder.entries()?.into_iter().filter(|entry| entry.form == Form::File && is_weights(&entry.name));
    let names: Vec<String> = entries.map(|entry| entry.name).collect();
    match names.as_slice() {
        [_] => open_all(folder, &names, scratch, mistakes),
        [] => Err(folder.at(Backbone::MODEL).expect_err("it was looked for").into()),
        several => {
            let what = format!("[{}] could all be the weights; leave one of them", several.join(", "));
            Err(FormatError::content(folder.label(), what))
        }
    }
}

fn open_shards(
    folder: &View,
    index: &str,
    json: &[u8],
    scratch: &Path,
    mistakes: &mut Mistakes,
) -> Result<Option<WeightFiles>, FormatError> {
    let read: Result<Index, _> = serde_json::from_slice(json);
    let Some(Index { weight_map }) = mistakes.of(index, read.map_err(|error| vec![error.to_string()])) else {
        return Ok(None);
    };
    let mut names: Vec<String> = weight_map.values().cloned().collect();
    names.sort();
    names.dedup();
    if let Some(path) = names.iter().find(|name| name.contains(['/', '\\'])) {
        mistakes.add(index, format!("`{path}` is not the name of a file beside it"));
        return Ok(None);
    }
    let Some(files) = open_all(folder, &names, scratch, mistakes)? else { return Ok(None) };
    for (tensor, file) in &weight_map {
        if files.place(tensor) != Some(file) {
            mistakes.add(index, format!("tensor `{tensor}` should be in `{file}`, and is not"));
        }
    }
    Ok(Some(files))
}

fn open_all(
    folder: &View,
    names: &[String],
    scratch: &Path,
    mistakes: &mut Mistakes,
) -> Result<Option<WeightFiles>, FormatError> {
    let mut files = WeightFiles::default();
    for name in names {
        let opened = open(&folder.at(name)?, name, scratch)?.map_err(|error| vec![error]);
        let Some(file) = mistakes.of(name, opened) else { return Ok(None) };
        for tensor in files.add(name, file) {
            mistakes.add(name, format!("tensor `{tensor}` is in an earlier file too"));
        }
    }
    Ok(Some(files))
}

/// Opens one file. The inner error says what is wrong with its content.
fn open(file: &View, name: &str, scratch: &Path) -> Result<Result<Box<dyn TensorFile>, String>, FormatError> {
    let boxed = |file: Result<Box<dyn TensorFile>, String>| Ok(file);
    if starts_as_pointer(file)? {
        return boxed(Err("is a pointer of Git LFS, not the file itself; `git lfs pull` fetches it".to_owned()));
    }
    if name.ends_with(".safetensors") {
        return boxed(SafetensorsFile::new(file.bytes()?).map(|file| Box::new(file) as Box<dyn TensorFile>));
    }
    let path = scratch.join(name);
    io::copy(&mut file.open()?, &mut fs_err::File::create(&path)?)?;
    boxed(PickleFile::open(&path).map(|file| Box::new(file) as Box<dyn TensorFile>))
}

/// What a clone has where files are large and Git LFS is not installed.
fn starts_as_pointer(file: &View) -> Result<bool, FormatError> {
    const POINTER: &[u8] = b"version https://git-lfs.github.com/";
    let mut start = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file.open()?, POINTER.len() as u64), &mut start)?;
    Ok(start == POINTER)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::images::decode;
    use crate::nets::vit::{PackedVit, Workspace};

    /// One net in every layout, made by `make_layouts.py` there.
    fn layout(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/vit/layouts").join(name)
    }

    fn read(folder: &Path, image_size: Option<usize>) -> Result<Checkpoint, FormatError> {
        let scratch = tempfile::tempdir().unwrap();
        Checkpoint::read(&View::disk(folder), image_size, scratch.path())
    }

    /// The layout `bin` with another file of weights.
    fn read_file(name: &str, bytes: &[u8]) -> Result<Checkpoint, String> {
        let folder = tempfile::tempdir().unwrap();
        fs_err::copy(layout("bin/config.json"), folder.path().join("config.json")).unwrap();
        fs_err::write(folder.path().join(name), bytes).unwrap();
        read(folder.path(), None).map_err(|error| error.to_string())
    }

    #[test]
    fn the_layout_of_files_does_not_matter() {
        let whole = read(&layout("whole"), None).unwrap();
        assert!(whole.is_backbone && whole.notes.is_empty());
        for name in ["part", "shards", "bin", "bin_shards", "pth"] {
            let found = read(&layout(name), None).unwrap();
            assert!(found.backbone == whole.backbone, "{name}");
            assert!(!found.is_backbone, "{name}");
            assert!(found.notes[0].starts_with("there is no `preprocessor_config.json`"), "{:?}", found.notes);
            let classifier = "the classifier beside the net was left out: [classifier.bias, classifier.weight]";
            assert_eq!(found.notes.iter().any(|note| note == classifier), name == "part" || name == "pth");
        }
    }

    #[test]
    fn embeddings_of_all_kinds_of_pictures_are_those_of_hugging_face() {
        type Expected = BTreeMap<String, BTreeMap<usize, Vec<f32>>>;
        let expected: Expected = serde_json::from_slice(&fs_err::read(layout("embeddings.json")).unwrap()).unwrap();
        assert!(expected.len() > 15);
        // The net's size, a larger and a smaller one.
        for size in [12, 20, 8] {
            let Backbone { transform, weights } = read(&layout("whole"), Some(size)).unwrap().backbone;
            let net = PackedVit::new(weights);
            let mut work = Workspace::new(net.shape());
            for (name, embeddings) in &expected {
                let file = layout("../../decode").join(name);
                let picture = decode(&fs_err::read(file).unwrap()).unwrap();
                let found = net.forward(&transform.apply(&picture), &mut work);
                let expected = &embeddings[&size];
                let largest = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
                let worst = found.iter().zip(expected).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
                assert!(worst / largest < 1e-5, "{name} at {size}: {}", worst / largest);
            }
        }
    }

    #[test]
    fn a_table_of_another_grid_is_interpolated_and_that_is_said() {
        let found = read(&layout("whole"), Some(20)).unwrap();
        assert!(!found.is_backbone);
        assert_eq!(found.notes, ["the table of positions was interpolated from 3×3 to 5×5 patches"]);
        assert_eq!((found.backbone.transform.size, found.backbone.weights.shape().image), (20, 20));
        let name = "embeddings.position_embeddings";
        let table = |checkpoint: &Checkpoint| checkpoint.backbone.weights.arrays()[name].values.clone();
        let (before, after) = (table(&read(&layout("whole"), None).unwrap()), table(&found));
        assert_eq!((before.len(), after.len()), (10 * 20, 26 * 20));
        assert_eq!(before[..20], after[..20], "the class token's row is kept");
        let smaller = read(&layout("whole"), Some(8)).unwrap();
        assert_eq!(smaller.notes, ["the table of positions was interpolated from 3×3 to 2×2 patches"]);
        assert_eq!(table(&smaller).len(), 5 * 20);
        let error = read(&layout("whole"), Some(21)).unwrap_err().to_string();
        assert!(error.contains("`image_size` 21 must be a multiple of `patch_size` 4"), "{error}");
    }

    #[test]
    fn tensors_are_named_with_their_shape_and_the_expected_one() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::copy(layout("whole/model.safetensors"), folder.path().join("model.safetensors")).unwrap();
        let config = fs_err::read_to_string(layout("whole/config.json")).unwrap();
        let config = config.replace("\"hidden_size\": 20", "\"hidden_size\": 24");
        fs_err::write(folder.path().join("config.json"), config).unwrap();
        let error = read(folder.path(), None).unwrap_err().to_string();
        assert!(error.contains("tensor `embeddings.cls_token` has shape [1, 1, 20]; expected [1, 1, 24]"), "{error}");
    }

    #[test]
    fn shards_must_hold_what_the_index_says() {
        let folder = tempfile::tempdir().unwrap();
        for entry in fs_err::read_dir(layout("shards")).unwrap() {
            let entry = entry.unwrap();
            fs_err::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        let index = folder.path().join("model.safetensors.index.json");
        let good = fs_err::read_to_string(&index).unwrap();
        let with = |from: &str, to: &str| {
            fs_err::write(&index, good.replacen(from, to, 1)).unwrap();
            read(folder.path(), None).unwrap_err().to_string()
        };
        let error = with("\"layernorm.bias\": \"model-00001", "\"layernorm.bias\": \"model-00006");
        assert!(error.contains("tensor `layernorm.bias` should be in `model-00006-of-00006.safetensors`"), "{error}");
        let error = with("model-00002-of-00006", "model-00009-of-00006");
        assert!(error.contains("has no `model-00009-of-00006.safetensors`"), "{error}");
        let error = with("model-00002-of-00006", "../model-00002-of-00006");
        assert!(error.contains("is not the name of a file beside it"), "{error}");
        let error = with("{", "");
        assert!(error.contains("model.safetensors.index.json: "), "{error}");
    }

    #[test]
    fn a_pickle_is_never_run() {
        let folder = tempfile::tempdir().unwrap();
        let proof = folder.path().join("proof");
        let call = format!("cos\nsystem\n(S'touch {}'\ntR.", proof.display());
        let error = read_file("weights.pth", call.as_bytes()).unwrap_err();
        assert!(error.contains("weights.pth: "), "{error}");
        assert!(!proof.exists());
    }

    #[test]
    fn e8_hostile_files_are_clean_errors() {
        let deep = [vec![b']'; 1_000_000], vec![b'a'; 999_999], vec![b'.']].concat();
        let memo =
            b"\x80\x02]q\0".iter().copied().chain(b"(h\0h\0h\0h\0e".repeat(64)).chain(*b".").collect::<Vec<u8>>();
        for bytes in [deep, memo, b"".to_vec(), b"PK\x03\x04 no archive".to_vec(), b"\x80\x02}.".to_vec()] {
            let error = read_file("weights.pth", &bytes).unwrap_err();
            assert!(error.contains("weights.pth: "), "{error}");
        }
        let header = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
        for bytes in [header, b"12345678{}".to_vec(), b"".to_vec()] {
            let error = read_file("model.safetensors", &bytes).unwrap_err();
            assert!(error.contains("model.safetensors: "), "{error}");
        }
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 345556992\n";
        let error = read_file("model.safetensors", pointer).unwrap_err();
        assert!(error.contains("`git lfs pull` fetches it"), "{error}");
    }

    #[test]
    fn a_changed_byte_never_panics() {
        for (name, step) in [("pth/checkpoint.pth", 61), ("bin/pytorch_model.bin", 61), ("whole/model.safetensors", 97)]
        {
            let good = fs_err::read(layout(name)).unwrap();
            let name = Path::new(name).file_name().unwrap().to_str().unwrap();
            let head = 0..400.min(good.len());
            for place in head.step_by(3).chain((400..good.len()).step_by(step)) {
                let mut bytes = good.clone();
                bytes[place] ^= 0x7F;
                drop(read_file(name, &bytes));
            }
        }
    }

    #[test]
    fn one_file_of_weights_must_stand_out() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::copy(layout("bin/config.json"), folder.path().join("config.json")).unwrap();
        let error = read(folder.path(), None).unwrap_err().to_string();
        assert!(error.contains("has no `model.safetensors`; it has [config.json]"), "{error}");
        for name in ["a.pth", "b.bin"] {
            fs_err::write(folder.path().join(name), b"").unwrap();
        }
        let error = read(folder.path(), None).unwrap_err().to_string();
        assert!(error.contains("[a.pth, b.bin] could all be the weights"), "{error}");
    }
}
