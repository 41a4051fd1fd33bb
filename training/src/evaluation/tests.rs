//! Hand-made cases, each small enough to count on one's fingers.

use std::collections::BTreeMap;

use linkcast_domain::{BenignKind, Episode, EpisodeKind, PredictionType, StreamId, Timestamp};

use super::{
    Budget, EventReport, Peers, RaisedAlert, ScoredAlert, Watch, budget_curve, evaluate_events, lead_curves,
    missed_faults, select_threshold,
};
use PredictionType::{ConnectionInstability, PacketLossDetected};

const WATCH: Watch =
    Watch { ports: 2000, weeks: 2.0, budget: Budget { alerts_per_thousand_ports_a_week: 1.0 } };

fn minute(minute: i64) -> Timestamp {
    Timestamp::from_millis(minute * 60_000)
}

fn stream(name: &str) -> StreamId {
    name.parse().unwrap()
}

fn episode(id: u64, kind: EpisodeKind, streams: &[&str], (onset, impact, end): (i64, i64, i64)) -> Episode {
    Episode {
        id,
        kind,
        streams: streams.iter().map(|name| stream(name)).collect(),
        onset: minute(onset),
        impact: minute(impact),
        end: minute(end),
        cause: "made by hand".into(),
        shown: None,
    }
}

fn loss(id: u64, name: &str, times: (i64, i64, i64)) -> Episode {
    episode(id, EpisodeKind::Fault(PacketLossDetected), &[name], times)
}

fn alert(name: &str, at: i64, class: PredictionType) -> RaisedAlert {
    RaisedAlert { streams: vec![stream(name)], opened: minute(at), class: Some(class) }
}

fn evaluate(episodes: &[Episode], alerts: &[RaisedAlert]) -> EventReport {
    evaluate_events(episodes, alerts, &Peers::new(), WATCH)
}

#[test]
fn the_first_alert_finds_a_fault_and_further_ones_repeat_it() {
    let episodes = [loss(1, "a/1", (100, 200, 260))];
    let alerts = [120, 150, 250].map(|at| alert("a/1", at, PacketLossDetected));
    let report = evaluate(&episodes, &alerts);
    assert_eq!((report.found, report.repeated, report.false_alerts), (1, 2, 0));
    assert_eq!((report.precision, report.recall), (Some(1.0), Some(1.0)));
    let of_type = report.types.iter().find(|of_type| of_type.class == PacketLossDetected).unwrap();
    assert_eq!(of_type.median_lead_s, Some(80.0 * 60.0));
    assert_eq!(of_type.median_delay_s, Some(20.0 * 60.0));
}

#[test]
fn an_alert_after_impact_finds_but_gives_no_lead() {
    let report = evaluate(&[loss(1, "a/1", (100, 200, 260))], &[alert("a/1", 210, PacketLossDetected)]);
    let of_type = report.types.iter().find(|of_type| of_type.class == PacketLossDetected).unwrap();
    assert_eq!((of_type.found, of_type.found_before_impact, of_type.median_lead_s), (1, 0, None));
}

#[test]
fn an_alert_too_early_too_late_or_elsewhere_is_false() {
    let episodes = [loss(1, "a/1", (100, 200, 260))];
    let alerts =
        [("a/1", 99), ("a/1", 291), ("b/1", 150)].map(|(name, at)| alert(name, at, PacketLossDetected));
    let report = evaluate(&episodes, &alerts);
    assert_eq!((report.found, report.false_alerts), (0, 3));
    assert_eq!((report.precision, report.recall), (Some(0.0), Some(0.0)));
    assert_eq!(report.false_alerts_a_week, BTreeMap::from([("nothing".to_owned(), 1.5)]));
}

#[test]
fn a_false_alarm_is_charged_to_the_benign_kind_behind_it() {
    let reboot = episode(1, EpisodeKind::Benign(BenignKind::HostReboot), &["a/1"], (100, 100, 110));
    let report = evaluate(&[reboot], &[alert("a/1", 105, ConnectionInstability)]);
    assert_eq!(report.false_alerts_a_week, BTreeMap::from([("host_reboot".to_owned(), 0.5)]));
    assert_eq!((report.recall, report.precision), (None, Some(0.0)));
}

#[test]
fn an_alert_at_the_other_end_of_the_link_is_about_the_same_fault() {
    let episodes = [loss(1, "a/1", (100, 200, 260))];
    let peers = Peers::from([(stream("b/7"), stream("a/1"))]);
    let report = evaluate_events(&episodes, &[alert("b/7", 150, PacketLossDetected)], &peers, WATCH);
    assert_eq!((report.found, report.false_alerts), (1, 0));
}

#[test]
fn the_missed_faults_are_those_no_alert_found_even_beside_one_that_was() {
    let reboot = EpisodeKind::Benign(BenignKind::HostReboot);
    let episodes = [
        loss(1, "a/1", (100, 200, 260)),
        loss(2, "a/1", (110, 200, 260)),
        loss(3, "c/1", (100, 200, 260)),
        episode(4, reboot, &["d/1"], (100, 100, 110)),
    ];
    let peers = Peers::from([(stream("b/1"), stream("c/1"))]);
    let alerts =
        [("a/1", 120), ("b/1", 120), ("d/1", 105)].map(|(name, at)| alert(name, at, PacketLossDetected));
    let missed = missed_faults(&episodes, &alerts, &peers);
    assert_eq!(missed.iter().map(|episode| episode.id).collect::<Vec<_>>(), [2]);
    let report = evaluate_events(&episodes, &alerts, &peers, WATCH);
    assert_eq!(report.faults - report.found, missed.len());
}

#[test]
fn an_alert_during_a_reboot_and_a_fault_is_about_the_fault() {
    let reboot = episode(1, EpisodeKind::Benign(BenignKind::HostReboot), &["a/1"], (100, 100, 400));
    let report =
        evaluate(&[reboot, loss(2, "a/1", (100, 200, 260))], &[alert("a/1", 150, PacketLossDetected)]);
    assert_eq!((report.found, report.false_alerts), (1, 0));
}

#[test]
fn of_two_faults_at_once_each_alert_finds_the_one_it_names() {
    let flap = episode(1, EpisodeKind::Fault(ConnectionInstability), &["a/1"], (100, 200, 260));
    let episodes = [flap, loss(2, "a/1", (100, 200, 260))];
    let alerts = [alert("a/1", 150, PacketLossDetected), alert("a/1", 160, ConnectionInstability)];
    let report = evaluate(&episodes, &alerts);
    assert_eq!(report.found, 2);
    assert!(report.types.iter().all(|of_type| of_type.named_rightly.is_none_or(|share| share == 1.0)));
}

#[test]
fn the_alert_rate_counts_repeats_and_false_ones_alike() {
    let episodes = [loss(1, "a/1", (100, 200, 260))];
    let alerts =
        [("a/1", 120), ("a/1", 130), ("b/1", 150)].map(|(name, at)| alert(name, at, PacketLossDetected));
    assert_eq!(evaluate(&episodes, &alerts).alerts_per_thousand_ports_a_week, 0.75);
}

#[test]
fn the_threshold_finds_most_within_the_budget_and_does_not_fill_it() {
    let episodes = [loss(1, "a/1", (100, 200, 260)), loss(2, "b/1", (100, 200, 260))];
    let scored = |score, name: &str| ScoredAlert { score, alert: alert(name, 150, PacketLossDetected) };
    // Four alerts are allowed: the two faults are found with three, a fourth would only be false.
    let alerts = [
        scored(95.0, "a/1"),
        scored(90.0, "x/1"),
        scored(85.0, "b/1"),
        scored(80.0, "y/1"),
        scored(10.0, "z/1"),
    ];
    let selection = select_threshold(&episodes, &alerts, &Peers::new(), WATCH).unwrap();
    assert_eq!(selection.threshold, 85.0);
    assert_eq!((selection.report.found, selection.report.false_alerts), (2, 1));
    let poor = Watch { budget: Budget { alerts_per_thousand_ports_a_week: 0.25 }, ..WATCH };
    assert_eq!(select_threshold(&episodes, &alerts, &Peers::new(), poor).unwrap().threshold, 95.0);
    let none = Watch { budget: Budget { alerts_per_thousand_ports_a_week: 0.0 }, ..WATCH };
    assert!(select_threshold(&episodes, &alerts, &Peers::new(), none).is_none());
}

#[test]
fn a_larger_budget_never_buys_less_and_one_too_small_buys_nothing() {
    let episodes = [loss(1, "a/1", (100, 200, 260)), loss(2, "b/1", (100, 200, 260))];
    let scored = |score, name: &str| ScoredAlert { score, alert: alert(name, 150, PacketLossDetected) };
    let alerts = [scored(95.0, "a/1"), scored(90.0, "x/1"), scored(85.0, "b/1")];
    let curve = budget_curve(&episodes, &alerts, &Peers::new(), WATCH, &[0.1, 0.25, 0.75, 9.0]);
    let bought: Vec<_> = curve.iter().map(|point| (point.allowed, point.recall, point.precision)).collect();
    let two_of_three = Some(0.666_667);
    assert_eq!(
        bought,
        [(0.25, Some(0.5), Some(1.0)), (0.75, Some(1.0), two_of_three), (9.0, Some(1.0), two_of_three)]
    );
}

#[test]
fn a_lead_curve_counts_missed_and_late_faults_in_the_whole() {
    let flap = episode(3, EpisodeKind::Fault(ConnectionInstability), &["c/1"], (100, 200, 260));
    let episodes = [loss(1, "a/1", (100, 200, 260)), loss(2, "b/1", (100, 200, 260)), flap];
    let alerts = [alert("a/1", 110, PacketLossDetected), alert("c/1", 230, ConnectionInstability)];
    let curves = lead_curves(&episodes, &alerts, &Peers::new(), &[0.0, 90.0, 91.0]);
    assert_eq!(curves[0].points, [[0.0, 0.333_333], [90.0, 0.333_333], [91.0, 0.0]]);
    let of = |class| curves.iter().find(|curve| curve.class == Some(class)).unwrap();
    assert_eq!(of(PacketLossDetected).points, [[0.0, 0.5], [90.0, 0.5], [91.0, 0.0]]);
    assert_eq!(of(ConnectionInstability).points[0], [0.0, 0.0]);
    assert_eq!(curves.len(), 3);
}

#[test]
fn a_report_is_written_as_json_with_its_names() {
    let report = evaluate(&[loss(1, "a/1", (100, 200, 260))], &[alert("a/1", 150, PacketLossDetected)]);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["recall"], 1.0);
    assert_eq!(json["types"][4]["class"], "packet_loss_detected");
}
