//! The credential of a request: one bearer, or none.

use devsphere_error::{Error, Result};
use http::{HeaderMap, header};

/// A longer one is nothing that identity hands out.
const LONGEST: usize = 4096;

/// What the client proves itself with.
///
/// # Errors
/// `Unauthenticated` unless there is exactly one `authorization`, a bearer of a sane form.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<&str> {
    let mut found = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (found.next(), found.next()) else {
        return Err(Error::Unauthenticated);
    };
    value.to_str().ok().and_then(token).ok_or(Error::Unauthenticated)
}

/// The `token68` of RFC 9110 after the scheme; it knows no comma, so two joined values are none.
fn token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_matches(' ');
    let body = token.trim_end_matches('=');
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let sane = !body.is_empty() && token.len() <= LONGEST && body.bytes().all(legal);
    (scheme.eq_ignore_ascii_case("bearer") && sane).then_some(token)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        bearer(&headers).ok().map(str::to_owned)
    }

    #[test]
    fn one_bearer_is_a_credential_however_its_scheme_is_spelled() {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            assert_eq!(of(&[&format!("{scheme} a.b-c_d~e+f/g==")]).unwrap(), "a.b-c_d~e+f/g==");
        }
        assert_eq!(of(&["Bearer   dvs_live_1  "]).unwrap(), "dvs_live_1");
        assert!(of(&[&format!("Bearer {}", "a".repeat(4096))]).is_some());
    }

    #[test]
    fn anything_else_is_none() {
        let long = format!("Bearer {}", "a".repeat(4097));
        let none: [&[&str]; 11] = [
            &[],
            &[""],
            &["Bearer"],
            &["Bearer "],
            &["Bearer =="],
            &["Basic YTpi"],
            &["abc"],
            &["Bearer a b"],
            &["Bearer a, Bearer b"],
            &["Bearer a", "Bearer a"],
            &[&long],
        ];
        for values in none {
            assert_eq!(of(values), None, "{values:?}");
        }
    }
}
