//! What a call costs, beside pgbench with the very same statements in the very same database: calls a
//! second, waits, and processor time of gateway, service and PostgreSQL apart. `tests/bench` runs it.

mod load;
mod operation;
mod pgbench;
mod row;
mod stage;
mod usage;
mod wire;

use std::{
    fmt::Write as _,
    thread,
    time::{Duration, Instant},
};

use crate::counts::{full_or, is_soak};
use load::Done;
use operation::Operation;
use row::{Row, median};
use stage::{Stage, Way};

/// Before it is measured, a load runs for so long: connections, plans and caches.
const WARM: Duration = Duration::from_millis(700);

/// What is still under way at the end is not measured either. With the rest whole seconds: pgbench knows
/// no others.
const TAIL: Duration = Duration::from_millis(300);

/// Calls at the same time, and those at which the promises are held to.
const LEVELS: [usize; 4] = [1, 8, 32, 64];
const PROMISED: usize = 32;

fn levels() -> Vec<usize> {
    if is_soak() { LEVELS.into() } else { vec![PROMISED] }
}

/// Each is measured for so long, in turn with the others, so many times.
fn measured_for() -> Duration {
    Duration::from_secs(full_or(3, 1) as u64)
}

fn rounds() -> usize {
    full_or(3, 1)
}

/// One kind of load, a little longer than it is measured.
type Load<'a> = (&'static str, Box<dyn Fn(Duration) -> Vec<Done> + Send + Sync + 'a>);

/// Runs a load, and counts what ends between two looks at the clocks.
fn measure(stage: &Stage, load: &(dyn Fn(Duration) -> Vec<Done> + Send + Sync)) -> Row {
    let time = measured_for();
    thread::scope(|scope| {
        let running = scope.spawn(|| load(WARM + time + TAIL));
        thread::sleep(WARM);
        let before = stage.processes.used();
        thread::sleep(time);
        let after = stage.processes.used();
        Row::of(&running.join().unwrap(), before, after)
    })
}

/// Every load in turn, so many rounds; the median of each number.
fn in_turn(stage: &Stage, loads: &[Load<'_>]) -> Vec<Row> {
    let mut rows = vec![Vec::new(); loads.len()];
    for _ in 0..rounds() {
        for (place, (_, load)) in loads.iter().enumerate() {
            rows[place].push(measure(stage, load));
        }
    }
    rows.iter().map(|rows| median(rows)).collect()
}

fn limit(stage: &Stage, operation: Operation, clients: usize) -> Load<'_> {
    let script = stage.script(operation);
    let run = move |time| stage.pgbench.run(&script, clients, time, None);
    ("pgbench", Box::new(run))
}

fn calls(stage: &Stage, operation: Operation, way: Way, in_flight: usize) -> Load<'_> {
    let name = match way {
        Way::Gateway => "gateway",
        Way::Json => "gateway, JSON",
        Way::Direct => "direct",
    };
    let run = move |time| stage.calls(operation, way).closed(in_flight, time);
    (name, Box::new(run))
}

/// The floors of an operation at 32 in flight (`None` where the promise names none).
struct Floors {
    rate: f64,
    all: Option<f64>,
    gateway: Option<f64>,
}

/// Through the gateway and direct, beside pgbench, at every level.
#[expect(clippy::print_stdout, reason = "the table is what this is for")]
async fn hold(operation: Operation, floors: &Floors) {
    let stage = Stage::arrange().await;
    let mut table = Row::head(operation.name());
    let mut promised = None;
    for in_flight in levels() {
        let loads = [
            limit(&stage, operation, in_flight),
            calls(&stage, operation, Way::Gateway, in_flight),
            calls(&stage, operation, Way::Direct, in_flight),
        ];
        let rows = in_turn(&stage, &loads);
        for ((name, _), row) in loads.iter().zip(&rows) {
            writeln!(table, "{}", row.line(in_flight, name, &rows[0])).unwrap();
        }
        if in_flight == PROMISED {
            promised = Some((rows[0], rows[1]));
        }
    }
    let [gateway, service, postgres] = stage.processes.memory();
    println!(
        "{table}memory: gateway {gateway:.0} MB, service {service:.0} MB, PostgreSQL {postgres:.0} MB"
    );

    let (limit, ours) = promised.unwrap();
    assert_eq!(ours.refused, 0, "{} calls refused", ours.refused);
    let rate = ours.rate / limit.rate;
    if !is_soak() {
        // One second on a busy machine: that it works at all, and is no order of magnitude off.
        assert!(rate > floors.rate / 4.0, "{rate:.2} of pgbench's calls a second");
        return;
    }
    assert!(rate >= floors.rate, "{rate:.2} of pgbench's calls a second");
    let slow = ours.p99.as_secs_f64() / limit.p99.as_secs_f64();
    assert!(slow <= 4.0, "the slowest but one in a hundred takes {slow:.1} times pgbench's");
    if let Some(most) = floors.all {
        let all = ours.all() / limit.postgres;
        assert!(all <= most, "{all:.2} times the processor time of PostgreSQL");
    }
    if let Some(most) = floors.gateway {
        let gateway = ours.gateway / limit.postgres;
        assert!(
            gateway <= most,
            "the gateway: {gateway:.2} times the processor time of PostgreSQL"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn getting_one_costs_what_it_may_beside_pgbench() {
    hold(Operation::Get, &Floors { rate: 0.4, all: Some(2.5), gateway: Some(0.6) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listing_fifty_costs_what_it_may_beside_pgbench() {
    hold(Operation::List, &Floors { rate: 0.5, all: None, gateway: None }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creating_one_costs_what_it_may_beside_pgbench() {
    hold(Operation::Create, &Floors { rate: 0.5, all: None, gateway: None }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_costs_at_most_half_as_much_again_as_grpc() {
    let stage = Stage::arrange().await;
    for operation in [Operation::Get, Operation::List, Operation::Create] {
        let loads = [
            calls(&stage, operation, Way::Gateway, PROMISED),
            calls(&stage, operation, Way::Json, PROMISED),
        ];
        let rows = in_turn(&stage, &loads);
        let times = rows[1].all() / rows[0].all();
        print!("{}", Row::head(operation.name()));
        for ((name, _), row) in loads.iter().zip(&rows) {
            println!("{}", row.line(PROMISED, name, &rows[0]));
        }
        println!("JSON: {times:.2} times the processor time of gRPC");
        assert_eq!(rows[1].refused, 0);
        assert!(times <= if is_soak() { 1.5 } else { 3.0 }, "{}: {times:.2}", operation.name());
    }
}

/// The same rate for both, half of what the mesh can do; each call is timed from when it was due.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_half_the_capacity_hardly_a_call_waits() {
    let stage = Stage::arrange().await;
    let operation = Operation::Get;
    let time = Duration::from_secs(full_or(20, 2) as u64);
    let begun = Instant::now();
    let closed = stage.calls(operation, Way::Gateway).closed(PROMISED, Duration::from_secs(2));
    #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
    let rate = closed.len() as f64 / begun.elapsed().as_secs_f64() / 2.0;

    let ours = row::waits(&stage.calls(operation, Way::Gateway).open(rate, time));
    let limit = row::waits(&stage.pgbench.run(&stage.script(operation), 8, time, Some(rate)));

    println!(
        "at {rate:.0} a second: p50 {:.2?}, p99 {:.2?}; pgbench p50 {:.2?}, p99 {:.2?}",
        ours.0, ours.1, limit.0, limit.1
    );
    let most = if is_soak() { 4 } else { 20 };
    assert!(ours.1 <= most * limit.1.max(Duration::from_millis(1)), "{:?}, {:?}", ours.1, limit.1);
}
