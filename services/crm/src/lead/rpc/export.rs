//! Export: the list as CSV.

use devsphere_auth::Permit;
use devsphere_boot::export::{Chunks, Piece, Sheet};
use devsphere_error::Result;
use devsphere_proto::crm::v1 as pb;
use devsphere_rpc::page::Query;

use super::Leads;
use crate::lead::{Lead, csv, list};

impl Leads {
    pub(super) fn export(
        &self,
        (permit, request): (Permit, pb::ExportLeadsRequest),
    ) -> Result<Chunks<pb::ExportLeadsResponse>> {
        let pb::ExportLeadsRequest { filter, order_by, show_deleted, page_token } = request;
        let query = Query::new("ExportLeads", &filter, &order_by, show_deleted, &[]);
        let list = list::matching(&permit, &filter, &order_by, show_deleted)?;
        let sheet = Sheet::<Lead> { query, list, page_token, csv: csv::rows };
        let wrap = |Piece { csv, row_count, page_token }| pb::ExportLeadsResponse {
            csv,
            row_count,
            page_token,
        };
        self.exporter.stream(permit, sheet, wrap)
    }
}
