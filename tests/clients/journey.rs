//! The journey that every client makes: a manager signs in and works with leads, and each refusal
//! says what the contract promises.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use devsphere_proto::Contract;
use prost_reflect::{DynamicMessage, ReflectMessage as _};
use serde_json::{Value, json};
use uuid::Uuid;

/// What a refusal carries, whichever way it came.
#[derive(Debug, Default, PartialEq)]
pub struct Refusal {
    pub reason: String,
    pub metadata: Value,
    pub fields: Vec<String>,
    pub request_id: String,
}

impl Refusal {
    /// Reads the details of `google.rpc`: each its type's name, and its fields.
    pub fn of<'a>(details: impl IntoIterator<Item = (&'a str, &'a Value)>) -> Self {
        let mut refusal = Self::default();
        for (kind, detail) in details {
            match kind.rsplit('.').next().unwrap() {
                "ErrorInfo" => {
                    refusal.reason = text(&detail["reason"]);
                    refusal.metadata = detail["metadata"].clone();
                }
                "BadRequest" => {
                    let violations = detail["fieldViolations"].as_array().unwrap();
                    refusal.fields = violations.iter().map(|one| text(&one["field"])).collect();
                    assert!(violations.iter().all(|one| one["description"] != ""), "{detail}");
                }
                "RequestInfo" => refusal.request_id = text(&detail["requestId"]),
                _ => {}
            }
        }
        refusal
    }

    /// Reads an error of Connect's kind: each detail is its type and its bytes.
    pub fn of_bytes(error: &Value) -> Self {
        let pool = Contract::get().unwrap().pool();
        let details = error["details"].as_array().unwrap();
        let details: Vec<_> = details
            .iter()
            .map(|detail| {
                let kind = detail["type"].as_str().unwrap();
                let bytes = STANDARD_NO_PAD.decode(detail["value"].as_str().unwrap()).unwrap();
                let kind = pool.get_message_by_name(kind).unwrap();
                DynamicMessage::decode(kind, bytes.as_slice()).unwrap()
            })
            .map(|detail| (detail.descriptor().name().to_owned(), json!(detail)))
            .collect();
        Self::of(details.iter().map(|(kind, detail)| (kind.as_str(), detail)))
    }

    pub fn says(&self, reason: &str, key: &str, value: &str) {
        assert_eq!((self.reason.as_str(), text(&self.metadata[key]).as_str()), (reason, value));
    }
}

/// A client, made so that it can be told JSON in the contract's own names.
pub trait Client {
    /// From now on as the holder of this access token.
    fn hold(&mut self, access_token: String);
    fn call(&self, method: Method, body: &Value) -> Result<Value, Refusal>;
    /// Every message of a server stream.
    fn stream(&self, method: Method, body: &Value) -> Result<Vec<Value>, Refusal>;
}

/// A method, by its service and its name.
pub type Method = (&'static str, &'static str);

pub const SESSIONS: &str = "devsphere.identity.v1.SessionService";
pub const LEADS: &str = "devsphere.crm.v1.LeadService";

/// The whole journey; the mesh may have seen others before.
pub fn travel(client: &mut impl Client, (email, password): &(String, String)) {
    let sign_in = json!({ "email": email, "password": password });
    let wrong = json!({ "email": email, "password": "not the password" });
    client.call((SESSIONS, "SignIn"), &wrong).unwrap_err().says(
        "UNAUTHORIZED",
        "cause",
        "bad_credentials",
    );
    let grant = client.call((SESSIONS, "SignIn"), &sign_in).unwrap();
    client.hold(text(&grant["accessToken"]));

    let lead = creates(client);
    lists(client, &lead);
    changes(client, &lead);
    exports(client, &lead);
    is_refused(client);

    client.call((SESSIONS, "SignOut"), &json!({})).unwrap();
}

fn creates(client: &impl Client) -> Value {
    let request_id = Uuid::new_v4();
    let email = format!("maria.{}@lindqvist.example", request_id.simple());
    let create = json!({
        "lead": { "displayName": "Maria Lindqvist", "email": email,
                  "value": { "minorUnits": "250000", "currencyCode": "EUR" } },
        "requestId": request_id,
    });
    let lead = client.call((LEADS, "CreateLead"), &create).unwrap();
    assert_eq!(client.call((LEADS, "CreateLead"), &create).unwrap(), lead, "one id, one answer");
    assert_eq!(lead["value"]["minorUnits"], "250000");
    assert_eq!(lead["state"], "LEAD_STATE_NEW");

    let other = json!({ "lead": { "displayName": "Other" }, "requestId": request_id });
    let reused = client.call((LEADS, "CreateLead"), &other).unwrap_err();
    reused.says("BAD_REQUEST", "cause", "request_id_reused");
    lead
}

fn lists(client: &impl Client, lead: &Value) {
    let filter = format!("email = {} AND state = new", lead["email"]);
    let one = json!({ "filter": filter, "includeTotal": true });
    let one = client.call((LEADS, "ListLeads"), &one).unwrap();
    assert_eq!((&one["leads"], &one["totalSize"]), (&json!([lead]), &json!(1)));

    let mut seen = Vec::new();
    let mut page = String::new();
    loop {
        let request = json!({ "pageSize": 7, "orderBy": "display_name", "pageToken": page });
        let answer = client.call((LEADS, "ListLeads"), &request).unwrap();
        seen.extend(answer["leads"].as_array().unwrap().iter().map(|lead| text(&lead["leadId"])));
        page = text(&answer["nextPageToken"]);
        if page.is_empty() {
            break;
        }
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert!(seen.len() == count && count > 20, "every lead once: {count}, {}", seen.len());
    assert!(seen.contains(&text(&lead["leadId"])));
}

fn changes(client: &impl Client, lead: &Value) {
    let id = &lead["leadId"];
    let update = |etag: &Value, note: &str| json!({ "lead": { "leadId": id, "note": note, "etag": etag }, "updateMask": "note" });
    let noted = client.call((LEADS, "UpdateLead"), &update(&lead["etag"], "first")).unwrap();
    let stale = client.call((LEADS, "UpdateLead"), &update(&lead["etag"], "second")).unwrap_err();
    stale.says("CONFLICT", "cause", "stale_etag");
    stale.says("CONFLICT", "etag", &text(&noted["etag"]));

    let current = json!({ "leadId": id, "etag": noted["etag"] });
    let qualified = client.call((LEADS, "QualifyLead"), &current).unwrap();
    assert_eq!(qualified["state"], "LEAD_STATE_QUALIFIED");
    let won = client.call((LEADS, "WinLead"), &json!({ "leadId": id })).unwrap();
    assert_eq!((&won["state"], &won["note"]), (&json!("LEAD_STATE_WON"), &json!("first")));
    let twice = client.call((LEADS, "WinLead"), &json!({ "leadId": id })).unwrap_err();
    twice.says("BAD_TRANSITION", "state", "won");
    let allowed = text(&twice.metadata["allowed"]);
    assert!(allowed.split(',').any(|verb| verb == "undo_win"), "{allowed}");
}

fn exports(client: &impl Client, lead: &Value) {
    let filter = format!("email = {}", lead["email"]);
    let pieces = client.stream((LEADS, "ExportLeads"), &json!({ "filter": filter })).unwrap();
    let rows: i64 = pieces.iter().map(|piece| piece["rowCount"].as_i64().unwrap_or(0)).sum();
    let csv: Vec<_> =
        pieces.iter().flat_map(|piece| STANDARD.decode(text(&piece["csv"])).unwrap()).collect();
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(rows, 1);
    assert!(csv.contains(lead["email"].as_str().unwrap()), "{csv}");

    let refused = client.stream((LEADS, "ExportLeads"), &json!({ "filter": "colour = red" }));
    assert_eq!(refused.unwrap_err().fields, ["filter"]);
}

fn is_refused(client: &impl Client) {
    let wrong =
        json!({ "lead": { "displayName": "x", "email": "no", "phone": "no", "website": "no" } });
    let refused = client.call((LEADS, "CreateLead"), &wrong).unwrap_err();
    assert_eq!(refused.reason, "BAD_REQUEST");
    assert_eq!(refused.fields, ["lead.email", "lead.phone", "lead.website"]);
    assert!(refused.request_id.parse::<Uuid>().is_ok(), "{}", refused.request_id);

    let unknown = client.call((LEADS, "GetLead"), &json!({ "leadId": Uuid::new_v4() }));
    assert_eq!(unknown.unwrap_err().reason, "NOT_FOUND");
}

/// The text of a JSON string; empty where there is none.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
