//! Keeps what is not declared away from commands: a program that could read an undeclared file of the project would
//! have a result that its key does not know of. On Linux the kernel does it, with Landlock.

use std::path::{Path, PathBuf};

/// What commands of one project may read: all that lies outside it, and some folders in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sandbox {
    project: PathBuf,
    readable: Vec<PathBuf>,
}

impl Sandbox {
    /// A sandbox around a project; folders that lie outside it need not be given.
    pub(super) fn new(project: &Path, readable: impl IntoIterator<Item = PathBuf>) -> Self {
        let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
        let project = real(project.to_owned());
        let mut readable: Vec<PathBuf> = readable.into_iter().map(real).collect();
        readable.retain(|path| path.starts_with(&project));
        readable.sort();
        readable.dedup();
        Self { project, readable }
    }

    /// Does something in a thread that may read only what the sandbox allows, and so may all that it starts. Where the
    /// kernel cannot, it is done all the same.
    pub(super) fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        #[cfg(target_os = "linux")]
        if let Some(rules) = linux::rules(self) {
            let restricted = move || {
                // Where this fails nothing is restricted, as on a kernel without Landlock.
                rules.restrict_self().ok();
                work()
            };
            return std::thread::scope(|scope| match scope.spawn(restricted).join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            });
        }
        work()
    }
}

/// What of the kernel keeps undeclared files from commands, or why nothing does.
pub fn sandbox_support() -> Result<String, &'static str> {
    #[cfg(target_os = "linux")]
    return linux::support();
    #[cfg(not(target_os = "linux"))]
    Err("only Linux has Landlock")
}

/// What belongs to a program and may be read with it: the folder where it lies, or the one above where that is named
/// `bin`, as in a virtual environment. Never a folder that the whole project is in: rather the program alone.
pub(super) fn own_place(program: &Path, project: &Path) -> PathBuf {
    let folder = program.parent();
    let above = folder.filter(|folder| folder.file_name().is_some_and(|name| name == "bin")).and_then(Path::parent);
    let small = above.into_iter().chain(folder).find(|place| !project.starts_with(place));
    small.unwrap_or(program).to_owned()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::sync::{Mutex, PoisonError};
    use std::time::SystemTime;

    use landlock::{
        AccessFs, BitFlags, LandlockStatus, PathBeneath, PathFd, RestrictionStatus, Ruleset, RulesetAttr,
        RulesetCreated, RulesetCreatedAttr, RulesetError,
    };

    use super::Sandbox;

    /// Asks for the version in the only way there is: by restricting a thread, which does nothing else.
    pub(super) fn support() -> Result<String, &'static str> {
        let restrict = || Ruleset::default().handle_access(AccessFs::Execute)?.create()?.restrict_self();
        match std::thread::spawn(restrict).join() {
            Ok(Ok(RestrictionStatus { landlock: LandlockStatus::Available { effective_abi, kernel_abi }, .. })) => {
                Ok(format!("Landlock, version {}", kernel_abi.unwrap_or(effective_abi as i32)))
            }
            Ok(Ok(RestrictionStatus { landlock: LandlockStatus::NotEnabled, .. })) => {
                Err("this kernel has Landlock switched off (`lsm=landlock,…` on its command line switches it on)")
            }
            Ok(Ok(_)) => Err("this kernel has no Landlock"),
            _ => Err("Landlock refuses to work here"),
        }
    }

    /// Contents, and programs to start. Names may be listed: rules hold for all below a folder, so the folders above
    /// the project could not be listed either.
    const READING: [AccessFs; 2] = [AccessFs::ReadFile, AccessFs::Execute];

    /// Rules, and when names in the folders above the project had last changed before they were made.
    type Made = (Vec<Option<SystemTime>>, Option<RulesetCreated>);

    /// The rules of a sandbox, made again only where something came to lie beside the way down to the project; `None`
    /// where they cannot be made.
    pub(super) fn rules(sandbox: &Sandbox) -> Option<RulesetCreated> {
        static KNOWN: Mutex<BTreeMap<Sandbox, Made>> = Mutex::new(BTreeMap::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = |folder: &Path| fs_err::metadata(folder).and_then(|metadata| metadata.modified()).ok();
        let times: Vec<_> = sandbox.project.ancestors().skip(1).map(changed).collect();
        if known.get(sandbox).is_none_or(|(then, _)| *then != times) {
            known.insert(sandbox.clone(), (times, make(sandbox)));
        }
        known.get(sandbox)?.1.as_ref()?.try_clone().ok()
    }

    fn make(sandbox: &Sandbox) -> Option<RulesetCreated> {
        let reading = READING.into_iter().collect::<BitFlags<_>>();
        let mut rules = Ruleset::default().handle_access(reading | AccessFs::Refer).ok()?.create().ok()?;
        // Under any rules the kernel refuses to rename or link from folder to folder unless that is allowed. It still is
        // refused where the file could be read in its new place and not in its old one. Before Linux 5.19 it cannot be allowed.
        rules = rules.add_rule(PathBeneath::new(PathFd::new("/").ok()?, AccessFs::Refer)).ok()?;
        // Rules can only allow, so everything beside the way down to the project is allowed, folder by folder.
        for folder in sandbox.project.ancestors().skip(1) {
            // A folder that cannot be listed has neighbours that cannot be allowed: better no sandbox than a wrong one.
            for entry in fs_err::read_dir(folder).ok()? {
                let path = entry.ok()?.path();
                // What a link leads to is allowed where it lies, or is not.
                if !path.is_symlink() && !sandbox.project.starts_with(&path) {
                    rules = allow(rules, &path).ok()?;
                }
            }
        }
        sandbox.readable.iter().try_fold(rules, |rules, path| allow(rules, path)).ok()
    }

    fn allow(rules: RulesetCreated, path: &Path) -> Result<RulesetCreated, RulesetError> {
        match PathFd::new(path) {
            Ok(open) => rules.add_rule(PathBeneath::new(open, READING.into_iter().collect::<BitFlags<_>>())),
            // It vanished, or nobody may look at it.
            Err(_) => Ok(rules),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_program_is_its_environment_and_never_the_project() {
        let place = |path: &str| own_place(Path::new(path), Path::new("/data/p")).display().to_string();
        assert_eq!(place("/data/p/.venv/bin/python3"), "/data/p/.venv");
        assert_eq!(place("/data/p/tools/convert"), "/data/p/tools");
        assert_eq!(place("/data/p/bin/convert"), "/data/p/bin");
        assert_eq!(place("/data/p/convert"), "/data/p/convert");
        assert_eq!(place("/data/bin/convert"), "/data/bin");
        assert_eq!(place("/usr/bin/python3"), "/usr");
    }

    #[test]
    fn only_what_lies_in_the_project_has_to_be_named() {
        let project = tempfile::tempdir().unwrap();
        let inside = project.path().join("tools");
        fs_err::create_dir(&inside).unwrap();
        let sandbox = Sandbox::new(project.path(), [inside.clone(), PathBuf::from("/usr"), inside.clone()]);
        assert_eq!(sandbox.readable, [inside.canonicalize().unwrap()]);
    }
}
