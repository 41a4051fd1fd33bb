//! Prometheus text exposition, as treydock, SckyzO, guilbaults, node_exporter and UFM Telemetry write it.
//!
//! A fabric's exposition is hundreds of megabytes in which everything repeats: a line's name is the line before's, and
//! its labels are those of the next port in the order of the family before. So a line is first held against what the
//! last ones predict, two comparisons of bytes, and read label by label only where that fails. What a family means is
//! decided once by its name. Memory grows with ports and families, not with lines. What a source's last exposition taught
//! is remembered for its next one, which then has nothing new to be read.

mod family;
mod identity;
mod labels;
mod memory;
mod names;
mod number;
mod ports;
mod sweep;
pub(crate) mod units;

use std::collections::HashMap;

use linkcast_domain::{TextHash, Timestamp};

pub(crate) use self::family::{Action, MetricType, classify};
pub(crate) use self::labels::Labels;
use self::labels::skip;
pub use self::memory::SourceMemory;
use self::memory::{LabelTexts, Meeting, Validity};
pub(crate) use self::number::Number;
use self::number::read_number;
pub(crate) use self::ports::PortIndex;
use self::ports::Ports;
pub(crate) use self::sweep::Sweep;
use crate::{Fate, NoticeKind, Origin, Parsed};

/// The most families remembered; beyond them lines are still read, only slower.
const MOST_FAMILIES: usize = 4096;

/// Reads an exposition.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Parsed {
    parse_remembering(bytes, origin, &mut SourceMemory::new())
}

/// Reads an exposition, faster where the source's last one, in `memory`, was alike. The results are the same.
pub(crate) fn parse_remembering(bytes: &[u8], origin: &Origin, memory: &mut SourceMemory) -> Parsed {
    memory.start(origin);
    let mut reader = Reader::new(origin, memory);
    let mut rest = bytes;
    while !rest.is_empty() {
        rest = match reader.read_predicted(rest) {
            Some(after) => after,
            None => reader.read_line(rest),
        };
    }
    let (parsed, ports) = reader.finish();
    memory.ports = ports;
    parsed
}

struct Reader<'a, 'o, 'm> {
    sweep: Sweep<'o>,
    families: HashMap<&'a [u8], Action, TextHash>,
    /// The family of the last line, and its name with the opening brace.
    action: Action,
    name: &'a [u8],
    samples: &'m mut LabelTexts,
    links: &'m mut LabelTexts,
    /// The places of the label texts expected on the next line.
    expected: usize,
    expected_link: usize,
    /// What the last `# TYPE` comment said.
    stated: (&'a [u8], MetricType),
}

/// What became of a line's sample: refused ones name the field and what was expected there.
type Outcome = Result<Fate, (&'static str, &'static str)>;

impl<'a, 'o, 'm> Reader<'a, 'o, 'm> {
    fn new(origin: &'o Origin, memory: &'m mut SourceMemory) -> Self {
        Reader {
            sweep: Sweep::with_ports(origin, std::mem::take(&mut memory.ports)),
            families: HashMap::default(),
            action: Action::Ignore,
            name: b"{",
            samples: &mut memory.samples,
            links: &mut memory.links,
            expected: 0,
            expected_link: 0,
            stated: (b"", MetricType::Unstated),
        }
    }

    /// Reads one line if it is what the lines before it predict: the rest after it, or `None` having done nothing.
    #[inline]
    fn read_predicted(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let (labels, port) = self.samples.met(self.expected)?;
        let after = bytes.strip_prefix(self.name)?.strip_prefix(labels)?.strip_prefix(b" ")?;
        let (number, after) = read_number(after)?;
        let rest = match after {
            [b'\n', rest @ ..] => rest,
            [] => after,
            _ => return None,
        };
        let fate = self.sweep.apply(&self.action, port, number, None).ok()?;
        self.sweep.parsed.account.add(fate);
        self.expected += 1;
        Some(rest)
    }

    /// Reads one line of any kind: the rest after it.
    fn read_line(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
        let (line, rest) = bytes.split_at_checked(end).unwrap_or((bytes, b""));
        let text = line.trim_ascii();
        let outcome = match text.first() {
            None => Ok(Fate::Ignored),
            Some(b'#') => {
                self.read_comment(text);
                Ok(Fate::Ignored)
            }
            Some(_) => self.read_sample(text),
        };
        let parsed = &mut self.sweep.parsed;
        match outcome {
            Ok(fate) => parsed.account.add(fate),
            Err((field, expected)) => {
                parsed.account.add(Fate::Rejected);
                let line_number = parsed.account.lines;
                parsed.rejects.add(self.sweep.origin, line_number, Some(field.as_bytes()), text, expected);
            }
        }
        rest.get(1..).unwrap_or_default()
    }

    /// `# TYPE name counter`: whether an unknown family counts or measures.
    fn read_comment(&mut self, text: &'a [u8]) {
        let mut words = text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        if words.next() == Some(b"#") && words.next() == Some(b"TYPE") {
            let name = words.next().unwrap_or_default();
            let stated = match words.next() {
                Some(b"counter") => MetricType::Counter,
                Some(b"gauge") => MetricType::Gauge,
                _ => MetricType::Unstated,
            };
            self.stated = (name, stated);
        }
    }

    fn read_sample(&mut self, text: &'a [u8]) -> Outcome {
        const A_SAMPLE: (&str, &str) = ("sample", "name{label=\"value\",…} value [timestamp]");
        let name_end = text.iter().position(|byte| !is_name_byte(*byte)).unwrap_or(text.len());
        let (name, after_name) = text.split_at_checked(name_end).ok_or(A_SAMPLE)?;
        if name.is_empty() || name.first().is_some_and(u8::is_ascii_digit) {
            return Err(A_SAMPLE);
        }
        self.enter_family(text, name);
        let after_name = skip(after_name, b" \t");
        let Some(after_brace) = after_name.strip_prefix(b"{") else {
            return self.read_unlabelled(after_name);
        };
        if self.action == Action::Ignore {
            return Ok(Fate::Ignored);
        }
        let found = self.find(after_brace);
        let (labels, after_labels) = match found {
            Some((_, after_labels)) => (None, after_labels),
            None => {
                let (labels, rest) =
                    Labels::read(after_brace).ok_or(("labels", "name=\"value\" pairs in braces"))?;
                (Some(labels), rest)
            }
        };
        let (number, after) = read_number(skip(after_labels, b" \t")).ok_or(("value", "a number, or NaN"))?;
        let time = read_time(after)?;
        let port = match (found, labels) {
            (Some((place, _)), _) => self.meet(place),
            (None, Some(labels)) => self.port_of(&labels, text_before(after_brace, after_labels), number),
            (None, None) => return Err(A_SAMPLE),
        };
        match port {
            Ok(port) => {
                let outcome = self.sweep.apply(&self.action, port, number, time);
                outcome.map_err(|expected| ("value", expected))
            }
            Err(outcome) => outcome.map_err(|expected| ("labels", expected)),
        }
    }

    /// Makes the family of `name` the current one.
    fn enter_family(&mut self, text: &'a [u8], name: &'a [u8]) {
        if self.name.strip_suffix(b"{") == Some(name) {
            return;
        }
        self.name = text.get(..=name.len()).filter(|with_brace| with_brace.ends_with(b"{")).unwrap_or(b"\n");
        self.action = match self.families.get(name) {
            Some(action) => action.clone(),
            None => {
                let stated = if self.stated.0 == name { self.stated.1 } else { MetricType::Unstated };
                let action = classify(&String::from_utf8_lossy(name), stated);
                if self.families.len() < MOST_FAMILIES {
                    self.families.insert(name, action.clone());
                }
                action
            }
        };
    }

    /// The place of a remembered label text, and what follows the closing brace.
    fn find(&self, after_brace: &'a [u8]) -> Option<(usize, &'a [u8])> {
        let (texts, expected) = match self.action {
            Action::UplinkInfo => (&*self.links, self.expected_link),
            Action::NodeInfo | Action::NodesFailed | Action::ScrapeSucceeded => return None,
            _ => (&*self.samples, self.expected),
        };
        if let Some(after) = texts.follows(expected, after_brace) {
            return Some((expected, after));
        }
        let end = memchr::memchr(b'}', after_brace)?;
        let place = texts.place(after_brace.get(..=end)?)?;
        texts.follows(place, after_brace).map(|after| (place, after))
    }

    /// The port of a remembered label text, or what becomes of a sample that only tells of a link.
    fn meet(&mut self, place: usize) -> Result<PortIndex, Result<Fate, &'static str>> {
        const REMEMBERED: &str = "a label text that is remembered";
        if self.action == Action::UplinkInfo {
            self.expected_link = place + 1;
            let met = self.links.meet(place).ok_or(Err(REMEMBERED))?;
            self.sweep.port_again(met.port, met.facts).map_err(Err)?;
            return Err(Ok(Fate::Used));
        }
        self.expected = place + 1;
        let met = self.samples.meet(place).ok_or(Err(REMEMBERED))?;
        if met.meeting == Meeting::First {
            self.sweep.port_again(met.port, met.facts).map_err(Err)?;
        }
        Ok(met.port)
    }

    /// The port new labels name, or what becomes of a sample that belongs to none.
    fn port_of(
        &mut self,
        labels: &Labels<'a>,
        text: &'a [u8],
        number: Number,
    ) -> Result<PortIndex, Result<Fate, &'static str>> {
        match self.action {
            Action::NodeInfo => return Err(self.sweep.apply_info(&self.action, labels)),
            Action::UplinkInfo => {
                let placed = self.sweep.apply_link(labels).map_err(Err)?;
                if is_closed_once(text) {
                    self.links.add(text, placed.port, placed.facts, Validity::Lasting);
                    self.expected_link = self.links.len();
                }
                return Err(Ok(Fate::Used));
            }
            Action::NodesFailed | Action::ScrapeSucceeded => {
                return Err(Ok(self.sweep.apply_health(&self.action, labels, number)));
            }
            _ => {}
        }
        let placed = self.sweep.place_labels(&self.action, labels)?;
        if is_closed_once(text) {
            self.samples.add(text, placed.port, placed.facts, placed.validity);
            self.expected = self.samples.len();
        }
        Ok(placed.port)
    }

    /// A sample without labels belongs to no port, but may tell of the scrape.
    fn read_unlabelled(&mut self, after_name: &'a [u8]) -> Outcome {
        let (number, after) = read_number(after_name).ok_or(("value", "a number, or NaN"))?;
        read_time(after)?;
        match self.action {
            Action::NodesFailed | Action::ScrapeSucceeded => {
                Ok(self.sweep.apply_health(&self.action, &Labels::default(), number))
            }
            _ => Ok(Fate::Ignored),
        }
    }

    fn finish(self) -> (Parsed, Ports) {
        let (mut parsed, ports) = self.sweep.finish_keeping();
        if parsed.account.used == 0 && parsed.account.rejected == 0 {
            parsed.notice(NoticeKind::FailedScrape, 0, || "an exposition without any port's series".into());
        }
        (parsed, ports)
    }
}

/// Whether the brace that ends a label text is its only closing one, so that it is found again by that.
fn is_closed_once(text: &[u8]) -> bool {
    memchr::memchr(b'}', text) == text.len().checked_sub(1)
}

/// What of `text` stands before `rest`, which is its end.
fn text_before<'a>(text: &'a [u8], rest: &[u8]) -> &'a [u8] {
    text.get(..text.len().saturating_sub(rest.len())).unwrap_or_default()
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':'
}

/// A trailing timestamp: whole milliseconds, or OpenMetrics' seconds with a fraction. An exemplar is passed over.
fn read_time(after: &[u8]) -> Result<Option<Timestamp>, (&'static str, &'static str)> {
    const A_TIME: (&str, &str) = ("timestamp", "epoch milliseconds");
    let text = after.trim_ascii();
    let text = text.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
    if text.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(text).map_err(|_| A_TIME)?;
    if let Ok(millis) = text.parse::<i64>() {
        return Ok(Some(Timestamp::from_millis(millis)));
    }
    let seconds: f64 = text.parse().map_err(|_| A_TIME)?;
    if !seconds.is_finite() || !text.contains('.') {
        return Err(A_TIME);
    }
    Ok(Some(Timestamp::from_millis((seconds * 1000.0).round() as i64)))
}

#[cfg(test)]
mod tests;
