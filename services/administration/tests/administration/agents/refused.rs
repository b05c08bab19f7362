//! What agents refuse, and to whom.

use devsphere_auth::Role;
use devsphere_proto::administration::v1 as pb;
use devsphere_testkit::StatusExt as _;
use tonic::{Code, Status};
use uuid::Uuid;

use super::{activate, all, change, changed, get, pause, reset, writer};
use crate::world;

#[tokio::test]
async fn ceo_and_admin_change_agents_manager_and_seo_read_them_and_nobody_else_does() {
    let world = world().await;
    let north = world.org("north").await;
    let agent = writer(&north.member("ada", Role::Ceo).await).await;

    for role in Role::ALL {
        let member = north.member(role.as_str(), role).await;
        let read = [all(&member).await.map(drop), get(&member, &agent.agent_id).await.map(drop)];
        let unread = pb::Agent { etag: String::new(), ..agent.clone() };
        let prompt = pb::Agent { prompt: format!("For {role}."), ..unread.clone() };
        let changed = [
            change(&member, prompt, &["prompt"]).await,
            pause(&member, &unread).await,
            activate(&member, &unread).await,
            reset(&member, &unread).await,
        ];

        let changes = matches!(role, Role::Ceo | Role::Admin);
        let reads = changes || matches!(role, Role::Manager | Role::Seo);
        let needed = |status: Status| status.metadata_of("permission");
        for answer in read {
            let expected = if reads { Ok(()) } else { Err("administration.agents.read".into()) };
            assert_eq!(answer.map_err(needed), expected, "{role}");
        }
        for answer in changed {
            let expected =
                if changes { Ok(()) } else { Err("administration.agents.update".into()) };
            assert_eq!(answer.map(drop).map_err(needed), expected, "{role}");
        }
    }
}

#[tokio::test]
async fn a_stale_etag_is_refused_with_the_current_one() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let read = writer(&ceo).await;
    change(&ceo, changed(&read), &["prompt"]).await.unwrap();

    let refused = [
        change(&ceo, changed(&read), &["model"]).await.unwrap_err(),
        pause(&ceo, &read).await.unwrap_err(),
        activate(&ceo, &read).await.unwrap_err(),
        reset(&ceo, &read).await.unwrap_err(),
    ];

    for refused in refused {
        assert_eq!((refused.code(), refused.cause().as_str()), (Code::Aborted, "stale_etag"));
        assert_eq!(refused.metadata_of("etag"), "W1");
    }
}

#[tokio::test]
async fn an_agent_of_another_organisation_is_as_unknown_as_one_of_none() {
    let world = world().await;
    let (north, south) = (world.org("north").await, world.org("south").await);
    let ceo = north.member("ada", Role::Ceo).await;
    let theirs = writer(&south.member("sven", Role::Ceo).await).await;

    for agent_id in [theirs.agent_id, Uuid::now_v7().to_string()] {
        let agent = pb::Agent { agent_id: agent_id.clone(), ..Default::default() };
        let refused = [
            get(&ceo, &agent_id).await.unwrap_err(),
            change(&ceo, changed(&agent), &["*"]).await.unwrap_err(),
            pause(&ceo, &agent).await.unwrap_err(),
            activate(&ceo, &agent).await.unwrap_err(),
            reset(&ceo, &agent).await.unwrap_err(),
        ];
        for refused in refused {
            assert_eq!((refused.code(), refused.message()), (Code::NotFound, "agent not found"));
        }
    }
}

#[tokio::test]
async fn every_field_that_breaks_a_rule_is_named_at_once() {
    let world = world().await;
    let ceo = world.org("north").await.member("ada", Role::Ceo).await;
    let agent_id = writer(&ceo).await.agent_id;

    for temperature in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let bad = pb::Agent {
            agent_id: agent_id.clone(),
            display_name: "Writer\r\nBcc: everybody".into(),
            prompt: "x".repeat(20_001),
            model: "a model".into(),
            temperature: Some(temperature),
            max_output_tokens: Some(0),
            autonomy: 9,
            ..Default::default()
        };
        let refused = change(&ceo, bad, &["*"]).await.unwrap_err();

        assert_eq!(refused.code(), Code::InvalidArgument);
        let fields =
            ["display_name", "prompt", "model", "temperature", "max_output_tokens", "autonomy"];
        assert_eq!(refused.fields(), fields.map(|field| format!("agent.{field}")));
    }
    let nameless = change(&ceo, pb::Agent::default(), &["*"]).await.unwrap_err();
    assert_eq!(nameless.fields(), ["agent.agent_id"]);
    let unknown = change(&ceo, writer(&ceo).await, &["state"]).await.unwrap_err();
    assert_eq!(unknown.fields(), ["update_mask"]);
}
