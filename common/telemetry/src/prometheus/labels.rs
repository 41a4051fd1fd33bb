//! The labels of one series that say whose it is.
//!
//! Only labels Linkcast asks for are kept, each in its own place, so that a series with a hundred labels costs no
//! more than one with two.

use std::borrow::Cow;

macro_rules! labels {
    ($($variant:ident = $name:literal,)*) => {
        /// A label Linkcast asks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Label { $($variant,)* }

        impl Label {
            const COUNT: usize = [$($name,)*].len();

            fn from_name(name: &[u8]) -> Option<Label> {
                const { $(assert!($name.len() < 32);)* }
                match std::str::from_utf8(name).ok()? {
                    $($name => Some(Label::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

labels! {
    Guid = "guid",
    Port = "port",
    LocalGuid = "local_guid",
    LocalPort = "local_port",
    LocalName = "local_name",
    RemoteGuid = "remote_guid",
    RemotePort = "remote_port",
    RemoteName = "remote_name",
    Component = "component",
    NodeGuid = "node_guid",
    PortGuid = "port_guid",
    PortNum = "port_num",
    PortType = "port_type",
    Device = "device",
    Instance = "instance",
    Collector = "collector",
    Switch = "switch",
    Hca = "hca",
    Lid = "lid",
    Uplink = "uplink",
    UplinkGuid = "uplink_guid",
    UplinkPort = "uplink_port",
    UplinkLid = "uplink_lid",
}

/// The kept labels of one series.
#[derive(Debug, Default)]
pub(crate) struct Labels<'a> {
    values: [Option<Cow<'a, str>>; Label::COUNT],
}

impl<'a> Labels<'a> {
    /// A label's value, if it is there and not empty.
    pub(crate) fn get(&self, label: Label) -> Option<&str> {
        self.values.get(label as usize)?.as_deref().filter(|value| !value.is_empty())
    }

    /// Keeps a label if it is one Linkcast asks for.
    pub(crate) fn add(&mut self, name: &[u8], value: Cow<'a, str>) {
        if let Some(place) = Label::from_name(name).and_then(|label| self.values.get_mut(label as usize)) {
            *place = Some(value);
        }
    }

    /// Reads `name="value",…}`, the text after the opening brace: the labels and what follows the closing brace.
    pub(crate) fn read(mut text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut labels = Labels::default();
        loop {
            text = skip(text, b" \t,");
            if let [b'}', rest @ ..] = text {
                return Some((labels, rest));
            }
            let equals = memchr::memchr(b'=', text)?;
            let (name, rest) = text.split_at_checked(equals)?;
            let (value, rest) = read_quoted(skip(rest.get(1..)?, b" \t"))?;
            labels.add(name.trim_ascii(), value);
            text = rest;
        }
    }
}

/// The text without the leading bytes that are in `set`.
pub(crate) fn skip<'a>(text: &'a [u8], set: &[u8]) -> &'a [u8] {
    let start = text.iter().position(|byte| !set.contains(byte)).unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

/// A quoted value with `\\`, `\"` and `\n` undone, and what follows it.
fn read_quoted(text: &[u8]) -> Option<(Cow<'_, str>, &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', text)?;
    let (plain, rest) = text.split_at_checked(end)?;
    if let [b'"', rest @ ..] = rest {
        return Some((String::from_utf8_lossy(plain), rest));
    }
    let mut value = plain.to_vec();
    let mut rest = rest;
    loop {
        match rest {
            [b'"', after @ ..] => {
                return Some((Cow::Owned(String::from_utf8_lossy(&value).into_owned()), after));
            }
            [b'\\', b'n', after @ ..] => {
                value.push(b'\n');
                rest = after;
            }
            [b'\\', escaped, after @ ..] => {
                value.push(*escaped);
                rest = after;
            }
            [byte, after @ ..] => {
                value.push(*byte);
                rest = after;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_after_commas_and_escapes_are_read() {
        let (labels, rest) =
            Labels::read(br#"source="x", guid="0x1", local_name="a \"b\" \\ c}", port="2"} 7"#).unwrap();
        assert_eq!(labels.get(Label::Guid), Some("0x1"));
        assert_eq!(labels.get(Label::LocalName), Some(r#"a "b" \ c}"#));
        assert_eq!(labels.get(Label::Port), Some("2"));
        assert_eq!(rest, b" 7");
    }

    #[test]
    fn labels_that_do_not_end_are_refused() {
        assert!(Labels::read(br#"guid="0x1"#).is_none());
        assert!(Labels::read(br#"guid="0x1\"#).is_none());
        assert!(Labels::read(b"guid=0x1} 1").is_none());
    }
}
