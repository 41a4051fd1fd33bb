//! From a file to what the telemetry room makes of it.
//!
//! Everything a parser may need from outside (the format asked for, the column map, what is known of the fabric) is
//! gathered here once, so that inspect, replay, features and predict read captures alike.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use linkcast_domain::{NodeGuid, Timestamp};
use linkcast_telemetry::{
    ColumnMap, ColumnMapError, Format, Origin, Parsed, SourceMemory, Topology, UnknownFormatError, parse,
    parse_remembering, recognise,
};

use super::bytes::{ReadError, read_bytes};
use crate::exit::{ExitKind, Failure};

/// A format named on the command line, or none: then the content decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FormatChoice(pub(crate) Option<Format>);

impl FromStr for FormatChoice {
    type Err = UnknownFormatError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" {
            Ok(FormatChoice(None))
        } else {
            text.parse().map(|format| FormatChoice(Some(format)))
        }
    }
}

/// Why what was named beside the captures could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReaderError {
    /// The file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The column map is wrong.
    #[error("reading the column map {}", path.display())]
    Map {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: ColumnMapError,
    },
    /// The file says nothing of a fabric.
    #[error("{} holds no {expected}", path.display())]
    NoTopology {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
}

impl From<ReaderError> for Failure {
    fn from(error: ReaderError) -> Self {
        Failure::new(ExitKind::UnusableInput, error)
    }
}

/// What is known from outside of the captures to come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reader {
    choice: FormatChoice,
    map: Option<Arc<ColumnMap>>,
    guid: Option<NodeGuid>,
    topology: Arc<Topology>,
}

impl Reader {
    /// A reader for captures of the format chosen.
    pub(crate) fn new(choice: FormatChoice, guid: Option<NodeGuid>) -> Self {
        Reader { choice, guid, ..Reader::default() }
    }

    /// Reads CSV through the column map in `path`.
    pub(crate) fn with_map(mut self, path: Option<&Path>) -> Result<Self, ReaderError> {
        if let Some(path) = path {
            let bytes = read_bytes(path)?;
            let text = String::from_utf8_lossy(&bytes);
            let failed = |source| ReaderError::Map { path: path.to_owned(), source };
            self.map = Some(Arc::new(ColumnMap::from_toml(&text).map_err(failed)?));
        }
        Ok(self)
    }

    /// Takes over what `path` says of the fabric; `expected` names it in a refusal.
    pub(crate) fn with_fabric(
        mut self,
        path: Option<&Path>,
        expected: &'static str,
    ) -> Result<Self, ReaderError> {
        if let Some(path) = path {
            let bytes = read_bytes(path)?;
            let origin = self.origin(path, None);
            let parsed = recognise(&origin.name, &bytes)
                .filter(|format| format.is_topology())
                .map(|format| parse(format, &bytes, &origin));
            match parsed.filter(|parsed| !(parsed.ports.is_empty() && parsed.names.is_empty())) {
                Some(parsed) => self.absorb(&parsed),
                None => return Err(ReaderError::NoTopology { path: path.to_owned(), expected }),
            }
        }
        Ok(self)
    }

    /// Takes over what a parsed source says of the fabric.
    pub(crate) fn absorb(&mut self, parsed: &Parsed) {
        Arc::make_mut(&mut self.topology).absorb(parsed);
    }

    /// What is known of the fabric.
    pub(crate) fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The format of these bytes: the one asked for, a mapped CSV where a map was given, or what the content says.
    pub(crate) fn format_of(&self, name: &str, bytes: &[u8]) -> Option<Format> {
        if self.choice.0.is_some() {
            return self.choice.0;
        }
        match recognise(name, bytes) {
            None | Some(Format::NotTelemetry) if self.map.is_some() => Some(Format::MappedCsv),
            recognised => recognised,
        }
    }

    /// Parses bytes of a known format, taken at `time` where they do not say themselves.
    pub(crate) fn parse(&self, format: Format, path: &Path, time: Option<Timestamp>, bytes: &[u8]) -> Parsed {
        parse(format, bytes, &self.origin(path, time))
    }

    /// As `parse`, for one of many captures of one source.
    pub(crate) fn parse_remembering(
        &self,
        format: Format,
        (path, time): (&Path, Timestamp),
        bytes: &[u8],
        memory: &mut SourceMemory,
    ) -> Parsed {
        parse_remembering(format, bytes, &self.origin(path, Some(time)), memory)
    }

    /// The origin of bytes from `path`.
    pub(crate) fn origin(&self, path: &Path, time: Option<Timestamp>) -> Origin {
        Origin {
            name: path.display().to_string(),
            guid: self.guid,
            time,
            host: None,
            map: self.map.clone(),
            topology: (!self.topology.is_empty()).then(|| Arc::clone(&self.topology)),
        }
    }
}

/// When a file was read: what its name says, or when it was written.
pub(crate) fn instant_of(path: &Path) -> Option<Timestamp> {
    let name = path.file_name()?.to_string_lossy();
    super::time_in_name(&name).or_else(|| written_at(path))
}

/// When a file was last written.
fn written_at(path: &Path) -> Option<Timestamp> {
    let modified = fs::metadata(path).ok()?.modified().ok()?;
    let since_epoch = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).ok()?))
}
