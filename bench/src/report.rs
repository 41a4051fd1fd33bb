//! docs/BENCHMARKS.md: one table, a line for each thing compared with each peer.
//!
//! A target that is missed stands there as missed, beside the ones that are met.

use std::fmt::Write;

use crate::contest::{Ratio, Standing};
use crate::machine::Machine;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Line {
    what: String,
    ours: String,
    peer: String,
    theirs: String,
    ratio: Option<Ratio>,
    target: String,
    verdict: &'static str,
}

/// The lines of one comparison: the first standing is ours, `show` words its figures, and `target` says how many
/// times faster than a peer ours has to be.
pub(crate) fn lines(
    what: &str,
    standings: &[Standing],
    show: impl Fn(f64) -> String,
    target: impl Fn(&str) -> Option<f64>,
) -> Vec<Line> {
    let Some((ours, peers)) = standings.split_first() else { return Vec::new() };
    let line = |peer: &Standing| {
        let least = target(&peer.who);
        Line {
            what: what.to_owned(),
            ours: show(ours.seconds),
            peer: peer.who.clone(),
            theirs: show(peer.seconds),
            ratio: Some(peer.ratio),
            target: least.map_or_else(|| "–".to_owned(), |least| format!("{least}×")),
            verdict: least.map_or("–", |least| verdict(peer.ratio.median >= least)),
        }
    };
    peers.iter().map(line).collect()
}

/// A line without a peer that runs here: a published figure, or a limit.
pub(crate) fn fixed(what: &str, ours: String, peer: &str, theirs: &str, target: &str, met: Met) -> Line {
    let verdict = match met {
        Met::Yes => verdict(true),
        Met::No => verdict(false),
        Met::NoTarget => "–",
    };
    Line {
        what: what.to_owned(),
        ours,
        peer: peer.to_owned(),
        theirs: theirs.to_owned(),
        ratio: None,
        target: target.to_owned(),
        verdict,
    }
}

/// Whether a target was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    Yes,
    No,
    NoTarget,
}

impl Met {
    pub(crate) fn when(holds: bool) -> Self {
        if holds { Met::Yes } else { Met::No }
    }
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

/// The table alone.
pub(crate) fn table(lines: &[Line]) -> String {
    let mut text = String::from(
        "| what | ours | peer | peer's | times faster (least–most of the rounds) | at least | target |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for line in lines {
        let ratio = line.ratio.map_or_else(
            || "–".to_owned(),
            |ratio| format!("**{}** ({}–{})", short(ratio.median), short(ratio.least), short(ratio.most)),
        );
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {ratio} | {} | {} |",
            line.what, line.ours, line.peer, line.theirs, line.target, line.verdict
        );
    }
    text
}

/// The whole page.
pub(crate) fn page(lines: &[Line], machine: &Machine) -> String {
    let missed = lines.iter().filter(|line| line.verdict == verdict(false)).count();
    let judged = lines.iter().filter(|line| line.verdict != "–").count();
    format!(
        "# Benchmarks\n\n\
         `cargo xtask bench` installs the peers, measures everything below in one run and writes this page.\n\n\
         - When: {}\n- Where: {} × {}, {} GB of memory, {}\n- Targets: {} of {judged} met\n\n{}\n{NOTES}",
        machine.date,
        machine.processors,
        machine.model,
        machine.memory_gb,
        machine.system,
        judged - missed,
        table(lines),
    )
}

/// A figure in three digits.
pub(crate) fn short(figure: f64) -> String {
    match figure {
        _ if figure >= 100.0 => format!("{figure:.0}"),
        _ if figure >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

/// A number of units a second, from the seconds a unit takes.
pub(crate) fn rate(seconds: f64, unit: &str) -> String {
    match 1.0 / seconds {
        rate if rate >= 1e6 => format!("{} M {unit}/s", short(rate / 1e6)),
        rate if rate >= 1e3 => format!("{} K {unit}/s", short(rate / 1e3)),
        rate => format!("{} {unit}/s", short(rate)),
    }
}

/// A duration in the unit that suits it.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        _ if seconds >= 1.0 => format!("{} s", short(seconds)),
        _ if seconds >= 1e-3 => format!("{} ms", short(seconds * 1e3)),
        _ => format!("{} µs", short(seconds * 1e6)),
    }
}

const NOTES: &str = include_str!("../NOTES.md");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_miss_is_called_one() {
        let standing = |who: &str, seconds| Standing {
            who: who.to_owned(),
            seconds,
            ratio: Ratio { median: seconds, least: seconds, most: seconds },
        };
        let standings = [standing("ours", 1.0), standing("fast", 1.1), standing("slow", 30.0)];
        let table = table(&lines("work", &standings, duration, |_| Some(20.0)));
        assert!(table.contains("| fast | 1.10 s | **1.10** (1.10–1.10) | 20× | **missed** |"), "{table}");
        assert!(table.contains("| slow | 30.0 s | **30.0** (30.0–30.0) | 20× | met |"), "{table}");
    }
}
