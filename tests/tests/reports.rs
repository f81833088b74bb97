//! The page that shows a pipeline: it opens from a disk, runs nothing foreign, and follows a run while it is served.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use dgpipe_tests::Sandbox;
use serde_json::Value;

use crate::project;

const PLOT: &str = "
pipeline: paper
about: What a reader wants to know.
params: { seeds: [1, 2, 3], title: \"A title\" }
stages:
  number: { for: { seed: \"${seeds}\" }, uses: constant, config: { value: \"${seed}\" } }
  plot: { uses: draw, inputs: { numbers: \"number[*]\" }, config: { title: \"${title}\" } }
  words: { uses: command, shell: true, run: \"echo said; echo shouted >&2; echo x > ${out.x}\", outputs: { x: { file: x.txt } } }
publish:
  results/plot: plot
  results/table: plot.table
  results/x.bin: words
";

/// Markup and control characters in every place that a pipeline file has for text.
const HOSTILE: &str = "
pipeline: hostile
about: '</title><script>alert(1)</script><img src=x onerror=alert(2)>'
params: { evil: '</script><script>alert(3)</script>', __proto__: '\u{202e}gnp.exe' }
stages:
  say:
    for: { who: ['<b>bold</b>', other] }
    about: '<i>about</i> it'
    uses: command
    shell: true
    run: \"printf '\\\\033[31mred\\\\033[0m <script>alert(4)</script> \\\\033]0;title\\\\007 %s' ${who} | tee ${out.x}; echo '<img onerror=alert(5)>' >&2\"
    outputs: { x: { file: x.txt } }
publish: { 'results/<u>${who}</u>.txt': say }
";

/// The files of a report, by their path in it.
fn report(sandbox: &Sandbox, out: &str) -> BTreeMap<String, Vec<u8>> {
    sandbox.call(&["report", "pipeline.yaml", "--out", out]).exits(0);
    let folder = sandbox.path(out);
    let name = |path: &std::path::PathBuf| path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
    sandbox.files(out).iter().map(|path| (name(path), fs_err::read(path).unwrap())).collect()
}

fn text(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

/// What a script of a report hands to the page.
fn handed(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Value {
    let text = text(files, name);
    let (_, literal) = text.split_once(", ").unwrap();
    let json: String = serde_json::from_str(literal.trim_end().strip_suffix(");").unwrap()).unwrap();
    serde_json::from_str(&json).unwrap()
}

#[test]
fn a_report_says_what_the_store_knows() {
    let sandbox = project(PLOT);
    sandbox.run().exits(0);
    sandbox.run_with(&["--set", "title=Another title"]).exits(0);
    let files = report(&sandbox, "site");
    let page = text(&files, "index.html");
    for part in ["paper", "What a reader wants to know.", "3 stages, 5 cells", "plot.svg", "Passport", "A title"] {
        assert!(page.contains(part), "`{part}` is not on the page");
    }
    let index = handed(&files, "data/index.js");
    assert_eq!(
        index["names"],
        serde_json::json!(["number[seed=1]", "number[seed=2]", "number[seed=3]", "plot", "words"])
    );
    assert_eq!(index["words"][4], "to execute");
    assert_eq!(index["states"], "00000", "records of both titles are in the store");
    assert_eq!(index["runs"].as_array().unwrap().len(), 2);
    let cells = handed(&files, "data/cells-0.js");
    assert_eq!(cells[4]["stdout"], "said\n");
    assert_eq!(cells[4]["stderr"], "shouted\n");
    assert_eq!(
        cells[3]["reads"][0],
        serde_json::json!(["numbers", "number[seed=1].value", 0, cells[0]["outputs"][0][3]])
    );
    let newest = handed(&files, "data/run-0.js");
    assert_eq!(newest["cells"][0][0], "plot");
    assert!(newest["cells"][0][2].as_f64().unwrap() >= 0.0, "when it began");
    assert!(newest["cells"][0][4].as_str().unwrap().starts_with("title A title → Another title"));
    assert_eq!(newest["params"][1], serde_json::json!(["title", "Another title"]));
}

#[test]
fn a_page_asks_for_nothing_from_elsewhere_and_runs_only_its_own_script() {
    let sandbox = project(PLOT);
    sandbox.run().exits(0);
    let files = report(&sandbox, "site");
    let page = text(&files, "index.html");
    let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";
    assert!(page.contains(policy));
    for word in ["http://", "https://", " style=", "<style", " onclick", " onload", "javascript:"] {
        assert!(!page.contains(word), "`{word}` is on the page");
    }
    let scripts: Vec<&str> =
        page.split("<script").skip(1).map(|rest| rest.split("</script>").next().unwrap()).collect();
    assert_eq!(scripts, [" src=\"report.js\" defer>", " src=\"data/index.js\" defer>"]);
    let script = text(&files, "report.js");
    for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://"] {
        assert!(!script.contains(word), "`{word}` is in the script");
    }
}

#[test]
fn names_logs_and_params_are_text_and_nothing_else() {
    let sandbox = project(HOSTILE);
    sandbox.run().exits(0);
    let files = report(&sandbox, "site");
    let pages =
        files.iter().filter(|(name, _)| ["html", "js"].iter().any(|end| name.ends_with(end)) && *name != "report.js");
    for (name, bytes) in pages {
        let text = String::from_utf8(bytes.clone()).unwrap();
        for markup in
            ["<script>alert", "<img src=x", "<img onerror", "<b>bold", "<i>about", "<u>", "\u{1b}", "\u{202e}", "\u{7}"]
        {
            assert!(!text.contains(markup), "{markup:?} is in {name}");
        }
    }
    let page = text(&files, "index.html");
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "it is shown as text");
    let cells = handed(&files, "data/cells-0.js");
    let said: Vec<&str> = cells.as_array().unwrap().iter().map(|cell| cell["stdout"].as_str().unwrap()).collect();
    assert!(said.iter().all(|said| said.starts_with("red <script>alert(4)</script>")), "{said:?}");
    assert!(files.keys().all(|name| !name.contains('<')), "{:?}", files.keys());
}

#[test]
fn the_same_store_gives_the_same_bytes() {
    let sandbox = project(PLOT);
    sandbox.run().exits(0);
    let (one, other) = (report(&sandbox, "one"), report(&sandbox, "other"));
    assert_eq!(one, other);
}

#[test]
fn a_report_replaces_a_report_and_nothing_else() {
    let sandbox = project(PLOT);
    sandbox.run().exits(0);
    sandbox.write("mine/notes.txt", "mine");
    let refused = sandbox.call(&["report", "pipeline.yaml", "--out", "mine"]).exits(2);
    assert!(refused.stderr.contains("`mine` is there and is no report"), "{}", refused.stderr);
    assert_eq!(sandbox.files("mine").len(), 1);

    let before = report(&sandbox, "site");
    sandbox.write("site/figures/mine.txt", "mine");
    sandbox.run_with(&["--set", "title=Another title"]).exits(0);
    let after = report(&sandbox, "site");
    assert_eq!(after["figures/mine.txt"], b"mine");
    let old_figures = before.keys().filter(|name| name.starts_with("figures/") && name.ends_with("svg"));
    for name in old_figures {
        assert!(!after.contains_key(name), "{name} is of the old report");
    }
}

#[test]
fn a_report_of_what_never_ran_says_so() {
    let sandbox = project(PLOT);
    let files = report(&sandbox, "site");
    assert!(text(&files, "index.html").contains("There was none yet."));
    assert_eq!(handed(&files, "data/index.js")["states"], "33323");
    assert!(!sandbox.has(".dgpipe"), "looking makes no store");
}

#[test]
fn an_edited_or_deleted_figure_is_shown_as_such() {
    let sandbox = project(PLOT);
    sandbox.run().exits(0);
    let svg = sandbox.read("results/plot/plot.svg");
    sandbox.write("results/plot/plot.svg", &svg.replace("</svg>", "<!-- mine --></svg>"));
    sandbox.remove("results/plot/plot.png");
    let page = text(&report(&sandbox, "site"), "index.html");
    let line = |name: &str| {
        let at = page.find(&format!(">{name}</a>")).or(page.find(&format!(" {name}</li>"))).unwrap();
        page[..at].rsplit("<li>").next().unwrap().to_owned()
    };
    assert!(line("plot.svg").contains("edited"), "{}", line("plot.svg"));
    assert!(page.contains("missing"));
    assert!(line("table.csv").contains("current"));
}

#[test]
fn ten_thousand_cells_are_no_part_of_the_page_itself() {
    let values: Vec<String> = (0..100).map(|value| value.to_string()).collect();
    let values = values.join(", ");
    let sandbox = project(&format!(
        "pipeline: many\nstages:\n  one: {{ for: {{ x: [{values}], y: [{values}] }}, uses: constant, config: {{ value: 1 }} }}\n"
    ));
    let files = report(&sandbox, "site");
    assert!(files["index.html"].len() < 20_000, "{} bytes", files["index.html"].len());
    assert_eq!(handed(&files, "data/index.js")["names"].as_array().unwrap().len(), 10_000);
    assert_eq!(files.keys().filter(|name| name.starts_with("data/cells-")).count(), 50);
}

#[test]
fn a_picture_of_very_many_stages_folds_those_of_one_depth() {
    let mut pipeline = "pipeline: lattice\nstages:\n".to_owned();
    for number in 0..200 {
        let inputs = if number < 50 { String::new() } else { format!(", inputs: {{ terms: s{} }}", number - 50) };
        let uses = if number < 50 { "constant, config: { value: 1 }" } else { "add, config: { plus: 1 }" };
        pipeline.push_str(&format!("  s{number}: {{ uses: {uses}{inputs} }}\n"));
    }
    let sandbox = project(&pipeline);
    let picture = sandbox.call(&["dag", "pipeline.yaml", "--format", "svg"]).exits(0).stdout;
    assert_eq!(picture.matches("class=\"node stages\"").count(), 4);
    assert!(picture.contains("50 stages, 50 cells"), "{picture}");
}

#[test]
fn the_picture_of_a_graph_is_an_svg_of_its_own() {
    let sandbox = project(HOSTILE);
    let picture = sandbox.call(&["dag", "pipeline.yaml", "--format", "svg"]).exits(0).stdout;
    assert!(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    assert!(!picture.contains("<script"), "{picture}");
    let opened = picture.matches('<').count() - picture.matches("</").count();
    assert_eq!(opened, picture.matches("</").count(), "every element is closed");
}

/// `serve`, stopped when a test ends.
struct Served {
    child: Child,
    port: u16,
    token: String,
}

impl Served {
    fn of(sandbox: &Sandbox) -> Self {
        let mut command = sandbox.command();
        command.args(["serve", "pipeline.yaml", "-q"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let rest = address.trim().strip_prefix("http://127.0.0.1:").unwrap();
        let (port, token) = rest.split_once('/').unwrap();
        Self { child, port: port.parse().unwrap(), token: token.trim_end_matches('/').to_owned() }
    }

    /// The status and the whole answer.
    fn ask(&self, method: &str, path: &str, host: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        (answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), answer)
    }

    fn get(&self, name: &str) -> (u16, String) {
        self.ask("GET", &format!("/{}/{name}", self.token), &format!("127.0.0.1:{}", self.port))
    }

    fn state(&self) -> Value {
        let (status, answer) = self.get("state.json");
        assert_eq!(status, 200, "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body = &body[body.find('{').unwrap()..=body.rfind('}').unwrap()];
        serde_json::from_str(body).unwrap()
    }

    /// Waits until the state is as it should be.
    fn until(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let state = self.state();
            if wanted(&state) {
                return state;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "the state stays {state}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn what_is_served_is_for_whoever_has_the_address_on_this_machine() {
    let sandbox = project(PLOT);
    sandbox.run().exits(0);
    let served = Served::of(&sandbox);
    let (status, page) = served.get("");
    assert_eq!(status, 200, "{page}");
    assert!(
        page.contains("connect-src 'self'") && page.contains("frame-ancestors 'none'") && page.contains("no-referrer")
    );
    assert_eq!(served.get("report.js").0, 200);
    assert_eq!(served.token.len(), 32);

    let host = format!("127.0.0.1:{}", served.port);
    let page = format!("/{}/", served.token);
    assert_eq!(served.ask("GET", "/", &host).0, 404, "without the token");
    assert_eq!(served.ask("GET", "/00000000000000000000000000000000/", &host).0, 404, "with another one");
    assert_eq!(served.ask("GET", &page, "evil.example").0, 403, "under a foreign name");
    assert_eq!(served.ask("GET", &page, &format!("evil.example:{}", served.port)).0, 403);
    assert_eq!(served.ask("GET", &page, &format!("localhost:{}", served.port)).0, 200);
    for method in ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"] {
        assert_eq!(served.ask(method, &page, &host).0, 405, "{method}");
    }
    for path in [
        "../pipeline.yaml",
        "%2e%2e/pipeline.yaml",
        "..%2fpipeline.yaml",
        "/etc/passwd",
        "figures/../../pipeline.yaml",
        "data/",
        ".dgpipe-report",
    ] {
        let (status, answer) = served.get(path);
        assert_eq!(status, 404, "{path}: {answer}");
    }
    let other = project(PLOT);
    assert_ne!(Served::of(&other).token, served.token);
}

#[test]
fn a_served_page_follows_a_run_and_is_made_anew_when_it_ends() {
    let outside = tempfile::tempdir().unwrap();
    let go = outside.path().join("go");
    let sandbox = project(&format!(
        "pipeline: slow\nstages:\n  first: {{ uses: constant, config: {{ value: 1 }} }}\n  slow: {{ uses: command, shell: true, run: \"while [ ! -e {} ]; do sleep 0.02; done; echo x > ${{out.x}}\", inputs: {{ first: first }}, outputs: {{ x: {{ file: x.txt }} }} }}\n",
        go.display()
    ));
    let served = Served::of(&sandbox);
    assert_eq!(served.state()["run"], Value::Null);
    let mut command = sandbox.command();
    command.args(["run", "pipeline.yaml", "-q"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut run = command.spawn().unwrap();
    let state = served.until(|state| state["states"] == "06");
    assert_eq!(state["run"]["cells"], 2);
    assert_eq!(state["run"]["executed"], 1);
    assert_eq!(state["run"]["running"][0][0], 1, "the place of the running cell");
    assert_eq!(state["run"]["alive"], true);
    let before = state["site"].as_u64().unwrap();
    fs_err::write(go, "").unwrap();
    assert!(run.wait().unwrap().success());
    let state = served.until(|state| state["run"].is_null() && state["site"].as_u64() > Some(before));
    assert_eq!(state["states"], "00");
    assert!(served.get("").1.contains("2</span> current"));
}

#[test]
fn a_mistake_in_the_file_leaves_the_served_page_and_is_said() {
    let sandbox = project(PLOT);
    let served = Served::of(&sandbox);
    sandbox.edit("uses: draw", "uses: drew");
    let state = served.until(|state| !state["trouble"].is_null());
    assert!(state["trouble"].as_str().unwrap().contains("mistakes"), "{state}");
    assert_eq!(served.get("").0, 200);
    sandbox.edit("uses: drew", "uses: draw");
    served.until(|state| state["trouble"].is_null());
}

#[test]
fn the_summary_says_what_ran_and_why() {
    let sandbox = project(PLOT);
    let first = sandbox.call(&["run", "pipeline.yaml"]).exits(0);
    assert!(first.stderr.contains("ran number ×3, plot, words: new\n"), "{}", first.stderr);
    let second = sandbox.call(&["run", "pipeline.yaml", "--set", "title=Other"]).exits(0);
    assert!(second.stderr.contains("ran plot: title A title → Other"), "{}", second.stderr);
}
