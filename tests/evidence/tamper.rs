//! Random tamperings by somebody who owns the database and does not hold the key; each is found, at its place.

use std::fs;

use devsphere_db::seal::{Problem, Report, SealKey};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::history::History;
use crate::counts::{Chance, full_or};

const ORGANIZATIONS: usize = 3;
/// Of each organisation in each of three signed stages; a quarter of it is sealed after the last.
const RECORDS: i32 = 16;
const SIGNED: i64 = 3 * RECORDS as i64;

macro_rules! tamperings {
    ($($name:ident),+ $(,)?) => {
        /// What can be done to a log.
        #[derive(Debug, Clone, Copy)]
        enum Tampering {
            $($name),+
        }

        const ALL: &[Tampering] = &[$(Tampering::$name),+];
    };
}

tamperings! {
    Edit,
    Delete,
    DeleteWithSeal,
    Exchange,
    ExchangeSeals,
    Move,
    Insert,
    InsertUnqueued,
    InsertSealed,
    CutTail,
    CutTailWithRoots,
    Rechain,
    RechainWithoutRoots,
    EditSeal,
    EditHead,
    EditRoot,
    DropRoot,
    Unqueue,
}

/// Ways to edit a record so that it says something else.
const EDITS: [&str; 10] = [
    "action = action || 'x'",
    "noun = 'client'",
    "record_id = gen_random_uuid()",
    "principal_id = gen_random_uuid()",
    "principal_kind = 'job'",
    "session_id = null",
    "client_address = '203.0.113.8'",
    "before = null",
    "after = after || '{\"more\": null}'",
    "create_time = create_time + interval '1 microsecond'",
];

/// Hashes anew from a place on, as the sealer would have; written from the description of the format, so
/// that it also says whether that is what the sealer does.
const RECHAIN: &str = "
    do $$
    declare
        link   record;
        before bytea;
        bytes  bytea;
    begin
        select coalesce((select hash from platform.audit_seal where org_id = '{org}' and position = {from} - 1),
                        decode(repeat('00', 32), 'hex')) into before;
        for link in select s.position, a.* from platform.audit_seal as s join platform.audit as a using (org_id, audit_id)
                    where s.org_id = '{org}' and s.position >= {from} order by s.position loop
            bytes := convert_to(jsonb_build_array(link.org_id, link.audit_id, link.action, link.noun, link.record_id,
                link.principal_kind, link.principal_id, link.session_id, link.method, link.trace_id,
                link.client_address::text, link.before::text, link.after::text,
                (extract(epoch from link.create_time) * 1000000)::bigint)::text, 'UTF8');
            before := sha256('devsphere.audit.record.v1'::bytea || before || int8send(length(bytes)) || bytes);
            update platform.audit_seal set hash = before where org_id = '{org}' and position = link.position;
            update platform.audit_head set hash = before, position = link.position where chain = '{org}';
        end loop;
    end $$;";

/// Where a tampering strikes.
struct Aim {
    org: Uuid,
    place: i64,
    other: i64,
    edit: &'static str,
}

/// What a copied record takes over.
const COPIED: &str =
    "action, noun, record_id, principal_kind, principal_id, session_id, method, trace_id,
    client_address, before, after";
const UNQUEUE: &str = "delete from platform.audit_unsealed;";

impl Aim {
    fn random(org: Uuid, chance: &Chance) -> Self {
        let below = |limit: i64| chance.below(limit.unsigned_abs()).cast_signed();
        let place = 1 + below(SIGNED);
        let other = 1 + (place + below(SIGNED - 1)) % SIGNED;
        let edit = EDITS[usize::try_from(chance.below(EDITS.len() as u64)).unwrap()];
        Self { org, place, other, edit }
    }

    fn at(&self, place: i64) -> String {
        let org = self.org;
        format!(
            "(select audit_id from platform.audit_seal where org_id = '{org}' and position = {place})"
        )
    }

    fn record(&self) -> String {
        format!("org_id = '{}' and audit_id = {}", self.org, self.at(self.place))
    }

    fn seal(&self) -> String {
        format!("org_id = '{}' and position = {}", self.org, self.place)
    }

    fn edit(&self) -> String {
        format!("update platform.audit set {} where {};", self.edit, self.record())
    }

    fn insert(&self) -> String {
        format!(
            "insert into platform.audit (org_id, audit_id, {COPIED}, create_time)
             select org_id, gen_random_uuid(), {COPIED}, now() - make_interval(mins => 150)
             from platform.audit where {};",
            self.record(),
        )
    }

    fn cut(&self) -> String {
        let Self { org, place, .. } = self;
        format!(
            "delete from platform.audit where org_id = '{org}' and audit_id in (
                 select audit_id from platform.audit_seal where org_id = '{org}' and position >= {place});
             delete from platform.audit_seal where org_id = '{org}' and position >= {place};
             update platform.audit_head set position = {place} - 1, hash = coalesce(
                 (select hash from platform.audit_seal where org_id = '{org}' and position = {place} - 1), '\\x')
             where chain = '{org}';"
        )
    }

    fn rechain(&self, from: i64) -> String {
        RECHAIN.replace("{org}", &self.org.to_string()).replace("{from}", &from.to_string())
    }

    /// The first root that has signed the place.
    fn root(&self) -> i64 {
        1 + (self.place - 1) / i64::from(RECORDS)
    }

    fn drop_roots(&self) -> String {
        format!("delete from platform.audit_root where number >= {};", self.root())
    }

    /// What is done to records.
    fn on_records(&self, tampering: Tampering) -> Option<String> {
        let (org, record) = (self.org, self.record());
        Some(match tampering {
            Tampering::Edit => self.edit(),
            Tampering::Delete => format!("delete from platform.audit where {record}"),
            Tampering::DeleteWithSeal => format!(
                "delete from platform.audit where {record};
                 delete from platform.audit_seal where {}",
                self.seal()
            ),
            Tampering::Exchange => format!(
                "update platform.audit as a set after = b.after, before = b.before, record_id = b.record_id
                 from platform.audit as b where a.org_id = '{org}' and b.org_id = '{org}'
                   and a.audit_id in ({one}, {two}) and b.audit_id in ({one}, {two}) and a.audit_id <> b.audit_id",
                one = self.at(self.place),
                two = self.at(self.other),
            ),
            Tampering::Move => {
                format!("update platform.audit set org_id = gen_random_uuid() where {record}")
            }
            Tampering::Insert => self.insert(),
            Tampering::InsertUnqueued => self.insert() + UNQUEUE,
            Tampering::InsertSealed => format!(
                "{}
                 insert into platform.audit_seal
                 select org_id, (select position + 1 from platform.audit_head where chain = '{org}'), audit_id, '\\x00'
                 from platform.audit_unsealed where org_id = '{org}';
                 {UNQUEUE} {}",
                self.insert(),
                self.rechain(1),
            ),
            _ => return None,
        })
    }

    /// What is done to seals, heads and roots.
    fn on_chain(&self, tampering: Tampering) -> Option<String> {
        let Self { org, place, other, .. } = self;
        Some(match tampering {
            Tampering::ExchangeSeals => format!(
                "alter table platform.audit_seal drop constraint audit_seal_audit_key;
                 update platform.audit_seal as a set audit_id = b.audit_id from platform.audit_seal as b
                 where a.org_id = '{org}' and b.org_id = '{org}' and a.position <> b.position
                   and a.position in ({place}, {other}) and b.position in ({place}, {other})"
            ),
            Tampering::CutTail => self.cut(),
            Tampering::CutTailWithRoots => self.cut() + &self.drop_roots(),
            Tampering::Rechain => self.edit() + &self.rechain(*place),
            Tampering::RechainWithoutRoots => {
                self.edit() + &self.rechain(*place) + &self.drop_roots()
            }
            Tampering::EditSeal => {
                format!("update platform.audit_seal set hash = sha256(hash) where {}", self.seal())
            }
            Tampering::EditHead => {
                format!("update platform.audit_head set position = position - 1 where chain = '{org}'")
            }
            Tampering::EditRoot => format!(
                "update platform.audit_root set statement = replace(statement, '\"position\":', '\"position\":1')
                 where number = {}",
                self.root()
            ),
            Tampering::DropRoot => {
                format!("delete from platform.audit_root where number = {}", self.root())
            }
            Tampering::Unqueue => format!(
                "delete from platform.audit_seal where org_id = '{org}'
                   and position = (select position from platform.audit_head where chain = '{org}')"
            ),
            _ => return None,
        })
    }
}

/// Whether the report names the organisation, or the roots where those were touched.
fn names(report: &Report, tampering: Tampering, org: Uuid) -> bool {
    let of_roots = matches!(tampering, Tampering::EditRoot | Tampering::DropRoot);
    report
        .broken
        .iter()
        .any(|broken| (of_roots && broken.chain.is_none()) || broken.chain == Some(org))
}

/// The report over what the statements did; they are taken back.
async fn after(history: &History, admin: &mut PgConnection, statements: String) -> Report {
    let mut tx = admin.begin().await.unwrap();
    tx.execute(sqlx::raw_sql(AssertSqlSafe(statements.clone())))
        .await
        .unwrap_or_else(|error| panic!("{statements}: {error}"));
    let report = history.verify_within(&mut tx).await;
    tx.rollback().await.unwrap();
    report
}

#[tokio::test]
async fn a_thousand_random_tamperings_are_all_found() {
    let history = History::written(ORGANIZATIONS, RECORDS).await;
    let mut admin = history.world.admin().await;
    let chance = Chance::seeded();
    let many = full_or(1_000, 180);

    let mut found = std::collections::BTreeMap::new();
    for number in 0..many {
        let tampering = ALL[number % ALL.len()];
        let org = history.organizations[chance.below(ORGANIZATIONS as u64) as usize];
        let aim = Aim::random(org, &chance);
        let statements = aim.on_records(tampering).or_else(|| aim.on_chain(tampering)).unwrap();
        let report = after(&history, &mut admin, statements.clone()).await;
        assert!(names(&report, tampering, org), "{tampering:?}: {statements}\n{:?}", report.broken);
        *found.entry(format!("{tampering:?}")).or_insert(0) += 1;
    }

    println!("{many} tamperings, all found: {found:?}");
    assert_eq!(history.verify().await.broken, []);
}

#[tokio::test]
async fn a_chain_made_anew_fits_but_for_the_signed_heads() {
    // The owner's own format is the sealer's, or the tampering above would be found for nothing.
    let history = History::written(1, RECORDS).await;
    let mut admin = history.world.admin().await;
    let org = history.organizations[0].to_string();
    let rechain = RECHAIN.replace("{org}", &org).replace("{from}", "1");

    let untouched = after(&history, &mut admin, rechain.clone()).await;
    let edit = "update platform.audit set action = 'x' where audit_id =
        (select audit_id from platform.audit_seal where position = 3);";
    let report = after(&history, &mut admin, format!("{edit}{rechain}")).await;

    assert_eq!(untouched.broken, []);
    let problems: Vec<_> = report.broken.iter().map(|broken| broken.problem.clone()).collect();
    assert_eq!(problems, [1, 2, 3].map(|root| Problem::Rechained { root }));
}

#[tokio::test]
async fn a_cut_end_is_found_by_the_file_alone_and_another_key_signs_nothing() {
    let history = History::written(1, RECORDS).await;
    let mut admin = history.world.admin().await;
    let org = history.organizations[0];
    let cut = format!(
        "delete from platform.audit_root where number = 3;
         delete from platform.audit where audit_id in (select audit_id from platform.audit_seal where position > {two});
         delete from platform.audit_seal where position > {two};
         update platform.audit_head set position = {two},
             hash = (select hash from platform.audit_seal where position = {two}) where chain = '{org}'",
        two = 2 * RECORDS,
    );

    let with_file = after(&history, &mut admin, cut.clone()).await;
    let kept = fs::read(&history.file).unwrap();
    let lines: Vec<_> = String::from_utf8_lossy(&kept).lines().take(2).map(str::to_owned).collect();
    fs::write(&history.file, lines.join("\n") + "\n").unwrap();
    let without = after(&history, &mut admin, cut).await;
    fs::write(&history.file, kept).unwrap();
    let stranger = SealKey::parse(&SealKey::generate().unwrap()).unwrap().public();
    let of_stranger = History { key: stranger, ..history }.verify().await;

    let problems: Vec<_> = with_file.broken.iter().map(|broken| broken.problem.clone()).collect();
    let signed = 3 * i64::from(RECORDS);
    assert_eq!(problems, [Problem::OnlyInFile { root: 3 }, Problem::Cut { root: 3, signed }]);
    assert_eq!(without.broken, [], "nobody can know");
    let forged =
        of_stranger.broken.iter().filter(|broken| matches!(broken.problem, Problem::Forged { .. }));
    assert_eq!(forged.count(), 3);
}
