//! The tensors of one net, in one file or in several.

use std::collections::BTreeMap;
use std::fmt;

use super::{TensorFile, TensorForm};

/// Files whose tensors belong together.
#[derive(Default)]
pub struct WeightFiles {
    files: Vec<(String, Box<dyn TensorFile>)>,
    /// In which file a tensor is.
    places: BTreeMap<String, usize>,
}

impl WeightFiles {
    /// Takes one file.
    pub fn one(name: &str, file: impl TensorFile + 'static) -> Self {
        let mut files = Self::default();
        files.add(name, Box::new(file));
        files
    }

    /// Takes another file. Returns the names of tensors that an earlier file has already, which stay there.
    pub fn add(&mut self, name: &str, file: Box<dyn TensorFile>) -> Vec<String> {
        let mut twice = Vec::new();
        for tensor in file.names() {
            if self.places.contains_key(&tensor) {
                twice.push(tensor);
            } else {
                self.places.insert(tensor, self.files.len());
            }
        }
        self.files.push((name.to_owned(), file));
        twice
    }

    /// The names of all tensors, in byte order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// The name of the file that has a tensor.
    pub fn place(&self, name: &str) -> Option<&str> {
        self.places.get(name).map(|&place| self.files[place].0.as_str())
    }

    /// What its file says of a tensor.
    pub fn form(&self, name: &str) -> Option<TensorForm> {
        self.places.get(name).and_then(|&place| self.files[place].1.form(name))
    }

    /// The numbers of a tensor that must be finite 32-bit floats of that shape. The error is a sentence.
    pub fn read(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
        let form = self.form(name).ok_or_else(|| format!("tensor `{name}` {shape:?} is missing"))?;
        if form.shape != shape {
            return Err(format!("tensor `{name}` has shape {:?}; expected {shape:?}", form.shape));
        }
        if form.number != "F32" {
            return Err(format!("tensor `{name}` is {}; expected F32", form.number));
        }
        let values = self.files[self.places[name]].1.read(name).map_err(|error| format!("tensor `{name}`: {error}"))?;
        if values.len() != shape.iter().product::<usize>() {
            return Err(format!("tensor `{name}` has {} numbers; its shape {shape:?} asks for others", values.len()));
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(format!("tensor `{name}` has numbers that are not finite"));
        }
        Ok(values)
    }
}

impl fmt::Debug for WeightFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.files.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("WeightFiles").field("files", &names).field("tensors", &self.places.len()).finish()
    }
}
