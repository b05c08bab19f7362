//! What passes from client to service and back: a list of what may, and our own words.

use std::{fmt::Display, sync::Arc};

use devsphere_auth::{ASSERTION, CLIENT_ADDRESS, PEER, REQUEST, USER_AGENT};
use devsphere_boot::telemetry;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tonic::{Status, metadata::MetadataMap};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::{
    deadline::{Deadline, TIMEOUT},
    visit::Visit,
};

/// The response header by which a client names a request when it complains.
const REQUEST_ID: &str = "devsphere-request-id";

/// Names that begin so are ours; none of them crosses the gateway.
const OURS: &str = "devsphere";

/// The only headers of a client that a service sees as they came.
const ALLOWED: [HeaderName; 1] = [header::ACCEPT_LANGUAGE];

/// And those of a client that speaks gRPC itself.
const NATIVE: [HeaderName; 3] = [
    header::CONTENT_TYPE,
    HeaderName::from_static("grpc-encoding"),
    HeaderName::from_static("grpc-accept-encoding"),
];

/// A longer value of those is no value; together with ours they must fit a service's header list.
const LONGEST: usize = 200;

/// A client's name of itself is cut to this many characters.
const USER_AGENT_CHARS: usize = 200;

/// Who asks, as the gateway itself saw it.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) request: Uuid,
    pub(crate) visit: Arc<Visit>,
    user_agent: String,
}

impl Origin {
    pub(crate) fn new(request: Uuid, visit: &Arc<Visit>, headers: &HeaderMap) -> Self {
        let named = headers.get(header::USER_AGENT).map_or(&[][..], HeaderValue::as_bytes);
        let visible = named.iter().filter(|byte| (b' '..=b'~').contains(byte));
        let user_agent = visible.take(USER_AGENT_CHARS).map(|byte| char::from(*byte)).collect();
        Self { request, visit: visit.clone(), user_agent }
    }

    /// What every service hears from the gateway, within the span of the call.
    pub(crate) fn metadata(&self) -> MetadataMap {
        let mut headers = HeaderMap::with_capacity(16);
        headers.insert(PEER, HeaderValue::from_static("gateway"));
        put(&mut headers, REQUEST, self.request);
        put(&mut headers, CLIENT_ADDRESS, self.visit.address);
        if !self.user_agent.is_empty() {
            put(&mut headers, USER_AGENT, &self.user_agent);
        }
        let mut metadata = MetadataMap::from_headers(headers);
        telemetry::inject(&mut metadata);
        metadata
    }
}

/// The headers that a service gets.
pub(crate) fn forward(
    client: &HeaderMap,
    is_native: bool,
    origin: &Origin,
    assertion: Option<HeaderValue>,
    deadline: Deadline,
) -> HeaderMap {
    let mut headers = origin.metadata().into_headers();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    let native: &[_] = if is_native { &NATIVE } else { &[] };
    for name in ALLOWED.iter().chain(native) {
        let mut values = client.get_all(name).iter();
        if let (Some(value), None) = (values.next(), values.next())
            && value.len() <= LONGEST
        {
            headers.insert(name, value.clone());
        }
    }
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    put(&mut headers, TIMEOUT, deadline.left());
    if let Some(assertion) = assertion {
        headers.insert(ASSERTION, assertion);
    }
    headers
}

/// Makes a response's headers fit for a client.
pub(crate) fn leave(headers: &mut HeaderMap, request: Uuid) {
    strip(headers);
    put(headers, REQUEST_ID, request);
}

/// Removes what is ours from headers or trailers that leave.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let ours: Vec<_> = headers.keys().filter(|name| is_ours(name)).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
}

/// When trying again may help, as HTTP says it: in whole seconds.
pub(crate) fn retry_after(headers: &mut HeaderMap, status: &Status) {
    let details = status.get_error_details();
    if let Some(delay) = details.retry_info().and_then(|info| info.retry_delay) {
        let rest = u64::from(delay.subsec_nanos() > 0);
        put(headers, "retry-after", (delay.as_secs() + rest).max(1));
    }
}

fn is_ours(name: &HeaderName) -> bool {
    name.as_str().starts_with(OURS)
}

/// Ids, numbers and visible text: every one of them makes a header.
fn put(headers: &mut HeaderMap, name: &'static str, value: impl Display) {
    if let Ok(value) = HeaderValue::try_from(value.to_string()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(user_agent: &[u8]) -> Origin {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, HeaderValue::from_bytes(user_agent).unwrap());
        Origin::new(Uuid::now_v7(), &Visit::local(), &headers)
    }

    #[test]
    fn a_user_agent_is_cut_to_200_visible_characters() {
        let long = origin("é\t".repeat(10).as_bytes()).metadata();
        assert!(long.get(USER_AGENT).is_none());

        let long = origin(&[b"curl \t\xff".as_slice(), &[b'x'; 300]].concat()).metadata();
        let kept = long.get(USER_AGENT).unwrap().to_str().unwrap();
        assert!(kept.starts_with("curl xxx") && kept.len() == 200, "{kept}");
    }

    #[test]
    fn what_is_ours_never_leaves() {
        let mut headers = HeaderMap::new();
        for name in ["devsphere-assertion", "devsphere_peer", "devsphere-x-bin", "x-devsphere"] {
            headers.append(name, HeaderValue::from_static("a"));
            headers.append(name, HeaderValue::from_static("b"));
        }
        let request = Uuid::now_v7();
        leave(&mut headers, request);
        assert_eq!(headers.keys_len(), 2);
        assert_eq!(headers.get_all("x-devsphere").iter().count(), 2);
        assert_eq!(headers["devsphere-request-id"], request.to_string());
    }
}
