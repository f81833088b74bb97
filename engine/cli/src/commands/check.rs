//! `dgpipe check`: all mistakes of a pipeline file, or what it amounts to.

use std::path::PathBuf;

use clap::Args;

use crate::arguments::Common;
use crate::session::Pipeline;
use crate::terminal::{counted, print};
use crate::{ExitStatus, Failure, Program};

/// What `check` takes.
#[derive(Debug, Args)]
pub struct Check {
    /// The pipeline file
    file: PathBuf,
}

impl Check {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let graph = Pipeline::open(program, &self.file, common)?.graph;
        let (stages, cells, published) = (graph.stages.len(), graph.cells.len(), graph.publications.len());
        let spec = &graph.spec;
        if common.json {
            let value = serde_json::json!({
                "pipeline": spec.name, "profile": spec.profile,
                "stages": stages, "cells": cells, "sources": graph.sources.len(), "published": published,
            });
            print(&format!("{value}\n"));
        } else {
            let profile = &spec.profile;
            print(&format!(
                "{} ({profile}): no mistakes; {}, {}, {}\n",
                spec.name,
                counted(stages, "stage"),
                counted(cells, "cell"),
                counted(published, "published path"),
            ));
        }
        Ok(ExitStatus::Done)
    }
}
