//! The bytes of a record's file: `{"version":1,"checksum":"…","record":{…}}`. It is JSON for whoever
//! looks, but read byte by byte, so that the checksum covers exactly what was written.

use super::Record;
use crate::content::{Digest, Key};

/// Raised when older programs would misread a record.
const VERSION: u32 = 1;

const START: &str = "{\"version\":";
const CHECKSUM: &str = ",\"checksum\":\"";
const BODY: &str = "\",\"record\":";
const END: &str = "}\n";

/// What a record's file turned out to be.
#[derive(Debug)]
pub(crate) enum Parsed {
    /// A record for the key that was asked for.
    Good(Box<Record>),
    /// Something that only a newer program can read.
    Newer(u32),
    /// Damage, with what is wrong.
    Bad(String),
}

/// Writes a record.
pub(crate) fn encode(record: &Record) -> Result<Vec<u8>, serde_json::Error> {
    let mut record = record.clone();
    // JSON has no other numbers, and a record that cannot be read back would be lost.
    if !record.seconds.is_finite() {
        record.seconds = 0.0;
    }
    let body = serde_json::to_string(&record)?;
    let checksum = checksum(VERSION, body.as_bytes());
    Ok(format!("{START}{VERSION}{CHECKSUM}{checksum}{BODY}{body}{END}").into_bytes())
}

/// Reads a record; never fails, because a record that cannot be read is an absent one.
pub(crate) fn parse(bytes: &[u8], key: &Key) -> Parsed {
    let Some((version, rest)) = parse_version(bytes) else {
        return Parsed::Bad("it does not start like a record".to_owned());
    };
    if version > VERSION {
        return Parsed::Newer(version);
    }
    let Some((stated, body)) = parse_frame(rest) else {
        return Parsed::Bad("it is cut off".to_owned());
    };
    if stated != checksum(version, body) {
        return Parsed::Bad("its checksum is wrong".to_owned());
    }
    match serde_json::from_slice::<Record>(body) {
        Ok(record) if record.key == *key => Parsed::Good(Box::new(record)),
        Ok(record) => Parsed::Bad(format!("it is the record of `{}`", record.key)),
        Err(error) => Parsed::Bad(error.to_string()),
    }
}

fn parse_version(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let rest = bytes.strip_prefix(START.as_bytes())?;
    let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let digits = str::from_utf8(&rest[..end]).ok()?;
    Some((digits.parse().ok()?, &rest[end..]))
}

fn parse_frame(bytes: &[u8]) -> Option<(Digest, &[u8])> {
    let rest = bytes.strip_prefix(CHECKSUM.as_bytes())?;
    let (digits, rest) = rest.split_at_checked(64)?;
    let body = rest.strip_prefix(BODY.as_bytes())?;
    let body = body.strip_suffix(END.as_bytes())?;
    Some((str::from_utf8(digits).ok()?.parse().ok()?, body))
}

fn checksum(version: u32, body: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&version.to_le_bytes());
    hasher.update(body);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let mut record = Record::new(Key::of(b"key"));
        record.notes.push("note".to_owned());
        record.seconds = 0.1 + 0.2;
        record
    }

    #[test]
    fn a_record_survives_its_file() {
        let bytes = encode(&record()).unwrap();
        let Parsed::Good(read) = parse(&bytes, &record().key) else {
            panic!("{:?}", parse(&bytes, &record().key));
        };
        assert_eq!(*read, record());
        serde_json::from_slice::<serde_json::Value>(&bytes).unwrap();
    }

    #[test]
    fn every_cut_and_every_flip_is_noticed() {
        let bytes = encode(&record()).unwrap();
        for place in 0..bytes.len() {
            assert!(!matches!(parse(&bytes[..place], &record().key), Parsed::Good(_)));
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            assert!(!matches!(parse(&flipped, &record().key), Parsed::Good(_)));
        }
    }

    #[test]
    fn a_record_under_another_name_is_bad() {
        let bytes = encode(&record()).unwrap();
        assert!(matches!(parse(&bytes, &Key::of(b"other")), Parsed::Bad(_)));
    }

    #[test]
    fn a_newer_format_is_known_as_such() {
        let parsed = parse(b"{\"version\":12,\"anything\":[]}", &record().key);
        assert!(matches!(parsed, Parsed::Newer(12)));
    }

    #[test]
    fn numbers_that_json_has_not_do_not_spoil_a_record() {
        let mut record = record();
        record.seconds = f64::NAN;
        let bytes = encode(&record).unwrap();
        assert!(matches!(parse(&bytes, &record.key), Parsed::Good(_)));
    }
}
