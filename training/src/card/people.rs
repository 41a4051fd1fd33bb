//! `MODEL_CARD.md`: what someone needs to know before they trust the model with their fabric.

use std::fmt::Write;

use linkcast_domain::{FEATURE_SCHEMA_VERSION, PredictionType};

use super::additions;
use crate::boost::Origin;
use crate::export::Exported;
use crate::gate::ParityReport;
use crate::train::class_counts;
use crate::{TrainingConfig, TrainingSet};

/// The card of `exported`.
pub(crate) fn for_people(
    exported: &Exported<'_>,
    set: &TrainingSet,
    config: &TrainingConfig,
    parity: &ParityReport,
) -> String {
    let mut sections = vec![purpose(exported, config), data(exported, set, config), figures(exported)];
    sections.extend(exported.search.as_ref().map(additions::search_for_people));
    if !exported.forecasts.reports.is_empty() {
        sections.push(additions::heads_for_people(&exported.forecasts.reports));
    }
    sections.extend([limits(), making(exported, parity)]);
    sections.join("\n")
}

fn purpose(exported: &Exported<'_>, config: &TrainingConfig) -> String {
    let trees = exported.classifier.forest.trees.len() + exported.regressor.forest.trees.len();
    format!(
        "# Model card: link-health {version}\n\n\
         Two forests of boosted trees ({trees} trees) over the forty features of schema {FEATURE_SCHEMA_VERSION}. \
         The classifier says which of eleven classes a port's sample shows, with a calibrated probability; the \
         regressor says how bad it is, from 0 to 100.\n\n\
         **Intended use.** To rank ports of an InfiniBand or RDMA fabric by how soon and how badly their links will \
         give trouble, so that people look at few ports and early. It advises; it is not meant to drain nodes or \
         close ports unattended.\n",
        version = config.version,
    )
}

fn data(exported: &Exported<'_>, set: &TrainingSet, config: &TrainingConfig) -> String {
    let parts = exported.parts;
    let named =
        [("fit", &parts.fit), ("stop", &parts.stop), ("calibrate", &parts.calibrate), ("test", &parts.test)];
    let mut text = format!(
        "## Data\n\n{source}\n\n\
         **No row comes from a real fabric.** Labels are the injected truth and never a rule's verdict; benign \
         episodes (reboots, maintenance, resets, fresh cables, busy jobs, dead exporters) are labelled normal.\n\n\
         {rows} rows of {streams} streams, digest `{digest}`. They are split by stream and by time: the two ends of \
         a link stay together, what is held out is later than what is fitted (from {cutoff}), and the {left_out} \
         rows that would have let one side see the other are left out. Rows are counted, not weighted:\n\n| class |",
        source = config.data_source,
        rows = set.len(),
        streams = set.stream_names().len(),
        digest = set.digest(),
        cutoff = parts.split.cutoff,
        left_out = parts.split.left_out,
    );
    for (name, _) in named {
        let _ = write!(text, " {name} |");
    }
    text.push_str("\n|---|---|---|---|---|\n");
    for class in PredictionType::ALL {
        let _ = write!(text, "| {class} |");
        for (_, part) in named {
            let count = class_counts(part).get(class.index()).copied().unwrap_or(0);
            let _ = write!(text, " {count} |");
        }
        text.push('\n');
    }
    text
}

fn figures(exported: &Exported<'_>) -> String {
    let judgement = &exported.judgement;
    let all = &judgement.classifier;
    let mut text = format!(
        "## Figures\n\nOn the test part, row by row, each row counted by its weight. What matters to people (faults \
         found, how early, at how many alerts a week) is judged by episode and stands in the project's documentation.\n\n\
         | accuracy | macro F1 | log loss | calibration error | before calibration | risk: root mean squared error | risk: mean error |\n\
         |---|---|---|---|---|---|---|\n\
         | {:.4} | {:.4} | {:.4} | {:.4} | {:.4} | {:.2} | {:.2} |\n\n\
         | class | rows | precision | recall | F1 |\n|---|---|---|---|---|\n",
        all.accuracy,
        all.macro_f1,
        all.log_loss,
        all.calibration_error,
        judgement.before_calibration.calibration_error,
        judgement.regressor.root_mean_squared_error,
        judgement.regressor.mean_absolute_error,
    );
    for class in &all.classes {
        let _ = writeln!(
            text,
            "| {} | {} | {:.3} | {:.3} | {:.3} |",
            class.class, class.rows, class.precision, class.recall, class.f1
        );
    }
    text
}

fn limits() -> String {
    "## Limits\n\n\
     - The data is synthetic. On a real fabric expect other figures; watch the alerts for some weeks before acting on \
     them, and retrain on your own outcomes.\n\
     - Faults are far more frequent in the training data than in life, so a probability is calibrated to that data \
     and reads too high where faults are rare. Thresholds on risk are to be chosen on data with realistic rates.\n\
     - Rows of a fault in which there is no trace of it (too young, gone for the moment, at the other end of its link) were \
     neither trained on nor counted above.\n\
     - Features a source does not deliver are absent. Latency needs a probe, queue-pair figures need host counters; \
     without them the classes that live on them are seldom named.\n\
     - Hour, weekday and their kin take no part: days of simulation cannot tell a season from a coincidence. The risk \
     never falls as a count of errors rises.\n\
     - A model knows the faults it was shown. What is new is at best an anomaly.\n"
        .to_owned()
}

fn making(exported: &Exported<'_>, parity: &ParityReport) -> String {
    let mut text = String::new();
    for grown in [exported.classifier, exported.regressor] {
        if let Origin::ModelFile { engine, rounds, .. } = &grown.origin {
            let _ = writeln!(
                text,
                "The {name} was grown by {engine} ({rounds} rounds count) and taken over from its model file. Which rows \
                 it was grown on is not in that file: the figures above hold only if rows of the test part were not \
                 among them.\n",
                name = grown.forest.name,
            );
        }
    }
    format!(
        "## How it was made\n\n{text}\
         Settings, seed and counts stand in `card.json`; the same rows and settings give the same bytes on any \
         machine. Before the files were written they answered {recorded} recorded rows and {probes} rows on the edges \
         of splits as the trainer does, and {numbers} numbers in them were compared to the bit.\n",
        recorded = parity.recorded_rows,
        probes = parity.probes,
        numbers = parity.numbers,
    )
}
