//! What network the tensors of `weights/1` belong to.

use serde::{Deserialize, Serialize};

/// The network that weights belong to, told apart by `kind`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Architecture {
    /// A classification head on frozen embeddings.
    Head(HeadArchitecture),
}

/// Blocks of Linear → `BatchNorm1d` → `ReLU` → Dropout, then a Linear classifier
/// (two-phase weight importance, section 3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadArchitecture {
    /// The width of the embeddings.
    pub input: usize,
    /// The width of each block; empty for a linear probe.
    pub hidden: Vec<usize>,
    /// The names of the classes, in the order of the logits.
    pub classes: Vec<String>,
    /// Whether each block normalises its batch.
    pub batch_norm: bool,
    /// The share of each block's outputs that training drops; 0 switches dropout off.
    pub dropout: f64,
}

/// What a tensor of a network is to training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weight or bias of a Linear layer: trained, has importance, can be masked.
    Linear,
    /// Scale or shift of a batch normalisation: trained, never masked.
    Norm,
    /// Running statistics: not trained.
    Buffer,
}

impl HeadArchitecture {
    /// Every f32 tensor in `PyTorch`'s order with its shape, `[out, in]` for weights, and its role.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>, Role)> {
        let mut tensors = Vec::new();
        let mut width = self.input;
        for (index, &out) in self.hidden.iter().enumerate() {
            tensors.push((format!("layers.{index}.weight"), vec![out, width], Role::Linear));
            tensors.push((format!("layers.{index}.bias"), vec![out], Role::Linear));
            width = out;
        }
        if self.batch_norm {
            for (index, &out) in self.hidden.iter().enumerate() {
                for (name, role) in [
                    ("weight", Role::Norm),
                    ("bias", Role::Norm),
                    ("running_mean", Role::Buffer),
                    ("running_var", Role::Buffer),
                ] {
                    tensors.push((format!("bns.{index}.{name}"), vec![out], role));
                }
            }
        }
        tensors.push(("classifier.weight".to_owned(), vec![self.classes.len(), width], Role::Linear));
        tensors.push(("classifier.bias".to_owned(), vec![self.classes.len()], Role::Linear));
        tensors
    }

    /// The names of the counters of seen batches, one per batch normalisation.
    pub fn counters(&self) -> Vec<String> {
        let blocks = if self.batch_norm { self.hidden.len() } else { 0 };
        (0..blocks).map(|index| format!("bns.{index}.num_batches_tracked")).collect()
    }

    /// The number of weights that training changes.
    pub fn trainable(&self) -> usize {
        let trained = self.tensors().into_iter().filter(|(_, _, role)| *role != Role::Buffer);
        trained.map(|(_, shape, _)| shape.iter().product::<usize>()).sum()
    }

    /// Says what makes this no network, if anything does.
    pub(crate) fn mistake(&self) -> Option<String> {
        if self.input == 0 || self.hidden.contains(&0) {
            return Some("a layer of width 0 cannot be trained".to_owned());
        }
        if self.classes.is_empty() {
            return Some("a head needs at least one class".to_owned());
        }
        (!(0.0..1.0).contains(&self.dropout)).then(|| format!("`dropout` is {}, which is not in [0, 1)", self.dropout))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_the_method_has_8177_trainable_weights() {
        let classes = (0..7).map(|class| class.to_string()).collect();
        let head = HeadArchitecture { input: 768, hidden: vec![10; 4], classes, batch_norm: true, dropout: 0.2 };
        assert_eq!(head.trainable(), 8177);
        let linear = head.tensors().into_iter().filter(|(_, _, role)| *role == Role::Linear);
        assert_eq!(linear.map(|(_, shape, _)| shape.iter().product::<usize>()).sum::<usize>(), 8097);
    }

    #[test]
    fn an_architecture_names_its_kind() {
        let head =
            HeadArchitecture { input: 2, hidden: vec![], classes: vec!["a".into()], batch_norm: false, dropout: 0.0 };
        let text = serde_json::to_string(&Architecture::Head(head)).unwrap();
        assert_eq!(text, r#"{"kind":"head","input":2,"hidden":[],"classes":["a"],"batch_norm":false,"dropout":0.0}"#);
        let with_more = text.replace('{', r#"{"more":1,"#);
        assert!(serde_json::from_str::<Architecture>(&with_more).is_err());
    }
}
