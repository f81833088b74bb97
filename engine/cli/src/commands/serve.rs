//! `dgpipe serve`: the report as a page that follows a run while it goes on. Only for this machine, and only for whoever
//! has the address: it has a random token in it.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::Args;
use dgpipe_cache::Digest;
use tiny_http::{Header, Method, Request, Response, Server};

use crate::arguments::Common;
use crate::report::{Live, Site};
use crate::session::{Session, has_store, store_folder};
use crate::terminal::{print, say};
use crate::{ExitStatus, Failure, Program};

/// What `serve` takes.
#[derive(Debug, Args)]
pub struct Serve {
    /// The pipeline file
    file: PathBuf,
    /// The port (default: any that is free)
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    port: u16,
}

impl Serve {
    pub(crate) fn execute(&self, program: &Program, common: &Common) -> Result<ExitStatus, Failure> {
        let mut pages = Pages::open(program, self, common)?;
        let bound = Server::http((Ipv4Addr::LOCALHOST, self.port));
        let server = bound.map_err(|error| {
            Failure::Environment { message: format!("port {} cannot be used: {error}", self.port), hint: None }
                .hint("another `--port`, or none for any that is free")
        })?;
        let port = server.server_addr().to_ip().map_or(self.port, |address| address.port());
        let token = token()?;
        print(&format!("http://127.0.0.1:{port}/{token}/\n"));
        if !common.quiet {
            say("for this machine only, and only with this address; Ctrl-C ends it\n");
        }
        for request in server.incoming_requests() {
            let answer = answer(&request, port, &token, &mut pages);
            // Whoever has gone does not want it any more.
            request.respond(answer).ok();
        }
        Ok(ExitStatus::Done)
    }
}

/// The page and what it asks for, made anew when a run has ended or the pipeline file has changed.
struct Pages<'a> {
    program: &'a Program,
    serve: &'a Serve,
    common: &'a Common,
    session: Session,
    site: Site,
    live: Live,
    version: u64,
    /// What the page was made of.
    signature: Signature,
    trouble: Option<String>,
}

/// What tells whether a page is out of date: the runs that ended, the text of the pipeline, whether there is a store.
#[derive(PartialEq)]
struct Signature(Vec<String>, Option<Digest>, bool);

impl<'a> Pages<'a> {
    fn open(program: &'a Program, serve: &'a Serve, common: &'a Common) -> Result<Self, Failure> {
        let session = Session::look(program, &serve.file, common)?;
        let signature = Signature::of(&session, serve, common)?;
        let site = Site::of(&session, &serve.file, true)?;
        let live = Live::of(&session)?;
        Ok(Self { program, serve, common, session, site, live, version: 0, signature, trouble: None })
    }

    /// How things stand now, as the page reads it.
    fn state(&mut self) -> Result<Vec<u8>, Failure> {
        let signature = Signature::of(&self.session, self.serve, self.common)?;
        if signature != self.signature {
            match Self::open(self.program, self.serve, self.common) {
                Ok(new) => *self = Self { version: self.version + 1, ..new },
                // A file that is being edited may have mistakes for a while; the page says so and stays as it is.
                Err(failure) => {
                    self.signature = signature;
                    self.trouble = Some(trouble(&failure));
                }
            }
        }
        let state = self.live.state(&self.session, self.version, self.trouble.as_deref())?;
        Ok(state.to_string().into_bytes())
    }
}

impl Signature {
    fn of(session: &Session, serve: &Serve, common: &Common) -> Result<Self, Failure> {
        let runs = session.project.runs()?;
        let ended = runs.iter().filter(|run| run.path().join("report.json").exists()).map(|run| run.id().to_owned());
        let text = fs_err::read(&serve.file).ok().map(|text| Digest::of(&text));
        let store = has_store(&store_folder(&session.root, common))?;
        Ok(Self(ended.collect(), text, store))
    }
}

fn trouble(failure: &Failure) -> String {
    match failure {
        Failure::Mistakes(mistakes) => {
            format!("the pipeline file has mistakes ({}); `dgpipe check` shows them", mistakes.list.len())
        }
        other => crate::terminal::sanitised(&other.to_string()),
    }
}

/// 128 random bits in hexadecimal digits.
fn token() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    let message = |error: getrandom::Error| format!("the system gives no random numbers: {error}");
    getrandom::fill(&mut bytes).map_err(|error| Failure::Environment { message: message(error), hint: None })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

type Answer = Response<std::io::Cursor<Vec<u8>>>;

fn answer(request: &Request, port: u16, token: &str, pages: &mut Pages<'_>) -> Answer {
    // A foreign page can make a browser ask, but under its own name: this also stops rebinding of names.
    let host = request.headers().iter().find(|header| header.field.equiv("Host")).map(|header| header.value.as_str());
    let ours = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    if !host.is_some_and(|host| ours.iter().any(|ours| ours == host)) {
        return refusal(403, "this address is for this machine only\n");
    }
    if *request.method() != Method::Get {
        return refusal(405, "only GET\n");
    }
    let path = request.url().split(['?', '#']).next().unwrap_or("");
    let Some(name) = path.strip_prefix('/').and_then(|path| path.strip_prefix(token)) else {
        return refusal(404, "not found\n");
    };
    // Names are those of files in memory; no path of a disk is ever made of them.
    match name {
        "" => refusal(404, "the address ends with a slash\n"),
        "/" => page(pages.site.get("index.html"), "index.html"),
        "/state.json" => match pages.state() {
            Ok(state) => page(Some(&state), "state.json"),
            Err(failure) => refusal(500, &format!("{}\n", trouble(&failure))),
        },
        name => page(name.strip_prefix('/').and_then(|name| pages.site.get(name)), name),
    }
}

fn page(bytes: Option<&[u8]>, name: &str) -> Answer {
    let Some(bytes) = bytes else { return refusal(404, "not found\n") };
    let extension = name.rsplit('.').next().unwrap_or("");
    let (kind, policy) = match extension {
        "html" => (
            "text/html; charset=utf-8",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        "css" => ("text/css; charset=utf-8", NOTHING),
        "js" => ("text/javascript; charset=utf-8", NOTHING),
        "json" => ("application/json", NOTHING),
        // A figure has styles of its own, and runs nothing where it is opened by itself.
        "svg" => ("image/svg+xml", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"),
        "png" => ("image/png", NOTHING),
        "jpg" | "jpeg" => ("image/jpeg", NOTHING),
        "pdf" => ("application/pdf", NOTHING),
        "csv" => ("text/csv; charset=utf-8", NOTHING),
        _ => ("text/plain; charset=utf-8", NOTHING),
    };
    with_headers(Response::from_data(bytes), kind, policy)
}

/// What forbids everything.
const NOTHING: &str = "default-src 'none'; sandbox";

fn refusal(status: u16, text: &str) -> Answer {
    with_headers(Response::from_data(text).with_status_code(status), "text/plain; charset=utf-8", NOTHING)
}

fn with_headers(mut answer: Answer, kind: &str, policy: &str) -> Answer {
    let headers = [
        ("Content-Type", kind),
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ];
    for (name, value) in headers {
        let header = Header::from_bytes(name, value).expect("names and values are plain text");
        answer.add_header(header);
    }
    answer
}
