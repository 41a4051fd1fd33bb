//! No stream on two sides, no minute on both, and every class on each.

use super::super::LabelSource;
use super::*;
use linkcast_domain::FEATURE_COUNT;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_millis(minute * 60_000)
}

fn end(link: usize, end: char) -> StreamId {
    format!("{end}{link}/1").parse().unwrap()
}

/// Forty links of two ends over 10,000 minutes, every fourth with packet loss at its first end.
fn links() -> (Vec<StreamTally>, Vec<(StreamId, StreamId)>) {
    let mut tallies = Vec::new();
    for (link, side) in (0..40).flat_map(|link| [(link, 'a'), (link, 'b')]) {
        let mut rows = [0; PredictionType::COUNT];
        rows[PredictionType::Normal.index()] = 100;
        if link % 4 == 0 && side == 'a' {
            rows[PredictionType::PacketLossDetected.index()] = 5;
        }
        tallies.push(StreamTally { stream: end(link, side), rows, first: at(0), last: at(10_000) });
    }
    (tallies, (0..40).map(|link| (end(link, 'a'), end(link, 'b'))).collect())
}

fn row(stream: StreamId, minute: i64) -> DatasetRow {
    DatasetRow {
        stream,
        time: at(minute),
        features: [0.0; FEATURE_COUNT],
        class: PredictionType::Normal,
        risk: 0.0,
        confidence: 1.0,
        source: LabelSource::Truth,
        weight: 1.0,
        alert: Some(false),
        fails_near: Some(true),
        fails_far: Some(true),
        severity: Some(90.0),
        action: Some("cable changed".into()),
    }
}

#[test]
fn both_ends_of_a_link_are_on_one_side_and_each_side_has_every_class() {
    let (tallies, ties) = links();
    let deal = Deal::of(&tallies, &ties, &DealSettings::default()).unwrap();
    for (one, other) in &ties {
        assert_eq!(deal.seats()[one], deal.seats()[other]);
    }
    for side in Side::ALL {
        let lossy = (0..40).step_by(4).filter(|link| deal.seats()[&end(*link, 'a')].side == side).count();
        assert!(lossy >= 1, "{side:?}");
        let of_side = deal.seats().values().filter(|seat| seat.side == side).count();
        let expected = if side == Side::Train { 54..=58 } else { 10..=14 };
        assert!(expected.contains(&of_side), "{side:?}: {of_side}");
    }
}

#[test]
fn everything_held_out_is_later_than_everything_fitted() {
    let (tallies, ties) = links();
    let deal = Deal::of(&tallies, &ties, &DealSettings::default()).unwrap();
    assert_eq!(deal.cutoff(), at(7_000));
    for (stream, Seat { side, .. }) in deal.seats() {
        let (early, late) = (deal.side(stream, at(6_999)), deal.side(stream, at(7_000)));
        let expected = if *side == Side::Train { (Some(Side::Train), None) } else { (None, Some(*side)) };
        assert_eq!((early, late), expected);
    }
}

#[test]
fn a_fitting_row_knows_nothing_of_the_held_out_time() {
    let (tallies, ties) = links();
    let deal = Deal::of(&tallies, &ties, &DealSettings::default()).unwrap();
    let fitting = deal.seats().iter().find(|(_, seat)| seat.side == Side::Train).unwrap().0.clone();
    let known = |minute| {
        let (_, row) = deal.admit(row(fitting.clone(), minute)).unwrap();
        (row.alert.is_some(), row.fails_near.is_some(), row.fails_far.is_some(), row.action.is_some())
    };
    assert_eq!(known(5_000), (true, true, true, true));
    assert_eq!(known(6_000), (true, true, false, false), "a day later is held out");
    assert_eq!(known(6_950), (true, false, false, false), "and so is an hour later");
    assert_eq!(known(6_995), (false, false, false, false));
}

#[test]
fn the_same_streams_in_another_order_are_dealt_the_same() {
    let (mut tallies, ties) = links();
    let first = Deal::of(&tallies, &ties, &DealSettings::default()).unwrap();
    tallies.reverse();
    assert_eq!(Deal::of(&tallies, &ties, &DealSettings::default()).unwrap(), first);
    let other = Deal::of(&tallies, &ties, &DealSettings { seed: 8, ..DealSettings::default() }).unwrap();
    assert_ne!(other.seats(), first.seats());
}

#[test]
fn a_stream_on_two_sides_is_refused_by_name() {
    let seat = |group: char, side| Seat { group: end(1, group), side };
    let twice = [(end(1, 'a'), seat('a', Side::Train)), (end(1, 'a'), seat('a', Side::Train))];
    let error = Deal::resumed(twice, at(0)).unwrap_err();
    assert!(error.to_string().contains("a1/1 is named twice"), "{error}");
    let parted = [(end(1, 'a'), seat('a', Side::Train)), (end(1, 'b'), seat('a', Side::Test))];
    let error = Deal::resumed(parted, at(0)).unwrap_err();
    assert!(
        error.to_string().contains("on the test side and belongs to a1/1, which is on the train"),
        "{error}"
    );
}

#[test]
fn shares_that_leave_nothing_to_judge_by_are_refused() {
    let settings = DealSettings { train_streams: 0.9, validation_streams: 0.1, ..DealSettings::default() };
    let error = Deal::of(&links().0, &[], &settings).unwrap_err();
    assert!(error.to_string().contains("train_streams + validation_streams"), "{error}");
}

#[test]
fn what_once_judged_models_judges_them_with_all_that_belongs_to_it() {
    let (tallies, ties) = links();
    let deal = Deal::of(&tallies, &ties, &DealSettings::default()).unwrap();
    let taught: Vec<StreamId> = (0..40)
        .map(|link| end(link, 'b'))
        .filter(|stream| deal.seats()[stream].side == Side::Train)
        .collect();
    let judges = BTreeSet::from([taught[0].clone()]);
    let held = deal.clone().judged_by(&judges);
    let moved: Vec<&StreamId> =
        deal.seats().keys().filter(|stream| deal.seats()[*stream] != held.seats()[*stream]).collect();
    assert_eq!(moved.len(), 2, "both ends of the link: {moved:?}");
    assert_eq!(held.side(&taught[0], at(1)), None, "and nothing of it fits");
}
