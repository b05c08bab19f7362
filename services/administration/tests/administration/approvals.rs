//! Approvals: what waits for a decision, over texts that wait for one.

mod decided;
mod listed;
mod refused;
mod repeated;

use devsphere_auth::Role;
use devsphere_boot::Module;
use devsphere_proto::{
    administration::v1::{self as pb, approval_service_client::ApprovalServiceClient},
    seo::v1::{self as seo, content_piece_service_client::ContentPieceServiceClient},
    seo::v1::{CreateSiteRequest, Site, site_service_client::SiteServiceClient},
    r#type::v1::Content,
};
use devsphere_testkit::{Caller, CallerChannel, Org, World};
use tonic::{Response, Status};
use uuid::Uuid;

/// With a module whose records are decided on.
const MODULES: [Module; 3] =
    [devsphere_identity::MODULE, devsphere_administration::MODULE, devsphere_seo::MODULE];

const DECIDE: &str = "seo.contentPieces.decide";

type Approvals = ApprovalServiceClient<CallerChannel>;

async fn world() -> World {
    World::start(&MODULES).await
}

fn approvals(caller: &Caller<'_>) -> Approvals {
    Approvals::new(caller.channel("administration"))
}

fn pieces(caller: &Caller<'_>) -> ContentPieceServiceClient<CallerChannel> {
    ContentPieceServiceClient::new(caller.channel("seo"))
}

fn request_id() -> String {
    Uuid::new_v4().to_string()
}

async fn get(caller: &Caller<'_>, approval_id: &str) -> Result<pb::Approval, Status> {
    let request = pb::GetApprovalRequest { approval_id: approval_id.into() };
    approvals(caller).get_approval(request).await.map(Response::into_inner)
}

async fn list(
    caller: &Caller<'_>,
    of: pb::ApprovalsOf,
    filter: &str,
) -> Result<Vec<pb::Approval>, Status> {
    let (of, filter) = (of.into(), filter.into());
    let request = pb::ListApprovalsRequest { of, filter, ..Default::default() };
    Ok(approvals(caller).list_approvals(request).await?.into_inner().approvals)
}

/// The one question that waits for the caller.
async fn waiting(caller: &Caller<'_>) -> pb::Approval {
    let waiting = list(caller, pb::ApprovalsOf::Unspecified, "").await.unwrap();
    let [approval] = waiting.try_into().unwrap();
    approval
}

fn yes(approval: &pb::Approval) -> pb::ApproveApprovalRequest {
    let approval_id = approval.approval_id.clone();
    pb::ApproveApprovalRequest { approval_id, note: "Well argued.".into(), ..Default::default() }
}

fn no(approval: &pb::Approval) -> pb::RejectApprovalRequest {
    let (approval_id, note) = (approval.approval_id.clone(), "Two prices lack a source.".into());
    pb::RejectApprovalRequest { approval_id, note, ..Default::default() }
}

async fn approve(by: &Caller<'_>, approval: &pb::Approval) -> Result<pb::Approval, Status> {
    approvals(by).approve_approval(yes(approval)).await.map(Response::into_inner)
}

async fn reject(by: &Caller<'_>, approval: &pb::Approval) -> Result<pb::Approval, Status> {
    approvals(by).reject_approval(no(approval)).await.map(Response::into_inner)
}

async fn piece(by: &Caller<'_>, id: &str) -> seo::ContentPiece {
    let request = seo::GetContentPieceRequest { content_piece_id: id.into() };
    pieces(by).get_content_piece(request).await.unwrap().into_inner()
}

async fn write(by: &Caller<'_>, id: &str) {
    let content = Content { title: "One".into(), body: "Two.".into(), ..Default::default() };
    let request = seo::WriteContentRequest {
        content_piece_id: id.into(),
        content: Some(content),
        ..Default::default()
    };
    pieces(by).write_content(request).await.unwrap();
}

async fn submit(by: &Caller<'_>, id: &str) -> seo::ContentPiece {
    let request =
        seo::SubmitContentPieceRequest { content_piece_id: id.into(), ..Default::default() };
    pieces(by).submit_content_piece(request).await.unwrap().into_inner()
}

async fn withdraw(by: &Caller<'_>, id: &str) {
    let request =
        seo::WithdrawContentPieceRequest { content_piece_id: id.into(), ..Default::default() };
    pieces(by).withdraw_content_piece(request).await.unwrap();
}

/// A site, with somebody who writes and two who decide.
struct Desk<'w> {
    writer: Caller<'w>,
    manager: Caller<'w>,
    admin: Caller<'w>,
    site_id: String,
}

impl<'w> Desk<'w> {
    async fn of(org: &Org<'w>) -> Self {
        let writer = org.member("signe", Role::Seo).await;
        let manager = org.member("magnus", Role::Manager).await;
        let admin = org.member("tove", Role::Admin).await;
        let site = Site {
            base_url: "https://north.example".into(),
            display_name: "North".into(),
            language: "en".into(),
            ..Default::default()
        };
        let create = CreateSiteRequest { site: Some(site), ..Default::default() };
        let mut sites = SiteServiceClient::new(writer.channel("seo"));
        let site_id = sites.create_site(create).await.unwrap().into_inner().site_id;
        Self { writer, manager, admin, site_id }
    }

    /// A piece with a text of the writer's.
    async fn draft(&self, title: &str) -> String {
        let piece = seo::ContentPiece {
            site_id: self.site_id.clone(),
            title: title.into(),
            ..Default::default()
        };
        let create =
            seo::CreateContentPieceRequest { content_piece: Some(piece), ..Default::default() };
        let created = pieces(&self.writer).create_content_piece(create).await.unwrap();
        let id = created.into_inner().content_piece_id;
        write(&self.writer, &id).await;
        id
    }

    /// A piece that the writer submitted.
    async fn submitted(&self, title: &str) -> seo::ContentPiece {
        submit(&self.writer, &self.draft(title).await).await
    }
}
