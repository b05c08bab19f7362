//! One refusal, heard through gRPC, gRPC-Web, Connect in JSON and in bytes, and REST: the same details
//! everywhere, and each surface's own status around them.

mod heard;
mod surface;

use std::collections::BTreeSet;

use devsphere_proto::{
    crm::v1::{CreateLeadRequest, Lead, WinLeadRequest},
    identity::v1::{Role, SignInRequest},
};
use http::Method;
use serde_json::{Value, json};
use tonic::Code;
use uuid::Uuid;

use self::surface::{SURFACES, Surface};
use crate::whole::{Mesh, Person};

const LEADS: &str = "/devsphere.crm.v1.LeadService";
const MEMBERS: &str = "/devsphere.identity.v1.MemberService";
const SESSIONS: &str = "/devsphere.identity.v1.SessionService";

/// Verb, path and body.
type Rest = (Method, String, Option<Value>);

/// A call that is refused, as gRPC's family and as REST make it.
struct Case {
    path: String,
    /// In the canonical JSON of its message.
    message: Value,
    rest: Rest,
    token: Option<String>,
    reason: &'static str,
    code: Code,
    /// Of REST, and of Connect.
    http: (u16, u16),
    /// Types of details that must be there, beside the two that always are.
    more: &'static [&'static str],
}

struct Stage {
    mesh: Mesh,
    ceo: Person,
    viewer: Person,
    won: Lead,
    trashed: Lead,
    used: Uuid,
}

impl Stage {
    async fn set() -> Self {
        let mesh = Mesh::start().await;
        let ceo = mesh.founder().await;
        let viewer = mesh.member(&ceo, "vera", Role::Viewer).await;
        let create = async |name: &str, request_id: &str| {
            let lead = Lead { display_name: name.into(), ..Lead::default() };
            let request = CreateLeadRequest {
                lead: Some(lead),
                request_id: request_id.into(),
                ..CreateLeadRequest::default()
            };
            ceo.leads().create_lead(request).await.unwrap().into_inner()
        };
        let used = Uuid::now_v7();
        let (won, trashed) = (create("Maria", &used.to_string()).await, create("Ines", "").await);
        let win = WinLeadRequest { lead_id: won.lead_id.clone(), ..WinLeadRequest::default() };
        let won = ceo.leads().win_lead(win).await.unwrap().into_inner();
        let delete = devsphere_proto::crm::v1::DeleteLeadRequest {
            lead_id: trashed.lead_id.clone(),
            ..Default::default()
        };
        ceo.leads().delete_lead(delete).await.unwrap();
        // An address that is guessed at is locked out.
        for _ in 0..20 {
            let request = SignInRequest {
                email: "guessed@example.com".into(),
                password: "wrong wrong wrong".into(),
                ..SignInRequest::default()
            };
            let refused = mesh.sessions().sign_in(request).await.unwrap_err();
            if refused.code() == Code::ResourceExhausted {
                break;
            }
        }
        Self { mesh, ceo, viewer, won, trashed, used }
    }

    /// A call of the ceo's.
    fn case(&self, method: impl Into<String>, message: Value, rest: Rest) -> Case {
        Case {
            path: method.into(),
            message,
            rest,
            token: Some(self.ceo.grant.access_token.clone()),
            reason: "",
            code: Code::Ok,
            http: (0, 0),
            more: &[],
        }
    }

    /// A verb of a lead, and the rest of its request.
    fn verb(&self, lead: &Lead, name: &str, path: &str, rest: &Value) -> Case {
        let mut message = rest.clone();
        message["leadId"] = json!(lead.lead_id);
        let at = format!("/api/v1/leads/{}:{path}", lead.lead_id);
        self.case(format!("{LEADS}/{name}"), message, post(&at, rest))
    }

    /// A read of a lead.
    fn read(&self, lead_id: &str) -> Case {
        let rest = (Method::GET, format!("/api/v1/leads/{lead_id}"), None);
        self.case(format!("{LEADS}/GetLead"), json!({ "leadId": lead_id }), rest)
    }

    fn create(&self, lead: &Value) -> Case {
        let message = json!({ "lead": lead });
        self.case(format!("{LEADS}/CreateLead"), message, post("/api/v1/leads", lead))
    }

    fn cases(&self) -> Vec<Case> {
        [self.of_requests(), self.of_records(), self.of_callers()].into_iter().flatten().collect()
    }

    fn of_requests(&self) -> Vec<Case> {
        let bad = json!({ "email": "x", "phone": "y", "tags": ["a", "a"], "displayName": "M" });
        let mut reused = self.create(&json!({ "displayName": "M" }));
        reused.message["requestId"] = json!(self.used);
        reused.rest.1 = format!("/api/v1/leads?request_id={}", self.used);
        let bad = self.create(&bad).more(&["BadRequest"]);
        [bad, reused].map(|case| case.is("BAD_REQUEST", Code::InvalidArgument, (400, 400))).into()
    }

    fn of_records(&self) -> Vec<Case> {
        let member =
            json!({ "email": "vera@example.com", "displayName": "V", "role": "ROLE_VIEWER" });
        let rest = post("/api/v1/members", &member);
        let known = self.case(format!("{MEMBERS}/CreateMember"), json!({ "member": member }), rest);
        let stale = json!({ "etag": "W999" });
        let nobody = Uuid::now_v7().to_string();
        vec![
            self.verb(&self.won, "WinLead", "win", &json!({})).is(
                "BAD_TRANSITION",
                Code::FailedPrecondition,
                (409, 400),
            ),
            self.verb(&self.won, "UndoWinLead", "undoWin", &stale).is(
                "CONFLICT",
                Code::Aborted,
                (409, 409),
            ),
            self.verb(&self.trashed, "LoseLead", "lose", &json!({ "reason": "a" })).is(
                "INVALID_STATE",
                Code::FailedPrecondition,
                (409, 400),
            ),
            self.read(&nobody).is("NOT_FOUND", Code::NotFound, (404, 404)),
            known.is("ALREADY_EXISTS", Code::AlreadyExists, (409, 409)),
        ]
    }

    fn of_callers(&self) -> Vec<Case> {
        let nobody = json!({ "refreshToken": "dvs_rt_0" });
        let rest = post("/api/v1/sessions:refresh", &nobody);
        let refresh = self.case(format!("{SESSIONS}/Refresh"), nobody, rest).by(None);
        let guess = json!({ "email": "guessed@example.com", "password": "wrong wrong wrong" });
        let rest = post("/api/v1/sessions:signIn", &guess);
        let guess = self.case(format!("{SESSIONS}/SignIn"), guess, rest).by(None);
        let unknown = self.read(&self.won.lead_id).by(None);
        let viewer = self.create(&json!({ "displayName": "M" })).by(Some(&self.viewer));
        vec![
            viewer.is("FORBIDDEN", Code::PermissionDenied, (403, 403)),
            unknown.is("UNAUTHORIZED", Code::Unauthenticated, (401, 401)),
            refresh.is("UNAUTHORIZED", Code::Unauthenticated, (401, 401)),
            guess.more(&["RetryInfo"]).is("RATE_LIMITED", Code::ResourceExhausted, (429, 429)),
        ]
    }
}

fn post(path: &str, body: &Value) -> Rest {
    (Method::POST, path.to_owned(), Some(body.clone()))
}

impl Case {
    fn is(self, reason: &'static str, code: Code, http: (u16, u16)) -> Self {
        Self { reason, code, http, ..self }
    }

    fn more(self, more: &'static [&'static str]) -> Self {
        Self { more, ..self }
    }

    fn by(self, person: Option<&Person>) -> Self {
        Self { token: person.map(|person| person.grant.access_token.clone()), ..self }
    }
}

#[tokio::test]
async fn rich_error_details_arrive_equal_through_all_five_surfaces() {
    let stage = Stage::set().await;
    let mut reasons = BTreeSet::new();
    for case in stage.cases() {
        for (language, words) in [("en", "en"), ("de-AT, en;q=0.5", "de"), ("", "en")] {
            let grpc = surface::hear(&stage.mesh, &case, Surface::Grpc, language).await;
            assert_eq!((grpc.reason(), grpc.code), (case.reason, case.code), "{grpc:?}");
            assert_eq!(grpc.locale(), words);
            for kind in ["ErrorInfo", "RequestInfo", "LocalizedMessage"].iter().chain(case.more) {
                assert!(grpc.has(kind), "{kind}: {grpc:?}");
            }
            for surface in SURFACES {
                let heard = surface::hear(&stage.mesh, &case, surface, language).await;
                assert_eq!(heard.comparable(), grpc.comparable(), "{surface:?} {}", case.path);
                let http = match surface {
                    Surface::Grpc | Surface::Web => 200,
                    Surface::ConnectJson | Surface::ConnectProto => case.http.1,
                    Surface::Rest => case.http.0,
                };
                assert_eq!(heard.http, http, "{surface:?} {}", case.path);
                assert_eq!(heard.request_id(), heard.header, "{surface:?}");
                let waits = http != 200 && case.more.contains(&"RetryInfo");
                assert_eq!(heard.retry_after.is_some(), waits, "{surface:?}");
            }
        }
        reasons.insert(case.reason);
    }
    assert!(reasons.len() >= 9, "{reasons:?}");
}
