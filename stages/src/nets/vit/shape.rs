//! The sizes of a Vision Transformer, as `config.json` of Hugging Face's layout has them.

use serde::Deserialize;

/// The sizes of a Vision Transformer, checked against each other.
#[derive(Clone, Debug, PartialEq)]
pub struct VitShape {
    /// The width of a token.
    pub hidden: usize,
    /// How many blocks.
    pub layers: usize,
    /// How many heads of attention in a block.
    pub heads: usize,
    /// The width inside a block's perceptron.
    pub mlp: usize,
    /// The side of the square picture in pixels.
    pub image: usize,
    /// The side of a square patch in pixels.
    pub patch: usize,
    /// Colours of a pixel.
    pub channels: usize,
    /// What the norms add to a variance.
    pub eps: f64,
    /// Whether query, key and value have biases.
    pub qkv_bias: bool,
}

/// What is used of `config.json`. The defaults are those of `ViTConfig`, which leaves them out of its files.
#[derive(Deserialize)]
#[serde(default)]
struct Config {
    model_type: String,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    image_size: Side,
    patch_size: Side,
    num_channels: usize,
    layer_norm_eps: f64,
    qkv_bias: bool,
    hidden_act: String,
}

/// The side of a square, or both sides.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Side {
    One(usize),
    Two([usize; 2]),
}

impl Side {
    /// The side of the square; 0, which no check lets through, where both differ.
    fn of_square(self) -> usize {
        match self {
            Self::One(side) => side,
            Self::Two([height, width]) => {
                if height == width {
                    height
                } else {
                    0
                }
            }
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model_type: "vit".to_owned(),
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            image_size: Side::One(224),
            patch_size: Side::One(16),
            num_channels: 3,
            layer_norm_eps: 1e-12,
            qkv_bias: true,
            hidden_act: "gelu".to_owned(),
        }
    }
}

/// No size may exceed this, so that products of sizes cannot overflow.
const LARGEST: usize = 1 << 16;

impl VitShape {
    /// Reads `config.json`. Returns every mistake.
    pub fn from_json(json: &[u8]) -> Result<Self, Vec<String>> {
        let read: Config = serde_json::from_slice(json).map_err(|error| vec![error.to_string()])?;
        let mut mistakes = Vec::new();
        if read.model_type != "vit" {
            mistakes.push(format!("`model_type` must be `vit`, not `{}`", read.model_type));
        }
        if read.hidden_act != "gelu" {
            mistakes.push(format!("`hidden_act` must be `gelu` (exact), not `{}`", read.hidden_act));
        }
        let shape = Self {
            hidden: read.hidden_size,
            layers: read.num_hidden_layers,
            heads: read.num_attention_heads,
            mlp: read.intermediate_size,
            image: read.image_size.of_square(),
            patch: read.patch_size.of_square(),
            channels: read.num_channels,
            eps: read.layer_norm_eps,
            qkv_bias: read.qkv_bias,
        };
        mistakes.extend(shape.mistakes());
        if mistakes.is_empty() { Ok(shape) } else { Err(mistakes) }
    }

    /// What is wrong with the sizes, in the words of `config.json`.
    pub fn mistakes(&self) -> Vec<String> {
        let sizes = [
            ("hidden_size", self.hidden),
            ("num_hidden_layers", self.layers),
            ("num_attention_heads", self.heads),
            ("intermediate_size", self.mlp),
            ("image_size", self.image),
            ("patch_size", self.patch),
        ];
        let out_of_range = sizes.iter().filter(|(_, size)| !(1..=LARGEST).contains(size));
        let mut mistakes: Vec<String> =
            out_of_range.map(|(name, size)| format!("`{name}` must be between 1 and {LARGEST}, not {size}")).collect();
        if self.channels != 3 {
            mistakes.push(format!("`num_channels` must be 3, not {}", self.channels));
        }
        if !(self.eps.is_finite() && self.eps > 0.0) {
            mistakes.push(format!("`layer_norm_eps` must be above 0, not {}", self.eps));
        }
        if mistakes.is_empty() && !self.hidden.is_multiple_of(self.heads) {
            mistakes.push(format!(
                "`hidden_size` {} must be a multiple of `num_attention_heads` {}",
                self.hidden, self.heads
            ));
        }
        if mistakes.is_empty() && !self.image.is_multiple_of(self.patch) {
            mistakes.push(format!("`image_size` {} must be a multiple of `patch_size` {}", self.image, self.patch));
        }
        mistakes
    }

    /// Writes `config.json`, with a trailing newline.
    pub fn to_json(&self) -> String {
        let json = serde_json::json!({
            "architectures": ["ViTModel"],
            "attention_probs_dropout_prob": 0.0,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.0,
            "hidden_size": self.hidden,
            "image_size": self.image,
            "intermediate_size": self.mlp,
            "layer_norm_eps": self.eps,
            "model_type": "vit",
            "num_attention_heads": self.heads,
            "num_channels": self.channels,
            "num_hidden_layers": self.layers,
            "patch_size": self.patch,
            "qkv_bias": self.qkv_bias,
        });
        format!("{json:#}\n")
    }

    /// How many tokens a picture becomes: its patches and CLS.
    pub fn tokens(&self) -> usize {
        (self.image / self.patch).pow(2) + 1
    }

    /// The name and shape of every tensor, without the pooler, in the order of the forward pass.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let (hidden, mlp) = (self.hidden, self.mlp);
        let patch = vec![hidden, self.channels, self.patch, self.patch];
        let mut tensors = vec![
            ("embeddings.cls_token".to_owned(), vec![1, 1, hidden]),
            ("embeddings.position_embeddings".to_owned(), vec![1, self.tokens(), hidden]),
            ("embeddings.patch_embeddings.projection.weight".to_owned(), patch),
            ("embeddings.patch_embeddings.projection.bias".to_owned(), vec![hidden]),
        ];
        for layer in 0..self.layers {
            let mut add = |name: &str, shape: Vec<usize>| {
                tensors.push((format!("encoder.layer.{layer}.{name}"), shape));
            };
            for part in ["query", "key", "value"] {
                add(&format!("attention.attention.{part}.weight"), vec![hidden, hidden]);
                if self.qkv_bias {
                    add(&format!("attention.attention.{part}.bias"), vec![hidden]);
                }
            }
            for (part, inputs, outputs) in
                [("attention.output", hidden, hidden), ("intermediate", hidden, mlp), ("output", mlp, hidden)]
            {
                add(&format!("{part}.dense.weight"), vec![outputs, inputs]);
                add(&format!("{part}.dense.bias"), vec![outputs]);
            }
            for norm in ["layernorm_before", "layernorm_after"] {
                add(&format!("{norm}.weight"), vec![hidden]);
                add(&format!("{norm}.bias"), vec![hidden]);
            }
        }
        tensors.push(("layernorm.weight".to_owned(), vec![hidden]));
        tensors.push(("layernorm.bias".to_owned(), vec![hidden]));
        tensors
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_config_is_vit_base() {
        let shape = VitShape::from_json(b"{}").unwrap();
        let tensors = shape.tensors();
        // 200 tensors and 86,389,248 numbers with the pooler's two tensors (768·768 + 768 numbers).
        assert_eq!(tensors.len() + 2, 200);
        let numbers: usize = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>()).sum();
        assert_eq!(numbers, 85_798_656);
        assert_eq!(numbers + 768 * 768 + 768, 86_389_248);
    }

    #[test]
    fn a_shape_survives_its_file() {
        let shape = VitShape { eps: 1e-6, qkv_bias: false, ..VitShape::from_json(b"{}").unwrap() };
        assert_eq!(VitShape::from_json(shape.to_json().as_bytes()), Ok(shape));
    }

    #[test]
    fn all_mistakes_are_named() {
        let json = br#"{"model_type": "deit", "hidden_act": "gelu_new", "patch_size": 0, "num_channels": 1}"#;
        assert_eq!(VitShape::from_json(json).unwrap_err().len(), 4);
        for (json, expected) in [
            (r#"{"num_attention_heads": 5}"#, "`hidden_size` 768 must be a multiple"),
            (r#"{"image_size": 100}"#, "`image_size` 100 must be a multiple"),
            (r#"{"hidden_size": -1}"#, "invalid value"),
        ] {
            let mistakes = VitShape::from_json(json.as_bytes()).unwrap_err();
            assert!(mistakes[0].contains(expected), "{mistakes:?}");
        }
    }
}
