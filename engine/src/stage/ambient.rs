//! A typed map through which the binary lends things, such as a device, to stages.

use std::any::{Any, TypeId, type_name};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::StageError;

/// Values by their type, which the engine carries and never looks at.
#[derive(Clone, Default)]
pub struct Ambient {
    values: BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>,
}

impl Ambient {
    /// Adds a value, replacing one of the same type.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.values.insert(TypeId::of::<T>(), Arc::new(value));
        self
    }

    /// Returns the value of type `T`, or an error that names the type.
    pub fn get<T: Send + Sync + 'static>(&self) -> Result<&T, StageError> {
        self.values
            .get(&TypeId::of::<T>())
            .and_then(|value| value.downcast_ref())
            .ok_or_else(|| StageError::new(format!("this program lends no `{}` to its stages", type_name::<T>())))
    }
}

impl std::fmt::Debug for Ambient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ambient({} values)", self.values.len())
    }
}
