//! A task's small items on the table: beside its models and runs, under names of their own.

use linkcast_domain::ports::{Revised, StoreError, TaskItem, TaskItems, Written};

use crate::item::{Attributes, DamagedItemError, Found, SK, TTL, VERSION};
use crate::keys::{self, Key};
use crate::query::Range;
use crate::registry::{revised, revised_item};
use crate::store::DynamoStore;

impl TaskItems for DynamoStore {
    async fn task_item(&self, task: &str, name: &str) -> Result<Option<Revised<String>>, StoreError> {
        let key = Key::new(keys::task(&self.fabric, task), name);
        revised(&self.table("read an item of a task"), key).await
    }

    async fn task_items(
        &self,
        task: &str,
        prefix: &str,
    ) -> Result<Vec<(String, Revised<String>)>, StoreError> {
        let table = self.table("read a task's items");
        let found = table.query(Range::prefix(keys::task(&self.fabric, task), prefix)).await?;
        let read = |item: &Attributes| {
            let name = Found(item).text(SK)?.to_owned();
            let revision = Found(item).number(VERSION)?;
            Ok((name, Revised { revision, value: Found(item).json()? }))
        };
        let found: Result<Vec<_>, DamagedItemError> = found.iter().map(read).collect();
        found.map_err(|error| table.attempt().damaged(error))
    }

    async fn put_task_item(&self, task: &str, item: &TaskItem) -> Result<Written, StoreError> {
        let table = self.table("write an item of a task");
        let key = Key::new(keys::task(&self.fabric, task), item.name.clone());
        let mut written = revised_item(&table, key, &item.text)?;
        if let Some(until) = item.until {
            written = written.number(TTL, until.seconds());
        }
        let outcomes = table.put_each_if(vec![(written, item.text.revision)]).await;
        outcomes.into_iter().next().unwrap_or(Ok(Written::Moved))
    }
}
