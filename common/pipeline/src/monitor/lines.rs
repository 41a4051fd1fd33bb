//! A look's report for people: one line a verdict, with what it rests on.

use linkcast_monitoring::{DriftPart, DriftVerdict, Lacking, Missing};

use super::findings::named;
use super::health::{Health, VariantHealth};
use super::{DriftLook, MonitorReport};

impl MonitorReport {
    /// The lines.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{} of {}, looked at {}", self.task, self.fabric, self.at)];
        match self.variants.is_empty() {
            true => lines.push("variants: nothing was asked in the last eight days".to_owned()),
            false => lines.extend(self.variants.iter().map(variant)),
        }
        lines.extend(self.drift_lines());
        match self.quality.is_empty() {
            true => lines.push("quality: nothing was said of any insight in the last 28 days".to_owned()),
            false => lines.extend(self.quality.iter().map(|one| {
                let health = one.health.name();
                format!(
                    "quality of {}: {health}: {}; against {}",
                    one.model_version,
                    one.numbers(),
                    one.against.told()
                )
            })),
        }
        lines.push(self.outcome_line());
        lines.extend(self.told.iter().map(|notice| format!("told: {}", notice.summary)));
        lines
    }

    fn drift_lines(&self) -> Vec<String> {
        match &self.drift {
            DriftLook::Looked(report) => {
                vec![
                    drift("what the model sees", &report.features),
                    drift("what the model says", &report.scores),
                ]
            }
            DriftLook::NoModel => vec!["drift: no model has answered yet".to_owned()],
            DriftLook::Failed { why } => vec![format!("drift: could not be looked at: {why}")],
        }
    }

    fn outcome_line(&self) -> String {
        let done = &self.outcomes;
        let left = if done.through < done.due { "; the next look goes on from there" } else { "" };
        format!(
            "outcomes: {} insights up to {}: {} came true, {} did not, {} cannot be told{left}",
            done.insights, done.through, done.confirmed, done.false_positives, done.undecided
        )
    }
}

fn variant(one: &VariantHealth) -> String {
    if one.health == Health::NotEnoughData {
        let VariantHealth { requests, days_before, .. } = one;
        return format!(
            "{}: not enough data: {requests} requests in 24 hours, {days_before} days before with 100 or more",
            one.variant
        );
    }
    let measures = one.measures.iter().filter_map(|measure| {
        let (last, worst) = (measure.last?, measure.worst_before?);
        let told = |value| measure.measure.told(value);
        let mark = if measure.health == Health::Worse { " WORSE" } else { "" };
        Some(format!("{}{mark} {} (worst day before {})", measure.measure.name(), told(last), told(worst)))
    });
    let measures: Vec<String> = measures.collect();
    format!(
        "{}: {}: {} requests in 24 hours; {}",
        one.variant,
        one.health.name(),
        one.requests,
        measures.join(", ")
    )
}

fn drift(what: &str, part: &DriftPart) -> String {
    match part.verdict {
        DriftVerdict::NotEnoughData { missing: Missing { of, have, need } } => {
            format!("{what}: not enough data: {have} of {need} {}", lacking(of))
        }
        DriftVerdict::Steady => format!("{what}: fine: none of {} series drifted", part.series.len()),
        DriftVerdict::Drifted => {
            let least = part.series.iter().filter(|one| part.drifted.contains(&one.name));
            let q =
                least.filter_map(|one| one.windows.last()).map(|look| look.q).fold(f64::INFINITY, f64::min);
            format!(
                "{what}: DRIFTED: {} of {} series: {} (least q of the last look {q:.1e}, {:.0} % of the model's attention)",
                part.drifted.len(),
                part.series.len(),
                named(&part.drifted),
                part.weight * 100.0
            )
        }
    }
}

fn lacking(of: Lacking) -> &'static str {
    match of {
        Lacking::ReferenceHours => "hours since the model went live, to freeze a reference from",
        Lacking::ReferenceBlocks => "independent blocks in the reference",
        Lacking::LookHours => "hours in the looks with samples enough",
        Lacking::ReferenceSamples => "samples in the reference",
    }
}
