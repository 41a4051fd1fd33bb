//! What `--source` names.
//!
//! The form is `scheme:rest`, and the four schemes are listed in every refusal, for nobody remembers them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use linkcast_domain::NodeGuid;

/// Where telemetry comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceSpec {
    /// An exporter's or UFM's address, asked every interval.
    Url(String),
    /// A sysfs tree on this machine, read every interval.
    Sysfs(PathBuf),
    /// A program run every interval, its standard output read.
    Command(Vec<String>),
    /// An address that receives Prometheus remote write.
    Listen(SocketAddr),
}

/// A text that names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseSourceError {
    /// No scheme that is known.
    #[error(
        "{0:?} is not a source: expected http://host:port/path, https://…, sysfs:/path, command:program arguments or listen:address:port"
    )]
    Scheme(String),
    /// `listen:` without an address.
    #[error("{0:?} is no address to listen on: expected address:port, as listen:127.0.0.1:9201")]
    Address(String),
    /// `command:` without a program.
    #[error(
        "{0:?} names no program: expected command:program arguments, as command:perfquery -x -l -G 0x200000 1,2"
    )]
    Program(String),
    /// A quote that does not close.
    #[error("{0:?} has a quote that does not close")]
    Quote(String),
    /// `sysfs:` without a path.
    #[error("sysfs: names no path: expected sysfs:/sys/class/infiniband")]
    Path,
}

impl FromStr for SourceSpec {
    type Err = ParseSourceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(SourceSpec::Url(text.to_owned()));
        }
        let (scheme, rest) = text.split_once(':').ok_or_else(|| ParseSourceError::Scheme(text.into()))?;
        match scheme {
            "sysfs" if rest.is_empty() => Err(ParseSourceError::Path),
            "sysfs" => Ok(SourceSpec::Sysfs(rest.into())),
            "command" => {
                let words = words(rest).ok_or_else(|| ParseSourceError::Quote(text.into()))?;
                if words.first().is_none_or(String::is_empty) {
                    return Err(ParseSourceError::Program(text.into()));
                }
                Ok(SourceSpec::Command(words))
            }
            "listen" => {
                rest.parse().map(SourceSpec::Listen).map_err(|_| ParseSourceError::Address(text.into()))
            }
            _ => Err(ParseSourceError::Scheme(text.into())),
        }
    }
}

impl fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceSpec::Url(url) => f.write_str(url),
            SourceSpec::Sysfs(path) => write!(f, "sysfs:{}", path.display()),
            SourceSpec::Command(words) => write!(f, "command:{}", words.join(" ")),
            SourceSpec::Listen(address) => write!(f, "listen:{address}"),
        }
    }
}

impl SourceSpec {
    /// Whether the source is asked, and does not come by itself.
    pub(crate) fn is_polled(&self) -> bool {
        !matches!(self, SourceSpec::Listen(_))
    }

    /// The node a command asks about: `perfquery -G 0x200000 1,2` prints a LID and no GUID.
    pub(crate) fn guid(&self) -> Option<NodeGuid> {
        let SourceSpec::Command(words) = self else { return None };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if word == "-G" || word == "--Guid" {
                return rest.next()?.parse().ok();
            }
            if let Some(guid) = word.strip_prefix("--Guid=") {
                return guid.parse().ok();
            }
        }
        None
    }
}

/// A command line's words; quotes keep spaces together. `None` where a quote does not close.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for character in text.chars() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_is_read_and_written_alike() {
        for text in [
            "http://leaf-7:9315/metrics",
            "https://ufm/csv/metrics",
            "sysfs:/sys/class/infiniband",
            "command:perfquery -x -l -G 0x200000 1,2",
            "listen:127.0.0.1:9201",
        ] {
            assert_eq!(text.parse::<SourceSpec>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_commands_quotes_keep_words_together() {
        let spec: SourceSpec = "command:ibqueryerrors --node-name-map 'my map' \"\" x".parse().unwrap();
        let expected = ["ibqueryerrors", "--node-name-map", "my map", "", "x"].map(String::from).to_vec();
        assert_eq!(spec, SourceSpec::Command(expected));
    }

    #[test]
    fn the_node_a_command_asks_about_is_found() {
        let check = |text: &str, guid: Option<u64>| {
            assert_eq!(text.parse::<SourceSpec>().unwrap().guid(), guid.map(NodeGuid), "{text}");
        };
        check("command:perfquery -x -l -G 0x200000 1,2", Some(0x20_0000));
        check("command:perfquery --Guid=0x200000 1", Some(0x20_0000));
        check("command:ibqueryerrors --data", None);
        check("http://leaf-7:9315", None);
    }

    #[test]
    fn what_is_no_source_is_refused_with_the_forms_there_are() {
        for text in ["leaf-7", "ftp://x", "listen:here", "command:", "command:a 'b", "sysfs:"] {
            assert!(text.parse::<SourceSpec>().is_err(), "{text}");
        }
        let error = "leaf-7".parse::<SourceSpec>().unwrap_err().to_string();
        assert!(error.contains("sysfs:/path") && error.contains("listen:"), "{error}");
    }
}
