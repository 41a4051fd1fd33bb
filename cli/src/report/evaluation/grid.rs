//! Tables of figures: the first cell of each row names it.

use crate::report::text::escape;
use linkcast_training::evaluation::Interval;

/// A table; headings are text, cells are HTML.
pub(super) fn table(class: &str, headings: &[&str], rows: &[Vec<String>]) -> String {
    let head: String =
        headings.iter().map(|heading| format!(r#"<th scope="col">{}</th>"#, escape(heading))).collect();
    let body: String = rows.iter().map(|cells| row(cells)).collect();
    format!(
        r#"<div class="scroll"><table class="{class}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"#
    )
}

fn row(cells: &[String]) -> String {
    let (Some(name), figures) = (cells.first(), cells.get(1..).unwrap_or_default()) else {
        return String::new();
    };
    let figures: String = figures
        .iter()
        .map(|cell| if cell.starts_with("<td") { cell.clone() } else { format!("<td>{cell}</td>") })
        .collect();
    format!(r#"<tr><th scope="row">{name}</th>{figures}</tr>"#)
}

/// A cell shaded by a share.
pub(super) fn shaded(share: f64, class: &str) -> String {
    let text = match share {
        share if share < 0.0005 => "·".to_owned(),
        share if share < 0.01 => format!("{:.1}", share * 100.0),
        share => format!("{:.0}", share * 100.0),
    };
    format!(r#"<td class="share {class}" style="--part:{share:.3}">{text}</td>"#)
}

/// `41 to 63 %`, or a dash.
pub(super) fn interval(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || "–".into(),
        |interval| format!("{:.0} to {:.0}\u{202f}%", interval.low * 100.0, interval.high * 100.0),
    )
}
