//! One line of the table: what was measured of one kind of load.

use std::{fmt::Write as _, time::Duration};

use hdrhistogram::Histogram;

use super::{load::Done, usage::Used};

/// Processor time is in microseconds a call.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub rate: f64,
    pub p50: Duration,
    pub p99: Duration,
    pub gateway: f64,
    pub service: f64,
    pub postgres: f64,
    pub refused: usize,
}

impl Row {
    /// Of what ended between two looks.
    #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
    pub fn of(done: &[Done], before: Used, after: Used) -> Self {
        let within = done.iter().filter(|done| (before.at..after.at).contains(&done.at)).copied();
        let (well, refused): (Vec<_>, Vec<_>) = within.partition(|done| done.well);
        let calls = well.len().max(1) as f64;
        let each = |after: Duration, before: Duration| (after - before).as_secs_f64() * 1e6 / calls;
        let (p50, p99) = waits(&well);
        Self {
            rate: calls / (after.at - before.at).as_secs_f64(),
            p50,
            p99,
            gateway: each(after.gateway, before.gateway),
            service: each(after.service, before.service),
            postgres: each(after.postgres, before.postgres),
            refused: refused.len(),
        }
    }

    /// Of gateway, service and PostgreSQL together.
    pub fn all(&self) -> f64 {
        self.gateway + self.service + self.postgres
    }

    /// What stands above.
    pub fn head(operation: &str) -> String {
        let mut head = String::new();
        writeln!(
            head,
            "{operation:<11} {:>13} {:>8} {:>6} {:>9} {:>9} {:>8} {:>8} {:>8} {:>6} {:>7}",
            "in flight",
            "calls/s",
            "share",
            "p50",
            "p99",
            "gateway",
            "service",
            "postgres",
            "times",
            "refused"
        )
        .unwrap();
        head
    }

    /// Beside the limit: the share of its calls, and the multiple of PostgreSQL's time there.
    pub fn line(&self, in_flight: usize, name: &str, limit: &Self) -> String {
        let micros = |wait: Duration| format!("{} µs", wait.as_micros());
        format!(
            "{name:<14} {in_flight:>10} {:>8.0} {:>6.2} {:>9} {:>9} {:>5.0} µs {:>5.0} µs {:>5.0} µs {:>6.2} {:>7}",
            self.rate,
            self.rate / limit.rate,
            micros(self.p50),
            micros(self.p99),
            self.gateway,
            self.service,
            self.postgres,
            self.all() / limit.postgres,
            self.refused,
        )
    }
}

/// The median of each number.
pub fn median(rows: &[Row]) -> Row {
    fn middle<T: Copy>(
        rows: &[Row],
        of: impl Fn(&Row) -> T,
        order: impl Fn(&T, &T) -> std::cmp::Ordering,
    ) -> T {
        let mut values: Vec<T> = rows.iter().map(of).collect();
        values.sort_by(order);
        values[values.len() / 2]
    }
    let number = |of: fn(&Row) -> f64| middle(rows, of, f64::total_cmp);
    let wait = |of: fn(&Row) -> Duration| middle(rows, of, Duration::cmp);
    Row {
        rate: number(|row| row.rate),
        p50: wait(|row| row.p50),
        p99: wait(|row| row.p99),
        gateway: number(|row| row.gateway),
        service: number(|row| row.service),
        postgres: number(|row| row.postgres),
        refused: rows.iter().map(|row| row.refused).sum(),
    }
}

/// The median wait, and that of the slowest but one in a hundred.
pub fn waits(done: &[Done]) -> (Duration, Duration) {
    let mut waits = Histogram::<u64>::new(3).unwrap();
    for done in done {
        waits.record(done.took.as_micros().try_into().unwrap()).unwrap();
    }
    let at = |share| Duration::from_micros(waits.value_at_quantile(share));
    (at(0.5), at(0.99))
}
