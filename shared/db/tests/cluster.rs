//! A private PostgreSQL: from an empty directory to a clean end, however its parent dies.
#![expect(clippy::disallowed_methods, reason = "a copy of this program is told by the environment")]

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use devsphere_db::cluster::{Cluster, ClusterError, Options, SUPERUSER, copy_template};
use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

const PASSWORD: &str = "it's a \"pass\\word\"/@:%";
/// Tells a copy of this test program which directory to serve until it is killed.
const PARENT_OF: &str = "DEVSPHERE_TEST_PARENT_OF";

#[tokio::test]
async fn an_empty_directory_becomes_a_server_that_answers_over_its_socket() {
    let dir = Dir::new();

    let options = Options::new(dir.data(), PASSWORD);
    let cluster = tokio::task::spawn_blocking(|| Cluster::start(options)).await.unwrap().unwrap();

    let as_owner = cluster.connect_options(SUPERUSER, PASSWORD, "postgres");
    assert_eq!(ask(&as_owner, "select 1::text").await, "1");
    let settings = "select concat_ws(' ', current_setting('data_checksums'), \
        current_setting('server_encoding'), current_setting('lc_collate'), \
        current_setting('fsync'), current_setting('max_connections'), \
        current_setting('listen_addresses'), current_setting('timezone'))";
    let expected = "on UTF8 C.UTF-8 on 120 127.0.0.1 UTC";
    assert_eq!(ask(&as_owner, settings).await, expected);
    assert!(cluster.socket_dir().join(format!(".s.PGSQL.{}", cluster.port())).exists());
    assert_eq!(fs::metadata(dir.data()).unwrap().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn the_address_for_people_leads_to_the_same_server() {
    let dir = Dir::new();
    let cluster = Cluster::start(quick(&dir.data())).unwrap();

    let address = cluster.url(SUPERUSER, PASSWORD, "postgres");

    let over_tcp = address.parse::<PgConnectOptions>().unwrap();
    assert_eq!(ask(&over_tcp, "select host(inet_server_addr())").await, "127.0.0.1");
}

#[tokio::test]
async fn a_wrong_password_is_refused_over_socket_and_loopback() {
    let dir = Dir::new();
    let cluster = Cluster::start(quick(&dir.data())).unwrap();

    let over_socket = cluster.connect_options(SUPERUSER, "guess", "postgres");
    let over_tcp = cluster.url(SUPERUSER, "guess", "postgres").parse::<PgConnectOptions>().unwrap();

    for options in [over_socket, over_tcp] {
        let refused = options.connect().await.unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code()).unwrap();
        assert_eq!(code, "28P01");
    }
}

#[tokio::test]
async fn a_warm_start_finds_the_data_again() {
    let dir = Dir::new();
    let cluster = Cluster::start(Options::new(dir.data(), PASSWORD)).unwrap();
    run(&as_owner(&cluster), "create table kept as select 42 as n").await;
    cluster.stop().unwrap();

    let cluster = Cluster::start(Options::new(dir.data(), PASSWORD)).unwrap();

    assert_eq!(ask(&as_owner(&cluster), "select n::text from kept").await, "42");
}

#[tokio::test]
async fn a_server_that_is_not_durable_says_so() {
    let dir = Dir::new();
    let cluster = Cluster::start(Options { max_connections: 30, ..quick(&dir.data()) }).unwrap();

    let settings = "select concat_ws(' ', current_setting('fsync'), \
        current_setting('synchronous_commit'), current_setting('full_page_writes'), \
        current_setting('max_connections'))";

    assert_eq!(ask(&as_owner(&cluster), settings).await, "off off off 30");
}

#[tokio::test]
async fn a_statement_that_fails_leaves_no_value_in_the_log() {
    let dir = Dir::new();
    let cluster = Cluster::start(quick(&dir.data())).unwrap();
    let mut connection = as_owner(&cluster).connect().await.unwrap();
    sqlx::query("create table person (name text unique)").execute(&mut connection).await.unwrap();

    for _ in 0..2 {
        let insert = sqlx::query("insert into person values ($1), ('a literal')");
        let _ = insert.bind("a parameter").execute(&mut connection).await;
    }

    let log = dir.log();
    assert!(log.contains("duplicate key"), "{log}");
    assert!(!log.contains("a literal") && !log.contains("a parameter"), "{log}");
}

#[test]
fn a_second_start_on_the_same_directory_is_refused() {
    let dir = Dir::new();
    let _cluster = Cluster::start(quick(&dir.data())).unwrap();

    let refused = Cluster::start(quick(&dir.data())).unwrap_err();

    let expected = format!("{} is in use by process {}", dir.data().display(), pid(&dir).unwrap());
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn a_directory_with_other_files_is_left_alone() {
    let dir = Dir::new();
    fs::create_dir(dir.data()).unwrap();
    fs::write(dir.data().join("thesis.txt"), "").unwrap();

    let refused = Cluster::start(quick(&dir.data())).unwrap_err();

    assert!(matches!(refused, ClusterError::NotEmpty { .. }), "{refused}");
}

#[test]
fn data_of_a_version_that_is_gone_names_the_package_to_install() {
    let dir = Dir::new();
    fs::create_dir(dir.data()).unwrap();
    fs::write(dir.data().join("PG_VERSION"), "9\n").unwrap();

    let refused = Cluster::start(quick(&dir.data())).unwrap_err().to_string();

    assert!(refused.contains("apt install postgresql-9"), "{refused}");
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_still_works() {
    let dir = Dir::new();
    let cluster = Cluster::start(quick(&dir.0.join("deep".repeat(25)))).unwrap();
    let sockets = cluster.socket_dir().to_owned();

    assert_eq!(ask(&as_owner(&cluster), "select 1::text").await, "1");
    assert!(sockets.starts_with("/tmp"));
    cluster.stop().unwrap();
    assert!(!sockets.exists());
}

#[tokio::test]
async fn a_copy_of_a_stopped_directory_is_a_cluster_of_its_own() {
    let dir = Dir::new();
    let copy = dir.0.join("copy");
    let cluster = Cluster::start(quick(&dir.data())).unwrap();
    run(&as_owner(&cluster), "create table kept as select 42 as n").await;
    let refused = copy_template(&dir.data(), &copy).unwrap_err();
    assert!(matches!(refused, ClusterError::NotStopped { .. }), "{refused}");
    cluster.stop().unwrap();

    copy_template(&dir.data(), &copy).unwrap();

    let _original = Cluster::start(quick(&dir.data())).unwrap();
    let cluster = Cluster::start(quick(&copy)).unwrap();
    assert_eq!(ask(&as_owner(&cluster), "select n::text from kept").await, "42");
}

#[test]
fn a_lock_file_with_a_number_that_another_program_has_by_now_is_no_obstacle() {
    let dir = Dir::new();
    Cluster::start(quick(&dir.data())).unwrap().stop().unwrap();
    let lock = dir.data().join("postmaster.pid");
    let mut other = Command::new("sleep").arg("60").spawn().unwrap();
    fs::write(&lock, format!("{}\n{}\n1\n5432\n\n\n", other.id(), dir.data().display())).unwrap();

    let started = Cluster::start(quick(&dir.data()));

    other.kill().unwrap();
    other.wait().unwrap();
    started.unwrap().stop().unwrap();
}

#[tokio::test]
async fn a_session_that_outlives_a_killed_server_is_waited_for() {
    let dir = Dir::new();
    let cluster = Cluster::start(quick(&dir.data())).unwrap();
    let _session = busy_session(&cluster).await;

    kill(pid(&dir).unwrap());
    cluster.stop().unwrap();

    let cluster = Cluster::start(quick(&dir.data())).unwrap();
    assert_eq!(ask(&as_owner(&cluster), "select 1::text").await, "1");
    assert!(dir.log().contains("pre-existing shared memory block"), "{}", dir.log());
}

#[tokio::test]
async fn a_killed_server_comes_back_by_itself_where_it_was() {
    let dir = Dir::new();
    let cluster = Cluster::start(quick(&dir.data())).unwrap();
    let _session = busy_session(&cluster).await;

    for _ in 0..2 {
        let server = pid(&dir).unwrap();
        kill(server);
        eventually("another server", || {
            pid(&dir) != Some(server) && status(&dir).as_deref() == Some("ready")
        });
        assert_eq!(ask(&as_owner(&cluster), "select 1::text").await, "1");
    }

    // The first one met a session of the one before.
    assert!(dir.log().contains("pre-existing shared memory block"), "{}", dir.log());
    cluster.stop().unwrap();
    assert_eq!(pid(&dir), None);
}

#[tokio::test]
async fn a_server_that_cannot_come_back_is_stopped_all_the_same() {
    let dir = Dir::new();
    let cluster = Cluster::start(quick(&dir.data())).unwrap();
    let (server, control) = (pid(&dir).unwrap(), dir.data().join("global/pg_control"));
    fs::rename(&control, dir.data().join("aside")).unwrap();

    kill(server);
    eventually("a start in vain", || dir.log().contains("could not find the database system"));
    let begun = Instant::now();
    cluster.stop().unwrap();

    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_killed_parent_takes_its_server_along_and_the_next_start_is_clean() {
    let dir = Dir::new();
    let mut parent = Parent::of(&dir);
    eventually("the server is ready", || status(&dir).as_deref() == Some("ready"));
    let server = pid(&dir).unwrap();

    parent.0.kill().unwrap();

    // At once, while the old server is on its way out: the start waits for it.
    let cluster = Cluster::start(Options::new(dir.data(), PASSWORD)).unwrap();
    assert!(!runs(server));
    assert!(dir.log().contains("database system is shut down"), "{}", dir.log());
    assert!(!dir.log().contains("automatic recovery"), "{}", dir.log());
    drop(cluster);
    eventually("no server is left", || pid(&dir).is_none());
}

#[test]
fn a_parent_killed_while_the_directory_is_made_leaves_no_half_of_it() {
    let dir = Dir::new();
    let mut parent = Parent::of(&dir);
    eventually("initdb works", || dir.data().join("base").exists());

    parent.0.kill().unwrap();

    eventually("the next start is clean", || Cluster::start(quick(&dir.data())).is_ok());
}

/// Not a fact of its own: in a copy of this program, it is the parent that gets killed.
#[test]
fn parent() {
    let Some(dir) = std::env::var_os(PARENT_OF) else { return };
    let _cluster = Cluster::start(Options::new(dir, PASSWORD)).unwrap();
    thread::sleep(Duration::from_secs(60));
}

/// A copy of this test program with a cluster in it; killed on drop.
struct Parent(Child);

impl Parent {
    fn of(dir: &Dir) -> Self {
        let mut copy = Command::new(std::env::current_exe().expect("this program"));
        copy.args(["--exact", "parent"]).env(PARENT_OF, dir.data());
        Self(copy.stdout(Stdio::null()).spawn().expect("a copy of this program"))
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory that goes away with its test.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        let dir = format!("/tmp/devsphere-test-{}", uuid::Uuid::new_v4().simple());
        fs::create_dir(&dir).expect("a new directory");
        Self(fs::canonicalize(dir).expect("its real path"))
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.0.join("data.log")).expect("a log")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn quick(dir: &Path) -> Options {
    Options { durable: false, ..Options::new(dir, PASSWORD) }
}

fn as_owner(cluster: &Cluster) -> PgConnectOptions {
    cluster.connect_options(SUPERUSER, PASSWORD, "postgres")
}

async fn ask(options: &PgConnectOptions, question: &'static str) -> String {
    let mut connection = options.connect().await.expect("a connection");
    let answer = sqlx::query_scalar(question).fetch_one(&mut connection).await.expect("an answer");
    connection.close().await.expect("a clean end");
    answer
}

async fn run(options: &PgConnectOptions, statement: &'static str) {
    let mut connection = options.connect().await.expect("a connection");
    sqlx::query(statement).execute(&mut connection).await.expect("no error");
    connection.close().await.expect("a clean end");
}

fn lock_line(dir: &Dir, number: usize) -> Option<String> {
    let lock = fs::read_to_string(dir.data().join("postmaster.pid")).ok()?;
    lock.lines().nth(number - 1).map(|line| line.trim().to_owned())
}

/// A session that is at work for a second more.
async fn busy_session(cluster: &Cluster) -> PgConnection {
    let mut session = as_owner(cluster).connect().await.expect("a connection");
    let busy = sqlx::query("select count(*) from generate_series(1, 5000000)");
    let answer = tokio::time::timeout(Duration::from_millis(200), busy.execute(&mut session)).await;
    assert!(answer.is_err(), "the session is still at work");
    session
}

fn kill(pid: u32) {
    let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
    assert!(killed.is_ok_and(|status| status.success()));
}

fn pid(dir: &Dir) -> Option<u32> {
    lock_line(dir, 1)?.parse().ok()
}

fn status(dir: &Dir) -> Option<String> {
    lock_line(dir, 8)
}

/// True while a process is there; one that has ended and waits for its parent is not.
fn runs(pid: u32) -> bool {
    let found = fs::read_to_string(format!("/proc/{pid}/stat"));
    found.is_ok_and(|stat| !stat.contains(") Z "))
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "not within 10 s: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
