//! A canary over two hundred thousand streams: its shares, and that nobody is ever moved back.

use crate::{Policy, simulate};
use linkcast_domain::StreamId;

const STREAMS: u64 = 200_000;

fn streams() -> Vec<StreamId> {
    let ports = (0..STREAMS / 40).flat_map(|node| (1..=40).map(move |port| (node, port)));
    ports
        .map(|(node, port)| format!("{:016x}/{port}", 0xb859_9f03_0012_0000 + node * 4).parse().unwrap())
        .collect()
}

fn policy(candidate: u32) -> Policy {
    Policy::parse(&format!(
        r#"{{"salt":"link-health-2","fallback":["live","embedded"],"variants":[
            {{"name":"candidate","weight":{candidate},"target":{{"kind":"sagemaker","endpoint":"candidate"}}}},
            {{"name":"live","weight":{},"target":{{"kind":"sagemaker","endpoint":"live"}}}},
            {{"name":"embedded","weight":0,"target":{{"kind":"embedded"}}}}]}}"#,
        100 - candidate
    ))
    .unwrap()
}

#[test]
fn shares_are_right_within_a_fifth_of_a_percent_and_nobody_moves_back() {
    let streams = streams();
    assert_eq!(streams.len() as u64, STREAMS);
    let mut earlier = policy(0);
    for weight in [10, 25, 50, 100] {
        let next = policy(weight);
        let seen = simulate(&next, Some(&earlier), &streams);
        let candidate = &seen.shares[0];
        assert!((candidate.percent - f64::from(weight)).abs() <= 0.2, "{candidate:?}");
        assert_eq!(seen.moved_back, 0);
        assert!(seen.moves.iter().all(|one| one.to.as_str() == "candidate"), "{:?}", seen.moves);
        earlier = next;
    }
}

#[test]
fn a_weight_that_is_lowered_moves_streams_away_and_says_so() {
    let streams = streams();
    let seen = simulate(&policy(10), Some(&policy(25)), &streams);
    assert_eq!(seen.moved_back, 0, "its weight falls, so that is no moving back");
    assert!(seen.moves.iter().all(|one| one.from.as_str() == "candidate" && one.streams > 25_000));
    let swapped = Policy::parse(
        r#"{"salt":"link-health-2","fallback":["embedded"],"variants":[
            {"name":"live","weight":75,"target":{"kind":"sagemaker"}},
            {"name":"candidate","weight":25,"target":{"kind":"sagemaker","endpoint":"candidate"}},
            {"name":"embedded","weight":0,"target":{"kind":"embedded"}}]}"#,
    )
    .unwrap();
    let seen = simulate(&swapped, Some(&policy(25)), &streams);
    assert!(seen.moved_back > 50_000, "another order draws streams anew: {}", seen.moved_back);
}
