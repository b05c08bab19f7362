//! What a browser lets pages of another origin do and see: those that are listed, and no others.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use tonic::body::Body;

use super::Site;

/// The methods of REST; the other protocols use GET and POST.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");

/// What clients of gRPC-Web, Connect and REST send beyond what every page may.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "accept, accept-language, authorization, connect-accept-encoding, connect-content-encoding, \
     connect-protocol-version, connect-timeout-ms, content-type, devsphere-tokens, \
     grpc-accept-encoding, grpc-encoding, grpc-timeout, idempotency-key, if-match, prefer, \
     traceparent, x-grpc-web, x-user-agent",
);

/// What their code must be able to read.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "connect-accept-encoding, connect-content-encoding, content-encoding, devsphere-request-id, \
     etag, grpc-encoding, grpc-message, grpc-status, grpc-status-details-bin, location, \
     preference-applied, ratelimit, ratelimit-policy, retry-after, x-ratelimit-limit, \
     x-ratelimit-remaining, x-ratelimit-reset",
);

/// How long a browser need not ask again: two hours, the most that any of them keeps to.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// On what the answer depends.
const VARY: HeaderValue = HeaderValue::from_static("origin, sec-fetch-site");
const VARY_PREFLIGHT: HeaderValue = HeaderValue::from_static(
    "origin, sec-fetch-site, access-control-request-method, access-control-request-headers",
);

const TRUE: HeaderValue = HeaderValue::from_static("true");

/// Whether a browser asks before it sends a request.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && headers.contains_key(header::ORIGIN)
}

/// What a page of that site may send; what is not said is forbidden.
pub(crate) fn preflight(site: &Site) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    if let Site::Listed(origin) = site {
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
            (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE),
            (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
            (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ] {
            headers.insert(name, value);
        }
    }
    headers.insert(header::VARY, VARY_PREFLIGHT);
    let refused = *site == Site::Foreign;
    *response.status_mut() = if refused { StatusCode::FORBIDDEN } else { StatusCode::NO_CONTENT };
    response
}

/// Lets the pages of a listed origin read the answer.
pub(crate) fn allow(site: &Site, headers: &mut HeaderMap) {
    // Whatever a service says of it, the gateway alone decides.
    let names: Vec<HeaderName> = headers.keys().filter(|name| is_cors(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
    if let Site::Listed(origin) = site {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    headers.append(header::VARY, VARY);
}

fn is_cors(name: &HeaderName) -> bool {
    name.as_str().starts_with("access-control-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: HeaderValue = HeaderValue::from_static("https://app.example.com");

    #[test]
    fn a_listed_page_hears_what_it_may_and_a_foreign_one_nothing() {
        let listed = preflight(&Site::Listed(ORIGIN));
        assert_eq!(listed.status(), 204);
        assert_eq!(listed.headers()["access-control-allow-origin"], ORIGIN);
        let sent = listed.headers()["access-control-allow-headers"].to_str().unwrap();
        for name in ["authorization", "content-type", "x-grpc-web", "connect-protocol-version"] {
            assert!(sent.split(", ").any(|listed| listed == name), "{name}");
        }
        let foreign = preflight(&Site::Foreign);
        assert_eq!(foreign.status(), 403);
        assert!(!foreign.headers().keys().any(is_cors));
    }

    #[test]
    fn no_service_opens_an_answer_to_other_pages() {
        let mut headers = HeaderMap::new();
        headers.insert("access-control-allow-origin", HeaderValue::from_static("*"));
        allow(&Site::Home, &mut headers);
        assert!(!headers.keys().any(is_cors));
        assert_eq!(headers[header::VARY], VARY);
    }
}
