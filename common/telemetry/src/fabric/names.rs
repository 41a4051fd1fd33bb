//! Node-name maps: a GUID and a quoted name a line.

use linkcast_domain::NodeGuid;

use crate::{Fate, Origin, Parsed};

/// Reads the map.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Parsed {
    super::each_line(bytes, origin, |parsed, line| {
        if line.starts_with('#') {
            return Ok(Fate::Ignored);
        }
        parsed.names.push(read_entry(line).ok_or("0xGUID \"name\"")?);
        Ok(Fate::Used)
    })
}

/// `0x506b4b03005c2740 "leaf 1"`, with or without quotes.
pub(crate) fn read_entry(line: &str) -> Option<(NodeGuid, String)> {
    let (guid, rest) = line.split_once(char::is_whitespace)?;
    let rest = rest.split_once('#').map_or(rest, |(name, _)| name).trim();
    let name = rest.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(rest).trim();
    let guid = guid.starts_with("0x").then(|| guid.parse().ok()).flatten()?;
    (!name.is_empty()).then(|| (guid, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_spaces_are_read_and_comments_passed_over() {
        let parsed = parse(b"# map\n0x200000 \"leaf 1\"\n0x200001 spine\nnonsense\n", &Origin::named("map"));
        assert_eq!(
            parsed.names,
            [(NodeGuid(0x20_0000), "leaf 1".into()), (NodeGuid(0x20_0001), "spine".into())]
        );
        assert_eq!(parsed.account.rejected, 1);
    }
}
