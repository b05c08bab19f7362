//! What other services are told of agents.

use devsphere_auth::Role;
use devsphere_proto::administration::v1::{self as pb, agent_service_client::AgentServiceClient};
use devsphere_testkit::{Speak, StatusExt as _};
use tonic::{Code, Response};

use super::{WRITER, change, changed, pause, writer};
use crate::world;

#[tokio::test]
async fn another_service_is_told_of_an_agent_whatever_its_caller_may_do() {
    let world = world().await;
    let north = world.org("north").await;
    let ceo = north.member("ada", Role::Ceo).await;
    let edited = change(&ceo, changed(&writer(&ceo).await), &["prompt"]).await.unwrap();
    let paused = pause(&ceo, &edited).await.unwrap();
    let operator = north.member("otto", Role::Operator).await;
    let ask = async |peer: &str, agent_key: &str| {
        let channel = Speak::peer_for(world.channel("administration"), peer, &operator);
        let request = pb::GetAgentByKeyRequest { agent_key: agent_key.into() };
        let answer = AgentServiceClient::new(channel).get_agent_by_key(request).await;
        answer.map(Response::into_inner)
    };

    let told = ask("seo", WRITER).await.unwrap();

    assert_eq!(told, pb::Agent { allowed_actions: vec![], ..paused });
    assert_eq!(ask("agent", WRITER).await.unwrap(), told);
    assert_eq!(ask("seo", "no-such-agent").await.unwrap_err().code(), Code::NotFound);
    let stranger = ask("crm", WRITER).await.unwrap_err();
    assert_eq!(stranger.metadata_of("permission"), "internal");
}
