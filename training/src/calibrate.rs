//! Fitting the map from margins to probabilities, on streams the trees never saw.
//!
//! First one temperature for all classes, found by a golden-section search on the log loss. Then, for each class, a
//! monotone map by pool-adjacent-violators over chunks of rows in the order of their probability. Each pooled block
//! is drawn towards leaving things as they are by as many imaginary rows as [`PRIOR_ROWS`], so that a handful of rows
//! never turns a probability into 0 or 1, and blocks are joined until few knots remain, because the map is data in
//! the card and is walked for each score. A class with few positives keeps the temperature alone.

use linkcast_domain::{PiecewiseLinear, PredictionType};
use linkcast_scoring::Calibration;

use crate::math;

const COUNT: usize = PredictionType::COUNT;
/// Temperatures searched.
const TEMPERATURES: (f64, f64) = (0.2, 5.0);
/// Rows in a chunk.
const CHUNK: usize = 25;
/// Imaginary rows that say a block's probability was right.
const PRIOR_ROWS: f64 = 20.0;
/// Positives below which a class gets no map of its own.
const FEWEST_POSITIVES: usize = 40;
/// Blocks a class may keep; the two ends of the map come on top.
const MOST_BLOCKS: usize = 12;

/// Margins of rows with their true classes and weights.
#[derive(Clone, Copy)]
pub(crate) struct Scored<'a> {
    /// `[row][class]`.
    pub(crate) margins: &'a [f64],
    pub(crate) classes: &'a [PredictionType],
    pub(crate) weights: &'a [f32],
}

impl<'a> Scored<'a> {
    /// The rows' margins, true classes and weights.
    pub(crate) fn rows(self) -> impl Iterator<Item = (&'a [f64; COUNT], PredictionType, f64)> {
        let rows = self.margins.as_chunks::<COUNT>().0.iter();
        rows.zip(self.classes)
            .zip(self.weights)
            .map(|((margins, class), weight)| (margins, *class, f64::from(*weight)))
    }
}

/// The map that makes the probabilities of `scored` mean what they say.
pub(crate) fn fit(scored: Scored<'_>) -> Calibration {
    let temperature = fit_temperature(scored);
    let heated = Calibration { temperature, classes: Vec::new() };
    let probabilities: Vec<_> = scored.rows().map(|(margins, ..)| apply(&heated, margins)).collect();
    let maps: Vec<_> =
        PredictionType::ALL.into_iter().map(|class| fit_class(class, &probabilities, scored)).collect();
    Calibration { temperature, classes: maps }
}

/// What scoring makes of `margins`, with the same bits on every machine.
pub(crate) fn apply(calibration: &Calibration, margins: &[f64; COUNT]) -> [f64; COUNT] {
    let mut raw = margins.map(|margin| margin / calibration.temperature);
    math::softmax(&mut raw);
    let mut mapped = raw;
    for (probability, map) in mapped.iter_mut().zip(&calibration.classes) {
        *probability = map.apply(*probability);
    }
    let sum: f64 = mapped.iter().sum();
    if sum > 0.0 { mapped.map(|probability| probability / sum) } else { raw }
}

/// The map that makes probabilities of one thing mean what they say; none where too little of it happened.
pub(crate) fn fit_binary(probabilities: &[f64], happened: &[bool], weights: &[f32]) -> PiecewiseLinear {
    if happened.iter().filter(|happened| **happened).count() < FEWEST_POSITIVES {
        return PiecewiseLinear::default();
    }
    let rows = probabilities.iter().zip(happened).zip(weights);
    let rows = rows.map(|((said, happened), weight)| Block::of(*said, *happened, f64::from(*weight)));
    fit_blocks(rows.collect())
}

fn fit_temperature(scored: Scored<'_>) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let loss = |temperature: f64| {
        let calibration = Calibration { temperature, classes: Vec::new() };
        let losses = scored.rows().map(|(margins, class, weight)| {
            let probability = apply(&calibration, margins).get(class.index()).copied().unwrap_or(0.0);
            -math::ln(probability.max(1e-15)) * weight
        });
        losses.sum::<f64>()
    };
    let (mut low, mut high) = TEMPERATURES;
    // Thirty steps narrow the range to a millionth, far below what the data can tell.
    for _ in 0..30 {
        let (left, right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        if loss(left) < loss(right) {
            high = right;
        } else {
            low = left;
        }
    }
    (low + high) / 2.0
}

/// Rows whose probabilities are close, pooled.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    weight: f64,
    said: f64,
    happened: f64,
}

impl Block {
    fn of(said: f64, happened: bool, weight: f64) -> Self {
        Block { weight, said: said * weight, happened: if happened { weight } else { 0.0 } }
    }

    fn add(&mut self, other: Block) {
        self.weight += other.weight;
        self.said += other.said;
        self.happened += other.happened;
    }

    fn mean_said(&self) -> f64 {
        self.said / self.weight
    }

    /// How often it happened, drawn towards what was said.
    fn rate(&self) -> f64 {
        (self.happened + PRIOR_ROWS * self.mean_said()) / (self.weight + PRIOR_ROWS)
    }
}

fn fit_class(class: PredictionType, probabilities: &[[f64; COUNT]], scored: Scored<'_>) -> PiecewiseLinear {
    let positives = scored.classes.iter().filter(|truth| **truth == class).count();
    if positives < FEWEST_POSITIVES {
        return PiecewiseLinear::default();
    }
    let rows = probabilities.iter().zip(scored.rows()).map(|(probabilities, (_, truth, weight))| {
        let said = probabilities.get(class.index()).copied().unwrap_or(0.0);
        Block::of(said, truth == class, weight)
    });
    fit_blocks(rows.collect())
}

/// The map through the pooled blocks of these rows.
fn fit_blocks(mut rows: Vec<Block>) -> PiecewiseLinear {
    rows.sort_by(|one, other| one.mean_said().total_cmp(&other.mean_said()));
    let blocks = join_nearest(pool(&rows));
    PiecewiseLinear { knots: knots(&blocks) }
}

/// Pool-adjacent-violators over chunks: neighbours are joined until the rates rise.
fn pool(rows: &[Block]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for chunk in rows.rchunks(CHUNK).rev() {
        let mut block = Block::default();
        chunk.iter().for_each(|row| block.add(*row));
        while let Some(previous) = blocks.pop_if(|previous| previous.rate() >= block.rate()) {
            block.add(previous);
        }
        blocks.push(block);
    }
    blocks
}

/// Joins the two neighbours whose rates are closest until few remain.
fn join_nearest(mut blocks: Vec<Block>) -> Vec<Block> {
    while blocks.len() > MOST_BLOCKS {
        let gaps = blocks.iter().zip(blocks.iter().skip(1)).map(|(here, next)| next.rate() - here.rate());
        let closest = gaps.enumerate().min_by(|one, other| one.1.total_cmp(&other.1));
        let Some((place, _)) = closest else { break };
        let next = blocks.remove(place + 1);
        if let Some(here) = blocks.get_mut(place) {
            here.add(next);
        }
    }
    blocks
}

/// The blocks as knots between (0, 0) and (1, 1), rising in both.
fn knots(blocks: &[Block]) -> Vec<[f64; 2]> {
    let mut knots: Vec<[f64; 2]> = vec![[0.0, 0.0]];
    for block in blocks {
        let knot = [block.mean_said(), block.rate()];
        let rises = knots.last().is_none_or(|last| last[0] < knot[0] && last[1] <= knot[1]);
        if rises && knot[0] < 1.0 && knot[1] <= 1.0 {
            knots.push(knot);
        }
    }
    knots.push([1.0, 1.0]);
    knots
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows whose class 1 has logit `x`, true with the probability of logit `x / heat`, evenly spread.
    fn overconfident(heat: f64) -> (Vec<f64>, Vec<PredictionType>) {
        let (mut margins, mut classes) = (Vec::new(), Vec::new());
        for step in 0..4000 {
            let logit = f64::from(step % 200) / 100.0 * 8.0 - 8.0;
            let truth = 1.0 / (1.0 + (-logit / heat).exp());
            let mut row = [-60.0; COUNT];
            row[0] = 0.0;
            row[1] = logit;
            margins.extend(row);
            let place = (f64::from(step / 200) + 0.5) / 20.0;
            classes.push(PredictionType::ALL[usize::from(place < truth)]);
        }
        (margins, classes)
    }

    #[test]
    fn the_temperature_of_overconfident_margins_is_found() {
        let (margins, classes) = overconfident(2.0);
        let weights = vec![1.0; classes.len()];
        let scored = Scored { margins: &margins, classes: &classes, weights: &weights };
        let temperature = fit_temperature(scored);
        assert!((1.8..2.2).contains(&temperature), "{temperature}");
    }

    #[test]
    fn a_fitted_map_is_accepted_by_scoring_and_brings_rates_and_probabilities_together() {
        let (margins, classes) = overconfident(3.0);
        let weights = vec![1.0; classes.len()];
        let scored = Scored { margins: &margins, classes: &classes, weights: &weights };
        let calibration = fit(scored);
        for map in &calibration.classes {
            for pair in map.knots.windows(2) {
                assert!(pair[0][0] < pair[1][0] && pair[0][1] <= pair[1][1], "{map:?}");
            }
            assert!(map.knots.len() <= MOST_BLOCKS + 2);
        }
        let confident = scored.rows().map(|(margins, class, _)| (apply(&calibration, margins)[1], class));
        let confident: Vec<_> = confident.filter(|(probability, _)| *probability > 0.7).collect();
        let said = confident.iter().map(|(probability, _)| probability).sum::<f64>() / confident.len() as f64;
        let happened = confident.iter().filter(|(_, class)| class.index() == 1).count() as f64;
        let rate = happened / confident.len() as f64;
        assert!((said - rate).abs() < 0.03, "said {said}, happened {rate}");
    }

    #[test]
    fn training_and_scoring_apply_the_same_map() {
        let (margins, classes) = overconfident(2.0);
        let weights = vec![1.0; classes.len()];
        let scored = Scored { margins: &margins, classes: &classes, weights: &weights };
        let calibration = fit(scored);
        for (margins, ..) in scored.rows().take(200) {
            let ours = apply(&calibration, margins);
            let theirs = calibration.apply(&margins.map(|margin| margin as f32));
            for (ours, theirs) in ours.iter().zip(theirs) {
                assert!((ours - theirs).abs() < 1e-6, "{ours} against {theirs}");
            }
        }
    }
}
