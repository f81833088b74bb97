//! `backbone/1`: a frozen Vision Transformer in Hugging Face's layout: `config.json`, `preprocessor_config.json`,
//! `model.safetensors`.

use std::path::Path;

use dgpipe_engine::stage::{Form, Format, FormatError, Kind, View, WriteFormat};

use super::mistakes::Mistakes;
use crate::images::ImageTransform;
use crate::nets::vit::{VitShape, VitWeights};
use crate::nets::weight_file::{SafetensorsFile, WeightFiles};

/// A Vision Transformer and the transform of its pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Backbone {
    /// What happens to a picture before the net.
    pub transform: ImageTransform,
    /// The net.
    pub weights: VitWeights,
}

impl Backbone {
    /// The sizes of the net.
    pub const CONFIG: &'static str = "config.json";
    /// The transform.
    pub const PREPROCESSOR: &'static str = "preprocessor_config.json";
    /// The weights.
    pub const MODEL: &'static str = "model.safetensors";

    /// Puts the parts together. The error names every mistake.
    fn from_folder(view: &View) -> Result<Self, FormatError> {
        let bytes = |name: &str| -> Result<Vec<u8>, FormatError> { Ok(view.at(name)?.bytes()?) };
        let mut mistakes = Mistakes::default();
        let shape = mistakes.of(Self::CONFIG, VitShape::from_json(&bytes(Self::CONFIG)?));
        let transform = mistakes.of(Self::PREPROCESSOR, ImageTransform::from_json(&bytes(Self::PREPROCESSOR)?));
        if let (Some(shape), Some(transform)) = (&shape, &transform)
            && shape.image != transform.size
        {
            let what = format!("`size` is {}, but `image_size` in {} is {}", transform.size, Self::CONFIG, shape.image);
            mistakes.add(Self::PREPROCESSOR, what);
        }
        // What the tensors should be is not known without the sizes.
        let weights = match &shape {
            None => None,
            Some(shape) => {
                let file = SafetensorsFile::new(bytes(Self::MODEL)?).map_err(|error| vec![error]);
                let taken = file.and_then(|file| VitWeights::from_files(shape, &WeightFiles::one(Self::MODEL, file)));
                mistakes.of(Self::MODEL, taken)
            }
        };
        match (transform, weights) {
            (Some(transform), Some(taken)) if mistakes.is_empty() => Ok(Self { transform, weights: taken.weights }),
            _ => Err(mistakes.into_error(view)),
        }
    }
}

impl Format for Backbone {
    const KIND: Kind = Kind::new("backbone/1");
    const FORM: Form = Form::Folder;

    fn read(view: &View) -> Result<Self, FormatError> {
        Self::from_folder(view)
    }
}

impl WriteFormat for Backbone {
    fn write(&self, path: &Path) -> Result<(), FormatError> {
        fs_err::create_dir_all(path)?;
        fs_err::write(path.join(Self::CONFIG), self.weights.shape().to_json())?;
        fs_err::write(path.join(Self::PREPROCESSOR), self.transform.to_json())?;
        fs_err::write(path.join(Self::MODEL), self.weights.to_safetensors())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Tensor, TensorData};
    use safetensors::tensor::{SafeTensors, serialize};

    use super::*;
    use crate::device::Device;
    use crate::images::decode;

    fn golden(name: &str) -> String {
        format!("{}/tests/golden/vit/{name}", env!("CARGO_MANIFEST_DIR"))
    }

    fn tiny() -> Backbone {
        Backbone::read(&View::disk(golden("tiny"))).unwrap()
    }

    /// A copy of the tiny net whose file of weights went through a change.
    fn changed(
        change: impl Fn(&mut Vec<(String, safetensors::tensor::TensorView<'_>)>),
    ) -> Result<Backbone, FormatError> {
        let folder = tempfile::tempdir().unwrap();
        for name in [Backbone::CONFIG, Backbone::PREPROCESSOR] {
            fs_err::copy(golden(&format!("tiny/{name}")), folder.path().join(name)).unwrap();
        }
        let bytes = fs_err::read(golden("tiny/model.safetensors")).unwrap();
        let mut tensors = SafeTensors::deserialize(&bytes).unwrap().tensors();
        change(&mut tensors);
        fs_err::write(folder.path().join(Backbone::MODEL), serialize(tensors, None).unwrap()).unwrap();
        Backbone::read(&View::disk(folder.path()))
    }

    #[test]
    fn the_embedding_is_that_of_the_original_code() {
        let backbone = tiny();
        let picture = decode(&fs_err::read(golden("picture.png")).unwrap()).unwrap();
        let device = Device::cpu();
        let data = TensorData::new(backbone.transform.apply(&picture), [1, 3, 32, 32]);
        let net = backbone.weights.net(device.tensors());
        let found: Vec<f32> =
            net.forward(Tensor::from_data(data, device.tensors())).into_data().try_into_vec().unwrap();
        let expected: Vec<f32> = serde_json::from_slice(&fs_err::read(golden("embedding.json")).unwrap()).unwrap();
        assert_eq!(found.len(), expected.len());
        let largest = expected.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let worst = found.iter().zip(&expected).fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
        assert!(worst / largest < 1e-5, "relative difference {}", worst / largest);
    }

    #[test]
    fn a_backbone_survives_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backbone");
        tiny().write(&path).unwrap();
        assert!(Backbone::read(&View::disk(&path)).unwrap() == tiny());
    }

    #[test]
    fn names_may_have_the_prefix_of_a_part() {
        let prefixed = changed(|tensors| {
            for (name, _) in tensors {
                name.insert_str(0, "vit.");
            }
        });
        assert!(prefixed.unwrap() == tiny());
    }

    #[test]
    fn the_pooler_may_be_missing() {
        let without = changed(|tensors| tensors.retain(|(name, _)| !name.starts_with("pooler")));
        assert!(without.unwrap() == tiny());
    }

    #[test]
    fn every_tensor_that_does_not_fit_is_named_with_what_was_expected() {
        let error = changed(|tensors| {
            tensors.retain(|(name, _)| name != "layernorm.weight");
            let bias = tensors.iter().find(|(name, _)| name == "layernorm.bias").unwrap().1.clone();
            tensors.push(("classifier.weight".to_owned(), bias.clone()));
            for (name, tensor) in tensors.iter_mut() {
                if name == "embeddings.cls_token" {
                    *tensor = bias.clone();
                }
            }
        });
        let error = error.unwrap_err().to_string();
        for expected in [
            "tensor `layernorm.weight` [32] is missing",
            "tensor `classifier.weight` [32] does not belong",
            "tensor `embeddings.cls_token` has shape [32]; expected [1, 1, 32]",
        ] {
            assert!(error.contains(expected), "{error}");
        }
    }
}
