//! What starts collect: a schedule, a request, or an object.

use linkcast_lambda::function_url::Request;
use serde::Deserialize;

/// One of the three, told apart by what only it has.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Trigger {
    /// A schedule's input: scrape one share of the targets.
    Scrape {
        /// Which share.
        scrape: Share,
    },
    /// A request at the function's URL.
    Request(Box<Request>),
    /// An object, told by EventBridge.
    Created {
        /// When.
        time: String,
        /// What.
        detail: ObjectPlace,
    },
    /// Objects, told by the bucket itself.
    Notified {
        /// Each of them.
        #[serde(rename = "Records")]
        records: Vec<Notified>,
    },
}

/// One share of the targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Share {
    /// Which, from 0.
    pub shard: u32,
    /// Of how many.
    pub of: u32,
}

/// Where an object lies.
#[derive(Clone, Debug, Deserialize)]
pub struct ObjectPlace {
    /// The bucket.
    pub bucket: Bucket,
    /// The object.
    pub object: Object,
}

/// A bucket.
#[derive(Clone, Debug, Deserialize)]
pub struct Bucket {
    /// Its name.
    pub name: String,
}

/// An object.
#[derive(Clone, Debug, Deserialize)]
pub struct Object {
    /// Its key; the bucket's own records write it as in a URL.
    pub key: String,
}

/// A bucket's own record.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notified {
    /// When.
    pub event_time: String,
    /// What.
    pub s3: ObjectPlace,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trigger_is_told_by_what_only_it_has() {
        let of = |text: &str| serde_json::from_str::<Trigger>(text);
        assert!(matches!(of(r#"{"scrape":{"shard":0,"of":2}}"#), Ok(Trigger::Scrape { .. })));
        let request =
            r#"{"version":"2.0","requestContext":{"http":{"method":"POST","path":"/"}},"headers":{}}"#;
        assert!(matches!(of(request), Ok(Trigger::Request(_))));
        let created =
            r#"{"time":"2026-01-01T00:00:00Z","detail":{"bucket":{"name":"b"},"object":{"key":"k"}}}"#;
        assert!(matches!(of(created), Ok(Trigger::Created { .. })));
        let notified = r#"{"Records":[{"eventTime":"2026-01-01T00:00:00Z","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}"#;
        assert!(matches!(of(notified), Ok(Trigger::Notified { .. })));
        assert!(of(r#"{"Records":[{"dynamodb":{}}]}"#).is_err());
    }
}
