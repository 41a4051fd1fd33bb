//! A chart of lines over two measured axes: rates, shares, minutes.
//!
//! Lines are told apart by dashes as well as by colour, and every chart carries its message as a title.

use std::fmt::Write as _;

use super::charts::{ValueScale, path, value_axis};
use super::text::escape;

const LEFT: f64 = 40.0;
const TOP: f64 = 10.0;
const BELOW: f64 = 32.0;
const BESIDE: f64 = 12.0;

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// `first`, `second` or `third`: how it is drawn.
    pub(super) class: &'static str,
    /// Its points.
    pub(super) points: Vec<[f64; 2]>,
}

/// One point with an interval upwards and downwards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whisker {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// How the across axis runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Across {
    /// Evenly.
    Even,
    /// By powers of ten.
    PowersOfTen,
}

/// A chart.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    /// Unique on the page.
    pub(super) id: String,
    /// What it shows, in a sentence.
    pub(super) title: String,
    /// In pixels.
    pub(super) size: (f64, f64),
    /// Where the across axis begins and ends.
    pub(super) across: (f64, f64),
    /// How it runs.
    pub(super) runs: Across,
    /// Its marks.
    pub(super) marks: Vec<(f64, String)>,
    /// What the axes measure: across, up.
    pub(super) names: (&'static str, &'static str),
    /// Whether the line of "as said, so happened" or of chance is drawn.
    pub(super) diagonal: Diagonal,
    /// Its lines.
    pub(super) lines: Vec<Line>,
    /// Its points with intervals.
    pub(super) whiskers: Vec<Whisker>,
}

/// The line from corner to corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Diagonal {
    /// Drawn.
    Drawn,
    /// Left out.
    Absent,
}

impl Plane {
    /// The chart; the upward axis is a share from 0 to 1.
    pub(super) fn svg(&self) -> String {
        let (width, height) = self.size;
        let (right, bottom) = (width - BESIDE, height - BELOW);
        let up = ValueScale::linear(0.0, 1.0, TOP, bottom);
        let along = self.along(right);
        let mut svg = format!(
            r#"<svg class="plane" viewBox="0 0 {width:.0} {height:.0}" style="max-width:{width:.0}px" role="img" aria-labelledby="{id}"><title id="{id}">{}</title>"#,
            escape(&self.title),
            id = self.id
        );
        let shares = [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| (up.y(share), format!("{:.0}", share * 100.0)));
        svg.push_str(&value_axis(&shares, LEFT, right));
        for (value, label) in &self.marks {
            let x = along.y(*value);
            let _ = write!(
                svg,
                r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{TOP:.1}" y2="{bottom:.1}"/><text class="tick" x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                bottom + 13.0,
                escape(label)
            );
        }
        svg.push_str(&self.names(right, bottom));
        if self.diagonal == Diagonal::Drawn {
            let _ = write!(
                svg,
                r#"<line class="chance" x1="{LEFT:.1}" x2="{right:.1}" y1="{bottom:.1}" y2="{TOP:.1}"/>"#
            );
        }
        for line in &self.lines {
            let points = line.points.iter().map(|[x, y]| (along.y(*x), up.y(*y)));
            let _ = write!(svg, r#"<path class="line {}" d="{}"/>"#, line.class, path(points));
        }
        for whisker in &self.whiskers {
            let x = along.y(whisker.x);
            let _ = write!(
                svg,
                r#"<line class="whisker" x1="{x:.1}" x2="{x:.1}" y1="{:.1}" y2="{:.1}"/><circle class="dot" cx="{x:.1}" cy="{:.1}" r="3"/>"#,
                up.y(whisker.low),
                up.y(whisker.high),
                up.y(whisker.y)
            );
        }
        svg.push_str("</svg>");
        svg
    }

    /// The across axis is a scale whose bottom lies left and whose top lies right.
    fn along(&self, right: f64) -> ValueScale {
        let (begin, end) = self.across;
        match self.runs {
            Across::Even => ValueScale::linear(begin, end, right, LEFT),
            Across::PowersOfTen => ValueScale::powers_of_ten(begin, end, right, LEFT),
        }
    }

    fn names(&self, right: f64, bottom: f64) -> String {
        format!(
            r#"<text class="tick" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text><text class="pane" x="{:.1}" y="{:.1}">{}</text>"#,
            (LEFT + right) / 2.0,
            bottom + 27.0,
            escape(self.names.0),
            LEFT + 5.0,
            TOP + 10.0,
            escape(self.names.1)
        )
    }
}

/// Marks at every quarter of a share.
pub(super) fn quarters() -> Vec<(f64, String)> {
    [0.0, 0.5, 1.0].map(|share| (share, format!("{:.0}", share * 100.0))).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_of_the_plane_are_corners_of_the_chart() {
        let plane = Plane {
            id: "test".into(),
            title: "a < b".into(),
            size: (212.0, 142.0),
            across: (1.0, 100.0),
            runs: Across::PowersOfTen,
            marks: vec![(10.0, "10".into())],
            names: ("budget", "recall"),
            diagonal: Diagonal::Absent,
            lines: vec![Line { class: "first", points: vec![[1.0, 0.0], [10.0, 0.5], [100.0, 1.0]] }],
            whiskers: Vec::new(),
        };
        let svg = plane.svg();
        assert!(svg.contains("M40.0 110.0L120.0 60.0L200.0 10.0"), "{svg}");
        assert!(svg.contains("a &lt; b"), "{svg}");
    }
}
