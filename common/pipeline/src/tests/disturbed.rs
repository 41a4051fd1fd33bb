//! The same inputs with deaths and pauses in between come to the same end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use linkcast_domain::ports::OutboxMessage;
use linkcast_store::MemoryStore;
use linkcast_telemetry::Counter;

use super::doubles::{Death, Life};
use super::fabric::{Lab, host, ingest, leaf, open};
use crate::{CheckpointPolicy, Durability, Settings, Sweep};

/// A fault that comes and goes, a port that goes and comes, a host that restarts, a source that falls silent.
fn story(interval_s: i64, sweeps: usize) -> Vec<Sweep> {
    let mut lab = Lab::new();
    lab.interval_s = interval_s;
    let mut given = Vec::new();
    for number in 0..sweeps {
        lab.step();
        let phase = number * 100 / sweeps;
        if (10..40).contains(&phase) {
            lab.port(leaf(1)).add(Counter::RcvErrors, 500);
        }
        lab.port(leaf(3)).is_listed = !(30..60).contains(&phase);
        lab.port(host(2)).is_listed = !(20..30).contains(&phase);
        given.push(lab.sweep("leaf", |port| port.node == leaf(1).node));
        let is_silent = (45..80).contains(&phase);
        given.push(lab.sweep("hosts", |port| port.node != leaf(1).node && !is_silent));
    }
    given
}

fn settings(sweeps: u64) -> Settings {
    let checkpoint = CheckpointPolicy { sweeps, ..CheckpointPolicy::default() };
    Settings { checkpoint, workers: 1, ..Settings::default() }
}

/// Where a run ended: everything in the store, and the messages heard by id.
#[derive(Debug, PartialEq)]
struct End {
    store: String,
    heard: BTreeMap<String, OutboxMessage>,
}

type Heard = Arc<Mutex<Vec<OutboxMessage>>>;

/// Both ends are large: where they part says more than the whole of them.
fn assert_same(found: &End, expected: &End, disturbance: &str) {
    let pairs = found.store.bytes().zip(expected.store.bytes());
    let parting = pairs.take_while(|(left, right)| left == right).count();
    let around = |text: &str| {
        text.get(parting.saturating_sub(300)..).unwrap_or_default().chars().take(500).collect::<String>()
    };
    assert!(
        found.store == expected.store,
        "{disturbance}: found {} but expected {}",
        around(&found.store),
        around(&expected.store)
    );
    assert_eq!(found.heard, expected.heard, "{disturbance}");
}

fn end(store: &Arc<MemoryStore>, heard: &Heard) -> End {
    let heard = heard.lock().unwrap();
    let mut by_id = BTreeMap::new();
    for message in heard.iter() {
        let earlier = by_id.insert(message.id.clone(), message.clone());
        assert!(earlier.is_none_or(|earlier| earlier == *message), "one id told two things: {message:?}");
    }
    End { store: format!("{store:?}"), heard: by_id }
}

/// One process: gives the sweeps that are not yet durable, up to `until`; tells whether it lived to see its end.
fn live(
    settings: &Settings,
    given: &[Sweep],
    until: usize,
    store: &Arc<MemoryStore>,
    heard: &Heard,
    life: &Life,
) -> bool {
    let Ok(mut pipeline) = open(settings, store, heard, life) else { return false };
    let done = |sweep: &&Sweep| pipeline.position(&sweep.source).is_none_or(|done| sweep.position > done);
    let rest: Vec<&Sweep> = given.iter().take(until).filter(done).collect();
    rest.into_iter().all(|sweep| ingest(&mut pipeline, sweep).is_ok())
        && (until < given.len() || super::doubles::now(pipeline.checkpoint()).is_ok_and(|failed| failed == 0))
}

fn undisturbed(settings: &Settings, given: &[Sweep]) -> End {
    let (store, heard) = (Arc::new(MemoryStore::new()), Heard::default());
    assert!(live(settings, given, given.len(), &store, &heard, &Life::without_end()));
    let end = end(&store, &heard);
    assert!(end.heard.len() >= 4, "the story is worth telling: {:?}", end.heard.keys());
    end
}

fn check_deaths(settings: &Settings, given: &[Sweep]) {
    let expected = undisturbed(settings, given);
    for death in [Death::Before, Death::After] {
        for calls in 1.. {
            let (store, heard) = (Arc::new(MemoryStore::new()), Heard::default());
            let lived = live(settings, given, given.len(), &store, &heard, &Life::of(calls, death));
            assert!(live(settings, given, given.len(), &store, &heard, &Life::without_end()));
            assert_same(&end(&store, &heard), &expected, &format!("death {death:?} call {calls}"));
            if lived {
                assert!(calls > 20, "a run makes more calls than that");
                break;
            }
        }
    }
}

#[test]
fn a_death_at_any_call_loses_nothing_and_tells_nothing_new() {
    check_deaths(&settings(1), &story(90, 40));
}

#[test]
fn a_death_while_a_checkpoint_is_written_behind_loses_nothing_and_tells_nothing_new() {
    let mut settings = settings(3);
    settings.checkpoint.durability = Durability::Behind;
    check_deaths(&settings, &story(90, 40));
}

#[test]
fn a_death_between_rare_checkpoints_loses_nothing_either() {
    check_deaths(&settings(7), &story(90, 40));
}

#[test]
fn a_pause_after_any_sweep_comes_to_the_same_end() {
    for interval_s in [90, 11] {
        let given = story(interval_s, 4_500 / interval_s as usize);
        let expected = undisturbed(&settings(1), &given);
        for pause in (0..given.len()).step_by(if interval_s < 30 { 23 } else { 1 }) {
            let (store, heard) = (Arc::new(MemoryStore::new()), Heard::default());
            assert!(live(&settings(1), &given, pause, &store, &heard, &Life::without_end()));
            assert!(live(&settings(1), &given, given.len(), &store, &heard, &Life::without_end()));
            assert_same(
                &end(&store, &heard),
                &expected,
                &format!("pause after {pause} sweeps of {interval_s} s"),
            );
        }
    }
}
