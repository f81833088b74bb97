//! Named tensors of a network side by side in one flat tensor, so that an optimiser's step is a handful of operations
//! instead of a handful per tensor.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use ndarray::ArrayD;

/// Where each named tensor lies in a flat one. Tensors have one or two dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlatLayout {
    entries: Vec<Entry>,
    length: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    start: usize,
    length: usize,
}

impl Entry {
    /// The shape as a matrix; a vector is one row.
    fn matrix(&self) -> [usize; 2] {
        match self.shape[..] {
            [rows, columns] => [rows, columns],
            _ => [1, self.length],
        }
    }
}

impl FlatLayout {
    /// Lays tensors out one after another.
    pub fn new(tensors: impl IntoIterator<Item = (String, Vec<usize>)>) -> Self {
        let mut layout = Self { entries: Vec::new(), length: 0 };
        for (name, shape) in tensors {
            let length = shape.iter().product();
            layout.entries.push(Entry { name, shape, start: layout.length, length });
            layout.length += length;
        }
        layout
    }

    /// The number of values in all.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The names with their shapes, in order.
    pub fn names(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.entries.iter().map(|entry| (entry.name.as_str(), entry.shape.as_slice()))
    }

    /// Puts the values of all tensors one after another; a name without an array gets `missing`.
    /// The arrays must have the layout's shapes.
    pub fn flatten<T: Copy>(&self, arrays: &BTreeMap<String, ArrayD<T>>, missing: T) -> Vec<T> {
        let mut values = Vec::with_capacity(self.length);
        for entry in &self.entries {
            match arrays.get(&entry.name) {
                Some(array) => values.extend(array.iter().copied()),
                None => values.extend(std::iter::repeat_n(missing, entry.length)),
            }
        }
        values
    }

    /// Takes a flat list apart into named arrays.
    pub fn unflatten(&self, values: &[f32]) -> BTreeMap<String, ArrayD<f32>> {
        let array = |entry: &Entry| {
            let part = values[entry.start..entry.start + entry.length].to_vec();
            ArrayD::from_shape_vec(entry.shape.clone(), part).expect("a layout's lengths follow from its shapes")
        };
        self.entries.iter().map(|entry| (entry.name.clone(), array(entry))).collect()
    }

    /// Takes a flat tensor apart into matrices, in order; vectors become one row.
    pub fn split(&self, flat: &Tensor<1>) -> Vec<Tensor<2>> {
        let part = |entry: &Entry| flat.clone().narrow(0, entry.start, entry.length).reshape(entry.matrix());
        self.entries.iter().map(part).collect()
    }

    /// Puts matrices one after another: the inverse of [`FlatLayout::split`].
    pub fn join(&self, parts: Vec<Tensor<2>>) -> Tensor<1> {
        let flat = |(part, entry): (Tensor<2>, &Entry)| part.reshape([entry.length]);
        Tensor::cat(parts.into_iter().zip(&self.entries).map(flat).collect(), 0)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn what_is_laid_out_is_taken_apart_again() {
        let layout = FlatLayout::new([("w".to_owned(), vec![2, 3]), ("b".to_owned(), vec![2])]);
        let flat = Tensor::<1>::from_floats([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], &Device::flex());
        let parts = layout.split(&flat);
        assert_eq!((parts[0].dims(), parts[1].dims()), ([2, 3], [1, 2]));
        let joined: Vec<f32> = layout.join(parts).to_data().try_to_vec().unwrap();
        let arrays = layout.unflatten(&joined);
        assert_eq!(arrays["b"].as_slice().unwrap(), [6.0, 7.0]);
        assert_eq!(layout.flatten(&arrays, f32::NAN), joined);
        assert_eq!(layout.flatten(&BTreeMap::new(), true), [true; 8]);
    }
}
