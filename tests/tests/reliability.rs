//! The page about reliability names tests for each fault, and each fault that has to be survived has a test that is named
//! after it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The faults that a first release has to survive.
const CORE: &str = "A1 A2 A3 A4 A5 A6 A7 A8 B1 B2 B3 B4 B5 B7 B11 B12 B13 C1 C2 C3 C4 C5 C6 C7 C8 C9 C10 C11 C16 D1 D2 D3 D4 D5 \
                    D6 D7 D11 D12 E1 E2 E3 E4 E5 E6 E7 E8 E12 E14 F1 F2 F3 F4 H1 H3";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn page() -> String {
    fs_err::read_to_string(root().join("docs/reliability.md")).unwrap()
}

/// The names of all tests of the repository.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open: Vec<PathBuf> =
        ["cache", "engine", "stages", "tests"].iter().map(|folder| root().join(folder)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs_err::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let mut is_test = false;
            let text = fs_err::read_to_string(path).unwrap();
            for line in text.lines().map(str::trim) {
                if line == "#[test]" {
                    is_test = true;
                } else if let Some(rest) = line.strip_prefix("fn ")
                    && std::mem::take(&mut is_test)
                {
                    names.insert(rest.split('(').next().unwrap().to_owned());
                }
            }
        }
    }
    names
}

/// The faults in whose name a test goes: `c1_c2_what_it_says` is for C1 and C2.
fn faults(test: &str) -> BTreeSet<String> {
    let is_fault = |word: &&str| {
        let number = word.trim_start_matches(|letter: char| ('a'..='h').contains(&letter));
        number.len() + 1 == word.len() && !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
    };
    test.split('_').take_while(is_fault).map(str::to_uppercase).collect()
}

#[test]
fn the_faults_of_a_test_are_read_from_its_name() {
    assert_eq!(faults("c1_b13_swapped_b2"), ["B13", "C1"].map(str::to_owned).into());
    assert!(faults("a_second_gc").is_empty() && faults("x1_y").is_empty() && faults("b_1").is_empty());
}

#[test]
fn every_fault_that_has_to_be_survived_has_a_test_with_its_name() {
    let tests = tests();
    let named: BTreeSet<String> = tests.iter().flat_map(|test| faults(test)).collect();
    let without: Vec<&str> = CORE.split_whitespace().filter(|fault| !named.contains(*fault)).collect();
    assert!(tests.len() > 1000, "only {} tests were found", tests.len());
    assert_eq!(without, Vec::<&str>::new());
}

/// The words of a text that are names of tests; `…` stands for the rest of one.
fn named(text: &str) -> Vec<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_name = |word: &&str| {
        let letters = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_…".contains(letter);
        word.chars().all(letters) && (word.matches('_').count() > 1 || word.contains('…'))
    };
    quoted.filter(is_name).collect()
}

fn matching<'a>(tests: &'a BTreeSet<String>, name: &str) -> Vec<&'a String> {
    let matches = |test: &&String| match name.split_once('…') {
        None => *test == name,
        Some((start, end)) => test.starts_with(start) && test[start.len()..].ends_with(end),
    };
    tests.iter().filter(matches).collect()
}

#[test]
fn every_test_that_the_page_names_is_there() {
    let (page, tests) = (page(), tests());
    let named = named(&page);
    let missing: Vec<&&str> = named.iter().filter(|name| matching(&tests, name).is_empty()).collect();
    assert!(named.len() > 50, "{named:?}");
    assert_eq!(missing, Vec::<&&str>::new());
}

#[test]
fn every_line_of_the_table_names_tests_of_its_faults() {
    let (page, tests) = (page(), tests());
    let mut lines: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.split(" | ").collect();
        let [ids, _, names, result] = cells.as_slice() else { continue };
        let ids = ids.trim_start_matches("| ").to_lowercase();
        let ids: Vec<String> = ids.split(", ").map(str::to_owned).collect();
        if ids.iter().all(|id| !faults(id).is_empty()) {
            assert!(!result.trim_end_matches('|').trim().is_empty(), "{line}");
            for id in ids {
                let found = named(names).into_iter().flat_map(|name| matching(&tests, name));
                let of_it = found.filter(|test| faults(test).contains(&id.to_uppercase())).count();
                lines.entry(id.to_uppercase()).or_default().push(if of_it > 0 { "" } else { line });
            }
        }
    }
    let without: Vec<&str> = CORE.split_whitespace().filter(|fault| !lines.contains_key(*fault)).collect();
    assert_eq!(without, Vec::<&str>::new(), "faults without a line");
    let core: BTreeSet<&str> = CORE.split_whitespace().collect();
    let silent = lines.iter().filter(|(id, _)| core.contains(id.as_str()));
    let silent: Vec<&str> =
        silent.flat_map(|(_, lines)| lines.iter().copied().filter(|line| !line.is_empty())).collect();
    assert_eq!(silent, Vec::<&str>::new(), "lines that name no test of their fault");
}
