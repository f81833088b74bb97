//! Published paths: restored when they are gone, never taken from under an edit.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dgpipe_cache::{Filesystem, RealFilesystem};
use dgpipe_tests::Sandbox;

use crate::project;

const PAIR: &str = "
pipeline: pair
params: { left: 1, right: 20 }
stages:
  left: { uses: constant, config: { value: \"${left}\" } }
  right: { uses: constant, config: { value: \"${right}\" } }
  parts: { uses: spread, config: { parts: { a: 1, b: \"${right}\" } } }
publish:
  results/left.txt: left
  results/right.txt: right
  results/parts: parts
";

fn pair() -> Sandbox {
    let sandbox = project(PAIR);
    let run = sandbox.run().exits(0);
    assert_eq!(run.published(), ["results/left.txt created", "results/parts created", "results/right.txt created"]);
    sandbox
}

#[test]
fn a_deleted_published_file_is_restored_and_nothing_executes() {
    let sandbox = pair();
    sandbox.remove("results/left.txt");
    let run = sandbox.run().exits(0);
    assert_eq!((run.count("executed"), run.count("restored")), (0, 1));
    assert_eq!(run.published(), ["results/left.txt restored"]);
    assert_eq!(sandbox.read("results/left.txt"), "1\n");
}

#[test]
fn a_deleted_published_folder_is_restored_and_nothing_executes() {
    let sandbox = pair();
    sandbox.remove("results");
    let run = sandbox.run().exits(0);
    assert_eq!((run.count("executed"), run.count("restored")), (0, 3));
    assert_eq!(sandbox.read("results/parts/b/value.txt"), "20\n");
}

/// Something that is done to a file.
type Edit<'a> = &'a dyn Fn(&Path);

#[test]
fn c5_published_files_can_be_written_to_and_the_store_does_not_notice() {
    let sandbox = pair();
    let objects = [("results/left.txt", sandbox.object("1\n")), ("results/parts/b/value.txt", sandbox.object("20\n"))];
    // As editors and programs do it; none of them makes a new file but `sed -i`.
    let in_shell = |script: &'static str| {
        move |path: &Path| {
            let status = Command::new("sh").args(["-c", script, "sh"]).arg(path).status().unwrap();
            assert!(status.success(), "{script}");
        }
    };
    let in_place = |path: &Path| {
        let file = fs_err::OpenOptions::new().write(true).open(path).unwrap();
        std::os::unix::fs::FileExt::write_all_at(file.file(), b"9", 0).unwrap();
    };
    let styles: [(&str, Edit<'_>); 7] = [
        ("written anew", &|path| fs_err::write(path, "edited\n").unwrap()),
        ("appended to", &in_shell("echo more >> \"$1\"")),
        ("edited by sed", &in_shell("sed -i 's/^/edited /' \"$1\"")),
        ("emptied", &in_shell(": > \"$1\"")),
        ("cut short", &in_shell("truncate -s 1 \"$1\"")),
        ("one byte written in place", &in_place),
        ("written in place by dd", &in_shell("printf X | dd of=\"$1\" conv=notrunc status=none")),
    ];
    for (style, edit) in styles {
        for (name, object) in &objects {
            let (before, stamp) =
                (fs_err::read(object).unwrap(), fs_err::metadata(object).unwrap().modified().unwrap());
            let published = sandbox.path(name);
            edit(&published);
            assert_ne!(fs_err::read(&published).unwrap(), before, "{name} {style}");
            assert_eq!(fs_err::read(object).unwrap(), before, "{name} {style}");
            assert_eq!(fs_err::metadata(object).unwrap().modified().unwrap(), stamp, "{name} {style}");
        }
        sandbox.call(&["verify"]).exits(0);
        let run = sandbox.run_with(&["--discard-edits"]).exits(0);
        assert_eq!((run.count("executed"), run.published().len()), (0, 2), "{style}");
        assert_eq!(sandbox.read("results/left.txt") + &sandbox.read("results/parts/b/value.txt"), "1\n20\n", "{style}");
    }
}

#[test]
fn an_edited_published_file_blocks_only_its_path_and_never_computing() {
    let sandbox = pair();
    sandbox.write("results/left.txt", "mine\n");
    sandbox.edit("left: 1, right: 20", "left: 2, right: 21");
    let run = sandbox.run().exits(1);
    assert_eq!(run.executed(), ["left", "parts", "right"]);
    assert_eq!(run.published(), ["results/left.txt edited", "results/parts updated", "results/right.txt updated"]);
    assert_eq!(sandbox.read("results/left.txt"), "mine\n");
    assert_eq!(sandbox.read("results/right.txt"), "21\n");
    let again = sandbox.call(&["run", "pipeline.yaml"]).exits(1);
    insta::assert_snapshot!(sandbox.redacted(&again.stderr), @r#"
    edited    results/left.txt was edited by hand and is left alone
        --discard-edits replaces it, --keep-edits moves it aside first
    not done: 0 executed, 3 reused, 1 path refused in [TIME]
    results: results/left.txt, results/parts, results/right.txt
    "#);
}

#[test]
fn discard_edits_replaces_the_edit() {
    let sandbox = pair();
    sandbox.write("results/left.txt", "mine\n");
    let run = sandbox.run_with(&["--discard-edits"]).exits(0);
    assert_eq!(run.published(), ["results/left.txt discarded"]);
    assert_eq!(sandbox.read("results/left.txt"), "1\n");
    assert_eq!(sandbox.files("results").len(), 4);
}

#[test]
fn keep_edits_moves_the_edit_aside_and_never_over_an_earlier_one() {
    let sandbox = pair();
    sandbox.write("results/left.txt", "mine\n");
    assert_eq!(sandbox.run_with(&["--keep-edits"]).exits(0).published(), ["results/left.txt moved-aside"]);
    assert_eq!(sandbox.read("results/left.txt"), "1\n");
    sandbox.write("results/left.txt", "mine again\n");
    sandbox.run_with(&["--keep-edits"]).exits(0);
    assert_eq!(sandbox.read("results/left.txt.edited-1"), "mine\n");
    assert_eq!(sandbox.read("results/left.txt.edited-2"), "mine again\n");
    assert_eq!(sandbox.run().exits(0).count("restored"), 0);
}

#[test]
fn an_edit_that_says_what_would_be_published_is_no_edit() {
    let sandbox = pair();
    sandbox.write("results/left.txt", "2\n");
    sandbox.edit("left: 1", "left: 2");
    assert_eq!(sandbox.run().exits(0).count("restored"), 0);
    assert_eq!(sandbox.run().exits(0).count("restored"), 0);
}

#[test]
fn a_file_that_was_there_before_the_first_run_is_not_overwritten() {
    let sandbox = project(PAIR);
    sandbox.write("results/left.txt", "precious\n");
    let run = sandbox.run().exits(1);
    assert!(run.published().contains(&"results/left.txt occupied".to_owned()));
    assert_eq!(sandbox.read("results/left.txt"), "precious\n");
}

#[test]
fn a_file_deleted_in_a_published_folder_is_restored_and_an_edit_beside_it_is_not_lost() {
    let sandbox = project(
        "pipeline: p
stages: { parts: { uses: spread, config: { parts: { a: 1, b: 2 } } } }
publish: { results/parts: parts }
",
    );
    sandbox.run().exits(0);
    fs_err::remove_dir_all(sandbox.path("results/parts/a")).unwrap();
    let run = sandbox.run().exits(0);
    assert_eq!((run.count("executed"), run.published()), (0, vec!["results/parts restored".to_owned()]));
    assert_eq!(sandbox.read("results/parts/a/value.txt"), "1\n");
    fs_err::remove_dir_all(sandbox.path("results/parts/a")).unwrap();
    sandbox.write("results/parts/b/value.txt", "3\n");
    assert_eq!(sandbox.run().exits(1).published(), ["results/parts edited"]);
    assert_eq!(sandbox.read("results/parts/b/value.txt"), "3\n");
}

#[test]
fn an_added_file_in_a_published_folder_is_an_edit_of_it() {
    let sandbox = pair();
    sandbox.write("results/parts/notes.txt", "mine\n");
    assert_eq!(sandbox.run().exits(1).published(), ["results/parts edited"]);
    assert!(sandbox.has("results/parts/notes.txt"));
}

#[test]
fn leftovers_in_a_published_folder_are_removed() {
    let sandbox = pair();
    sandbox.edit("{ a: 1, b: \"${right}\" }", "{ a: 1 }");
    let run = sandbox.run().exits(0);
    assert_eq!(run.published(), ["results/parts updated"]);
    assert!(sandbox.has("results/parts/a/value.txt"));
    assert!(!sandbox.has("results/parts/b"), "what another version put there is gone");
}

#[test]
fn several_artifacts_share_a_folder_when_their_names_are_disjoint() {
    let sandbox = project(
        "pipeline: p
stages:
  a: { uses: add, inputs: { terms: b } }
  b: { uses: constant, config: { value: 7 } }
publish: { results/all: [a.sum, a.count, b] }
",
    );
    sandbox.run().exits(0);
    let names: Vec<_> = sandbox.files("results/all").iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names, ["count.txt", "sum", "value"]);
    assert_eq!(sandbox.run().exits(0).count("restored"), 0);
}

#[test]
fn artifacts_with_equal_names_and_other_bytes_clash() {
    let sandbox = project(
        "pipeline: p
stages:
  a: { uses: spread, config: { parts: { x: 7, y: 1 } } }
  b: { uses: spread, config: { parts: { x: 8, z: 1 } } }
publish: { results/all: [a, b] }
",
    );
    let run = sandbox.call(&["run", "pipeline.yaml", "--jobs", "1"]).exits(1);
    insta::assert_snapshot!(sandbox.redacted(&run.stderr), @r#"
    executed  a  [TIME]  new
    executed  b  [TIME]  new
    clash     results/all: two of its artifacts have a file `x`; publish them at different paths
    ran a, b: new
    not done: 2 executed, 0 reused, 1 path refused in [TIME]
    results: results/all
    "#);
    assert!(!sandbox.has("results/all"));
}

#[test]
fn a_published_path_follows_its_cells() {
    let sandbox = project(
        "pipeline: p
params: { seeds: [1, 2] }
stages: { a: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\" } } }
publish: { \"results/${pipeline}-${profile}/seed_${seed}.txt\": a }
",
    );
    let run = sandbox.run().exits(0);
    assert_eq!(run.published(), ["results/p-default/seed_1.txt created", "results/p-default/seed_2.txt created"]);
}

#[test]
fn a_link_at_a_published_path_is_not_followed() {
    let sandbox = project(PAIR);
    sandbox.write("precious.txt", "precious\n");
    fs_err::create_dir_all(sandbox.path("results")).unwrap();
    fs_err::os::unix::fs::symlink("../precious.txt", sandbox.path("results/left.txt")).unwrap();
    let run = sandbox.run_with(&["--discard-edits"]).exits(0);
    assert!(run.published().contains(&"results/left.txt discarded".to_owned()), "{:?}", run.published());
    assert_eq!(sandbox.read("precious.txt"), "precious\n");
    assert_eq!(sandbox.read("results/left.txt"), "1\n");
}

#[test]
fn a_path_that_cannot_be_written_to_blocks_only_itself() {
    let sandbox = project(
        "pipeline: p
stages: { a: { uses: constant, config: { value: 1 } }, b: { uses: constant, config: { value: 2 } } }
publish: { taken/a.txt: a, results/b.txt: b }
",
    );
    sandbox.write("taken", "a file where a folder is needed");
    let run = sandbox.run().exits(1);
    assert_eq!(run.published(), ["results/b.txt created", "taken/a.txt impossible"]);
    assert_eq!(sandbox.read("results/b.txt"), "2\n");
    let again = sandbox.call(&["run", "pipeline.yaml"]).exits(1);
    insta::assert_snapshot!(sandbox.redacted(&again.stderr), @r#"
    blocked   taken/a.txt: cannot list `[ROOT]/taken`: Not a directory (os error 20)
    not done: 0 executed, 2 reused, 1 path refused in [TIME]
    results: results/b.txt, taken/a.txt
    "#);
    sandbox.remove("taken");
    assert_eq!(sandbox.run().exits(0).published(), ["taken/a.txt created"]);
}

/// A folder beside a project, which no run has any business in.
fn outside() -> tempfile::TempDir {
    let outside = tempfile::Builder::new().prefix("dgpipe-outside-").tempdir().unwrap();
    fs_err::write(outside.path().join("left.txt"), "not mine\n").unwrap();
    outside
}

fn is_untouched(outside: &tempfile::TempDir) -> bool {
    let names: Vec<_> = fs_err::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names == ["left.txt"] && fs_err::read_to_string(outside.path().join("left.txt")).unwrap() == "not mine\n"
}

#[test]
fn e3_e5_a_folder_that_is_a_link_out_of_the_project_is_not_published_into() {
    let (sandbox, outside) = (project(PAIR), outside());
    fs_err::os::unix::fs::symlink(outside.path(), sandbox.path("results")).unwrap();
    for options in [&[][..], &["--discard-edits"], &["--keep-edits"]] {
        let run = sandbox.run_with(options).exits(1);
        assert!(run.published().iter().all(|path| path.ends_with(" impossible") || path.ends_with(" occupied")));
        assert!(is_untouched(&outside), "{options:?}");
    }
    fs_err::remove_file(sandbox.path("results")).unwrap();
    let run = sandbox.run().exits(0);
    assert_eq!((run.count("executed"), run.count("restored")), (0, 3));
}

#[test]
fn links_among_the_folders_of_the_project_are_followed() {
    let sandbox = project(PAIR);
    fs_err::create_dir_all(sandbox.path("disk/results")).unwrap();
    fs_err::os::unix::fs::symlink("disk/results", sandbox.path("results")).unwrap();
    assert_eq!(sandbox.run().exits(0).count("restored"), 3);
    assert_eq!(sandbox.read("disk/results/left.txt"), "1\n");
    assert_eq!(sandbox.run().exits(0).count("restored"), 0);
}

#[test]
fn e5_nothing_is_published_outside_while_a_folder_is_swapped_for_a_link() {
    let (sandbox, outside) = (project(PAIR), outside());
    let (results, link) = (sandbox.path("results"), sandbox.path("link"));
    fs_err::create_dir(&results).unwrap();
    fs_err::os::unix::fs::symlink(outside.path(), &link).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Now and then there is time enough for a whole run to see the same.
            for pause in [0, 1, 0, 5, 0, 50, 500].into_iter().cycle().take_while(|_| !stop.load(Ordering::Relaxed)) {
                assert!(RealFilesystem.exchange(&results, &link).unwrap(), "the disk can exchange two names");
                std::thread::sleep(Duration::from_millis(pause));
            }
        });
        let mut refused = false;
        for value in 2..40 {
            let set = format!("left={value}");
            let run = sandbox.call(&["run", "pipeline.yaml", "--discard-edits", "--set", &set]);
            // What is met is chance; every end but a panic and a mistake in the file is an honest one.
            assert!(matches!(run.code, Some(0 | 1 | 3)), "{}", run.stderr);
            assert!(is_untouched(&outside), "{}", run.stderr);
            refused |= run.stderr.contains("leads out of");
        }
        stop.store(true, Ordering::Relaxed);
        assert!(refused, "the link was met");
    });
    let folder = if results.is_symlink() { link } else { results };
    assert!(folder.join("left.txt").is_file(), "the folder was met");
}

#[test]
fn e5_a_command_in_the_project_moves_nothing_aside_outside_of_it() {
    let outside = outside();
    let sandbox = project(
        "
pipeline: moved
stages:
  write:
    uses: command
    cwd: project
    run: [sh, -c, 'echo mine > made/left.txt']
    outputs: { text: { file: made/left.txt } }
",
    );
    fs_err::os::unix::fs::symlink(outside.path(), sandbox.path("made")).unwrap();
    let run = sandbox.call(&["run", "pipeline.yaml"]).exits(1);
    assert!(run.stderr.contains("leads out of"), "{}", run.stderr);
    assert!(is_untouched(&outside));
}

#[test]
fn a_run_that_has_to_wait_until_another_has_published_says_so() {
    let sandbox = project(
        "pipeline: p
stages: { a: { uses: constant, config: { value: 1 } } }
publish: { results/a.txt: a }
",
    );
    sandbox.run().exits(0);
    let lock = sandbox.files(".dgpipe").into_iter().find(|path| path.ends_with("publishing")).unwrap();
    let lock = fs_err::File::open(lock).unwrap();
    rustix::fs::flock(lock.file(), rustix::fs::FlockOperation::LockExclusive).unwrap();
    let mut run = sandbox.command();
    let run = run.args(["run", "pipeline.yaml"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(2));
    drop(lock);
    let ended = run.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(
        ended.status.success() && told.contains("another run of this pipeline is publishing its results"),
        "{told}"
    );
}

/// A project whose last run is as if it had been killed after it had put `2` in the place of `1` at
/// `results/below/a.txt`, and before it looked at what it had replaced. Returns the path of that.
fn killed_while_replacing() -> (Sandbox, String) {
    killed_while_replacing_at("a.txt")
}

/// The same, at a file of that name.
fn killed_while_replacing_at(name: &str) -> (Sandbox, String) {
    let sandbox = project(&format!(
        "pipeline: p
params: {{ value: 1 }}
stages: {{ a: {{ uses: constant, config: {{ value: \"${{value}}\" }} }} }}
publish: {{ results/below/{name}: a }}
"
    ));
    sandbox.run().exits(0);
    let ledger = fs_err::read(remembered(&sandbox, "ledger.json")).unwrap();
    sandbox.run_with(&["--set", "value=2"]).exits(0);
    fs_err::write(remembered(&sandbox, "ledger.json"), ledger).unwrap();
    let intended = fs_err::read(remembered(&sandbox, "intended-")).unwrap();
    let intended: serde_json::Value = serde_json::from_slice(&intended).unwrap();
    let drafts = intended["content"][format!("results/below/{name}")]["drafts"].as_object().unwrap();
    let [draft] = drafts.keys().collect::<Vec<_>>()[..] else { panic!("{intended}") };
    let left = format!("results/below/{draft}");
    (sandbox, left)
}

/// The one file of a project's memory whose name starts so.
fn remembered(sandbox: &Sandbox, start: &str) -> std::path::PathBuf {
    let mut found = sandbox.files(".dgpipe/projects-v1");
    found.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start)));
    let [found] = &found[..] else { panic!("{found:?}") };
    found.clone()
}

/// The names beside the published path of [`killed_while_replacing`].
fn names(sandbox: &Sandbox) -> Vec<String> {
    let entries = fs_err::read_dir(sandbox.path("results/below")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a1_what_a_killed_run_had_replaced_is_cleared_away_also_where_all_is_as_it_should_be() {
    let (sandbox, left) = killed_while_replacing();
    sandbox.write(&left, "1\n");
    // Removing a folder takes many steps.
    let half = format!("{left}.gone");
    sandbox.write(&format!("{half}/file"), "");
    // One that was built and never told of.
    let draft = left.rsplit_once('-').map(|(start, _)| format!("{start}-99")).unwrap();
    sandbox.write(&draft, "half a fil");
    sandbox.run_with(&["--set", "value=2"]).exits(0);
    assert_eq!(names(&sandbox), ["a.txt"]);
    assert_eq!(sandbox.read("results/below/a.txt"), "2\n");
}

#[test]
fn an_edit_that_a_killed_run_had_replaced_unseen_is_kept_beside_the_path_and_the_next_run_says_so() {
    for ending in ["", ".old"] {
        let (sandbox, left) = killed_while_replacing();
        sandbox.write(&format!("{left}{ending}"), "edited\n");
        let run = sandbox.call(&["run", "pipeline.yaml", "--set", "value=2"]).exits(0);
        assert!(run.stderr.contains("results/below/a.txt.edited-1"), "{}", run.stderr);
        assert_eq!(sandbox.read("results/below/a.txt"), "2\n");
        assert_eq!(sandbox.read("results/below/a.txt.edited-1"), "edited\n");
        assert_eq!(names(&sandbox), ["a.txt", "a.txt.edited-1"]);
    }
}

#[test]
fn an_edit_that_a_killed_run_had_replaced_unseen_is_kept_also_when_later_runs_cannot_tell_that_it_is_dead() {
    let (sandbox, left) = killed_while_replacing();
    // It ran on another machine, which is the one that goes on only two runs later.
    let name = left.rsplit('/').next().unwrap();
    let elsewhere = format!(".dgpipe-00000000-{}", name.splitn(3, '-').nth(2).unwrap());
    let rename_in_list = |from: &str, to: &str| {
        let list = remembered(&sandbox, "intended-");
        let text = fs_err::read_to_string(&list).unwrap();
        fs_err::write(list, text.replace(from, to)).unwrap();
    };
    rename_in_list(name, &elsewhere);
    sandbox.write(&format!("results/below/{elsewhere}"), "edited\n");
    for value in ["value=2", "value=3", "value=4", "value=4"] {
        sandbox.run_with(&["--set", value]).exits(0);
        assert_eq!(names(&sandbox), [elsewhere.as_str(), "a.txt"], "{value}");
    }
    rename_in_list(&elsewhere, name);
    fs_err::rename(sandbox.path(&format!("results/below/{elsewhere}")), sandbox.path(&left)).unwrap();
    sandbox.run_with(&["--set", "value=4"]).exits(0);
    assert_eq!(names(&sandbox), ["a.txt", "a.txt.edited-1"]);
    assert_eq!(sandbox.read("results/below/a.txt.edited-1"), "edited\n");
}

#[test]
fn what_a_killed_run_left_is_left_alone_by_a_run_with_another_store() {
    let (sandbox, left) = killed_while_replacing();
    sandbox.write(&left, "edited\n");
    sandbox.run_with(&["--set", "value=2", "--cache", "elsewhere"]).exits(0);
    assert_eq!(sandbox.read(&left), "edited\n");
    sandbox.run_with(&["--set", "value=2"]).exits(0);
    assert_eq!(sandbox.read("results/below/a.txt.edited-1"), "edited\n");
}

#[test]
fn what_is_told_of_replacements_does_not_grow() {
    let (sandbox, _) = killed_while_replacing();
    let mut lengths = std::collections::BTreeSet::new();
    for _ in 0..4 {
        sandbox.remove("results/below/a.txt");
        sandbox.run_with(&["--set", "value=2"]).exits(0);
        let list = fs_err::read_to_string(remembered(&sandbox, "intended-")).unwrap();
        lengths.insert(list.matches(".dgpipe-").count());
    }
    assert_eq!(lengths, std::collections::BTreeSet::from([1]));
}

#[test]
fn a_run_of_another_pipeline_keeps_an_edit_that_a_killed_run_had_replaced_unseen() {
    let (sandbox, left) = killed_while_replacing();
    sandbox.write(&left, "edited\n");
    sandbox.write(
        "other.yaml",
        "pipeline: other\nstages: { b: { uses: constant, config: { value: 3 } } }\npublish: { results/below/b.txt: b }\n",
    );
    let run = sandbox.call(&["run", "other.yaml"]).exits(0);
    assert!(run.stderr.contains("results/below/a.txt.edited-1"), "{}", run.stderr);
    assert_eq!(sandbox.read("results/below/a.txt.edited-1"), "edited\n");
}

#[test]
fn an_edit_that_was_moved_aside_is_told_also_where_what_should_have_its_place_turns_out_to_be_damaged() {
    let sandbox =
        project("pipeline: p\nstages: { a: { uses: constant, config: { value: 1 } } }\npublish: { a.txt: a }\n");
    sandbox.run().exits(0);
    sandbox.damage("1\n", b"2\n");
    sandbox.write("a.txt", "edited\n");
    let run = sandbox.call(&["run", "pipeline.yaml", "--keep-edits"]).exits(0);
    assert!(run.stderr.contains("`a.txt` was edited: the edit is in `a.txt.edited-1` now"), "{}", run.stderr);
    assert_eq!((sandbox.read("a.txt"), sandbox.read("a.txt.edited-1")), ("1\n".to_owned(), "edited\n".to_owned()));
}

#[test]
fn an_edit_of_a_file_with_the_longest_name_there_can_be_is_kept_under_a_shorter_one() {
    let name = "a".repeat(255);
    let (sandbox, left) = killed_while_replacing_at(&name);
    sandbox.write(&left, "edited\n");
    sandbox.run_with(&["--set", "value=2"]).exits(0);
    let kept = format!("{}.edited-1", &name[..246]);
    assert_eq!(sandbox.read(&format!("results/below/{kept}")), "edited\n");
    sandbox.write(&format!("results/below/{name}"), "edited again\n");
    sandbox.run_with(&["--keep-edits"]).exits(0);
    assert_eq!(sandbox.read(&format!("results/below/{}.edited-2", &name[..246])), "edited again\n");
}
