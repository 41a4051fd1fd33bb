//! Trace headers carried through events: X-Ray's and W3C's are two spellings of one thing.
//!
//! A sample's way leads through tables, streams and buses, none of which hands a trace on by itself. The context travels as one
//! text field in the item or event, in W3C's spelling, and either spelling can be made of it. Malformed headers are
//! errors for the caller to drop: a trace is never worth a record.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whether a trace is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// It is.
    Recorded,
    /// It is not.
    Dropped,
}

/// A trace, and the place in it that what comes next belongs under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    parent: u64,
    sampling: Sampling,
}

/// A header that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a trace header of {length} bytes: expected {expected}")]
pub struct ParseTraceError {
    length: usize,
    expected: &'static str,
}

const W3C: &str = "00-<32 hex digits>-<16 hex digits>-<2 hex digits>, ids not zero";
const XRAY: &str = "Root=1-<8 hex digits>-<24 hex digits>;Parent=<16 hex digits>;Sampled=<0 or 1>";

impl TraceContext {
    /// Reads what Lambda puts into `_X_AMZN_TRACE_ID`. Fields of other names are Lambda's own and are skipped.
    ///
    /// # Errors
    /// A header without a root or parent, or with broken ones.
    pub fn from_xray(header: &str) -> Result<Self, ParseTraceError> {
        let broken = || ParseTraceError { length: header.len(), expected: XRAY };
        let field = |name: &str| {
            let mut fields = header.split(';').filter_map(|field| field.trim().split_once('='));
            fields.find_map(|(found, value)| (found == name).then_some(value))
        };
        let root = field("Root").and_then(|root| root.strip_prefix("1-")).ok_or_else(broken)?;
        let (epoch, rest) = root.split_once('-').ok_or_else(broken)?;
        let trace = (hex(epoch, 8).zip(hex(rest, 24))).map(|(epoch, rest)| epoch << 96 | rest);
        let parent = field("Parent").and_then(|parent| hex(parent, 16));
        let sampling = if field("Sampled") == Some("1") { Sampling::Recorded } else { Sampling::Dropped };
        TraceContext::of(trace, parent, sampling).ok_or_else(broken)
    }

    fn of(trace: Option<u128>, parent: Option<u128>, sampling: Sampling) -> Option<Self> {
        let trace = trace.filter(|trace| *trace != 0)?;
        let parent = parent.filter(|parent| *parent != 0).and_then(|parent| u64::try_from(parent).ok())?;
        Some(TraceContext { trace, parent, sampling })
    }

    /// X-Ray's spelling.
    pub fn to_xray(self) -> String {
        let (epoch, rest) = (self.trace >> 96, self.trace & ((1 << 96) - 1));
        let sampled = u8::from(self.sampling == Sampling::Recorded);
        format!("Root=1-{epoch:08x}-{rest:024x};Parent={:016x};Sampled={sampled}", self.parent)
    }

    /// The context for what is done under `span`; zero, which is no span, changes nothing.
    pub fn under(self, span: u64) -> Self {
        if span == 0 { self } else { TraceContext { parent: span, ..self } }
    }

    /// Whether the trace is recorded.
    pub fn sampling(self) -> Sampling {
        self.sampling
    }
}

impl FromStr for TraceContext {
    type Err = ParseTraceError;

    /// W3C's `traceparent`. A later version may have more at its end, as the standard asks.
    fn from_str(header: &str) -> Result<Self, ParseTraceError> {
        let broken = || ParseTraceError { length: header.len(), expected: W3C };
        let mut parts = header.split('-');
        let mut part = |digits| parts.next().and_then(|part| hex(part, digits));
        let (version, trace, parent, flags) = (part(2), part(32), part(16), part(2));
        let version = version.filter(|version| *version != 0xff).ok_or_else(broken)?;
        if version == 0 && parts.next().is_some() {
            return Err(broken());
        }
        let flags = flags.ok_or_else(broken)?;
        let sampling = if flags & 1 == 1 { Sampling::Recorded } else { Sampling::Dropped };
        TraceContext::of(trace, parent, sampling).ok_or_else(broken)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampling == Sampling::Recorded);
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace, self.parent)
    }
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Exactly `digits` hexadecimal digits, as X-Ray and W3C write them.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex { u128::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XRAY_HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    const W3C_HEADER: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";

    #[test]
    fn both_spellings_say_the_same() {
        let context = TraceContext::from_xray(XRAY_HEADER).unwrap();
        assert_eq!(context.to_string(), W3C_HEADER);
        assert_eq!(W3C_HEADER.parse::<TraceContext>().unwrap().to_xray(), XRAY_HEADER);
        let with_lineage = format!("{XRAY_HEADER};Lineage=a87bd80c:1|68fd508a:5");
        assert_eq!(TraceContext::from_xray(&with_lineage), Ok(context));
    }

    #[test]
    fn an_event_carries_the_span_it_was_made_under() {
        let context: TraceContext = W3C_HEADER.parse().unwrap();
        let json = serde_json::to_string(&context.under(0xab)).unwrap();
        assert_eq!(json, r#""00-5759e988bd862e3fe1be46a994272793-00000000000000ab-01""#);
        assert_eq!(serde_json::from_str::<TraceContext>(&json).unwrap(), context.under(0xab));
        assert_eq!(context.under(0), context);
    }

    #[test]
    fn a_later_version_may_say_more_and_this_one_may_not() {
        let later = W3C_HEADER.replacen("00-", "cc-", 1) + "-what-the-future-brings";
        assert!(later.parse::<TraceContext>().is_ok());
        assert!(format!("{W3C_HEADER}-more").parse::<TraceContext>().is_err());
    }

    #[test]
    fn broken_headers_are_refused() {
        for header in [
            "",
            "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8",
            "ff-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
            "00-00000000000000000000000000000000-53995c3f42cd8ad8-01",
            "00-5759e988bd862e3fe1be46a994272793-0000000000000000-01",
            "00-+759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
        ] {
            assert!(header.parse::<TraceContext>().is_err(), "{header}");
        }
        for header in ["Root=1-5759e988-bd862e3fe1be46a994272793", "Root=2-5759e988-x;Parent=1", "Sampled=1"]
        {
            assert!(TraceContext::from_xray(header).is_err(), "{header}");
        }
    }
}
