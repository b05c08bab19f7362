//! Export: the list as CSV.

use devsphere_auth::Permit;
use devsphere_boot::export::{Chunks, Piece, Sheet};
use devsphere_error::Result;
use devsphere_proto::seo::v1 as pb;
use devsphere_rpc::page::Query;

use super::Keywords;
use crate::keyword::{Keyword, csv, list};

impl Keywords {
    pub(super) fn export(
        &self,
        (permit, request): (Permit, pb::ExportKeywordsRequest),
    ) -> Result<Chunks<pb::ExportKeywordsResponse>> {
        let pb::ExportKeywordsRequest { filter, order_by, show_deleted, page_token } = request;
        let query = Query::new("ExportKeywords", &filter, &order_by, show_deleted, &[]);
        let list = list::matching(&filter, &order_by, show_deleted)?;
        let sheet = Sheet::<Keyword> { query, list, page_token, csv: csv::rows };
        let wrap = |Piece { csv, row_count, page_token }| pb::ExportKeywordsResponse {
            csv,
            row_count,
            page_token,
        };
        self.exporter.stream(permit, sheet, wrap)
    }
}
