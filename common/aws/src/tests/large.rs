//! What only a table has to get right: commits beyond a transaction, and what they cost.

use linkcast_domain::ports::{Changes, Lookup, PipelineStore, TimeRange};

use super::items::{now, sample, samples, source, state, stream};
use super::on_a_table;

#[test]
fn a_commit_beyond_a_transaction_is_whole() {
    on_a_table("a_commit_beyond_a_transaction", |store| {
        let states = (1..=240).map(|number| state(number, &[7; 900])).collect();
        let changes = Changes { states, sources: vec![source("scrape", 3)], ..Changes::default() };
        now(store.commit(&changes)).unwrap();
        assert_eq!(now(store.streams(None, 1_000)).unwrap().len(), 240);
        assert_eq!(now(store.resume()).unwrap().sources, [source("scrape", 3)]);
    });
}

#[test]
fn a_sample_costs_one_unit_and_a_page_of_them_comes_whole() {
    on_a_table("a_sample_costs_one_unit", |store| {
        now(store.commit(&samples(vec![sample(1, 0, 1.0)]))).unwrap();
        store.take_usage();
        let many = (1..=1_500).map(|time| sample(1, time * 30, 1.0)).collect();
        now(store.commit(&samples(many))).unwrap();
        assert_eq!(store.take_usage().write_units, 1_500.0);
        assert_eq!(now(store.samples(&stream(1), TimeRange::ALL)).unwrap().len(), 1_501);
    });
}
