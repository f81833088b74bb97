//! A backbone made ready for the processor's cores, once for all cells that embed with it at the same time.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use dgpipe_engine::stage::{Digest, Format, FormatError, View};

use super::Backbone;
use crate::images::ImageTransform;
use crate::nets::vit::PackedVit;

/// A backbone whose weights are packed.
#[derive(Debug)]
pub struct PackedBackbone {
    /// What happens to a picture before the net.
    pub transform: ImageTransform,
    /// The net.
    pub net: PackedVit,
}

/// What tells backbones apart: the digests of their files.
type Name = [Digest; 3];

/// The backbones in use. Weights are hundreds of megabytes, and cells of several domains embed with the same ones.
static IN_USE: Mutex<Vec<(Name, Weak<PackedBackbone>)>> = Mutex::new(Vec::new());

impl PackedBackbone {
    /// Reads a backbone, or joins those who use it already.
    pub fn of(view: &View) -> Result<Arc<Self>, FormatError> {
        let digest = |name: &str| -> Result<Digest, FormatError> { Ok(view.at(name)?.digest()?) };
        let name = [digest(Backbone::CONFIG)?, digest(Backbone::PREPROCESSOR)?, digest(Backbone::MODEL)?];
        // Held while reading, so that others wait for these weights instead of reading their own.
        let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.retain(|(_, backbone)| backbone.strong_count() > 0);
        let known = in_use.iter().find(|(known, _)| *known == name).and_then(|(_, backbone)| backbone.upgrade());
        if let Some(backbone) = known {
            return Ok(backbone);
        }
        let Backbone { transform, weights } = Backbone::read(view)?;
        let backbone = Arc::new(Self { transform, net: PackedVit::new(weights) });
        in_use.push((name, Arc::downgrade(&backbone)));
        Ok(backbone)
    }
}
