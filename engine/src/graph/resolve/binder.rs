//! Binding the cells of a stage to their configs.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::resolver::place;
use crate::command::CommandStage;
use crate::environment::Environment;
use crate::graph::params::CellScope;
use crate::spec::{Mistake, Node, StageSpec, substitute_all};
use crate::stage::{Bind, BoundStage, Kind};

/// Makes the work of a stage's cells; a config without axes is decoded once.
pub(super) enum Binder<'a> {
    Native { bind: Bind, config: Node, shared: Shared },
    Command { stage: &'a StageSpec, environment: &'a Environment, kinds: &'a BTreeSet<Kind>, root: &'a Path },
}

/// Whether one decoded config serves all cells.
pub(super) enum Shared {
    Never,
    NotYet,
    Bound(Arc<dyn BoundStage>),
}

impl Binder<'_> {
    pub(super) fn bind(&mut self, scope: &CellScope<'_>) -> Result<Arc<dyn BoundStage>, Vec<Mistake>> {
        match self {
            Self::Native { shared: Shared::Bound(work), .. } => Ok(Arc::clone(work)),
            Self::Native { bind, config, shared } => {
                let mut mistakes = Vec::new();
                let substituted = substitute_all(config, scope, &mut mistakes);
                let bound = bind(&substituted);
                if !mistakes.is_empty() {
                    // A reference that means nothing fits no type either.
                    let places: BTreeSet<_> = mistakes.iter().map(place).collect();
                    let others = bound.err().unwrap_or_default();
                    mistakes.extend(others.into_iter().filter(|mistake| !places.contains(&place(mistake))));
                    return Err(mistakes);
                }
                let work: Arc<dyn BoundStage> = bound?.into();
                if matches!(shared, Shared::NotYet) {
                    *shared = Shared::Bound(Arc::clone(&work));
                }
                Ok(work)
            }
            Self::Command { stage, environment, kinds, root } => {
                Ok(Arc::new(CommandStage::bind(stage, scope, environment, kinds, root)?))
            }
        }
    }
}
