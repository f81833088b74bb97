//! Numbers in rows whose starts are as far apart as whole vectors.

/// The widest vector of any processor, in numbers.
pub(super) const WIDEST: usize = 16;

/// A matrix `[rows, width]` of which each row is filled up to a multiple of the widest vector.
#[derive(Clone, Debug, Default)]
pub(super) struct Plane {
    values: Vec<f32>,
    width: usize,
    stride: usize,
}

impl Plane {
    /// Zeros.
    pub(super) fn zeros(rows: usize, width: usize) -> Self {
        let stride = width.next_multiple_of(WIDEST);
        Self { values: vec![0.0; rows * stride], width, stride }
    }

    /// The length of a row without what fills it up.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// From the start of a row to that of the next.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// How many rows.
    pub(super) fn rows(&self) -> usize {
        self.values.len() / self.stride
    }

    /// From the start of a row on, and of a column in it.
    pub(super) fn rest(&self, row: usize, column: usize) -> &[f32] {
        &self.values[row * self.stride + column..]
    }

    /// From the start of a row on, and of a column in it, to be written.
    pub(super) fn rest_mut(&mut self, row: usize, column: usize) -> &mut [f32] {
        &mut self.values[row * self.stride + column..]
    }

    /// A row with what fills it up.
    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.rest(row, 0)[..self.stride]
    }

    /// A row with what fills it up, to be written.
    pub(super) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        let stride = self.stride;
        &mut self.rest_mut(row, 0)[..stride]
    }
}
