//! What the gateway says of the mesh: reflection without what is internal, and health.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use devsphere_gateway::Limits;
use devsphere_proto::{Access, Contract, option};
use devsphere_testkit::eventually;
use prost_reflect::DescriptorPool;
use tonic::{
    Code, Request, Status,
    transport::{Channel, Endpoint},
};
use tonic_health::{
    ServingStatus,
    pb::{
        HealthCheckRequest, health_check_response::ServingStatus as Said,
        health_client::HealthClient,
    },
};
use tonic_reflection::pb::{v1, v1alpha};

use crate::world::World;

const LEADS: &str = "devsphere.crm.v1.LeadService";
const PERSONS: &str = "devsphere.identity.v1.PersonService";

fn to(world: &World) -> Channel {
    Endpoint::from_shared(format!("http://{}", world.gateway.address)).unwrap().connect_lazy()
}

async fn reflect(
    channel: Channel,
    asked: v1::server_reflection_request::MessageRequest,
) -> Result<v1::server_reflection_response::MessageResponse, Status> {
    let mut stub = v1::server_reflection_client::ServerReflectionClient::new(channel);
    let request = v1::ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let stream = tokio_stream::once(request);
    let mut answers = stub.server_reflection_info(Request::new(stream)).await.unwrap().into_inner();
    Ok(answers.message().await?.unwrap().message_response.unwrap())
}

async fn file_with(channel: Channel, symbol: &str) -> Option<Vec<u8>> {
    let asked = v1::server_reflection_request::MessageRequest::FileContainingSymbol(symbol.into());
    match reflect(channel, asked).await {
        Ok(v1::server_reflection_response::MessageResponse::FileDescriptorResponse(mut files)) => {
            files.file_descriptor_proto.pop()
        }
        _ => None,
    }
}

async fn listed(channel: Channel) -> BTreeSet<String> {
    let asked = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    let Ok(v1::server_reflection_response::MessageResponse::ListServicesResponse(list)) =
        reflect(channel, asked).await
    else {
        panic!("no list")
    };
    list.service.into_iter().map(|service| service.name).collect()
}

/// The pool that a client builds from what reflection tells it, options and all.
async fn told(channel: &Channel) -> DescriptorPool {
    let mut files = BTreeMap::new();
    for service in listed(channel.clone()).await {
        let bytes = file_with(channel.clone(), &service).await.unwrap();
        files.insert(service, bytes);
    }
    let known: BTreeSet<_> =
        Contract::get().unwrap().pool().files().map(|f| f.name().to_owned()).collect();
    let mut set = Vec::new();
    for name in known {
        let asked = v1::server_reflection_request::MessageRequest::FileByFilename(name);
        if let Ok(v1::server_reflection_response::MessageResponse::FileDescriptorResponse(file)) =
            reflect(channel.clone(), asked).await
        {
            for bytes in file.file_descriptor_proto {
                prost_reflect::prost::encoding::bytes::encode(1, &bytes, &mut set);
            }
        }
    }
    assert!(!files.is_empty());
    DescriptorPool::decode(set.as_slice()).unwrap()
}

#[tokio::test]
async fn reflection_tells_of_every_method_but_the_internal_ones_with_their_access() {
    let world = World::start().await;
    let channel = to(&world);
    let pool = told(&channel).await;
    let shown: BTreeSet<_> = pool
        .services()
        .filter(|service| service.full_name().starts_with("devsphere."))
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .map(|method| {
            let access = option(&method.options(), "access").expect("an access");
            (
                format!("/{}/{}", method.parent_service().full_name(), method.name()),
                access.to_string(),
            )
        })
        .collect();

    let contract = Contract::get().unwrap();
    let public = contract.methods().filter(|m| !matches!(m.access, Access::Internal { .. }));
    let expected: BTreeSet<_> = public
        .map(|method| {
            let access = option(&method.descriptor.options(), "access").unwrap();
            (method.path.to_owned(), access.to_string())
        })
        .collect();
    assert_eq!(shown, expected);
    assert!(
        shown
            .iter()
            .any(|(path, access)| path.ends_with("GetLead") && access.contains("crm.leads.read"))
    );
}

#[tokio::test]
async fn reflection_lists_the_services_in_both_versions_and_knows_no_internal_symbol() {
    let world = World::start().await;
    let names = listed(to(&world)).await;
    assert!(names.contains(LEADS) && names.contains(PERSONS));
    for internal in ["AssertionService.Exchange", "MemberService.CheckMember"] {
        let symbol = format!("devsphere.identity.v1.{internal}");
        assert_eq!(file_with(to(&world), &symbol).await, None, "{symbol}");
    }

    let mut old = v1alpha::server_reflection_client::ServerReflectionClient::new(to(&world));
    let asked = v1alpha::server_reflection_request::MessageRequest::ListServices(String::new());
    let request =
        v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let answers = old.server_reflection_info(Request::new(tokio_stream::once(request))).await;
    let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
    let Some(v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(list)) =
        answer.message_response
    else {
        panic!("no list")
    };
    assert_eq!(
        list.service.into_iter().map(|service| service.name).collect::<BTreeSet<_>>(),
        names
    );
}

async fn health(channel: &Channel, service: &str) -> Result<Said, Code> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = HealthClient::new(channel.clone()).check(request).await;
    answer.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
}

async fn becomes(channel: &Channel, service: &str, status: Said) {
    eventually("the health", async || (health(channel, service).await == Ok(status)).then_some(()))
        .await;
}

#[tokio::test]
async fn health_follows_each_module_and_the_gateway_itself_serves() {
    let limits = Limits { probe_every: Duration::from_millis(50), ..Limits::default() };
    let world = World::with(limits).await;
    let channel = to(&world);
    becomes(&channel, LEADS, Said::Serving).await;
    becomes(&channel, PERSONS, Said::Serving).await;

    world.crm_health.set_service_status("", ServingStatus::NotServing).await;
    becomes(&channel, LEADS, Said::NotServing).await;
    world.crm_health.set_service_status("", ServingStatus::Serving).await;
    becomes(&channel, LEADS, Said::Serving).await;
    world.crm.stop();
    becomes(&channel, LEADS, Said::NotServing).await;

    assert_eq!(health(&channel, "").await, Ok(Said::Serving));
    assert_eq!(health(&channel, PERSONS).await, Ok(Said::Serving));
    assert_eq!(health(&channel, "devsphere.nothing.v1.Nothing").await, Err(Code::NotFound));
}

#[tokio::test]
async fn health_is_answered_while_every_slot_is_taken() {
    let world = World::with(Limits { calls: 0, streams: 0, ..Limits::default() }).await;
    assert_eq!(health(&to(&world), "").await, Ok(Said::Serving));
    let names = listed(to(&world)).await;
    assert!(names.contains(LEADS));
}
