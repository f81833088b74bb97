//! Data for the page's script, as scripts: a page that is opened from a disk may load those, and nothing else.

use serde_json::Value;

/// A script that hands JSON to the page under a name. The JSON is a string in it: names such as `__proto__` are names
/// there, and nothing in it can end the string or the script.
pub(super) fn script(name: &str, value: &Value) -> Vec<u8> {
    let json = Value::String(value.to_string()).to_string();
    let json = json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029");
    format!("report.receive(\"{name}\", {json});\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_leave_its_string() {
        let value = serde_json::json!({ "__proto__": "</script><script>\"'\\\u{2028}" });
        let text = String::from_utf8(script("index", &value)).unwrap();
        assert!(!text.contains('<') && !text.contains('\u{2028}'), "{text}");
        let literal = text.strip_prefix("report.receive(\"index\", ").unwrap().strip_suffix(");\n").unwrap();
        let json: String = serde_json::from_str(literal).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
    }
}
