//! Asking a source every interval.
//!
//! Rounds are numbered from the wall clock (round = now / interval), so all sources of one interval are asked at the
//! same instants and their answers can be joined, and a source that overslept takes the next round and not a burst.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, SyncSender, channel};
use std::thread;
use std::time::Duration;

use linkcast_domain::{Clock, SystemClock, Timestamp};
use linkcast_telemetry::{Format, Origin, Parsed, SourceMemory, Topology, parse_remembering, recognise};

use super::backoff::Backoff;
use super::{Delivery, SourceSpec, command, http, sysfs};

/// How sources are asked.
#[derive(Clone, Debug)]
pub(crate) struct PollSettings {
    /// How often.
    pub(crate) interval: Duration,
    /// How long one answer may take.
    pub(crate) timeout: Duration,
    /// What is known of the fabric.
    pub(crate) topology: Arc<Topology>,
    /// Once and no more.
    pub(crate) is_once: bool,
}

/// Why a source gave nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// An address.
    #[error(transparent)]
    Http(#[from] http::HttpError),
    /// A program.
    #[error(transparent)]
    Command(#[from] command::CommandError),
    /// A sysfs tree.
    #[error(transparent)]
    Sysfs(#[from] sysfs::SysfsError),
    /// Bytes came, and no format claims them.
    #[error("{name} gave {length} bytes in no known format, beginning with {start:?}: expected counters")]
    UnknownFormat {
        /// The source.
        name: String,
        /// How many bytes.
        length: usize,
        /// The first of them.
        start: String,
    },
    /// A known format that says the scrape failed.
    #[error("{name} says that its own scrape failed: {detail}")]
    FailedScrape {
        /// The source.
        name: String,
        /// What it said.
        detail: String,
    },
    /// A known format without a single counter.
    #[error("{name} answered as {format} and listed no counters: expected ports with counters")]
    NothingThere {
        /// The source.
        name: String,
        /// The format.
        format: Format,
    },
}

/// What a source said in one round.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Which source, by its place on the command line.
    pub(crate) source: usize,
    /// The round's instant: what joins sources of one interval.
    pub(crate) round: Timestamp,
    /// When it was asked.
    pub(crate) asked: Timestamp,
    /// What it said, with the format, or why it said nothing.
    pub(crate) result: Result<(Format, Parsed), SourceError>,
    /// When it is asked again, where that is later than usual.
    pub(crate) pause: Option<Duration>,
}

/// What the one thread that owns the pipeline is told.
#[derive(Debug)]
pub(crate) enum Event {
    /// A polled source said something, or failed.
    Answer(Answer),
    /// A listener received something.
    Delivery(Delivery),
    /// The user wants to stop.
    Stop,
}

/// Starts asking `spec` on a thread of its own. The thread ends when the receiver does, or when `stop` is dropped.
pub(crate) fn start_polling(
    source: usize,
    spec: SourceSpec,
    settings: PollSettings,
    events: SyncSender<Event>,
) -> Sender<()> {
    let (stop, stopped) = channel::<()>();
    thread::spawn(move || {
        let agent = http::agent(settings.timeout);
        let mut backoff = Backoff::new(settings.interval, seed_of(&spec));
        let mut memory = SourceMemory::new();
        loop {
            let asked = SystemClock.now();
            let round = round_of(asked, settings.interval);
            let result = ask(&spec, &agent, (&settings, asked), &mut memory);
            let pause = match &result {
                Ok(_) => {
                    backoff.succeed();
                    None
                }
                Err(_) => Some(backoff.fail()),
            };
            let told = events.send(Event::Answer(Answer { source, round, asked, result, pause }));
            if told.is_err() || settings.is_once {
                return;
            }
            let now = SystemClock.now();
            let next = round_of(now, settings.interval).plus(settings.interval).since(now);
            match stopped.recv_timeout(pause.map_or(next, |pause| pause.max(next))) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    });
    stop
}

/// The instant of the round that `now` lies in.
fn round_of(now: Timestamp, interval: Duration) -> Timestamp {
    let length = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX).max(1);
    Timestamp::from_millis(now.millis() - now.millis().rem_euclid(length))
}

fn seed_of(spec: &SourceSpec) -> u64 {
    let text = spec.to_string();
    let folded = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    folded ^ u64::from(std::process::id())
}

fn ask(
    spec: &SourceSpec,
    agent: &ureq::Agent,
    (settings, asked): (&PollSettings, Timestamp),
    memory: &mut SourceMemory,
) -> Result<(Format, Parsed), SourceError> {
    let name = spec.to_string();
    let origin = Origin {
        guid: spec.guid(),
        time: Some(asked),
        host: host_of(spec),
        topology: Some(Arc::clone(&settings.topology)),
        ..Origin::named(name.clone())
    };
    let bytes = match spec {
        SourceSpec::Url(url) => http::fetch(agent, url, settings.timeout)?,
        SourceSpec::Command(words) => command::run(words, settings.timeout)?.stdout,
        SourceSpec::Sysfs(path) => return sysfs::read(path, &origin).map_err(SourceError::from),
        SourceSpec::Listen(_) => Vec::new(),
    };
    let format = recognise(&name, &bytes).ok_or_else(|| SourceError::UnknownFormat {
        name: name.clone(),
        length: bytes.len(),
        start: String::from_utf8_lossy(bytes.get(..60).unwrap_or(&bytes)).into_owned(),
    })?;
    let parsed = parse_remembering(format, &bytes, &origin, memory);
    judge(name, format, parsed)
}

fn judge(name: String, format: Format, parsed: Parsed) -> Result<(Format, Parsed), SourceError> {
    let holds_nothing = parsed.readings.is_empty() && parsed.samples.is_empty() && parsed.ports.is_empty();
    if !holds_nothing {
        return Ok((format, parsed));
    }
    match parsed.notices.first() {
        Some(notice) if parsed.is_failed_scrape() => {
            Err(SourceError::FailedScrape { name, detail: notice.to_string() })
        }
        _ => Err(SourceError::NothingThere { name, format }),
    }
}

/// The host part of an exporter's address: sysfs exporters name devices and no host.
fn host_of(spec: &SourceSpec) -> Option<String> {
    match spec {
        SourceSpec::Url(url) => {
            let rest = url.split_once("://")?.1;
            let host = rest.split(['/', '?']).next()?.rsplit('@').next()?;
            Some(host.rsplit_once(':').map_or(host, |(host, _)| host).to_owned())
        }
        SourceSpec::Sysfs(_) => sysfs::host_name(),
        SourceSpec::Command(_) | SourceSpec::Listen(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_of_an_interval_shares_its_rounds() {
        let interval = Duration::from_secs(30);
        let round = round_of(Timestamp::from_millis(1_769_846_407_123), interval);
        assert_eq!(round, Timestamp::from_millis(1_769_846_400_000));
        assert_eq!(round_of(Timestamp::from_millis(1_769_846_429_999), interval), round);
    }

    #[test]
    fn an_exporters_host_is_taken_from_its_address() {
        let check = |text: &str, host: &str| {
            assert_eq!(host_of(&text.parse().unwrap()).as_deref(), Some(host), "{text}");
        };
        check("http://gpu-03:9100/metrics", "gpu-03");
        check("https://me:secret@gpu-03/metrics", "gpu-03");
    }
}
