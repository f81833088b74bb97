//! The arrays of a trained head, parted into what training decides and what rounding does. A test of the library reads this
//! file too, so that there is one list of what may differ.

use std::collections::BTreeMap;

/// How far a running mean, less the bias before it, may be from that of another computation: it lags the bias by
/// 1 / momentum steps of the learning rate, and each of both biases went its own way meanwhile.
pub(crate) const MEANS_BOUND: f32 = 2.0 * 1e-3 / 0.1 + 5e-3;

/// The arrays of one head, by their names in `PyTorch`.
pub(crate) struct HeadArrays {
    /// What two computations agree on.
    pub(crate) decided: BTreeMap<String, Vec<f32>>,
    /// The running means of normalisations, less the biases before them.
    pub(crate) means: BTreeMap<String, Vec<f32>>,
}

impl HeadArrays {
    /// Leaves out each bias before a normalisation: what it adds is subtracted again, so it has no gradient but rounding
    /// noise, which Adam blows up to steps of the learning rate. The running mean follows that bias.
    pub(crate) fn new(arrays: BTreeMap<String, Vec<f32>>) -> Self {
        let (mut decided, mut means) = (BTreeMap::new(), BTreeMap::new());
        for (name, values) in &arrays {
            let of_layer = |prefix: &str, suffix: &str| name.strip_prefix(prefix)?.strip_suffix(suffix);
            if let Some(layer) = of_layer("layers.", ".bias")
                && arrays.contains_key(&format!("bns.{layer}.running_mean"))
            {
                continue;
            }
            match of_layer("bns.", ".running_mean") {
                Some(layer) => {
                    let biases = &arrays[&format!("layers.{layer}.bias")];
                    means.insert(name.clone(), values.iter().zip(biases).map(|(mean, bias)| mean - bias).collect());
                }
                None => {
                    decided.insert(name.clone(), values.clone());
                }
            }
        }
        Self { decided, means }
    }

    /// The running mean that is farther from the other's than [`MEANS_BOUND`], if there is one.
    pub(crate) fn stray_mean(&self, other: &Self) -> Option<&str> {
        assert!(self.means.keys().eq(other.means.keys()));
        let strays = |(one, other): (&Vec<f32>, &Vec<f32>)| {
            // What is no number is no closer than the bound either.
            one.len() != other.len() || !one.iter().zip(other).all(|(one, other)| (one - other).abs() < MEANS_BOUND)
        };
        let mut pairs = self.means.iter().zip(other.means.values());
        pairs.find(|((_, one), other)| strays((one, other))).map(|((name, _), _)| name.as_str())
    }
}
