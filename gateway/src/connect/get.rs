//! Reads by GET: everything stands in the query.

use std::sync::Arc;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use devsphere_error::{Error, Result};
use devsphere_proto::Method;
use http::{Request, Response};
use hyper::body::Incoming;
use tonic::body::Body;

use super::{Codec, unary};
use crate::{forward::known, refusal, router::Front, transcode::unpack, visit::Visit};

/// Padded or not, as the protocol has it.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What stands in the query.
#[derive(Default)]
struct Query {
    encoding: String,
    message: Vec<u8>,
    is_base64: bool,
    compression: String,
    version: String,
}

pub(super) async fn call(
    front: &Front,
    request: Request<Incoming>,
    visit: &Arc<Visit>,
) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let method = known(front, parts.uri.path());
    // An answer with a secret would lie in histories and caches.
    let is_readable = |method: &&Method| method.reads && !method.streams && !method.secret_answer;
    if method.is_some_and(|method| !is_readable(&method)) {
        return refusal::wrong_verb(&parts.headers, "POST");
    }
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let Some(codec) = Codec::named(&query.encoding) else {
        return refusal::plain(&parts.headers, &Error::UnsupportedMediaType);
    };
    let read = async |method: &Method| codec.read(method, query.message()?);
    unary::answer(front, method, &parts.headers, visit, codec, read).await
}

impl Query {
    fn parse(query: &str) -> Self {
        let mut found = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "encoding" => found.encoding = value.into_owned(),
                "message" => found.message = value.into_owned().into_bytes(),
                "base64" => found.is_base64 = value == "1",
                "compression" => found.compression = value.into_owned(),
                "connect" => found.version = value.into_owned(),
                _ => {}
            }
        }
        found
    }

    fn message(&self) -> Result<Bytes> {
        if !matches!(self.version.as_str(), "" | "v1") {
            return Err(Error::BadRequest {
                cause: "connect_version",
                message: "connect must be v1",
            });
        }
        let message = if self.is_base64 {
            URL_SAFE.decode(&self.message).map_err(|_| Error::BadRequest {
                cause: "malformed_message",
                message: "the message is no valid base64",
            })?
        } else {
            self.message.clone()
        };
        match self.compression.as_str() {
            "" | "identity" => Ok(message.into()),
            "gzip" if message.is_empty() => Ok(Bytes::new()),
            "gzip" => Ok(unpack(&message)?.into()),
            _ => Err(Error::UnsupportedEncoding),
        }
    }
}
