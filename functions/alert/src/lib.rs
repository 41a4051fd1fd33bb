//! Alert as a function: whatever wakes it, it settles what the table holds and tells what is new, of the fabric and of models.
//!
//! The event is looked at only to tell a tick from news: at a tick Alertmanager is reminded of what is firing, for
//! it forgets what it does not hear of.

mod alertmanager;
mod config;

use std::time::Duration;

use linkcast_aws::{Count, DynamoStore, Shared, Topic, WebClient, write_counts};
use linkcast_domain::ports::{Lookup, NoticeChannel, Notifier, NotifyError, OutboxMessage};
use linkcast_domain::{AlertState, Notice, Retry, Severity};
use linkcast_lambda::{Diagnostic, Function, Invocation, Named};
use linkcast_pipeline::apart::{Alerted, ApartError, alert};
use linkcast_pipeline::{Delivered, NoticeError, NoticeText, Settings, deliver_notices};
use serde::{Deserialize, Serialize};
use tracing::warn;

use alertmanager::Alertmanager;
pub use config::Config;

/// Alerts of which a tick reminds.
const MOST_REMINDED: usize = 1_000;

/// The longest a reminder may take.
const REMINDER_LIMIT: Duration = Duration::from_secs(10);

/// The function, loaded.
pub struct Alert {
    settings: Settings,
    store: DynamoStore,
    channels: Vec<Channel>,
}

/// A way to tell people.
enum Channel {
    /// A topic, and from which severity on it is told of notices.
    Topic(Topic, Severity),
    Alertmanager(Alertmanager),
}

/// What woke the function; anything but a tick is news.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Wake {
    #[serde(default)]
    tick: bool,
}

/// What was done.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Done {
    /// Alerts that opened, changed or resolved.
    pub alerts: u64,
    /// Messages and notices told, on all channels.
    pub told: u64,
    /// Channels and notices that failed.
    pub failed: u64,
}

/// Alerts that were not settled, or not told.
#[derive(Debug, thiserror::Error)]
enum AlertError {
    #[error("could not settle the alerts")]
    Settle(#[source] ApartError),
    #[error("could not tell the notices about models")]
    Notices(#[source] NoticeError),
    #[error("{failed} messages or notices could not be told; they wait in the table")]
    Untold { failed: u64 },
}

impl Named for AlertError {
    fn name(&self) -> &'static str {
        match self {
            AlertError::Settle(_) => "AlertsNotSettled",
            AlertError::Notices(_) => "NoticesNotTold",
            AlertError::Untold { .. } => "ChannelNotTold",
        }
    }

    fn class(&self) -> Retry {
        match self {
            AlertError::Settle(error) => error.class(),
            AlertError::Notices(error) => error.class(),
            AlertError::Untold { .. } => Retry::Later,
        }
    }
}

impl Alert {
    /// The function over `store`, with the channels the configuration names.
    pub fn new(config: &Config, shared: &Shared, store: DynamoStore) -> Self {
        let settings = Settings { fabric: config.fabric.clone(), ..Settings::default() };
        let topic =
            config.topic.iter().map(|arn| Channel::Topic(Topic::new(shared, arn), config.topic_notices));
        let address = config.alertmanager.iter();
        let fires_from = config.alertmanager_notices;
        let manager =
            address.map(|url| Channel::Alertmanager(Alertmanager::new(WebClient::new(), url, fires_from)));
        let channels = topic.chain(manager).collect();
        Alert { settings, store, channels }
    }

    /// Reminds every Alertmanager of what is firing.
    async fn remind(&self, store: &DynamoStore, invocation: &Invocation<'_>) -> Result<u64, AlertError> {
        let managers: Vec<&Alertmanager> = self.channels.iter().filter_map(Channel::manager).collect();
        if managers.is_empty() {
            return Ok(0);
        }
        let firing = store.alerts(Some(AlertState::Firing), MOST_REMINDED).await;
        let firing = firing.map_err(|error| AlertError::Settle(error.into()))?;
        let mut failed = 0;
        for manager in managers {
            let budget = invocation.budget.share(REMINDER_LIMIT, invocation.clock);
            if let Err(error) = manager.tell(&firing, invocation.clock.now(), budget).await {
                warn!(%error, "a reminder failed");
                failed += 1;
            }
        }
        Ok(failed)
    }
}

impl Channel {
    fn manager(&self) -> Option<&Alertmanager> {
        match self {
            Channel::Alertmanager(manager) => Some(manager),
            Channel::Topic(..) => None,
        }
    }
}

impl Notifier for Channel {
    fn channel(&self) -> &str {
        match self {
            Channel::Topic(topic, _) => topic.channel(),
            Channel::Alertmanager(manager) => manager.channel(),
        }
    }

    async fn publish(&self, messages: &[OutboxMessage], budget: Duration) -> Result<(), NotifyError> {
        match self {
            Channel::Topic(topic, _) => topic.publish(messages, budget).await,
            Channel::Alertmanager(manager) => manager.publish(messages, budget).await,
        }
    }
}

impl NoticeChannel for Channel {
    fn channel(&self) -> &str {
        Notifier::channel(self)
    }

    fn least(&self) -> Severity {
        match self {
            Channel::Topic(_, least) => *least,
            // What is too slight to fire ends what fired before it.
            Channel::Alertmanager(_) => Severity::Info,
        }
    }

    async fn tell_notice(&self, notice: &Notice, budget: Duration) -> Result<(), NotifyError> {
        match self {
            Channel::Topic(topic, _) => {
                let text = NoticeText::of(notice);
                topic.tell_notice(notice, (&text.subject, &text.body), budget).await
            }
            Channel::Alertmanager(manager) => manager.tell_notice(notice, budget).await,
        }
    }
}

impl Function for Alert {
    type Event = Wake;
    type Answer = Done;

    async fn handle(&self, event: Wake, invocation: &Invocation<'_>) -> Result<Done, Diagnostic> {
        let store = self.store.within(&invocation.budget, invocation.clock);
        let outcome = self.settle(&store, event, invocation).await;
        let alerted = outcome.as_ref().copied().unwrap_or_default();
        let counts = [
            (Count::Alerts, alerted.alerts as f64),
            (Count::Messages, alerted.told as f64),
            (Count::Failures, alerted.failed as f64),
        ];
        write_counts(("alert", &self.settings.fabric), &counts, store.take_usage(), invocation);
        let Alerted { alerts, told, failed } = outcome.map_err(|error| Diagnostic::of(&error))?;
        if failed > 0 {
            // Delivered again, it tells what waits: nothing is lost, and the failure is seen.
            return Err(Diagnostic::of(&AlertError::Untold { failed }));
        }
        Ok(Done { alerts, told, failed })
    }
}

impl Alert {
    async fn settle(
        &self,
        store: &DynamoStore,
        event: Wake,
        invocation: &Invocation<'_>,
    ) -> Result<Alerted, AlertError> {
        let time = (&invocation.budget, invocation.clock);
        let mut alerted =
            alert((store, &self.channels), &self.settings, time).await.map_err(AlertError::Settle)?;
        if event.tick {
            alerted.failed += self.remind(store, invocation).await?;
        }
        let place = (store, self.settings.task.as_str());
        let Delivered { told, failed } =
            deliver_notices(place, &self.channels, time).await.map_err(AlertError::Notices)?;
        alerted.told += told;
        alerted.failed += failed;
        Ok(alerted)
    }
}
