//! What a tick of PortXmitWait is worth, which differs by 64 between switch generations.
//!
//! From NVIDIA's "Congestion Assessment on InfiniBand Links" (ibdiagnet user manual): a Quantum switch counts one
//! tick for every 8 bytes its port could have sent (PortSamplesControl tick 7), SwitchX and Switch-IB one for every
//! 32 bytes a LANE could have sent (tick 31). No counter source says which chip it speaks for, so the generation is
//! told by the fastest lane the link is known to reach: FDR10, FDR and EDR mean SwitchX or Switch-IB, anything slower
//! or faster the 8-byte tick. Host adapters publish no tick; they are taken to count as the switches of their speed.

use linkcast_domain::PortFacts;

/// A lane of FDR10 carries 10 Gb/s, of EDR 25; HDR starts at 50. A little air keeps rounded rates in their class.
const PER_LANE_TICK_GBPS: std::ops::Range<f64> = 9.5..26.0;

/// Bytes that could not be sent for each tick of PortXmitWait, on a port of these facts; `None` if no rate is known.
pub fn wait_bytes_per_tick(facts: &PortFacts) -> Option<f64> {
    let lanes = f64::from(facts.lanes.filter(|lanes| *lanes > 0).unwrap_or(4));
    let rates = [facts.rate, facts.capable].into_iter().flatten().map(|rate| rate.gbps());
    let lane_gbps = rates.reduce(f64::max)? / lanes;
    Some(if PER_LANE_TICK_GBPS.contains(&lane_gbps) { 32.0 * lanes } else { 8.0 })
}

#[cfg(test)]
mod tests {
    use linkcast_domain::LinkRate;

    use super::*;

    #[test]
    fn a_tick_is_worth_what_its_switch_generation_says() {
        let check = |gbps: f64, lanes: u8, expected: f64| {
            let facts =
                PortFacts { rate: LinkRate::from_gbps(gbps), lanes: Some(lanes), ..PortFacts::default() };
            assert_eq!(wait_bytes_per_tick(&facts), Some(expected), "{gbps} Gb/s on {lanes} lanes");
        };
        check(32.0, 4, 8.0);
        check(40.0, 4, 128.0);
        check(54.5, 4, 128.0);
        check(100.0, 4, 128.0);
        check(25.0, 1, 32.0);
        check(200.0, 4, 8.0);
        check(400.0, 4, 8.0);
        check(200.0, 2, 8.0);
    }

    #[test]
    fn a_link_trained_down_keeps_its_switchs_tick() {
        let facts = PortFacts {
            rate: LinkRate::from_gbps(100.0),
            capable: LinkRate::from_gbps(200.0),
            lanes: Some(4),
            ..PortFacts::default()
        };
        assert_eq!(wait_bytes_per_tick(&facts), Some(8.0));
        assert_eq!(wait_bytes_per_tick(&PortFacts::default()), None);
    }
}
