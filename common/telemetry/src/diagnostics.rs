//! What the InfiniBand diagnostics print when something goes wrong, on standard error or in place of an answer.
//!
//! They exit with 0 as often as not, so these lines are all there is to tell a failed scrape from a quiet fabric.

use crate::{Fate, NoticeKind, Origin, Parsed};

/// What a line of complaint means, or `None` if it is none.
pub(crate) fn kind(line: &[u8]) -> Option<NoticeKind> {
    let has = |needle: &str| memchr::memmem::find(line, needle.as_bytes()).is_some();
    if has("iberror: failed") || has("Query SA failed") || has("ibpanic:") || has("Failed to open") {
        return Some(NoticeKind::FailedScrape);
    }
    let is_partial = (has("umad (") && has("bad status"))
        || line.starts_with(b"ibwarn:")
        || has("mad_rpc")
        || has("query_cap_mask")
        || has("failed on '");
    is_partial.then_some(NoticeKind::PartialScrape)
}

/// Reads a captured standard error.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Parsed {
    let mut parsed = Parsed::default();
    for line in crate::lines::lines(bytes) {
        let number = parsed.account.lines + 1;
        if line.is_empty() {
            parsed.account.add(Fate::Ignored);
        } else if let Some(kind) = kind(line) {
            parsed.notice(kind, number, || {
                String::from_utf8_lossy(line.get(..400).unwrap_or(line)).into_owned()
            });
            parsed.account.add(Fate::Used);
        } else {
            parsed.account.add(Fate::Rejected);
            parsed.rejects.add(origin, number, None, line, "a diagnostic's error or warning");
        }
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shape_of_complaint_is_known() {
        let check = |line: &str, expected| assert_eq!(kind(line.as_bytes()), expected, "{line}");
        check("perfquery: iberror: failed: perfextquery", Some(NoticeKind::FailedScrape));
        check("Query SA failed: Connection timed out", Some(NoticeKind::FailedScrape));
        check("ibwarn: [28717] mad_rpc: _do_madrpc failed; dport (Lid 7)", Some(NoticeKind::PartialScrape));
        check(
            "src/query_smp.c:199; umad (DR path slid 0; dlid 0; 0,1,10,19 Attr 0x11:0) bad status 110; Connection timed out",
            Some(NoticeKind::PartialScrape),
        );
        check("PortXmitData:....1", None);
    }
}
