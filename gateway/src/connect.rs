//! The Connect protocol: unary calls by POST and GET, streams of the service, JSON and binary.

mod error;
mod get;
mod stream;
mod unary;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use devsphere_error::{Error, Result};
use devsphere_proto::Method;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use hyper::body::Incoming;
use prost_reflect::prost::Message as _;
use tonic::body::Body;

use crate::{
    refusal,
    router::Front,
    transcode::{self, Names, render},
    visit::Visit,
};

pub(crate) use error::detail_values;

const VERSION: HeaderName = HeaderName::from_static("connect-protocol-version");
const TIMEOUT: HeaderName = HeaderName::from_static("connect-timeout-ms");

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Json,
    Proto,
}

/// The shapes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Unary(Codec),
    Stream(Codec),
    Get,
}

impl Codec {
    fn named(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "proto" => Some(Self::Proto),
            _ => None,
        }
    }

    /// What a service reads, from what a client wrote.
    fn read(self, method: &Method, body: Bytes) -> Result<Bytes> {
        match self {
            Self::Proto => Ok(body),
            Self::Json => {
                let message = transcode::read(&method.descriptor.input(), &body)?;
                Ok(message.encode_to_vec().into())
            }
        }
    }

    /// What a client reads, from what a service wrote.
    fn write(self, method: &Method, message: Bytes) -> Result<Bytes> {
        match self {
            Self::Proto => Ok(message),
            Self::Json => {
                Ok(render(&method.descriptor.output(), &message, Names::Canonical)?.into())
            }
        }
    }

    const fn unary_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Proto => "application/proto",
        })
    }

    const fn stream_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/connect+json",
            Self::Proto => "application/connect+proto",
        })
    }
}

/// Answers a request of Connect, or says what it should have been.
pub(crate) async fn call(
    front: &Front,
    request: Request<Incoming>,
    visit: &Arc<Visit>,
) -> Response<Body> {
    match shape(&request) {
        Ok(Shape::Unary(codec)) => unary::call(front, request, visit, codec).await,
        Ok(Shape::Stream(codec)) => stream::call(front, request, visit, codec).await,
        Ok(Shape::Get) => get::call(front, request, visit).await,
        Err(Error::UnknownMethod) => refusal::wrong_verb(request.headers(), "GET, POST"),
        Err(error) => refusal::plain(request.headers(), &error),
    }
}

fn shape(request: &Request<Incoming>) -> Result<Shape> {
    match *request.method() {
        http::Method::GET => Ok(Shape::Get),
        http::Method::POST => spoken(request.headers()).ok_or(Error::UnsupportedMediaType),
        _ => Err(Error::UnknownMethod),
    }
}

fn spoken(headers: &HeaderMap) -> Option<Shape> {
    let kind = crate::router::content_type(headers)?;
    let (kind, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let utf8 =
        parameters.trim().is_empty() || parameters.trim().eq_ignore_ascii_case("charset=utf-8");
    match kind.trim() {
        "application/json" if utf8 => Some(Shape::Unary(Codec::Json)),
        "application/proto" => Some(Shape::Unary(Codec::Proto)),
        "application/connect+json" => Some(Shape::Stream(Codec::Json)),
        "application/connect+proto" => Some(Shape::Stream(Codec::Proto)),
        _ => None,
    }
}

/// How long the client waits.
///
/// # Errors
/// For a version or a time that the protocol does not know.
fn patience(headers: &HeaderMap) -> Result<Option<Duration>> {
    if headers.get(VERSION).is_some_and(|version| version != "1") {
        return Err(Error::BadRequest {
            cause: "connect_version",
            message: "connect-protocol-version must be 1",
        });
    }
    let Some(value) = headers.get(TIMEOUT) else { return Ok(None) };
    let digits = value.to_str().ok().filter(|text| {
        (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    });
    let millis = digits.and_then(|digits| digits.parse().ok()).ok_or(Error::BadRequest {
        cause: "timeout",
        message: "connect-timeout-ms must be a number of at most 10 digits",
    })?;
    Ok(Some(Duration::from_millis(millis)))
}
