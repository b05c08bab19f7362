//! Twice the load that the mesh can take: what it admits stays quick, and the rest hears so at once.

mod load;

use std::time::{Duration, Instant};

use crate::{attacks::victim::Victim, cores::Cores, counts::is_soak};
use load::{Outcome, Request};

const LIST: &str = "/devsphere.crm.v1.LeadService/ListLeads";

/// Leads that a list begins with: what a page of a client shows.
const PAGE: usize = 50;

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

/// What the mesh can take.
struct Normal {
    callers: usize,
    idle_median: Duration,
    idle_p99: Duration,
}

impl Normal {
    async fn of(request: &Request) -> Self {
        let time = Duration::from_secs(2);
        request.closed(1, time).await;
        let mut idle = took(&request.closed(1, time).await, true);
        let (idle_median, idle_p99) = (percentile(&mut idle, 0.5), percentile(&mut idle, 0.99));
        let mut best = (0.0, 1);
        for callers in CALLERS {
            let rate = capacity(request, callers, Duration::from_secs(1)).await;
            if rate > best.0 {
                best = (rate, callers);
            }
        }
        Self { callers: best.1, idle_median, idle_p99 }
    }
}

/// Calls a second that so many callers get answered.
async fn capacity(request: &Request, callers: usize, time: Duration) -> f64 {
    rate(took(&request.closed(callers, time).await, true).len(), time)
}

#[tokio::test(flavor = "multi_thread")]
async fn at_twice_the_capacity_what_is_admitted_is_quick_and_the_rest_is_refused_at_once() {
    let cores = Cores::measured();
    let victim = Victim::start(&[]).await;
    victim.add_leads(PAGE).await;
    cores.load();
    let request = Request::new(victim.address, LIST, &victim.bearer, b"");
    let Normal { callers, idle_median, idle_p99 } = Normal::of(&request).await;
    let time = Duration::from_secs(if is_soak() { 60 } else { 10 });

    // Half before and half after: a machine is not equally quick all the time.
    let before = capacity(&request, callers, time / 2).await;
    let outcomes = request.open(2.0 * before, time).await;
    let ended = Instant::now();
    let recovered = loop {
        let mut now = took(&request.closed(1, Duration::from_millis(200)).await, true);
        if !now.is_empty() && percentile(&mut now, 0.5) < 2 * idle_median {
            break ended.elapsed();
        }
        assert!(ended.elapsed() < Duration::from_secs(60), "never back to normal");
    };
    let after = capacity(&request, callers, time / 2).await;
    let capacity = f64::midpoint(before, after);

    let (mut admitted, mut refused) = (took(&outcomes, true), took(&outcomes, false));
    let share = rate(admitted.len(), time) / capacity;
    let admitted_p99 = percentile(&mut admitted, 0.99);
    let refused_p99 = percentile(&mut refused, 0.99);
    println!(
        "idle: median {idle_median:.2?}, p99 {idle_p99:.2?}; capacity {before:.0}/s before, \
         {after:.0}/s after, of {callers} callers\n\
         at {:.0}/s: {share:.3} of it admitted, median {:.2?}, p99 {admitted_p99:.2?}; \
         {} refused, median {:.2?}, p99 {refused_p99:.2?}; normal again after {recovered:.2?}",
        2.0 * before,
        percentile(&mut admitted, 0.5),
        refused.len(),
        percentile(&mut refused, 0.5),
    );
    // Ten seconds are soon disturbed: the promise itself is held to in a soak.
    let (times, least, soon) = if is_soak() { (5, 0.9, 20) } else { (10, 0.7, 40) };
    assert!(admitted_p99 < times * idle_p99, "{admitted_p99:?} against {idle_p99:?}");
    assert!(share >= least, "{share:.3} of {capacity:.0} a second");
    assert!(refused_p99 < Duration::from_millis(soon), "{refused_p99:?}");
    assert!(recovered < Duration::from_secs(5), "{recovered:?}");
}
