//! `fetch` against a real server that misbehaves in every way: what is under its final name is right, whatever came.

use std::process::{Child, Stdio};

use dgpipe_tests::{Asked, FileServer, Outcome, Reply, Sandbox};
use rustix::process::Signal;

use crate::project;
use crate::signals::{send, wait_until};

const LARGE: usize = 300_000;

pub(crate) fn content(len: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * 31 + i / 251) % 251) as u8).collect()
}

/// What an honest server says.
fn honest(asked: &Asked) -> Reply {
    match asked.path.as_str() {
        "/numbers/resolve/0123456789abcdef/small.bin" => Reply::file(asked, &content(1000)),
        "/numbers/resolve/0123456789abcdef/deep/large.bin" => Reply::file(asked, &content(LARGE)),
        _ => Reply::status("404 Not Found", &[]),
    }
}

/// A server that is honest about the small file, and says of the large one what `reply` does: the question and how
/// often the large one was asked for before.
fn about_large(reply: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> FileServer {
    let asked_before = std::sync::atomic::AtomicUsize::new(0);
    FileServer::start(move |asked| {
        if !asked.path.ends_with("large.bin") {
            return honest(asked);
        }
        reply(asked, asked_before.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
    })
}

/// A project that asks no proxy.
fn nowhere() -> Sandbox {
    project("").variable("NO_PROXY", "*")
}

fn fetch(sandbox: &Sandbox, server: &FileServer, more: &[&str]) -> Outcome {
    sandbox.call(&[&["fetch", "numbers", "--from", &server.url(), "--timeout", "1"], more].concat())
}

/// The large file is there, and is right; nothing else is.
fn is_complete(sandbox: &Sandbox) {
    assert_eq!(fs_err::read(sandbox.path("data/numbers/large.bin")).unwrap(), content(LARGE));
    assert_eq!(fs_err::read(sandbox.path("data/numbers/small.bin")).unwrap(), content(1000));
    assert_eq!(sandbox.files("data").len(), 2, "no part is left");
}

/// The large file is not there, and not so many bytes of it.
fn is_absent(sandbox: &Sandbox, part: Option<usize>) {
    assert!(!sandbox.has("data/numbers/large.bin"));
    let parts: Vec<usize> = sandbox
        .files("data")
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "part"))
        .map(|path| fs_err::metadata(path).unwrap().len() as usize)
        .collect();
    assert_eq!(parts, part.into_iter().collect::<Vec<_>>());
}

#[test]
fn files_are_fetched_once_and_a_second_call_asks_for_nothing() {
    let (sandbox, server) = (nowhere(), FileServer::start(honest));
    let first = fetch(&sandbox, &server, &[]).exits(0);
    insta::assert_snapshot!(sandbox.redacted(&first.stdout), @"
    numbers is in [ROOT]/data/numbers
    use them: sources: { numbers: { path: data/numbers, kind: folder/1 } }
    ");
    insta::assert_snapshot!(first.stderr, @"
    fetched   small.bin  1000 B
    fetched   large.bin  293.0 KiB
    ");
    is_complete(&sandbox);
    assert_eq!(server.asked().len(), 2);

    let second = fetch(&sandbox, &server, &["--json"]).exits(0);
    assert_eq!(second.stderr, "");
    let told: serde_json::Value = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!(told["files"][1]["got"], "present");
    assert_eq!(told["files"][1]["size"], LARGE);
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn a_list_says_what_can_be_fetched_and_a_slip_is_answered() {
    let sandbox = nowhere();
    insta::assert_snapshot!(sandbox.call(&["fetch"]).exits(0).stdout, @"
    numbers  Two files of numbers.
             into data/numbers
    ");
    let list = sandbox.call(&["fetch", "--json"]).exits(0).stdout;
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list[0]["files"][1]["size"], LARGE);
    let slip = sandbox.call(&["fetch", "nubmers"]).exits(2);
    insta::assert_snapshot!(slip.stderr, @"
    error: nothing known is called `nubmers`
    hint: did you mean `numbers`?
    ");
}

#[test]
fn f3_addresses_with_passwords_and_what_is_no_address_are_refused_and_not_repeated() {
    let sandbox = nowhere();
    for bad in ["ftp://x", "http://", "https://me:secret@host", "https://host/?key=secret", "host"] {
        let said = sandbox.call(&["fetch", "numbers", "--from", bad]).exits(2).stderr;
        assert!(said.contains("error: ") && !said.contains("panicked"), "{bad}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
    assert!(!sandbox.has("data"));
}

#[test]
fn a_body_that_breaks_off_is_continued_where_it_ended() {
    let sandbox = nowhere();
    let server = about_large(|asked, before| match before {
        0 => honest(asked).cut(100_000),
        1 => honest(asked).cut(50_000),
        _ => honest(asked),
    });
    let outcome = fetch(&sandbox, &server, &[]).exits(0);
    is_complete(&sandbox);
    let ranges: Vec<_> = server.asked().into_iter().filter_map(|asked| asked.range).collect();
    assert_eq!(ranges, ["bytes=100000-", "bytes=150000-"]);
    assert!(outcome.stderr.contains("large.bin` broke off after 100000 bytes"), "{}", outcome.stderr);
}

#[test]
fn a_server_that_falls_silent_is_left_and_the_part_is_kept() {
    let sandbox = nowhere();
    let server = about_large(|asked, _| honest(asked).stall(70_000));
    let outcome = fetch(&sandbox, &server, &["--retries", "0"]).exits(3);
    assert!(outcome.stderr.contains("sent nothing for 1 s"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("hint: the same call goes on where this one ended"), "{}", outcome.stderr);
    is_absent(&sandbox, Some(70_000));
    let server = FileServer::start(honest);
    assert!(fetch(&sandbox, &server, &[]).exits(0).stderr.contains("resumed   large.bin"));
    is_complete(&sandbox);
    assert_eq!(server.asked()[0].range.as_deref(), Some("bytes=70000-"));
    // Nor does one that says nothing at all keep anybody waiting.
    let (sandbox, server) = (nowhere(), about_large(|_, _| Reply::new("200 OK", &[], b"").stall(0)));
    fetch(&sandbox, &server, &["--retries", "0"]).exits(3);
    is_absent(&sandbox, None);
}

#[test]
fn whoever_stops_a_fetch_goes_on_later() {
    let sandbox = nowhere();
    let server = about_large(|asked, _| honest(asked).stall(70_000));
    let mut command = sandbox.command();
    let call = command.args(["fetch", "numbers", "--from", &server.url(), "--timeout", "3600"]);
    let child: Child = call.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let part =
        || sandbox.files("data").iter().any(|path| fs_err::metadata(path).is_ok_and(|part| part.len() == 70_000));
    wait_until("the part to arrive", part);
    send(&child, Signal::INT);
    let outcome = Outcome::of(&child.wait_with_output().unwrap()).exits(130);
    assert!(outcome.stderr.ends_with("stopped; the same call goes on where this one ended\n"), "{}", outcome.stderr);
    is_absent(&sandbox, Some(70_000));
    fetch(&sandbox, &FileServer::start(honest), &[]).exits(0);
    is_complete(&sandbox);
}

#[test]
fn redirects_are_followed_also_to_another_server_but_not_in_a_circle() {
    let sandbox = nowhere();
    let store = FileServer::start(|asked| Reply::file(asked, &content(LARGE)));
    let place = format!("{}/blob", store.url());
    let server = about_large(move |asked, _| match asked.path.as_str() {
        "/elsewhere/large.bin" => Reply::status("302 Found", &[("Location", &place)]),
        _ => Reply::status("307 Temporary Redirect", &[("Location", "/elsewhere/large.bin")]),
    });
    fetch(&sandbox, &server, &[]).exits(0);
    is_complete(&sandbox);

    let circle = |to: &'static str| about_large(move |_, _| Reply::status("302 Found", &[("Location", to)]));
    for to in ["large.bin", "file:///etc/passwd", "http://[", "", "gopher://host/large.bin"] {
        let sandbox = nowhere();
        let outcome = fetch(&sandbox, &circle(to), &["--retries", "0"]).exits(3);
        assert!(!outcome.stderr.contains("panicked"), "{to}: {}", outcome.stderr);
        is_absent(&sandbox, None);
    }
    let outcome = fetch(&nowhere(), &circle("large.bin"), &[]).exits(3);
    assert!(outcome.stderr.contains("leads from one address to the next"), "{}", outcome.stderr);
}

#[test]
fn e7_lies_about_the_length_are_found_out() {
    let lengths = |length: &'static str, body: usize| {
        about_large(move |_, _| Reply::new("200 OK", &[("Content-Length", length)], &content(body)))
    };
    for (length, body) in [("299999", LARGE), ("300001", LARGE), ("300001", LARGE + 1), ("99999999999999999999", LARGE)]
    {
        let sandbox = nowhere();
        let outcome = fetch(&sandbox, &lengths(length, body), &["--retries", "1"]).exits(3);
        assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
        is_absent(&sandbox, None);
    }
    // Without a length, what comes is counted.
    let chunked = |len: usize| {
        about_large(move |_, _| {
            let body = [format!("{len:x}\r\n").as_bytes(), &content(len), b"\r\n0\r\n\r\n"].concat();
            Reply::new("200 OK", &[("Transfer-Encoding", "chunked")], &body)
        })
    };
    let sandbox = nowhere();
    let outcome = fetch(&sandbox, &chunked(LARGE + 1), &[]).exits(3);
    assert!(outcome.stderr.contains("it is longer than announced"), "{}", outcome.stderr);
    is_absent(&sandbox, None);
    let outcome = fetch(&sandbox, &chunked(LARGE - 1), &["--retries", "1"]).exits(3);
    assert!(outcome.stderr.contains("broke off after 299999 bytes"), "{}", outcome.stderr);
    is_absent(&sandbox, Some(LARGE - 1));
    fetch(&sandbox, &chunked(LARGE), &[]).exits(0);
    is_complete(&sandbox);
}

#[test]
fn a_file_whose_size_is_not_known_is_taken_up_to_its_limit() {
    // Of the small file no more is known than that it has at most 4096 bytes.
    let about_small = |reply: fn(&Asked) -> Reply| {
        FileServer::start(move |asked| if asked.path.ends_with("small.bin") { reply(asked) } else { honest(asked) })
    };
    let announces = about_small(|asked| Reply::file(asked, &content(5_000_000)));
    let claims =
        about_small(|_| Reply::new("200 OK", &[("Content-Length", "18000000000000000000")], &content(5_000_000)));
    let continues = about_small(|asked| match asked.range {
        None => Reply::file(asked, &content(1000)).cut(700),
        Some(_) => Reply::new(
            "206 Partial Content",
            &[("Content-Range", "bytes 700-4999999/5000000"), ("Content-Length", "4999300")],
            &content(4_999_300),
        ),
    });
    for (server, claim) in [(announces, "5000000"), (claims, "18000000000000000000"), (continues, "5000000")] {
        let sandbox = nowhere();
        let outcome = fetch(&sandbox, &server, &["--retries", "1"]).exits(3);
        let error = format!("is not the file that was asked for: it has {claim} bytes, and that file at most 4096\n");
        assert!(outcome.stderr.contains(&error), "{}", outcome.stderr);
        let kept: u64 = sandbox.files("data").iter().map(|path| fs_err::metadata(path).unwrap().len()).sum();
        assert!(kept <= 700, "{kept} bytes are left");
    }
    // Within the limit, what is announced counts.
    let more = about_small(|_| {
        let body = [b"fa0\r\n", &content(4000)[..], b"\r\nfa0\r\n", &content(4000), b"\r\n0\r\n\r\n"].concat();
        Reply::new("200 OK", &[("Transfer-Encoding", "chunked")], &body)
    });
    let sandbox = nowhere();
    let outcome = fetch(&sandbox, &more, &["--retries", "0"]).exits(3);
    assert!(outcome.stderr.contains("the server does not say how long it is"), "{}", outcome.stderr);
    // A part that is longer than the file may be is no part of it.
    let sandbox = nowhere();
    sandbox.write("data/numbers/.small.bin.4888b0982d8f2f24.part", &"x".repeat(4097));
    let server = FileServer::start(honest);
    fetch(&sandbox, &server, &[]).exits(0);
    assert_eq!(server.asked()[0].range, None);
    is_complete(&sandbox);
}

#[test]
fn e7_wrong_bytes_never_get_the_name() {
    let sandbox = nowhere();
    let wrong = |asked: &Asked| Reply::file(asked, &vec![7; LARGE]);
    let server = about_large(move |asked, _| wrong(asked));
    let outcome = fetch(&sandbox, &server, &[]).exits(3);
    assert!(outcome.stderr.contains("its SHA-256 is not 5a5d1dae"), "{}", outcome.stderr);
    is_absent(&sandbox, None);
    assert_eq!(server.asked().len(), 2, "a file that is wrong from one end to the other is not asked for again");

    // One half of another file is found out, and the whole is fetched anew.
    let server = about_large(move |asked, before| if before == 0 { wrong(asked).cut(9000) } else { honest(asked) });
    let outcome = fetch(&sandbox, &server, &[]).exits(0);
    assert!(outcome.stderr.contains("does not fit together"), "{}", outcome.stderr);
    is_complete(&sandbox);
    let ranges: Vec<_> = server.asked().into_iter().map(|asked| asked.range).collect();
    assert_eq!(ranges, [None, Some("bytes=9000-".to_owned()), None]);
}

#[test]
fn what_never_gets_there_is_given_up() {
    // Wrong bytes in parts; parts that begin elsewhere; no ranges and never the whole.
    let wrong = about_large(|asked, _| Reply::file(asked, &vec![7; LARGE]).cut(100_000));
    let elsewhere = about_large(|asked, _| {
        let range = [("Content-Range", "bytes 5-299999/300000"), ("Content-Length", "299995")];
        if asked.range.is_some() { Reply::new("206 Partial Content", &range, b"") } else { honest(asked).cut(100_000) }
    });
    let never_whole = about_large(|asked, _| honest(&Asked { range: None, ..asked.clone() }).cut(100_000));
    for server in [wrong, elsewhere, never_whole] {
        let sandbox = nowhere();
        fetch(&sandbox, &server, &["--retries", "1"]).exits(3);
        assert!(!sandbox.has("data/numbers/large.bin"));
        assert!(server.asked().len() < 8, "{:?}", server.asked());
    }
}

#[test]
fn a_login_page_is_not_taken_for_the_file_and_costs_no_part() {
    let sandbox = nowhere();
    let page = b"<html>Please log in</html>";
    let server = about_large(move |asked, before| match before {
        0 => honest(asked).cut(80_000),
        _ => Reply::new("200 OK", &[("Content-Type", "text/html; charset=utf-8"), ("Content-Length", "26")], page),
    });
    let outcome = fetch(&sandbox, &server, &[]).exits(3);
    insta::assert_snapshot!(outcome.stderr.replace(&server.url(), "[SERVER]"), @"
    fetched   small.bin  1000 B
    retrying  large.bin in 0.5 s: `[SERVER]/numbers/resolve/0123456789abcdef/deep/large.bin` broke off after 80000 bytes
    error: `[SERVER]/numbers/resolve/0123456789abcdef/deep/large.bin` is not the file that was asked for: it is a web page
    hint: a login page, a proxy or a stale mirror may stand between; nothing was kept
    ");
    is_absent(&sandbox, Some(80_000));
    fetch(&sandbox, &FileServer::start(honest), &[]).exits(0);
    is_complete(&sandbox);
}

#[test]
fn a_server_that_knows_no_ranges_begins_anew() {
    let sandbox = nowhere();
    let server = about_large(|asked, before| {
        let whole = Reply::file(&Asked { range: None, ..asked.clone() }, &content(LARGE));
        if before == 0 { whole.cut(120_000) } else { whole }
    });
    fetch(&sandbox, &server, &[]).exits(0);
    is_complete(&sandbox);
    // Nor is a part taken that begins elsewhere, or nowhere.
    for range in
        ["bytes 0-299999/300000", "bytes 5-299999/300000", "bytes 80001-299999/300000", "nonsense", "bytes */*"]
    {
        let sandbox = nowhere();
        let server = about_large(move |asked, before| match before {
            0 => honest(asked).cut(80_000),
            1 => {
                let rest = content(LARGE)[80_000..].to_vec();
                Reply::new("206 Partial Content", &[("Content-Range", range), ("Content-Length", "220000")], &rest)
            }
            _ => honest(asked),
        });
        fetch(&sandbox, &server, &[]).exits(0);
        is_complete(&sandbox);
    }
}

#[test]
fn a_part_that_is_too_long_or_refused_is_thrown_away() {
    let sandbox = nowhere();
    let part = "data/numbers/.large.bin.5a5d1daeeaa10c66.part";
    sandbox.write(part, &"x".repeat(LARGE + 1));
    let server = FileServer::start(honest);
    fetch(&sandbox, &server, &[]).exits(0);
    is_complete(&sandbox);
    assert_eq!(server.asked()[1].range, None);
    // As long as the file, and wrong: the server has nothing more.
    sandbox.remove("data/numbers/large.bin");
    sandbox.write(part, &"x".repeat(LARGE));
    let outcome = fetch(&sandbox, &FileServer::start(honest), &[]).exits(0);
    assert!(outcome.stderr.contains("does not continue"), "{}", outcome.stderr);
    is_complete(&sandbox);
    // Whole, but stopped before it got its name: nothing is asked for.
    sandbox.remove("data/numbers/large.bin");
    fs_err::write(sandbox.path(part), content(LARGE)).unwrap();
    let server = FileServer::start(honest);
    fetch(&sandbox, &server, &[]).exits(0);
    is_complete(&sandbox);
    assert!(server.asked().is_empty());
}

#[test]
fn a_busy_server_is_asked_again_when_it_says() {
    for (status, headers) in [
        ("429 Too Many Requests", &[("Retry-After", "0")][..]),
        ("503 Service Unavailable", &[("Retry-After", "1")]),
        ("503 Service Unavailable", &[("Retry-After", "Fri, 31 Dec 1999 23:59:59 GMT")]),
        ("500 Internal Server Error", &[]),
    ] {
        let sandbox = nowhere();
        let server =
            about_large(move |asked, before| if before == 0 { Reply::status(status, headers) } else { honest(asked) });
        let outcome = fetch(&sandbox, &server, &["--retries", "1"]).exits(0);
        assert!(outcome.stderr.contains("try again later"), "{}", outcome.stderr);
        is_complete(&sandbox);
    }
    let (sandbox, server) = (nowhere(), about_large(|_, _| Reply::status("503 Service Unavailable", &[])));
    fetch(&sandbox, &server, &["--retries", "2"]).exits(3);
    assert_eq!(server.asked().len(), 4);
    is_absent(&sandbox, None);
}

#[test]
fn a_refusal_is_final_and_says_what_to_do() {
    for (status, hint) in [
        ("404 Not Found", "a mirror needs the same paths"),
        ("401 Unauthorized", "wants to know who you are"),
        ("403 Forbidden", "wants to know who you are"),
        ("410 Gone", "a mirror needs the same paths"),
        ("204 No Content", "answers 204"),
        ("416 Range Not Satisfiable", "answers 416"),
        ("304 Not Modified", "answers 304"),
    ] {
        let (sandbox, server) = (nowhere(), about_large(move |_, _| Reply::status(status, &[])));
        let outcome = fetch(&sandbox, &server, &[]).exits(3);
        assert!(outcome.stderr.contains(hint), "{status}: {}", outcome.stderr);
        assert_eq!(server.asked().len(), 2);
        is_absent(&sandbox, None);
    }
}

#[test]
fn what_is_no_http_is_survived() {
    let garbage = |bytes: &'static str| about_large(move |_, _| Reply::new(bytes, &[], b""));
    for bytes in [
        "",
        "banana",
        "999999 What",
        "200 OK\r\nContent-Length: -5",
        "200 OK\r\nContent-Length: 3\r\nContent-Length: 4",
    ] {
        let sandbox = nowhere();
        let outcome = fetch(&sandbox, &garbage(bytes), &["--retries", "0"]).exits(3);
        assert!(!outcome.stderr.contains("panicked"), "{bytes}: {}", outcome.stderr);
        is_absent(&sandbox, None);
    }
    // Nobody there at all.
    let sandbox = nowhere();
    let outcome = sandbox.call(&["fetch", "numbers", "--retries", "0", "--timeout", "1"]).exits(3);
    assert!(outcome.stderr.contains("cannot reach `http://127.0.0.1:9/numbers"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("hint: is there a network?"), "{}", outcome.stderr);
}

#[test]
fn a_proxy_is_used_where_the_environment_names_one() {
    let proxy = FileServer::start(|asked| {
        honest(&Asked { path: asked.path.replace("http://far.invalid", ""), ..asked.clone() })
    });
    let sandbox = project("").variable("ALL_PROXY", &proxy.url()).variable("NO_PROXY", "");
    let outcome = sandbox.call(&["fetch", "numbers", "--from", "http://far.invalid", "--retries", "0"]);
    assert!(!proxy.asked().is_empty(), "{}", outcome.stderr);
}

#[test]
fn another_file_of_that_name_is_left_alone() {
    let (sandbox, server) = (nowhere(), FileServer::start(honest));
    sandbox.write("data/numbers/large.bin", "mine");
    let outcome = fetch(&sandbox, &server, &[]).exits(2);
    assert!(outcome.stderr.contains("large.bin` is another file: it has 4 bytes and not 300000"), "{}", outcome.stderr);
    assert_eq!(sandbox.read("data/numbers/large.bin"), "mine");
    fs_err::write(sandbox.path("data/numbers/large.bin"), vec![7; LARGE]).unwrap();
    assert!(fetch(&sandbox, &server, &[]).exits(2).stderr.contains("its SHA-256 is "));
    sandbox.remove("data/numbers/large.bin");
    sandbox.write("data/numbers/large.bin/file", "");
    assert!(fetch(&sandbox, &server, &[]).exits(2).stderr.contains("it is no file"));
    let elsewhere = fetch(&sandbox, &server, &["--out", "else/where"]).exits(0);
    assert!(elsewhere.stdout.starts_with("numbers is in else/where\n"), "{}", elsewhere.stdout);
    assert_eq!(fs_err::read(sandbox.path("else/where/large.bin")).unwrap(), content(LARGE));
    assert!(fetch(&sandbox, &server, &["--out", "dgpipe.toml"]).exits(2).stderr.contains("a file is in the way"));
}

#[test]
fn two_fetches_do_not_write_one_file() {
    let sandbox = nowhere();
    let server = about_large(|asked, before| if before == 0 { honest(asked).stall(70_000) } else { honest(asked) });
    let mut command = sandbox.command();
    let call = command.args(["fetch", "numbers", "--from", &server.url(), "--timeout", "3600"]);
    let first: Child = call.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_until("the first to hold its part", || server.asked().len() == 2);
    let outcome = fetch(&sandbox, &server, &[]).exits(3);
    assert!(outcome.stderr.contains("another `fetch` is writing"), "{}", outcome.stderr);
    send(&first, Signal::KILL);
    first.wait_with_output().unwrap();
    fetch(&sandbox, &server, &[]).exits(0);
    is_complete(&sandbox);
}
