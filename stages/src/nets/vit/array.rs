//! Numbers on the host with a shape: a tensor before it goes to a device, or after it came back.

/// Row-major 32-bit floats.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Array {
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// The numbers, as many as the product of the shape.
    pub values: Vec<f32>,
}
