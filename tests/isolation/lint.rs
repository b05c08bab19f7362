//! Rules over PostgreSQL's own catalogue, each with the faults that it must find.

mod backup;
mod function;
mod key;
mod right;
mod role;
mod wall;

use devsphere_db::{GLOBAL_TABLES, OWNER_FUNCTIONS};
use devsphere_proto::Contract;
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions,
};

/// One rule, and proof that it is kept.
pub(super) struct Lint {
    /// The rule, as a sentence.
    pub(super) name: &'static str,
    /// One row of text for each breach.
    pub(super) finds: &'static str,
    /// Statements of an administrator, each of which breaks the rule.
    pub(super) faults: &'static [&'static str],
}

/// Keys that span organisations on purpose, each with its reason.
const KEYS_ACROSS: &[(&str, &str)] =
    &[("identity.person_email_key", "an address signs in once, wherever its person belongs")];

/// What services may do with the tables that have no wall.
const GLOBAL_RIGHTS: &[(&str, &str)] = &[
    ("platform.audit_head", "devsphere_sealer INSERT"),
    ("platform.audit_head", "devsphere_sealer SELECT"),
    ("platform.audit_head", "devsphere_sealer UPDATE (hash)"),
    ("platform.audit_head", "devsphere_sealer UPDATE (leaf)"),
    ("platform.audit_head", "devsphere_sealer UPDATE (position)"),
    ("platform.audit_head", "devsphere_sealer UPDATE (signed_position)"),
    ("platform.audit_root", "devsphere_sealer INSERT"),
    ("platform.audit_root", "devsphere_sealer SELECT"),
    ("identity.instance", "devsphere_identity SELECT"),
    ("identity.instance", "devsphere_identity UPDATE (sign_up)"),
    ("identity.instance", "devsphere_identity UPDATE (sign_up_chosen)"),
    ("identity.instance", "devsphere_identity UPDATE (version)"),
    ("identity.sign_up_invitation", "devsphere_identity INSERT (expire_time)"),
    ("identity.sign_up_invitation", "devsphere_identity INSERT (token_hash)"),
    ("identity.sign_up_invitation", "devsphere_identity SELECT (expire_time)"),
];

/// Rights in a schema that is not the role's own, each with its reason.
const RIGHTS_ACROSS: &[(&str, &str)] = &[
    (
        "platform.audit: devsphere_administration SELECT",
        "shows an organisation its log, behind the same wall as every table",
    ),
    (
        "platform.approval: devsphere_administration SELECT",
        "shows what waits for a decision, behind the same wall as every table",
    ),
    ("platform.audit: devsphere_sealer SELECT", "chains the records of every organisation"),
    ("platform.audit_unsealed: devsphere_sealer SELECT", "finds what no chain holds yet"),
    ("platform.audit_unsealed: devsphere_sealer DELETE", "it holds it now"),
    (
        "platform.audit_seal: devsphere_sealer SELECT",
        "goes on from the chain's end, and verifies it",
    ),
    ("platform.audit_seal: devsphere_sealer INSERT", "seals, and never again"),
    ("platform.audit_head: devsphere_sealer SELECT", "goes on from the chain's end"),
    ("platform.audit_head: devsphere_sealer INSERT", "begins a chain"),
    ("platform.audit_head: devsphere_sealer UPDATE", "moves a chain's end"),
    ("platform.audit_root: devsphere_sealer SELECT", "each root names the one before"),
    ("platform.audit_root: devsphere_sealer INSERT", "signs, and never again"),
];

/// The functions of the platform that services may call, each with what it answers them.
const PLATFORM_FUNCTIONS: &[(&str, &str)] = &[
    ("platform.ticket", "who the verified ticket is"),
    ("platform.org", "the verified ticket's organisation"),
    ("platform.person", "the verified ticket's person"),
    ("platform.sub", "the verified ticket's principal"),
    ("platform.sees_all", "whether the verified ticket's principal sees a whole module"),
    ("platform.claimed_org", "what their own setting says"),
    ("platform.org_of", "a part of its argument"),
    ("platform.once", "nothing; takes a request id of the verified ticket's"),
    ("platform.answer", "an answer of the verified ticket's"),
    ("platform.record", "nothing; stamps the verified ticket"),
    ("platform.note", "how many of its notes were stamped, each by its own verified ticket"),
    ("platform.schema_version", "a version number"),
];

/// Every rule.
pub(super) fn all() -> impl Iterator<Item = &'static Lint> {
    [wall::LINTS, key::LINTS, right::LINTS, function::LINTS, role::LINTS, backup::LINTS]
        .into_iter()
        .flatten()
}

/// The administrator's connection with the views that the rules are written in.
pub(super) async fn inspector(admin: &PgConnectOptions) -> PgConnection {
    let mut inspector = PgConnection::connect_with(admin).await.unwrap();
    inspector.execute(sqlx::raw_sql(include_str!("lint/views.sql"))).await.unwrap();
    for module in Contract::get().unwrap().modules() {
        let module_of = sqlx::query("insert into module values ($1, $2)");
        let bit = i32::try_from(module.bit).unwrap();
        inspector.execute(module_of.bind(module.name).bind(bit)).await.unwrap();
    }
    let lists = [
        ("global_table", GLOBAL_TABLES),
        ("owner_function", OWNER_FUNCTIONS),
        ("key_across", KEYS_ACROSS),
        ("global_right", GLOBAL_RIGHTS),
        ("right_across", RIGHTS_ACROSS),
        ("platform_function", PLATFORM_FUNCTIONS),
    ];
    for (list, entries) in lists {
        let (names, reasons): (Vec<&str>, Vec<&str>) = entries.iter().copied().unzip();
        let insert = format!("insert into {list} select * from unnest($1::text[], $2::text[])");
        let insert = sqlx::query(AssertSqlSafe(insert)).bind(names).bind(reasons);
        inspector.execute(insert).await.unwrap();
    }
    inspector
}

impl Lint {
    /// Every breach of the rule.
    pub(super) async fn findings(&self, inspector: &mut PgConnection) -> Vec<String> {
        let found = sqlx::query_scalar(self.finds).fetch_all(inspector).await;
        found.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Every breach once the fault is planted; it is gone again afterwards.
    pub(super) async fn findings_after(
        &self,
        inspector: &mut PgConnection,
        fault: &'static str,
    ) -> Vec<String> {
        loop {
            let mut tx = inspector.begin().await.unwrap();
            match tx.execute(sqlx::raw_sql(fault)).await {
                // Roles belong to the whole server, and another test's server call was faster.
                Err(error) if error.to_string().contains("tuple concurrently updated") => continue,
                planted => planted.unwrap_or_else(|error| panic!("{fault}: {error}")),
            };
            let found = self.findings(&mut tx).await;
            tx.rollback().await.unwrap();
            return found;
        }
    }
}
