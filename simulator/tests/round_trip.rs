//! What is written in an exporter's or a diagnostic's words comes back through that tool's parser: same ports, same
//! counters, nothing rejected.

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use linkcast_domain::{PortFacts, PortState, SampleField, StreamId};
    use linkcast_simulator::{
        BenignRates, CaptureFormat, CounterWidths, Fabric, FabricPlan, FaultRate, write_cables,
        write_capture, write_node_exporter,
    };
    use linkcast_telemetry::{Counter, Differ, Origin, Parsed, Reading, Topology, parse, recognise};

    /// A fabric after some eventful hours, and its last sweep.
    fn last_sweep(widths: CounterWidths) -> (Fabric, Vec<Reading>) {
        let mut fabric = Fabric::new(FabricPlan {
            ports: 300,
            hours: 4.0,
            widths,
            faults: FaultRate::PerPortHour(0.05),
            benign: BenignRates::REALISTIC.times(20.0),
            below_capability_share: 0.02,
            ..FabricPlan::default()
        })
        .unwrap();
        let (mut last, mut next) = (Vec::new(), Vec::new());
        while fabric.next_sweep(&mut next).is_some() {
            last.clone_from(&next);
        }
        (fabric, last)
    }

    fn read(bytes: &[u8], origin: &Origin) -> Parsed {
        let format = recognise(&origin.name, bytes).unwrap();
        let parsed = parse(format, bytes, origin);
        assert!(parsed.account.adds_up());
        assert_eq!(parsed.rejects.total(), 0, "{format}: {:?}", parsed.rejects.kept());
        parsed
    }

    fn topology_of(fabric: &Fabric) -> Topology {
        let mut cables = Vec::new();
        write_cables(fabric, &mut cables).unwrap();
        let mut topology = Topology::default();
        topology.absorb(&read(&cables, &Origin::named("cables.out")));
        topology
    }

    fn capture(format: CaptureFormat, fabric: &Fabric, sweep: &[Reading]) -> BTreeMap<StreamId, Reading> {
        let mut bytes = Vec::new();
        write_capture(format, fabric, sweep, &mut bytes).unwrap();
        let topology = Some(Arc::new(topology_of(fabric)));
        let origin = Origin { topology, ..Origin::named(format!("sweep.{}", format.extension())) };
        let readings = read(&bytes, &origin).readings;
        readings.into_iter().map(|reading| (reading.stream.clone(), reading)).collect()
    }

    /// The port counters; those of the driver are no fabric tool's to know.
    fn port_counters(reading: &Reading) -> Vec<(Counter, u64)> {
        reading.counters.iter().filter(|(counter, _)| *counter <= Counter::XmitWait).collect()
    }

    fn check(format: CaptureFormat, widths: CounterWidths) {
        let (fabric, sweep) = last_sweep(widths);
        let read = capture(format, &fabric, &sweep);
        if format != CaptureFormat::Ibqueryerrors {
            assert_eq!(read.len(), sweep.len(), "{format}");
        }
        assert!(read.len() > 50, "{format}: {}", read.len());
        let written: BTreeMap<&StreamId, &Reading> = sweep.iter().map(|r| (&r.stream, r)).collect();
        for (stream, reading) in &read {
            let wanted = port_counters(written[stream]);
            for (counter, value) in wanted {
                let found = reading.counters.get(counter);
                let left_out = format == CaptureFormat::Ibqueryerrors && value == 0;
                // A float of 53 bits and a count of 4-octet words are all that some tools print.
                let near = found.is_some_and(|found| found.abs_diff(value) <= value >> 50);
                assert!(near || left_out, "{format} {stream} {counter:?}: {found:?}, not {value}");
            }
            let timed = matches!(
                format,
                CaptureFormat::UfmPrometheus | CaptureFormat::UfmCsv | CaptureFormat::RemoteWrite
            );
            assert!(!timed || reading.time == written[stream].time, "{format}");
        }
    }

    #[test]
    fn treydocks_exporter_is_read_back() {
        check(CaptureFormat::Treydock, CounterWidths::Extended);
    }

    #[test]
    fn guilbaults_exporter_is_read_back() {
        check(CaptureFormat::Guilbaults, CounterWidths::Extended);
    }

    #[test]
    fn ufm_telemetry_is_read_back_from_prometheus_text() {
        check(CaptureFormat::UfmPrometheus, CounterWidths::Extended);
    }

    #[test]
    fn perfquery_is_read_back_extended_and_basic() {
        check(CaptureFormat::Perfquery, CounterWidths::Extended);
        check(CaptureFormat::Perfquery, CounterWidths::Basic);
    }

    #[test]
    fn ibqueryerrors_is_read_back_where_it_prints_a_port() {
        check(CaptureFormat::Ibqueryerrors, CounterWidths::Extended);
    }

    #[test]
    fn a_remote_write_request_is_read_back() {
        check(CaptureFormat::RemoteWrite, CounterWidths::Extended);
    }

    #[test]
    fn cables_are_read_back_with_both_ends_and_rates() {
        let (fabric, _) = last_sweep(CounterWidths::Extended);
        let topology = topology_of(&fabric);
        let mut narrow = 0;
        for (stream, _) in fabric.topology().ports() {
            let facts: PortFacts = fabric.facts(&stream).unwrap();
            let read = topology.facts(&stream).unwrap();
            assert_eq!((read.peer, &read.node_name), (facts.peer, &facts.node_name), "{stream}");
            if facts.peer.is_some() {
                assert_eq!(read.rate, facts.rate, "{stream}");
                narrow += usize::from(facts.rate < facts.capable);
            }
        }
        assert!(narrow > 0);
    }

    #[test]
    fn node_exporter_is_read_back_with_the_drivers_counters() {
        let (fabric, sweep) = last_sweep(CounterWidths::Extended);
        let host = fabric.host_name(&sweep[0].stream).unwrap();
        let of_host = |reading: &&Reading| fabric.host_name(&reading.stream).as_ref() == Some(&host);
        let written: Vec<Reading> = sweep.iter().filter(of_host).cloned().collect();
        let mut bytes = Vec::new();
        write_node_exporter(&fabric, &written, &mut bytes).unwrap();
        let origin = Origin { host: Some(host.clone()), ..Origin::named("host.prom") };
        let parsed = read(&bytes, &origin);
        assert_eq!(parsed.readings.len(), written.len());
        for (read, written) in parsed.readings.iter().zip(&written) {
            assert!(read.stream.as_str().starts_with(&host), "{}", read.stream);
            for counter in
                [Counter::NotificationPointCnpSent, Counter::PacketSequenceErrors, Counter::LinkDowned]
            {
                assert_eq!(read.counters.get(counter), written.counters.get(counter), "{counter:?}");
            }
        }
    }

    #[test]
    fn the_differ_finds_nothing_impossible_in_a_sound_fabric() {
        let plan = FabricPlan {
            ports: 300,
            hours: 3.0,
            faults: FaultRate::PerPortHour(0.02),
            benign: BenignRates::REALISTIC.times(20.0),
            ..FabricPlan::default()
        };
        let mut fabric = Fabric::new(plan).unwrap();
        let (mut differs, mut facts) = (BTreeMap::new(), BTreeMap::<StreamId, PortFacts>::new());
        let (mut readings, mut samples, mut waits, mut resets, mut doubts) = (Vec::new(), 0, 0, 0, 0);
        while fabric.next_sweep(&mut readings).is_some() {
            for reading in &readings {
                let known = facts.entry(reading.stream.clone()).or_default();
                if let Some(news) = &reading.facts {
                    known.update((**news).clone());
                }
                let differ = differs.entry(reading.stream.clone()).or_insert_with(Differ::new);
                let difference = differ.difference(reading, known);
                doubts += difference.doubts.len();
                let Ok(sample) = difference.outcome else { continue };
                let value = |field| sample.values.get(field);
                let up = known.state == Some(PortState::Active);
                if up && value(SampleField::Reset) != Some(1.0) {
                    let utilization = value(SampleField::Utilization).unwrap();
                    assert!((0.0..=100.5).contains(&utilization), "{} {utilization}", reading.stream);
                    let wait = value(SampleField::XmitWaitRatio).unwrap();
                    assert!((0.0..=1.0).contains(&wait), "{} {wait}", reading.stream);
                    waits += usize::from(wait > 0.01);
                }
                resets += usize::from(value(SampleField::Reset) == Some(1.0));
                samples += 1;
            }
        }
        // A host that restarts twice within minutes may count more after than before, and only in part.
        assert!(doubts <= 5, "{doubts}");
        assert!(samples > 90_000 && waits > 1_000 && resets > 5, "{samples} {waits} {resets}");
    }
}
