//! Where two texts differ: every stretch of it, so that no change hides behind the first.

use std::ops::Range;

/// Texts with more differing words than fit in such a table are told as one stretch.
const MOST_PAIRS: usize = 160_000;
/// Stretches that are nearer to each other than this, in bytes, are told as one.
const NEAR: usize = 12;

/// A stretch of each text that stands in place of the other, in bytes.
pub(super) type Stretch = (Range<usize>, Range<usize>);

/// The stretches in which two texts differ, in their order; none where they are equal.
pub(super) fn stretches(was: &str, now: &str) -> Vec<Stretch> {
    if was == now {
        return Vec::new();
    }
    let (before, after) = (words(was), words(now));
    let same =
        before.iter().zip(&after).take_while(|(one, other)| was[(*one).clone()] == now[(*other).clone()]).count();
    let shorter = before.len().min(after.len()) - same;
    let ends = before.iter().rev().zip(after.iter().rev()).take(shorter);
    let end = ends.take_while(|(one, other)| was[(*one).clone()] == now[(*other).clone()]).count();
    let (one, other) = (&before[same..before.len() - end], &after[same..after.len() - end]);
    let from = |words: &[Range<usize>], text: &str| words.get(same).map_or(text.len(), |word| word.start);
    let to = |words: &[Range<usize>]| words[..words.len() - end].last().map_or(0, |word| word.end);
    let mut found: Vec<Stretch> = Vec::new();
    if one.len() * other.len() > MOST_PAIRS {
        let whole = |words: &[Range<usize>], text: &str| from(words, text)..to(words).max(from(words, text));
        found.push((whole(&before, was), whole(&after, now)));
    } else {
        let mut ends = (from(&before, was), from(&after, now));
        for (left, right) in common(one, other, was, now) {
            add(&mut found, (ends.0..one[left].start, ends.1..other[right].start));
            ends = (one[left].end, other[right].end);
        }
        add(&mut found, (ends.0..to(&before).max(ends.0), ends.1..to(&after).max(ends.1)));
    }
    found.into_iter().map(|stretch| trimmed(stretch, was, now)).collect()
}

/// Adds what lies between two common words, to the stretch before it where that is near.
fn add(found: &mut Vec<Stretch>, next: Stretch) {
    if next.0.is_empty() && next.1.is_empty() {
        return;
    }
    match found.last_mut() {
        Some(last) if next.0.start - last.0.end <= NEAR => (last.0.end, last.1.end) = (next.0.end, next.1.end),
        _ => found.push(next),
    }
}

/// Words of letters and digits; every other character is a word of its own.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut open = false;
    for (at, character) in text.char_indices() {
        let inside = character.is_alphanumeric() || character == '_' || character == '.';
        let end = at + character.len_utf8();
        match words.last_mut().filter(|_| inside && open) {
            Some(last) => last.end = end,
            None => words.push(at..end),
        }
        open = inside;
    }
    words
}

/// The longest common sequence of words, as pairs of places.
fn common(one: &[Range<usize>], other: &[Range<usize>], was: &str, now: &str) -> Vec<(usize, usize)> {
    let equal = |left: usize, right: usize| was[one[left].clone()] == now[other[right].clone()];
    let width = other.len() + 1;
    let mut longest = vec![0_u32; (one.len() + 1) * width];
    for left in (0..one.len()).rev() {
        for right in (0..other.len()).rev() {
            longest[left * width + right] = if equal(left, right) {
                longest[(left + 1) * width + right + 1] + 1
            } else {
                longest[(left + 1) * width + right].max(longest[left * width + right + 1])
            };
        }
    }
    let (mut pairs, mut left, mut right) = (Vec::new(), 0, 0);
    while left < one.len() && right < other.len() {
        if equal(left, right) {
            pairs.push((left, right));
            (left, right) = (left + 1, right + 1);
        } else if longest[(left + 1) * width + right] >= longest[left * width + right + 1] {
            left += 1;
        } else {
            right += 1;
        }
    }
    pairs
}

/// Leaves out the characters that both begin and end with: a word can be long.
fn trimmed((mut was, mut now): Stretch, before: &str, after: &str) -> Stretch {
    let (one, other) = (&before[was.clone()], &after[now.clone()]);
    let alike = |pair: &(char, char)| pair.0 == pair.1;
    let begin: usize = one.chars().zip(other.chars()).take_while(alike).map(|(same, _)| same.len_utf8()).sum();
    let (one, other) = (&one[begin..], &other[begin..]);
    let end: usize =
        one.chars().rev().zip(other.chars().rev()).take_while(alike).map(|(same, _)| same.len_utf8()).sum();
    (was.start, now.start) = (was.start + begin, now.start + begin);
    (was.end, now.end) = (was.end - end, now.end - end);
    (was, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(was: &str, now: &str) -> Vec<(String, String)> {
        let texts = |(one, other): Stretch| (was[one].to_owned(), now[other].to_owned());
        stretches(was, now).into_iter().map(texts).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
    }

    #[test]
    fn every_stretch_is_found_and_near_ones_are_one() {
        let middle = " and so on and on ";
        let text = |first: &str, last: &str| format!("say {first}{middle}{last}");
        assert_eq!(told(&text("hello", "5"), &text("bye", "50 é")), pairs(&[("hello", "bye"), ("", "0 é")]));
        assert_eq!(told("a 1 2 b", "a 3 4 b"), pairs(&[("1 2", "3 4")]));
        assert_eq!(told(&text("x", "y"), &text("x", "y")), []);
        assert_eq!(told("é", ""), pairs(&[("é", "")]));
    }

    #[test]
    fn texts_with_too_many_words_are_one_stretch() {
        let text = |word: &str| format!("begin {} end", word.repeat(600));
        assert_eq!(stretches(&text("a "), &text("b ")).len(), 1);
    }
}
