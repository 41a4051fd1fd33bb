//! What reviewers agree on, as labels: out of a store, or out of a file that `linkcast review export` wrote.
//!
//! Only what is taken for a label counts, and only that is in the digest: who said it and when, and what is still open or
//! disputed, changes no row, so a build that was broken off goes on however many were asked meanwhile.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use linkcast_domain::ports::ReviewItems;
use linkcast_domain::{Judgement, PredictionType, Review, ReviewId, StreamId, Timestamp};
use linkcast_training::dataset::Reviewed;
use sha2::{Digest, Sha256};

use super::import::{Defaults, read};
use super::{FileForm, Imported};
use crate::database::wait;
use crate::exit::{ExitKind, Failure};
use crate::store::{AnyStore, StorePlace};

/// Where verdicts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReviewPlace {
    /// In a file of rows.
    Rows(PathBuf),
    /// In a store, where more can be asked for.
    Store(StorePlace),
}

impl FromStr for ReviewPlace {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.parse::<StorePlace>() {
            Ok(place) => ReviewPlace::Store(place),
            Err(_) if FileForm::of(Path::new(text)).is_ok() => ReviewPlace::Rows(text.into()),
            Err(_) => ReviewPlace::Store(StorePlace::File(text.into())),
        })
    }
}

/// Labels that reviewers gave.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AgreedLabels {
    /// By stream and time of the sample.
    pub(crate) labels: BTreeMap<StreamId, BTreeMap<Timestamp, Reviewed>>,
    /// SHA-256 of them.
    pub(crate) digest: String,
}

impl AgreedLabels {
    /// Of every item in `store`.
    pub(crate) fn of_store(store: &AnyStore) -> Result<Self, Failure> {
        let items = wait(store.review_queue(None, usize::MAX))?;
        let judged = items
            .into_iter()
            .map(|reviewed| (reviewed.item.stream, reviewed.item.time, Judgement::of(&reviewed.reviews)));
        Ok(AgreedLabels::of(judged))
    }

    /// Of every row of `file`; one that cannot be used is refused, for it was meant to count.
    pub(crate) fn of_rows(file: &Path) -> Result<Self, Failure> {
        // A row that does not say when it was given is its reviewer's last word.
        let defaults = Defaults { reviewer: None, time: Timestamp::LATEST };
        let imported = read(file, FileForm::of(file)?, &defaults)?;
        AgreedLabels::of_imported(imported).map_err(|fault| {
            Failure::new(ExitKind::UnusableInput, format!("{}:{fault}", file.display())).with_next_step(
                "correct the row, or take the file into a store with `linkcast review import` and name that",
            )
        })
    }

    fn of_imported(imported: Imported) -> Result<Self, String> {
        if let Some(fault) = imported.faults.first() {
            return Err(fault.to_string());
        }
        let mut by_item: BTreeMap<ReviewId, Vec<Review>> = BTreeMap::new();
        for (line, (id, review)) in imported.verdicts {
            if !imported.samples.contains_key(&id) {
                return Err(format!("{line}: item: expected its stream_id and timestamp beside it"));
            }
            by_item.entry(id).or_default().push(review);
        }
        let judged = by_item.into_iter().filter_map(|(id, mut reviews)| {
            reviews.sort_by_key(|review| review.time);
            let (stream, time) = imported.samples.get(&id)?;
            Some((stream.clone(), *time, Judgement::of(&reviews)))
        });
        Ok(AgreedLabels::of(judged))
    }

    fn of(judged: impl IntoIterator<Item = (StreamId, Timestamp, Option<Judgement>)>) -> Self {
        let mut labels: BTreeMap<StreamId, BTreeMap<Timestamp, Reviewed>> = BTreeMap::new();
        for (stream, time, judgement) in judged {
            if let Some(judgement) = judgement {
                labels.entry(stream).or_default().insert(time, label(judgement));
            }
        }
        let mut hasher = Sha256::new();
        for (stream, times) in &labels {
            for (time, Reviewed { class, risk }) in times {
                let line = format!("{stream}\u{1f}{}\u{1f}{class}\u{1f}{risk:?}\n", time.millis());
                hasher.update(line);
            }
        }
        let digest = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        AgreedLabels { labels, digest }
    }
}

/// How bad it is that nothing was wrong is no risk.
fn label(judgement: Judgement) -> Reviewed {
    let class = judgement.verdict.class();
    Reviewed { class, risk: judgement.severity.filter(|_| class != PredictionType::Normal) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reviewing::import::read_rows;

    fn of_text(text: &str) -> Result<AgreedLabels, String> {
        let defaults = Defaults { reviewer: None, time: Timestamp::LATEST };
        AgreedLabels::of_imported(read_rows(text.as_bytes(), FileForm::Csv, &defaults))
    }

    #[test]
    fn verdicts_that_agree_are_labels_and_the_others_are_not() {
        let agreed = of_text(
            "stream_id,timestamp,verdict,reviewer,reviewed_at,severity\n\
             a/1,5,normal,ada,,\n\
             a/1,5,rdma_timeout,ada,9,70\n\
             a/2,5,false_positive,ada,9,60\n\
             a/3,5,normal,ada,9,\n\
             a/3,5,rdma_timeout,bob,9,\n\
             a/4,5,rdma_timeout,ada,9,60\n\
             a/4,5,rdma_timeout,bob,9,80\n",
        )
        .unwrap();
        let found: Vec<(&str, PredictionType, Option<f64>)> = agreed
            .labels
            .iter()
            .flat_map(|(stream, times)| {
                times.values().map(|label| (stream.as_str(), label.class, label.risk))
            })
            .collect();
        let normal = PredictionType::Normal;
        let timeout = PredictionType::RdmaTimeout;
        assert_eq!(found, [("a/1", normal, None), ("a/2", normal, None), ("a/4", timeout, Some(70.0))]);
    }

    #[test]
    fn the_digest_is_of_the_labels_and_of_nothing_else() {
        let header = "stream_id,timestamp,verdict,reviewer,reviewed_at\n";
        let digest = |rows: &str| of_text(&format!("{header}{rows}")).unwrap().digest;
        let one = digest("a/1,5,normal,ada,9\n");
        assert_eq!(one, digest("a/2,5,,,\na/1,5,normal,bob,8\n"), "another reviewer of the same mind");
        assert_ne!(one, digest("a/1,5,rdma_timeout,ada,9\n"));
        assert_ne!(one, digest("a/1,6,normal,ada,9\n"));
    }

    #[test]
    fn a_row_that_cannot_be_used_is_told_by_line() {
        let fault = of_text("stream_id,timestamp,verdict,reviewer\na/1,5,normal,\n").unwrap_err();
        assert!(fault.starts_with("2: reviewer:"), "{fault}");
        let id = ReviewId::of(&"a/1".parse().unwrap(), Timestamp::EPOCH);
        let fault = of_text(&format!("item,verdict,reviewer\n{id},normal,ada\n")).unwrap_err();
        assert!(fault.contains("stream_id and timestamp"), "{fault}");
    }

    #[test]
    fn a_place_is_a_store_unless_its_name_ends_like_rows() {
        let place = |text: &str| text.parse::<ReviewPlace>().unwrap();
        assert_eq!(place("reviews.csv"), ReviewPlace::Rows("reviews.csv".into()));
        assert_eq!(place("dynamodb:lab"), ReviewPlace::Store(StorePlace::Table("lab".into())));
        let file = ReviewPlace::Store(StorePlace::File("linkcast.db".into()));
        assert_eq!((place("linkcast.db"), place("sqlite:linkcast.db")), (file.clone(), file));
    }
}
