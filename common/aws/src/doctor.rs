//! What is wrong with a deployment, and what to do about it.
//!
//! Each check looks at one thing a function relies on, says what it found, and if that is not what is relied on, what to do. A
//! check that cannot be made is told as such: not to be allowed to look is a finding too.

use aws_sdk_dynamodb::operation::describe_table::DescribeTableOutput;
use aws_sdk_dynamodb::types::{StreamViewType, TableDescription, TimeToLiveStatus};
use linkcast_domain::ports::{InsightQuery, Lookup, Outbox, PipelineStore};
use linkcast_domain::{Clock, ModelIdentity};
use linkcast_lambda::chain;

use crate::client::Shared;
use crate::item::TTL;
use crate::store::DynamoStore;
use crate::table::LATEST;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Well,
    /// It works, and something should be looked at.
    Odd,
    /// It does not work.
    Ill,
}

/// One check's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub checked: String,
    /// How it is.
    pub health: Health,
    /// What was found.
    pub found: String,
    /// What to do about it; nothing where all is well.
    pub advice: Option<String>,
}

fn well(checked: &str, found: impl Into<String>) -> Finding {
    Finding { checked: checked.to_owned(), health: Health::Well, found: found.into(), advice: None }
}

fn odd(checked: &str, found: impl Into<String>, advice: &str) -> Finding {
    Finding { health: Health::Odd, advice: Some(advice.to_owned()), ..well(checked, found) }
}

fn ill(checked: &str, found: impl Into<String>, advice: &str) -> Finding {
    Finding { health: Health::Ill, ..odd(checked, found, advice) }
}

/// What to examine beside the table.
#[derive(Clone, Debug, Default)]
pub struct Examined {
    /// Queues that hold what functions gave up, by name.
    pub queues: Vec<String>,
    /// The model this program has.
    pub model: Option<ModelIdentity>,
}

/// Examines a deployment.
pub async fn examine(
    shared: &Shared,
    store: &DynamoStore,
    examined: &Examined,
    clock: &dyn Clock,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let described = store.client().describe_table().table_name(store.table_name()).send().await;
    match described {
        Ok(DescribeTableOutput { table: Some(table), .. }) => {
            findings.extend(of_table(&table));
            findings.push(of_time_to_live(store).await);
            findings.extend(of_content(store, examined, clock).await);
        }
        Ok(_) => findings.push(ill("table", "no answer", "look again")),
        Err(error) => findings.push(ill(
            "table",
            chain(&error),
            "deploy sam-template.yaml, name the table it made, and see that region, credentials and AWS_ENDPOINT_URL are the deployment's",
        )),
    }
    for queue in &examined.queues {
        findings.push(of_queue(shared, queue).await);
    }
    findings
}

fn of_table(table: &TableDescription) -> Vec<Finding> {
    let status = table.table_status.as_ref().map_or("unknown", |status| status.as_str());
    let items = table.item_count.unwrap_or(0);
    let state = format!("{status}, about {items} items");
    let mut findings = vec![if status == "ACTIVE" {
        well("table", state)
    } else {
        ill("table", state, "wait until it is ACTIVE")
    }];
    let stream = table.stream_specification.as_ref();
    let view =
        stream.filter(|stream| stream.stream_enabled).and_then(|stream| stream.stream_view_type.clone());
    findings.push(match view {
        Some(StreamViewType::NewImage | StreamViewType::NewAndOldImages) => well("stream", "new images"),
        Some(other) => ill("stream", other.as_str(), "set StreamViewType to NEW_IMAGE"),
        None => {
            ill("stream", "none", "enable the table's stream with NEW_IMAGE: prepare and insight live off it")
        }
    });
    let indexes = table.global_secondary_indexes.iter().flatten();
    let mut names = indexes.filter_map(|index| index.index_name.as_deref());
    findings.push(if names.any(|name| name == LATEST) {
        well("index latest", "there")
    } else {
        ill(
            "index latest",
            "missing",
            "deploy sam-template.yaml again: alerts and lookups over the fabric need it",
        )
    });
    findings
}

async fn of_time_to_live(store: &DynamoStore) -> Finding {
    const CHECKED: &str = "time to live";
    let asked = store.client().describe_time_to_live().table_name(store.table_name()).send().await;
    let advice =
        format!("enable time to live on the attribute {TTL}, or samples are kept and paid for for ever");
    match asked.map(|output| output.time_to_live_description) {
        Ok(Some(found))
            if matches!(
                found.time_to_live_status,
                Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
            ) && found.attribute_name.as_deref() == Some(TTL) =>
        {
            well(CHECKED, format!("on {TTL}"))
        }
        Ok(_) => ill(CHECKED, "off", &advice),
        Err(error) => odd(CHECKED, chain(&error), "allow dynamodb:DescribeTimeToLive"),
    }
}

async fn of_content(store: &DynamoStore, examined: &Examined, clock: &dyn Clock) -> Vec<Finding> {
    let resume = match store.resume().await {
        Ok(resume) => resume,
        Err(error) => return vec![ill("content", chain(&error), "allow reading the table and its index")],
    };
    let mut findings = Vec::new();
    let now = clock.now();
    for source in &resume.sources {
        let checked = format!("source {}", source.name);
        let age = source.last_heard.map(|heard| now.since(heard).as_secs());
        findings.push(match age {
            Some(age) if (age as f64) < (source.interval_s * 4.0).max(300.0) => {
                well(&checked, format!("heard {age} s ago"))
            }
            Some(age) => odd(
                &checked,
                format!("last heard {age} s ago"),
                "see the log of collect, and whether the exporter or the sender answers",
            ),
            None => odd(&checked, "never heard", "see the log of collect"),
        });
    }
    if resume.sources.is_empty() {
        let advice = "set LINKCAST_TARGETS, or point remote_write at collect's URL";
        findings.push(odd("sources", "none", advice));
    }
    let open = format!("{} not over, {} alerts firing", resume.conditions.len(), resume.alerts.len());
    findings.push(well("conditions", open));
    findings.extend(of_outbox(store).await);
    findings.push(of_model(store, examined.model.as_ref()).await);
    findings
}

/// Messages that wait although a minute's tick should have told them.
async fn of_outbox(store: &DynamoStore) -> Vec<Finding> {
    const MANY: usize = 100;
    let channels = match store.channels().await {
        Ok(channels) => channels,
        Err(error) => return vec![odd("channels", chain(&error), "allow reading the table")],
    };
    let mut findings = Vec::new();
    for channel in channels {
        let checked = format!("channel {channel}");
        findings.push(match store.unpublished(&channel, MANY).await {
            Ok(waiting) if waiting.is_empty() => well(&checked, "told everything"),
            Ok(waiting) => odd(
                &checked,
                format!("{} messages wait", waiting.len()),
                "see the log of alert, and whether the channel answers",
            ),
            Err(error) => odd(&checked, chain(&error), "allow reading the table"),
        });
    }
    findings
}

async fn of_model(store: &DynamoStore, own: Option<&ModelIdentity>) -> Finding {
    const CHECKED: &str = "model";
    let newest = store.insights(&InsightQuery { limit: 1, ..InsightQuery::default() }).await;
    match (newest.map(|found| found.into_iter().next()), own) {
        (Ok(Some(insight)), Some(own)) if insight.model != *own => odd(
            CHECKED,
            format!(
                "insights are by version {}, this program has {}",
                insight.model.model_version, own.model_version
            ),
            "deploy the same version everywhere, unless another model was meant",
        ),
        (Ok(Some(insight)), _) => {
            well(CHECKED, format!("insights are by version {}", insight.model.model_version))
        }
        (Ok(None), _) => {
            odd(CHECKED, "no insight yet", "quiet fabrics take an hour; else see the log of insight")
        }
        (Err(error), _) => odd(CHECKED, chain(&error), "allow querying the table's index"),
    }
}

async fn of_queue(shared: &Shared, name: &str) -> Finding {
    use aws_sdk_sqs::types::QueueAttributeName::ApproximateNumberOfMessages as Depth;
    let checked = format!("queue {name}");
    let client = aws_sdk_sqs::Client::new(&shared.config);
    let url = match client.get_queue_url().queue_name(name).send().await {
        Ok(output) => output.queue_url.unwrap_or_default(),
        Err(error) => return ill(&checked, chain(&error), "deploy it, or name another with --queue"),
    };
    match client.get_queue_attributes().queue_url(url).attribute_names(Depth).send().await {
        Ok(output) => {
            let depth = output.attributes.unwrap_or_default().remove(&Depth).unwrap_or_default();
            if depth == "0" {
                well(&checked, "empty")
            } else {
                let advice = "read the records' causes, mend them, and start the stream's records again";
                odd(&checked, format!("{depth} records were given up"), advice)
            }
        }
        Err(error) => odd(&checked, chain(&error), "allow sqs:GetQueueAttributes"),
    }
}
