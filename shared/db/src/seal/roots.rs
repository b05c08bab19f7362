//! All roots there are: each signed, each after the one before, each over its tree, and none missing.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use super::{
    SealError, hex,
    root::{Head, RootKey, Signed, Statement},
    tree::{Tree, leaf},
    unhex,
    verify::{Broken, Problem, Report},
};

/// A head that a root signed.
pub(super) struct SignedHead {
    pub(super) position: i64,
    pub(super) hash: Vec<u8>,
    pub(super) root: i64,
}

/// What the roots say of each chain, in the order of positions.
#[derive(Default)]
pub(super) struct Roots {
    pub(super) heads: BTreeMap<Uuid, Vec<SignedHead>>,
    tree: Tree,
    leaves: Vec<Uuid>,
}

type Copy = Vec<Result<Signed, usize>>;

impl Roots {
    /// Reads the table, compares it with the file's copy, and checks root after root.
    pub(super) async fn load(
        connection: &mut PgConnection,
        key: &RootKey,
        copy: Option<Copy>,
        report: &mut Report,
    ) -> Result<Self, SealError> {
        let mut all = BTreeMap::new();
        let mut rows = sqlx::query(
            "select number, statement, signature from platform.audit_root order by number",
        )
        .fetch(connection);
        while let Some(row) = rows.try_next().await? {
            let signed = Signed { statement: row.try_get(1)?, signature: row.try_get(2)? };
            all.insert(row.try_get(0)?, signed);
        }
        if let Some(copy) = copy {
            compare(&mut all, copy, key, report);
        }
        report.roots = u64::try_from(all.len()).unwrap_or(u64::MAX);
        let mut roots = Self::default();
        let mut before: Option<(i64, Signed)> = None;
        for (number, signed) in all {
            roots.check(number, &signed, before.as_ref(), key, report);
            before = Some((number, signed));
        }
        Ok(roots)
    }

    fn check(
        &mut self,
        number: i64,
        signed: &Signed,
        before: Option<&(i64, Signed)>,
        key: &RootKey,
        report: &mut Report,
    ) {
        let mut wrong = |problem| report.broken.push(Broken::root(problem));
        let Some(statement) = key.open(signed).filter(|statement| statement.number == number)
        else {
            return wrong(Problem::Forged { root: number });
        };
        let (last, digest) = before.map_or((0, [0; 32]), |(last, signed)| (*last, signed.digest()));
        if number != last + 1 || statement.previous != hex(&digest) {
            wrong(Problem::OutOfLine { root: number });
        }
        let grown = statement.heads.iter().all(|head| self.take(number, head));
        if !grown || !self.is_over(&statement) {
            wrong(Problem::Tree { root: number });
        }
    }

    fn take(&mut self, root: i64, head: &Head) -> bool {
        let Some(hash) = unhex(&head.hash) else { return false };
        match self.leaves.get(head.leaf) {
            Some(chain) if *chain == head.chain => {}
            None if head.leaf == self.leaves.len() => self.leaves.push(head.chain),
            _ => return false,
        }
        let set = self.tree.set(head.leaf, leaf(head.chain, head.position, &hash));
        let known = self.heads.entry(head.chain).or_default();
        let forward = known.last().is_none_or(|last| last.position < head.position);
        known.push(SignedHead { position: head.position, hash, root });
        set && forward
    }

    fn is_over(&self, statement: &Statement) -> bool {
        (statement.leaves, statement.root.as_str())
            == (self.tree.leaves(), hex(&self.tree.root()).as_str())
    }
}

/// The file against the table. What only the file has counts: nobody but the sealer can sign it.
fn compare(all: &mut BTreeMap<i64, Signed>, copy: Copy, key: &RootKey, report: &mut Report) {
    let mut wrong = |problem| report.broken.push(Broken::root(problem));
    let mut copied = BTreeMap::new();
    for (line, signed) in (1..).zip(copy) {
        let opened = signed.ok().and_then(|signed| Some((key.open(&signed)?.number, signed)));
        let Some((number, signed)) = opened else {
            wrong(Problem::Line { line });
            continue;
        };
        if copied.get(&number).is_some_and(|other| *other != signed) {
            wrong(Problem::TwoRoots { root: number });
        } else {
            copied.insert(number, signed);
        }
    }
    // The last ones may be on their way.
    let last = copied.keys().next_back().copied().unwrap_or_default();
    for root in all.keys().filter(|number| **number <= last && !copied.contains_key(number)) {
        wrong(Problem::OnlyInDatabase { root: *root });
    }
    for (root, signed) in copied {
        match all.insert(root, signed.clone()) {
            None => wrong(Problem::OnlyInFile { root }),
            Some(other) if other != signed => wrong(Problem::TwoRoots { root }),
            Some(_) => {}
        }
    }
}
