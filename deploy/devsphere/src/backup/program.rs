//! PostgreSQL's own programs, without a password on their command line or in their environment.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    fs::{self, DirBuilder, File},
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail, ensure};
use devsphere_db::cluster;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use crate::{folder::Folder, out};

/// So many lines of what a program said last stand in its error.
const LAST_WORDS: usize = 8;

/// How a program reaches the database: a file that only we read, for as long as this lives.
pub(crate) struct Door(PathBuf);

/// One of PostgreSQL's programs.
pub(crate) struct Program {
    name: &'static str,
    command: Command,
}

impl Door {
    /// What a program is told instead of an address.
    pub(crate) const NAME: &'static str = "service=devsphere";

    pub(crate) fn open(
        folder: &Folder,
        options: &PgConnectOptions,
        password: &str,
    ) -> Result<Self> {
        let path = folder.run().join(format!("service-{}.conf", std::process::id()));
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => options.get_host().to_owned(),
        };
        let (port, user) = (options.get_port().to_string(), options.get_username());
        let settings = [
            ("host", host.as_str()),
            ("port", &port),
            ("dbname", options.get_database().unwrap_or_default()),
            ("user", user),
            ("password", password),
            ("sslmode", ssl_mode(options.get_ssl_mode())),
        ];
        let mut text = "[devsphere]\n".to_owned();
        for (name, value) in settings {
            ensure!(!value.contains(char::is_control), "{name} has a character that it must not");
            text += &format!("{name}={value}\n");
        }
        DirBuilder::new().recursive(true).mode(0o700).create(folder.run())?;
        // What a process of that number left behind.
        let _ = fs::remove_file(&path);
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
        let door = Self(path);
        file.write_all(text.as_bytes())?;
        Ok(door)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Program {
    /// The one that fits a server of that major version.
    pub(crate) fn find(name: &'static str, server: u32, door: &Door) -> Result<Self> {
        let mut command = Command::new(cluster::client(name, server)?);
        command.env_clear().env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
        command.env("PGSERVICEFILE", &door.0).arg("--no-password");
        command.stdin(Stdio::null()).kill_on_drop(true);
        Ok(Self { name, command })
    }

    pub(crate) fn args(&mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) {
        self.command.args(args);
    }

    pub(crate) fn file(&mut self, path: &Path) {
        self.command.arg(path);
    }

    /// Runs it to its end; `progress` makes of a line that it says what is said to people, or nothing.
    pub(crate) async fn run(
        mut self,
        stdout: Stdio,
        progress: impl Fn(&str) -> Option<String>,
    ) -> Result<()> {
        let spawned = self.command.stdout(stdout).stderr(Stdio::piped()).spawn();
        let mut child = spawned.with_context(|| format!("cannot run {}", self.name))?;
        let stderr = child.stderr.take().context("no standard error")?;
        let (mut lines, mut last) = (BufReader::new(stderr).lines(), VecDeque::new());
        while let Some(line) = lines.next_line().await? {
            if let Some(said) = progress(&line) {
                out::say(&said);
            }
            last.push_back(line);
            if last.len() > LAST_WORDS {
                last.pop_front();
            }
        }
        if child.wait().await?.success() {
            return Ok(());
        }
        let last: Vec<String> = last.into_iter().collect();
        bail!("{} failed: {}", self.name, last.join("\n"))
    }

    /// Runs it, and answers what it prints.
    pub(crate) async fn output(mut self) -> Result<String> {
        let output = self.command.output().await;
        let output = output.with_context(|| format!("cannot run {}", self.name))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} failed: {}", self.name, said.trim());
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// What comes after those words.
pub(crate) fn after<'l>(line: &'l str, words: &str) -> Option<&'l str> {
    line.split_once(words).map(|(_, rest)| rest)
}

const fn ssl_mode(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}
