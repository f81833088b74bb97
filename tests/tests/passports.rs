//! Figures and tables say where they come from, by themselves and for as long as they are what was published.

use std::collections::BTreeMap;
use std::process::Command;

use dgpipe_tests::Sandbox;
use serde_json::Value;

use crate::project;

const PLOT: &str = "
pipeline: paper
params: { seeds: [1, 2, 3], title: \"A <b> & title\", other: 1 }
sources: { data: { path: data.csv, kind: file/1 } }
stages:
  number: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\" } }
  plot: { uses: draw, inputs: { numbers: \"number[*]\" }, config: { title: \"${title}\" } }
  apart: { uses: constant, config: { value: \"${other}\" } }
  counted: { uses: command, shell: true, run: \"wc -l < ${in.data} > ${out.count}\", inputs: { data: data }, outputs: { count: { file: count.csv } } }
publish:
  results/plot: plot
  results/table: plot.table
  results/apart.txt: apart
  results/count.csv: counted
";

const CARRIERS: [&str; 8] = [
    "results/count.csv",
    "results/plot/plot.pdf",
    "results/plot/plot.png",
    "results/plot/plot.svg",
    "results/plot/points.json",
    "results/table/table.csv",
    "results/table/table.md",
    "results/table/table.tex",
];

fn unpublished() -> Sandbox {
    let sandbox = project(PLOT);
    sandbox.write("data.csv", "a\nb\n");
    sandbox
}

fn plot() -> Sandbox {
    let sandbox = unpublished();
    sandbox.run().exits(0);
    sandbox
}

fn bytes(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &std::path::PathBuf| path.strip_prefix(sandbox.root()).unwrap().to_string_lossy().into_owned();
    sandbox.files("results").iter().map(|path| (name(path), fs_err::read(path).unwrap())).collect()
}

/// The words that `figures` says, by path.
fn standings(sandbox: &Sandbox) -> BTreeMap<String, String> {
    let figures = sandbox.call(&["figures", "pipeline.yaml", "--json"]).exits(0);
    let figures: Value = serde_json::from_str(&figures.stdout).unwrap();
    let word = |file: &Value| (text(&file["path"]), text(&file["standing"]));
    figures["files"].as_array().unwrap().iter().map(word).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn traced(sandbox: &Sandbox, path: &str) -> Value {
    serde_json::from_str(&sandbox.call(&["trace", path, "--json"]).exits(0).stdout).unwrap()
}

#[test]
fn every_file_of_a_figure_or_table_carries_a_passport() {
    let sandbox = plot();
    for path in CARRIERS {
        let trace = traced(&sandbox, path);
        assert_eq!((&trace["standing"], &trace["intact"]), (&Value::from("current"), &Value::from(true)), "{path}");
        assert_eq!(trace["passport"]["path"], path);
        let inside = ["svg", "png", "pdf"].iter().any(|ending| path.ends_with(ending));
        assert_eq!(sandbox.has(&format!("{path}.passport.json")), !inside, "{path}");
    }
    assert!(!sandbox.has("results/apart.txt.passport.json"), "a number is neither a figure nor a table");
    assert_eq!(standings(&sandbox).into_keys().collect::<Vec<_>>(), CARRIERS);
}

#[test]
fn the_store_has_figures_without_their_stamps() {
    let sandbox = plot();
    let svg = sandbox.read("results/plot/plot.svg");
    let (before, rest) = svg.split_once("<metadata id=\"dgpipe-passport\">").unwrap();
    let (_, after) = rest.split_once("</metadata>\n").unwrap();
    sandbox.object(&format!("{before}{after}"));
    assert!(sandbox.stored_with("dgpipe_passport").is_empty());
}

#[test]
fn readers_of_tables_see_the_table_alone() {
    let sandbox = plot();
    assert_eq!(sandbox.read("results/table/table.csv"), "number\n1\n2\n3\n");
}

#[test]
fn trace_tells_all_that_led_to_a_figure() {
    let sandbox = plot();
    let trace = sandbox.call(&["trace", "results/plot/plot.svg"]).exits(0);
    insta::assert_snapshot!(sandbox.redacted(&trace.stdout), @"
    results/plot/plot.svg
      current
      made by    plot of paper (default)
      published  results/plot/plot.svg
      pipeline   pipeline.yaml
      computed   [DATE] in [TIME] on toy, linux, x86_64
      by         dgpipe 0.0.0, run [RUN]

    params
      seeds  [1, 2, 3]
      title  A <b> & title

    stages, from the first to the one that made it
      number ×3  constant  version 1
          factor: 1.0, seed in [1, 2, 3], value in [1, 2, 3]
      plot  draw  version 1
          title: A <b> & title

    what plot read
      numbers  number[seed=1].value  [HEX]
      numbers  number[seed=2].value  [HEX]
      numbers  number[seed=3].value  [HEX]

    key [HEX], recipe [HEX], bytes [HEX]; fingerprints of format 1
    ");
    let trace = sandbox.call(&["trace", "results/count.csv.passport.json"]).exits(0);
    assert!(trace.stdout.contains("sources\n  data  file/1"), "{}", trace.stdout);
}

#[test]
fn trace_needs_neither_store_nor_pipeline() {
    let sandbox = plot();
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["plot/plot.svg", "plot/plot.png", "plot/plot.pdf", "table/table.csv", "table/table.csv.passport.json"]
    {
        let to = elsewhere.path().join(name.split('/').next_back().unwrap());
        fs_err::copy(sandbox.path(&format!("results/{name}")), to).unwrap();
    }
    for name in ["plot.svg", "plot.png", "plot.pdf", "table.csv"] {
        let trace = sandbox.call_in(elsewhere.path(), &["trace", name]).exits(0);
        assert!(trace.stdout.contains("title  A <b> & title"), "{}", trace.stdout);
        assert!(trace.stdout.contains("there is no `pipeline.yaml` here"), "{}", trace.stdout);
        // A copy is judged by where it came from.
        let file = sandbox.path("pipeline.yaml");
        let call = ["trace", name, "--pipeline", file.to_str().unwrap(), "--json"];
        let trace = sandbox.call_in(elsewhere.path(), &call).exits(0);
        assert!(trace.stdout.contains("\"standing\": \"current\""), "{}", trace.stdout);
    }
}

#[test]
fn stamps_are_the_same_everywhere_and_always() {
    let sandbox = plot();
    let first = bytes(&sandbox);
    assert_eq!(sandbox.run().exits(0).published(), [""; 0]);
    assert_eq!(bytes(&sandbox), first);
    sandbox.remove("results");
    assert_eq!(sandbox.run().exits(0).published().len(), 4);
    assert_eq!(bytes(&sandbox), first);
    let other = unpublished();
    other.run_with(&["--jobs", "1"]).exits(0);
    assert_eq!(bytes(&other), first);
    for (path, bytes) in first {
        let content = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!content.contains("dgpipe-test-") && !content.contains("/tmp"), "{path} names a place");
    }
}

#[test]
fn a_deleted_store_costs_no_figure_its_passport() {
    let sandbox = plot();
    let first = bytes(&sandbox);
    sandbox.remove(".dgpipe");
    assert!(standings(&sandbox).values().all(|word| word == "current"), "equal recipes give equal figures");
    assert!(!sandbox.has(".dgpipe"), "looking makes nothing");
    let run = sandbox.run().exits(0);
    assert_eq!(run.published(), [""; 0], "everything is there already");
    assert_eq!(bytes(&sandbox), first);
}

#[test]
fn a_figure_that_would_come_out_otherwise_is_stale_and_says_why() {
    let sandbox = plot();
    sandbox.edit("[1, 2, 3]", "[1, 2, 4]");
    let check = sandbox.call(&["figures", "pipeline.yaml", "--check"]).exits(1);
    insta::assert_snapshot!(check.stdout, @"
    current  results/count.csv  counted
    stale    results/plot/plot.pdf  plot
    stale    results/plot/plot.png  plot
    stale    results/plot/plot.svg  plot
    stale    results/plot/points.json  plot
    stale    results/table/table.csv  plot
    stale    results/table/table.md  plot
    stale    results/table/table.tex  plot
               seeds [1,2,3] → [1,2,4]
    ");
    assert!(check.stderr.contains("8 figure and table files, 1 current"), "{}", check.stderr);
    sandbox.edit("[1, 2, 4]", "[1, 2, 3]");
    sandbox.write("data.csv", "a\nb\nc\n");
    let trace = sandbox.call(&["trace", "results/count.csv"]).exits(0);
    assert!(trace.stdout.contains("stale\n    source data "), "{}", trace.stdout);
    sandbox.run().exits(0);
    sandbox.call(&["figures", "pipeline.yaml", "--check"]).exits(0);
}

#[test]
fn params_of_the_call_count_for_what_is_current() {
    let sandbox = plot();
    sandbox.run_with(&["--set", "title=other"]).exits(0);
    sandbox.call(&["figures", "pipeline.yaml", "--check", "--set", "title=other"]).exits(0);
    let trace = sandbox.call(&["trace", "results/plot/plot.png"]).exits(0);
    assert!(trace.stdout.contains("stale\n    title other → A <b> & title\n"), "{}", trace.stdout);
}

#[test]
fn a_param_that_does_not_reach_a_figure_leaves_its_bytes_alone() {
    let sandbox = plot();
    let first = bytes(&sandbox);
    sandbox.edit("other: 1", "other: 2");
    assert_eq!(sandbox.run().exits(0).published(), ["results/apart.txt updated"]);
    let second = bytes(&sandbox);
    assert!(first.iter().all(|(path, bytes)| path == "results/apart.txt" || second[path] == *bytes));
}

#[test]
fn a_passport_is_stamped_again_when_only_it_changes() {
    let sandbox = plot();
    sandbox.edit("seeds: [1, 2, 3]", "seeds: [1, 2, 3], three: 3");
    sandbox.edit(
        "number: { for: { seed: \"${seeds}\" }, uses: constant,",
        "number: { for: { seed: [1, 2, \"${three}\"] }, uses: constant,",
    );
    let run = sandbox.run().exits(0);
    assert_eq!(run.count("executed"), 0);
    assert_eq!(run.published(), ["results/plot updated", "results/table updated"]);
    let params = traced(&sandbox, "results/plot/plot.pdf")["passport"]["params"].clone();
    assert_eq!(params, serde_json::json!({ "three": 3, "title": "A <b> & title" }));
}

type Edit = fn(&mut Vec<u8>);

#[test]
fn edits_of_figures_are_noticed_wherever_they_are() {
    let sandbox = plot();
    let edits: [(&str, Edit); 6] = [
        ("results/plot/plot.svg", |bytes| replace(bytes, b"<rect", b"<RECT")),
        ("results/plot/plot.svg", |bytes| replace(bytes, b"\"paper\"", b"\"other\"")),
        ("results/plot/plot.png", |bytes| replace(bytes, b"\x01\x02\x03", b"\x01\x02\x04")),
        ("results/plot/plot.pdf", |bytes| bytes.extend(b"% more\n")),
        ("results/table/table.csv", |bytes| bytes.extend(b"4\n")),
        ("results/table/table.csv.passport.json", |bytes| replace(bytes, b"paper", b"other")),
    ];
    for (path, edit) in edits {
        let before = fs_err::read(sandbox.path(path)).unwrap();
        let mut edited = before.clone();
        edit(&mut edited);
        assert_ne!(before, edited);
        fs_err::write(sandbox.path(path), &edited).unwrap();
        let file = path.trim_end_matches(".passport.json");
        assert_eq!(standings(&sandbox)[file], "edited", "{path}");
        let folder = path.rsplit_once('/').unwrap().0;
        assert_eq!(sandbox.run().exits(1).published(), [format!("{folder} edited")]);
        assert_eq!(fs_err::read(sandbox.path(path)).unwrap(), edited, "an edit is never lost");
        assert_eq!(sandbox.run_with(&["--discard-edits"]).exits(0).published(), [format!("{folder} discarded")]);
        assert_eq!(fs_err::read(sandbox.path(path)).unwrap(), before);
    }
    sandbox.write("results/count.csv", "mine\n");
    assert_eq!(sandbox.run_with(&["--keep-edits"]).exits(0).published(), ["results/count.csv moved-aside"]);
    assert_eq!(sandbox.read("results/count.csv.edited-1"), "mine\n");
}

fn replace(bytes: &mut Vec<u8>, from: &[u8], to: &[u8]) {
    let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes.splice(place..place + from.len(), to.iter().copied());
}

#[test]
fn a_passport_beside_a_file_is_protected_like_the_file() {
    let sandbox = plot();
    sandbox.write("results/count.csv.passport.json", "mine\n");
    assert_eq!(sandbox.run().exits(1).published(), ["results/count.csv.passport.json edited"]);
    sandbox.remove("results/count.csv.passport.json");
    sandbox.run().exits(0);
    assert_eq!(traced(&sandbox, "results/count.csv")["standing"], "current");
}

#[test]
fn figures_that_are_intact_by_their_passports_are_no_edits_without_a_ledger() {
    let sandbox = plot();
    sandbox.remove(".dgpipe");
    sandbox.edit("[1, 2, 3]", "[1, 2, 4]");
    let run = sandbox.run().exits(0);
    assert_eq!(run.published(), ["results/plot updated", "results/table updated"]);
    // A file of the user among them is none of ours.
    sandbox.remove(".dgpipe");
    sandbox.edit("[1, 2, 4]", "[1, 2, 5]");
    sandbox.write("results/plot/notes.txt", "mine\n");
    let run = sandbox.run().exits(1);
    assert_eq!(run.published(), ["results/plot occupied", "results/table updated"]);
    assert_eq!(sandbox.read("results/plot/notes.txt"), "mine\n");
}

#[test]
fn a_figure_of_another_place_is_an_edit_of_this_one() {
    let sandbox = plot();
    fs_err::copy(sandbox.path("results/plot/plot.svg"), sandbox.path("results/plot/copy.svg")).unwrap();
    sandbox.remove(".dgpipe");
    sandbox.edit("[1, 2, 3]", "[1, 2, 4]");
    assert_eq!(sandbox.run().exits(1).published(), ["results/plot occupied", "results/table updated"]);
}

#[test]
fn a_deleted_file_of_a_stamped_folder_is_restored() {
    let sandbox = plot();
    let first = bytes(&sandbox);
    for path in ["results/plot/plot.png", "results/table/table.csv.passport.json", "results/table/table.md"] {
        sandbox.remove(path);
        let run = sandbox.run().exits(0);
        assert_eq!((run.count("executed"), run.count("restored")), (0, 1), "{path}");
        assert_eq!(run.published()[0].split(' ').nth(1), Some("restored"));
        assert_eq!(bytes(&sandbox), first);
    }
}

#[test]
fn what_lost_its_stamp_gets_it_back() {
    let sandbox = plot();
    let svg = sandbox.read("results/plot/plot.svg");
    let (before, rest) = svg.split_once("<metadata id=\"dgpipe-passport\">").unwrap();
    sandbox.write("results/plot/plot.svg", &format!("{before}{}", rest.split_once("</metadata>\n").unwrap().1));
    assert_eq!(standings(&sandbox)["results/plot/plot.svg"], "unknown");
    sandbox.run_with(&["--discard-edits"]).exits(0);
    assert_eq!(sandbox.read("results/plot/plot.svg"), svg);
}

#[test]
fn a_missing_figure_is_not_current() {
    let sandbox = plot();
    sandbox.remove("results/plot/plot.png");
    assert_eq!(standings(&sandbox)["results/plot/plot.png"], "missing");
    let check = sandbox.call(&["figures", "pipeline.yaml", "--check"]).exits(1);
    assert!(check.stdout.contains("missing  results/plot/plot.png"), "{}", check.stdout);
    let never = unpublished();
    assert!(standings(&never).values().all(|word| word == "missing"));
}

/// A project that publishes what a command writes under these names, as single files.
fn written(files: &[(&str, &[u8])]) -> Sandbox {
    let stage = |(name, _): &(&str, &[u8])| {
        let stage = name.replace('.', "_");
        format!(
            "  {stage}: {{ uses: command, run: [cp, \"${{in.raw}}\", \"${{out.it}}\"], inputs: {{ raw: {{ file: raw/{name} }} }}, outputs: {{ it: {{ file: {name} }} }} }}\n"
        )
    };
    let publish = |(name, _): &(&str, &[u8])| format!("  out/{name}: {}\n", name.replace('.', "_"));
    let (stages, published): (String, String) =
        (files.iter().map(stage).collect(), files.iter().map(publish).collect());
    let sandbox = project(&format!("pipeline: p\nstages:\n{stages}publish:\n{published}"));
    for (name, bytes) in files {
        fs_err::create_dir_all(sandbox.path("raw")).unwrap();
        fs_err::write(sandbox.path(&format!("raw/{name}")), bytes).unwrap();
    }
    sandbox
}

#[test]
fn files_that_are_not_what_their_names_say_get_their_passport_beside_them() {
    let no_pdf_catalog =
        b"%PDF-1.4\nxref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 1 /Root 7 0 R >>\nstartxref\n9\n%%EOF\n";
    let files: [(&str, &[u8]); 9] = [
        ("empty.png", b""),
        ("text.png", b"not a picture"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"),
        ("long.png", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR\0\0\0\0"),
        ("open.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\">"),
        ("behind.svg", b"<svg/><!-- </svg> --> more"),
        ("catalog.pdf", no_pdf_catalog),
        ("circle.pdf", b"%PDF-1.4\nxref\n0 0\ntrailer\n<< /Size 9 /Root 7 0 R /Prev 9 >>\nstartxref\n9\n%%EOF\n"),
        ("stream.pdf", b"%PDF-1.5\n1 0 obj\n<< /Type /XRef /Size 1 >>\nstartxref\n9\n%%EOF\n"),
    ];
    let sandbox = written(&files);
    sandbox.run().exits(0);
    for (name, bytes) in files {
        let path = format!("out/{name}");
        assert_eq!(fs_err::read(sandbox.path(&path)).unwrap(), bytes, "{name}");
        assert!(sandbox.has(&format!("{path}.passport.json")), "{name}");
        assert_eq!(traced(&sandbox, &path)["standing"], "current", "{name}");
    }
    assert_eq!(sandbox.run().exits(0).published(), [""; 0]);
}

#[test]
fn a_stamp_that_a_figure_brings_along_is_replaced() {
    let first = plot();
    let files: Vec<(&str, Vec<u8>)> = ["plot.svg", "plot.png", "plot.pdf"]
        .into_iter()
        .map(|name| (name, fs_err::read(first.path(&format!("results/plot/{name}"))).unwrap()))
        .collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let sandbox = written(&files);
    sandbox.run().exits(0);
    for (name, before) in files {
        let now = fs_err::read(sandbox.path(&format!("out/{name}"))).unwrap();
        let count = |bytes: &[u8]| bytes.windows(18).filter(|window| window == b"\"dgpipe_passport\":").count();
        assert_eq!((count(before), count(&now)), (1, 1), "{name}");
        let trace = traced(&sandbox, &format!("out/{name}"));
        assert_eq!((text(&trace["standing"]), text(&trace["passport"]["pipeline"])), ("current".into(), "p".into()));
    }
}

#[test]
fn hostile_files_are_refused_with_a_reason() {
    let sandbox = project("pipeline: p\nstages: { a: { uses: constant, config: { value: 1 } } }\n");
    let deep = format!("{{\"dgpipe_passport\":1,\"a\":{},\"seal\":\"{}\"}}", "[".repeat(200_000), "0".repeat(64));
    let many = "{\"dgpipe_passport\":".repeat(50_000);
    let zeros = vec![0; 100_000];
    let cases: [(&str, &[u8], &str); 7] = [
        ("empty.svg", b"", "carries no passport"),
        ("plain.svg", b"<svg></svg>", "carries no passport"),
        ("cut.svg", b"<svg>{\"dgpipe_passport\":1,\"pipeline\":", "carries no passport"),
        ("many.pdf", many.as_bytes(), "carries no passport"),
        ("deep.svg", deep.as_bytes(), "cannot be read"),
        ("zeros.png", &zeros, "carries no passport"),
        (
            "seal.svg",
            b"{\"dgpipe_passport\":1,\"seal\":\"0000000000000000000000000000000000000000000000000000000000000000\"}",
            "does not match its own seal",
        ),
    ];
    for (name, bytes, expected) in cases {
        fs_err::write(sandbox.path(name), bytes).unwrap();
        let trace = sandbox.call(&["trace", name]).exits(2);
        assert!(trace.stderr.contains(expected), "{name}: {}", trace.stderr);
    }
    for (path, expected) in [("nowhere.svg", "there is no file `nowhere.svg`"), (".", "is not a file")] {
        let trace = sandbox.call(&["trace", path]).exits(2);
        assert!(trace.stderr.contains(expected), "{}", trace.stderr);
    }
    sandbox.write("data.csv", "a\n");
    sandbox.write("data.csv.passport.json", "{\"dgpipe_passport\":2,\"seal\":\"\"}");
    assert!(sandbox.call(&["trace", "data.csv"]).exits(2).stderr.contains("its own seal"));
}

#[test]
fn a_passport_cannot_steer_the_terminal() {
    let sandbox = plot();
    sandbox.edit("A <b> & title", "\\e[31mred \\u202e turned");
    sandbox.run().exits(0);
    let svg = sandbox.read("results/plot/plot.svg");
    let passport = svg.split_once("dgpipe-passport").unwrap().1;
    assert!(passport.is_ascii() && !passport.contains('\u{1b}'));
    let trace = sandbox.call(&["trace", "results/plot/plot.svg"]).exits(0);
    assert!(!trace.stdout.contains(['\u{1b}', '\u{202e}']), "{}", trace.stdout);
}

#[test]
fn f1_variables_and_secrets_do_not_travel_with_figures() {
    let sandbox = project(
        "pipeline: p
stages:
  plot:
    uses: command
    shell: true
    run: echo \"<svg></svg>\" > ${out.it}
    outputs: { it: { file: it.svg } }
    env: [PLAIN]
    secrets: [HIDDEN]
publish: { it.svg: plot }
",
    );
    let sandbox = sandbox.variable("PLAIN", "plain-value").variable("HIDDEN", "hidden-value");
    sandbox.run().exits(0);
    let svg = sandbox.read("it.svg");
    assert!(svg.contains("PLAIN") && svg.contains("HIDDEN"), "{svg}");
    assert!(!svg.contains("plain-value") && !svg.contains("hidden-value"), "{svg}");
}

#[test]
fn the_names_of_passports_cannot_be_published() {
    let sandbox = project(
        "pipeline: p\nstages: { a: { uses: constant, config: { value: 1 } } }\npublish: { a.csv.passport.json: a }\n",
    );
    let mistakes = sandbox.mistakes();
    assert!(mistakes.contains("names that end in `.passport.json` are kept for passports"), "{mistakes}");
}

#[test]
fn a_passport_stays_short_however_many_cells_led_to_it() {
    let sandbox = project(
        "pipeline: p
params: { numbers: [NUMBERS] }
stages:
  number: { for: { n: \"${numbers}\" }, uses: constant, config: { value: \"${n}\" } }
  again: { for: { n: \"${numbers}\" }, uses: add, inputs: { terms: \"number[n=${n}]\" } }
  plot: { uses: draw, inputs: { numbers: \"again[*]\" }, config: { title: many } }
publish: { plot: plot }
",
    );
    let numbers: Vec<String> = (0..400).map(|n| n.to_string()).collect();
    sandbox.edit("NUMBERS", &numbers.join(", "));
    sandbox.run().exits(0);
    let passport = sandbox.read("plot/points.json.passport.json");
    assert!(passport.len() < 4000, "{passport}");
    let first = standings(&sandbox);
    assert!(first.values().all(|word| word == "current"));
    // What is folded into a digest is still told apart.
    sandbox.edit("399]", "400]");
    assert!(standings(&sandbox).values().all(|word| word == "stale"));
}

#[test]
fn members_of_a_shared_folder_have_passports_of_their_own() {
    let sandbox = project(
        "pipeline: p
stages:
  one: { uses: constant, config: { value: 1 } }
  plot: { uses: draw, inputs: { numbers: one }, config: { title: t } }
publish: { all: [plot, plot.table, one] }
",
    );
    sandbox.run().exits(0);
    assert_eq!(traced(&sandbox, "all/plot.svg")["passport"]["port"], "figure");
    assert_eq!(traced(&sandbox, "all/table.csv")["passport"]["port"], "table");
    assert!(!sandbox.has("all/value.passport.json"));
    assert_eq!(sandbox.run().exits(0).published(), [""; 0]);
    let check = sandbox.call(&["figures", "pipeline.yaml", "--check"]).exits(0);
    assert!(check.stderr.contains("7 figure and table files, 7 current"), "{}", check.stderr);
}

#[test]
fn a_pipeline_under_a_profile_is_found_by_the_passport() {
    let sandbox = plot();
    sandbox.edit("pipeline: paper\n", "pipeline: paper\nprofiles: { two-sided: { params: { title: sides } } }\n");
    sandbox.run_with(&["--profile", "two-sided"]).exits(0);
    let trace = traced(&sandbox, "results/plot/plot.svg");
    assert_eq!((text(&trace["standing"]), text(&trace["passport"]["profile"])), ("current".into(), "two-sided".into()));
    sandbox.write("pipeline.yaml", "pipeline: paper\n");
    let trace = sandbox.call(&["trace", "results/plot/plot.svg"]).exits(0);
    assert!(trace.stdout.contains("unknown\n    the pipeline file has"), "{}", trace.stdout);
}

/// Programs of others that read PDF, PNG and SVG; those that are not installed are named and passed over.
#[expect(clippy::print_stderr, reason = "a test that cannot ask a program says so")]
#[test]
fn other_programs_read_stamped_figures() {
    let sandbox = plot();
    let readers: [(&str, &[&str], &str); 4] = [
        ("qpdf", &["--check", "results/plot/plot.pdf"], "No syntax or stream encoding errors"),
        ("pdfinfo", &["-meta", "results/plot/plot.pdf"], "dgpipe_passport"),
        ("xmllint", &["--xpath", "//*[local-name()='metadata']", "results/plot/plot.svg"], "dgpipe_passport"),
        ("exiftool", &["-s", "results/plot/plot.png"], "DgpipePassport"),
    ];
    for (program, arguments, expected) in readers {
        match Command::new(program).args(arguments).current_dir(sandbox.root()).output() {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                assert!(output.status.success() && said.contains(expected), "{program}: {said}");
            }
            Err(error) => eprintln!("{program} is not here, so it was not asked: {error}"),
        }
    }
}
