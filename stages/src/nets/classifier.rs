//! A trained head ready to classify.

use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Array2, ArrayView2};

use super::{Head, RunningStatistics};
use crate::formats::{HeadArchitecture, Role, Weights};

/// A head with its weights on a device: dropout off, batches normalised by the running statistics.
pub struct Classifier {
    head: Head,
    parts: Vec<Tensor<2>>,
    statistics: Option<RunningStatistics>,
    device: Device,
}

/// So many rows at a time: enough to be quick, and so few that no product is split among threads, which could make its
/// rounding depend on their number.
const ROWS: usize = 256;

impl Classifier {
    /// Puts weights on a device.
    pub fn new(weights: &Weights, device: &Device) -> Self {
        let head = Head::new(weights.head().clone());
        let flat = Tensor::from_data(head.parameters().flatten(&weights.tensors, 0.0).as_slice(), device);
        let parts = head.parameters().split(&flat);
        let statistics = running_statistics(weights, device);
        Self { head, parts, statistics, device: device.clone() }
    }

    /// Puts together what training has in its hands.
    pub(crate) fn from_parts(
        head: Head,
        parts: Vec<Tensor<2>>,
        statistics: Option<RunningStatistics>,
        device: Device,
    ) -> Self {
        Self { head, parts, statistics, device }
    }

    /// One row of logits per sample, one column per class. `vectors` must be as wide as the head's input.
    #[expect(clippy::needless_pass_by_value, reason = "a view is a reference already")]
    pub fn logits(&self, vectors: ArrayView2<'_, f32>) -> Array2<f32> {
        let tensor = upload(vectors, &self.device);
        self.tensor_logits(&tensor)
    }

    /// The logits of samples that lie on the device already.
    pub(crate) fn tensor_logits(&self, samples: &Tensor<2>) -> Array2<f32> {
        let rows = samples.dims()[0];
        let mut logits = Vec::with_capacity(rows * self.head.architecture().classes.len());
        for start in (0..rows).step_by(ROWS) {
            let part = samples.clone().narrow(0, start, ROWS.min(rows - start));
            let part = self.head.forward(&self.parts, self.statistics.as_ref(), part.transpose()).transpose();
            logits.extend(part.into_data().try_to_vec::<f32>().expect("logits are f32"));
        }
        Array2::from_shape_vec((rows, self.head.architecture().classes.len()), logits)
            .expect("there is a row of logits per sample")
    }
}

/// The running statistics of all blocks one after another, where the head normalises.
pub(crate) fn running_statistics(weights: &Weights, device: &Device) -> Option<RunningStatistics> {
    let head = weights.head();
    let gather = |ending: &str| -> Vec<f32> {
        let names =
            head.tensors().into_iter().filter(|(name, _, role)| *role == Role::Buffer && name.ends_with(ending));
        names.flat_map(|(name, ..)| weights.tensors[&name].iter().copied().collect::<Vec<_>>()).collect()
    };
    let normalises = head.batch_norm && !head.hidden.is_empty();
    normalises.then(|| RunningStatistics::new(&gather("running_mean"), &gather("running_var"), device))
}

/// Puts a matrix on a device.
#[expect(clippy::needless_pass_by_value, reason = "a view is a reference already")]
pub(crate) fn upload(matrix: ArrayView2<'_, f32>, device: &Device) -> Tensor<2> {
    let shape = [matrix.nrows(), matrix.ncols()];
    Tensor::from_data(TensorData::new(matrix.iter().copied().collect::<Vec<f32>>(), shape), device)
}

/// Whether the architectures classify the same vectors into the same classes, and if not, what differs.
pub(crate) fn mismatch(head: &HeadArchitecture, width: usize, classes: &[String]) -> Option<String> {
    if head.input != width {
        return Some(format!("the head takes vectors of width {}, the embeddings have {width}", head.input));
    }
    (head.classes != classes).then(|| {
        format!("the head's classes are [{}], the embeddings' [{}]", head.classes.join(", "), classes.join(", "))
    })
}
