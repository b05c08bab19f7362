//! The wire: identity says who the member is, the collection's module what they see.

use devsphere_auth::Permit;
use devsphere_boot::{Ctx, Stub, peer_error};
use devsphere_error::{Error, Result};
use devsphere_proto::{
    Resource,
    administration::v1::{self as pb, access_service_server::AccessService},
    identity::v1::{
        GetMemberRolesRequest, MintViewRequest, assertion_service_client::AssertionServiceClient,
        member_service_client::MemberServiceClient,
    },
};
use devsphere_rpc::{admit, page};
use prost_reflect::DynamicMessage;
use tonic::{Code, Request, Response, Status};

use super::{may_look, nouns, sources};
use crate::modules::{Modules, call};

/// What members may do and see.
pub(crate) struct Accesses {
    modules: Modules,
    identity: Stub,
    public_url: String,
}

impl Accesses {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx, modules: Modules) -> Result<Self> {
        let public_url = ctx.config().public_url.clone();
        Ok(Self { modules, identity: ctx.stub("identity")?, public_url })
    }

    async fn list_member_access(
        &self,
        (permit, ask): (Permit, pb::ListMemberAccessRequest),
    ) -> Result<pb::ListMemberAccessResponse> {
        let mut members = MemberServiceClient::new(self.identity.of(&permit));
        let roles = GetMemberRolesRequest { member_id: ask.member_id };
        let roles = members.get_member_roles(roles).await.map_err(peer_error)?.into_inner();

        let contract = self.modules.contract();
        let sources = sources(contract, &roles)?;
        let nouns = nouns(contract, &sources, roles.active);
        Ok(pb::ListMemberAccessResponse { nouns, active: roles.active })
    }

    async fn list_visible_records(
        &self,
        (permit, ask): (Permit, pb::ListVisibleRecordsRequest),
    ) -> Result<pb::ListVisibleRecordsResponse> {
        let contract = self.modules.contract();
        let resource = contract.resource(&ask.collection).ok_or_else(|| {
            let known: Vec<_> =
                contract.resources().iter().map(|resource| resource.collection).collect();
            Error::field("collection", format!("is none of {}", known.join(", ")))
        })?;
        may_look(contract, permit.caller(), resource)?;
        page::size(ask.page_size)?;

        let view = self.view(&permit, ask.member_id, resource).await?;
        let way = self.modules.stub(resource)?.looking(&permit, &view);
        let request = resource.list_request(ask.page_size, ask.page_token);
        let answer = match call(way, resource.list, request).await {
            // The member may not read it at all: that is what they see.
            Err(Error::Peer(status)) if status.code() == Code::PermissionDenied => {
                return Ok(pb::ListVisibleRecordsResponse::default());
            }
            answer => answer?,
        };

        Ok(pb::ListVisibleRecordsResponse {
            next_page_token: next_page_token(&answer),
            records: resource
                .records(&answer)
                .iter()
                .map(|record| self.visible(resource, record))
                .collect(),
        })
    }

    /// An assertion that sees as the member does.
    async fn view(
        &self,
        permit: &Permit,
        member_id: String,
        resource: &Resource,
    ) -> Result<String> {
        let mut assertions = AssertionServiceClient::new(self.identity.of(permit));
        let collection = resource.collection.to_owned();
        let view = assertions.mint_view(MintViewRequest { member_id, collection }).await;
        Ok(view.map_err(peer_error)?.into_inner().assertion)
    }

    fn visible(&self, resource: &Resource, record: &DynamicMessage) -> pb::VisibleRecord {
        pb::VisibleRecord {
            name: resource.name(record),
            title: resource.title(record),
            state: resource.state(record),
            url: format!("{}{}", self.public_url, resource.url(record)),
        }
    }
}

fn next_page_token(answer: &DynamicMessage) -> String {
    let token = answer.get_field_by_name("next_page_token");
    token.and_then(|token| token.as_str().map(str::to_owned)).unwrap_or_default()
}

#[tonic::async_trait]
impl AccessService for Accesses {
    async fn list_member_access(
        &self,
        request: Request<pb::ListMemberAccessRequest>,
    ) -> Result<Response<pb::ListMemberAccessResponse>, Status> {
        Ok(Response::new(self.list_member_access(admit(request)?).await?))
    }

    async fn list_visible_records(
        &self,
        request: Request<pb::ListVisibleRecordsRequest>,
    ) -> Result<Response<pb::ListVisibleRecordsResponse>, Status> {
        Ok(Response::new(self.list_visible_records(admit(request)?).await?))
    }
}
