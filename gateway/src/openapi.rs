//! What the gateway tells of its own surface, made once from the contracts: the OpenAPI document, a
//! page to read, and the descriptors.

mod document;
mod example;
mod page;
mod parameters;
mod responses;
mod rules;
mod schema;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use devsphere_error::Result;
use devsphere_proto::{Access, Contract, Method};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use tonic::body::Body;

use crate::{body, reflection};

/// The documents, ready to be sent.
pub(crate) struct Documents {
    openapi: Document,
    page: Document,
    descriptors: Document,
}

struct Document {
    body: Bytes,
    kind: HeaderValue,
    etag: HeaderValue,
    policy: Option<HeaderValue>,
}

impl Documents {
    pub(crate) fn new(contract: &Contract) -> Result<Self> {
        let (page, policy) = page::write(contract);
        let openapi = document::write(contract).to_string();
        Ok(Self {
            openapi: Document::new(openapi.into(), body::JSON),
            page: Document {
                policy: HeaderValue::try_from(policy).ok(),
                ..Document::new(page.into(), HeaderValue::from_static("text/html; charset=utf-8"))
            },
            descriptors: Document::new(
                reflection::shown(contract)?.into(),
                HeaderValue::from_static("application/x-protobuf"),
            ),
        })
    }

    /// The document at that path, if one is there.
    pub(crate) fn at(&self, path: &str, asked: &HeaderMap) -> Option<Response<Body>> {
        let document = match path {
            "/api/v1/openapi.json" => &self.openapi,
            "/api/v1/" | "/api/v1" => &self.page,
            "/api/descriptor.binpb" => &self.descriptors,
            _ => return None,
        };
        Some(document.answer(asked))
    }
}

impl Document {
    fn new(body: Bytes, kind: HeaderValue) -> Self {
        let sum = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &body));
        let etag = HeaderValue::try_from(format!("\"{}\"", &sum[..22]));
        Self { body, kind, etag: etag.unwrap_or(HeaderValue::from_static("")), policy: None }
    }

    fn answer(&self, asked: &HeaderMap) -> Response<Body> {
        let mut response = if asked.get(header::IF_NONE_MATCH) == Some(&self.etag) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else if self.kind == "application/x-protobuf" {
            Response::new(Body::new(Full::new(self.body.clone())))
        } else {
            body::write(self.body.clone(), self.kind.clone(), asked, false)
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.kind.clone());
        headers.insert(header::ETAG, self.etag.clone());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Some(policy) = &self.policy {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
        }
        response
    }
}

/// The methods that clients may know.
fn methods(contract: &Contract) -> impl Iterator<Item = &'static Method> {
    contract.methods().filter(|method| !matches!(method.access, Access::Internal { .. }))
}

/// Who may call it, in a word or by its permission.
fn access(method: &Method) -> String {
    match &method.access {
        Access::Public => "public".into(),
        Access::SelfOnly => "self".into(),
        Access::Internal { .. } => "internal".into(),
        Access::Granted { permission, link } => {
            let permission = permission.map(|permission| permission.name.to_owned());
            let link = link.map(|verb| format!("link:{verb}"));
            permission.into_iter().chain(link).collect::<Vec<_>>().join(" or ")
        }
    }
}
