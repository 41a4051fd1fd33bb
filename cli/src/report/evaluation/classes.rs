//! Row by row: what is taken for what, and how well each class is told from the rest.

use linkcast_domain::PredictionType;
use linkcast_training::evaluation::Ranking;

use super::grid::{shaded, table};
use super::three_digits;
use crate::judging::{Findings, JudgeFindings};
use crate::report::plane::{Across, Diagonal, Line, Plane, quarters};
use crate::report::text::{escape, spoken};

pub(super) fn confusion(findings: &Findings) -> String {
    let Some(model) = findings.rows.judges.first() else { return String::new() };
    let names: Vec<String> = PredictionType::ALL.iter().map(|class| spoken(class.name())).collect();
    let headings: Vec<&str> =
        std::iter::once("Truly, and said to be").chain(names.iter().map(String::as_str)).collect();
    let rows: Vec<Vec<String>> = model
        .balanced
        .confusion
        .iter()
        .zip(&names)
        .enumerate()
        .filter(|(_, (shares, _))| shares.iter().sum::<f64>() > 0.0)
        .map(|(truth, (shares, name))| {
            let cells = shares
                .iter()
                .enumerate()
                .map(|(said, share)| shaded(*share, if said == truth { "" } else { "wrong" }));
            std::iter::once(escape(name)).chain(cells).collect()
        })
        .collect();
    format!(
        "<p>Per cent of each true class's rows, {} rows of which {} are of faults.</p>{}",
        findings.rows.rows,
        findings.rows.faulty_rows,
        table("dense", &headings, &rows)
    )
}

pub(super) fn by_class(findings: &Findings) -> String {
    let judges = &findings.rows.judges;
    let mut headings = vec!["Class".to_owned()];
    for judge in judges.iter().take(2) {
        headings.extend(["precision", "recall", "F1"].map(|figure| format!("{}: {figure}", judge.name)));
    }
    headings.push("model: precision as rows come".to_owned());
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let figures = |judge: &JudgeFindings, class: PredictionType| {
        let report = judge.balanced.classes.get(class.index());
        report.map_or_else(Vec::new, |report| {
            [report.precision, report.recall, report.f1].map(three_digits).to_vec()
        })
    };
    let rows: Vec<Vec<String>> = PredictionType::ALL
        .into_iter()
        .map(|class| {
            let as_they_come = judges.first().and_then(|model| model.as_they_come.classes.get(class.index()));
            let last = three_digits(as_they_come.and_then(|report| report.precision));
            std::iter::once(escape(&spoken(class.name())))
                .chain(judges.iter().take(2).flat_map(|judge| figures(judge, class)))
                .chain([last])
                .collect()
        })
        .collect();
    table("numbers", &headings, &rows)
}

pub(super) fn curves(findings: &Findings) -> String {
    let mut judges = findings.rows.judges.iter();
    let (Some(model), Some(rules)) = (judges.next(), judges.next()) else { return String::new() };
    let cards: String = model
        .ranking
        .iter()
        .map(|ours| {
            let theirs = rules.ranking.iter().find(|other| other.class == ours.class);
            card(ours.class, &ours.ranking, theirs.map(|theirs| &theirs.ranking))
        })
        .collect();
    format!(
        r#"<p class="legend"><span class="key first"></span>model <span class="key second"></span>rules alone. Left: true against false positives (ROC). Right: precision against recall. All per cent, classes weighing the same.</p><div class="small">{cards}</div>"#
    )
}

fn card(class: PredictionType, ours: &Ranking, theirs: Option<&Ranking>) -> String {
    let name = spoken(class.name());
    let plane = |kind: &str, names, of: fn(&Ranking) -> &[[f64; 2]], diagonal| Plane {
        id: format!("{kind}-{}", class.name()),
        title: format!("{kind} of {name}: {}", names_of(names)),
        size: (220.0, 190.0),
        across: (0.0, 1.0),
        runs: Across::Even,
        marks: quarters(),
        names,
        diagonal,
        lines: [("second", theirs), ("first", Some(ours))]
            .into_iter()
            .filter_map(|(class, ranking)| Some(Line { class, points: of(ranking?).to_vec() }))
            .collect(),
        whiskers: Vec::new(),
    };
    let roc = plane("roc", ("false positives", "true positives"), |ranking| &ranking.roc, Diagonal::Drawn);
    let precision = plane(
        "precision-recall",
        ("recall", "precision"),
        |ranking| &ranking.precision_recall,
        Diagonal::Absent,
    );
    format!(
        r#"<article class="card"><header><h3>{}</h3></header><p class="where">AUC <strong>{:.3}</strong> · average precision <strong>{:.3}</strong></p><div class="pair">{}{}</div></article>"#,
        escape(&name),
        ours.auc,
        ours.average_precision,
        roc.svg(),
        precision.svg()
    )
}

fn names_of((across, up): (&str, &str)) -> String {
    format!("{up} against {across}")
}
