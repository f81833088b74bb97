//! A plan that a run carries out exactly, or refuses.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dgpipe_engine::graph::{CellId, Graph};
use dgpipe_engine::plan::{Disagreement, Plan, PlanFile, Request, disagreements};
use serde_json::json;

use crate::arguments::Common;
use crate::session::{Session, request};
use crate::terminal::{Screen, counted, print, sanitised, say};
use crate::{Failure, Program};

/// More differences than this are only counted.
const MOST: usize = 20;

/// A plan file that was read.
pub(crate) struct ExactPlan {
    path: PathBuf,
    file: PlanFile,
}

impl ExactPlan {
    /// Reads a plan. It has params and profiles of its own, beside which the call can have none.
    pub(crate) fn read(path: &Path, common: &Common) -> Result<Self, Failure> {
        if common.profile.is_some() || !common.set.is_empty() {
            let failure = Failure::call("`--plan` and `--set` or `--profile` exclude one another");
            return Err(failure.hint("the plan says with which params and profiles it was made"));
        }
        let text =
            fs_err::read_to_string(path).map_err(|error| Failure::call(format!("cannot read the plan: {error}")))?;
        let file = PlanFile::read(&text).map_err(|what| Failure::call(format!("`{}`: {what}", path.display())))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// The call with the params and profiles of the plan.
    pub(crate) fn call(&self, common: &Common) -> Common {
        let (profile, set) = (self.file.call.profile.clone(), self.file.call.set.clone());
        Common { set, profile, ..common.clone() }
    }

    /// What the plan was made for, in this graph. Where that is not there any more, it says so.
    pub(crate) fn request(&self, graph: &Graph, common: &Common) -> Option<Request> {
        let call = &self.file.call;
        match request(graph, &call.targets, &call.force) {
            Ok(request) => Some(request),
            Err(error) => {
                let targets = call.targets.iter().chain(&call.force).cloned().collect::<Vec<_>>().join(", ");
                self.show(&[Disagreement { about: "graph", name: targets, what: error.to_string() }], common);
                None
            }
        }
    }

    /// Whether what would be done now is what the plan says. Otherwise the differences are shown.
    pub(crate) fn agrees(&self, program: &Program, session: &Session, plan: &Plan, common: &Common) -> bool {
        let call = self.file.call.clone();
        let now = PlanFile::of(&session.graph, plan, call, program.version, self.file.estimate.jobs);
        let listing =
            |digest: &dgpipe_cache::Digest| session.store.listing(digest).or_else(|| plan.sources.listing(digest));
        let found = disagreements(&self.file, &now, &listing);
        if !found.is_empty() {
            self.show(&found, common);
        }
        found.is_empty()
    }

    /// Says why the plan is refused.
    fn show(&self, found: &[Disagreement], common: &Common) {
        if common.json {
            print(&format!("{}\n", json!({ "event": "plan-refused", "differences": found })));
            return;
        }
        let mut text = format!(" the plan `{}` is not what would be done now\n", self.path.display());
        for Disagreement { about, name, what } in found.iter().take(MOST) {
            text.push_str(&format!("  {about:8}  {name}: {what}\n"));
        }
        if found.len() > MOST {
            text.push_str(&format!("  and {}\n", counted(found.len() - MOST, "more difference")));
        }
        text.push_str("nothing was run; `dgpipe plan` shows what would be done now\n");
        say(&format!("{}{}", Screen::new(common).paint("31;1", "refused:"), sanitised(&text)));
    }

    /// The cells that the plan lets execute.
    pub(crate) fn permitted(&self, graph: &Graph) -> BTreeSet<usize> {
        let permitted: BTreeSet<&str> = self.file.permitted().collect();
        let is_permitted = |id: &CellId| permitted.contains(id.to_string().as_str());
        (0..graph.cells.len()).filter(|cell| is_permitted(&graph.cells[*cell].id)).collect()
    }
}
