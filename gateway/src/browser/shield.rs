//! The headers by which a browser treats our answers as what they are: data, private, and final.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Used unless the answer says otherwise itself.
const USUAL: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// A year of https alone.
const STRICT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Puts them on an answer.
pub(crate) fn harden(headers: &mut HeaderMap, is_https: bool) {
    for (name, value) in USUAL {
        headers.entry(name).or_insert(value);
    }
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_what_it_says_itself() {
        let mut headers = HeaderMap::new();
        let public = HeaderValue::from_static("public, max-age=60");
        headers.insert(header::CACHE_CONTROL, public.clone());
        harden(&mut headers, false);
        assert_eq!(headers[header::CACHE_CONTROL], public);
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(!headers.contains_key("strict-transport-security"));
        harden(&mut headers, true);
        assert_eq!(headers["strict-transport-security"], "max-age=31536000");
    }
}
