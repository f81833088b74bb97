//! What a passport says. No clock, host, run or absolute path is in it, so that the same graph always gives the same
//! passport. Its text is plain ASCII without `<`, `>` and `&`, so that it can stand in any container as it is.

use dgpipe_cache::{Digest, Key};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::PassportError;

/// Raised when a passport says other things, or says them in another way.
const VERSION: u32 = 1;
/// How every passport begins.
pub(super) const BEGIN: &str = "{\"dgpipe_passport\":";
/// The last field: the digest of the text before it.
const SEAL: &str = "seal";
/// How the text of every passport ends, but for the digits of the seal and the two characters behind them.
const END: &[u8] = b",\"seal\":\"";
/// The longest passport that is read.
pub(super) const LONGEST: usize = 4 << 20;

/// The provenance of one published file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passport {
    /// The version of the format.
    #[serde(rename = "dgpipe_passport")]
    pub version: u32,
    /// The pipeline.
    pub pipeline: String,
    /// The profiles.
    pub profile: String,
    /// The pipeline file, relative to the project root; nothing where it lies outside.
    pub file: Option<String>,
    /// Where the file was published, relative to the project root.
    pub path: String,
    /// The cell that made it.
    pub cell: String,
    /// The output of the cell.
    pub port: String,
    /// What the output contains.
    pub kind: String,
    /// The key of the cell; unknown where it would have to execute first.
    pub key: Option<Key>,
    /// The digest of all that leads to the file, down to the sources: equal recipes give equal files, as far as
    /// stages give the same result again.
    pub recipe: Key,
    /// The version of the fingerprints that keys and recipes are digests of.
    pub fingerprint_format: u32,
    /// The params that stages of the chain refer to.
    pub params: Map<String, Value>,
    /// What the cell read.
    pub inputs: Vec<PassportInput>,
    /// The stages that led to the file, every one after those that it reads; the last one made it.
    pub stages: Vec<ChainStage>,
    /// The sources that they read.
    pub sources: Vec<PassportSource>,
    /// The digest of the file's bytes without the passport.
    pub bytes: Option<Digest>,
}

/// What a cell read on one port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassportInput {
    /// The port.
    pub port: String,
    /// Who provides it: a cell, a source, or how many artifacts of which stages.
    pub from: String,
    /// The digest of the artifact; of the list of digests where there are several.
    pub digest: Option<Digest>,
}

/// A stage of the chain, its cells folded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChainStage {
    /// Its name.
    pub stage: String,
    /// The stage type.
    pub uses: String,
    /// The version of the stage type.
    pub type_version: u32,
    /// How many of its cells are in the chain.
    pub cells: usize,
    /// The values of its axes in the chain.
    pub axes: Map<String, Value>,
    /// Settings that are the same in all these cells.
    pub config: Map<String, Value>,
    /// The values of settings that differ between them.
    pub varying: Map<String, Value>,
}

/// A source, or a part of one, that a cell of the chain reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassportSource {
    /// Its name.
    pub source: String,
    /// The part; nothing for the whole.
    pub part: Option<String>,
    /// Its kind.
    pub kind: String,
    /// The digest of the part.
    pub digest: Option<Digest>,
}

impl Passport {
    /// The version that is written.
    pub const VERSION: u32 = VERSION;

    /// The same passport for a file with these bytes.
    pub(super) fn for_bytes(&self, bytes: Digest) -> Self {
        Self { bytes: Some(bytes), ..self.clone() }
    }

    /// The text, with a seal at the end by which a change of it is noticed.
    pub fn to_text(&self) -> String {
        plain(&self.sealed().to_string())
    }

    /// The same in lines, for a file of its own.
    pub(super) fn to_file(&self) -> Vec<u8> {
        plain(&format!("{:#}\n", self.sealed())).into_bytes()
    }

    fn sealed(&self) -> Value {
        let mut value = serde_json::to_value(self).expect("a passport is made of plain values");
        value[SEAL] = seal(&value).to_string().into();
        value
    }

    /// Reads a passport, however its lines are broken. One whose seal does not fit is an error that says so.
    pub fn from_text(text: &str) -> Result<Self, PassportError> {
        let mut value: Value = serde_json::from_str(text).map_err(PassportError::Syntax)?;
        let found = value.as_object_mut().and_then(|map| map.shift_remove(SEAL));
        if found != Some(seal(&value).to_string().into()) {
            return Err(PassportError::Unsealed);
        }
        match value["dgpipe_passport"].as_u64() {
            Some(version) if version > u64::from(VERSION) => Err(PassportError::Newer { version }),
            _ => serde_json::from_value(value).map_err(PassportError::Syntax),
        }
    }

    /// The passport's text in a larger text, such as a file: the last one, where there are several.
    pub(super) fn find(bytes: &[u8]) -> Option<std::ops::Range<usize>> {
        let start = last(bytes, BEGIN.as_bytes())?;
        let end = start + bytes[start..].len().min(LONGEST);
        let seal = start + first(&bytes[start..end], END)?;
        // Behind the mark stand 64 digits, a quote and a brace.
        let end = seal + END.len() + 66;
        (end <= bytes.len()).then_some(start..end)
    }
}

fn seal(value: &Value) -> Digest {
    Digest::of(plain(&value.to_string()).as_bytes())
}

/// JSON in ASCII without `<`, `>` and `&`, which only texts in it can contain.
fn plain(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{7f}'.. => {
                let units = c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect::<String>();
                text.push_str(&units);
            }
            c => text.push(c),
        }
    }
    text
}

/// Where a needle begins in bytes for the first time.
fn first(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

/// Where a needle begins in bytes for the last time.
pub(super) fn last(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    // Backwards by the first byte: files of megabytes are looked through.
    let first = *needle.first()?;
    let starts = (0..=bytes.len().checked_sub(needle.len())?).rev();
    starts.filter(|start| bytes[*start] == first).find(|start| bytes[*start..].starts_with(needle))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn sample() -> Passport {
        Passport {
            version: VERSION,
            pipeline: "p".to_owned(),
            profile: "default".to_owned(),
            file: Some("pipeline.yaml".to_owned()),
            path: "results/plot.svg".to_owned(),
            cell: "plot".to_owned(),
            port: "figure".to_owned(),
            kind: "figure/1".to_owned(),
            key: Some(Key::of(b"key")),
            recipe: Key::of(b"recipe"),
            fingerprint_format: 1,
            params: serde_json::json!({ "title": "a ]]> <b> & \u{202e}ü 🦀 \"quoted\"" }).as_object().unwrap().clone(),
            inputs: Vec::new(),
            stages: Vec::new(),
            sources: Vec::new(),
            bytes: None,
        }
    }

    #[test]
    fn a_passport_survives_its_text_which_is_plain() {
        let text = sample().to_text();
        assert!(text.starts_with(BEGIN) && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
        assert!(!text.contains(['<', '>', '&']), "{text}");
        assert_eq!(Passport::from_text(&text).unwrap(), sample());
        let around = format!("before {text} after {{\"seal\":\"");
        assert_eq!(Passport::find(around.as_bytes()), Some(7..7 + text.len()));
    }

    #[test]
    fn a_changed_passport_is_noticed() {
        let text = sample().to_text();
        assert!(matches!(Passport::from_text(&text.replace("default", "other")), Err(PassportError::Unsealed)));
        for cut in [0, 5, text.len() / 2, text.len() - 1] {
            assert!(Passport::from_text(&text[..cut]).is_err());
        }
        let lines = String::from_utf8(sample().to_file()).unwrap();
        assert_eq!(Passport::from_text(&lines).unwrap(), sample());
        assert!(matches!(Passport::from_text(&lines.replace("default", "other")), Err(PassportError::Unsealed)));
        assert!(Passport::from_text(&"[".repeat(100_000)).is_err());
        let newer = Passport { version: 2, ..sample() };
        assert!(matches!(Passport::from_text(&newer.to_text()), Err(PassportError::Newer { version: 2 })));
    }
}
