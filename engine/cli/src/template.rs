//! What `init` can start a project with.

/// A project that runs as it is, and says in comments what to change.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// Its name, for `init --template`.
    pub name: &'static str,
    /// What the project does, for the help.
    pub about: &'static str,
    /// Its files, by their path in the project; `pipeline.yaml` is among them.
    pub files: &'static [(&'static str, &'static str)],
}

impl Template {
    /// The template that every program has: it needs no stage types.
    pub const COMMAND: Self = Self {
        name: "command",
        about: "Commands only: words of a text, counted",
        files: &[
            ("pipeline.yaml", include_str!("templates/command.yaml")),
            ("data/words.txt", include_str!("templates/words.txt")),
        ],
    };
}
