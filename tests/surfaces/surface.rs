//! The five ways in.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use bytes::Bytes;
use devsphere_proto::Contract;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use prost::Message as _;
use prost_reflect::DynamicMessage;
use serde_json::Value;
use tonic::{Code, Status};

use super::{
    Case,
    heard::{Heard, detail, written},
};
use crate::whole::Mesh;

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    Grpc,
    Web,
    ConnectJson,
    ConnectProto,
    Rest,
}

pub const SURFACES: [Surface; 5] =
    [Surface::Grpc, Surface::Web, Surface::ConnectJson, Surface::ConnectProto, Surface::Rest];

/// An answer in full.
struct Got {
    http: u16,
    headers: HeaderMap,
    body: Bytes,
    trailers: HeaderMap,
}

/// Makes the call, and reads the refusal.
pub async fn hear(mesh: &Mesh, case: &Case, surface: Surface, language: &str) -> Heard {
    let got = send(mesh, case, surface, language).await;
    let header = |name: &str| got.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let (code, message, details) = match surface {
        Surface::Grpc => {
            let status = Status::from_header_map(&got.trailers);
            of_status(&status.or_else(|| Status::from_header_map(&got.headers)).unwrap())
        }
        Surface::Web => of_status(&Status::from_header_map(&web_trailers(&got.body)).unwrap()),
        Surface::ConnectJson | Surface::ConnectProto => of_connect(&json(&got)),
        Surface::Rest => of_rest(&json(&got), case.code),
    };
    let (http, retry_after) = (got.http, header("retry-after"));
    let header = header("devsphere-request-id").unwrap();
    Heard { http, code, message, details, header, retry_after }
}

async fn send(mesh: &Mesh, case: &Case, surface: Surface, language: &str) -> Got {
    let (kind, body) = match surface {
        Surface::Grpc => ("application/grpc", framed(&encoded(case))),
        Surface::Web => ("application/grpc-web", framed(&encoded(case))),
        Surface::ConnectJson => ("application/json", case.message.to_string().into()),
        Surface::ConnectProto => ("application/proto", encoded(case).into()),
        Surface::Rest => (
            "application/json",
            case.rest.2.as_ref().map(Value::to_string).unwrap_or_default().into(),
        ),
    };
    let (verb, path) = match surface {
        Surface::Rest => (case.rest.0.clone(), case.rest.1.as_str()),
        _ => (Method::POST, case.path.as_str()),
    };
    let mut request = Request::builder()
        .method(verb)
        .uri(format!("http://{}{path}", mesh.address()))
        .header("content-type", kind);
    if surface == Surface::Grpc {
        request = request.header("te", "trailers");
    }
    if !language.is_empty() {
        request = request.header("accept-language", language);
    }
    if let Some(token) = &case.token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Full::new(body)).unwrap();
    let mut client = Client::builder(TokioExecutor::new());
    let client = client.http2_only(surface == Surface::Grpc).build_http();
    let (parts, body) = client.request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    Got { http: parts.status.as_u16(), headers: parts.headers, body: body.to_bytes(), trailers }
}

fn encoded(case: &Case) -> Vec<u8> {
    let method = Contract::get().unwrap().method(&case.path).unwrap();
    let message = DynamicMessage::deserialize(method.descriptor.input(), case.message.clone());
    message.unwrap().encode_to_vec()
}

fn framed(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), message].concat().into()
}

/// The trailers in the last frame of a body that has no message.
fn web_trailers(body: &[u8]) -> HeaderMap {
    assert_eq!(body[0], 0x80, "something but trailers");
    let lines = String::from_utf8(body[5..].to_vec()).unwrap();
    let pairs = lines.lines().map(|line| line.split_once(':').unwrap());
    pairs.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn json(got: &Got) -> Value {
    assert_eq!(got.headers["content-type"], "application/json");
    serde_json::from_slice(&got.body).unwrap()
}

type Said = (Code, String, Vec<(String, Value)>);

fn of_status(status: &Status) -> Said {
    let details = tonic_types::pb::Status::decode(status.details()).unwrap().details;
    let details = details.iter().map(|any| detail(&any.type_url, &any.value)).collect();
    (status.code(), status.message().to_owned(), details)
}

fn of_connect(error: &Value) -> Said {
    let details = error["details"].as_array().unwrap().iter().map(|one| {
        let kind = one["type"].as_str().unwrap();
        let bytes = BASE64_STANDARD_NO_PAD.decode(one["value"].as_str().unwrap()).unwrap();
        let (kind, value) = detail(kind, &bytes);
        assert_eq!(one["debug"], value, "what a reader sees is what a program gets");
        (kind, value)
    });
    const CODES: [(&str, Code); 8] = [
        ("invalid_argument", Code::InvalidArgument),
        ("failed_precondition", Code::FailedPrecondition),
        ("aborted", Code::Aborted),
        ("not_found", Code::NotFound),
        ("already_exists", Code::AlreadyExists),
        ("permission_denied", Code::PermissionDenied),
        ("unauthenticated", Code::Unauthenticated),
        ("resource_exhausted", Code::ResourceExhausted),
    ];
    let (_, code) = *CODES.iter().find(|(name, _)| error["code"] == *name).unwrap();
    (code, error["message"].as_str().unwrap().to_owned(), details.collect())
}

/// REST has no code of gRPC's; its own is the reason.
fn of_rest(error: &Value, code: Code) -> Said {
    let details: Vec<_> = error["details"].as_array().unwrap().iter().map(written).collect();
    let info = details.iter().find(|(kind, _)| kind == "google.rpc.ErrorInfo").unwrap();
    let reason = info.1["reason"].as_str().unwrap().to_lowercase();
    assert_eq!(error["error"], reason);
    let cause = info.1["metadata"]["cause"].as_str().unwrap_or_default();
    assert_eq!(error["cause"], cause);
    let request = details.iter().find(|(kind, _)| kind == "google.rpc.RequestInfo").unwrap();
    assert_eq!(error["request_id"], request.1["requestId"]);
    (code, error["message"].as_str().unwrap().to_owned(), details)
}
