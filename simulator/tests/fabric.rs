//! The simulated fabric from outside: that it is remade to the bit, that its truth is in its telemetry, and that what it
//! injects is what was asked for.

#[cfg(test)]
mod tests {
    use linkcast_domain::{BenignKind, Episode, EpisodeKind, PredictionType, StreamId};
    use linkcast_simulator::{BenignRates, Fabric, FabricPlan, FaultRate, LoadShift, Selection, write_truth};
    use linkcast_telemetry::{Counter, Reading};
    use std::collections::{BTreeMap, BTreeSet};

    fn plan() -> FabricPlan {
        FabricPlan {
            ports: 400,
            hours: 6.0,
            faults: FaultRate::PerPortHour(0.01),
            benign: BenignRates::REALISTIC.times(40.0),
            ..FabricPlan::default()
        }
    }

    /// A fabric where only faults of one type happen.
    fn faulty(class: PredictionType) -> FabricPlan {
        let mut fault_mix = [0.0; PredictionType::COUNT];
        fault_mix[class.index()] = 1.0;
        let (benign, below_capability_share) = (BenignRates::NONE, 0.0);
        FabricPlan { fault_mix, benign, below_capability_share, ..plan() }
    }

    type Sweeps = Vec<Vec<Reading>>;

    fn sweeps_of(plan: FabricPlan) -> (Fabric, Sweeps) {
        let mut fabric = Fabric::new(plan).unwrap();
        let mut sweeps = Vec::new();
        loop {
            let mut readings = Vec::new();
            if fabric.next_sweep(&mut readings).is_none() {
                return (fabric, sweeps);
            }
            sweeps.push(readings);
        }
    }

    fn by_stream(sweeps: &Sweeps) -> BTreeMap<StreamId, Vec<&Reading>> {
        let mut streams: BTreeMap<StreamId, Vec<&Reading>> = BTreeMap::new();
        for reading in sweeps.iter().flatten() {
            streams.entry(reading.stream.clone()).or_default().push(reading);
        }
        streams
    }

    /// What a counter rose by within an episode.
    fn rise(readings: &[&Reading], episode: &Episode, counter: Counter) -> u64 {
        let value = |at| {
            let before = readings.iter().rev().find(|reading| reading.time.unwrap() <= at);
            before.and_then(|reading| reading.counters.get(counter)).unwrap_or(0)
        };
        value(episode.end).saturating_sub(value(episode.onset))
    }

    fn benign(fabric: &Fabric, kind: BenignKind) -> Vec<Episode> {
        let wanted = EpisodeKind::Benign(kind);
        let found: Vec<Episode> = fabric.episodes().iter().filter(|e| e.kind == wanted).cloned().collect();
        assert!(!found.is_empty(), "{kind:?}");
        found
    }

    #[test]
    fn one_plan_gives_one_telemetry_whether_memory_is_reused_or_not() {
        let (_, fresh) = sweeps_of(plan());
        let mut fabric = Fabric::new(plan()).unwrap();
        let mut reused = Vec::new();
        for sweep in &fresh {
            fabric.next_sweep(&mut reused).unwrap();
            assert!(*sweep == reused);
        }
        assert!(fabric.next_sweep(&mut reused).is_none() && reused.is_empty());
        assert!(sweeps_of(FabricPlan { seed: 2, ..plan() }).1 != fresh);
    }

    #[test]
    fn the_telemetry_of_a_known_plan_never_changes_from_machine_to_machine() {
        let (fabric, sweeps) = sweeps_of(FabricPlan { ports: 100, hours: 1.0, ..plan() });
        let mut sum = 0u64;
        for reading in sweeps.iter().flatten() {
            for (_, value) in reading.counters.iter() {
                sum = sum.rotate_left(5) ^ value;
            }
            for (_, value) in &reading.gauges {
                sum = sum.rotate_left(5) ^ value.to_bits();
            }
        }
        assert_eq!((sum, fabric.episodes().len()), (KNOWN_SUM, KNOWN_EPISODES));
    }

    const KNOWN_SUM: u64 = 4_792_043_103_460_198_291;
    const KNOWN_EPISODES: usize = 13;

    #[test]
    fn a_stratum_gives_the_same_readings_of_its_ports_and_weights_that_estimate_the_whole() {
        let (whole, sweeps) = sweeps_of(FabricPlan { ports: 2_000, hours: 0.5, ..plan() });
        let selection = Selection::Stratum { benign_share: 0.5, quiet_share: 0.2 };
        let (part, part_sweeps) = sweeps_of(FabricPlan { ports: 2_000, hours: 0.5, selection, ..plan() });
        let all = by_stream(&sweeps);
        for (stream, readings) in by_stream(&part_sweeps) {
            assert!(all[&stream] == readings, "{stream}");
        }
        let streams: Vec<StreamId> = part.topology().ports().map(|(stream, _)| stream).collect();
        let estimate: f64 = streams.iter().filter_map(|stream| part.weight(stream)).sum();
        assert!((estimate / 2_000.0 - 1.0).abs() < 0.1, "{estimate}");
        assert!(part.wanted_ports() < 1_600 && whole.wanted_ports() == 2_000);
        for episode in part.episodes().iter().filter(|episode| episode.fault().is_some()) {
            assert!(episode.streams.iter().all(|stream| part.weight(stream) == Some(1.0)));
        }
    }

    #[test]
    fn what_one_end_sends_the_other_receives() {
        let (fabric, sweeps) = sweeps_of(FabricPlan { benign: BenignRates::NONE, ..plan() });
        let all = by_stream(&sweeps);
        let mut links = 0;
        for (stream, facts) in fabric.topology().ports() {
            let Some(peer) = facts.peer.map(StreamId::from) else { continue };
            let moved = |stream: &StreamId, counter| {
                let readings = &all[stream];
                let value = |reading: &Reading| reading.counters.get(counter).unwrap();
                value(readings[readings.len() - 1]) - value(readings[0])
            };
            assert!(moved(&stream, Counter::XmitBytes).abs_diff(moved(&peer, Counter::RcvBytes)) <= 4);
            assert_eq!(moved(&stream, Counter::XmitPackets), moved(&peer, Counter::RcvPackets));
            assert_eq!(moved(&stream, Counter::LinkDowned), moved(&peer, Counter::LinkDowned));
            links += 1;
        }
        assert!(links > 300);
    }

    #[test]
    fn a_fault_changes_its_own_link_between_onset_and_end_and_nothing_else() {
        for class in PredictionType::ALL.into_iter().skip(1) {
            let (fabric, sick) = sweeps_of(faulty(class));
            let (_, well) = sweeps_of(FabricPlan { faults: FaultRate::None, ..faulty(class) });
            let faults: Vec<&Episode> =
                fabric.episodes().iter().filter(|episode| episode.fault() == Some(class)).collect();
            assert!(faults.len() >= 8, "{class}: {}", faults.len());
            let (sick, well) = (by_stream(&sick), by_stream(&well));
            let touched: BTreeSet<&StreamId> = faults.iter().flat_map(|fault| &fault.streams).collect();
            for (stream, readings) in &sick {
                assert!(touched.contains(stream) || *readings == well[stream], "{class} {stream}");
            }
            for fault in faults {
                let differs = |stream: &StreamId| sick[stream] != well[stream];
                assert!(fault.streams.iter().any(differs), "{class} left no trace: {fault:?}");
                for stream in &fault.streams {
                    for (sick, well) in sick[stream].iter().zip(&well[stream]) {
                        assert!(sick.time.unwrap() > fault.onset || sick == well, "{class} before onset");
                    }
                }
                assert!(fault.onset <= fault.impact && fault.impact < fault.end);
            }
        }
    }

    #[test]
    fn each_type_of_fault_leaves_the_evidence_of_its_type() {
        use Counter::*;
        let check = |class: PredictionType, evidence: &[Counter]| {
            let (fabric, sick) = sweeps_of(faulty(class));
            let (_, well) = sweeps_of(FabricPlan { faults: FaultRate::None, ..faulty(class) });
            let (sick, well) = (by_stream(&sick), by_stream(&well));
            let faults: Vec<&Episode> = fabric.episodes().iter().filter(|e| e.fault().is_some()).collect();
            let shown = faults.iter().filter(|fault| {
                fault.streams.iter().any(|stream| {
                    let more = |c: &Counter| rise(&sick[stream], fault, *c) > rise(&well[stream], fault, *c);
                    evidence.iter().any(more)
                })
            });
            let shown = shown.count();
            assert!(shown * 10 >= faults.len() * 7, "{class}: {shown} of {}", faults.len());
        };
        check(PredictionType::ConnectionInstability, &[LinkDowned]);
        check(PredictionType::PacketLossDetected, &[XmitDiscards, RcvErrors, RcvRemotePhysicalErrors]);
        check(PredictionType::PerformanceDegradation, &[XmitWait, SymbolErrors]);
        check(PredictionType::ResourceSaturation, &[XmitBytes, OutOfBuffer, RnrNakRetryErrors]);
        check(PredictionType::QpErrorRateHigh, &[ReqCqeErrors, PacketSequenceErrors]);
        check(PredictionType::MemoryRegistrationFailure, &[MemoryRegistrationFailures]);
        check(PredictionType::RdmaTimeout, &[LocalAckTimeouts]);
    }

    #[test]
    fn latency_spikes_show_where_there_is_a_probe() {
        let plan = FabricPlan { probed_share: 1.0, ..faulty(PredictionType::LatencySpike) };
        let (fabric, sweeps) = sweeps_of(plan);
        let all = by_stream(&sweeps);
        for fault in fabric.episodes().iter().filter(|episode| episode.fault().is_some()) {
            let readings = &all[&fault.streams[0]];
            let mean = |during: bool| {
                let taken = readings.iter().filter(|reading| {
                    let time = reading.time.unwrap();
                    during == (fault.impact < time && time <= fault.end) && (during || time < fault.onset)
                });
                let values: Vec<f64> = taken.map(|reading| reading.gauges[0].1).collect();
                values.iter().sum::<f64>() / values.len().max(1) as f64
            };
            assert!(mean(true) > 1.3 * mean(false), "{fault:?}");
        }
    }

    #[test]
    fn a_restarted_host_is_silent_then_counts_from_zero_and_its_switch_counts_a_link_down() {
        let plan = FabricPlan { faults: FaultRate::None, ..plan() };
        let (fabric, sweeps) = sweeps_of(plan);
        let all = by_stream(&sweeps);
        for episode in benign(&fabric, BenignKind::HostReboot) {
            let (host, switch) = (&all[&episode.streams[0]], &all[&episode.streams[1]]);
            let seen = |reading: &&&Reading| {
                episode.onset < reading.time.unwrap() && reading.time.unwrap() < episode.end
            };
            assert_eq!(host.iter().filter(seen).count(), 0);
            let last = sweeps.last().unwrap()[0].time.unwrap();
            let interval = std::time::Duration::from_secs(30);
            if episode.end.plus(interval) < last {
                let downs = |reading: &Reading| reading.counters.get(Counter::LinkDowned).unwrap();
                let before = switch.iter().rev().find(|r| r.time.unwrap() < episode.onset.minus(interval));
                let after = switch.iter().find(|r| r.time.unwrap() > episode.end);
                if let (Some(before), Some(after)) = (before, after) {
                    let cleared =
                        after.counters.get(Counter::XmitBytes) < before.counters.get(Counter::XmitBytes);
                    assert!(cleared || downs(after) > downs(before), "{episode:?}");
                }
            }
        }
    }

    #[test]
    fn a_counter_reset_brings_all_counters_of_a_port_down_together() {
        let (fabric, sweeps) = sweeps_of(FabricPlan { faults: FaultRate::None, ..plan() });
        let all = by_stream(&sweeps);
        for episode in benign(&fabric, BenignKind::CounterReset) {
            let readings = &all[&episode.streams[0]];
            let pair = readings.windows(2).find(|pair| pair[1].time.unwrap() >= episode.onset);
            let Some([before, after]) = pair.map(|pair| [pair[0], pair[1]]) else { continue };
            if before.time.unwrap() < episode.onset {
                for counter in [Counter::XmitBytes, Counter::RcvBytes, Counter::XmitPackets] {
                    assert!(after.counters.get(counter) < before.counters.get(counter), "{episode:?}");
                }
            }
        }
    }

    #[test]
    fn a_dead_exporter_silences_its_leaf_and_hosts_and_a_never_cabled_port_counts_nothing() {
        let (fabric, sweeps) = sweeps_of(FabricPlan { faults: FaultRate::None, ..plan() });
        let all = by_stream(&sweeps);
        for episode in benign(&fabric, BenignKind::ExporterDead) {
            for stream in &episode.streams {
                let inside = |time| episode.onset < time && time <= episode.end;
                assert!(all[stream].iter().all(|reading| !inside(reading.time.unwrap())));
            }
            assert!(episode.streams.len() > 10);
        }
        for episode in benign(&fabric, BenignKind::NeverCabled) {
            assert!(all[&episode.streams[0]].iter().all(|r| r.counters.iter().all(|(_, value)| value == 0)));
        }
        for kind in [BenignKind::PlannedMaintenance, BenignKind::FreshCable, BenignKind::BusyJob] {
            benign(&fabric, kind);
        }
        assert_eq!(fabric.maintenance_windows().len(), benign(&fabric, BenignKind::PlannedMaintenance).len());
    }

    #[test]
    fn faults_are_as_frequent_as_asked_for_and_mixed_as_asked_for() {
        let plan = FabricPlan { ports: 20_000, hours: 100.0, faults: FaultRate::PerPortHour(5e-4), ..plan() };
        let benign = BenignRates::NONE;
        let fabric = Fabric::new(FabricPlan { benign, below_capability_share: 0.0, ..plan.clone() }).unwrap();
        let faults: Vec<PredictionType> = fabric.episodes().iter().filter_map(Episode::fault).collect();
        let cabled = fabric.topology().ports().filter(|(_, facts)| facts.peer.is_some()).count();
        let expected = 5e-4 * cabled as f64 * 100.0;
        assert!(
            (faults.len() as f64 - expected).abs() < 5.0 * expected.sqrt(),
            "{} {expected}",
            faults.len()
        );
        let weights: f64 = plan.fault_mix.iter().sum();
        for class in PredictionType::ALL.into_iter().skip(1) {
            let share = plan.fault_mix[class.index()] / weights * expected;
            let found = faults.iter().filter(|fault| **fault == class).count() as f64;
            assert!((found - share).abs() < 6.0 * share.sqrt(), "{class}: {found} of {share}");
        }
    }

    #[test]
    fn faults_of_one_type_are_faint_and_strong() {
        let plan = FabricPlan { ports: 2_000, ..faulty(PredictionType::PacketLossDetected) };
        let (fabric, sweeps) = sweeps_of(plan);
        let all = by_stream(&sweeps);
        let mut rises: Vec<u64> = fabric
            .episodes()
            .iter()
            .filter(|episode| episode.cause == "bent cable")
            .map(|episode| rise(&all[&episode.streams[0]], episode, Counter::SymbolErrors))
            .collect();
        rises.sort_unstable();
        assert!(rises.len() > 10 && rises[rises.len() - 1] > 20 * rises[0].max(1), "{rises:?}");
    }

    #[test]
    fn healthy_ports_are_not_silent() {
        let plan = FabricPlan { ports: 2_000, faults: FaultRate::None, benign: BenignRates::NONE, ..plan() };
        let (_, sweeps) = sweeps_of(FabricPlan { hours: 24.0, interval_s: 300, ..plan });
        let all = by_stream(&sweeps);
        let counted = |counter| {
            let moved = |readings: &&Vec<&Reading>| {
                readings[readings.len() - 1].counters.get(counter) != readings[0].counters.get(counter)
            };
            all.values().filter(moved).count()
        };
        assert!((200..1_900).contains(&counted(Counter::SymbolErrors)), "{}", counted(Counter::SymbolErrors));
        assert!(counted(Counter::PacketSequenceErrors) > 20);
        assert!(counted(Counter::LinkErrorRecoveries) > 0);
        assert_eq!(counted(Counter::LinkDowned), 0);
    }

    #[test]
    fn a_load_that_shifts_is_the_same_before_and_another_after() {
        let (faults, benign) = (FaultRate::None, BenignRates::NONE);
        let quiet = FabricPlan { faults, benign, hours: 8.0, interval_s: 300, ..plan() };
        let shift = Some(LoadShift { after_hours: 4.0, factor: 2.0 });
        let (_, steady) = sweeps_of(quiet.clone());
        let (_, shifted) = sweeps_of(FabricPlan { load_shift: shift, ..quiet });
        let until = 4 * 12;
        assert_eq!(steady[..=until], shifted[..=until]);
        let sent = |sweeps: &Sweeps, from: usize, to: usize| -> u64 {
            let total = |place: usize| -> u64 {
                sweeps[place].iter().filter_map(|one| one.counters.get(Counter::XmitBytes)).sum()
            };
            total(to) - total(from)
        };
        let last = steady.len() - 1;
        let ratio = sent(&shifted, until, last) as f64 / sent(&steady, until, last) as f64;
        assert!((1.5..2.001).contains(&ratio), "twice, but for links that are full: {ratio}");
    }

    #[test]
    fn the_truth_file_holds_every_episode() {
        let fabric = Fabric::new(plan()).unwrap();
        let mut file = Vec::new();
        write_truth(fabric.episodes(), &mut file).unwrap();
        let read: Vec<Episode> = file
            .split(|byte| *byte == b'\n')
            .filter(|l| !l.is_empty())
            .map(|l| serde_json::from_slice(l).unwrap())
            .collect();
        assert_eq!(read, fabric.episodes());
    }

    #[test]
    fn a_plan_that_makes_no_fabric_is_refused_with_what_was_expected() {
        let error = Fabric::new(FabricPlan { ports: 3, ..plan() }).unwrap_err();
        assert!(error.to_string().contains("expected 32 to"), "{error}");
        let error = Fabric::new(FabricPlan { ndr_share: f64::NAN, ..plan() }).unwrap_err();
        assert!(error.to_string().contains("ndr_share"), "{error}");
        let load_shift = Some(LoadShift { after_hours: 1.0, factor: 0.0 });
        let error = Fabric::new(FabricPlan { load_shift, ..plan() }).unwrap_err();
        assert!(error.to_string().contains("load_shift.factor"), "{error}");
    }
}
