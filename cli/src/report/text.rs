//! Words and figures of the report.

use std::fmt::Write as _;

/// Text that cannot break out of HTML.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(character),
        }
    }
    safe
}

/// A class's or kind's name as people write it: `packet_loss_detected` is "packet loss detected".
pub(super) fn spoken(name: &str) -> String {
    let name = name.replace('_', " ");
    name.strip_prefix("qp ").map_or_else(|| name.replace("rdma ", "RDMA "), |rest| format!("QP {rest}"))
}

/// `1 234 567` with thin spaces.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `42 s`, `7 min`, `2 h 05 min`.
pub(crate) fn length_of_time(seconds: f64) -> String {
    let whole = seconds.abs().round() as u64;
    let mut text = String::new();
    if seconds < 0.0 {
        text.push('−');
    }
    let _ = match whole {
        0..=119 => write!(text, "{whole} s"),
        120..=7199 => write!(text, "{} min", whole / 60),
        _ => write!(text, "{} h {:02} min", whole / 3600, whole % 3600 / 60),
    };
    text
}

/// `93 %`, or a dash.
pub(super) fn per_cent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".into(), |share| format!("{:.0}\u{202f}%", share * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out_of_html() {
        assert_eq!(escape("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
    }

    #[test]
    fn lengths_of_time_are_said_in_their_own_unit() {
        assert_eq!(length_of_time(42.4), "42 s");
        assert_eq!(length_of_time(-420.0), "−7 min");
        assert_eq!(length_of_time(7_500.0), "2 h 05 min");
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(count(12), "12");
    }

    #[test]
    fn names_are_spoken_as_people_write_them() {
        assert_eq!(spoken("qp_error_rate_high"), "QP error rate high");
        assert_eq!(spoken("rdma_timeout"), "RDMA timeout");
    }
}
