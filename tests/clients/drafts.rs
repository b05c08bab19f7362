//! The journey of a draft: a site, a keyword and a brief, what an agent writes of it, a person's
//! edit, another person's approval, and what it cost; with all who are refused on the way.

mod deciding;
mod writing;

use std::time::Duration;

use devsphere_boot::Tasks;
use devsphere_testkit::provider::{ScriptedProvider, author::author};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    journey::{Client, Method, Refusal, SESSIONS, text},
    up::Up,
};

const MEMBERS: &str = "devsphere.identity.v1.MemberService";
const PROVIDERS: &str = "devsphere.administration.v1.AiProviderService";
const SITES: &str = "devsphere.seo.v1.SiteService";
const KEYWORDS: &str = "devsphere.seo.v1.KeywordService";
const PIECES: &str = "devsphere.seo.v1.ContentPieceService";
const GENERATIONS: &str = "devsphere.seo.v1.GenerationService";

const GENERATE: Method = (GENERATIONS, "GenerateDraft");
const GET: Method = (PIECES, "GetContentPiece");
const WRITE: Method = (PIECES, "WriteContent");
const SUBMIT: Method = (PIECES, "SubmitContentPiece");
const WITHDRAW: Method = (PIECES, "WithdrawContentPiece");
const APPROVE: Method = (PIECES, "ApproveContentPiece");
const CONNECT: Method = (PROVIDERS, "UpdateAiProvider");

/// Between two words of the model: enough that a stream is told from an answer that came at once.
const PAUSE: Duration = Duration::from_millis(50);

/// A client that tells what it had heard of a stream when the stream was refused.
pub trait Listener: Client {
    fn follow(&self, method: Method, body: &Value) -> (Vec<Value>, Option<Refusal>);
}

/// A model that takes its time.
pub async fn model(tasks: &Tasks) -> ScriptedProvider {
    ScriptedProvider::start(tasks, |asked| author(asked).pause(PAUSE)).await
}

/// Everybody in the journey, each with a client of their own.
struct Cast<C> {
    ceo: C,
    manager: C,
    viewer: C,
    writer: C,
    /// The ceo of another organisation.
    stranger: C,
}

/// The whole journey; `model` is where the demo's provider is.
pub fn travel<C: Listener>(client: impl Fn() -> C, up: &Up, model: &str) {
    let cast = Cast::gather(client, up);
    let piece = cast.plans();

    cast.has_no_provider(&piece);
    cast.connects(model);
    let drafted = cast.generates(&piece);
    cast.keeps_others_out(&piece);
    cast.edits(&drafted);
    cast.decides(&piece);
    cast.takes_an_approval_back(&piece);
    cast.spends_the_budget(&piece);
    cast.accounts(&drafted);
}

impl<C: Listener> Cast<C> {
    fn gather(client: impl Fn() -> C, up: &Up) -> Self {
        let holding = |grant: &Value| {
            let mut client = client();
            client.hold(text(&grant["accessToken"]));
            client
        };
        let enters = |(email, password): (String, String)| {
            let account = json!({ "email": email, "password": password });
            holding(&client().call((SESSIONS, "SignIn"), &account).unwrap())
        };
        let password = "correct horse battery staple";
        let ceo = enters(up.demo("ceo"));

        let email = "signe@writers.example".to_owned();
        let member = json!({ "email": email, "displayName": "Signe", "role": "ROLE_SEO" });
        let invited = ceo.call((MEMBERS, "CreateMember"), &json!({ "member": member })).unwrap();
        let activate =
            json!({ "activationToken": invited["activationToken"], "password": password });
        client().call((SESSIONS, "Activate"), &activate).unwrap();

        let founds = json!({
            "email": "founder@south.example", "password": password,
            "displayName": "Sam South", "organizationDisplayName": "South",
        });
        let founded = client().call((SESSIONS, "SignUp"), &founds).unwrap();
        Self {
            manager: enters(up.demo("manager")),
            viewer: enters(up.demo("viewer")),
            writer: enters((email, password.to_owned())),
            stranger: holding(&founded),
            ceo,
        }
    }

    /// Down to a piece with a brief.
    fn plans(&self) -> Value {
        let host = Uuid::new_v4().simple();
        let site = json!({
            "displayName": "Lindqvist", "language": "en",
            "baseUrl": format!("https://{host}.example"),
        });
        let site = self.writer.call((SITES, "CreateSite"), &json!({ "site": site })).unwrap();
        let keyword = json!({ "siteId": site["siteId"], "phrase": "accessible web design" });
        let create = json!({ "keyword": keyword });
        let keyword = self.writer.call((KEYWORDS, "CreateKeyword"), &create).unwrap();
        let piece = json!({
            "siteId": site["siteId"], "title": "Accessible web design",
            "keywordIds": [keyword["keywordId"]],
            "brief": { "topic": "What an accessible shop costs", "targetWords": 40 },
        });
        let create = json!({ "contentPiece": piece });
        let piece = self.writer.call((PIECES, "CreateContentPiece"), &create).unwrap();
        assert_eq!(piece["state"], "CONTENT_PIECE_STATE_BRIEF");
        let elsewhere = self.stranger.call((PIECES, "CreateContentPiece"), &create).unwrap_err();
        assert_eq!(elsewhere.fields, ["content_piece.site_id"]);
        piece
    }

    fn read(&self, piece: &Value) -> Value {
        self.writer.call(GET, &of(piece)).unwrap()
    }
}

/// A request about the piece.
fn of(piece: &Value) -> Value {
    json!({ "contentPieceId": piece["contentPieceId"] })
}

/// What the second reader found nothing to stand behind.
fn flags(version: &Value) -> Vec<String> {
    let found = version["checks"]["findings"].as_array().cloned().unwrap_or_default();
    let flagged = found.iter().filter(|finding| finding["rule"] == "unsupported_claim");
    flagged.map(|finding| text(&finding["quote"])).collect()
}
