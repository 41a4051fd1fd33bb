//! What people heard: the messages on the topic's queue that are of models.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use linkcast_tests::field;
use serde_json::Value;

use crate::world::World;

/// Notices as they were told, in order.
pub(crate) struct Told {
    pub(crate) notices: Vec<Value>,
}

impl Told {
    /// Everything that was told by now.
    pub(crate) fn by(world: &World) -> Result<Self> {
        let mut notices = Vec::new();
        for message in world.heard()? {
            let body: Value =
                serde_json::from_str(field(&message, "Body").as_str().context("a message without a body")?)?;
            let inner = field(&body, "Message").as_str().and_then(|text| serde_json::from_str(text).ok());
            let notice: Value = inner.unwrap_or(body);
            // Alerts have neither.
            if notice.get("summary").is_some() && notice.get("severity").is_some() {
                notices.push(notice);
            }
        }
        Ok(Told { notices })
    }

    /// Ids that were told more than once.
    pub(crate) fn twice(&self) -> Vec<String> {
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        self.notices.iter().for_each(|one| *times.entry(field(one, "id").to_string()).or_default() += 1);
        times.into_iter().filter(|(_, times)| *times > 1).map(|(id, _)| id).collect()
    }
}

/// The kinds there are among notices.
pub(crate) fn kinds(notices: &[Value]) -> BTreeSet<String> {
    notices.iter().filter_map(|one| field(one, "kind").as_str().map(str::to_owned)).collect()
}
