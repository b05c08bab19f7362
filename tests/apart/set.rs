//! A set of processes over one database, on loopback addresses of its own.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    time::{Duration, Instant},
};

use devsphere_boot::{Certificates, Endpoint, Remote, tls};
use devsphere_db::{Schema, migrate};
use devsphere_proto::Contract;
use devsphere_testkit::Backend;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};
use uuid::Uuid;

use crate::{
    clients::{
        rotation::UNLIMITED,
        up::{Folder, binary, run},
    },
    matrix::stage::MODULES,
};

/// What runs, in the order in which one would deploy it.
pub const SERVICES: [&str; MODULES.len()] = {
    let mut names = [""; MODULES.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = MODULES[place].schema.name;
        place += 1;
    }
    names
};
pub const GATEWAY: &str = "gateway";
pub const SEALER: &str = "sealer";
/// Of each there are two.
pub const NUMBERS: [u8; 2] = [1, 2];

const GATEWAY_PORT: u16 = 8080;

/// Where the processes of one test live.
pub struct Set {
    pub backend: Backend,
    /// So many there are of each.
    pub numbers: &'static [u8],
    folder: Folder,
    net: [u8; 2],
    more: Vec<String>,
}

/// One of them at work.
pub struct Process {
    pub name: &'static str,
    pub number: u8,
    child: Child,
}

impl Set {
    /// Keys, certificates that are good for so long, and a database; nothing runs yet.
    pub async fn arrange(lifetime: &str) -> Self {
        Self::arrange_of(&NUMBERS, lifetime).await
    }

    /// The same with other numbers of each.
    pub async fn arrange_of(numbers: &'static [u8], lifetime: &str) -> Self {
        let (backend, folder) = (Backend::fresh(&MODULES).await, Folder::fresh());
        let [x, y, ..] = Uuid::new_v4().into_bytes();
        let set = Self {
            backend,
            numbers,
            folder,
            net: [x.clamp(1, 254), y.clamp(1, 254)],
            more: vec![],
        };
        set.keys("init", &[]);
        set.keys("authority", &[]);
        set.certify(lifetime);
        let keys = set.folder.0.join("keys");
        for file in fs::read_dir(set.backend.keys_folder()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), keys.join(file.file_name())).unwrap();
        }
        let schemas: Vec<Schema> = MODULES.iter().map(|module| module.schema).collect();
        for (role, password) in Backend::passwords(&schemas) {
            fs::write(keys.join(format!("{role}.password")), password).unwrap();
        }
        assert!(keys.join(format!("{}.password", migrate::SEALER)).exists());
        set
    }

    /// On a machine that also builds, a connection may be slow to come; who does not look at load
    /// waits for it.
    pub fn patient(mut self) -> Self {
        self.more.extend(["--pool-wait", "5000"].map(str::to_owned));
        self
    }

    /// Calls out may reach this machine.
    pub fn open(mut self) -> Self {
        self.more.extend(["--allow-private", "127.0.0.1"].map(str::to_owned));
        self
    }

    /// The same, and a model is offered there to whoever has none of their own.
    pub fn offering(self, url: &str) -> Self {
        let offered = ["--ai-provider", "openai", "--ai-model", "author", "--ai-url", url];
        let mut set = self.open();
        set.more.extend(offered.map(str::to_owned));
        set
    }

    /// Issues certificates for all of them.
    pub fn certify(&self, lifetime: &str) {
        let names = SERVICES.iter().chain([&GATEWAY]).copied();
        let more: Vec<_> = names.chain(["--lifetime", lifetime]).collect();
        self.keys("certificate", &more);
    }

    fn keys(&self, command: &str, more: &[&str]) {
        let mut keys = std::process::Command::new(binary());
        run(keys.args(["keys", command, "--data-dir"]).arg(&self.folder.0).args(more)).unwrap();
    }

    /// What is sealed of the audit log, all of which fits.
    pub fn verify(&self) -> String {
        let mut verify = std::process::Command::new(binary());
        verify.args(["audit", "verify", "--data-dir"]).arg(&self.folder.0);
        run(verify.args(["--database-url", &self.backend.url()])).unwrap()
    }

    /// Starts two of each service, then two gateways.
    pub async fn start_all(&self) -> Vec<Process> {
        let mut running = Vec::new();
        for name in SERVICES.into_iter().chain([GATEWAY]) {
            for number in NUMBERS {
                running.push(self.start(name, number).await);
            }
        }
        running
    }

    /// Starts one, and waits until it is ready.
    pub async fn start(&self, name: &'static str, number: u8) -> Process {
        self.start_over(&self.backend.url(), name, number).await
    }

    /// The same over a way to the database of one's own.
    pub async fn start_over(&self, database: &str, name: &'static str, number: u8) -> Process {
        let log = self.log(name, number);
        let peers = SERVICES.iter().map(|service| {
            let hosts = self.numbers.iter().map(|number| self.address(*number).to_string());
            format!("--peer={service}={}", hosts.collect::<Vec<_>>().join(","))
        });
        let mut child = Command::new(binary())
            .args(["run", name, "--json", "--data-dir"])
            .arg(&self.folder.0)
            .args(["--database-url", database])
            .args(["--bind", &self.address(number).to_string()])
            .args(["--listen", &self.gateway(number).to_string()])
            .args(peers)
            .args(UNLIMITED)
            .args(&self.more)
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap();
        assert!(line.is_some(), "{name} does not start: {}", fs::read_to_string(&log).unwrap());
        let ready: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(ready["pid"], child.id().unwrap());
        Process { name, number, child }
    }

    pub fn address(&self, number: u8) -> Ipv4Addr {
        let [x, y] = self.net;
        Ipv4Addr::new(127, x, y, number)
    }

    /// Where clients find a gateway.
    pub fn gateway(&self, number: u8) -> SocketAddr {
        (self.address(number), GATEWAY_PORT).into()
    }

    /// Where one instance of a service listens.
    pub fn listener(&self, service: &str, number: u8) -> SocketAddr {
        let mut modules = Contract::get().unwrap().modules();
        let module = modules.find(|module| module.name == service).unwrap();
        (self.address(number), 7000 + u16::try_from(module.bit).unwrap()).into()
    }

    /// The way to one instance, which must be that service, for whoever is called so.
    pub fn endpoint(&self, service: &'static str, at: SocketAddr, own: &Certificates) -> Endpoint {
        let hosts = vec![(at.ip().to_string(), at.port())];
        Endpoint::Tcp(Remote { service, hosts, own: own.clone() })
    }

    /// The certificates of one of ours.
    pub fn certificates(&self, name: &'static str) -> Certificates {
        Certificates::open(&self.folder.0.join("certificates"), name).unwrap()
    }

    /// The file of our authority, or of its key.
    pub fn authority(&self, ending: &str) -> std::path::PathBuf {
        self.folder.0.join("keys").join(tls::AUTHORITY).with_extension(ending)
    }

    /// Where files of a test may lie.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder.0
    }

    fn log(&self, name: &str, number: u8) -> std::path::PathBuf {
        self.folder.0.join(format!("{name}{number}.log"))
    }

    /// What a process has said so far.
    pub fn said(&self, name: &str, number: u8) -> String {
        fs::read_to_string(self.log(name, number)).unwrap()
    }
}

impl Drop for Set {
    #[expect(clippy::print_stdout, reason = "what the processes said stands beside a failed test")]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for name in SERVICES.into_iter().chain([GATEWAY]) {
            for number in NUMBERS {
                let said = fs::read_to_string(self.log(name, number)).unwrap_or_default();
                let lines: Vec<_> = said.lines().rev().take(30).collect();
                let lines = lines.into_iter().rev().collect::<Vec<_>>().join("\n");
                println!("== {name}{number}\n{lines}");
            }
        }
    }
}

impl Process {
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Ends it as an operator would, and tells how long that took.
    pub async fn end(mut self) -> Duration {
        let begun = Instant::now();
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        let status = self.child.wait().await.unwrap();
        assert!(status.success(), "{}{} ended with {status}", self.name, self.number);
        begun.elapsed()
    }

    /// Ends it as a machine does that loses its power.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}
