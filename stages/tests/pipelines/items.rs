//! Embedding what was not embedded before, and nothing else: the bytes are those of embedding everything.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

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
fn project(pictures: u32) -> Project {
    let project = Project::new();
    fs_err::write(project.path("items.yaml"), PIPELINE).unwrap();
    let tiny = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/vit/tiny");
    crate::project::copy(tiny.as_ref(), &project.path("backbone"));
    add(&project, 0..pictures);
    project
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
    // A chunk of 32 pictures may have been on its way.
    assert!(embedded.parse::<u32>().unwrap() <= 900 - 200 + 32, "{notes:?}");
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
