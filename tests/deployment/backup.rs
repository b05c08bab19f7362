//! A backup of a mesh at work comes back on a machine that has nothing, row for row.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use devsphere_db::cluster;
use devsphere_proto::{
    crm::v1::{CreateLeadRequest, Lead, ListLeadsRequest, lead_service_client::LeadServiceClient},
    identity::v1::{
        GetMeRequest, Grant, RefreshRequest, SignInRequest,
        person_service_client::PersonServiceClient, session_service_client::SessionServiceClient,
    },
};
use serde_json::Value;
use sqlx::{Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};
use tokio::task::spawn_blocking;
use tonic::{
    Code, Status,
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint},
};

use crate::{
    clients::up::{Folder, Up, binary, run},
    whole::{Bearer, PASSWORD, Signed, founding},
};

const EMAIL: &str = "ada@example.com";

/// A command of the binary, on a data directory.
pub fn devsphere(command: &str, folder: &Path) -> Command {
    let mut devsphere = Command::new(binary());
    devsphere.args(command.split(' ')).arg("--data-dir").arg(folder);
    devsphere
}

/// The manifest beside a dump.
pub(super) fn manifest_of(dump: &Path) -> PathBuf {
    PathBuf::from(format!("{}.json", dump.display()))
}

/// A mesh, from outside.
struct Outside(Channel);

impl Outside {
    fn of(up: &Up) -> Self {
        Self(Endpoint::from_shared(format!("http://{}", up.address())).unwrap().connect_lazy())
    }

    fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.0.clone())
    }

    fn signed(&self, grant: &Grant) -> Signed {
        InterceptedService::new(self.0.clone(), Bearer::of(&grant.access_token))
    }

    async fn sign_in(&self, email: &str, password: &str) -> Grant {
        let request = SignInRequest {
            email: email.into(),
            password: password.into(),
            ..SignInRequest::default()
        };
        self.sessions().sign_in(request).await.unwrap().into_inner()
    }

    async fn create(&self, grant: &Grant, name: String) {
        let lead = Lead { display_name: name, ..Lead::default() };
        let request = CreateLeadRequest { lead: Some(lead), ..CreateLeadRequest::default() };
        LeadServiceClient::new(self.signed(grant)).create_lead(request).await.unwrap();
    }

    async fn leads(&self, grant: &Grant) -> BTreeSet<String> {
        let list = ListLeadsRequest { page_size: 200, ..ListLeadsRequest::default() };
        let page = LeadServiceClient::new(self.signed(grant)).list_leads(list).await.unwrap();
        page.into_inner().leads.into_iter().map(|lead| lead.lead_id).collect()
    }

    async fn me(&self, grant: &Grant) -> Result<(), Status> {
        PersonServiceClient::new(self.signed(grant)).get_me(GetMeRequest {}).await.map(drop)
    }
}

async fn founder(outside: &Outside) -> Grant {
    let request = founding(EMAIL);
    outside.sessions().sign_up(request).await.unwrap().into_inner()
}

/// The administrator's address of a mesh that runs.
pub(super) fn database_url(folder: &Path) -> String {
    let state: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("run/up.json")).unwrap()).unwrap();
    state["database_url"].as_str().unwrap().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "breaks what no service may touch")]
async fn administrator(folder: &Path) -> PgConnection {
    let options: PgConnectOptions = database_url(folder).parse().unwrap();
    PgConnection::connect_with(&options).await.unwrap()
}

/// Everything about a database but its rows.
fn definition(folder: &Path) -> String {
    let dump = cluster::client("pg_dump", 15).unwrap();
    let mut dump = Command::new(dump);
    dump.arg("--schema-only").arg(database_url(folder));
    let text = run(&mut dump).unwrap();
    let is_chance =
        |line: &&str| line.starts_with("\\restrict") || line.starts_with("\\unrestrict");
    text.lines().filter(|line| !is_chance(line)).map(|line| format!("{line}\n")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_mesh_at_work_comes_back_on_an_empty_machine() {
    let (here, there) = (Folder::fresh(), Folder::fresh());
    let dump = here.0.join("all.dump");
    let up = Up::start(&here.0, &["--demo"]);
    let outside = Outside::of(&up);
    let grant = founder(&outside).await;
    let (demo_email, demo_password) = up.demo("ceo");
    let demo = outside.sign_in(&demo_email, &demo_password).await;
    for number in 0..20 {
        outside.create(&grant, format!("before {number}")).await;
    }
    let before = (outside.leads(&grant).await, outside.leads(&demo).await);

    // Somebody goes on working all the time.
    let written = AtomicUsize::new(0);
    let mut command = devsphere("backup", &here.0);
    command.arg(&dump);
    let backup = spawn_blocking(move || run(&mut command).unwrap());
    let work = async {
        while !backup.is_finished() {
            let number = written.fetch_add(1, Ordering::Relaxed);
            outside.create(&grant, format!("meanwhile {number}")).await;
        }
    };
    work.await;
    backup.await.unwrap();
    let after = outside.leads(&grant).await;
    let defined = definition(&here.0);
    drop(up);

    run(devsphere("restore", &there.0).arg(&dump)).unwrap();
    let up = Up::start(&there.0, &[]);
    let outside = Outside::of(&up);
    let stale = outside.me(&grant).await.unwrap_err();
    let refresh = RefreshRequest { refresh_token: grant.refresh_token, ..Default::default() };
    let ended = outside.sessions().refresh(refresh).await.unwrap_err();
    let grant = outside.sign_in(EMAIL, PASSWORD).await;
    let demo = outside.sign_in(&demo_email, &demo_password).await;
    let back = (outside.leads(&grant).await, outside.leads(&demo).await);

    println!(
        "{} leads before, {} after, {} and {} of the other organisation back",
        before.0.len(),
        after.len(),
        back.0.len(),
        back.1.len()
    );
    assert!(written.into_inner() > 0 && before.0.is_subset(&after));
    assert!(back.0.is_superset(&before.0) && back.0.is_subset(&after), "{back:?}");
    assert!(!before.1.is_empty() && back.1 == before.1, "{back:?}");
    assert_eq!((stale.code(), ended.code()), (Code::Unauthenticated, Code::Unauthenticated));
    assert_eq!(definition(&there.0), defined, "the definitions are what they were");
    let verified = run(&mut devsphere("audit verify", &there.0)).unwrap();
    assert!(verified.contains("everything fits"), "{verified}");
    let busy = run(devsphere("restore", &there.0).arg(&dump)).unwrap_err();
    assert!(busy.contains("is in use by process"), "{busy}");
}

#[tokio::test]
async fn a_backup_that_could_leave_rows_out_fails() {
    let folder = Folder::fresh();
    let _up = Up::start(&folder.0, &[]);
    let mut admin = administrator(&folder.0).await;
    let backup = |name: &str| run(devsphere("backup", &folder.0).arg(folder.0.join(name)));

    for (fault, mended) in [
        ("alter role devsphere_backup nobypassrls", "alter role devsphere_backup bypassrls"),
        (
            "revoke select on crm.lead from devsphere_backup",
            "grant select on crm.lead to devsphere_backup",
        ),
        ("create table crm.fault (org_id uuid)", "drop table crm.fault"),
    ] {
        admin.execute(fault).await.unwrap();
        let refused = backup("refused.dump").unwrap_err();
        admin.execute(mended).await.unwrap();

        assert!(refused.contains("cannot read every row"), "{fault}: {refused}");
        let left: Vec<_> = fs::read_dir(&folder.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("refused"))
            .collect();
        assert_eq!(left, [""; 0], "{fault}");
    }
    backup("whole.dump").unwrap();
    let again = backup("whole.dump").unwrap_err();
    assert!(again.contains("is there already"), "{again}");
}
