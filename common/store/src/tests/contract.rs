//! What every store promises, checked on each in the same words.

use linkcast_domain::ports::{
    Changes, Forgotten, History, InsightQuery, Lookup, Maintenance, MaintenanceScope, MaintenanceWindow,
    Outbox, PipelineStore, TimeRange,
};
use linkcast_domain::{
    AlertState, Cause, NodeGuid, PredictionType, Sample, SampleValues, StreamId, Timestamp,
};

use super::items::*;

/// Hands every check's name to `$tests`, which makes a test of each for each store.
macro_rules! contract {
    ($tests:ident) => {
        $tests! {
            an_empty_store_has_nothing_to_resume,
            a_sample_comes_back_to_the_bit,
            samples_come_oldest_first_within_their_range,
            history_is_read_by_groups_that_hold_every_stream_once,
            a_sample_replaces_the_one_of_its_stream_and_time,
            the_same_commit_twice_is_as_once,
            samples_written_again_in_other_portions_are_not_doubled,
            what_is_committed_behind_is_found_at_once_and_in_order,
            facts_and_states_are_kept_apart_and_replaced_by_stream,
            streams_come_in_pages_by_id,
            insights_are_found_by_every_part_of_a_query,
            a_condition_is_replaced_by_its_cause_and_no_other,
            only_what_is_not_over_is_resumed,
            alerts_come_newest_first_and_by_state,
            a_source_replaces_the_one_of_its_name,
            a_channel_is_told_in_order_what_came_after_it,
            a_mark_never_moves_back,
            channels_do_not_move_one_another,
            sequences_go_on_after_the_outbox_was_emptied,
            forgetting_is_bounded_and_spares_what_is_not_over,
            messages_are_kept_until_every_channel_had_them,
            windows_are_replaced_by_id_and_end,
        }
    };
}

pub(super) use contract;

fn all<S: Lookup>(store: &S, number: u64) -> Vec<Sample> {
    now(store.samples(&stream(number), TimeRange::ALL)).unwrap()
}

pub(super) fn an_empty_store_has_nothing_to_resume<S: PipelineStore + Lookup>(store: &S) {
    let resume = now(store.resume()).unwrap();
    assert!(resume.sources.is_empty() && resume.conditions.is_empty() && resume.alerts.is_empty());
    assert_eq!(resume.last_sequence, 0);
    assert!(now(store.streams(None, 10)).unwrap().is_empty());
    assert!(all(store, 1).is_empty());
    now(store.commit(&Changes::default())).unwrap();
    assert_eq!(now(store.forget(Timestamp::LATEST, 10)).unwrap(), Forgotten::default());
}

pub(super) fn a_sample_comes_back_to_the_bit<S: PipelineStore + Lookup>(store: &S) {
    let empty =
        Sample { stream: stream(2), time: at(30), values: SampleValues::default(), other: Vec::new() };
    let text: StreamId = "leaf7/HundredGigE0/0/0/6".parse().unwrap();
    let generic = Sample { stream: text.clone(), ..sample(1, 30, -0.0) };
    now(store.commit(&samples(vec![sample(1, 30, 0.1 + 0.2), empty.clone(), generic.clone()]))).unwrap();
    assert_eq!(all(store, 1), [sample(1, 30, 0.1 + 0.2)]);
    assert_eq!(all(store, 2), [empty]);
    assert_eq!(now(store.samples(&text, TimeRange::ALL)).unwrap(), [generic]);
}

pub(super) fn samples_come_oldest_first_within_their_range<S: PipelineStore + Lookup>(store: &S) {
    now(store.commit(&samples(vec![sample(1, 90, 3.0), sample(2, 60, 9.0), sample(1, 30, 1.0)]))).unwrap();
    now(store.commit(&samples(vec![sample(1, 60, 2.0)]))).unwrap();
    let within = |from, until| {
        let range = TimeRange { from: at(from), until: at(until) };
        let found = now(store.samples(&stream(1), range)).unwrap();
        found.iter().map(|sample| sample.time.seconds_since(at(0)) as i64).collect::<Vec<_>>()
    };
    assert_eq!(within(0, 100), [30, 60, 90]);
    assert_eq!(within(30, 60), [30, 60], "both ends belong to a range");
    assert_eq!(within(31, 59), [] as [i64; 0]);
    assert_eq!(within(60, 30), [] as [i64; 0], "a range that ends before it begins holds nothing");
}

pub(super) fn history_is_read_by_groups_that_hold_every_stream_once<S: PipelineStore + Lookup + History>(
    store: &S,
) {
    assert_eq!(now(store.groups()).unwrap(), [] as [Vec<StreamId>; 0]);
    let times = (1..=70).flat_map(|number| [(number, 30), (number, 60), (number, 90)]);
    let all: Vec<Sample> = times.map(|(number, time)| sample(number, time, number as f64)).collect();
    now(store.commit(&samples(all))).unwrap();
    now(store.commit(&samples(vec![sample(3, 60, -1.0)]))).unwrap();
    let groups = now(store.groups()).unwrap();
    let mut streams: Vec<StreamId> = groups.iter().flatten().cloned().collect();
    streams.sort();
    let mut expected: Vec<StreamId> = (1..=70).map(stream).collect();
    expected.sort();
    assert_eq!(streams, expected);
    let range = TimeRange { from: at(60), until: at(90) };
    for group in &groups {
        let expected: Vec<Sample> =
            group.iter().flat_map(|stream| now(store.samples(stream, range)).unwrap()).collect();
        assert_eq!(now(store.recorded(group, range)).unwrap(), expected);
        assert_eq!(expected.len(), 2 * group.len());
    }
    assert!(now(store.samples(&stream(3), TimeRange::ALL)).unwrap().contains(&sample(3, 60, -1.0)));
}

pub(super) fn a_sample_replaces_the_one_of_its_stream_and_time<S: PipelineStore + Lookup>(store: &S) {
    now(store.commit(&samples(vec![sample(1, 30, 1.0), sample(2, 30, 5.0)]))).unwrap();
    now(store.commit(&samples(vec![sample(1, 30, 2.0)]))).unwrap();
    assert_eq!(all(store, 1), [sample(1, 30, 2.0)]);
    assert_eq!(all(store, 2), [sample(2, 30, 5.0)]);
    now(store.commit(&samples(vec![sample(1, 60, 3.0), sample(1, 60, 4.0)]))).unwrap();
    assert_eq!(all(store, 1)[1..], [sample(1, 60, 4.0)], "of two in one commit the last stays");
    now(store.commit(&samples(vec![sample(1, 0, 7.0), sample(1, 60, 8.0)]))).unwrap();
    now(store.commit(&samples(vec![sample(1, 60, 9.0)]))).unwrap();
    now(store.commit(&samples(vec![sample(1, 0, 6.0)]))).unwrap();
    assert_eq!(all(store, 1), [sample(1, 0, 6.0), sample(1, 30, 2.0), sample(1, 60, 9.0)]);
}

pub(super) fn the_same_commit_twice_is_as_once<S: PipelineStore + Outbox + Lookup>(store: &S) {
    now(store.register_channel("lines")).unwrap();
    for _ in 0..2 {
        now(store.commit(&one_of_each())).unwrap();
    }
    let changes = one_of_each();
    assert_eq!(all(store, 1), changes.samples);
    assert_eq!(now(store.insights(&InsightQuery::default())).unwrap(), changes.insights);
    assert_eq!(now(store.conditions(None)).unwrap(), changes.conditions);
    assert_eq!(now(store.unpublished("lines", 10)).unwrap(), changes.messages);
    assert_eq!(now(store.streams(None, 10)).unwrap().len(), 1);
    let resume = now(store.resume()).unwrap();
    assert_eq!((resume.alerts, resume.sources), (changes.alerts, changes.sources));
}

pub(super) fn what_is_committed_behind_is_found_at_once_and_in_order<S: PipelineStore + Outbox + Lookup>(
    store: &S,
) {
    now(store.register_channel("lines")).unwrap();
    for portion in [vec![sample(1, 30, 1.0), sample(2, 30, 2.0)], vec![sample(1, 30, 3.0)], Vec::new()] {
        let mut portion = samples(portion);
        now(store.commit_behind(&mut portion)).unwrap();
        assert!(portion.is_empty());
    }
    assert_eq!(all(store, 1), [sample(1, 30, 3.0)], "of two portions the later stays");
    now(store.commit(&samples(vec![sample(2, 30, 4.0)]))).unwrap();
    assert_eq!((all(store, 1), all(store, 2)), (vec![sample(1, 30, 3.0)], vec![sample(2, 30, 4.0)]));
    now(store.commit_behind(&mut one_of_each())).unwrap();
    assert_eq!(now(store.unpublished("lines", 10)).unwrap(), one_of_each().messages);
    assert_eq!(now(store.resume()).unwrap().conditions, one_of_each().conditions);
}

pub(super) fn samples_written_again_in_other_portions_are_not_doubled<S: PipelineStore + Lookup>(store: &S) {
    let portion = |from: i64, until: i64| {
        let times = (from..until).flat_map(|time| (1..=70).map(move |number| (number, time)));
        samples(times.map(|(number, time)| sample(number, time * 30, time as f64)).collect())
    };
    for (from, until) in [(0, 3), (3, 5), (2, 4), (0, 1), (4, 6)] {
        now(store.commit(&portion(from, until))).unwrap();
    }
    for number in [1, 64, 65, 70] {
        let expected: Vec<Sample> = (0..6).map(|time| sample(number, time * 30, time as f64)).collect();
        assert_eq!(all(store, number), expected);
    }
}

pub(super) fn facts_and_states_are_kept_apart_and_replaced_by_stream<S: PipelineStore>(store: &S) {
    let with_facts = |name| Changes { facts: vec![(stream(1), facts(name))], ..Changes::default() };
    let with_state = |bytes| Changes { states: vec![state(1, bytes)], ..Changes::default() };
    now(store.commit(&with_facts("old"))).unwrap();
    assert_eq!(now(store.streams(None, 10)).unwrap()[0].state, None);
    now(store.commit(&with_state(b"one"))).unwrap();
    now(store.commit(&with_facts("new"))).unwrap();
    now(store.commit(&with_state(b""))).unwrap();
    let records = now(store.streams(None, 10)).unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0].facts, &records[0].state), (&facts("new"), &Some(state(1, b""))));
}

pub(super) fn streams_come_in_pages_by_id<S: PipelineStore>(store: &S) {
    let numbers = [9, 3, 200, 1, 70];
    now(store.commit(&Changes {
        states: numbers.into_iter().map(|number| state(number, &[number as u8])).collect(),
        ..Changes::default()
    }))
    .unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = now(store.streams(after.as_ref(), 2)).unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.stream.clone());
        seen.extend(page.into_iter().map(|record| record.state.unwrap().bytes[0]));
    }
    assert_eq!(seen, [1, 3, 9, 70, 200]);
}

pub(super) fn insights_are_found_by_every_part_of_a_query<S: PipelineStore + Lookup>(store: &S) {
    use PredictionType::{LatencySpike, PacketLossDetected};
    let made = [
        insight(1, 30, PacketLossDetected, 90.0),
        insight(1, 60, LatencySpike, 40.0),
        insight(2, 90, PacketLossDetected, 60.0),
    ];
    now(store.commit(&Changes { insights: made.to_vec(), ..Changes::default() })).unwrap();
    let found = |query: InsightQuery| {
        let found = now(store.insights(&query)).unwrap();
        found.iter().map(|one| made.iter().position(|other| other == one).unwrap()).collect::<Vec<_>>()
    };
    let any = InsightQuery::default;
    assert_eq!(found(any()), [2, 1, 0]);
    assert_eq!(found(InsightQuery { limit: 2, ..any() }), [2, 1]);
    assert_eq!(found(InsightQuery { id: Some(made[1].entity_id.clone()), ..any() }), [1]);
    assert_eq!(found(InsightQuery { stream: Some(stream(1)), ..any() }), [1, 0]);
    assert_eq!(found(InsightQuery { class: Some(PacketLossDetected), ..any() }), [2, 0]);
    assert_eq!(found(InsightQuery { minimum_risk: 60.0, ..any() }), [2, 0]);
    assert_eq!(found(InsightQuery { range: TimeRange { from: at(30), until: at(60) }, ..any() }), [1, 0]);
    let changed = insight(1, 30, LatencySpike, 10.0);
    now(store.commit(&Changes { insights: vec![changed.clone()], ..Changes::default() })).unwrap();
    let all = now(store.insights(&any())).unwrap();
    assert_eq!((all.len(), &all[2]), (3, &changed), "an insight is replaced by its id");
}

pub(super) fn a_condition_is_replaced_by_its_cause_and_no_other<S: PipelineStore + Lookup>(store: &S) {
    let loss = Cause::Predicted(PredictionType::PacketLossDetected);
    let write = |conditions| now(store.commit(&Changes { conditions, ..Changes::default() })).unwrap();
    write(vec![condition(2, loss, None), condition(1, Cause::SeriesMissing, None), condition(1, loss, None)]);
    write(vec![condition(1, loss, Some(90))]);
    let expected = [condition(1, loss, Some(90)), condition(1, Cause::SeriesMissing, None)];
    assert_eq!(now(store.conditions(Some(&stream(1)))).unwrap(), expected);
    assert_eq!(now(store.conditions(None)).unwrap().len(), 3);
    write(vec![condition(1, loss, None)]);
    assert_eq!(now(store.resume()).unwrap().conditions.len(), 3, "what comes back is open again");
}

pub(super) fn only_what_is_not_over_is_resumed<S: PipelineStore>(store: &S) {
    let changes = Changes {
        conditions: vec![
            condition(1, Cause::SeriesMissing, Some(60)),
            condition(2, Cause::SeriesMissing, None),
        ],
        alerts: vec![record("over", AlertState::Resolved, 60), record("on", AlertState::Firing, 60)],
        messages: vec![message(4, 0)],
        sources: vec![source("b", 2), source("a", 1)],
        ..Changes::default()
    };
    now(store.commit(&changes)).unwrap();
    let resume = now(store.resume()).unwrap();
    assert_eq!(resume.conditions, [condition(2, Cause::SeriesMissing, None)]);
    assert_eq!(resume.alerts, [record("on", AlertState::Firing, 60)]);
    assert_eq!(resume.sources, [source("a", 1), source("b", 2)]);
    assert_eq!(resume.last_sequence, 4);
}

pub(super) fn alerts_come_newest_first_and_by_state<S: PipelineStore + Lookup>(store: &S) {
    let write = |alerts| now(store.commit(&Changes { alerts, ..Changes::default() })).unwrap();
    write(vec![record("a", AlertState::Firing, 10), record("b", AlertState::Firing, 20)]);
    write(vec![record("a", AlertState::Resolved, 30), record("c", AlertState::Firing, 5)]);
    let ids = |state, limit| {
        let found = now(store.alerts(state, limit)).unwrap();
        found.into_iter().map(|alert| alert.alert_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, 10), ["a", "b", "c"]);
    assert_eq!(ids(Some(AlertState::Firing), 10), ["b", "c"]);
    assert_eq!(ids(Some(AlertState::Resolved), 10), ["a"]);
    assert_eq!(ids(None, 1), ["a"]);
}

pub(super) fn a_source_replaces_the_one_of_its_name<S: PipelineStore>(store: &S) {
    for position in [3, 9] {
        let changes = Changes { sources: vec![source("scrape", position)], ..Changes::default() };
        now(store.commit(&changes)).unwrap();
    }
    assert_eq!(now(store.resume()).unwrap().sources, [source("scrape", 9)]);
}

fn told<S: Outbox>(store: &S, channel: &str, limit: usize) -> Vec<u64> {
    let messages = now(store.unpublished(channel, limit)).unwrap();
    messages.into_iter().map(|message| message.sequence).collect()
}

pub(super) fn a_channel_is_told_in_order_what_came_after_it<S: PipelineStore + Outbox>(store: &S) {
    now(store.commit(&messages(1..=2))).unwrap();
    now(store.register_channel("late")).unwrap();
    assert_eq!(told(store, "late", 10), [] as [u64; 0], "history is not news");
    now(store.commit(&messages(3..=12))).unwrap();
    assert_eq!(told(store, "late", 3), [3, 4, 5]);
    now(store.register_channel("late")).unwrap();
    assert_eq!(told(store, "late", 20).len(), 10, "to register again moves nothing");
}

pub(super) fn a_mark_never_moves_back<S: PipelineStore + Outbox>(store: &S) {
    now(store.register_channel("lines")).unwrap();
    now(store.commit(&messages(1..=5))).unwrap();
    for sequence in [4, 2, 4] {
        now(store.mark_published("lines", sequence)).unwrap();
        assert_eq!(told(store, "lines", 10), [5]);
    }
}

pub(super) fn channels_do_not_move_one_another<S: PipelineStore + Outbox>(store: &S) {
    now(store.register_channel("lines")).unwrap();
    now(store.register_channel("webhook")).unwrap();
    now(store.commit(&messages(1..=2))).unwrap();
    now(store.mark_published("lines", 2)).unwrap();
    assert_eq!(told(store, "lines", 10), [] as [u64; 0]);
    assert_eq!(told(store, "webhook", 10), [1, 2]);
}

pub(super) fn sequences_go_on_after_the_outbox_was_emptied<S: PipelineStore + Outbox>(store: &S) {
    now(store.register_channel("lines")).unwrap();
    now(store.commit(&messages(1..=5))).unwrap();
    now(store.mark_published("lines", 5)).unwrap();
    now(store.forget(at(1_000), 100)).unwrap();
    assert_eq!(now(store.resume()).unwrap().last_sequence, 5);
    now(store.register_channel("late")).unwrap();
    now(store.commit(&messages(6..=6))).unwrap();
    assert_eq!((told(store, "lines", 9), told(store, "late", 9)), (vec![6], vec![6]));
}

pub(super) fn forgetting_is_bounded_and_spares_what_is_not_over<S: PipelineStore + Lookup>(store: &S) {
    let changes = Changes {
        conditions: (1..=3)
            .map(|number| condition(number, Cause::SeriesMissing, Some(10)))
            .chain([condition(9, Cause::SeriesMissing, None)])
            .collect(),
        alerts: vec![
            record("old", AlertState::Resolved, 10),
            record("new", AlertState::Resolved, 150),
            record("firing", AlertState::Firing, 10),
        ],
        ..Changes::default()
    };
    now(store.commit(&changes)).unwrap();
    let first = now(store.forget(at(100), 2)).unwrap();
    assert_eq!(first, Forgotten { conditions: 2, alerts: 1, ..Forgotten::default() });
    let rest = Forgotten { conditions: 1, ..Forgotten::default() };
    assert_eq!(now(store.forget(at(100), 100)).unwrap(), rest);
    assert_eq!(now(store.forget(at(100), 100)).unwrap(), Forgotten::default());
    assert_eq!(now(store.conditions(None)).unwrap(), [condition(9, Cause::SeriesMissing, None)]);
    assert_eq!(now(store.alerts(None, 10)).unwrap().len(), 2);
}

pub(super) fn messages_are_kept_until_every_channel_had_them<S: PipelineStore + Outbox>(store: &S) {
    now(store.register_channel("lines")).unwrap();
    now(store.register_channel("webhook")).unwrap();
    now(store.commit(&messages(1..=5))).unwrap();
    now(store.mark_published("lines", 5)).unwrap();
    now(store.mark_published("webhook", 2)).unwrap();
    assert_eq!(now(store.forget(at(1_000), 100)).unwrap().messages, 2);
    assert_eq!(told(store, "webhook", 10), [3, 4, 5]);
    now(store.mark_published("webhook", 5)).unwrap();
    assert_eq!(now(store.forget(at(-1), 100)).unwrap().messages, 0, "they are not old yet");
}

pub(super) fn windows_are_replaced_by_id_and_end<S: PipelineStore + Maintenance>(store: &S) {
    let window = |id: &str, scope, until| MaintenanceWindow {
        id: id.into(),
        scope,
        from: at(0),
        until: at(until),
        note: "swap the cable".into(),
    };
    let (node, all) = (MaintenanceScope::Node(NodeGuid(0x20)), MaintenanceScope::Fabric);
    now(store.put_window(&window("b", node, 50))).unwrap();
    now(store.put_window(&window("a", MaintenanceScope::Stream(stream(1)), 100))).unwrap();
    now(store.put_window(&window("b", all.clone(), 60))).unwrap();
    let live = |seconds| now(store.windows(at(seconds))).unwrap();
    let first = window("a", MaintenanceScope::Stream(stream(1)), 100);
    assert_eq!(live(0), [first.clone(), window("b", all, 60)]);
    assert_eq!(live(60), [first]);
    assert_eq!(now(store.resume()).unwrap().windows.len(), 2);
}
