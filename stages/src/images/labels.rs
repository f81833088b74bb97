//! The classes of images as numbers.

use std::collections::BTreeSet;

use dgpipe_engine::stage::StageError;

use crate::formats::ImageFolder;

/// The class list of images: the one given, which must have every class found, else the folders of classes, also those
/// without files.
pub fn class_list(images: &ImageFolder, given: Option<&[String]>) -> Result<Vec<String>, StageError> {
    let Some(given) = given else {
        return Ok(images.class_folders.clone());
    };
    let known: BTreeSet<&String> = given.iter().collect();
    if known.len() != given.len() {
        return Err(StageError::new(format!("`classes` names a class twice: [{}]", given.join(", "))));
    }
    let unknown: Vec<&str> = images.classes.iter().filter(|class| !known.contains(class)).map(String::as_str).collect();
    if !unknown.is_empty() {
        let (unknown, given) = (unknown.join(", "), given.join(", "));
        return Err(StageError::new(format!("the images have classes [{unknown}] that `classes` [{given}] lacks")));
    }
    Ok(given.to_vec())
}

/// The place of each image's class in the list.
pub fn labels(images: &ImageFolder, classes: &[String]) -> Vec<i64> {
    let place = |class: &String| classes.iter().position(|known| known == class);
    let label = |class: &String| place(class).expect("the list has every class found") as i64;
    images.items.iter().map(|item| label(&item.class)).collect()
}
