//! The sealer: one for the whole installation, chains what is new every second, and signs every minute.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use sqlx::{Connection as _, PgConnection, Row as _, postgres::PgConnectOptions};

use crate::Strength;

use super::{
    SealError,
    batch::{Stored, is_waiting, seal_batch, turn},
    chain::BEGINNING,
    file::RootFile,
    hex,
    root::{Head, SealKey, Signed, Statement},
    tree::{Tree, leaf},
};

const SEAL_EVERY: Duration = Duration::from_secs(1);
const SIGN_EVERY: Duration = Duration::from_secs(60);
/// After a failure.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Chains and signs the audit log, under its own role.
pub struct Sealer {
    options: PgConnectOptions,
    key: SealKey,
    file: RootFile,
}

impl Sealer {
    /// The sealer under its role; `file` is where the roots are copied to.
    pub const fn new(options: PgConnectOptions, key: SealKey, file: PathBuf) -> Self {
        Self { options, key, file: RootFile::new(file) }
    }

    /// Works until it is dropped.
    pub async fn run(self) {
        loop {
            let Err(error) = self.work().await;
            tracing::error!(%error, "the audit log is not sealed");
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }

    async fn work(&self) -> Result<std::convert::Infallible, SealError> {
        let mut connection = self.connect().await?;
        let mut signed = Instant::now();
        loop {
            Self::seal(&mut connection).await?;
            if signed.elapsed() >= SIGN_EVERY {
                self.sign(&mut connection).await?;
                signed = Instant::now();
            }
            tokio::time::sleep(SEAL_EVERY).await;
        }
    }

    /// A connection under the sealer's role.
    ///
    /// # Errors
    /// When it cannot sign in, or `Strong`.
    pub async fn connect(&self) -> Result<PgConnection, SealError> {
        let mut connection = PgConnection::connect_with(&self.options).await?;
        if Strength::of(&mut connection).await?.is_too_much() {
            return Err(SealError::Strong);
        }
        Ok(connection)
    }

    /// Chains every record that no chain holds yet; answers how many there were. While another
    /// sealer is at work there is nothing to do.
    ///
    /// # Errors
    /// As any statement; then nothing of the last batch is sealed.
    pub async fn seal(connection: &mut PgConnection) -> Result<usize, SealError> {
        let mut sealed = 0;
        while is_waiting(connection).await? {
            match seal_batch(connection).await? {
                0 => break,
                batch => sealed += batch,
            }
        }
        Ok(sealed)
    }

    /// Signs the heads, if one moved since they were signed last, and copies the roots that the file
    /// does not have; answers the number of the new root.
    ///
    /// # Errors
    /// `Tampered` when the file has a root that the database does not: then nothing more is signed.
    pub async fn sign(&self, connection: &mut PgConnection) -> Result<Option<i64>, SealError> {
        self.copy(connection).await?;
        let mut tx = connection.begin().await?;
        if !turn(&mut tx).await? {
            return Ok(None);
        }
        let heads: Vec<Stored> = sqlx::query_as(
            "select chain, position, hash, leaf, signed_position from platform.audit_head
             order by leaf nulls last, chain",
        )
        .fetch_all(&mut *tx)
        .await?;
        if heads.iter().all(|head| head.position == head.signed_position) {
            return Ok(None);
        }
        let last = last_root(&mut tx).await?;
        let time = sqlx::query_scalar("select transaction_timestamp()").fetch_one(&mut *tx).await?;
        let (number, previous) =
            last.map_or((0, BEGINNING), |(number, root)| (number, root.digest()));
        let (tree, moved) = gather(&heads)?;
        let statement = Statement {
            number: number + 1,
            time,
            key: self.key.public().name(),
            previous: hex(&previous),
            leaves: tree.leaves(),
            root: hex(&tree.root()),
            heads: moved,
        };
        let signed = self.key.sign(&statement)?;
        keep(&mut tx, &statement, &signed).await?;
        tx.commit().await?;
        self.copy(connection).await?;
        Ok(Some(statement.number))
    }

    /// Brings the file up to the table; a file that is ahead, or says something else, stops all.
    async fn copy(&self, connection: &mut PgConnection) -> Result<(), SealError> {
        let last = self.file.last()?;
        let number = match &last {
            Some(signed) => match self.key.public().open(signed) {
                Some(statement) => statement.number,
                None => return Err(SealError::Tampered("the file's last root is not ours".into())),
            },
            None => 0,
        };
        let rows = sqlx::query(
            "select number, statement, signature from platform.audit_root
             where number >= $1 order by number",
        );
        let mut roots = Vec::new();
        for row in rows.bind(number).fetch_all(connection).await? {
            roots.push(Signed { statement: row.try_get(1)?, signature: row.try_get(2)? });
        }
        if let Some(last) = last {
            if roots.first() != Some(&last) {
                let text = format!("root {number} of the file is not in the database");
                return Err(SealError::Tampered(text));
            }
            roots.remove(0);
        }
        if roots.is_empty() { Ok(()) } else { self.file.append(&roots) }
    }
}

/// The tree over all heads, and those that moved; a new one gets the next leaf.
fn gather(heads: &[Stored]) -> Result<(Tree, Vec<Head>), SealError> {
    let (mut tree, mut moved) = (Tree::default(), Vec::new());
    for (place, head) in heads.iter().enumerate() {
        let known = head.leaf.is_none_or(|leaf| usize::try_from(leaf) == Ok(place));
        if !known || !tree.set(place, leaf(head.chain, head.position, &head.hash)) {
            return Err(SealError::Tampered(format!("the head of {} has moved", head.chain)));
        }
        if head.position != head.signed_position {
            let (chain, position, hash) = (head.chain, head.position, hex(&head.hash));
            moved.push(Head { chain, leaf: place, position, hash });
        }
    }
    Ok((tree, moved))
}

async fn last_root(connection: &mut PgConnection) -> Result<Option<(i64, Signed)>, SealError> {
    let last = sqlx::query(
        "select number, statement, signature from platform.audit_root order by number desc limit 1",
    );
    let Some(row) = last.fetch_optional(connection).await? else { return Ok(None) };
    let signed = Signed { statement: row.try_get(1)?, signature: row.try_get(2)? };
    Ok(Some((row.try_get(0)?, signed)))
}

async fn keep(
    connection: &mut PgConnection,
    statement: &Statement,
    signed: &Signed,
) -> Result<(), SealError> {
    let root = sqlx::query(
        "insert into platform.audit_root (number, statement, signature) values ($1, $2, $3)",
    );
    let root = root.bind(statement.number).bind(&signed.statement).bind(&signed.signature);
    root.execute(&mut *connection).await?;
    let leaves: Vec<i64> =
        statement.heads.iter().filter_map(|head| head.leaf.try_into().ok()).collect();
    sqlx::query(
        "update platform.audit_head as h set leaf = s.leaf, signed_position = h.position
         from unnest($1::uuid[], $2::bigint[]) as s (chain, leaf) where h.chain = s.chain",
    )
    .bind(statement.heads.iter().map(|head| head.chain).collect::<Vec<_>>())
    .bind(leaves)
    .execute(connection)
    .await?;
    Ok(())
}
