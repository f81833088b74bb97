//! A page of the documents: its blocks of commands, as a script with the same line numbers.
//!
//! | Block | What becomes of it |
//! |---|---|
//! | `sh` | every line is run |
//! | `console` | lines after `$ ` are run; the other lines must be among what the command prints |
//! | any with `file=NAME` | the file is written |
//! | any other | nothing |
//!
//! A comment `# exits with N` behind a command says that it does not succeed.

use std::collections::BTreeMap;
use std::path::Path;

use super::output;

/// A page.
pub(super) struct Page {
    pub(super) name: String,
    text: String,
}

/// What stands on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    /// The beginning of a block, with what is said of it.
    Begin(&'a str),
    /// The end of a block.
    End,
    /// A line in a block of which that is said.
    Inside(&'a str, &'a str),
    /// A line of text.
    Text(&'a str),
}

const NO_SUCCESS: &str = "# exits with ";

impl Page {
    pub(super) fn new(text: String, name: String) -> Self {
        Self { name, text }
    }

    /// The lines, numbered from 1.
    fn lines(&self) -> Vec<(usize, Line<'_>)> {
        let mut block = None;
        let mut lines = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            let line = match (line.strip_prefix("```"), block) {
                (Some(_), Some(_)) => {
                    block = None;
                    Line::End
                }
                (Some(said), None) => {
                    block = Some(said);
                    Line::Begin(said)
                }
                (None, Some(said)) => Line::Inside(said, line),
                (None, None) => Line::Text(line),
            };
            lines.push((index + 1, line));
        }
        lines
    }

    /// A line as it stands on the page.
    pub(super) fn line(&self, number: usize) -> &str {
        self.text.lines().nth(number.saturating_sub(1)).unwrap_or("")
    }

    pub(super) fn has_commands(&self) -> bool {
        self.lines().iter().any(|(_, line)| matches!(line, Line::Begin("sh" | "console")))
    }

    /// The commands of the page as a script for bash. Each stands on the line that it has on the page.
    pub(super) fn script(&self) -> String {
        let mut script = String::from("set -eE; trap 'echo $LINENO > $SAID/failed' ERR; ");
        for (number, line) in self.lines() {
            let said = format!("exec > $SAID/{number}.out 2>&1; ");
            match line {
                Line::Begin("sh") => script.push_str(&said),
                Line::Begin(block) => {
                    if let Some(file) = file(block) {
                        script.push_str(&format!("mkdir -p \"$(dirname {file})\"; cat > {file} <<'END OF FILE'"));
                    }
                }
                Line::Inside("sh", line) => script.push_str(&expected(line)),
                Line::Inside("console", line) => {
                    if let Some(command) = line.strip_prefix("$ ") {
                        script.push_str(&said);
                        script.push_str(&expected(command));
                    }
                }
                Line::Inside(block, line) if file(block).is_some() => script.push_str(line),
                Line::End
                    if self.lines()[..number - 1]
                        .iter()
                        .rev()
                        .find_map(begin)
                        .is_some_and(|block| file(block).is_some()) =>
                {
                    script.push_str("END OF FILE");
                }
                Line::Inside(..) | Line::End | Line::Text(_) => {}
            }
            script.push('\n');
        }
        script
    }

    /// What the commands printed, by the line from which on they did.
    pub(super) fn outputs(&self, said: &Path) -> BTreeMap<usize, String> {
        let numbers = 1..=self.text.lines().count();
        let read = |number| {
            Some((
                number,
                String::from_utf8_lossy(&fs_err::read(said.join(format!("{number}.out"))).ok()?).into_owned(),
            ))
        };
        numbers.filter_map(read).collect()
    }

    /// Lines that the page shows and the program did not print.
    pub(super) fn disagreements(&self, outputs: &BTreeMap<usize, String>) -> Vec<String> {
        let mut offences = Vec::new();
        for (number, line) in self.lines() {
            let Line::Inside("console", line) = line else { continue };
            if line.starts_with("$ ") {
                continue;
            }
            let printed = outputs.range(..number).next_back().map_or("", |(_, output)| output);
            if !output::has(printed, line) {
                offences.push(format!("{}:{number} shows: {line}\nprinted was:\n{printed}", self.name));
            }
        }
        offences
    }

    /// The pipelines that the page shows whole, with the line on which they begin.
    pub(super) fn pipelines(&self) -> Vec<(usize, String)> {
        let mut blocks: Vec<(usize, String)> = Vec::new();
        for (number, line) in self.lines() {
            match line {
                Line::Begin(block) if block.starts_with("yaml") => blocks.push((number, String::new())),
                Line::Inside(block, line) if block.starts_with("yaml") => {
                    blocks.last_mut().expect("a block has begun").1.push_str(&format!("{line}\n"));
                }
                _ => {}
            }
        }
        blocks.retain(|(_, text)| text.starts_with("pipeline: "));
        blocks
    }

    /// The first command of each block that shows commands and is not run.
    pub(super) fn commands_in_text(&self) -> Vec<&str> {
        let mut commands = Vec::new();
        let mut found = true;
        for (_, line) in self.lines() {
            match line {
                Line::Begin(block) => found = ["sh", "console"].contains(&block) || file(block).is_some(),
                Line::Inside(_, line) if !found => {
                    let command = line.strip_prefix("$ ").unwrap_or(line);
                    let command = command.split(" #").next().unwrap_or(command).trim_end();
                    let programs = ["dgpipe ", "cargo ", "git ", "export ", "pip "];
                    if line.starts_with("$ ") || programs.iter().any(|program| command.starts_with(program)) {
                        commands.push(command);
                        found = true;
                    }
                }
                _ => {}
            }
        }
        commands
    }

    /// The links of the page, with their lines.
    pub(super) fn links(&self) -> Vec<(usize, &str)> {
        let mut links = Vec::new();
        for (number, line) in self.lines() {
            let Line::Text(line) = line else { continue };
            let written = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            let pictures = line.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next());
            links.extend(written.chain(pictures).map(|link| (number, link)));
        }
        links
    }

    /// What links to headings of the page end with, as hosts of repositories make it.
    pub(super) fn anchors(&self) -> Vec<String> {
        let headings = self.lines().into_iter().filter_map(|(_, line)| match line {
            Line::Text(line) if line.starts_with('#') => line.split_once(' ').map(|(_, heading)| heading),
            _ => None,
        });
        let kept = |c: char| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
            _ => None,
        };
        headings.map(|heading| heading.chars().filter_map(kept).collect()).collect()
    }
}

/// The file that a block is.
fn file(block: &str) -> Option<&str> {
    block.split(' ').find_map(|word| word.strip_prefix("file="))
}

fn begin<'a>((_, line): &(usize, Line<'a>)) -> Option<&'a str> {
    if let Line::Begin(block) = line { Some(block) } else { None }
}

/// A command that has to succeed, or to end as its comment says.
fn expected(command: &str) -> String {
    match command.split_once(NO_SUCCESS) {
        Some((command, code)) => format!("{command} && code=0 || code=$?; [ $code = {code} ]"),
        None => command.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page::new(text.to_owned(), "page.md".to_owned())
    }

    #[test]
    fn commands_stand_on_the_lines_of_the_page() {
        let page = page(
            "text\n```sh\nfirst\n```\n```yaml file=a/b.yaml\nkey: 1\n```\n```console\n$ second  # exits with 2\nshown\n```\n",
        );
        let script = page.script();
        let lines: Vec<&str> = script.lines().collect();
        assert_eq!(lines[2], "first");
        assert!(lines[4].ends_with("cat > a/b.yaml <<'END OF FILE'"));
        assert_eq!((lines[5], lines[6]), ("key: 1", "END OF FILE"));
        assert!(lines[8].ends_with("second   && code=0 || code=$?; [ $code = 2 ]"));
        assert_eq!(lines[9], "");
    }

    #[test]
    fn what_the_page_shows_has_to_be_printed() {
        let page = page("```console\n$ show\none 12 ms\n…\nthree\n```\n");
        let printed = |text: &str| BTreeMap::from([(2, text.to_owned())]);
        assert_eq!(page.disagreements(&printed("one   3.1 s\ntwo\nthree\n")).len(), 0);
        assert_eq!(page.disagreements(&printed("one 12\nthree\n")).len(), 1);
        assert_eq!(page.disagreements(&BTreeMap::new()).len(), 2);
    }

    #[test]
    fn headings_become_anchors() {
        assert_eq!(
            page("## `plan --out`, then: *that*\n```sh\n# no heading\n```\n").anchors(),
            ["plan---out-then-that"]
        );
    }
}
