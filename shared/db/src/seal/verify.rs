//! Verify: everything is recomputed from the records up, and each place that does not fit is named.

use std::{collections::BTreeMap, fmt, path::Path};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::{RootKey, SealError, file::RootFile, roots::Roots, walk};

/// A record commits this long after its transaction began at most; a minute is more than twice that.
pub(super) const LATEST: TimeDelta = TimeDelta::seconds(60);

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Records in chains that were looked at.
    pub sealed: u64,
    /// Chains that were looked at.
    pub chains: u64,
    /// Signed roots.
    pub roots: u64,
    /// Sealed records after the last position that a root has signed: their end could be cut unseen.
    pub unsigned: u64,
    /// Records that no chain holds yet.
    pub unsealed: u64,
    /// When the oldest of them was written.
    pub unsealed_since: Option<DateTime<Utc>>,
    /// Every place that does not fit.
    pub broken: Vec<Broken>,
}

/// A place that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The organisation, where it is in a chain; the nil UUID is the installation's own chain.
    pub chain: Option<Uuid>,
    /// The place in the chain.
    pub position: Option<i64>,
    /// The record.
    pub record: Option<Uuid>,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The record, or its seal, is not what was sealed.
    Changed,
    /// The record is gone.
    Gone,
    /// Seals are missing before this one.
    Gap,
    /// The record claims to be older than what was sealed long before it.
    TooOld,
    /// The record is in no chain, and not on its way into one.
    NeverSealed,
    /// The record was on its way into a chain, and is gone.
    GoneUnsealed,
    /// The chain ends before a place that this root has signed.
    Cut { root: i64, signed: i64 },
    /// The seal is not the one that this root has signed.
    Rechained { root: i64 },
    /// The chain does not end where the sealer says that it does.
    Head { position: i64 },
    /// The root's signature does not hold.
    Forged { root: i64 },
    /// The root does not follow the one before.
    OutOfLine { root: i64 },
    /// The root is not that of the tree over the heads.
    Tree { root: i64 },
    /// The database does not have this root of the file.
    OnlyInFile { root: i64 },
    /// The file does not have this root of the database.
    OnlyInDatabase { root: i64 },
    /// File and database have different roots of that number.
    TwoRoots { root: i64 },
    /// This line of the file is no root.
    Line { line: usize },
}

impl Broken {
    pub(super) const fn root(problem: Problem) -> Self {
        Self { chain: None, position: None, record: None, problem }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(chain) = self.chain {
            write!(f, "organization {chain}, ")?;
        }
        if let Some(position) = self.position {
            write!(f, "position {position}, ")?;
        }
        if let Some(record) = self.record {
            write!(f, "record {record}, ")?;
        }
        self.problem.fmt(f)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => f.write_str("is not what was sealed"),
            Self::Gone => f.write_str("is gone"),
            Self::Gap => f.write_str("seals before it are gone"),
            Self::TooOld => f.write_str("was put in later than it claims"),
            Self::NeverSealed => f.write_str("is in no chain, and not on its way into one"),
            Self::GoneUnsealed => f.write_str("is gone, before it was sealed"),
            Self::Cut { root, signed } => {
                write!(f, "the chain is cut: root {root} signed position {signed}")
            }
            Self::Rechained { root } => write!(f, "is not what root {root} signed"),
            Self::Head { position } => {
                write!(f, "the chain does not end at position {position}, where its head is")
            }
            Self::Forged { root } => write!(f, "root {root} is not signed by the audit key"),
            Self::OutOfLine { root } => write!(f, "root {root} does not follow the one before"),
            Self::Tree { root } => write!(f, "root {root} is not the root over its heads"),
            Self::OnlyInFile { root } => {
                write!(f, "root {root} is in the file, and not in the database")
            }
            Self::OnlyInDatabase { root } => {
                write!(f, "root {root} is in the database, and not in the file")
            }
            Self::TwoRoots { root } => {
                write!(f, "root {root} is another in the file than in the database")
            }
            Self::Line { line } => write!(f, "line {line} of the file is no root"),
        }
    }
}

/// Recomputes every chain, or one organisation's, and every root, over one state of the database, and
/// compares with the outside copy where there is one.
///
/// # Errors
/// When database or file cannot be read; what does not fit is no error, but stands in the report.
pub async fn verify(
    connection: &mut PgConnection,
    key: &RootKey,
    file: Option<&Path>,
    only: Option<Uuid>,
) -> Result<Report, SealError> {
    let one_state = "begin isolation level repeatable read, read only";
    let mut tx = connection.begin_with(one_state).await?;
    // The role's own limit is that of a sealer, who never reads the whole log at once.
    tx.execute("set local statement_timeout = '1h'").await?;
    let report = verify_within(&mut tx, key, file, only).await?;
    tx.rollback().await?;
    Ok(report)
}

/// The same over what an open transaction sees.
///
/// # Errors
/// As [`verify`].
pub async fn verify_within(
    connection: &mut PgConnection,
    key: &RootKey,
    file: Option<&Path>,
    only: Option<Uuid>,
) -> Result<Report, SealError> {
    let copy = file.map(RootFile::read).transpose()?;
    let mut report = Report::default();
    let roots = Roots::load(connection, key, copy, &mut report).await?;
    let ends = walk::chains(connection, &roots, only, &mut report).await?;
    walk::unsealed(connection, &ends, only, &mut report).await?;
    compare_heads(connection, &ends, only, &mut report).await?;
    report.broken.sort_by_key(|broken| (broken.chain, broken.position));
    Ok(report)
}

/// Each chain against the head that the sealer goes on from. A purged organisation has a head alone.
async fn compare_heads(
    connection: &mut PgConnection,
    ends: &walk::Ends,
    only: Option<Uuid>,
    report: &mut Report,
) -> Result<(), SealError> {
    let heads: Vec<(Uuid, i64, Vec<u8>)> = sqlx::query_as(
        "select chain, position, hash from platform.audit_head where $1::uuid is null or chain = $1",
    )
    .bind(only)
    .fetch_all(connection)
    .await?;
    let mut left: BTreeMap<Uuid, &walk::End> =
        ends.chains.iter().map(|(id, end)| (*id, end)).collect();
    let mut wrong = |chain: Uuid, position: i64| {
        let problem = Problem::Head { position };
        report.broken.push(Broken { chain: Some(chain), position: None, record: None, problem });
    };
    for (chain, position, hash) in heads {
        match left.remove(&chain) {
            Some(end) if (end.position, end.hash.as_slice()) == (position, hash.as_slice()) => {}
            None if ends.purged.contains(&chain) => {}
            _ => wrong(chain, position),
        }
    }
    for (chain, end) in left {
        if only.is_none_or(|only| only == chain) {
            wrong(chain, end.position);
        }
    }
    Ok(())
}
