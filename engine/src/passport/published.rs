//! The published figures and tables of a pipeline, each with how it stands today. Nothing is written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dgpipe_cache::{Artifact, Digest, HashOptions, Key, SourceMemo, Store, StoreError, hash_path};

use super::{Difference, Found, Passport, PassportError, SIDECAR, Stamper, Standing, differences, read_passport};
use crate::graph::{Graph, Member, Publication};
use crate::plan::{Decision, Plan};

/// A published figure or table.
#[derive(Clone, Debug)]
pub struct PublishedFile {
    /// Its path, relative to the project root.
    pub path: String,
    /// The cell that makes it.
    pub cell: String,
    /// What the cell's output contains.
    pub kind: String,
    /// How it stands.
    pub standing: Standing,
    /// Its passport, where one was found.
    pub passport: Option<Passport>,
}

/// Tells how published files stand to a plan of all that is published.
pub struct Published<'a> {
    graph: &'a Graph,
    store: &'a Store,
    plan: &'a Plan,
    root: &'a Path,
    file: PathBuf,
}

/// What is known of one publication: its files that carry passports, by path below the project root. Nothing where
/// cells would have to execute first.
type Expected = Option<BTreeMap<String, Digest>>;

impl<'a> Published<'a> {
    /// Looks at a plan. `file` is the pipeline file.
    pub fn new(graph: &'a Graph, store: &'a Store, plan: &'a Plan, root: &'a Path, file: &Path) -> Self {
        Self { graph, store, plan, root, file: file.to_owned() }
    }

    /// All figures and tables that the plan's targets publish, in the order of their paths.
    pub fn files(&self) -> Result<Vec<PublishedFile>, StoreError> {
        self.with_stamper(|stamper| {
            let mut files = Vec::new();
            for index in &self.plan.targets.publications {
                let publication = &self.graph.publications[*index];
                if stamper.carries(publication) {
                    files.extend(self.publication(stamper, publication)?);
                }
            }
            Ok(files)
        })
    }

    /// How a file with a passport stands, wherever it lies.
    pub fn standing(&self, path: &Path, found: &Found) -> Result<Standing, StoreError> {
        let at = &found.passport.path;
        let holds = |publication: &&Publication| {
            let below = at.strip_prefix(publication.path.as_str());
            below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
        };
        self.with_stamper(|stamper| {
            let Some(publication) = self.graph.publications.iter().find(holds) else {
                let why = format!("`{}` publishes nothing at `{at}` any more", self.graph.spec.name);
                return Ok(Standing::Unknown { why });
            };
            let expected = Self::expected(stamper, publication)?;
            Ok(Self::judge(stamper, publication, expected.as_ref(), at, path, Ok(found.clone())).0)
        })
    }

    fn with_stamper<T>(&self, ask: impl FnOnce(&Stamper<'_>) -> T) -> T {
        let output = |cell: usize, port: &str| -> Option<(Artifact, Key)> {
            let planned = self.plan.decisions.get(&cell).filter(|planned| planned.decision == Decision::Reuse)?;
            Some((planned.outputs.get(port)?.artifact, planned.key?))
        };
        ask(&Stamper::new(self.graph, self.store, &self.plan.sources, &output, (self.root, &self.file)))
    }

    fn expected(stamper: &Stamper<'_>, publication: &Publication) -> Result<Expected, StoreError> {
        let Some(Ok(wanted)) = stamper.wanted(publication)? else { return Ok(None) };
        match stamper.stamped(publication, &wanted) {
            Ok((_, stamped)) => {
                let at = |below: &String| join(&publication.path, below);
                Ok(Some(stamped.carriers.iter().map(|(below, digest)| (at(below), *digest)).collect()))
            }
            Err(error) if error.is_miss() => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn publication(&self, stamper: &Stamper<'_>, publication: &Publication) -> Result<Vec<PublishedFile>, StoreError> {
        let expected = Self::expected(stamper, publication)?;
        let paths = match &expected {
            Some(expected) => expected.keys().cloned().collect(),
            None => marked_below(self.root, &publication.path),
        };
        let file = |path: String| {
            let on_disk = self.root.join(&path);
            let found = read_passport(&on_disk);
            let (standing, passport) = Self::judge(stamper, publication, expected.as_ref(), &path, &on_disk, found);
            let member = passport.as_ref().and_then(|passport| member_of(stamper, publication, passport));
            let member = member.unwrap_or(&publication.members[0]);
            let (cell, kind) = (self.graph.name(member.cell), stamper.port(member).kind.to_string());
            PublishedFile { path, cell, kind, standing, passport }
        };
        Ok(paths.into_iter().map(file).collect())
    }

    /// How the file at `on_disk` stands to what is published at `path`, and its passport.
    fn judge(
        stamper: &Stamper<'_>,
        publication: &Publication,
        expected: Option<&BTreeMap<String, Digest>>,
        path: &str,
        on_disk: &Path,
        found: Result<Found, PassportError>,
    ) -> (Standing, Option<Passport>) {
        let Found { passport, intact } = match found {
            Ok(found) => found,
            Err(PassportError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return (Standing::Missing, None);
            }
            Err(error @ PassportError::Unsealed) => return (Standing::Edited { what: error.to_string() }, None),
            Err(error) => return (Standing::Unknown { why: error.to_string() }, None),
        };
        if !intact {
            let what = "its bytes are not those that were published".to_owned();
            return (Standing::Edited { what }, Some(passport));
        }
        let Some(member) = member_of(stamper, publication, &passport) else {
            let why = format!("`{}` is no longer published at `{}`", passport.cell, publication.path);
            return (Standing::Unknown { why }, Some(passport));
        };
        let now = stamper.passport(member, path);
        let changes = differences(&passport, &now);
        let same_recipe = passport.recipe == now.recipe && changes.is_empty();
        let standing = match expected.map(|expected| expected.get(path)) {
            Some(None) => Standing::Unknown { why: format!("`{}` has no such file any more", passport.cell) },
            Some(Some(digest)) if same_recipe && digest_of(on_disk).as_ref() == Some(digest) => Standing::Current,
            // Equal recipes give equal files, so the bytes need not be at hand.
            None if same_recipe => Standing::Current,
            _ => stale(changes, &passport, &now),
        };
        (standing, Some(passport))
    }
}

/// The member of a publication that a passport names.
fn member_of<'p>(stamper: &Stamper<'_>, publication: &'p Publication, passport: &Passport) -> Option<&'p Member> {
    let names = |member: &&Member| member.port == passport.port && stamper.graph.name(member.cell) == passport.cell;
    publication.members.iter().find(names)
}

fn stale(mut differences: Vec<Difference>, was: &Passport, now: &Passport) -> Standing {
    if differences.is_empty() && was.recipe != now.recipe {
        // Only what is folded into digests differs.
        let (was, now) = (was.recipe.to_string().into(), now.recipe.to_string().into());
        differences.push(Difference { what: "recipe".to_owned(), was, now });
    }
    Standing::Stale { differences }
}

fn digest_of(path: &Path) -> Option<Digest> {
    let snapshot = hash_path(path, HashOptions::default(), &SourceMemo::in_memory()).ok()?;
    Some(snapshot.artifact().digest)
}

/// The files with passports at and below a published path, by their path below the project root; the path itself
/// where there are none.
fn marked_below(root: &Path, path: &str) -> Vec<String> {
    let mut files = Vec::new();
    files_below(root, path, &mut files);
    files.retain(|path| !matches!(read_passport(&root.join(path)), Err(PassportError::None)));
    if files.is_empty() { vec![path.to_owned()] } else { files }
}

fn files_below(root: &Path, path: &str, files: &mut Vec<String>) {
    let on_disk = root.join(path);
    if !on_disk.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        files.push(path.to_owned());
        return;
    }
    let entries = fs_err::read_dir(&on_disk).into_iter().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.retain(|name| !name.ends_with(SIDECAR));
    names.sort();
    for name in names {
        files_below(root, &join(path, &name), files);
    }
}

fn join(path: &str, below: &str) -> String {
    if below.is_empty() { path.to_owned() } else { format!("{path}/{below}") }
}
