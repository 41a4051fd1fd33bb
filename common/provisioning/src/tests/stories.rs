//! What is found, and what is made of it.

use std::time::Duration;

use linkcast_domain::NanoDollars;
use linkcast_domain::ports::{Change, EndpointStatus, PlaneFault};

use super::plane::{Interruption, MemoryPlane, State, Ticks};
use super::{aim, desired, now, of_model, ordered, realtime, run, serverless};
use crate::{
    Aim, Difference, OWN_DEADLINE, PRICES, Place, Scope, Sign, Stuck, Traffic, diff, estimate, foresee,
    leftovers, observe,
};

const UNWELL: &str = "The primary container did not pass the ping health check.";

fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// A plane on which `first` stands, a day ago.
fn standing<'a>(clock: &'a Ticks, first: &Aim) -> MemoryPlane<'a> {
    let plane = MemoryPlane::new(clock, State::default());
    run(&plane, clock, first, || false).unwrap();
    clock.pass(minutes(1_440));
    MemoryPlane::new(clock, plane.state())
}

#[test]
fn the_same_order_twice_changes_nothing() {
    for hosting in [serverless(2_048), realtime("ml.c7g.large", 5)] {
        let (clock, aim) = (Ticks::default(), aim(&desired("one", hosting)));
        let plane = standing(&clock, &aim);
        run(&plane, &clock, &aim, || false).unwrap();
        assert_eq!(plane.changes(), []);
    }
}

#[test]
fn another_model_is_taken_on_in_place_and_the_old_one_is_cleared_up_afterwards() {
    let (clock, one, two) =
        (Ticks::default(), desired("one", serverless(2_048)), desired("two", serverless(2_048)));
    let plane = standing(&clock, &aim(&one));
    run(&plane, &clock, &aim(&two), || false).unwrap();
    let kinds: Vec<String> = plane.changes().iter().map(Change::attempt).collect();
    assert_eq!(
        kinds,
        [
            format!("create the model {}", two.model),
            format!("create the configuration {}", two.config),
            format!("update the endpoint {} to the configuration {}", two.site.endpoint, two.config),
            format!("delete the configuration {}", one.config),
            format!("delete the model {}", one.model),
        ]
    );
}

#[test]
fn what_is_somebody_elses_is_never_touched() {
    let (clock, wanted) = (Ticks::default(), desired("one", serverless(2_048)));
    for owner in [None, Some("another")] {
        let plane = standing(&clock, &aim(&wanted));
        plane.edit(|state| {
            let tags = &mut state.endpoints.get_mut(&wanted.site.endpoint).unwrap().1;
            tags.remove("linkcast:owner");
            tags.extend(owner.map(|owner| ("linkcast:owner".to_owned(), owner.to_owned())));
        });
        for aim in [aim(&desired("two", serverless(2_048))), Aim::Gone(wanted.site.clone())] {
            let stuck = run(&plane, &clock, &aim, || false).unwrap_err();
            assert!(
                matches!(&stuck, Stuck::Taken { owner: found, .. } if found.as_deref() == owner),
                "{stuck}"
            );
        }
        assert_eq!(plane.changes(), []);
    }
}

#[test]
fn an_endpoint_that_cannot_be_made_is_told_after_the_second_time_with_its_reason() {
    let (clock, wanted) = (Ticks::default(), desired("one", serverless(2_048)));
    let plane = MemoryPlane::new(&clock, State::default())
        .ending(&[(EndpointStatus::Failed, UNWELL), (EndpointStatus::Failed, UNWELL)]);
    let stuck = run(&plane, &clock, &aim(&wanted), || true).unwrap_err();
    assert!(stuck.to_string().contains("health check"), "{stuck}");
    let again = run(&plane, &clock, &aim(&wanted), || true).unwrap_err();
    assert_eq!(again, stuck, "nobody makes it a third time");
    run(&plane, &clock, &Aim::Gone(wanted.site.clone()), || false).unwrap();
    run(&plane, &clock, &aim(&wanted), || false).unwrap();
    let other = MemoryPlane::new(&clock, State::default())
        .ending(&[(EndpointStatus::Failed, UNWELL), (EndpointStatus::Failed, UNWELL)]);
    run(&other, &clock, &aim(&wanted), || true).unwrap_err();
    run(&other, &clock, &aim(&desired("two", serverless(2_048))), || true).unwrap();
}

#[test]
fn a_model_that_is_taken_back_is_told_and_not_tried_for_ever() {
    let (clock, two) = (Ticks::default(), desired("two", serverless(2_048)));
    let plane = standing(&clock, &aim(&desired("one", serverless(2_048))))
        .ending(&[(EndpointStatus::InService, UNWELL)]);
    for _ in 0..3 {
        let stuck = run(&plane, &clock, &aim(&two), || true).unwrap_err();
        assert!(matches!(&stuck, Stuck::RolledBack { config, .. } if *config == two.config), "{stuck}");
    }
    let updates = |plane: &MemoryPlane<'_>| {
        plane.changes().iter().filter(|change| matches!(change, Change::UpdateEndpoint { .. })).count()
    };
    assert_eq!(updates(&plane), 1);
    // What the message says to do.
    let limit = || Duration::from_secs(1);
    let scope = Scope::of_task(&two.site);
    for leftover in now(leftovers(&plane, &scope, &limit)).unwrap() {
        now(linkcast_domain::ports::EndpointPlane::change(&plane, &leftover.removal(), limit())).unwrap();
    }
    run(&plane, &clock, &aim(&two), || true).unwrap();
    assert_eq!(updates(&plane), 2);
}

#[test]
fn an_endpoint_on_its_way_is_waited_for_and_told_when_that_takes_too_long() {
    let (clock, wanted) = (Ticks::default(), desired("one", serverless(2_048)));
    for status in [EndpointStatus::Creating, EndpointStatus::Updating, EndpointStatus::SystemUpdating] {
        let plane = standing(&clock, &aim(&wanted));
        plane.edit(|state| {
            let entry = state.endpoints.get_mut(&wanted.site.endpoint).unwrap();
            (entry.0.status, entry.2) = (status, u32::MAX);
            let now = linkcast_domain::Clock::now(&clock);
            (entry.0.created, entry.0.changed) = (now, now);
        });
        let stuck = run(&plane, &clock, &aim(&desired("two", serverless(2_048))), || true).unwrap_err();
        assert!(matches!(stuck, Stuck::Overdue { since, .. } if since > OWN_DEADLINE), "{stuck}");
        assert_eq!(plane.changes(), []);
    }
}

#[test]
fn a_quota_and_a_refusal_are_told_in_the_platforms_words_and_throttling_is_waited_out() {
    let (clock, aim) = (Ticks::default(), aim(&desired("one", serverless(2_048))));
    let at_first_change = 3;
    for (fault, kind) in [(PlaneFault::Quota, "quota"), (PlaneFault::Refused, "refused")] {
        let plane = MemoryPlane::new(&clock, State::default())
            .interrupted(&[(at_first_change, Interruption::Before(fault))]);
        let stuck = run(&plane, &clock, &aim, || false).unwrap_err();
        assert_eq!(stuck.kind(), kind);
        assert!(!stuck.next_step().is_empty());
        run(&plane, &clock, &aim, || false).unwrap();
    }
    let throttled: Vec<_> = (0..40).map(|at| (at, Interruption::Before(PlaneFault::Throttled))).collect();
    let plane = MemoryPlane::new(&clock, State::default()).interrupted(&throttled);
    run(&plane, &clock, &aim, || false).unwrap();
}

#[test]
fn what_is_shown_before_is_what_is_done() {
    let (clock, one) = (Ticks::default(), desired("one", realtime("ml.c7g.large", 5)));
    let two = aim(&desired("two", realtime("ml.c7g.xlarge", 3)));
    let plane = standing(&clock, &aim(&one));
    let limit = || Duration::from_secs(1);
    let observed = now(observe(&plane, &two, &limit)).unwrap();
    let at = linkcast_domain::Clock::now(&clock);
    let foreseen = foresee(&two, &observed, at).unwrap();
    let lines: Vec<String> = diff(&two, &observed, at).unwrap().iter().map(Difference::line).collect();
    assert!(lines.iter().any(|line| line.contains("1 × ml.c7g.large → 1 × ml.c7g.xlarge")), "{lines:?}");
    assert_eq!(plane.changes(), [], "nothing was done yet");
    run(&plane, &clock, &two, || false).unwrap();
    assert_eq!(plane.changes(), foreseen);
    let observed = now(observe(&plane, &two, &limit)).unwrap();
    assert_eq!(diff(&two, &observed, at).unwrap(), []);
    let first = diff(&aim(&one), &Default::default(), at).unwrap();
    assert!(first.iter().all(|difference| difference.sign == Sign::Add), "{first:?}");
}

#[test]
fn a_sweep_takes_what_nothing_uses_and_leaves_what_is_in_the_making() {
    let (clock, one) = (Ticks::default(), desired("one", serverless(2_048)));
    let address = "s3://bucket/models/lab/link-health/two/model.tar.gz";
    let canary = ordered(of_model("two", "image:1"), serverless(2_048), Place::OfModel { address });
    let plane = standing(&clock, &aim(&one));
    // A canary whose configuration is made and whose endpoint is not yet.
    for change in [canary.create_model(), canary.create_config()] {
        now(linkcast_domain::ports::EndpointPlane::change(&plane, &change, Duration::ZERO)).unwrap();
    }
    let limit = || Duration::from_secs(1);
    let names = |scope: &Scope| -> Vec<String> {
        now(leftovers(&plane, scope, &limit)).unwrap().into_iter().map(|leftover| leftover.name).collect()
    };
    assert_eq!(names(&Scope::of_endpoint(&one.site)), Vec::<String>::new());
    let at = linkcast_domain::Clock::now(&clock);
    assert_eq!(names(&Scope::of_task(&one.site).older_than(at.minus(minutes(60)))), Vec::<String>::new());
    assert_eq!(names(&Scope::of_task(&one.site)), [canary.config.clone(), canary.model.clone()]);
    plane.edit(|state| state.configs.get_mut(&canary.config).unwrap().1.clear());
    assert_eq!(names(&Scope::of_task(&one.site)), Vec::<String>::new(), "what is not ours keeps its model");
    run(&plane, &clock, &Aim::Gone(one.site.clone()), || false).unwrap();
    assert_eq!(plane.state().models.keys().collect::<Vec<_>>(), [&canary.model]);
}

#[test]
fn an_estimate_says_what_a_thousand_requests_and_a_month_cost() {
    let traffic = Traffic { request_ms: 50, requests_a_month: 2_000_000 };
    let of = |hosting, given| {
        let desired = desired("one", hosting);
        estimate((&desired.machines, desired.scaling), traffic, &PRICES, given)
    };
    let serverless = of(serverless(4_096), None);
    // 4 GB × 0.05 s × 1,000 × 0.00002 dollars.
    assert_eq!(serverless.thousand_requests, Some(NanoDollars(4_000_000)));
    assert_eq!(serverless.month, Some(NanoDollars(8_000_000_000)));
    let machines = of(realtime("ml.m5.large", 5), None);
    assert_eq!(
        (machines.hour_min, machines.hour_max),
        (Some(NanoDollars(115_000_000)), Some(NanoDollars(575_000_000)))
    );
    assert_eq!(machines.month, Some(NanoDollars(83_950_000_000)));
    assert_eq!(of(realtime("ml.p9.huge", 1), None).month, None, "no price is made up");
    assert_eq!(of(realtime("ml.p9.huge", 1), Some(NanoDollars(1))).month, Some(NanoDollars(730)));
}
