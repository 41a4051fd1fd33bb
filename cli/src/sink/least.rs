//! From which severity on each channel is told of notices.

use std::str::FromStr;

use linkcast_domain::Severity;

/// A kind of channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelKind {
    /// A file of JSON lines.
    Output,
    /// A webhook.
    Webhook,
    /// An Alertmanager.
    Alertmanager,
}

/// `warning` for every channel, or `webhook=warning` for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeastSeverity {
    kind: Option<ChannelKind>,
    severity: Severity,
}

/// A text that names no severity of a channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?}: expected info, warning or critical, alone or after output=, webhook= or alertmanager=, as webhook=warning"
)]
pub(crate) struct ParseLeastSeverityError {
    text: String,
}

impl FromStr for LeastSeverity {
    type Err = ParseLeastSeverityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParseLeastSeverityError { text: text.chars().take(64).collect() };
        let (kind, severity) = match text.split_once('=') {
            None => (None, text),
            Some(("output", severity)) => (Some(ChannelKind::Output), severity),
            Some(("webhook", severity)) => (Some(ChannelKind::Webhook), severity),
            Some(("alertmanager", severity)) => (Some(ChannelKind::Alertmanager), severity),
            Some(_) => return Err(refused()),
        };
        Ok(LeastSeverity { kind, severity: severity.parse().map_err(|_| refused())? })
    }
}

/// What `given` says of a channel of this kind: its own severity, else that of all, else that everything is told, but that an
/// Alertmanager, which wakes people, is not fired for what only is good to know.
pub(crate) fn least_of(kind: ChannelKind, given: &[LeastSeverity]) -> Severity {
    let of = |wanted: Option<ChannelKind>| given.iter().rev().find(|one| one.kind == wanted);
    let usual = if kind == ChannelKind::Alertmanager { Severity::Warning } else { Severity::Info };
    of(Some(kind)).or_else(|| of(None)).map_or(usual, |one| one.severity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channels_own_severity_counts_before_that_of_all() {
        let given = ["critical", "webhook=info"].map(|text| text.parse().unwrap());
        assert_eq!(least_of(ChannelKind::Webhook, &given), Severity::Info);
        assert_eq!(least_of(ChannelKind::Alertmanager, &given), Severity::Critical);
        assert_eq!(least_of(ChannelKind::Output, &[]), Severity::Info);
        assert_eq!(least_of(ChannelKind::Alertmanager, &[]), Severity::Warning);
        for text in ["", "loud", "mail=info", "webhook="] {
            assert!(text.parse::<LeastSeverity>().is_err(), "{text}");
        }
    }
}
