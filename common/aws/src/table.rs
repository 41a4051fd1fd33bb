//! The table as the template makes it, for emulators and tests that have no template.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};
use linkcast_domain::ports::StoreError;

use crate::failure::Attempt;
use crate::item::{INDEX_PK, INDEX_SK, PK, SK, TTL};

/// The index's name.
pub const LATEST: &str = "latest";

/// Makes the table; one that is there already is left as it is.
///
/// # Errors
/// A table that could not be made.
pub async fn create_table(client: &Client, table: &str) -> Result<(), StoreError> {
    let attempt = Attempt { table, what: "make the table" };
    let refused = |error: BuildError| attempt.broken(error);
    let index = GlobalSecondaryIndex::builder()
        .index_name(LATEST)
        .key_schema(key(INDEX_PK, KeyType::Hash).map_err(refused)?)
        .key_schema(key(INDEX_SK, KeyType::Range).map_err(refused)?)
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()
        .map_err(refused)?;
    let mut request = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key(PK, KeyType::Hash).map_err(refused)?)
        .key_schema(key(SK, KeyType::Range).map_err(refused)?)
        .global_secondary_indexes(index);
    for name in [PK, SK, INDEX_PK, INDEX_SK] {
        let definition = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build();
        request = request.attribute_definitions(definition.map_err(refused)?);
    }
    if let Err(error) = request.send().await {
        let there = error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception());
        return if there { Ok(()) } else { Err(attempt.failed(error)) };
    }
    let expiry =
        TimeToLiveSpecification::builder().attribute_name(TTL).enabled(true).build().map_err(refused)?;
    let request = client.update_time_to_live().table_name(table).time_to_live_specification(expiry);
    request.send().await.map_err(|error| attempt.failed(error))?;
    Ok(())
}

fn key(name: &str, kind: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build()
}
