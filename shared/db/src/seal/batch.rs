//! One transaction of the sealer: the oldest records that no chain holds, each at its chain's end.

use std::collections::BTreeMap;

use sqlx::{Connection as _, FromRow, PgConnection};
use uuid::Uuid;

use super::{
    Hash, SealError,
    chain::{BEGINNING, canonical, link},
};

/// So many records at most are sealed in one transaction.
const BATCH: i64 = 2_000;

#[derive(FromRow)]
struct Unsealed {
    org_id: Uuid,
    audit_id: Uuid,
    /// None where the record is gone: its seal then says so for ever.
    record: Option<String>,
}

/// Where a chain ends, as stored.
#[derive(FromRow)]
pub(super) struct Stored {
    pub(super) chain: Uuid,
    pub(super) position: i64,
    pub(super) hash: Vec<u8>,
    pub(super) leaf: Option<i64>,
    pub(super) signed_position: i64,
}

/// The seals of one transaction, column by column.
#[derive(Default)]
struct Seals {
    chains: Vec<Uuid>,
    positions: Vec<i64>,
    records: Vec<Uuid>,
    hashes: Vec<Vec<u8>>,
}

/// Whether there is anything to seal.
pub(super) async fn is_waiting(connection: &mut PgConnection) -> Result<bool, SealError> {
    let waiting = sqlx::query_scalar("select exists (select from platform.audit_unsealed)");
    Ok(waiting.fetch_one(connection).await?)
}

/// For the rest of the transaction; false while another has it.
pub(super) async fn turn(connection: &mut PgConnection) -> Result<bool, SealError> {
    Ok(sqlx::query_scalar("select platform.sealer_turn()").fetch_one(connection).await?)
}

/// Seals some; answers how many, none while another sealer has the turn.
pub(super) async fn seal_batch(connection: &mut PgConnection) -> Result<usize, SealError> {
    let mut tx = connection.begin().await?;
    if !turn(&mut tx).await? {
        return Ok(0);
    }
    let unsealed: Vec<Unsealed> = sqlx::query_as(concat!(
        "with taken as (
             delete from platform.audit_unsealed as u using (
                 select org_id, audit_id from platform.audit_unsealed order by create_time, audit_id limit $1
             ) as oldest
             where u.org_id = oldest.org_id and u.audit_id = oldest.audit_id
             returning u.org_id, u.audit_id, u.create_time)
         select t.org_id, t.audit_id, case when a.audit_id is not null then ",
        canonical!(),
        " end as record
         from taken as t left join platform.audit as a on a.org_id = t.org_id and a.audit_id = t.audit_id
         order by t.org_id, t.create_time, t.audit_id"
    ))
    .bind(BATCH)
    .fetch_all(&mut *tx)
    .await?;
    let chains: Vec<Uuid> = unsealed.iter().map(|record| record.org_id).collect();
    let heads: Vec<Stored> = sqlx::query_as(
        "select chain, position, hash, leaf, signed_position from platform.audit_head where chain = any ($1)",
    )
    .bind(chains)
    .fetch_all(&mut *tx)
    .await?;
    let mut ends = BTreeMap::new();
    for head in heads {
        ends.insert(head.chain, (head.position, hash_of(&head.hash)?));
    }
    let mut seals = Seals::default();
    for record in &unsealed {
        let (position, hash) = ends.entry(record.org_id).or_insert((0, BEGINNING));
        if record.record.is_none() {
            tracing::error!(organization = %record.org_id, record = %record.audit_id, "gone before it was sealed");
        }
        *hash = link(hash, record.record.as_deref().unwrap_or_default());
        *position += 1;
        seals.push(record, *position, hash);
    }
    seals.insert(&mut tx).await?;
    move_heads(&mut tx, &ends).await?;
    tx.commit().await?;
    Ok(unsealed.len())
}

impl Seals {
    fn push(&mut self, record: &Unsealed, position: i64, hash: &Hash) {
        self.chains.push(record.org_id);
        self.positions.push(position);
        self.records.push(record.audit_id);
        self.hashes.push(hash.to_vec());
    }

    async fn insert(self, connection: &mut PgConnection) -> Result<(), SealError> {
        sqlx::query(
            "insert into platform.audit_seal (org_id, position, audit_id, hash)
             select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bytea[])",
        )
        .bind(self.chains)
        .bind(self.positions)
        .bind(self.records)
        .bind(self.hashes)
        .execute(connection)
        .await?;
        Ok(())
    }
}

async fn move_heads(
    connection: &mut PgConnection,
    ends: &BTreeMap<Uuid, (i64, Hash)>,
) -> Result<(), SealError> {
    let (positions, hashes): (Vec<i64>, Vec<Vec<u8>>) =
        ends.values().map(|(position, hash)| (*position, hash.to_vec())).unzip();
    sqlx::query(
        "insert into platform.audit_head (chain, position, hash)
         select * from unnest($1::uuid[], $2::bigint[], $3::bytea[])
         on conflict (chain) do update set position = excluded.position, hash = excluded.hash",
    )
    .bind(ends.keys().copied().collect::<Vec<_>>())
    .bind(positions)
    .bind(hashes)
    .execute(connection)
    .await?;
    Ok(())
}

fn hash_of(bytes: &[u8]) -> Result<Hash, SealError> {
    bytes.try_into().map_err(|_| SealError::Tampered("a head's hash is none".into()))
}
