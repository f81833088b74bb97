//! The erased twin of [`StageType`]: what a registry lists and what the engine executes.

use schemars::{Schema, SchemaGenerator};

use super::{Context, Ports, StageError, StageType};
use crate::spec::{Mistake, Node, decode_all};

/// A stage with its config decoded, ready to execute. The engine holds nothing else of a stage type.
pub trait BoundStage: Send + Sync {
    /// The stage type's name.
    fn type_name(&self) -> &str;
    /// The stage type's version.
    fn version(&self) -> u32;
    /// Inputs and outputs.
    fn ports(&self) -> &Ports;
    /// The decoded config in canonical form, for the fingerprint.
    fn config(&self) -> serde_json::Value;
    /// The config field that only says how far an execution goes.
    fn continues(&self) -> Option<&'static str> {
        None
    }
    /// Scarce resources held while executing.
    fn slots(&self) -> &[&'static str];
    /// Paths in the project, relative to its root, that it writes by itself.
    fn project_outputs(&self) -> Vec<String> {
        Vec::new()
    }
    /// Does the work.
    fn execute(&self, context: &mut Context<'_>) -> Result<(), StageError>;
}

/// Decodes a `config:` block, or reports every mistake with its place.
pub type Bind = fn(&Node) -> Result<Box<dyn BoundStage>, Vec<Mistake>>;

/// One line of a registry.
#[derive(Clone, Copy)]
pub struct Registered {
    /// Its name in pipeline files.
    pub name: &'static str,
    /// Raised when the same config and inputs give other outputs.
    pub version: u32,
    /// One sentence.
    pub about: &'static str,
    /// The config field that only says how far an execution goes.
    pub continues: Option<&'static str>,
    /// Inputs and outputs.
    pub ports: fn() -> Ports,
    /// The JSON Schema of its config.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Decodes its config.
    pub bind: Bind,
}

impl Registered {
    /// Registers a stage type.
    pub const fn of<S: StageType>() -> Self {
        Self {
            name: S::NAME,
            version: S::VERSION,
            about: S::ABOUT,
            continues: S::CONTINUES,
            ports: S::ports,
            schema: |generator| generator.subschema_for::<S::Config>(),
            bind: |node| {
                let config: S::Config = decode_all(node)?;
                Ok(Box::new(Bound::<S> { slots: S::slots(&config), config, ports: S::ports() }))
            },
        }
    }
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

struct Bound<S: StageType> {
    config: S::Config,
    ports: Ports,
    slots: &'static [&'static str],
}

impl<S: StageType> BoundStage for Bound<S> {
    fn type_name(&self) -> &str {
        S::NAME
    }

    fn version(&self) -> u32 {
        S::VERSION
    }

    fn ports(&self) -> &Ports {
        &self.ports
    }

    fn config(&self) -> serde_json::Value {
        serde_json::to_value(&self.config).expect("a decoded config is made of plain values")
    }

    fn continues(&self) -> Option<&'static str> {
        S::CONTINUES
    }

    fn slots(&self) -> &[&'static str] {
        self.slots
    }

    fn execute(&self, context: &mut Context<'_>) -> Result<(), StageError> {
        S::execute(&self.config, context)
    }
}
