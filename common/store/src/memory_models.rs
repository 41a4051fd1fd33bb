//! Models, reviews, feedback and a task's items, kept in memory: for tests of the rules over them.

use std::collections::BTreeMap;

use linkcast_domain::ports::{
    FeedbackItems, FolderFile, ModelFolders, RegistryChange, RegistryItems, ReviewItems, Revised, StoreError,
    TaskItem, TaskItems, Written,
};
use linkcast_domain::{
    Aliases, Feedback, InsightId, ModelVersion, RegisteredModel, ReviewId, Reviewed, Standing, StreamId,
};

use crate::memory::MemoryStore;

impl RegistryItems for MemoryStore {
    async fn model(
        &self,
        task: &str,
        version: &ModelVersion,
    ) -> Result<Option<Revised<RegisteredModel>>, StoreError> {
        Ok(self.content().models.get(&(task.to_owned(), version.clone())).cloned())
    }

    async fn models(&self, task: &str) -> Result<Vec<RegisteredModel>, StoreError> {
        let content = self.content();
        let of_task = content.models.iter().filter(|((of, _), _)| of == task);
        Ok(of_task.map(|(_, model)| model.value.clone()).collect())
    }

    async fn aliases(&self, task: &str) -> Result<Revised<Aliases>, StoreError> {
        Ok(self.content().aliases.get(task).cloned().unwrap_or_default())
    }

    async fn change(&self, task: &str, change: &RegistryChange) -> Result<Written, StoreError> {
        let mut content = self.content();
        let key = |version: &ModelVersion| (task.to_owned(), version.clone());
        let model_at =
            |version: &ModelVersion| content.models.get(&key(version)).map_or(0, |model| model.revision);
        let aliases_at = content.aliases.get(task).map_or(0, |aliases| aliases.revision);
        let is_as_read =
            change.model.as_ref().is_none_or(|model| model_at(&model.value.facts.version) == model.revision)
                && change.aliases.as_ref().is_none_or(|aliases| aliases_at == aliases.revision)
                && change.unchanged.as_ref().is_none_or(|(version, read)| model_at(version) == *read);
        if !is_as_read {
            return Ok(Written::Moved);
        }
        if let Some(model) = &change.model {
            content.models.insert(key(&model.value.facts.version), next(model));
        }
        if let Some(aliases) = &change.aliases {
            content.aliases.insert(task.to_owned(), next(aliases));
        }
        Ok(Written::Yes)
    }
}

/// What is stored in place of what was read.
fn next<T: Clone>(read: &Revised<T>) -> Revised<T> {
    Revised { revision: read.revision + 1, value: read.value.clone() }
}

impl TaskItems for MemoryStore {
    async fn task_item(&self, task: &str, name: &str) -> Result<Option<Revised<String>>, StoreError> {
        Ok(self.content().task_items.get(&(task.to_owned(), name.to_owned())).cloned())
    }

    async fn task_items(
        &self,
        task: &str,
        prefix: &str,
    ) -> Result<Vec<(String, Revised<String>)>, StoreError> {
        let content = self.content();
        let wanted =
            content.task_items.iter().filter(|((of, name), _)| of == task && name.starts_with(prefix));
        Ok(wanted.map(|((_, name), text)| (name.clone(), text.clone())).collect())
    }

    async fn put_task_item(&self, task: &str, item: &TaskItem) -> Result<Written, StoreError> {
        let mut content = self.content();
        let key = (task.to_owned(), item.name.clone());
        if content.task_items.get(&key).map_or(0, |there| there.revision) != item.text.revision {
            return Ok(Written::Moved);
        }
        content.task_items.insert(key, next(&item.text));
        Ok(Written::Yes)
    }
}

impl FeedbackItems for MemoryStore {
    async fn feedback(
        &self,
        insights: &[(StreamId, InsightId)],
    ) -> Result<Vec<Option<Revised<Feedback>>>, StoreError> {
        let content = self.content();
        Ok(insights.iter().map(|insight| content.feedback.get(insight).cloned()).collect())
    }

    async fn put_feedback(&self, change: &Revised<Feedback>) -> Result<Written, StoreError> {
        let mut content = self.content();
        let key = (change.value.stream.clone(), change.value.insight.clone());
        if content.feedback.get(&key).map_or(0, |there| there.revision) != change.revision {
            return Ok(Written::Moved);
        }
        content.feedback.insert(key, next(change));
        Ok(Written::Yes)
    }
}

impl ModelFolders for MemoryStore {
    fn place(&self, task: &str, digest: &str) -> String {
        format!("memory:{task}/{digest}")
    }

    async fn put_folder(&self, task: &str, digest: &str, files: &[FolderFile]) -> Result<(), StoreError> {
        let files: BTreeMap<_, _> =
            files.iter().map(|file| (file.name.clone(), file.bytes.clone())).collect();
        self.content().folders.insert((task.to_owned(), digest.to_owned()), files);
        Ok(())
    }

    async fn files(
        &self,
        task: &str,
        digest: &str,
        names: &[&str],
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let content = self.content();
        let folder = content.folders.get(&(task.to_owned(), digest.to_owned()));
        Ok(names.iter().map(|name| folder?.get(*name).cloned()).collect())
    }
}

impl ReviewItems for MemoryStore {
    async fn reviewed(&self, ids: &[ReviewId]) -> Result<Vec<Option<Revised<Reviewed>>>, StoreError> {
        let content = self.content();
        Ok(ids.iter().map(|id| content.reviews.get(id).cloned()).collect())
    }

    async fn put_reviewed(&self, changes: &[Revised<Reviewed>]) -> Result<Vec<Written>, StoreError> {
        let mut content = self.content();
        let mut outcomes = Vec::with_capacity(changes.len());
        for change in changes {
            let id = &change.value.item.id;
            let revision = content.reviews.get(id).map_or(0, |there| there.revision);
            outcomes.push(if revision == change.revision {
                content.reviews.insert(id.clone(), next(change));
                Written::Yes
            } else {
                Written::Moved
            });
        }
        Ok(outcomes)
    }

    async fn review_queue(
        &self,
        standing: Option<Standing>,
        limit: usize,
    ) -> Result<Vec<Reviewed>, StoreError> {
        let content = self.content();
        let wanted = |reviewed: &&Reviewed| standing.is_none_or(|standing| standing == reviewed.standing());
        let mut found: Vec<&Reviewed> =
            content.reviews.values().map(|kept| &kept.value).filter(wanted).collect();
        found.sort_by(|one, other| {
            let (first, second) = (&one.item, &other.item);
            second.priority.total_cmp(&first.priority).then_with(|| first.id.cmp(&second.id))
        });
        Ok(found.into_iter().take(limit).cloned().collect())
    }
}
