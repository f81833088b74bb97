//! A condition on a param or a metric, as `--where` and `--param` take it: `accuracy>0.7`.

use serde_json::Value;

use crate::Failure;

/// A name, and what its value has to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    /// The param or metric.
    pub(crate) name: String,
    comparison: Comparison,
    value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// The longer ones first, because `>` begins `>=`.
const SIGNS: [(&str, Comparison); 7] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

impl Condition {
    /// Reads a condition; nothing where there is no comparison in the text.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, Failure> {
        let Some((place, sign, comparison)) = find_sign(text) else { return Ok(None) };
        let (name, value) = (text[..place].trim(), text[place + sign.len()..].trim());
        if name.is_empty() || value.is_empty() {
            let message = format!("`{text}` is not a condition");
            return Err(Failure::call(message).hint("write a name, a comparison and a value: `accuracy>0.7`"));
        }
        refuse_misread(text, sign, name, value)?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value.trim_matches(['"', '\''])));
        if !matches!(comparison, Comparison::Equal | Comparison::NotEqual) && !value.is_number() {
            let message = format!("`{text}` compares by size with `{}`, which is no number", shown(&value));
            return Err(Failure::call(message));
        }
        Ok(Some(Self { name: name.to_owned(), comparison, value }))
    }

    /// Whether a value satisfies the condition. What is no number is neither less nor greater than one.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        let numbers = value.as_f64().zip(self.value.as_f64());
        let ordered = |fits: fn(f64, f64) -> bool| numbers.is_some_and(|(a, b)| fits(a, b));
        let equal = || match numbers {
            Some((a, b)) => a.total_cmp(&b).is_eq(),
            None => *value == self.value || shown(value) == shown(&self.value),
        };
        match self.comparison {
            Comparison::Equal => equal(),
            Comparison::NotEqual => !equal(),
            Comparison::Less => ordered(|a, b| a < b),
            Comparison::AtMost => ordered(|a, b| a <= b),
            Comparison::Greater => ordered(|a, b| a > b),
            Comparison::AtLeast => ordered(|a, b| a >= b),
        }
    }
}

/// Refuses what would be compared as a text though it was hardly meant as one: another sign, another condition. In
/// quotation marks both are texts.
fn refuse_misread(text: &str, sign: &str, name: &str, value: &str) -> Result<(), Failure> {
    if let Some(rest) = value.strip_prefix(['=', '<', '>', '≤', '≥']) {
        let rest = rest.trim_start_matches(['=', '<', '>']).trim_start();
        let written = value[..value.len() - rest.len()].trim_end();
        let meant = match (sign, written) {
            ("=", ">" | "≥") => ">=",
            ("=", "<" | "≤") => "<=",
            ("==", "=") => "==",
            ("<", ">") | ("!=", "=") => "!=",
            _ => "",
        };
        let failure = Failure::call(format!("`{text}` compares by `{sign}{written}`, which there is not"));
        return Err(failure.hint(if meant.is_empty() {
            "comparisons are `=`, `!=`, `<`, `<=`, `>`, `>=`".to_owned()
        } else {
            format!("write `{name}{meant}{rest}`")
        }));
    }
    if value.starts_with(['"', '\'', '[', '{']) {
        return Ok(());
    }
    for between in [",", ";", "&", " and "] {
        let Some((first, second)) = value.split_once(between) else { continue };
        let second = second.trim_start_matches('&').trim();
        if find_sign(second).is_some_and(|(place, ..)| is_name(&second[..place])) {
            let failure = Failure::call(format!("`{text}` is more than one condition"));
            let first = format!("{name}{sign}{}", first.trim());
            return Err(failure.hint(format!("give each an option of its own: `{first}`, `{second}`")));
        }
    }
    Ok(())
}

/// Whether a text can name a param or a metric.
fn is_name(text: &str) -> bool {
    text.trim().starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The first sign outside of brackets, in which a cell's conditions stand.
fn find_sign(text: &str) -> Option<(usize, &'static str, Comparison)> {
    let mut depth = 0_usize;
    for (place, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0
            && let Some((sign, comparison)) = SIGNS.iter().find(|(sign, _)| text[place..].starts_with(sign))
        {
            return Some((place, sign, *comparison));
        }
    }
    None
}

/// A value as people write it.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn accepts(text: &str, value: Value) -> bool {
        Condition::parse(text).unwrap().unwrap().accepts(&value)
    }

    #[test]
    fn values_are_compared_as_numbers_or_as_text() {
        assert!(accepts("a>0.7", json!(0.71)) && !accepts("a>0.7", json!(0.7)));
        assert!(accepts("a >= 1", json!(1.0)) && accepts("a<=1e3", json!(1000)) && accepts("a<1", json!(-1)));
        assert!(accepts("a=1", json!(1.0)) && accepts("a!=1", json!(2)) && accepts("a==x", json!("x")));
        assert!(
            accepts("a=[1,2]", json!([1, 2])) && accepts("a=true", json!(true)) && accepts("a='b c'", json!("b c"))
        );
        assert!(!accepts("a>0", json!("NaN")) && !accepts("a<0", json!(null)));
    }

    #[test]
    fn signs_in_brackets_belong_to_the_cell() {
        let condition = Condition::parse("score[seed=42,target!=photo].accuracy>0.5").unwrap().unwrap();
        assert_eq!(condition.name, "score[seed=42,target!=photo].accuracy");
        assert_eq!(Condition::parse("accuracy").unwrap(), None);
        for bad in ["a>", ">1", "a>high"] {
            assert!(Condition::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_hardly_meant_as_a_text_is_refused() {
        for bad in ["a=>1", "a=<1", "a===1", "a<>1", "a>>1", "a=≥1", "a!==1", "a= > 1"] {
            assert!(Condition::parse(bad).is_err(), "{bad}");
        }
        for bad in ["a=1,b=2", "a=1, b>2", "a=1 and b=2", "a=1 && b!=2", "a=x;score[seed=1].b<=2"] {
            assert!(Condition::parse(bad).is_err(), "{bad}");
        }
        assert!(accepts("a='>1'", json!(">1")) && accepts("a=\"b,c=1\"", json!("b,c=1")));
        assert!(accepts("a=b,c", json!("b,c")) && accepts("a=rock and roll", json!("rock and roll")));
        assert!(accepts("a=[\"b,c=1\"]", json!(["b,c=1"])) && accepts("a={\"b\":1}", json!({ "b": 1 })));
    }
}
