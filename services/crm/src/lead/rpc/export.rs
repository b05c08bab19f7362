//! Export: pages of the list as CSV, each read in a transaction of its own.

use std::time::Duration;

use devsphere_auth::Permit;
use devsphere_db::{
    TenantDb,
    list::{List, PageKey},
};
use devsphere_error::{Error, Failure, Result};
use devsphere_proto::crm::v1 as pb;
use devsphere_rpc::page::{MAX_SIZE, Query};
use tokio::{
    sync::mpsc::{self, Sender},
    time::{Instant, timeout_at},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::Instrument as _;

use super::Leads;
use crate::{
    lead::{Lead, csv, list},
    renewal::Renewal,
};

/// Pieces of a file, in their order.
pub(super) type Chunks = ReceiverStream<Result<pb::ExportLeadsResponse, Status>>;

/// A file in the making: what is left of it, and for whom.
struct Export {
    db: TenantDb,
    renewal: Renewal,
    permit: Permit,
    query: Query,
    list: List,
    after: Option<PageKey>,
    with_header: bool,
}

impl Leads {
    pub(super) fn export(
        &self,
        (permit, request): (Permit, pb::ExportLeadsRequest),
    ) -> Result<Chunks> {
        let pb::ExportLeadsRequest { filter, order_by, show_deleted, page_token } = request;
        let query = Query::new("ExportLeads", &filter, &order_by, show_deleted, &[]);
        let export = Export {
            db: self.db.clone(),
            renewal: self.renewal.clone(),
            list: list::matching(&permit, &filter, &order_by, show_deleted)?,
            after: query.key(&page_token)?,
            with_header: page_token.is_empty(),
            permit,
            query,
        };
        let (sender, receiver) = mpsc::channel(1);
        let longest = self.ctx.config().limits.longest_stream;
        self.ctx.tasks().spawn("export", export.send_all(sender, longest).in_current_span());
        Ok(ReceiverStream::new(receiver))
    }
}

impl Export {
    /// Sends piece after piece until the last, until nobody listens, or until the stream is as
    /// old as it may be; then the last piece that was read says where to go on.
    async fn send_all(
        mut self,
        sender: Sender<Result<pb::ExportLeadsResponse, Status>>,
        longest: Duration,
    ) {
        let end = Instant::now() + longest;
        loop {
            let chunk = self.chunk().await.map_err(|error| self.refusal(&error));
            let goes_on = chunk.as_ref().is_ok_and(|chunk| !chunk.page_token.is_empty());
            let sent = timeout_at(end, sender.send(chunk)).await;
            if !goes_on || !matches!(sent, Ok(Ok(()))) || Instant::now() >= end {
                return;
            }
        }
    }

    /// Reads one page. Its transaction ends before anybody waits for a slow reader.
    async fn chunk(&mut self) -> Result<pb::ExportLeadsResponse> {
        self.permit = self.renewal.fresh(self.permit.clone()).await?;
        let list = self.list.clone().page(MAX_SIZE, self.after.take());

        let mut tx = self.db.read(&self.permit).await?;
        let page = list.fetch::<Lead>(tx.conn()).await?;
        drop(tx);

        let csv = csv::rows(&page.rows, std::mem::take(&mut self.with_header))?;
        let page_token = self.query.token(page.next.as_ref())?;
        self.after = page.next;
        let row_count = page.rows.len().try_into().map_err(Error::internal)?;
        Ok(pb::ExportLeadsResponse { csv, row_count, page_token })
    }

    /// What the service stack does for a unary call, which has ended for a stream by now.
    fn refusal(&self, error: &Error) -> Status {
        let (method, facts) = (self.permit.method(), self.permit.facts());
        if let Error::Internal(source) = error {
            tracing::error!(method = method.path, %source, "call failed");
        }
        error.status(&facts.trace.to_string(), Failure::Query)
    }
}
