//! The limit: pgbench, which sends the service's own statements as the service's own role, and does
//! nothing else.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use devsphere_db::cluster;

use super::load::Done;

/// A script, and what its variables stand for.
pub struct Script {
    /// Chosen by chance.
    pub texts: Vec<String>,
    pub variables: Vec<(String, String)>,
}

/// Where it runs.
#[derive(Clone)]
pub struct Pgbench {
    pub folder: PathBuf,
    pub port: u16,
    pub database: String,
    pub role: String,
    pub password: String,
}

impl Pgbench {
    /// So many clients at a time for so long, or as many transactions a second.
    pub fn run(
        &self,
        script: &Script,
        clients: usize,
        time: Duration,
        per_second: Option<f64>,
    ) -> Vec<Done> {
        let log = self.folder.join("transactions");
        self.sweep();
        let mut command = Command::new(cluster::client("pgbench", 15).unwrap());
        command
            .args(["--protocol", "prepared", "--no-vacuum", "--log", "--log-prefix"])
            .arg(&log)
            .args(["--host", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--username", &self.role, "--client", &clients.to_string()])
            .args(["--jobs", &clients.min(2).to_string(), "--time", &time.as_secs().to_string()])
            .env("PGPASSWORD", &self.password);
        if let Some(rate) = per_second {
            command.args(["--rate", &rate.to_string()]);
        }
        for (number, text) in script.texts.iter().enumerate() {
            let file = self.folder.join(format!("{number}.sql"));
            fs::write(&file, text).unwrap();
            command.arg("--file").arg(file);
        }
        for (name, value) in &script.variables {
            command.arg("--define").arg(format!("{name}={value}"));
        }
        let output = command.arg(&self.database).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("aborted"), "{said}");
        self.logged()
    }

    /// Every transaction's time, and when it ended.
    fn logged(&self) -> Vec<Done> {
        let read = |file: PathBuf| fs::read_to_string(file).unwrap();
        let done = self.logs().map(read).collect::<String>();
        let line = |line: &str| {
            // Client, number, time, script, seconds and microseconds of its end.
            let fields: Vec<u64> = line.split(' ').filter_map(|text| text.parse().ok()).collect();
            let at = Duration::from_secs(fields[4]) + Duration::from_micros(fields[5]);
            Done { at, took: Duration::from_micros(fields[2]), well: true }
        };
        done.lines().map(line).collect()
    }

    fn sweep(&self) {
        self.logs().for_each(|log| fs::remove_file(log).unwrap());
    }

    fn logs(&self) -> impl Iterator<Item = PathBuf> {
        let files = fs::read_dir(&self.folder).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| {
            file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("transactions"))
        })
    }
}
