//! Embedding what was not embedded before, and nothing else: the bytes are those of embedding everything.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::parquet_file::{self, ImageRow};
use crate::project::Project;

const PIPELINE: &str = "
pipeline: items
sources:
  images: { path: images, kind: image-folder/1 }
  backbone: { path: backbone, kind: backbone/1 }
stages:
  vit: { uses: embed-vit, inputs: { images: images, backbone: backbone }, config: { classes: [cat, dog] } }
  pixels: { uses: embed-pixels, inputs: { images: images }, config: { size: 6, color: rgb, classes: [cat, dog] } }
publish:
  results/vit: vit
  results/pixels: pixels
";

/// A project with that many pictures, no two alike.
pub(crate) fn project(pictures: u32) -> Project {
    let project = Project::new();
    fs_err::write(project.path("items.yaml"), PIPELINE).unwrap();
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/vit/tiny");
    crate::project::copy(tiny.as_ref(), &project.path("backbone"));
    add(&project, 0..pictures);
    project
}

/// Embeds so many pictures at a time from now on.
pub(crate) fn set_batch_size(project: &Project, batch_size: u32) {
    let config = format!("config: {{ batch_size: {batch_size}, classes");
    fs_err::write(project.path("items.yaml"), PIPELINE.replace("config: { classes", &config)).unwrap();
}

fn add(project: &Project, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let class = project.path("images").join(if number % 2 == 0 { "cat" } else { "dog" });
        fs_err::create_dir_all(&class).unwrap();
        let value =
            |x: u32, y: u32| [x * 4 + number, y * 5 + number / 256, x * y * number].map(|value| (value % 256) as u8);
        let picture = image::RgbImage::from_fn(20 + number % 7, 18 + number % 5, |x, y| image::Rgb(value(x, y)));
        picture.save(class.join(format!("{number:05}.png"))).unwrap();
    }
}

fn run(project: &Project) -> Vec<String> {
    let stdout = project.call(&["run", "--json", "items.yaml"]);
    let events = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let notes = events.filter(|event| event["event"] == "cell-note" || event["event"] == "warning");
    let mut notes: Vec<String> = notes.map(|event| event["text"].as_str().unwrap().to_owned()).collect();
    notes.sort();
    notes
}

#[test]
fn ten_pictures_added_to_many_embed_ten() {
    let (grown, whole) = (project(60), project(70));
    assert_eq!(run(&grown), Vec::<String>::new());
    add(&grown, 60..70);
    let note = "embedded 10 of 70 images; the others were embedded before";
    assert_eq!(run(&grown), [note, note]);
    assert_eq!(run(&whole), Vec::<String>::new());
    assert!(grown.files("results") == whole.files("results"));
}

#[test]
fn a_killed_extraction_embeds_the_rest() {
    let (killed, whole) = (project(900), project(900));
    let mut command = killed.command(&["run", "--json", "items.yaml", "vit", "--checkpoint-every", "0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let far = |line: &str| serde_json::from_str::<Value>(line).unwrap()["done"].as_u64() >= Some(200);
    assert!(lines.any(|line| far(&line.unwrap())));
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "it was at its end before it could be killed");
    let notes = run(&killed);
    let embedded = notes[0].strip_prefix("embedded ").and_then(|rest| rest.split(' ').next()).unwrap();
    // A chunk may have been on its way: 64 pictures where no batch size is given.
    assert!(embedded.parse::<u32>().unwrap() <= 900 - 200 + 64, "{notes:?}");
    run(&whole);
    assert!(killed.files("results") == whole.files("results"));
}

#[test]
fn rows_belong_to_their_backbone() {
    let project = project(5);
    run(&project);
    let config = project.path("backbone/preprocessor_config.json");
    let text = fs_err::read_to_string(&config).unwrap();
    let mean = text.find("image_mean").unwrap();
    fs_err::write(&config, format!("{}{}", &text[..mean], text[mean..].replacen("0.5", "0.4", 1))).unwrap();
    assert_eq!(run(&project), Vec::<String>::new(), "every picture is embedded again");
}

#[test]
fn batch_size_and_threads_change_no_byte_and_no_key() {
    let (one, other) = (project(40), project(40));
    let with = |project: &Project, batch_size: u32, threads: &str| {
        set_batch_size(project, batch_size);
        let mut command = project.command(&["run", "--json", "items.yaml", "--jobs", "1"]);
        let output = command.env("RAYON_NUM_THREADS", threads).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let last: Value =
            serde_json::from_slice(output.stdout.split(|byte| *byte == b'\n').rev().nth(1).unwrap()).unwrap();
        last["executed"].as_u64().unwrap()
    };
    assert_eq!(with(&one, 1, "1"), 2);
    assert_eq!(with(&other, 32, "3"), 2);
    assert!(one.files("results") == other.files("results"));
    let keys = |project: &Project| project.files(".dgpipe/records-v1").into_keys().collect::<Vec<_>>();
    assert_eq!(keys(&one), keys(&other));
    assert_eq!(with(&one, 7, "2"), 0, "the batch size is tuning");
}

/// Files that are no readable pictures, each for a reason of its own. One claims 12 GiB.
fn add_bad(project: &Project) {
    let picture = fs_err::read(project.path("images/cat/00000.png")).unwrap();
    let mut huge = picture[..60].to_vec();
    huge[16..24].copy_from_slice(&[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF]);
    let mut sum = flate2::Crc::new();
    sum.update(&huge[12..29]);
    huge[29..33].copy_from_slice(&sum.sum().to_be_bytes());
    let files: [(&str, &[u8]); 6] = [
        ("cut.png", &picture[..picture.len() / 2]),
        ("empty.jpg", b""),
        ("film.gif", b"GIF89a\x01\0\x01\0\0\0\0,"),
        ("film.webp", b"RIFF\x24\0\0\0WEBPVP8X"),
        ("huge.png", &huge),
        ("text.png", b"no picture"),
    ];
    for (name, bytes) in files {
        fs_err::write(project.path("images/dog").join(name), bytes).unwrap();
    }
    // These are pictures, whatever they are called, and however many frames they have.
    let golden = |name: &str| format!("{}/tests/golden/decode/{name}", env!("CARGO_MANIFEST_DIR"));
    fs_err::copy(golden("rgb.jpg"), project.path("images/dog/named.png")).unwrap();
    fs_err::copy(golden("animated.png"), project.path("images/dog/film.png")).unwrap();
}

#[test]
fn bad_images_fail_with_their_name_or_are_counted_in_little_memory() {
    let project = project(10);
    add_bad(&project);
    // A picture of 65535 × 65535 pixels alone would need more than these 8 GB.
    let run = |pipeline: &str| {
        fs_err::write(project.path("items.yaml"), pipeline).unwrap();
        let inner = project.command(&[]);
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "ulimit -v 8000000; exec \"$0\" run --json items.yaml"]).arg(inner.get_program());
        command.current_dir(project.path("")).env_remove("DGPIPE_CACHE").output().unwrap()
    };
    let failed = run(PIPELINE);
    assert_eq!(failed.status.code(), Some(1));
    let told = String::from_utf8(failed.stdout).unwrap();
    assert!(told.contains("`dog/cut.png` ends before the picture does"), "{told}");

    let skipping = run(&PIPELINE.replace("config: {", "config: { on_error: skip,"));
    let told = String::from_utf8(skipping.stdout).unwrap();
    assert_eq!(skipping.status.code(), Some(0), "{told}");
    let events: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for cell in ["vit", "pixels"] {
        let of = |event: &&Value| event["cell"] == cell;
        let note = events.iter().filter(of).find_map(|event| event["text"].as_str()).unwrap();
        assert!(note.starts_with("skipped 6 of 18 images: `dog/cut.png` ends before the picture does; "), "{note}");
        for part in ["`dog/empty.jpg` is empty", "`dog/film.gif` is a GIF", "`dog/huge.png` claims 65535×65535 pixels"]
        {
            assert!(note.contains(part), "{part} in {note}");
        }
        let metrics = events.iter().filter(of).find_map(|event| event["metrics"].as_object()).unwrap();
        assert_eq!((&metrics["skipped"], &metrics["images"]), (&Value::from(6), &Value::from(12)), "{cell}");
    }
}

#[test]
fn pictures_are_skipped_from_the_embeddings_to_the_contact_sheet() {
    let project = project(12);
    let whole = fs_err::read(format!("{}/tests/golden/decode/rgb.jpg", env!("CARGO_MANIFEST_DIR"))).unwrap();
    // Of these seven of the class, the one in the middle is drawn.
    fs_err::write(project.path("images/dog/00006.jpg"), &whole[..whole.len() / 2]).unwrap();
    let pipeline = |on_error: &str| {
        let stages = "
  inspection: { uses: inspect-images, inputs: { images: images } }
  split: { uses: split-embeddings, inputs: { embeddings: vit }, config: { seed: 1, stream: split } }
  head: { uses: init-head, inputs: { like: vit }, config: { seed: 1, stream: head, hidden: [4] } }
  fold: { uses: train-lodo, inputs: { train: split.train, initial: head }, config: { seed: 1, stream: fold, epochs: 1 } }
  points: { uses: plot-embedding, inputs: { embeddings: vit }, config: { projection: pca } }
  sheet: { uses: plot-images, inputs: { images: images }, config: { ON_ERROR } }
publish:
  results/inspection: inspection
  results/model: fold.model
  results/points: points
  results/sheet: sheet
";
        let stages = stages.replace("ON_ERROR", on_error);
        PIPELINE.replace("config: {", "config: { on_error: skip,").replace("publish:\n", &stages)
    };
    fs_err::write(project.path("items.yaml"), pipeline("")).unwrap();
    let output = project.command(&["run", "items.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("`dog/00006.jpg` ends before the picture does"), "{told}");
    assert!(project.path("results/vit").exists() && !project.path("results/sheet").exists());

    fs_err::write(project.path("items.yaml"), pipeline("on_error: skip")).unwrap();
    let notes = run(&project);
    assert_eq!(notes, ["skipped images: `dog/00006.jpg` ends before the picture does"], "of the sheet");
    let svg = fs_err::read_to_string(project.path("results/sheet/images.svg")).unwrap();
    assert_eq!(svg.matches("data:image/").count(), 2, "another dog is drawn beside the cat");
    assert!(project.path("results/model/model.safetensors").exists());
    let problems = fs_err::read_to_string(project.path("results/inspection/problems.csv")).unwrap();
    assert!(problems.contains("dog/00006.jpg"), "{problems}");
}

/// A PNG of so many pixels a side, 16 bits for each of red, green, blue and alpha, all of them zero.
fn deep_png(side: u32) -> Vec<u8> {
    use std::io::Write;
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    // A filter, and eight bytes a pixel.
    let row = vec![0; 1 + 8 * side as usize];
    for _ in 0..side {
        packed.write_all(&row).unwrap();
    }
    let header = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[16, 6, 0, 0, 0]].concat();
    let mut file = b"\x89PNG\r\n\x1A\n".to_vec();
    for (name, content) in [(b"IHDR", header), (b"IDAT", packed.finish().unwrap()), (b"IEND", Vec::new())] {
        let mut sum = flate2::Crc::new();
        sum.update(name);
        sum.update(&content);
        file.extend((content.len() as u32).to_be_bytes());
        file.extend(name);
        file.extend(content);
        file.extend(sum.sum().to_be_bytes());
    }
    file
}

/// Runs a pipeline of the project on one core with so many MB of data. Unlike address space, what an allocator reserves and
/// never touches does not count.
fn run_within(project: &Project, megabytes: u32, file: &str) -> std::process::Output {
    let inner = project.command(&[]);
    let call = format!("ulimit -d {}; exec \"$0\" run --json --jobs 1 {file}", megabytes * 1000);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &call]).arg(inner.get_program()).env("RAYON_NUM_THREADS", "1");
    command.current_dir(project.path("")).env_remove("DGPIPE_CACHE").output().unwrap()
}

#[test]
fn the_largest_picture_takes_the_memory_of_its_colours_however_deep_it_is() {
    let project = project(2);
    // Nearly as many pixels as are decoded at all: 265 MB as RGB, and 707 MB as they lie in the file.
    fs_err::write(project.path("images/dog/deep.png"), deep_png(9400)).unwrap();
    let output = run_within(&project, 700, "items.yaml pixels");
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains(r#""images":3"#), "{told}");
}

#[test]
fn unpacking_takes_the_memory_of_a_few_images_however_many_there_are() {
    let project = project(1);
    // 256 images of 1 MB in groups of 16: the file has more bytes than there is memory.
    let picture = fs_err::read(project.path("images/cat/00000.png")).unwrap();
    let groups = (0..16).map(|group| {
        let row = |number: u8| ImageRow {
            bytes: [&picture[..], &vec![group * 16 + number; 1 << 20]].concat(),
            path: format!("{group}_{number}.png"),
            domain: "photo",
            label: i64::from(number % 2),
        };
        (0..16).map(row).collect()
    });
    parquet_file::write(&project.path("packed/train.parquet"), &["cat", "dog"], groups);
    let pipeline = "
pipeline: packed
sources: { packed: { path: packed, kind: folder/1 } }
stages: { images: { uses: unpack-images, inputs: { table: packed } } }
";
    fs_err::write(project.path("packed.yaml"), pipeline).unwrap();
    let output = run_within(&project, 200, "packed.yaml");
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains(r#""images":256"#), "{told}");
}
