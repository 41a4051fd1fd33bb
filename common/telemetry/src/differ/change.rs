//! How each counter changed between two readings, and which changes are to be believed.
//!
//! PMA counters clamp, mlx5's wrap, tools write them to zero at any time, and a damaged reply shows any number. A
//! fall alone cannot tell these apart; the port's other counters can: a reset takes them down together.

use linkcast_domain::PortFacts;

use super::{Doubt, Interval, Last, state::OTHER_LIMIT, state::name_hash};
use crate::{Counter, Range, Reading};

/// Counters that only a working link moves.
pub(super) const TRAFFIC: u64 = mask(&[Counter::RcvBytes, Counter::RcvPackets]);
const DATA: u64 = mask(&[Counter::XmitBytes, Counter::RcvBytes, Counter::XmitPackets, Counter::RcvPackets]);
const WAIT: u64 = mask(&[Counter::XmitWait]);
/// Everything from the first host counter on.
const HOST: u64 = !((1 << Counter::LocalAckTimeouts as u8) - 1);
const ERRORS: u64 = !(DATA | WAIT | HOST);

/// Twelve XDR lanes are 2.4 Tb/s: no link carries more.
const FASTEST_GBPS: f64 = 2_400.0;
/// A reading's time is that of the scrape and not of the counter, so a link may seem faster than it is.
const CLOCK_TOLERANCE: f64 = 1.25;

const fn mask(counters: &[Counter]) -> u64 {
    let mut bits = 0;
    let mut rest = counters;
    while let [first, tail @ ..] = rest {
        bits |= 1 << *first as u8;
        rest = tail;
    }
    bits
}

/// What the link could carry in the interval, bytes. Nothing on a link happens more often than once a byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ceiling(f64);

impl Ceiling {
    pub(super) fn of(facts: &PortFacts, interval: Interval) -> Self {
        let known = [facts.rate, facts.capable].into_iter().flatten().map(|rate| rate.gbps());
        let fastest = known.reduce(f64::max).unwrap_or(FASTEST_GBPS);
        Ceiling(fastest * CLOCK_TOLERANCE * 1e9 / 8.0 * interval.seconds())
    }

    fn holds(self, change: u64) -> bool {
        change as f64 <= self.0
    }
}

/// The changes of one interval.
#[derive(Debug)]
pub(super) struct Changes {
    /// Which counters changed by a known number, zero included.
    pub(super) known: u64,
    /// Which of them rose.
    pub(super) moved: u64,
    /// Which counters both readings hold, whose change is unknown all the same.
    pub(super) withheld: u64,
    pub(super) saturated: u32,
    pub(super) reset: bool,
    /// Changes of the reading's counters without a name here, in its order; `None` where unknown.
    pub(super) other: Vec<Option<u64>>,
    pub(super) other_hashes: Vec<u32>,
    deltas: [u64; Counter::COUNT],
}

#[expect(clippy::indexing_slicing, reason = "the array has one place for each variant of the index's enum")]
impl Changes {
    pub(super) fn between(
        last: &Last,
        reading: &Reading,
        beyond_classic: u64,
        ceiling: Ceiling,
        doubts: &mut Vec<Doubt>,
    ) -> Self {
        let mut changes = Changes {
            known: 0,
            moved: 0,
            withheld: 0,
            saturated: 0,
            reset: false,
            other: Vec::new(),
            other_hashes: Vec::new(),
            deltas: [0; Counter::COUNT],
        };
        let evidence = changes.compare(last, reading, beyond_classic, ceiling, doubts);
        changes.settle_falls(last, reading, evidence, ceiling, doubts);
        if !reading.other.is_empty() {
            changes.compare_other(last, reading, ceiling);
        }
        changes
    }

    /// The change of a counter, if known.
    #[inline]
    pub(super) fn get(&self, counter: Counter) -> Option<u64> {
        (self.known >> counter as u8 & 1 == 1).then(|| self.deltas[counter as usize])
    }

    /// Whether both readings hold the counter and its change is unknown all the same.
    #[inline]
    pub(super) fn is_withheld(&self, counter: Counter) -> bool {
        self.withheld >> counter as u8 & 1 == 1
    }

    #[inline]
    fn record(&mut self, counter: Counter, delta: u64) {
        let bit = 1 << counter as u8;
        self.known |= bit;
        self.moved |= if delta > 0 { bit } else { 0 };
        self.deltas[counter as usize] = delta;
    }

    /// Records every rise and every saturation; what fell, and what contradicts a reset, is the evidence returned.
    fn compare(
        &mut self,
        last: &Last,
        reading: &Reading,
        beyond_classic: u64,
        ceiling: Ceiling,
        doubts: &mut Vec<Doubt>,
    ) -> Evidence {
        let mut evidence = Evidence::default();
        let before = &last.counters;
        reading.counters.visit(u64::MAX, |counter, new, range| {
            let bit = 1_u64 << counter as u8;
            let comparable = before.present_mask() & bit != 0 && before.range(counter) == range;
            let old = before.get(counter).unwrap_or(0);
            let saturated = is_saturated(counter, new, range, beyond_classic);
            self.saturated += u32::from(saturated);
            if !comparable {
                return;
            }
            if new < old {
                evidence.fell |= bit;
            } else if old > 0 {
                evidence.stood |= bit;
            }
            if saturated {
                self.withheld |= bit;
                evidence.fell &= !bit;
            } else if new >= old {
                let delta = new - old;
                if ceiling.holds(delta) {
                    self.record(counter, delta);
                } else {
                    self.withheld |= bit;
                    doubts.push(Doubt::BeyondLink { counter, change: delta });
                }
            }
        });
        evidence
    }

    /// A fall is a reset, a wrap, or a glitch whose change nobody knows.
    fn settle_falls(
        &mut self,
        last: &Last,
        reading: &Reading,
        evidence: Evidence,
        ceiling: Ceiling,
        doubts: &mut Vec<Doubt>,
    ) {
        if evidence.fell == 0 {
            return;
        }
        let reset = evidence.reset(|fallen| {
            let mut plausible = true;
            reading.counters.visit(fallen, |_, new, _| plausible &= ceiling.holds(new));
            plausible
        });
        let lone = evidence.fell.count_ones() == 1;
        reading.counters.visit(evidence.fell, |counter, new, range| {
            let bit = 1_u64 << counter as u8;
            let old = last.counters.get(counter).unwrap_or(0);
            let wrapped = wrapped(old, new, range).filter(|delta| ceiling.holds(*delta));
            if let Some(delta) = wrapped.filter(|_| reset & bit == 0 || lone) {
                self.record(counter, delta);
            } else if reset & bit != 0 {
                self.record(counter, new);
                self.reset = true;
            } else {
                self.withheld |= bit;
                doubts.push(Doubt::Glitch { counter, before: old, after: new });
            }
        });
    }

    /// Unknown counters carry no range: a fall is a reset if the port had one, and unknown otherwise.
    fn compare_other(&mut self, last: &Last, reading: &Reading, ceiling: Ceiling) {
        let mut earlier = last.other.iter().peekable();
        for (place, (name, new)) in reading.other.iter().enumerate().take(OTHER_LIMIT) {
            let hash = name_hash(name);
            let in_place = earlier.next_if(|(known, _)| *known == hash);
            let old = in_place.or_else(|| last.other.iter().find(|(known, _)| *known == hash));
            let delta = old.and_then(|(_, old)| new.checked_sub(*old).or(self.reset.then_some(*new)));
            self.other.push(delta.filter(|delta| ceiling.holds(*delta)));
            self.other_hashes.push(hash);
            debug_assert!(place < OTHER_LIMIT);
        }
    }
}

/// Which counters fell, and which stood or rose from above zero and so contradict a reset.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    fell: u64,
    stood: u64,
}

impl Evidence {
    /// The fallen counters that were written to zero. Tools clear a port's errors and its data apart or together,
    /// and simulators forget one of them, so a port falls when four fifths of it fall, a group when all of it does;
    /// one counter alone proves nothing unless it is the only one. After a reset nothing can have counted more than
    /// the interval allows, so falls that end above that were steps back in time (two exporters, one late).
    fn reset(self, is_plausible: impl Fn(u64) -> bool) -> u64 {
        let (fell, stood) = self.within(DATA | WAIT | ERRORS);
        let whole_port = fell.count_ones() >= 2 && fell.count_ones() >= 4 * stood.count_ones();
        let only_evidence = self.fell.count_ones() == 1 && self.stood == 0;
        let mut reset = 0;
        if whole_port && is_plausible(fell) {
            reset |= fell;
        }
        for group in [DATA, ERRORS, HOST] {
            let (fell, stood) = self.within(group);
            let together = stood == 0 && (fell.count_ones() >= 2 || only_evidence);
            if together && fell != 0 && is_plausible(fell) {
                reset |= fell;
            }
        }
        // A cleared port clears its waiting ticks with the rest, and data cleared in earnest clear lone errors.
        let follows = if reset & DATA != 0 {
            WAIT | ERRORS
        } else if reset & ERRORS != 0 {
            WAIT
        } else {
            0
        };
        let followers = self.fell & follows & !reset;
        if followers != 0 && is_plausible(followers) { reset | followers } else { reset }
    }

    fn within(self, group: u64) -> (u64, u64) {
        (self.fell & group, self.stood & group)
    }
}

/// The rise of a counter that started again from zero, or `None` if it cannot have: half its range in one interval
/// is a fall and not a rise.
fn wrapped(old: u64, new: u64, range: Range) -> Option<u64> {
    let Range::Wraps(bits) = range else { return None };
    let most = all_ones(bits);
    let delta = new.wrapping_sub(old) & most;
    (old <= most && delta <= most / 2).then_some(delta)
}

/// Whether a value stands at its counter's maximum and so means "unknown, at least this".
#[inline]
fn is_saturated(counter: Counter, value: u64, range: Range, beyond_classic: u64) -> bool {
    match range {
        Range::Clamps(bits) => is_all_ones(counter, value, bits),
        Range::Wraps(_) => false,
        Range::Unstated => {
            beyond_classic >> counter as u8 & 1 == 0
                && classic_bits(counter).is_some_and(|bits| is_all_ones(counter, value, bits))
        }
    }
}

/// Whether a value without a stated range shows that the counter is wider than its classic form.
pub(super) fn is_beyond_classic(counter: Counter, value: u64) -> bool {
    let scale = if is_bytes(counter) { 4 } else { 1 };
    classic_bits(counter).is_some_and(|bits| value > all_ones(bits) * scale)
}

/// Bytes may come from a counter of 4-octet words, whose last value is four times all ones, or from one of bytes.
fn is_all_ones(counter: Counter, value: u64, bits: u8) -> bool {
    let most = all_ones(bits);
    if is_bytes(counter) {
        value == most || value == most.saturating_mul(4) || value | 3 == most
    } else {
        value >= most
    }
}

fn is_bytes(counter: Counter) -> bool {
    matches!(counter, Counter::XmitBytes | Counter::RcvBytes)
}

fn all_ones(bits: u8) -> u64 {
    1_u64.checked_shl(u32::from(bits)).map_or(u64::MAX, |next| next - 1)
}

/// The width in the PMA's PortCounters attribute; host counters have none.
fn classic_bits(counter: Counter) -> Option<u8> {
    Some(match counter {
        Counter::XmitBytes
        | Counter::RcvBytes
        | Counter::XmitPackets
        | Counter::RcvPackets
        | Counter::XmitWait => 32,
        Counter::SymbolErrors
        | Counter::RcvErrors
        | Counter::RcvRemotePhysicalErrors
        | Counter::RcvSwitchRelayErrors
        | Counter::XmitDiscards
        | Counter::Vl15Dropped => 16,
        Counter::LinkErrorRecoveries
        | Counter::LinkDowned
        | Counter::XmitConstraintErrors
        | Counter::RcvConstraintErrors => 8,
        Counter::LocalLinkIntegrityErrors | Counter::BufferOverruns => 4,
        _ => return None,
    })
}
