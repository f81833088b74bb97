//! Labelled vectors on a device.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::formats::Embeddings;
use crate::nets::upload;

/// Vectors with their labels, the vectors on a device.
#[derive(Clone, Debug)]
pub struct Samples {
    /// `[n, d]`.
    pub vectors: Tensor<2>,
    /// The class of each sample.
    pub labels: Vec<usize>,
}

impl Samples {
    /// Puts embeddings on a device.
    pub fn new(embeddings: &Embeddings, device: &Device) -> Self {
        let labels = embeddings.labels.iter().map(|&label| label as usize).collect();
        Self { vectors: upload(embeddings.vectors.view(), device), labels }
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The samples at these indices, in their order.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let data: Vec<i64> = indices.iter().map(|&index| index as i64).collect();
        let tensor = Tensor::<1, Int>::from_data(TensorData::new(data, [indices.len()]), &self.vectors.device());
        let labels = indices.iter().map(|&index| self.labels[index]).collect();
        Self { vectors: self.vectors.clone().select(0, tensor), labels }
    }

    /// One row per sample with 1 at its class and 0 elsewhere: `[n, classes]`.
    pub fn one_hot(&self, classes: usize) -> Tensor<2> {
        let mut values = vec![0.0_f32; self.len() * classes];
        for (row, &label) in values.chunks_mut(classes).zip(&self.labels) {
            row[label] = 1.0;
        }
        Tensor::from_data(TensorData::new(values, [self.len(), classes]), &self.vectors.device())
    }
}
