//! The figures over rows: the model, the rules alone and the majority class, on the very same rows.

use std::collections::BTreeMap;

use linkcast_domain::PredictionType;
use linkcast_training::evaluation::{
    Answer, ClassificationReport, Confusion, PairedDifference, Ranked, Ranking, ReliabilityDiagram,
    paired_bootstrap, rank, reliability_diagram,
};
use serde::Serialize;

use super::row_slices::{RowSlice, row_slices};
use super::rows::{JudgedRow, Saying};

/// What "balanced" means, in one sentence.
const BALANCED: &str = "rows of fabrics the model never saw, weighted so that each of the classes that are there has the same share; \
rows of a fault in which the simulation put no trace of it (too young, gone for the moment, or at the other end of its link) and the \
quarter hour after its end are left out as in training. Who gives probabilities is asked under the same even shares: each is divided by the \
mean of its class over the rows as they come, since what is likeliest in life is seldom a fault";

const CURVE_POINTS: usize = 120;
const RELIABILITY_BINS: usize = 15;
pub(super) const DRAWS: usize = 2_000;
pub(super) const BOOTSTRAP_SEED: u64 = 20_260_101;

/// All that rows say.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RowFindings {
    /// Rows judged.
    pub(crate) rows: usize,
    /// Of them, rows of faults.
    pub(crate) faulty_rows: usize,
    /// What "balanced" means.
    pub(crate) balanced: &'static str,
    /// The model first.
    pub(crate) judges: Vec<JudgeFindings>,
    /// Whether the model's confidence is right, over rows as they come.
    pub(crate) reliability: ReliabilityDiagram,
    /// The model against the live one, where that is another.
    pub(crate) against: Vec<Difference>,
    /// Where rows are misjudged.
    pub(crate) slices: Vec<RowSlice>,
}

/// One judge.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct JudgeFindings {
    /// Who.
    pub(crate) name: &'static str,
    /// With every class weighing the same, for whoever answers and for whoever is asked.
    pub(crate) balanced: ClassificationReport,
    /// With every class weighing the same, and the answers those for life.
    pub(crate) balanced_as_answered: ClassificationReport,
    /// As rows come.
    pub(crate) as_they_come: ClassificationReport,
    /// Balanced, and with the ends of a fault's life that training leaves out.
    pub(crate) whole_life: ClassificationReport,
    /// The mean area under the ROC curves of each class against the rest, balanced.
    pub(crate) macro_auc: Option<f64>,
    /// The mean average precision likewise.
    pub(crate) macro_average_precision: Option<f64>,
    /// Each class against the rest.
    pub(crate) ranking: Vec<ClassRanking>,
}

/// One class against the rest.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ClassRanking {
    /// The class.
    pub(crate) class: PredictionType,
    /// Its curves.
    #[serde(flatten)]
    pub(crate) ranking: Ranking,
}

/// A figure of both models on the same cases.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Difference {
    /// Which figure.
    pub(crate) figure: &'static str,
    /// What it came to.
    #[serde(flatten)]
    pub(crate) difference: PairedDifference,
}

/// What a class weighs, by class: 1 everywhere for answers as they are meant for life.
type Weights = [f64; PredictionType::COUNT];

const AS_IN_LIFE: Weights = [1.0; PredictionType::COUNT];

/// How one judge answers a row where classes weigh so much: the class, and how strongly each class is meant.
struct Judge {
    name: &'static str,
    class: fn(&JudgedRow, &Weights) -> PredictionType,
    score: fn(&JudgedRow, PredictionType, &Weights) -> f64,
}

const JUDGES: [Judge; 3] = [
    Judge {
        name: "model",
        class: |row, weights| row.model.class_under(weights),
        score: |row, class, weights| row.model.probability_under(class, weights),
    },
    Judge {
        name: "rules alone",
        class: |row, _| row.rules,
        score: |row, class, _| if row.rules == class { row.rules_confidence } else { 0.0 },
    },
    Judge { name: "majority class", class: |_, _| PredictionType::Normal, score: |_, _, _| 0.0 },
];

impl RowFindings {
    /// The figures of `rows`.
    pub(crate) fn of(rows: &[JudgedRow]) -> Self {
        let settled: Vec<&JudgedRow> = rows.iter().filter(|row| row.phase.is_settled()).collect();
        let whole: Vec<&JudgedRow> = rows.iter().collect();
        RowFindings {
            rows: settled.len(),
            faulty_rows: settled.iter().filter(|row| row.truth != PredictionType::Normal).count(),
            balanced: BALANCED,
            judges: JUDGES.iter().map(|judge| judge.findings(&settled, &whole)).collect(),
            reliability: reliability_diagram(
                settled.iter().map(|row| answer(row)).collect(),
                RELIABILITY_BINS,
            ),
            against: against(&settled),
            slices: row_slices(&settled),
        }
    }
}

impl Judge {
    fn findings(&self, settled: &[&JudgedRow], whole: &[&JudgedRow]) -> JudgeFindings {
        let weights = even_weights(settled);
        let beliefs = even_beliefs(settled, |row| Some(&row.model));
        let in_life = self.confusion(settled, &AS_IN_LIFE);
        let ranking: Vec<ClassRanking> = PredictionType::ALL
            .into_iter()
            .filter_map(|class| self.ranking(class, settled, &weights, &beliefs))
            .collect();
        let mean = |figure: fn(&Ranking) -> f64| {
            let sum: f64 = ranking.iter().map(|class| figure(&class.ranking)).sum();
            (!ranking.is_empty()).then(|| sum / ranking.len() as f64)
        };
        JudgeFindings {
            name: self.name,
            balanced: self.confusion(settled, &beliefs).balanced().report(),
            balanced_as_answered: in_life.balanced().report(),
            as_they_come: in_life.report(),
            whole_life: self.confusion(whole, &beliefs).balanced().report(),
            macro_auc: mean(|ranking| ranking.auc),
            macro_average_precision: mean(|ranking| ranking.average_precision),
            ranking,
        }
    }

    fn confusion(&self, rows: &[&JudgedRow], weights: &Weights) -> Confusion {
        let mut table = Confusion::default();
        rows.iter().for_each(|row| table.add(row.truth, (self.class)(row, weights), row.weight));
        table
    }

    fn ranking(
        &self,
        class: PredictionType,
        rows: &[&JudgedRow],
        weights: &Weights,
        beliefs: &Weights,
    ) -> Option<ClassRanking> {
        let ranked = rows.iter().map(|row| Ranked {
            score: (self.score)(row, class, beliefs),
            is_positive: row.truth == class,
            weight: row.weight * weights.get(row.truth.index()).copied().unwrap_or(0.0),
        });
        let ranking = rank(ranked.collect(), CURVE_POINTS)?;
        Some(ClassRanking { class, ranking })
    }
}

/// A figure of a table, with its name.
type NamedFigure = (&'static str, fn(&Confusion) -> f64);

/// What brings each class to the same share in what the model believes of the rows as they come: one over its mean
/// probability. The rows' true shares would punish it for not knowing how rare a fault is on this very fabric.
fn even_beliefs(rows: &[&JudgedRow], saying: fn(&JudgedRow) -> Option<&Saying>) -> Weights {
    let mut sums = [0.0; PredictionType::COUNT];
    for (row, said) in rows.iter().filter_map(|row| Some((row, saying(row)?))) {
        for (sum, class) in sums.iter_mut().zip(PredictionType::ALL) {
            *sum += row.weight * said.probability(class);
        }
    }
    sums.map(|sum| if sum > 0.0 { 1.0 / sum } else { 0.0 })
}

/// What brings each class to the same weight.
fn even_weights(rows: &[&JudgedRow]) -> Weights {
    let mut sums = [0.0; PredictionType::COUNT];
    for row in rows {
        sums.get_mut(row.truth.index()).into_iter().for_each(|sum| *sum += row.weight);
    }
    sums.map(|sum| if sum > 0.0 { 1.0 / sum } else { 0.0 })
}

fn answer(row: &JudgedRow) -> Answer {
    Answer {
        confidence: row.model.probability(row.model.class),
        is_right: row.model.class == row.truth,
        weight: row.weight,
    }
}

/// Both models on the same draws of whole groups of streams.
fn against(rows: &[&JudgedRow]) -> Vec<Difference> {
    let mut groups: BTreeMap<(u64, u32), (Confusion, Confusion)> = BTreeMap::new();
    let weights = even_weights(rows);
    let our_beliefs = even_beliefs(rows, |row| Some(&row.model));
    let their_beliefs = even_beliefs(rows, |row| row.live.as_ref());
    for (row, live) in rows.iter().filter_map(|row| Some((row, row.live.as_ref()?))) {
        let weight = row.weight * weights.get(row.truth.index()).copied().unwrap_or(0.0);
        let (ours, theirs) = groups.entry(row.group).or_default();
        ours.add(row.truth, row.model.class_under(&our_beliefs), weight);
        theirs.add(row.truth, live.class_under(&their_beliefs), weight);
    }
    let groups: Vec<(Confusion, Confusion)> = groups.into_values().collect();
    let figures: [NamedFigure; 2] = [
        ("balanced macro F1", |table| table.balanced().macro_f1()),
        ("balanced accuracy", |table| table.balanced().accuracy()),
    ];
    let differ = |(figure, of): NamedFigure| {
        let difference = paired_bootstrap(&groups, DRAWS, BOOTSTRAP_SEED, summed, of)?;
        Some(Difference { figure, difference })
    };
    figures.into_iter().filter_map(differ).collect()
}

fn summed(drawn: &mut dyn Iterator<Item = (&Confusion, f64)>) -> Confusion {
    let mut sum = Confusion::default();
    drawn.filter(|(_, times)| *times > 0.0).for_each(|(table, times)| sum.merge(table, times));
    sum
}
