//! A look at JSON before anything is made of it: how deep, and how much.

use devsphere_error::{Error, Result};

/// No message of ours is nested half as deep.
const DEPTH: usize = 32;

/// A batch of 200 full records is a quarter of it; a value takes far more memory than it has letters.
const VALUES: usize = 50_000;

/// Refuses what would cost more to read than it can be worth. Whether it is JSON at all is not
/// looked at.
pub(super) fn check(json: &[u8]) -> Result<()> {
    let (mut depth, mut values) = (0_usize, 1_usize);
    let mut in_text = false;
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_text => drop(bytes.next()),
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => {
                depth += 1;
                values += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if depth > DEPTH {
            return Err(Error::BadRequest {
                cause: "json_too_deep",
                message: "the JSON is nested deeper than 32 levels",
            });
        }
        if values > VALUES {
            return Err(Error::BadRequest {
                cause: "json_too_large",
                message: "the JSON holds more than 50000 values",
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_number_of_values_have_an_end() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(check(nested(DEPTH).as_bytes()).is_ok());
        assert!(check(nested(DEPTH + 1).as_bytes()).is_err());
        let list = |length: usize| format!("[{}]", vec!["1"; length].join(","));
        assert!(check(list(VALUES - 1).as_bytes()).is_ok());
        assert!(check(list(VALUES).as_bytes()).is_err());
    }

    #[test]
    fn what_stands_in_a_text_is_text() {
        let text = "[{,\\\"".repeat(100_000);
        assert!(check(format!("\"{text}\"").as_bytes()).is_ok());
    }
}
