//! `devsphere up` on a directory of its own.

use std::{
    env,
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use serde_json::Value;
use sqlx::postgres::PgConnectOptions;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A data directory that goes away with the test; short, and open to PostgreSQL's own user.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn fresh() -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("devsphere-up-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Left behind, it only costs space.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The mesh at work.
pub struct Up {
    child: Child,
    /// What `--json` said.
    pub ready: Value,
    /// How long that took.
    pub took: Duration,
    log: PathBuf,
}

impl Up {
    pub fn start(folder: &Path, more: &[&str]) -> Self {
        let log = folder.join("log");
        let begun = Instant::now();
        let mut child = Command::new(binary())
            .args(["up", "--json", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        Self { child, ready, took: begun.elapsed(), log }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Host and port of the gateway.
    pub fn address(&self) -> String {
        let gateway = self.ready["gateway"].as_str().unwrap();
        gateway.trim_start_matches("http://").to_owned()
    }

    /// How the administrator reaches the database.
    pub fn database(&self) -> PgConnectOptions {
        self.ready["database_url"].as_str().unwrap().parse().unwrap()
    }

    /// What it has said so far.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// E-mail address and password of the demo user with that role.
    pub fn demo(&self, role: &str) -> (String, String) {
        let users = self.ready["demo"].as_array().unwrap();
        let user = users.iter().find(|user| user["role"] == role).unwrap();
        let text = |key: &str| user[key].as_str().unwrap().to_owned();
        (text("email"), text("password"))
    }
}

impl Drop for Up {
    #[expect(clippy::print_stdout, reason = "what the mesh said stands beside its failed test")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", fs::read_to_string(&self.log).unwrap_or_default());
        }
        let pid = self.pid().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        if asked.is_ok_and(|status| status.success()) {
            let _ = self.child.wait();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests/run tells where it is")]
pub fn binary() -> PathBuf {
    let told = env::var_os("DEVSPHERE_BINARY").map(PathBuf::from);
    told.unwrap_or_else(|| root().join("target/up/devsphere"))
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// What a command prints: on standard output if it went well, else on standard error.
pub fn run(command: &mut Command) -> Result<String, String> {
    match run_to_its_end(command) {
        (answer, None) => Ok(answer),
        (_, Some(error)) => Err(error),
    }
}

/// What a command prints on standard output, and on standard error if it did not go well.
pub fn run_to_its_end(command: &mut Command) -> (String, Option<String>) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let error = (!output.status.success()).then(|| text(&output.stderr));
    (text(&output.stdout), error)
}

/// A tool that `tests/run` installed.
pub fn tool(name: &str) -> PathBuf {
    let path = root().join("target/clients/bin").join(name);
    assert!(path.exists(), "{} is missing: tests/run installs it", path.display());
    path
}
