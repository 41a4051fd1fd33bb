//! The registry's items on the table: a version or the aliases each one item, moved together in one transaction.

use linkcast_domain::ports::{RegistryChange, RegistryItems, Revised, StoreError, Written};
use linkcast_domain::{Aliases, ModelVersion, RegisteredModel};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::calls::Table;
use crate::item::{Found, Item, VERSION};
use crate::keys::{self, Key};
use crate::query::Range;
use crate::store::DynamoStore;
use crate::streams::read_all;
use crate::write::broken;

impl RegistryItems for DynamoStore {
    async fn model(
        &self,
        task: &str,
        version: &ModelVersion,
    ) -> Result<Option<Revised<RegisteredModel>>, StoreError> {
        revised(&self.table("read a model"), keys::model(&self.fabric, task, version)).await
    }

    async fn models(&self, task: &str) -> Result<Vec<RegisteredModel>, StoreError> {
        let table = self.table("read the models");
        let range = Range::prefix(keys::task(&self.fabric, task), keys::MODEL);
        read_all(&table, &table.query(range).await?)
    }

    async fn aliases(&self, task: &str) -> Result<Revised<Aliases>, StoreError> {
        let found = revised(&self.table("read the aliases"), keys::aliases(&self.fabric, task)).await?;
        Ok(found.unwrap_or_default())
    }

    async fn change(&self, task: &str, change: &RegistryChange) -> Result<Written, StoreError> {
        let table = self.table("change the registry");
        let mut items = Vec::new();
        if let Some(model) = &change.model {
            let key = keys::model(&self.fabric, task, &model.value.facts.version);
            items.push((revised_item(&table, key, model)?, Some(model.revision)));
        }
        if let Some(aliases) = &change.aliases {
            let key = keys::aliases(&self.fabric, task);
            items.push((revised_item(&table, key, aliases)?, Some(aliases.revision)));
        }
        let key = |version: &ModelVersion| keys::model(&self.fabric, task, version);
        let unchanged: Vec<(Key, u64)> =
            change.unchanged.iter().map(|(version, read)| (key(version), *read)).collect();
        table.put_all_while(items, &unchanged).await
    }
}

/// What lies at a key, with its revision.
pub(crate) async fn revised<T: DeserializeOwned>(
    table: &Table<'_>,
    key: Key,
) -> Result<Option<Revised<T>>, StoreError> {
    let found = table.get([key.clone()], None).await?;
    let Some(item) = found.get(&key) else { return Ok(None) };
    let damaged = |error| table.attempt().damaged(error);
    let revision = Found(item).number(VERSION).map_err(damaged)?;
    Ok(Some(Revised { revision, value: Found(item).json().map_err(damaged)? }))
}

/// The item that replaces what was read.
pub(crate) fn revised_item<T: Serialize>(
    table: &Table<'_>,
    key: Key,
    read: &Revised<T>,
) -> Result<Item, StoreError> {
    broken(table, Item::new(key).number(VERSION, read.revision + 1).json(&read.value))
}
