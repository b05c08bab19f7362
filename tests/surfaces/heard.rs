//! What a client has heard of a refusal, whichever way it came.

use devsphere_proto::Contract;
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};
use tonic::Code;

/// A refusal.
#[derive(Debug)]
pub struct Heard {
    pub http: u16,
    pub code: Code,
    pub message: String,
    /// Each its type's full name, and its fields in canonical JSON.
    pub details: Vec<(String, Value)>,
    /// `devsphere-request-id`.
    pub header: String,
    pub retry_after: Option<String>,
}

/// A detail from its bytes.
pub fn detail(kind: &str, bytes: &[u8]) -> (String, Value) {
    let kind = kind.rsplit('/').next().unwrap();
    let descriptor = Contract::get().unwrap().pool().get_message_by_name(kind).unwrap();
    let message = DynamicMessage::decode(descriptor, bytes).unwrap();
    (kind.to_owned(), json!(message))
}

/// A detail as REST writes it: the names of the contract, and what is empty too.
pub fn written(value: &Value) -> (String, Value) {
    let mut value = value.clone();
    let kind = value.as_object_mut().unwrap().remove("@type").unwrap();
    let kind = kind.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let descriptor = Contract::get().unwrap().pool().get_message_by_name(&kind).unwrap();
    let message = DynamicMessage::deserialize(descriptor, value).unwrap();
    (kind, json!(message))
}

impl Heard {
    pub fn has(&self, kind: &str) -> bool {
        self.find(kind).is_some()
    }

    pub fn reason(&self) -> &str {
        self.find("ErrorInfo").and_then(|info| info["reason"].as_str()).unwrap_or_default()
    }

    pub fn locale(&self) -> &str {
        self.find("LocalizedMessage").and_then(|said| said["locale"].as_str()).unwrap_or_default()
    }

    pub fn request_id(&self) -> String {
        let id = self.find("RequestInfo").and_then(|info| info["requestId"].as_str());
        id.unwrap_or_default().to_owned()
    }

    /// All but what differs from one call to the next: the request's name, and the time that is left
    /// to wait.
    pub fn comparable(&self) -> (Code, String, Vec<(String, Value)>) {
        let message = match self.find("RetryInfo") {
            Some(_) => self.message.replace(|letter: char| letter.is_ascii_digit(), ""),
            None => self.message.clone(),
        };
        let mut details = self.details.clone();
        for (kind, value) in &mut details {
            match kind.rsplit('.').next().unwrap() {
                "RequestInfo" => value["requestId"] = Value::Null,
                "RetryInfo" => value["retryDelay"] = Value::Null,
                _ => {}
            }
        }
        details.sort_by(|one, other| one.0.cmp(&other.0));
        (self.code, message, details)
    }

    fn find(&self, kind: &str) -> Option<&Value> {
        let full = format!("google.rpc.{kind}");
        self.details.iter().find(|(kind, _)| *kind == full).map(|(_, value)| value)
    }
}
