//! The stores' contract, held by a real table.
//!
//! The checks are the store room's own. They run against whatever `LINKCAST_DYNAMODB` names (DynamoDB Local, an emulator) and
//! pass where it is not set; `cargo xtask test` sets it. Each check has a table of its own.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::LazyLock;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::config::Credentials;
use tokio::runtime::Runtime;

use crate::{DynamoStore, Shared, create_table};

#[path = "../../../store/src/tests/apart_contract.rs"]
mod apart_contract;
#[path = "../../../store/src/tests/contract.rs"]
mod contract;
#[path = "../../../store/src/tests/feedback_contract.rs"]
mod feedback_contract;
#[path = "../../../store/src/tests/items.rs"]
mod items;
mod large;
#[path = "../../../store/src/tests/registry_contract.rs"]
mod registry_contract;
#[path = "../../../store/src/tests/review_contract.rs"]
mod review_contract;
#[path = "../../../store/src/tests/task_contract.rs"]
mod task_contract;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
});

/// How often a check is made at most, each time on a new table. What the index tells is true some moments later, and a check
/// that looked at once may have looked too early; one that is wrong is so every time.
const TRIES: usize = 3;

/// Runs a check on a new table, if there is a service to make it.
fn on_a_table(name: &str, check: impl Fn(&DynamoStore)) {
    let Some(endpoint) = std::env::var_os("LINKCAST_DYNAMODB") else { return };
    let _inside = RUNTIME.enter();
    let endpoint = endpoint.into_string().unwrap();
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint);
    let shared = Shared { config: items::now(config.load()) };
    for number in 1..=TRIES {
        let name: String = name.chars().take(60).collect();
        let table = format!("{name}-{}-{number}", std::process::id());
        let store = DynamoStore::new(&shared, &table, "lab");
        items::now(create_table(store.client(), &table)).unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| check(&store)));
        items::now(store.client().delete_table().table_name(&table).send()).unwrap();
        match outcome {
            Ok(()) => return,
            Err(failure) if number == TRIES => resume_unwind(failure),
            Err(_) => {}
        }
    }
}

macro_rules! whole {
    ($($check:ident,)*) => { mod whole {
        $(#[test] fn $check() { super::on_a_table(stringify!($check), |store| super::contract::$check(store)); })*
    } };
}

macro_rules! apart {
    ($($check:ident,)*) => { mod apart {
        $(#[test] fn $check() { super::on_a_table(stringify!($check), |store| super::apart_contract::$check(store)); })*
    } };
}

macro_rules! models {
    ($module:ident: $($check:ident,)*) => { mod $module {
        $(#[test] fn $check() {
            super::super::on_a_table(stringify!($check), |store| super::super::$module::$check(store));
        })*
    } };
}

mod models {
    super::registry_contract::registry_contract!(models);
    super::review_contract::review_contract!(models);
    super::task_contract::task_contract!(models);
    super::feedback_contract::feedback_contract!(models);
}

contract::contract!(whole);
apart_contract::apart_contract!(apart);
