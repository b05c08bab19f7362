//! From the first seal of the first chain to the last of the last, and then what no chain holds.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{
    Hash, SealError,
    chain::{BEGINNING, canonical, link},
    roots::{Roots, SignedHead},
    verify::{Broken, LATEST, Problem, Report},
};

/// One seal with its record.
#[derive(FromRow)]
struct Seal {
    org_id: Uuid,
    position: i64,
    audit_id: Uuid,
    hash: Vec<u8>,
    create_time: Option<DateTime<Utc>>,
    record: Option<String>,
}

/// A record without a seal, or an entry of the queue without a record.
#[derive(FromRow)]
struct Unsealed {
    org_id: Uuid,
    audit_id: Uuid,
    create_time: DateTime<Utc>,
    is_there: bool,
    is_queued: bool,
}

/// Where a chain ended.
pub(super) struct End {
    pub(super) position: i64,
    pub(super) hash: Hash,
    newest: DateTime<Utc>,
}

/// What the walk came past.
#[derive(Default)]
pub(super) struct Ends {
    pub(super) chains: BTreeMap<Uuid, End>,
    pub(super) purged: BTreeSet<Uuid>,
}

impl End {
    const START: Self = Self { position: 0, hash: BEGINNING, newest: DateTime::<Utc>::MIN_UTC };

    fn of(seal: &Seal) -> Self {
        Self {
            position: seal.position,
            hash: seal.hash.as_slice().try_into().unwrap_or(BEGINNING),
            newest: seal.create_time.unwrap_or(Self::START.newest),
        }
    }
}

/// The organisations that the installation's own log says were purged.
async fn purged(connection: &mut PgConnection) -> Result<BTreeSet<Uuid>, SealError> {
    let purged: Vec<Uuid> = sqlx::query_scalar(
        "select record_id from platform.audit
         where org_id = '00000000-0000-0000-0000-000000000000' and action = 'organization.purged'",
    )
    .fetch_all(connection)
    .await?;
    Ok(purged.into_iter().collect())
}

/// Walks along every chain, or one.
pub(super) async fn chains(
    connection: &mut PgConnection,
    roots: &Roots,
    only: Option<Uuid>,
    report: &mut Report,
) -> Result<Ends, SealError> {
    let mut ends = Ends { purged: purged(connection).await?, ..Ends::default() };
    let mut seals = sqlx::query_as(concat!(
        "select s.org_id, s.position, s.audit_id, s.hash, a.create_time,
             case when a.audit_id is not null then ",
        canonical!(),
        " end as record
         from platform.audit_seal as s left join platform.audit as a using (org_id, audit_id)
         where $1::uuid is null or s.org_id = $1
         order by s.org_id, s.position"
    ))
    .bind(only)
    .fetch(connection);
    while let Some(seal) = seals.try_next().await? {
        let seal: Seal = seal;
        let signed = roots.heads.get(&seal.org_id).map(Vec::as_slice).unwrap_or_default();
        report.sealed += 1;
        let is_purged = ends.purged.contains(&seal.org_id);
        match ends.chains.entry(seal.org_id) {
            // What a purged organisation still left goes on from a place that is gone.
            Entry::Vacant(vacant) if is_purged => drop(vacant.insert(End::of(&seal))),
            entry => step(entry.or_insert(End::START), &seal, signed, report),
        }
    }
    drop(seals);
    report.chains = u64::try_from(ends.chains.len()).unwrap_or(u64::MAX);
    let known: BTreeSet<Uuid> = roots.heads.keys().chain(ends.chains.keys()).copied().collect();
    for chain in known.into_iter().filter(|chain| only.is_none_or(|only| only == *chain)) {
        let signed = roots.heads.get(&chain).map(Vec::as_slice).unwrap_or_default();
        finish(chain, signed, &ends, report);
    }
    Ok(ends)
}

impl Seal {
    fn broken(&self, problem: Problem) -> Broken {
        let (position, record) = (Some(self.position), Some(self.audit_id));
        Broken { chain: Some(self.org_id), position, record, problem }
    }
}

/// One seal against its record, the seal before, and the root that signed it. The walk goes on from what
/// is stored, so that one broken link is reported once.
fn step(end: &mut End, seal: &Seal, signed: &[SignedHead], report: &mut Report) {
    let mut wrong = |problem| report.broken.push(seal.broken(problem));
    if seal.position != end.position + 1 {
        wrong(Problem::Gap);
    }
    let expected = link(&end.hash, seal.record.as_deref().unwrap_or_default());
    match &seal.record {
        None => wrong(Problem::Gone),
        // After a gap nobody knows what it followed.
        Some(_) if seal.position == end.position + 1 && seal.hash != expected => {
            wrong(Problem::Changed);
        }
        Some(_) => {}
    }
    if let Some(created) = seal.create_time {
        if created + LATEST < end.newest {
            wrong(Problem::TooOld);
        }
        end.newest = end.newest.max(created);
    }
    if let Ok(found) = signed.binary_search_by_key(&seal.position, |head| head.position)
        && signed[found].hash != seal.hash
    {
        wrong(Problem::Rechained { root: signed[found].root });
    }
    end.position = seal.position;
    end.hash = seal.hash.as_slice().try_into().unwrap_or(BEGINNING);
}

/// What the roots signed beyond the chain's end.
fn finish(chain: Uuid, signed: &[SignedHead], ends: &Ends, report: &mut Report) {
    let end = ends.chains.get(&chain);
    if ends.purged.contains(&chain) {
        return;
    }
    let position = end.map_or(0, |end| end.position);
    let last = signed.last().map_or(0, |head| head.position);
    report.unsigned += u64::try_from(position - last).unwrap_or_default();
    if let Some(head) = signed.iter().find(|head| head.position > position) {
        let problem = Problem::Cut { root: head.root, signed: head.position };
        report.broken.push(Broken { chain: Some(chain), position: None, record: None, problem });
    }
}

/// Records that no chain holds: on their way into one, or past it.
pub(super) async fn unsealed(
    connection: &mut PgConnection,
    ends: &Ends,
    only: Option<Uuid>,
    report: &mut Report,
) -> Result<(), SealError> {
    let mut rows = sqlx::query_as(
        "select org_id, audit_id, coalesce(a.create_time, q.create_time) as create_time,
                a.audit_id is not null as is_there, q.audit_id is not null as is_queued
         from (select org_id, audit_id, create_time from platform.audit as a
               where not exists (select from platform.audit_seal as s
                                 where s.org_id = a.org_id and s.audit_id = a.audit_id)) as a
         full join platform.audit_unsealed as q using (org_id, audit_id)
         where $1::uuid is null or org_id = $1
         order by org_id, create_time, audit_id",
    )
    .bind(only)
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let Unsealed { org_id, audit_id, create_time, is_there, is_queued } = row;
        let newest = ends.chains.get(&org_id).map_or(End::START.newest, |end| end.newest);
        let problem = match (is_there, is_queued) {
            (true, false) => Some(Problem::NeverSealed),
            (false, _) => Some(Problem::GoneUnsealed),
            (true, true) if create_time + LATEST < newest => Some(Problem::TooOld),
            (true, true) => None,
        };
        if let Some(problem) = problem {
            let (chain, record) = (Some(org_id), Some(audit_id));
            report.broken.push(Broken { chain, position: None, record, problem });
        } else {
            report.unsealed += 1;
            let oldest = report.unsealed_since.get_or_insert(create_time);
            *oldest = create_time.min(*oldest);
        }
    }
    Ok(())
}
