//! The plans by which PostgreSQL carried out what the services asked, as its own log tells them.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::PathBuf,
};

use devsphere_testkit::World;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor as _, raw_sql};

use crate::matrix::stage::MODULES;

/// The tables of which a thousand organisations have many rows.
const LARGE: [&str; 6] = ["lead", "member", "audit", "site", "keyword", "usage"];

/// Begins at a person, who is a member of few organisations however many there are.
const OF_ONE_PERSON: &str = "member_of_person";

/// Whether a plan is made for the values at hand, or once for all.
#[derive(Debug, Clone, Copy)]
pub enum Mode {
    Custom,
    Generic,
}

impl Mode {
    pub const ALL: [Self; 2] = [Self::Custom, Self::Generic];

    const fn word(self) -> &'static str {
        match self {
            Self::Custom => "force_custom_plan",
            Self::Generic => "force_generic_plan",
        }
    }
}

/// The log of the cluster, and the database whose plans it tells.
pub struct Plans {
    log: PathBuf,
    database: String,
}

impl Plans {
    /// From now on each statement of a service leaves its plan.
    pub async fn of(world: &World) -> Self {
        let log = world.backend().keys_folder().with_file_name("postgres.log");
        let mut admin = world.admin().await;
        let name = sqlx::query_scalar("select current_database()");
        let plans = Self { log, database: name.fetch_one(&mut admin).await.unwrap() };
        for setting in [
            "session_preload_libraries = 'auto_explain'",
            "auto_explain.log_min_duration = 0",
            "auto_explain.log_format = 'json'",
        ] {
            plans.set(world, setting).await;
        }
        plans
    }

    /// Has the services begin anew with plans of that kind.
    pub async fn force(&self, world: &World, mode: Mode) {
        self.set(world, &format!("plan_cache_mode = '{}'", mode.word())).await;
        self.renew(world).await;
    }

    /// Nothing is told any more.
    pub async fn stop(&self, world: &World) {
        self.set_all(world, "reset all").await;
        self.renew(world).await;
    }

    async fn renew(&self, world: &World) {
        for module in &MODULES {
            let module = world.stop_one(module.schema.name).await;
            world.start_one(module).await;
        }
    }

    async fn set(&self, world: &World, setting: &str) {
        self.set_all(world, &format!("set {setting}")).await;
    }

    async fn set_all(&self, world: &World, what: &str) {
        let mut admin = world.admin().await;
        for module in &MODULES {
            let (role, database) = (module.schema.role(), &self.database);
            let alter = format!("alter role {role} in database {database} {what}");
            admin.execute(raw_sql(AssertSqlSafe(alter))).await.unwrap();
        }
    }

    /// The end of the log, for what follows.
    pub fn begin(&self) -> u64 {
        fs::metadata(&self.log).unwrap().len()
    }

    /// Looks at each plan of a large table since then; how many there were.
    pub fn judge(&self, since: u64) -> usize {
        let mut seen = 0;
        for told in self.told(since) {
            let (statement, plan) = (&told["Query Text"], &told["Plan"]);
            let astray = astray(plan);
            assert!(astray.is_empty(), "{statement}: {astray:#?}");
            seen += usize::from(is_large(plan));
        }
        seen
    }

    /// A plan that looks at everybody's rows is found: the administrator's, whom no wall narrows.
    pub async fn tell_astray(&self, world: &World) {
        let begun = self.begin();
        let mut admin = world.admin().await;
        let look = "load 'auto_explain'; set auto_explain.log_min_duration = 0;
                    set auto_explain.log_format = 'json';
                    select count(*) from crm.lead where email = 'x'";
        admin.execute(raw_sql(look)).await.unwrap();
        let told = self.told(begun);
        assert!(told.iter().any(|told| !astray(&told["Plan"]).is_empty()), "{told:#?}");
    }

    fn told(&self, since: u64) -> Vec<Value> {
        let mut log = File::open(&self.log).unwrap();
        log.seek(SeekFrom::Start(since)).unwrap();
        let mut text = String::new();
        log.read_to_string(&mut text).unwrap();
        let entries = text.split("  plan:\n").skip(1);
        let json = |entry: &str| {
            let lines = entry.lines().take_while(|line| line.starts_with('\t'));
            serde_json::from_str(&lines.collect::<String>()).unwrap()
        };
        entries.map(json).collect()
    }
}

fn parts(plan: &Value) -> impl Iterator<Item = &Value> {
    plan["Plans"].as_array().into_iter().flatten()
}

/// Whether it reads a large table anywhere.
fn is_large(plan: &Value) -> bool {
    let relation = plan["Relation Name"].as_str();
    relation.is_some_and(|name| LARGE.contains(&name)) || parts(plan).any(is_large)
}

/// The steps that go through a large table and do not begin with an organisation in an index.
fn astray(plan: &Value) -> Vec<&Value> {
    let begins = plan["Index Cond"].as_str().is_some_and(|cond| cond.contains("(org_id = "))
        || plan["Index Name"] == OF_ONE_PERSON;
    let good = match plan["Node Type"].as_str().unwrap() {
        // Judged by the indexes below it.
        "Bitmap Heap Scan" => true,
        "Bitmap Index Scan" | "Index Scan" | "Index Only Scan" => begins,
        _ => plan["Relation Name"].as_str().is_none_or(|name| !LARGE.contains(&name)),
    };
    let of_others = plan["Relation Name"].as_str().is_some_and(|name| !LARGE.contains(&name));
    let own = (!good && !of_others).then_some(plan);
    own.into_iter().chain(parts(plan).flat_map(astray)).collect()
}
