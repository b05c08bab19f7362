//! The wire: what each method takes in, and which function answers it.

use std::sync::Arc;

use devsphere_auth::Permit;
use devsphere_boot::{Ctx, Renewer, export::Chunks};
use devsphere_db::TenantDb;
use devsphere_error::{Error, Result};
use devsphere_ids::GenerationId;
use devsphere_proto::seo::v1::{self as pb, generation_service_server::GenerationService};
use devsphere_rpc::{
    admit, id,
    page::{self, Query},
};
use tonic::{Request, Response, Status};

use super::{
    Draft, Generation,
    drive::{self, Desk},
    hold::{Hold, emit, unfinished},
    list, store,
    wire::Begin,
};
use crate::content_piece;

/// Generations, over their store.
pub(crate) struct Generations {
    db: TenantDb,
    renewer: Renewer,
    desk: Desk,
}

impl Generations {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx, renewer: Renewer) -> Self {
        let desk = Desk { ctx: ctx.clone(), unfinished: unfinished(ctx) };
        Self { db: ctx.tenant_db(), renewer, desk }
    }

    /// Takes the piece, and lets an agent begin. Whatever is refused is refused here.
    async fn begin(
        &self,
        (permit, begin): (Permit, Begin),
    ) -> Result<Chunks<pb::GenerateDraftResponse>> {
        let mut tx = self.db.write(&permit).await?;
        let (piece, mut task) =
            content_piece::take(&mut tx, begin.content_piece_id, &begin.etag).await?;
        let resumed = match begin.resumed {
            Some(id) => store::fetch(&mut tx, id).await?.ok_or_else(unknown).map(Some)?,
            None => None,
        };
        let outline = resumed.map(|earlier| earlier.resumed(begin.content_piece_id)).transpose()?;
        let draft = Draft {
            generation_id: GenerationId::fresh(),
            content_piece_id: begin.content_piece_id,
            asked_by: permit.caller().id().into(),
            outline: outline.unwrap_or_default(),
        };
        let generation = store::insert(&mut tx, &draft).await?;
        emit(&mut tx, "generation.queued", None, &generation)?;
        let started = pb::GenerationStarted {
            generation: Some(generation.clone().into()),
            content_piece: Some(content_piece::shown(piece, permit.caller())),
        };
        let started = tx.commit(started).await?;

        task.generation_id = draft.generation_id.to_string();
        task.outline = draft.outline.0.into_iter().map(|heading| heading.0).collect();
        let hold = Arc::new(Hold::new(self.db.clone(), self.renewer.clone(), permit));
        Ok(drive::start(self.desk.clone(), hold, generation, task, started))
    }

    async fn get(
        &self,
        (permit, request): (Permit, pb::GetGenerationRequest),
    ) -> Result<pb::Generation> {
        let id = request.generation_id.parse().map_err(id::bad("generation_id"))?;

        let mut tx = self.db.read(&permit).await?;
        let found = store::fetch(&mut tx, id).await?;

        found.map(Into::into).ok_or(Error::NotFound("generation"))
    }

    async fn list(
        &self,
        (permit, request): (Permit, pb::ListGenerationsRequest),
    ) -> Result<pb::ListGenerationsResponse> {
        let id = request.content_piece_id.parse().map_err(id::bad("content_piece_id"))?;
        let query = Query::new("ListGenerations", &request.content_piece_id, "", false, &[]);
        let list = list::of_piece(id)
            .page(page::size(request.page_size)?, query.key(&request.page_token)?);

        let mut tx = self.db.read(&permit).await?;
        let page = list.fetch::<Generation>(tx.conn()).await?;
        if page.rows.is_empty() {
            // A piece that nobody tried has none, a piece that is not there is told so.
            content_piece::exists(&mut tx, id).await?;
        }

        Ok(pb::ListGenerationsResponse {
            generations: page.rows.into_iter().map(Into::into).collect(),
            next_page_token: query.token(page.next.as_ref())?,
        })
    }
}

fn unknown() -> Error {
    Error::field("resume_generation_id", "is none of the tries")
}

#[tonic::async_trait]
impl GenerationService for Generations {
    type GenerateDraftStream = Chunks<pb::GenerateDraftResponse>;

    async fn generate_draft(
        &self,
        request: Request<pb::GenerateDraftRequest>,
    ) -> Result<Response<Self::GenerateDraftStream>, Status> {
        Ok(Response::new(self.begin(admit(request)?).await?))
    }

    async fn get_generation(
        &self,
        request: Request<pb::GetGenerationRequest>,
    ) -> Result<Response<pb::Generation>, Status> {
        Ok(Response::new(self.get(admit(request)?).await?))
    }

    async fn list_generations(
        &self,
        request: Request<pb::ListGenerationsRequest>,
    ) -> Result<Response<pb::ListGenerationsResponse>, Status> {
        Ok(Response::new(self.list(admit(request)?).await?))
    }
}
