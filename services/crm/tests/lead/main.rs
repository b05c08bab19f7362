//! Leads, through the wire.

#![expect(clippy::unwrap_used, reason = "what arranges a test fails it")]

mod batch;
mod export;
mod handover;
mod list;
mod standard;
mod trace;
mod verbs;

use std::time::SystemTime;

use devsphere_auth::{Kind, Role, Subject};
use devsphere_boot::Channel;
use devsphere_proto::crm::v1::{self as pb, lead_service_client::LeadServiceClient};
use devsphere_testkit::{Caller, Org, Speak, World, organization};
use tonic::service::interceptor::InterceptedService;
use uuid::Uuid;

/// What this binary starts.
const MODULES: [devsphere_boot::Module; 2] = [devsphere_identity::MODULE, devsphere_crm::MODULE];

type Leads = LeadServiceClient<InterceptedService<Channel, Speak>>;

async fn world() -> World {
    World::start(&MODULES).await
}

fn leads(caller: &Caller<'_>) -> Leads {
    LeadServiceClient::new(caller.channel("crm"))
}

fn named(name: &str) -> pb::Lead {
    pb::Lead { display_name: name.into(), ..Default::default() }
}

fn request_id() -> String {
    Uuid::new_v4().to_string()
}

fn creation(lead: pb::Lead) -> pb::CreateLeadRequest {
    pb::CreateLeadRequest { lead: Some(lead), ..Default::default() }
}

async fn create(leads: &mut Leads, lead: pb::Lead) -> pb::Lead {
    leads.create_lead(creation(lead)).await.unwrap().into_inner()
}

async fn get(leads: &mut Leads, lead_id: &str) -> Result<pb::Lead, tonic::Status> {
    let request = pb::GetLeadRequest { lead_id: lead_id.into() };
    leads.get_lead(request).await.map(tonic::Response::into_inner)
}

async fn assign(
    leads: &mut Leads,
    lead_id: &str,
    owner_id: &str,
) -> Result<pb::Lead, tonic::Status> {
    let (lead_id, owner_id) = (lead_id.into(), owner_id.into());
    let request = pb::AssignLeadRequest { lead_id, owner_id, ..Default::default() };
    leads.assign_lead(request).await.map(tonic::Response::into_inner)
}

/// The names of all leads that the caller is shown, in the list's order.
async fn names(leads: &mut Leads, request: pb::ListLeadsRequest) -> Vec<String> {
    let page = leads.list_leads(request).await.unwrap().into_inner();
    page.leads.into_iter().map(|lead| lead.display_name).collect()
}

/// A salesperson's assertion for a principal of any kind, as identity made it `age` seconds ago.
fn minted(
    world: &World,
    org: &Org<'_>,
    (kind, id, session): (Kind, Uuid, Option<Uuid>),
    age: i64,
) -> String {
    let organization = organization(org.id().uuid(), Some(Role::Sales));
    let permissions = Role::Sales.permissions();
    let organization = Some(organization);
    let subject = Subject { kind, id, session, organization, client: None, permissions };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    world.minter().assertion(&subject, now.as_secs().cast_signed() - age).unwrap().0
}
