//! Where in a JSON text a byte lies, as the way to its field, and what protobuf's JSON form lets pass that we do not.
//! Works on any text; what it says of one that is not JSON is only as good as the text.

/// What the walk has entered and not left.
enum Level<'a> {
    Object { names: Vec<&'a str>, name_expected: bool },
    List { index: usize },
}

/// What the walk stops at.
type Fault = (&'static str, usize);

/// The first name given twice in one object or written with escapes, or the first number with a fraction or an exponent,
/// and the byte up to which the text was read then.
pub(super) fn check(text: &str) -> Result<(), Fault> {
    let mut levels = Vec::new();
    walk(text, text.len(), &mut levels, true)
}

/// The way to the field that `end` bytes of text have reached.
pub(super) fn at(text: &str, end: usize) -> String {
    let mut levels = Vec::new();
    // Without checking the walk always comes to its end.
    let _ = walk(text, end, &mut levels, false);
    let mut way = String::new();
    for level in &levels {
        match level {
            Level::Object { names, .. } => {
                if let Some(name) = names.last() {
                    way.push_str(if way.is_empty() { "" } else { "." });
                    way.push_str(name);
                }
            }
            Level::List { index } => way.push_str(&format!("[{index}]")),
        }
    }
    if way.is_empty() { "line".to_owned() } else { way }
}

fn walk<'a>(text: &'a str, end: usize, levels: &mut Vec<Level<'a>>, checking: bool) -> Result<(), Fault> {
    let bytes = text.as_bytes();
    let mut next = 0;
    while next < end.min(bytes.len()) {
        let start = next;
        next += 1;
        match bytes[start] {
            b'{' => levels.push(Level::Object { names: Vec::new(), name_expected: true }),
            b'[' => levels.push(Level::List { index: 0 }),
            b'}' | b']' => drop(levels.pop()),
            b',' => match levels.last_mut() {
                Some(Level::Object { name_expected, .. }) => *name_expected = true,
                Some(Level::List { index }) => *index += 1,
                None => {}
            },
            b'"' => {
                next = end_of_string(bytes, next);
                if let Some(Level::Object { names, name_expected: name_expected @ true }) = levels.last_mut() {
                    *name_expected = false;
                    let name = text.get(start + 1..next.saturating_sub(1)).unwrap_or("");
                    let fault = if checking { fault_of(name, names) } else { None };
                    names.push(name);
                    fault.map_or(Ok(()), |fault| Err((fault, next)))?;
                }
            }
            b'-' | b'0'..=b'9' => {
                let number = bytes[start..].iter().take_while(|b| b"+-.0123456789Ee".contains(b));
                next = start + number.count();
                if checking && bytes[start..next].iter().any(|b| b".Ee".contains(b)) {
                    return Err(("is written with a fraction or an exponent", next));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// One past the closing quote of the string whose inside begins at `start`; the end of the text when there is none.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut next = start;
    while let Some(byte) = bytes.get(next) {
        match byte {
            b'"' => return next + 1,
            b'\\' => next += 2,
            _ => next += 1,
        }
    }
    bytes.len()
}

fn fault_of(name: &str, before: &[&str]) -> Option<&'static str> {
    if name.contains('\\') {
        return Some("is a name written with escapes");
    }
    before.iter().any(|other| is_same(name, other)).then_some("was already given")
}

/// Whether two names are of one field: `amountMinor` and `amount_minor` are.
fn is_same(one: &str, other: &str) -> bool {
    let letters = |name: &str| name.bytes().filter(|b| *b != b'_').map(|b| b.to_ascii_lowercase()).collect::<Vec<_>>();
    letters(one) == letters(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_named_by_the_way_to_its_field() {
        let text = r#"{"a": {"b\"": [1, {"c": 2}], "d": "x, {"}, "e": 3}"#;
        for (until, expected) in
            [("{", "line"), ("[1", r#"a.b\"[0]"#), ("2", r#"a.b\"[1].c"#), ("{\"}", "a"), ("3", "e")]
        {
            let end = text.find(until).expect("in the text") + until.len();
            assert_eq!(at(text, end), expected, "up to {until}");
        }
    }

    #[test]
    fn no_text_stops_the_walk() {
        let text = r#"{"a": [{"b": "x\"#;
        for end in 0..text.len() + 3 {
            at(text, end);
            at(&text[..end.min(text.len())], usize::MAX);
        }
        for text in ["]}", "\"", "\"\\", "{,,}", "元{\"元"] {
            assert_eq!(check(text), Ok(()));
            at(text, text.len());
        }
    }

    #[test]
    fn names_given_twice_and_numbers_through_floats_are_found() {
        for (text, at_end_of) in [
            (r#"{"a": 1, "a": 2}"#, r#"1, "a""#),
            (r#"{"amountMinor": 1, "b": {}, "amount_minor": 2}"#, r#""amount_minor""#),
            (r#"{"\u0061": 1}"#, r#"u0061""#),
            (r#"{"a": [1, 1.0]}"#, "1.0"),
            (r#"{"a": 1e2}"#, "1e2"),
        ] {
            let end = text.find(at_end_of).expect("in the text") + at_end_of.len();
            assert_eq!(check(text).map_err(|(_, offset)| offset), Err(end), "{text}");
        }
        assert_eq!(check(r#"{"a": {"a": "1.0"}, "b": [{"a": -1}, {"a": 1}]}"#), Ok(()));
    }
}
