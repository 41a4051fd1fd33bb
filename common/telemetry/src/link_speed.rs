//! Width and speed of a link to its data rate: the one table for text, topology and sysfs.
//!
//! Tools print signalling rates (`25.78125 Gbps`), generation names (`EDR`) or nominal totals (`400 Gb/sec (4X NDR)`).
//! Utilization needs the DATA rate: SDR to QDR lose a fifth to 8b/10b coding, so 4X QDR carries 32 Gb/s of its 40.

use linkcast_domain::LinkRate;

/// A link generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkSpeed {
    /// 2.5 Gb/s a lane.
    Sdr,
    /// 5 Gb/s a lane.
    Ddr,
    /// 10 Gb/s a lane, 8b/10b.
    Qdr,
    /// 10.3125 Gb/s a lane, 64b/66b.
    Fdr10,
    /// 14.0625 Gb/s a lane.
    Fdr,
    /// 25.78125 Gb/s a lane.
    Edr,
    /// 53.125 Gb/s a lane.
    Hdr,
    /// 106.25 Gb/s a lane.
    Ndr,
    /// 212.5 Gb/s a lane; some exporters hold it for 250.
    Xdr,
}

/// Every generation with its signalling and its data rate, Gb/s a lane.
const SPEEDS: [(LinkSpeed, &str, f64, f64); 9] = [
    (LinkSpeed::Sdr, "SDR", 2.5, 2.0),
    (LinkSpeed::Ddr, "DDR", 5.0, 4.0),
    (LinkSpeed::Qdr, "QDR", 10.0, 8.0),
    (LinkSpeed::Fdr10, "FDR10", 10.3125, 10.0),
    (LinkSpeed::Fdr, "FDR", 14.0625, 14.0625 * 64.0 / 66.0),
    (LinkSpeed::Edr, "EDR", 25.78125, 25.0),
    (LinkSpeed::Hdr, "HDR", 53.125, 50.0),
    (LinkSpeed::Ndr, "NDR", 106.25, 100.0),
    (LinkSpeed::Xdr, "XDR", 212.5, 200.0),
];

impl LinkSpeed {
    /// By generation name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        SPEEDS.iter().find(|(_, known, _, _)| known.eq_ignore_ascii_case(name)).map(|(speed, ..)| *speed)
    }

    /// By the signalling rate the diagnostics print (`2.5`, `25.78125`), Gb/s a lane. A plain 10.0 is QDR.
    pub fn from_lane_signalling_gbps(gbps: f64) -> Option<Self> {
        SPEEDS.iter().find(|(_, _, signalling, _)| (signalling - gbps).abs() < 0.05).map(|(speed, ..)| *speed)
    }

    /// Data rate of one lane, Gb/s.
    pub fn lane_data_gbps(self) -> f64 {
        SPEEDS.iter().find(|(speed, ..)| *speed == self).map_or(0.0, |(_, _, _, data)| *data)
    }

    /// Data rate over `lanes` lanes, or `None` for a width that does not exist.
    pub fn data_rate(self, lanes: u8) -> Option<LinkRate> {
        is_link_width(lanes).then(|| LinkRate::from_gbps(self.lane_data_gbps() * f64::from(lanes))).flatten()
    }
}

/// Whether links of this many lanes exist.
pub fn is_link_width(lanes: u8) -> bool {
    matches!(lanes, 1 | 2 | 4 | 8 | 12)
}

/// `4X`, `4x` or `12X` as a number of lanes.
pub fn parse_link_width(text: &str) -> Option<u8> {
    let lanes = text.trim().strip_suffix(['X', 'x'])?.parse().ok()?;
    is_link_width(lanes).then_some(lanes)
}

/// The data rate behind a nominal total as sysfs states it (`40 Gb/sec (4X QDR)`), where only the total survived.
/// 8b/10b totals lose a fifth; of 4X QDR and 4X FDR10, which both read 40, the slower is taken.
pub fn data_rate_of_nominal_gbps(gbps: f64) -> Option<LinkRate> {
    const CODED_8B_10B: [f64; 8] = [2.5, 5.0, 10.0, 20.0, 30.0, 40.0, 80.0, 120.0];
    const FDR_NOMINAL_LANE: f64 = 14.0;
    let is_close = |nominal: f64| (gbps - nominal).abs() < 0.01;
    if CODED_8B_10B.into_iter().any(is_close) {
        return LinkRate::from_gbps(gbps * 0.8);
    }
    if [1.0, 2.0, 4.0, 8.0, 12.0].into_iter().any(|lanes| is_close(lanes * FDR_NOMINAL_LANE)) {
        return LinkRate::from_gbps(gbps / FDR_NOMINAL_LANE * LinkSpeed::Fdr.lane_data_gbps());
    }
    LinkRate::from_gbps(gbps)
}

/// The data rate behind a total as treydock's exporter states it: a data rate, except that its XDR lane has 250 Gb/s.
/// No true width and speed make these totals.
pub fn data_rate_of_exporter_gbps(gbps: f64) -> Option<LinkRate> {
    const LANES_OF_250: [f64; 5] = [250.0, 500.0, 1000.0, 2000.0, 3000.0];
    let is_overstated = LANES_OF_250.into_iter().any(|total| (gbps - total).abs() < 0.5);
    LinkRate::from_gbps(if is_overstated { gbps * 0.8 } else { gbps })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_lanes_of_each_generation_give_the_published_data_rate() {
        let check = |name: &str, gbps: f64| {
            let rate = LinkSpeed::from_name(name).unwrap().data_rate(4).unwrap().gbps();
            assert!((rate - gbps).abs() < 0.1, "{name}: {rate}");
        };
        check("SDR", 8.0);
        check("ddr", 16.0);
        check("QDR", 32.0);
        check("FDR10", 40.0);
        check("FDR", 54.5);
        check("EDR", 100.0);
        check("HDR", 200.0);
        check("NDR", 400.0);
        check("XDR", 800.0);
    }

    #[test]
    fn a_printed_lane_rate_names_its_generation() {
        assert_eq!(LinkSpeed::from_lane_signalling_gbps(2.5), Some(LinkSpeed::Sdr));
        assert_eq!(LinkSpeed::from_lane_signalling_gbps(10.0), Some(LinkSpeed::Qdr));
        assert_eq!(LinkSpeed::from_lane_signalling_gbps(25.78125), Some(LinkSpeed::Edr));
        assert_eq!(LinkSpeed::from_lane_signalling_gbps(212.5), Some(LinkSpeed::Xdr));
        assert_eq!(LinkSpeed::from_lane_signalling_gbps(7.0), None);
    }

    #[test]
    fn twelve_lanes_are_not_read_as_two() {
        assert_eq!(parse_link_width("12X"), Some(12));
        assert_eq!(parse_link_width("3X"), None);
        assert_eq!(LinkSpeed::Qdr.data_rate(12).unwrap().gbps(), 96.0);
    }

    #[test]
    fn a_nominal_rate_becomes_the_rate_that_data_can_reach() {
        let nominal = |gbps| data_rate_of_nominal_gbps(gbps).unwrap().gbps();
        assert_eq!(nominal(40.0), 32.0);
        assert!((nominal(56.0) - 54.5).abs() < 0.1);
        assert_eq!(nominal(400.0), 400.0);
        assert!(data_rate_of_nominal_gbps(0.0).is_none());
    }

    #[test]
    fn an_exporters_xdr_lane_of_250_is_200() {
        assert_eq!(data_rate_of_exporter_gbps(1000.0).unwrap().gbps(), 800.0);
        assert_eq!(data_rate_of_exporter_gbps(400.0).unwrap().gbps(), 400.0);
        assert_eq!(data_rate_of_exporter_gbps(100.0).unwrap().gbps(), 100.0);
    }
}
