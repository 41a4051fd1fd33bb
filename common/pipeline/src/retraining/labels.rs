//! How many labels people gave since a model's data ended.
//!
//! Counted with a bound: whether fifty are new does not need the hundred thousandth to be read.

use linkcast_domain::ports::{RegistryItems, ReviewItems, StoreError};
use linkcast_domain::{Alias, RegisteredModel, Standing, Timestamp};

/// Reviews looked at of each standing, at most. The queue is by priority and not by time, so beyond it some may be missed: a guard then
/// waits longer than it had to, and says so in numbers.
const LOOKED_AT: usize = 5_000;

/// Samples on whose verdict all reviewers agree, the last of them after `since`; all of them where nobody knows when the live
/// model's data ended.
///
/// # Errors
/// A store that fails.
pub async fn new_labels<S: ReviewItems>(store: &S, since: Option<Timestamp>) -> Result<u64, StoreError> {
    let mut new = 0;
    for standing in [Standing::Single, Standing::Agreed] {
        for reviewed in store.review_queue(Some(standing), LOOKED_AT).await? {
            let last = reviewed.reviews.iter().map(|review| review.time).max();
            let is_new = last.is_some_and(|last| since.is_none_or(|since| last > since));
            new += u64::from(is_new && reviewed.verdict().is_some());
        }
    }
    Ok(new)
}

/// Under which name a registered model's figures say which run made it.
pub const LINEAGE: &str = "retraining";

/// When the data of the live model of `task` ended: what its run wrote into its figures; none of a model that no run made.
///
/// # Errors
/// A store that fails.
pub async fn live_data_until<S: RegistryItems>(
    store: &S,
    task: &str,
) -> Result<Option<Timestamp>, StoreError> {
    let aliases = store.aliases(task).await?;
    let Some(version) = aliases.value.version(Alias::Live) else { return Ok(None) };
    Ok(store.model(task, version).await?.and_then(|model| data_until(&model.value)))
}

fn data_until(model: &RegisteredModel) -> Option<Timestamp> {
    let text = model.facts.metrics.get(LINEAGE)?.get("data_until")?.as_str()?;
    text.parse().ok()
}
