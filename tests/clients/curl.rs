//! curl, which knows nothing but HTTP: Connect's JSON, and REST.

use std::{
    io::Write as _,
    mem,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::{
    journey::{Client, Method, Refusal, text, travel},
    up::{Folder, Up},
};

/// One exchange: the HTTP status, and the body.
fn curl(arguments: &[String], body: Option<&[u8]>) -> (u16, Vec<u8>) {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--max-time", "20", "--write-out", "%{http_code}"]);
    if body.is_some() {
        command.args(["--data-binary", "@-"]);
    }
    let piped = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child.stdin.take().unwrap().write_all(body.unwrap_or_default()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    let (answer, status) = output.stdout.split_at(output.stdout.len() - 3);
    (str::from_utf8(status).unwrap().parse().unwrap(), answer.to_vec())
}

fn header(name: &str, value: &str) -> [String; 2] {
    ["--header".into(), format!("{name}: {value}")]
}

fn bearer(token: Option<&String>) -> Vec<String> {
    let header = token.map(|token| header("authorization", &format!("Bearer {token}")));
    header.into_iter().flatten().collect()
}

fn parsed(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    serde_json::from_str(&text).expect(&text)
}

/// Connect with JSON bodies.
struct Connect {
    address: String,
    token: Option<String>,
}

impl Connect {
    fn post(&self, (service, method): Method, kind: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut arguments = bearer(self.token.as_ref());
        arguments.extend(header("connect-protocol-version", "1"));
        arguments.extend(header("content-type", kind));
        arguments.push(format!("http://{}/{service}/{method}", self.address));
        curl(&arguments, Some(body))
    }
}

impl Client for Connect {
    fn hold(&mut self, access_token: String) {
        self.token = Some(access_token);
    }

    fn call(&self, method: Method, body: &Value) -> Result<Value, Refusal> {
        match self.post(method, "application/json", body.to_string().as_bytes()) {
            (200, answer) => Ok(parsed(&answer)),
            (_, answer) => Err(connect_refusal(&parsed(&answer))),
        }
    }

    fn stream(&self, method: Method, body: &Value) -> Result<Vec<Value>, Refusal> {
        let (status, answer) =
            self.post(method, "application/connect+json", &enveloped(&body.to_string()));
        assert_eq!(status, 200, "a stream's refusal comes at its end");
        let mut frames = frames(&answer);
        let (flags, end) = frames.pop().unwrap();
        assert_eq!(flags, END_OF_STREAM);
        match end.get("error") {
            None => Ok(frames.into_iter().map(|(_, message)| message).collect()),
            Some(error) => Err(connect_refusal(error)),
        }
    }
}

/// What people read in `debug` is what programs read in the bytes.
fn connect_refusal(error: &Value) -> Refusal {
    let details = error["details"].as_array().unwrap();
    let shown =
        Refusal::of(details.iter().map(|one| (one["type"].as_str().unwrap(), &one["debug"])));
    assert_eq!(shown, Refusal::of_bytes(error));
    shown
}

const END_OF_STREAM: u8 = 2;

/// One message of a stream: flags, length, bytes.
fn enveloped(message: &str) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), message.as_bytes()].concat()
}

fn frames(mut bytes: &[u8]) -> Vec<(u8, Value)> {
    let mut found = Vec::new();
    while let [flags, a, b, c, d, rest @ ..] = bytes {
        let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap();
        found.push((*flags, parsed(&rest[..length])));
        bytes = &rest[length..];
    }
    found
}

/// REST under `/api/v1`, where the contracts place each method.
struct Rest {
    address: String,
    token: Option<String>,
}

/// Verb, path, and what of the request the body is; the rest goes into the query.
fn route(method: &str) -> (&'static str, &'static str, Option<&'static str>) {
    match method {
        "SignIn" => ("POST", "sessions:signIn", Some("*")),
        "SignOut" => ("POST", "sessions:signOut", Some("*")),
        "CreateLead" => ("POST", "leads", Some("lead")),
        "GetLead" => ("GET", "leads/{leadId}", None),
        "ListLeads" => ("GET", "leads", None),
        "UpdateLead" => ("PATCH", "leads/{lead.leadId}", Some("lead")),
        "QualifyLead" => ("POST", "leads/{leadId}:qualify", Some("*")),
        "WinLead" => ("POST", "leads/{leadId}:win", Some("*")),
        "ExportLeads" => ("GET", "leads:export", None),
        other => unreachable!("the journey does not come by {other}"),
    }
}

impl Rest {
    fn exchange(&self, (_, method): Method, request: &Value) -> (u16, Vec<u8>) {
        let (verb, path, body) = route(method);
        let mut request = request.clone();
        let mut path = path.to_owned();
        for (place, id) in [
            ("{leadId}", request["leadId"].as_str().map(str::to_owned)),
            ("{lead.leadId}", request["lead"]["leadId"].as_str().map(str::to_owned)),
        ] {
            path = path.replace(place, &id.unwrap_or_default());
        }
        let rest = request.as_object_mut().unwrap();
        rest.remove("leadId");
        let body = match body {
            Some("*") => Some(json!(mem::take(rest)).to_string()),
            Some(field) => rest.remove(field).map(|field| field.to_string()),
            None => None,
        };
        let mut arguments = bearer(self.token.as_ref());
        arguments.extend(["--request".into(), verb.into()]);
        arguments.extend(header("content-type", "application/json"));
        for (name, value) in rest {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            arguments.extend(["--url-query".into(), format!("{name}={value}")]);
        }
        arguments.push(format!("http://{}/api/v1/{path}", self.address));
        curl(&arguments, body.as_deref().map(str::as_bytes))
    }
}

impl Client for Rest {
    fn hold(&mut self, access_token: String) {
        self.token = Some(access_token);
    }

    fn call(&self, method: Method, body: &Value) -> Result<Value, Refusal> {
        match self.exchange(method, body) {
            (200, answer) => Ok(camel(parsed(&answer))),
            (status, answer) => Err(rest_refusal(status, &parsed(&answer))),
        }
    }

    fn stream(&self, method: Method, body: &Value) -> Result<Vec<Value>, Refusal> {
        match self.exchange(method, body) {
            (200, lines) => {
                Ok(lines.trim_ascii().split(|byte| *byte == b'\n').map(parsed).map(camel).collect())
            }
            (status, answer) => Err(rest_refusal(status, &parsed(&answer))),
        }
    }
}

/// REST has the contract's own names; the journey has those of JSON.
fn camel(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (camel_name(&name), camel(value))).collect()
        }
        Value::Array(values) => values.into_iter().map(camel).collect(),
        other => other,
    }
}

fn camel_name(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(word.len().min(1));
        name + &head.to_uppercase() + tail
    })
}

/// The error object says everything twice: in its own fields, and in the details.
fn rest_refusal(status: u16, error: &Value) -> Refusal {
    let details = camel(error["details"].clone());
    let details = details.as_array().unwrap();
    let refusal = Refusal::of(details.iter().map(|one| (one["@type"].as_str().unwrap(), one)));
    assert_eq!(text(&error["error"]), refusal.reason.to_lowercase());
    assert_eq!(text(&error["cause"]), text(&refusal.metadata["cause"]));
    assert_eq!(text(&error["request_id"]), refusal.request_id);
    let expected = match refusal.reason.as_str() {
        "UNAUTHORIZED" => 401,
        "NOT_FOUND" => 404,
        "BAD_REQUEST" => 400,
        "CONFLICT" | "BAD_TRANSITION" => 409,
        other => unreachable!("the journey is never refused for {other}"),
    };
    assert_eq!(status, expected);
    refusal
}

#[test]
fn curl_makes_the_journey_in_connect() {
    let folder = Folder::fresh();
    let up = Up::start(&folder.0, &["--demo"]);
    travel(&mut Connect { address: up.address(), token: None }, &up.demo("manager"));
}

#[test]
fn curl_makes_the_journey_in_rest() {
    let folder = Folder::fresh();
    let up = Up::start(&folder.0, &["--demo"]);
    travel(&mut Rest { address: up.address(), token: None }, &up.demo("manager"));
}
