//! The store on one DynamoDB table.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use linkcast_domain::{Budget, Clock, StreamId};

use crate::calls::Table;
use crate::client::{Shared, limits};
use crate::meter::{Meter, Usage};
use crate::traces::Traces;

/// How long samples and insights are kept.
pub(crate) const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// Everything durable, behind the domain's ports.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    client: Client,
    name: Arc<str>,
    pub(crate) fabric: Arc<str>,
    meter: Arc<Meter>,
    /// Streams known to be listed.
    pub(crate) listed: Arc<Mutex<HashSet<StreamId>>>,
    pub(crate) traces: Arc<Traces>,
}

impl DynamoStore {
    /// The store in `table`, of which `fabric` has the training records.
    pub fn new(shared: &Shared, table: &str, fabric: &str) -> Self {
        DynamoStore {
            client: Client::new(&shared.config),
            name: table.into(),
            fabric: fabric.into(),
            meter: Arc::default(),
            listed: Arc::default(),
            traces: Arc::default(),
        }
    }

    /// The same store for one invocation: no call outlives its budget.
    pub fn within(&self, budget: &Budget, clock: &dyn Clock) -> Self {
        let config = self.client.config().to_builder().timeout_config(limits(budget, clock)).build();
        DynamoStore { client: Client::from_conf(config), ..self.clone() }
    }

    /// The same store, what it writes belonging to these traces.
    pub fn tracing(&self, traces: Arc<Traces>) -> Self {
        DynamoStore { traces, ..self.clone() }
    }

    /// The client, for what no port asks: making and describing the table.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The table's name.
    pub fn table_name(&self) -> &str {
        &self.name
    }

    /// What the calls since the last time cost.
    pub fn take_usage(&self) -> Usage {
        self.meter.take()
    }

    pub(crate) fn table(&self, what: &'static str) -> Table<'_> {
        Table { client: &self.client, name: &self.name, meter: &self.meter, what }
    }
}
