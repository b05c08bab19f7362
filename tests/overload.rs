//! Twice the load that the mesh can take: what it admits stays quick, and the rest hears so at once.

mod cores;
mod load;

use std::time::{Duration, Instant};

use crate::{attacks::victim::Victim, counts::is_soak};
use cores::Cores;
use load::{Outcome, Request};

const LIST: &str = "/devsphere.crm.v1.LeadService/ListLeads";

/// Callers of the closed loops that find the capacity.
const CALLERS: [usize; 4] = [2, 4, 8, 16];

fn percentile(took: &mut [Duration], share: f64) -> Duration {
    took.sort();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let place = (took.len() as f64 * share) as usize;
    took[place.min(took.len() - 1)]
}

fn took(outcomes: &[Outcome], admitted: bool) -> Vec<Duration> {
    outcomes.iter().filter(|one| one.admitted == admitted).map(|one| one.took).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a count of calls")]
fn rate(calls: usize, time: Duration) -> f64 {
    calls as f64 / time.as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_twice_the_capacity_what_is_admitted_is_quick_and_the_rest_is_refused_at_once() {
    let victim = Victim::start(&[]).await;
    let _cores = Cores::share(victim.pid());
    let request = Request::new(victim.address, LIST, &victim.bearer, b"");
    let short = Duration::from_secs(2);
    request.closed(1, short).await;

    let mut idle = took(&request.closed(1, short).await, true);
    let (idle_median, idle_p99) = (percentile(&mut idle, 0.5), percentile(&mut idle, 0.99));
    let mut capacity = 0.0_f64;
    for callers in CALLERS {
        let done = took(&request.closed(callers, short).await, true);
        capacity = capacity.max(rate(done.len(), short));
    }

    let time = Duration::from_secs(if is_soak() { 60 } else { 10 });
    let outcomes = request.open(2.0 * capacity, time).await;
    let ended = Instant::now();
    let (mut admitted, mut refused) = (took(&outcomes, true), took(&outcomes, false));
    let goodput = rate(admitted.len(), time);
    let admitted_p99 = percentile(&mut admitted, 0.99);
    let refused_p99 = percentile(&mut refused, 0.99);
    let recovered = loop {
        let mut now = took(&request.closed(1, Duration::from_millis(200)).await, true);
        if !now.is_empty() && percentile(&mut now, 0.5) < 2 * idle_median {
            break ended.elapsed();
        }
        assert!(ended.elapsed() < Duration::from_secs(60), "never back to normal");
    };

    println!(
        "idle: median {idle_median:.2?}, p99 {idle_p99:.2?}; capacity {capacity:.0}/s\n\
         at {:.0}/s: {goodput:.0}/s admitted, median {:.2?}, p99 {admitted_p99:.2?}; \
         {} refused, median {:.2?}, p99 {refused_p99:.2?}; normal again after {recovered:.2?}",
        2.0 * capacity,
        percentile(&mut admitted, 0.5),
        refused.len(),
        percentile(&mut refused, 0.5),
    );
    // Ten seconds are soon disturbed: the promise itself is held to in a soak.
    let (times, share, soon) = if is_soak() { (5, 0.9, 20) } else { (15, 0.7, 60) };
    assert!(admitted_p99 < times * idle_p99, "{admitted_p99:?} against {idle_p99:?}");
    assert!(goodput >= share * capacity, "{goodput} of {capacity} a second");
    assert!(refused_p99 < Duration::from_millis(soon), "{refused_p99:?}");
    assert!(recovered < Duration::from_secs(5), "{recovered:?}");
}
