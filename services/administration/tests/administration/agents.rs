//! Agents: there from the start, changed by whoever may, kept apart by organisation.

mod refused;
mod told;

use devsphere_auth::Role;
use devsphere_proto::administration::v1::{self as pb, agent_service_client::AgentServiceClient};
use devsphere_testkit::{Caller, CallerChannel, StatusExt as _, World};
use prost_types::FieldMask;
use serde_json::{Value, json};
use sqlx::Row as _;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use super::world;

const WRITER: &str = "seo-content-writer";
const PROMPT: &str = "You write about gardens.\nA person checks all of it.";

type Agents = AgentServiceClient<CallerChannel>;

fn agents(caller: &Caller<'_>) -> Agents {
    AgentServiceClient::new(caller.channel("administration"))
}

async fn all(caller: &Caller<'_>) -> Result<Vec<pb::Agent>, Status> {
    let list = agents(caller).list_agents(pb::ListAgentsRequest {}).await;
    list.map(|list| list.into_inner().agents)
}

/// The content writer, as the caller is shown it.
async fn writer(caller: &Caller<'_>) -> pb::Agent {
    let agents = all(caller).await.unwrap();
    agents.into_iter().find(|agent| agent.agent_key == WRITER).unwrap()
}

async fn get(caller: &Caller<'_>, agent_id: &str) -> Result<pb::Agent, Status> {
    let request = pb::GetAgentRequest { agent_id: agent_id.into() };
    agents(caller).get_agent(request).await.map(Response::into_inner)
}

fn update(agent: pb::Agent, paths: &[&str]) -> pb::UpdateAgentRequest {
    let paths = paths.iter().map(|path| (*path).into()).collect();
    let update_mask = Some(FieldMask { paths });
    pb::UpdateAgentRequest { agent: Some(agent), update_mask, ..Default::default() }
}

async fn change(
    caller: &Caller<'_>,
    agent: pb::Agent,
    paths: &[&str],
) -> Result<pb::Agent, Status> {
    agents(caller).update_agent(update(agent, paths)).await.map(Response::into_inner)
}

macro_rules! steps {
    ($($verb:ident: $method:ident($request:ident)),+ $(,)?) => {$(
        async fn $verb(caller: &Caller<'_>, agent: &pb::Agent) -> Result<pb::Agent, Status> {
            let (agent_id, etag) = (agent.agent_id.clone(), agent.etag.clone());
            let request = pb::$request { agent_id, etag, ..Default::default() };
            agents(caller).$method(request).await.map(Response::into_inner)
        }
    )+};
}

steps! {
    activate: activate_agent(ActivateAgentRequest),
    pause: pause_agent(PauseAgentRequest),
    reset: reset_agent(ResetAgentRequest),
}

/// The agent with everything changed that may be.
fn changed(agent: &pb::Agent) -> pb::Agent {
    pb::Agent {
        display_name: "Northwind writer".into(),
        prompt: PROMPT.into(),
        model: "qwen2.5:7b".into(),
        temperature: Some(0.0),
        max_output_tokens: Some(4_000),
        autonomy: pb::Autonomy::Suggest.into(),
        ..agent.clone()
    }
}

/// What the audit keeps of the agent, oldest first: the action, before and after.
async fn audited(world: &World, agent: &pb::Agent) -> Vec<(String, Value, Value)> {
    let rows = sqlx::query(
        "select action, before, after from platform.audit
         where noun = 'agent' and record_id = $1::uuid order by create_time",
    );
    let mut admin = world.admin().await;
    let rows = rows.bind(&agent.agent_id).fetch_all(&mut admin).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test]
async fn every_organisation_has_the_same_agents_from_the_start() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let ceo = north.member("ada", Role::Ceo).await;

    let ours = all(&ceo).await.unwrap();
    let theirs = all(&south.member("sven", Role::Ceo).await).await.unwrap();

    let names: Vec<_> = ours.iter().map(|agent| agent.display_name.as_str()).collect();
    assert_eq!(
        names,
        [
            "CEO agent",
            "Operations agent",
            "Project Manager",
            "Sales agent",
            "SEO agent",
            "Content Writer",
            "Customer Success agent",
            "Support agent",
            "Marketing agent",
            "HR agent",
            "Finance agent",
        ]
    );
    for (own, other) in ours.into_iter().zip(theirs) {
        assert_eq!((own.state(), own.customized), (pb::AgentState::Active, false));
        assert_eq!((own.update_time, own.etag.as_str()), (None, "W0"));
        assert_eq!(own.allowed_actions, ["update", "pause"]);
        assert!(!own.prompt.is_empty() && !own.description.is_empty());
        assert_eq!(get(&ceo, &own.agent_id).await.unwrap(), own);
        assert_ne!(own.agent_id, other.agent_id);
        assert_eq!(pb::Agent { agent_id: other.agent_id.clone(), ..own }, other);
    }
}

#[tokio::test]
async fn a_change_is_there_for_everybody_of_the_organisation_and_nobody_else() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let ceo = north.member("ada", Role::Ceo).await;
    let reader = north.member("max", Role::Manager).await;
    let foreigner = south.member("sven", Role::Ceo).await;
    let delivered = writer(&ceo).await;

    let edited = change(&ceo, changed(&delivered), &["*"]).await.unwrap();

    assert!(edited.update_time.is_some() && edited.customized);
    let expected = pb::Agent {
        customized: true,
        update_time: edited.update_time,
        etag: "W1".into(),
        allowed_actions: ["update", "pause", "reset"].map(Into::into).into(),
        ..changed(&delivered)
    };
    assert_eq!(edited, expected);
    assert_eq!(writer(&reader).await, pb::Agent { allowed_actions: vec![], ..edited });
    assert!(!writer(&foreigner).await.customized);
    assert!(all(&ceo).await.unwrap().iter().filter(|agent| agent.customized).count() == 1);
}

#[tokio::test]
async fn a_masked_field_that_is_empty_is_again_as_delivered() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let delivered = writer(&ceo).await;
    change(&ceo, changed(&delivered), &["*"]).await.unwrap();

    let agent_id = delivered.agent_id.clone();
    let empty = pb::Agent { agent_id, ..Default::default() };
    let name = change(&ceo, empty.clone(), &["display_name", "temperature"]).await.unwrap();
    let rest = ["prompt", "model", "max_output_tokens", "autonomy"];
    let cleared = change(&ceo, empty, &rest).await.unwrap();

    let (display_name, temperature) = (delivered.display_name.clone(), None);
    let expected = pb::Agent { display_name, temperature, ..changed(&delivered) };
    assert_eq!((&name.display_name, &name.prompt), (&expected.display_name, &expected.prompt));
    assert_eq!((name.temperature, name.max_output_tokens), (None, Some(4_000)));
    let (etag, update_time) = (cleared.etag.clone(), cleared.update_time);
    assert_eq!(cleared, pb::Agent { etag, update_time, ..delivered });
}

#[tokio::test]
async fn an_agent_is_paused_and_activated_and_neither_of_it_twice() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let agent = writer(&ceo).await;

    let early = activate(&ceo, &agent).await.unwrap_err();
    let paused = pause(&ceo, &agent).await.unwrap();
    let twice = pause(&ceo, &paused).await.unwrap_err();
    let active = activate(&ceo, &paused).await.unwrap();

    for (refused, told) in
        [(early, ["active", "activate", "pause"]), (twice, ["paused", "pause", "activate"])]
    {
        assert_eq!(refused.code(), Code::FailedPrecondition);
        assert_eq!(refused.reason(), "BAD_TRANSITION");
        assert_eq!(["state", "verb", "allowed"].map(|key| refused.metadata_of(key)), told);
    }
    assert_eq!((paused.state(), paused.etag.as_str()), (pb::AgentState::Paused, "W1"));
    assert_eq!(paused.allowed_actions, ["update", "activate"]);
    assert_eq!((active.state(), active.etag.as_str()), (pb::AgentState::Active, "W2"));
    assert!(!paused.customized);
    let state = |state: &str| json!({ "state": state });
    assert_eq!(
        audited(&world, &agent).await,
        [
            ("agent.paused".into(), state("active"), state("paused")),
            ("agent.activated".into(), state("paused"), state("active")),
        ]
    );
}

#[tokio::test]
async fn a_reset_brings_back_the_delivered_text_and_the_log_keeps_both() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let delivered = writer(&ceo).await;
    let edited = change(&ceo, changed(&delivered), &["prompt", "temperature"]).await.unwrap();
    let paused = pause(&ceo, &edited).await.unwrap();

    let back = reset(&ceo, &paused).await.unwrap();
    let again = reset(&ceo, &back).await.unwrap_err();

    let expected = pb::Agent {
        state: pb::AgentState::Paused.into(),
        update_time: back.update_time,
        etag: "W3".into(),
        allowed_actions: ["update", "activate"].map(Into::into).into(),
        ..delivered.clone()
    };
    assert_eq!(back, expected);
    assert_eq!(again.reason(), "INVALID_STATE");
    assert_eq!(again.cause(), "not_customized");
    let (own, of_build) = (
        json!({ "prompt": PROMPT, "temperature": 0.0 }),
        json!({ "prompt": delivered.prompt, "temperature": null }),
    );
    let log = audited(&world, &delivered).await;
    assert_eq!(log.len(), 3, "{log:?}");
    assert_eq!(log[0], ("agent.updated".into(), of_build.clone(), own.clone()));
    assert_eq!(log[2], ("agent.reset".into(), own, of_build));
}

#[tokio::test]
async fn what_changes_nothing_leaves_nothing() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let delivered = writer(&ceo).await;

    let same = change(&ceo, delivered.clone(), &["*"]).await.unwrap();

    assert_eq!(same, delivered);
    assert_eq!(audited(&world, &delivered).await, []);
}

#[tokio::test]
async fn a_repeated_request_is_answered_again_and_carried_out_once() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let agent_id = writer(&ceo).await.agent_id;
    let request_id = Uuid::now_v7().to_string();
    let request = pb::PauseAgentRequest { agent_id, request_id, ..Default::default() };

    let first = agents(&ceo).pause_agent(request.clone()).await.unwrap().into_inner();
    activate(&ceo, &first).await.unwrap();
    let again = agents(&ceo).pause_agent(request).await.unwrap().into_inner();

    assert_eq!(again, first);
    assert_eq!(writer(&ceo).await.state(), pb::AgentState::Active);
}

#[tokio::test]
async fn of_two_first_changes_at_once_neither_is_lost() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let unread = pb::Agent { etag: String::new(), ..writer(&ceo).await };

    let (one, other) =
        tokio::join!(change(&ceo, changed(&unread), &["prompt"]), pause(&ceo, &unread));

    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    let agent = writer(&ceo).await;
    assert_eq!((agent.prompt.as_str(), agent.state()), (PROMPT, pb::AgentState::Paused));
    assert_eq!(agent.etag, "W2");
}

#[tokio::test]
async fn a_change_may_be_checked_only() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let delivered = writer(&ceo).await;
    let request =
        pb::UpdateAgentRequest { validate_only: true, ..update(changed(&delivered), &["*"]) };

    let would_be = agents(&ceo).update_agent(request).await.unwrap().into_inner();

    assert_eq!((would_be.prompt.as_str(), would_be.etag.as_str()), (PROMPT, "W0"));
    assert!(would_be.customized);
    assert_eq!(writer(&ceo).await, delivered);
}
