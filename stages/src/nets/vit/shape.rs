//! The sizes of a Vision Transformer, as `config.json` of Hugging Face's layout has them.

use serde::Deserialize;
use serde::de::IgnoredAny;

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
    Other(IgnoredAny),
}

impl Side {
    /// The side of the square; a mistake where there is none.
    fn of_square(self, name: &str) -> Result<usize, String> {
        match self {
            Self::One(side) => Ok(side),
            Self::Two([height, width]) if height == width => Ok(height),
            Self::Two([height, width]) => Err(format!("`{name}` must be a square, not {height}×{width}")),
            Self::Other(_) => Err(format!("`{name}` must be a number of pixels, or two that are equal")),
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

/// More blocks than any net has: each costs a dozen names before a tensor is read.
const MOST_LAYERS: usize = 1 << 10;

/// What a picture, the scores of a head, or the rows of all tokens may take, in bytes: a few letters can claim any size, and
/// who allocates in vain is ended.
const MOST_BYTES: u64 = 1 << 30;

/// What a config calls the sizes that decide how much memory a picture takes.
#[derive(Clone, Copy, Debug)]
pub struct SizeNames {
    /// [`VitShape::image`].
    pub image: &'static str,
    /// [`VitShape::patch`].
    pub patch: &'static str,
    /// [`VitShape::hidden`].
    pub hidden: &'static str,
    /// [`VitShape::mlp`].
    pub mlp: &'static str,
}

/// The names of `config.json`.
const HUGGING_FACE: SizeNames =
    SizeNames { image: "image_size", patch: "patch_size", hidden: "hidden_size", mlp: "intermediate_size" };

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
        // Sides that are no squares fit nothing, so that nothing more is said of the sizes.
        let mut no_squares = Vec::new();
        let mut side = |side: Side, name: &str| {
            side.of_square(name).unwrap_or_else(|mistake| {
                no_squares.push(mistake);
                1
            })
        };
        let shape = Self {
            hidden: read.hidden_size,
            layers: read.num_hidden_layers,
            heads: read.num_attention_heads,
            mlp: read.intermediate_size,
            image: side(read.image_size, HUGGING_FACE.image),
            patch: side(read.patch_size, HUGGING_FACE.patch),
            channels: read.num_channels,
            eps: read.layer_norm_eps,
            qkv_bias: read.qkv_bias,
        };
        mistakes.extend(if no_squares.is_empty() { shape.mistakes() } else { no_squares });
        if mistakes.is_empty() { Ok(shape) } else { Err(mistakes) }
    }

    /// What is wrong with the sizes, in the words of `config.json`.
    pub fn mistakes(&self) -> Vec<String> {
        let sizes = [
            (HUGGING_FACE.hidden, self.hidden, LARGEST),
            ("num_hidden_layers", self.layers, MOST_LAYERS),
            ("num_attention_heads", self.heads, LARGEST),
            (HUGGING_FACE.mlp, self.mlp, LARGEST),
            (HUGGING_FACE.image, self.image, LARGEST),
            (HUGGING_FACE.patch, self.patch, LARGEST),
        ];
        let out_of_range = sizes.iter().filter(|(_, size, most)| !(1..=*most).contains(size));
        let out_of_range =
            out_of_range.map(|(name, size, most)| format!("`{name}` must be between 1 and {most}, not {size}"));
        let mut mistakes: Vec<String> = out_of_range.collect();
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
        if mistakes.is_empty() {
            mistakes.extend(self.too_large(HUGGING_FACE));
        }
        mistakes
    }

    /// What takes more memory for one picture than any net does, in the words of a config whose sizes fit each other.
    pub fn too_large(&self, names: SizeNames) -> Option<String> {
        const NUMBER: u128 = size_of::<f32>() as u128;
        let [image, tokens, hidden, mlp] =
            [self.image, self.tokens(), self.hidden, self.mlp].map(|size| size as u128 * NUMBER);
        let parts = [
            (names.image, self.image, "a picture", 3 * image * self.image as u128),
            (names.image, self.image, "the scores of a head", tokens * self.tokens() as u128),
            // Query, key and value lie side by side.
            (names.hidden, self.hidden, "the rows of all tokens", 3 * hidden * self.tokens() as u128),
            (names.mlp, self.mlp, "the rows of all tokens", mlp * self.tokens() as u128),
        ];
        let (name, size, what, bytes) = parts.into_iter().find(|(.., bytes)| *bytes > u128::from(MOST_BYTES))?;
        let tokens =
            format!("{} tokens (`{}` {}, `{}` {})", self.tokens(), names.image, self.image, names.patch, self.patch);
        Some(format!(
            "`{name}` {size} is too large: with {tokens} {what} would take {bytes} bytes; at most {MOST_BYTES} are taken"
        ))
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
    fn sizes_that_no_memory_holds_are_named_before_anything_is_allocated() {
        for (json, expected) in [
            (r#"{"image_size": 65536}"#, "`image_size` 65536 is too large: with 16777217 tokens"),
            (r#"{"image_size": 65536, "patch_size": 65536}"#, "a picture would take 51539607552 bytes"),
            (r#"{"image_size": 4000, "patch_size": 4}"#, "the scores of a head would take 4000008000004 bytes"),
            (r#"{"image_size": 1000, "patch_size": 8, "hidden_size": 49152}"#, "`hidden_size` 49152 is too large"),
            (
                r#"{"image_size": 1008, "intermediate_size": 65536, "patch_size": 9}"#,
                "`intermediate_size` 65536 is too",
            ),
        ] {
            let mistakes = VitShape::from_json(json.as_bytes()).unwrap_err();
            assert!(mistakes.len() == 1 && mistakes[0].contains(expected), "{mistakes:?}");
        }
        // More than nets have: a ViT-H with pictures of 1,024 pixels in patches of 14 has 5,330 tokens.
        let json = br#"{"image_size": 1022, "patch_size": 14, "hidden_size": 1280, "num_attention_heads": 16}"#;
        assert!(VitShape::from_json(json).is_ok());
    }

    #[test]
    fn all_mistakes_are_named() {
        let json = br#"{"model_type": "deit", "hidden_act": "gelu_new", "patch_size": 0, "num_channels": 1}"#;
        assert_eq!(VitShape::from_json(json).unwrap_err().len(), 4);
        for (json, expected) in [
            (r#"{"num_attention_heads": 5}"#, "`hidden_size` 768 must be a multiple"),
            (r#"{"image_size": 100}"#, "`image_size` 100 must be a multiple"),
            (r#"{"hidden_size": -1}"#, "invalid value"),
            (r#"{"patch_size": "16"}"#, "`patch_size` must be a number of pixels"),
            (r#"{"image_size": [12, 8]}"#, "`image_size` must be a square, not 12×8"),
            (r#"{"num_hidden_layers": 65536}"#, "`num_hidden_layers` must be between 1 and 1024, not 65536"),
        ] {
            let mistakes = VitShape::from_json(json.as_bytes()).unwrap_err();
            assert!(mistakes[0].contains(expected), "{mistakes:?}");
        }
    }
}
