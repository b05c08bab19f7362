//! Export: pages of a list as CSV, each read in a transaction of its own, for as long as its reader may go on.

use std::time::Duration;

use devsphere_auth::Permit;
use devsphere_db::{
    TenantDb,
    list::{List, PageKey},
};
use devsphere_error::{Error, Result};
use devsphere_rpc::page::{MAX_SIZE, Query};
use sqlx::{FromRow, postgres::PgRow};
use tokio::{
    sync::mpsc::{self, Sender},
    time::{Instant, timeout_at},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::Instrument as _;

use crate::{Ctx, Renewer, Tasks, refusal};

/// Pieces of a file, in their order.
pub type Chunks<C> = ReceiverStream<Result<C, Status>>;

/// What is to be exported: a list, and how its rows are written.
pub struct Sheet<T> {
    /// What the page tokens are bound to.
    pub query: Query,
    /// Every row of it is read, page by page.
    pub list: List,
    /// Where to go on; empty at the beginning, which has the header.
    pub page_token: String,
    /// The rows as CSV, after the header where it is asked for.
    pub csv: fn(&[T], bool) -> Result<Vec<u8>>,
}

/// One piece of a file; pieces end between rows.
pub struct Piece {
    /// The text.
    pub csv: Vec<u8>,
    /// Rows in it.
    pub row_count: i32,
    /// To go on after it; empty in the last one.
    pub page_token: String,
}

/// What every export of a service needs.
#[derive(Clone)]
pub struct Exporter {
    db: TenantDb,
    renewer: Renewer,
    tasks: Tasks,
    longest: Duration,
}

/// A file in the making: what is left of it, and for whom.
struct Export<T> {
    exporter: Exporter,
    permit: Permit,
    sheet: Sheet<T>,
    after: Option<PageKey>,
    with_header: bool,
}

impl Exporter {
    /// The exporter of that context, with its way of renewing assertions.
    pub fn new(ctx: &Ctx, renewer: Renewer) -> Self {
        let longest = ctx.config().limits.longest_stream;
        Self { db: ctx.tenant_db(), renewer, tasks: ctx.tasks().clone(), longest }
    }

    /// Begins to send the sheet; `wrap` makes a piece a message of the contract.
    ///
    /// # Errors
    /// When the page token is not of this query.
    pub fn stream<T, C>(
        &self,
        permit: Permit,
        sheet: Sheet<T>,
        wrap: fn(Piece) -> C,
    ) -> Result<Chunks<C>>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Sync + Unpin + 'static,
        C: Send + 'static,
    {
        let after = sheet.query.key(&sheet.page_token)?;
        let with_header = after.is_none();
        let export = Export { exporter: self.clone(), permit, sheet, after, with_header };
        let (sender, receiver) = mpsc::channel(1);
        self.tasks.spawn("export", export.send_all(sender, wrap).in_current_span());
        Ok(ReceiverStream::new(receiver))
    }
}

impl<T: for<'r> FromRow<'r, PgRow> + Send + Sync + Unpin> Export<T> {
    /// Sends piece after piece until the last, until nobody listens, or until the stream is as
    /// old as it may be; then the last piece that was read says where to go on.
    async fn send_all<C>(mut self, sender: Sender<Result<C, Status>>, wrap: fn(Piece) -> C) {
        let end = Instant::now() + self.exporter.longest;
        loop {
            let piece = self.piece().await;
            let goes_on = piece.as_ref().is_ok_and(|piece| !piece.page_token.is_empty());
            let chunk = piece.map(wrap).map_err(|error| refusal(&self.permit, &error));
            let sent = timeout_at(end, sender.send(chunk)).await;
            if !goes_on || !matches!(sent, Ok(Ok(()))) || Instant::now() >= end {
                return;
            }
        }
    }

    /// Reads one page. Its transaction ends before anybody waits for a slow reader.
    async fn piece(&mut self) -> Result<Piece> {
        self.permit = self.exporter.renewer.fresh(&self.permit).await?;
        let list = self.sheet.list.clone().page(MAX_SIZE, self.after.take());

        let mut tx = self.exporter.db.read(&self.permit).await?;
        let page = list.fetch::<T>(tx.conn()).await?;
        drop(tx);

        let csv = (self.sheet.csv)(&page.rows, std::mem::take(&mut self.with_header))?;
        let page_token = self.sheet.query.token(page.next.as_ref())?;
        self.after = page.next;
        let row_count = page.rows.len().try_into().map_err(Error::internal)?;
        Ok(Piece { csv, row_count, page_token })
    }
}
