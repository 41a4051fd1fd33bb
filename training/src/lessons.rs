//! The rows as a trainer elsewhere takes them, and what it should be told: the very rows, weights and settings that training
//! here would use.
//!
//! CSV as SageMaker's XGBoost image reads it: no header, the label first, its weight second, then the forty features, an absent
//! one as nothing between two commas. The calendar is hidden as it is here. The parts that calibrate and judge are not handed
//! out, so that a model that comes back has not seen them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use linkcast_domain::{FEATURE_COUNT, PredictionType};
use sha2::{Digest, Sha256};

use crate::balance::ClassWeights;
use crate::boost::{grow_classifier, grow_regressor};
use crate::config::ForestSettings;
use crate::constraints::{self, Direction};
use crate::progress::Progress;
use crate::train::{self, Parts, parts};
use crate::{TrainingConfig, TrainingError, TrainingSet, xgboost};

/// Which forest is to be grown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// The eleven-class classifier.
    Classifier,
    /// The regressor of the risk.
    Regressor,
}

impl Aim {
    /// Both, in the order in which they are grown.
    pub const ALL: [Aim; 2] = [Aim::Classifier, Aim::Regressor];

    /// Its name in files and jobs.
    pub fn name(self) -> &'static str {
        match self {
            Aim::Classifier => "classifier",
            Aim::Regressor => "regressor",
        }
    }
}

/// Which rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Those that fit.
    Train,
    /// Those that say when to stop.
    Validation,
}

impl Channel {
    /// Both.
    pub const ALL: [Channel; 2] = [Channel::Train, Channel::Validation];

    /// Its name, which is SageMaker's.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Train => "train",
            Channel::Validation => "validation",
        }
    }
}

/// Every `of`th row, from the one at `place` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The first row's place.
    pub place: usize,
    /// How many shares there are.
    pub of: usize,
}

/// What a trainer elsewhere may learn from.
pub struct Lessons {
    parts: Parts,
    config: TrainingConfig,
    digest: String,
}

impl Lessons {
    /// Splits `set` as training here would.
    ///
    /// # Errors
    ///
    /// A part that has too few rows or classes.
    pub fn of(set: &TrainingSet, config: &TrainingConfig) -> Result<Self, TrainingError> {
        let TrainingConfig { seed, split, balance, regressor_balance, .. } = config;
        let text = format!("{} {seed} {split:?} {balance} {regressor_balance}", set.digest());
        let digest = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Lessons { parts: parts(set, config)?, config: config.clone(), digest })
    }

    /// A digest of what is handed out: of the rows, and of the settings that deal and weigh them.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Grows the forest here of what is handed out, and gives it as XGBoost's JSON: what another trainer is compared with.
    ///
    /// # Errors
    ///
    /// The booster's own, or a stop asked for by `progress`.
    pub fn grow(&self, aim: Aim, progress: &mut dyn Progress) -> Result<Vec<u8>, TrainingError> {
        let (config, parts) = (&self.config, &self.parts);
        let grown = match aim {
            Aim::Classifier => train::grow(grow_classifier, parts, config.balance, config, progress)?,
            Aim::Regressor => train::grow(grow_regressor, parts, config.regressor_balance, config, progress)?,
        };
        xgboost::written(&grown.forest)
    }

    /// One channel's features, as they are shown to whoever learns, and classes.
    pub fn rows(&self, channel: Channel) -> (Vec<[f32; FEATURE_COUNT]>, &[PredictionType]) {
        let rows = self.part(channel);
        (constraints::shown(rows.features()), rows.classes())
    }

    fn part(&self, channel: Channel) -> &TrainingSet {
        match channel {
            Channel::Train => &self.parts.fit,
            Channel::Validation => &self.parts.stop,
        }
    }

    /// Writes one channel's rows, and says how many.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn write(&self, aim: Aim, channel: Channel, out: &mut dyn Write) -> io::Result<usize> {
        self.write_share(aim, channel, Share { place: 0, of: 1 }, out)
    }

    /// Writes one of several equal shares of a channel's rows, and says how many: one for each machine.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn write_share(
        &self,
        aim: Aim,
        channel: Channel,
        share: Share,
        out: &mut dyn Write,
    ) -> io::Result<usize> {
        let rows = self.part(channel);
        let balance = match aim {
            Aim::Classifier => self.config.balance,
            Aim::Regressor => self.config.regressor_balance,
        };
        let weights = ClassWeights::of(&self.parts.fit, balance).weigh(rows);
        let shown = constraints::shown(rows.features());
        let targets = rows.classes().iter().zip(rows.risks());
        let all = shown.iter().zip(targets).zip(weights);
        let mut written = 0;
        for ((features, (class, risk)), weight) in all.skip(share.place).step_by(share.of.max(1)) {
            written += 1;
            match aim {
                Aim::Classifier => write!(out, "{},{weight}", class.index())?,
                Aim::Regressor => write!(out, "{risk},{weight}")?,
            }
            for value in features {
                if value.is_nan() { out.write_all(b",")? } else { write!(out, ",{value}")? }
            }
            out.write_all(b"\n")?;
        }
        Ok(written)
    }
}

/// What XGBoost should be told to grow the forest as it would be grown here, in the words of SageMaker's image; Python's
/// takes the same but for `num_round`, `early_stopping_rounds` and `csv_weights`, which it is told otherwise.
pub fn hyperparameters(aim: Aim, config: &TrainingConfig) -> BTreeMap<String, String> {
    let ForestSettings { rounds, depth, eta, min_child_weight, lambda, features_per_tree, patience } =
        match aim {
            Aim::Classifier => config.classifier,
            Aim::Regressor => config.regressor,
        };
    let mut told = BTreeMap::from([
        ("num_round", rounds.to_string()),
        ("max_depth", depth.to_string()),
        ("eta", eta.to_string()),
        ("min_child_weight", min_child_weight.to_string()),
        ("lambda", lambda.to_string()),
        ("colsample_bytree", features_per_tree.to_string()),
        ("tree_method", "hist".to_owned()),
        ("seed", (config.seed & 0x7fff_ffff).to_string()),
        ("csv_weights", "1".to_owned()),
    ]);
    if patience > 0 {
        told.insert("early_stopping_rounds", patience.to_string());
    }
    match aim {
        Aim::Classifier => {
            told.insert("objective", "multi:softprob".to_owned());
            told.insert("num_class", PredictionType::COUNT.to_string());
            told.insert("eval_metric", "mlogloss".to_owned());
        }
        Aim::Regressor => {
            told.insert("objective", "reg:squarederror".to_owned());
            told.insert("eval_metric", "rmse".to_owned());
            told.insert("monotone_constraints", Direction::WithErrors.tuple());
        }
    }
    told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{made_up, small};
    use linkcast_domain::Feature;

    fn lines(aim: Aim, channel: Channel) -> Vec<Vec<String>> {
        let lessons = Lessons::of(&made_up(150), &small()).unwrap();
        let mut bytes = Vec::new();
        let rows = lessons.write(aim, channel, &mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let lines: Vec<Vec<String>> =
            text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect();
        assert_eq!(lines.len(), rows);
        lines
    }

    #[test]
    fn a_line_is_the_label_its_weight_and_the_features_with_nothing_for_absent_ones() {
        let lines = lines(Aim::Classifier, Channel::Train);
        assert!(lines.iter().all(|line| line.len() == FEATURE_COUNT + 2));
        assert!(lines.iter().any(|line| line.iter().any(String::is_empty)));
        assert!(lines.iter().all(|line| line[0].parse::<usize>().unwrap() < PredictionType::COUNT));
        assert!(lines.iter().all(|line| line[1].parse::<f32>().unwrap() > 0.0));
        assert!(lines.iter().all(|line| line[2 + Feature::Hour as usize] == "0"), "the calendar is hidden");
    }

    #[test]
    fn the_parts_that_judge_are_not_handed_out() {
        let set = made_up(150);
        let handed_out =
            lines(Aim::Regressor, Channel::Train).len() + lines(Aim::Regressor, Channel::Validation).len();
        let parts = parts(&set, &small()).unwrap();
        assert_eq!(handed_out, parts.fit.len() + parts.stop.len());
        assert!(parts.calibrate.len() + parts.test.len() > 0);
    }

    #[test]
    fn the_regressor_is_told_what_may_only_rise() {
        let told = hyperparameters(Aim::Regressor, &small());
        let constraints = &told["monotone_constraints"];
        assert_eq!(constraints.matches(',').count(), FEATURE_COUNT - 1);
        assert_eq!(constraints.matches('1').count(), constraints::RISING.len());
        assert_eq!(hyperparameters(Aim::Classifier, &small())["num_class"], "11");
    }
}
