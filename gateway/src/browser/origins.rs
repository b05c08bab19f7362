//! The page behind a request, by what the browser itself says of it.

use devsphere_error::{Error, Result};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// What a form can send without asking first.
const FORM_TYPES: [&str; 3] =
    ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];

/// The names by which this machine reaches itself.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Where a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Site {
    /// No browser, or none that says so: it gets no cookie and needs none.
    Program,
    /// A page of our own origin.
    Home,
    /// A page of a listed origin.
    Listed(HeaderValue),
    /// Somebody follows a link to us: welcome, but a nobody.
    Link,
    /// A page of any other origin.
    Foreign,
}

/// The origins whose pages may call.
#[derive(Debug, Clone)]
pub(crate) struct Origins {
    home: Vec<String>,
    listed: Vec<String>,
}

impl Origins {
    /// The origin of the public address, and those that are listed beside it.
    ///
    /// # Errors
    /// When an address is no origin.
    pub(crate) fn new(public_url: &Uri, listed: &[String]) -> Result<Self> {
        let bad = |text: &str| Error::internal(format!("{text} is no origin of web pages"));
        let home = origin(public_url).ok_or_else(|| bad(&public_url.to_string()))?;
        let listed: Result<Vec<_>> = listed
            .iter()
            .map(|text| {
                let uri = text.parse().ok();
                // `null` and `*` are none: any page can have the one and is the other.
                uri.as_ref()
                    .and_then(origin)
                    .filter(|origin| origin == text)
                    .ok_or_else(|| bad(text))
            })
            .collect();
        Ok(Self { home: aliases(home), listed: listed? })
    }

    /// Where the request comes from.
    pub(crate) fn site(&self, method: &Method, headers: &HeaderMap) -> Site {
        let (Some(origin), Some(fetch)) =
            (single(headers, &header::ORIGIN), single(headers, &SITE))
        else {
            return Site::Foreign;
        };
        let of = |list: &[String]| {
            origin.filter(|origin| list.iter().any(|known| known.as_bytes() == origin.as_bytes()))
        };
        let fetch = fetch.map(HeaderValue::as_bytes);
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let follows = || headers.get(MODE).is_some_and(|mode| mode == "navigate");
        match (origin, fetch) {
            (None, None) => Site::Program,
            (None, Some(b"same-origin")) => Site::Home,
            (None, Some(_)) if reads && follows() => Site::Link,
            (Some(_), None | Some(b"same-origin")) if of(&self.home).is_some() => Site::Home,
            (Some(_), _) => {
                of(&self.listed).map_or(Site::Foreign, |origin| Site::Listed(origin.clone()))
            }
            (None, Some(_)) => Site::Foreign,
        }
    }
}

/// Whether the body is of a kind that any page can make a browser send, with cookies and unasked.
pub(crate) fn is_form(method: &Method, headers: &HeaderMap) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    !reads
        && headers.get_all(header::CONTENT_TYPE).iter().any(|kind| {
            let essence = kind.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
            FORM_TYPES.iter().any(|form| essence.trim_ascii().eq_ignore_ascii_case(form.as_bytes()))
        })
}

/// The one value of a header, or none; nothing when there are several.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Option<&'a HeaderValue>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    values.next().is_none().then_some(first)
}

/// An address as a browser writes its origin; none if it has none, or more than that.
fn origin(uri: &Uri) -> Option<String> {
    let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"))?;
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    let host = authority.host().to_ascii_lowercase();
    let usual = if scheme == "https" { 443 } else { 80 };
    let port = authority.port_u16().filter(|port| *port != usual);
    Some(
        port.map_or_else(
            || format!("{scheme}://{host}"),
            |port| format!("{scheme}://{host}:{port}"),
        ),
    )
}

/// On one machine, people write its name as they like.
fn aliases(home: String) -> Vec<String> {
    let Some(own) = LOOPBACK.iter().find(|name| {
        let rest = home.split_once("://").and_then(|(_, rest)| rest.strip_prefix(*name));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }) else {
        return vec![home];
    };
    LOOPBACK.iter().map(|name| home.replacen(own, name, 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(method: Method, sent: &[(&'static str, &'static str)]) -> Site {
        let listed = ["https://app.example.com".to_owned(), "http://localhost:3000".to_owned()];
        let public = Uri::from_static("https://os.example.com");
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, HeaderValue::from_static(value));
        }
        Origins::new(&public, &listed).unwrap().site(&method, &headers)
    }

    #[test]
    fn an_origin_is_listed_as_a_browser_writes_it_or_not_at_all() {
        let public = Uri::from_static("https://os.example.com/");
        for bad in ["*", "null", "https://a.example/", "https://A.example", "a.example", "ftp://a"]
        {
            assert!(Origins::new(&public, &[bad.to_owned()]).is_err(), "{bad}");
        }
        assert!(Origins::new(&Uri::from_static("/"), &[]).is_err());
    }

    #[test]
    fn this_machine_has_several_names_and_others_have_one() {
        let home = |url: &'static str| Origins::new(&Uri::from_static(url), &[]).unwrap().home;
        let local = ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"];
        for url in local {
            assert_eq!(home(url), local);
        }
        assert_eq!(home("https://localhost.example.com"), ["https://localhost.example.com"]);
        assert_eq!(home("https://os.example.com:443/path"), ["https://os.example.com"]);
    }

    #[test]
    fn two_values_are_worth_none() {
        let twice = [("origin", "https://os.example.com"), ("origin", "https://os.example.com")];
        assert_eq!(site(Method::POST, &twice), Site::Foreign);
        let twice = [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")];
        assert_eq!(site(Method::POST, &twice), Site::Foreign);
    }

    #[test]
    fn who_follows_a_link_comes_in_and_a_form_that_is_sent_does_not() {
        let followed = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert_eq!(site(Method::GET, &followed), Site::Link);
        assert_eq!(site(Method::POST, &followed), Site::Foreign);
    }

    #[test]
    fn a_form_is_known_by_its_content_type() {
        let is = |method, kind: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
            is_form(&method, &headers)
        };
        for kind in ["text/plain", "Text/Plain;charset=utf-8", "multipart/form-data; boundary=a"] {
            assert!(is(Method::POST, kind) && !is(Method::GET, kind), "{kind}");
        }
        for kind in ["application/json", "application/proto", "application/grpc-web+proto"] {
            assert!(!is(Method::POST, kind), "{kind}");
        }
        assert!(!is_form(&Method::POST, &HeaderMap::new()));
    }
}
