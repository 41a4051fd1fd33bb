//! What happens in a fabric, and what people are told of it.

use std::time::Duration;

use linkcast_domain::ports::{Lookup, MaintenanceScope, MaintenanceWindow};
use linkcast_domain::{
    AlertState, Cause, ConditionState, PortFacts, PortId, PortState, PredictionType, StreamId,
};
use linkcast_telemetry::Counter;

use super::doubles::now;
use super::fabric::{Desk, LEAF, LINKS, Lab, host, leaf, streams};
use crate::Sweep;

const MINUTE: usize = 2;
const LOSS: Cause = Cause::Predicted(PredictionType::PacketLossDetected);

fn quiet(_: &mut Lab) {}

fn losing(ports: &[PortId]) -> impl FnMut(&mut Lab) {
    move |lab| ports.iter().for_each(|port| lab.port(*port).add(Counter::RcvErrors, 500))
}

fn window(scope: MaintenanceScope, lab: &Lab, minutes: (u64, u64)) -> MaintenanceWindow {
    let at = |minutes: u64| lab.time.plus(Duration::from_secs(minutes * 60));
    MaintenanceWindow {
        id: "w".into(),
        scope,
        from: at(minutes.0),
        until: at(minutes.1),
        note: String::new(),
    }
}

#[test]
fn a_healthy_fabric_is_not_spoken_of() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    desk.watch(&mut lab, 60 * MINUTE, quiet);
    assert_eq!(desk.messages(), []);
    assert_eq!(desk.tally.samples, 8 * (60 * 2 - 1));
    assert_eq!((desk.tally.firsts, desk.tally.stale, desk.tally.doubts, desk.tally.opened), (8, 0, 0, 0));
}

#[test]
fn a_fault_opens_after_enough_samples_stays_one_alert_and_resolves_after_the_stable_time() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    desk.watch(&mut lab, 30 * MINUTE, quiet);
    desk.watch(&mut lab, 4, losing(&[leaf(1)]));
    assert_eq!(desk.tally.opened, 0, "a minute and a half is not yet trouble");
    desk.watch(&mut lab, 1, losing(&[leaf(1)]));
    assert_eq!(
        (desk.tally.opened, desk.messages().len()),
        (1, 0),
        "two minutes are, and wait for their neighbours"
    );
    desk.watch(&mut lab, 60 * MINUTE, losing(&[leaf(1)]));
    let messages = desk.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!((messages[0].alert.cause, messages[0].alert.state), (LOSS, AlertState::Firing));
    assert_eq!(messages[0].alert.streams, streams(&[leaf(1)]));
    assert!(messages[0].alert.summary.contains("the rule says"), "{}", messages[0].alert.summary);
    assert_eq!(messages[0].alert.insights.len(), 1);
    let recovered = lab.time;
    desk.watch(&mut lab, 15 * MINUTE - 1, quiet);
    assert_eq!(desk.messages().len(), 1, "it has not been clear for long enough");
    desk.watch(&mut lab, 30 * MINUTE, quiet);
    let messages = desk.messages();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[1].alert.state, AlertState::Resolved);
    assert_eq!(messages[1].alert.alert_id, messages[0].alert.alert_id);
    let clear = messages[1].alert.updated.since(recovered);
    assert!(clear >= Duration::from_secs(15 * 60) && clear <= Duration::from_secs(21 * 60), "{clear:?}");
    let condition = &now(desk.store.conditions(None)).unwrap()[0];
    assert_eq!(
        (condition.state, condition.resolved),
        (ConditionState::Resolved, Some(messages[1].alert.updated))
    );
}

#[test]
fn a_fault_that_comes_back_within_the_stable_time_is_the_same_alert() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    desk.watch(&mut lab, 10 * MINUTE, quiet);
    for _ in 0..4 {
        desk.watch(&mut lab, 5 * MINUTE, losing(&[leaf(1)]));
        desk.watch(&mut lab, 12 * MINUTE, quiet);
    }
    assert_eq!((desk.count(AlertState::Firing), desk.count(AlertState::Resolved)), (1, 0));
}

#[test]
fn one_bad_sample_is_no_trouble() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    desk.watch(&mut lab, 10 * MINUTE, quiet);
    desk.watch(&mut lab, 1, |lab| lab.port(leaf(1)).add(Counter::LinkErrorRecoveries, 1));
    desk.watch(&mut lab, 60 * MINUTE, quiet);
    assert_eq!((desk.tally.opened, desk.messages().len()), (0, 0));
    assert!(
        now(desk.store.conditions(None)).unwrap().iter().all(|one| one.state == ConditionState::Resolved)
    );
}

#[test]
fn both_ends_of_a_link_are_one_alert() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    let ends = [leaf(2), host(2)];
    desk.watch(&mut lab, 10 * MINUTE, quiet);
    desk.watch(&mut lab, 20 * MINUTE, losing(&ends));
    let messages = desk.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0].alert.streams, streams(&ends));
    assert!(messages[0].alert.group.starts_with("link:"), "{}", messages[0].alert.group);
}

#[test]
fn an_end_that_follows_later_joins_its_links_alert() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    desk.watch(&mut lab, 10 * MINUTE, quiet);
    desk.watch(&mut lab, 20 * MINUTE, losing(&[leaf(2)]));
    desk.watch(&mut lab, 20 * MINUTE, losing(&[leaf(2), host(2)]));
    let messages = desk.messages();
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[0].alert.alert_id, messages[1].alert.alert_id);
    assert_ne!(messages[0].id, messages[1].id);
    assert_eq!(messages[1].alert.streams, streams(&[leaf(2), host(2)]));
}

#[test]
fn several_ports_of_a_switch_are_one_alert_and_two_are_not() {
    let check = |ports: &[PortId], alerts: usize| {
        let (mut lab, mut desk) = (Lab::new(), Desk::new());
        desk.watch(&mut lab, 10 * MINUTE, quiet);
        desk.watch(&mut lab, 20 * MINUTE, losing(ports));
        assert_eq!(desk.messages().len(), alerts, "{:?}", desk.messages());
        desk.messages()
    };
    check(&[leaf(1), leaf(2)], 2);
    let told = check(&[leaf(1), leaf(2), leaf(3), host(3)], 1);
    assert_eq!(told[0].alert.group, format!("node:{LEAF}"));
    assert_eq!(told[0].alert.streams, streams(&[leaf(1), leaf(2), leaf(3), host(3)]));
}

/// The host is gone, its link down; then it is back with fresh counters.
fn reboot(lab: &mut Lab, desk: &mut Desk, sweeps: usize) {
    lab.port(leaf(1)).add(Counter::LinkDowned, 1);
    for port in [leaf(1), host(1)] {
        lab.port(port).traffic = 0;
    }
    lab.port(host(1)).is_listed = false;
    lab.port(leaf(1)).facts.state = Some(PortState::Down);
    desk.watch(lab, sweeps, quiet);
}

#[test]
fn a_restart_of_a_host_is_not_told() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    desk.watch(&mut lab, 60 * MINUTE, quiet);
    reboot(&mut lab, &mut desk, 15 * MINUTE);
    for port in [leaf(1), host(1)] {
        lab.port(port).traffic = 40_000_000_000;
        lab.port(port).facts.state = Some(PortState::Active);
        lab.port(port).is_listed = true;
    }
    lab.port(host(1)).reset();
    desk.watch(&mut lab, 120 * MINUTE, quiet);
    assert_eq!(desk.messages(), []);
    assert_eq!((desk.tally.opened, desk.tally.reboots), (0, 1));
}

#[test]
fn a_host_that_does_not_come_back_is_told_once() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    desk.watch(&mut lab, 60 * MINUTE, quiet);
    reboot(&mut lab, &mut desk, 40 * MINUTE);
    let messages = desk.messages();
    let last = messages.last().unwrap();
    assert!(messages.iter().all(|message| message.alert.alert_id == last.alert.alert_id), "{messages:?}");
    assert_eq!(last.alert.streams, streams(&[leaf(1), host(1)]));
    let conditions = now(desk.store.conditions(None)).unwrap();
    let cause = |port: PortId| {
        let stream = StreamId::from(port);
        conditions.iter().filter(|one| one.stream == stream).map(|one| one.cause).collect::<Vec<_>>()
    };
    assert_eq!(cause(host(1)), [Cause::SeriesMissing]);
    assert_eq!(cause(leaf(1)), [Cause::Predicted(PredictionType::ConnectionInstability)]);
}

#[test]
fn announced_work_is_not_told_and_what_outlasts_it_is() {
    let mut lab = Lab::new();
    let work = window(MaintenanceScope::Node(LEAF), &lab, (10, 40));
    let until = work.until;
    let mut desk = Desk::with_windows(&[work]);
    desk.watch(&mut lab, 12 * MINUTE, quiet);
    desk.watch(&mut lab, 20 * MINUTE, losing(&[leaf(1), host(2)]));
    desk.watch(&mut lab, 7 * MINUTE, losing(&[leaf(1)]));
    assert_eq!(desk.messages(), []);
    assert_eq!((desk.tally.opened, desk.tally.suppressed), (0, 2));
    desk.watch(&mut lab, 10 * MINUTE, losing(&[leaf(1)]));
    let messages = desk.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0].alert.streams, streams(&[leaf(1)]));
    assert!(messages[0].alert.opened > until);
}

#[test]
fn a_port_that_work_left_behind_missing_is_told_when_the_work_is_over() {
    let mut lab = Lab::new();
    let mut desk = Desk::with_windows(&[window(MaintenanceScope::Fabric, &lab, (10, 60))]);
    desk.watch(&mut lab, 20 * MINUTE, quiet);
    lab.port(leaf(3)).is_listed = false;
    desk.watch(&mut lab, 39 * MINUTE, quiet);
    assert_eq!((desk.messages().len(), desk.tally.suppressed), (0, 1));
    desk.watch(&mut lab, 5 * MINUTE, quiet);
    let messages = desk.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0].alert.cause, Cause::SeriesMissing);
}

#[test]
fn a_port_that_was_never_up_is_no_trouble() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    let port = lab.port(leaf(4));
    (port.facts, port.traffic) = (PortFacts { state: Some(PortState::Down), ..port.facts.clone() }, 0);
    desk.watch(&mut lab, 60 * MINUTE, |lab| {
        lab.port(leaf(4)).add(Counter::LinkErrorRecoveries, 3);
        lab.port(leaf(4)).add(Counter::LinkDowned, 1);
    });
    lab.port(leaf(4)).is_listed = false;
    desk.watch(&mut lab, 60 * MINUTE, quiet);
    assert_eq!((desk.messages().len(), desk.tally.opened), (0, 0));
}

#[test]
fn a_port_its_source_no_longer_lists_is_missing_until_it_is_back() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    desk.watch(&mut lab, 10 * MINUTE, quiet);
    lab.port(leaf(3)).is_listed = false;
    desk.watch(&mut lab, 3 * MINUTE, quiet);
    assert_eq!(desk.tally.opened, 0);
    desk.watch(&mut lab, 10 * MINUTE, quiet);
    assert_eq!(desk.messages().len(), 1);
    assert_eq!(desk.messages()[0].alert.cause, Cause::SeriesMissing);
    lab.port(leaf(3)).is_listed = true;
    desk.watch(&mut lab, MINUTE, quiet);
    assert_eq!(desk.count(AlertState::Resolved), 1);
}

#[test]
fn a_silent_source_is_one_alert_and_its_ports_are_none() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    let hosts = |port: PortId| port.node != LEAF;
    let both = |lab: &mut Lab, desk: &mut Desk, minutes: usize, answers: bool| {
        for _ in 0..minutes * MINUTE {
            lab.step();
            let sweep = lab.sweep("leaf", |port| !hosts(port));
            desk.take(&sweep);
            let sweep = lab.sweep("hosts", |port| answers && hosts(port));
            desk.take(&sweep);
        }
    };
    both(&mut lab, &mut desk, 20, true);
    both(&mut lab, &mut desk, 60, false);
    let messages = desk.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(
        (messages[0].alert.cause, messages[0].alert.group.as_str()),
        (Cause::SourceSilent, "source:hosts")
    );
    both(&mut lab, &mut desk, 60, true);
    assert_eq!((desk.count(AlertState::Firing), desk.count(AlertState::Resolved)), (1, 1));
    assert_eq!(desk.tally.opened, 1, "no port was called missing when its source came back");
}

#[test]
fn a_source_of_facts_alone_is_never_silent() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    let facts = lab.ports.iter().map(|(id, port)| ((*id).into(), port.facts.clone())).collect();
    let topology =
        Sweep { source: "topology".into(), position: 1, time: lab.time, facts, ..Sweep::default() };
    desk.take(&topology);
    desk.watch(&mut lab, 60 * MINUTE, quiet);
    assert_eq!((desk.tally.opened, desk.messages().len()), (0, 0));
}

#[test]
fn counters_that_were_reset_are_no_trouble() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    desk.watch(&mut lab, 20 * MINUTE, |lab| {
        (1..=LINKS).for_each(|link| lab.port(leaf(link)).add(Counter::XmitWait, 9));
    });
    lab.ports.values_mut().for_each(super::fabric::Port::reset);
    desk.watch(&mut lab, 20 * MINUTE, quiet);
    assert_eq!((desk.tally.opened, desk.messages().len()), (0, 0));
    assert!(desk.tally.scored > 0, "a reset is worth an insight");
}

#[test]
fn the_recovery_of_one_cause_does_not_clear_another() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    desk.watch(&mut lab, 10 * MINUTE, quiet);
    desk.watch(&mut lab, 5 * MINUTE, losing(&[leaf(1)]));
    lab.port(leaf(1)).is_listed = false;
    desk.watch(&mut lab, 5 * MINUTE, quiet);
    lab.port(leaf(1)).is_listed = true;
    desk.watch(&mut lab, MINUTE, losing(&[leaf(1)]));
    let state = |desk: &Desk, cause| {
        let conditions = now(desk.store.conditions(None)).unwrap();
        conditions.into_iter().find(|one| one.cause == cause).map(|one| one.state)
    };
    assert_eq!(state(&desk, Cause::SeriesMissing), Some(ConditionState::Resolved));
    assert_eq!(state(&desk, LOSS), Some(ConditionState::Open));
    assert_eq!(desk.count(AlertState::Resolved), 0, "{:?}", desk.messages());
}

#[test]
fn a_sweep_given_again_changes_nothing() {
    let (mut lab, mut desk, mut again) = (Lab::new(), Desk::new(), Desk::new());
    for number in 0..60 {
        lab.step();
        if number > 20 {
            lab.port(leaf(1)).add(Counter::RcvErrors, 500);
        }
        let sweep = lab.sweep("scrape", |_| true);
        desk.take(&sweep);
        (0..3).for_each(|_| again.take(&sweep));
    }
    assert_eq!(again.tally, desk.tally);
    assert_eq!(again.messages(), desk.messages());
    assert!(!desk.messages().is_empty());
    assert_eq!(format!("{:?}", again.store), format!("{:?}", desk.store));
}

#[test]
fn what_still_waits_for_its_neighbours_is_told_when_the_input_ends() {
    let (mut lab, mut desk) = (Lab::new(), Desk::new());
    desk.watch(&mut lab, 10 * MINUTE, quiet);
    desk.watch(&mut lab, 5, losing(&[leaf(1)]));
    assert_eq!(desk.messages().len(), 0);
    now(desk.pipeline.finish(lab.time)).unwrap();
    assert_eq!(desk.messages().len(), 1);
}
