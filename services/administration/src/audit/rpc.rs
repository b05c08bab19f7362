//! The wire: one function per method. Whoever reads the log stands in it.

use devsphere_auth::Permit;
use devsphere_boot::{
    Ctx, Notes,
    export::{Chunks, Exporter, Piece, Sheet},
};
use devsphere_db::TenantDb;
use devsphere_error::{Error, Result};
use devsphere_ids::AuditRecordId;
use devsphere_proto::administration::v1::{self as pb, audit_service_server::AuditService};
use devsphere_rpc::{
    admit,
    page::{self, Query},
};
use serde_json::json;
use tonic::{Request, Response, Status};

use super::{AuditRecord, csv, list, store, wire};
use crate::people::People;

/// Audit records, over their store.
pub(crate) struct AuditRecords {
    db: TenantDb,
    people: People,
    notes: Notes,
    exporter: Exporter,
}

impl AuditRecords {
    /// The service of that context.
    pub(crate) fn new(ctx: &Ctx, exporter: Exporter) -> Result<Self> {
        let people = People::new(ctx.stub("identity")?);
        Ok(Self { db: ctx.tenant_db(), people, notes: ctx.notes().clone(), exporter })
    }

    async fn get(
        &self,
        (permit, request): (Permit, pb::GetAuditRecordRequest),
    ) -> Result<pb::AuditRecord> {
        let id: AuditRecordId =
            request.audit_record_id.parse().map_err(|_| Error::NotFound("audit record"))?;

        let mut tx = self.db.read(&permit).await?;
        let record = store::fetch(&mut tx, id).await?;
        drop(tx);

        let names = self.people.names(&permit, record.person()).await?;
        Ok(wire::message(record, &names))
    }

    async fn list(
        &self,
        (permit, request): (Permit, pb::ListAuditRecordsRequest),
    ) -> Result<pb::ListAuditRecordsResponse> {
        let pb::ListAuditRecordsRequest { filter, order_by, page_token, .. } = &request;
        let query = Query::new("ListAuditRecords", filter, order_by, false, &[]);
        let list = list::matching(filter, order_by)?
            .page(page::size(request.page_size)?, query.key(page_token)?);

        let mut tx = self.db.read(&permit).await?;
        let total = if request.include_total { Some(list.count(tx.conn()).await?) } else { None };
        let page = list.fetch::<AuditRecord>(tx.conn()).await?;
        drop(tx);

        let people = page.rows.iter().filter_map(AuditRecord::person);
        let names = self.people.names(&permit, people).await?;
        self.seen(&permit, "audit.listed", filter, page_token).await;
        let message = |record| wire::message(record, &names);
        Ok(pb::ListAuditRecordsResponse {
            audit_records: page.rows.into_iter().map(message).collect(),
            next_page_token: query.token(page.next.as_ref())?,
            total_size: total.map(|total| total.count),
            total_at_least: total.is_some_and(|total| !total.exact),
        })
    }

    async fn export(
        &self,
        (permit, request): (Permit, pb::ExportAuditRecordsRequest),
    ) -> Result<Chunks<pb::ExportAuditRecordsResponse>> {
        let pb::ExportAuditRecordsRequest { filter, order_by, page_token } = request;
        let query = Query::new("ExportAuditRecords", &filter, &order_by, false, &[]);
        // Noted before the first row leaves, and even where the token turns out to be none.
        self.seen(&permit, "audit.exported", &filter, &page_token).await;
        let list = list::matching(&filter, &order_by)?;
        let sheet = Sheet::<AuditRecord> { query, list, page_token, csv: csv::rows };
        let wrap = |Piece { csv, row_count, page_token }| pb::ExportAuditRecordsResponse {
            csv,
            row_count,
            page_token,
        };
        self.exporter.stream(permit, sheet, wrap)
    }

    async fn seen(&self, permit: &Permit, action: &'static str, filter: &str, page_token: &str) {
        let after = json!({ "filter": filter, "further": !page_token.is_empty() });
        self.notes.seen(permit, action, "audit_record", after).await;
    }
}

#[tonic::async_trait]
impl AuditService for AuditRecords {
    type ExportAuditRecordsStream = Chunks<pb::ExportAuditRecordsResponse>;

    async fn get_audit_record(
        &self,
        request: Request<pb::GetAuditRecordRequest>,
    ) -> Result<Response<pb::AuditRecord>, Status> {
        Ok(Response::new(self.get(admit(request)?).await?))
    }

    async fn list_audit_records(
        &self,
        request: Request<pb::ListAuditRecordsRequest>,
    ) -> Result<Response<pb::ListAuditRecordsResponse>, Status> {
        Ok(Response::new(self.list(admit(request)?).await?))
    }

    async fn export_audit_records(
        &self,
        request: Request<pb::ExportAuditRecordsRequest>,
    ) -> Result<Response<Self::ExportAuditRecordsStream>, Status> {
        Ok(Response::new(self.export(admit(request)?).await?))
    }
}
