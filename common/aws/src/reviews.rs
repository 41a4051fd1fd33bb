//! Reviews on the table: an item each, which the index lists by how far it has come and what a verdict is worth.

use linkcast_domain::ports::{ReviewItems, Revised, StoreError, Written};
use linkcast_domain::{ReviewId, Reviewed, Standing};

use crate::item::{Found, VERSION};
use crate::keys::{self, Key, SHARDS};
use crate::query::{LAST, Range};
use crate::registry::revised_item;
use crate::store::DynamoStore;
use crate::streams::read_all;

impl ReviewItems for DynamoStore {
    async fn reviewed(&self, ids: &[ReviewId]) -> Result<Vec<Option<Revised<Reviewed>>>, StoreError> {
        let table = self.table("read reviews");
        let places: Vec<Key> = ids.iter().map(keys::review).collect();
        let found = table.get(places.iter().cloned(), None).await?;
        let damaged = |error| table.attempt().damaged(error);
        let read = |place: &Key| {
            let Some(item) = found.get(place) else { return Ok(None) };
            let revision = Found(item).number(VERSION).map_err(damaged)?;
            Ok(Some(Revised { revision, value: Found(item).json().map_err(damaged)? }))
        };
        places.iter().map(read).collect()
    }

    async fn put_reviewed(&self, changes: &[Revised<Reviewed>]) -> Result<Vec<Written>, StoreError> {
        let table = self.table("write reviews");
        let mut items = Vec::with_capacity(changes.len());
        for change in changes {
            let Reviewed { item: asked, .. } = &change.value;
            let item = revised_item(&table, keys::review(&asked.id), change)?;
            let kind = keys::listed_review(change.value.standing());
            let place = format!("{}#{}", keys::falling(asked.priority), asked.id);
            items.push((item.listed(keys::shard(&kind, asked.id.as_str()), place), change.revision));
        }
        table.put_each_if(items).await.into_iter().collect()
    }

    async fn review_queue(
        &self,
        standing: Option<Standing>,
        limit: usize,
    ) -> Result<Vec<Reviewed>, StoreError> {
        let table = self.table("read the reviews that are asked for");
        let standings = standing.map_or_else(|| Standing::ALL.to_vec(), |standing| vec![standing]);
        let mut found: Vec<Reviewed> = Vec::new();
        for standing in standings {
            for shard in 0..SHARDS {
                let pk = keys::shard_key(&keys::listed_review(standing), shard);
                let range = Range { limit, ..Range::listed(pk, "", LAST.to_owned()) };
                found.extend(read_all::<Reviewed>(&table, &table.query(range).await?)?);
            }
        }
        found.sort_by(|one, other| {
            let (first, second) = (&one.item, &other.item);
            second.priority.total_cmp(&first.priority).then_with(|| first.id.cmp(&second.id))
        });
        found.truncate(limit);
        Ok(found)
    }
}
