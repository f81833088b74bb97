//! The values of secrets, which must not be shown or kept anywhere: neither as they are nor in base64.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// A shorter secret in base64 would be found in words that have nothing to do with it.
const SHORTEST_ENCODED: usize = 8;

/// Texts to be masked, the longest first.
#[derive(Debug, Default)]
pub(super) struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    /// The values of variables; those that are not set or empty hide nothing.
    pub(super) fn new(variables: &BTreeMap<String, Option<String>>) -> Self {
        let values = variables.values().flatten().filter(|value| !value.is_empty());
        let mut texts: Vec<Vec<u8>> = values
            .flat_map(|value| std::iter::once(value.as_bytes().to_vec()).chain(encoded(value.as_bytes())))
            .collect();
        texts.sort();
        texts.dedup();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        Self(texts)
    }

    /// Each secret becomes three stars, in one pass: what stands for a secret is not searched for another one.
    pub(super) fn mask(&self, text: Vec<u8>) -> Vec<u8> {
        if self.0.is_empty() {
            return text;
        }
        let mut masked = Vec::with_capacity(text.len());
        let mut rest = text.as_slice();
        while let Some((first, after)) = rest.split_first() {
            match self.0.iter().find(|secret| rest.starts_with(secret)) {
                Some(secret) => {
                    masked.extend_from_slice(b"***");
                    rest = &rest[secret.len()..];
                }
                None => {
                    masked.push(*first);
                    rest = after;
                }
            }
        }
        masked
    }
}

/// What a value looks like somewhere inside base64 (RFC 4648, both alphabets). Three bytes become four letters, so it
/// depends on how many bytes stand before; letters that also depend on the neighbours are left out.
fn encoded(value: &[u8]) -> Vec<Vec<u8>> {
    if value.len() < SHORTEST_ENCODED {
        return Vec::new();
    }
    let shifted = |before: usize| {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(value);
        let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)].map(|text| text.as_bytes()[first..end].to_vec())
    };
    (0..3).flat_map(shifted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(values: &[&str]) -> Secrets {
        let named = values.iter().map(|value| ((*value).to_owned(), Some((*value).to_owned())));
        Secrets::new(&named.collect())
    }

    fn masked(values: &[&str], text: &str) -> String {
        String::from_utf8(secrets(values).mask(text.into())).unwrap()
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        assert_eq!(masked(&["hunter2"], "a hunter2 b hunter2"), "a *** b ***");
        assert_eq!(masked(&["hunter2", "hunter22"], "hunter22 hunter2"), "*** ***");
        assert_eq!(masked(&["*", ""], "a * b"), "a *** b");
    }

    #[test]
    fn f2_secrets_are_masked_in_base64_whatever_stands_around_them() {
        let secret = "correct?horse>battery";
        for before in ["", "u", "us", "user:"] {
            for after in ["", "\n", " and more"] {
                for engine in [&STANDARD, &URL_SAFE] {
                    let text = engine.encode(format!("{before}{secret}{after}"));
                    let masked = masked(&[secret], &text);
                    assert!(masked.contains("***"), "{text} stayed {masked}");
                    // What is left around the stars says no more than a letter at either end.
                    assert!(masked.len() <= 3 + 2 + (before.len() + after.len() + 4) * 4 / 3 + 4, "{masked}");
                }
            }
        }
    }

    #[test]
    fn short_secrets_are_not_looked_for_in_base64() {
        assert_eq!(secrets(&["abc"]).0.len(), 1);
    }
}
