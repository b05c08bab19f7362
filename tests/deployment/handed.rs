//! Processes that have been handed their own keys, and no others, are a mesh.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

use devsphere_proto::{
    crm::v1::{CreateLeadRequest, Lead, lead_service_client::LeadServiceClient},
    identity::v1::session_service_client::SessionServiceClient,
};
use devsphere_testkit::eventually;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    task::spawn_blocking,
};
use tonic::{service::interceptor::InterceptedService, transport::Endpoint};
use uuid::Uuid;

use super::{
    backup::{database_url, devsphere},
    deploy, processes,
};
use crate::{
    apart::set::{GATEWAY, SERVICES},
    clients::up::{Folder, Up, binary, run},
    whole::{Bearer, founding},
};

/// The state directories that a unit of each name would have.
struct Places<'f>(&'f Folder);

impl Places<'_> {
    fn of(&self, name: &str) -> PathBuf {
        let own = self.0.0.file_name().unwrap().to_str().unwrap();
        self.0.0.with_file_name(format!("{own}-{name}"))
    }

    /// As root does it when units start.
    fn hand_out(&self) {
        let me = run(std::process::Command::new("id").arg("-un")).unwrap();
        let mut command = std::process::Command::new(deploy("systemd/devsphere-hand-out"));
        command
            .args(processes())
            .env("DEVSPHERE_STATE", &self.0.0)
            .env("DEVSPHERE_USER", me.trim());
        run(&mut command).unwrap();
    }
}

impl Drop for Places<'_> {
    fn drop(&mut self) {
        for name in processes() {
            // Left behind, it only costs space.
            let _ = fs::remove_dir_all(self.of(name));
        }
    }
}

/// A process, told what its environment files would tell it; and what it says when it is ready.
async fn start(name: &str, place: &Path, settings: &[(&str, String)]) -> (Child, Value) {
    let log = place.join("log");
    let mut child = Command::new(binary())
        .args(["run", name, "--json", "--data-dir"])
        .arg(place)
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .stderr(File::create(&log).unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap();
    assert!(line.is_some(), "{name} does not start: {}", fs::read_to_string(&log).unwrap());
    (child, serde_json::from_str(&line.unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_with_their_own_keys_alone_are_a_mesh() {
    let folder = Folder::fresh();
    let path = folder.0.clone();
    // For its database, which is migrated.
    let up = spawn_blocking(move || Up::start(&path, &[])).await.unwrap();
    run(&mut devsphere("keys authority", &folder.0)).unwrap();
    let names = SERVICES.iter().chain([&GATEWAY]).copied().collect::<Vec<_>>().join(" ");
    run(&mut devsphere(&format!("keys certificate {names}"), &folder.0)).unwrap();
    let places = Places(&folder);
    places.hand_out();
    let [x, y, ..] = Uuid::new_v4().into_bytes();
    let own = format!("127.{}.{}.1", x.clamp(1, 254), y.clamp(1, 254));
    let url = database_url(&folder.0);
    let server = url.split_once('@').unwrap().1;
    let settings = [
        ("DEVSPHERE_DATABASE_URL", format!("postgres://{server}")),
        ("DEVSPHERE_PEER", SERVICES.map(|service| format!("{service}={own}")).join(";")),
        ("DEVSPHERE_BIND", own.clone()),
        ("DEVSPHERE_LISTEN", format!("{own}:0")),
    ];

    let (mut running, mut gateway) = (Vec::new(), None);
    for name in processes() {
        let (child, ready) = start(name, &places.of(name), &settings).await;
        running.push(child);
        gateway = ready["gateway"].as_str().map(str::to_owned);
    }
    let address = format!("http://{}", gateway.unwrap());
    let channel = Endpoint::from_shared(address).unwrap().connect_lazy();
    let request = founding("ada@example.com");
    let grant = eventually("the first sign-up", async || {
        let mut sessions = SessionServiceClient::new(channel.clone());
        sessions.sign_up(request.clone()).await.ok()
    });
    let grant = grant.await.into_inner();
    let signed = InterceptedService::new(channel, Bearer::of(&grant.access_token));
    let lead = Lead { display_name: "Maria".into(), ..Lead::default() };
    let request = CreateLeadRequest { lead: Some(lead), ..CreateLeadRequest::default() };
    let created = LeadServiceClient::new(signed).create_lead(request).await.unwrap();
    let mut ended = Vec::new();
    for mut child in running.into_iter().rev() {
        let pid = child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        ended.push(child.wait().await.unwrap().code());
    }
    spawn_blocking(move || drop(up)).await.unwrap();

    assert_eq!(created.into_inner().display_name, "Maria");
    assert_eq!(ended, [Some(0); SERVICES.len() + 2]);
}
