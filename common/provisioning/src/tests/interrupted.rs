//! Interrupted at each call there is, in each way, and continued by the same process or another: the end is the same.

use linkcast_domain::ports::{Change, EndpointStatus, PlaneFault};

use super::plane::{End, Interruption, MemoryPlane, State, Ticks};
use super::{aim, desired, realtime, run, serverless};
use crate::Aim;

/// Every way to interrupt a call, and whether another process goes on.
const WAYS: [(Interruption, bool); 6] = [
    (Interruption::Before(PlaneFault::Unanswered), false),
    (Interruption::Before(PlaneFault::Unanswered), true),
    (Interruption::Before(PlaneFault::Throttled), false),
    (Interruption::Before(PlaneFault::InProgress), true),
    (Interruption::After, false),
    (Interruption::After, true),
];

fn after(steps: &[&Aim]) -> State {
    let (clock, mut state) = (Ticks::default(), State::default());
    for step in steps {
        let plane = MemoryPlane::new(&clock, state);
        run(&plane, &clock, step, || false).unwrap();
        state = plane.state();
    }
    state
}

/// Runs `aim` from `before`, interrupted at each call in each way; gives the end and how many runs there were.
fn tried_everywhere(before: &State, aim: &Aim, ends: &[(EndpointStatus, &'static str)]) -> (End, usize) {
    let clock = Ticks::default();
    clock.pass(std::time::Duration::from_secs(86_400));
    let undisturbed = MemoryPlane::new(&clock, before.clone()).ending(ends);
    run(&undisturbed, &clock, aim, || false).unwrap();
    let (end, calls) = (undisturbed.end(), undisturbed.calls());
    let most =
        undisturbed.changes().iter().filter(|change| matches!(change, Change::CreateEndpoint { .. })).count();
    let mut runs = 0;
    for at in 0..calls {
        for (how, is_anew) in WAYS {
            let clock = Ticks::default();
            clock.pass(std::time::Duration::from_secs(86_400));
            let plane = MemoryPlane::new(&clock, before.clone()).ending(ends).interrupted(&[(at, how)]);
            run(&plane, &clock, aim, || is_anew).unwrap_or_else(|stuck| panic!("{at} {how:?}: {stuck}"));
            assert_eq!(plane.end(), end, "interrupted at call {at}, {how:?}, another process: {is_anew}");
            let changes = plane.changes();
            let made =
                changes.iter().filter(|change| matches!(change, Change::CreateEndpoint { .. })).count();
            assert!(made <= most, "interrupted at call {at}, {how:?}: {changes:?}");
            runs += 1;
        }
    }
    (end, runs)
}

#[test]
fn made_changed_and_taken_away_it_ends_the_same_wherever_it_is_interrupted() {
    let first = aim(&desired("one", serverless(2_048)));
    let other_model = aim(&desired("two", serverless(2_048)));
    let other_memory = aim(&desired("one", serverless(4_096)));
    let gone = Aim::Gone(first.site().clone());
    let nothing = State::default();
    let (end, runs) = tried_everywhere(&nothing, &first, &[]);
    assert_eq!((end.models.len(), end.configs.len(), end.endpoints.len()), (1, 1, 1));
    assert!(runs > 100, "{runs}");
    let there = after(&[&first]);
    let (updated, _) = tried_everywhere(&there, &other_model, &[]);
    assert_eq!((updated.models.len(), updated.configs.len()), (1, 1), "nothing is left over");
    assert_ne!(updated.models, end.models);
    let (resized, _) = tried_everywhere(&there, &other_memory, &[]);
    assert_eq!(resized.models, end.models, "the model stays");
    assert_ne!(resized.configs, end.configs);
    let (empty, _) = tried_everywhere(&there, &gone, &[]);
    assert!(empty.models.is_empty() && empty.configs.is_empty() && empty.endpoints.is_empty());
}

#[test]
fn so_do_machines_that_always_run_and_scale() {
    let (one, five) = (
        aim(&desired("one", realtime("ml.c7g.large", 1))),
        aim(&desired("one", realtime("ml.c7g.large", 5))),
    );
    let larger = aim(&desired("two", realtime("ml.c7g.xlarge", 5)));
    let (end, _) = tried_everywhere(&State::default(), &five, &[]);
    let name = five.site().endpoint.clone();
    assert_eq!(end.scaling.get(&name), Some(&((1, 5), Some(600))));
    let (end, _) = tried_everywhere(&after(&[&five]), &larger, &[]);
    assert_eq!(end.scaling.get(&name), Some(&((1, 5), Some(600))), "it scales again on other machines");
    let (end, _) = tried_everywhere(&after(&[&five]), &one, &[]);
    assert!(end.scaling.is_empty());
    let (end, _) = tried_everywhere(&after(&[&five]), &Aim::Gone(five.site().clone()), &[]);
    assert!(end.scaling.is_empty() && end.endpoints.is_empty());
}

#[test]
fn an_endpoint_that_fails_once_is_made_again_once_wherever_it_is_interrupted() {
    let aim = aim(&desired("one", serverless(2_048)));
    let fails = [(EndpointStatus::Failed, "The primary container did not pass the ping health check.")];
    let (end, _) = tried_everywhere(&State::default(), &aim, &fails);
    assert_eq!(end.endpoints.values().next().map(|endpoint| endpoint.1), Some(EndpointStatus::InService));
}

#[test]
fn two_interruptions_in_one_update_change_nothing_either() {
    let (first, other) = (aim(&desired("one", serverless(2_048))), aim(&desired("two", serverless(2_048))));
    let before = after(&[&first]);
    let run_with = |interruptions: &[(usize, Interruption)]| {
        let clock = Ticks::default();
        clock.pass(std::time::Duration::from_secs(86_400));
        let plane = MemoryPlane::new(&clock, before.clone()).interrupted(interruptions);
        run(&plane, &clock, &other, || true).unwrap();
        (plane.end(), plane.calls())
    };
    let (end, calls) = run_with(&[]);
    for one in 0..calls {
        for other in one + 1..calls + 8 {
            for how in [Interruption::Before(PlaneFault::Unanswered), Interruption::After] {
                assert_eq!(run_with(&[(one, how), (other, Interruption::After)]).0, end, "{one} and {other}");
            }
        }
    }
}
