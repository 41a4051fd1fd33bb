//! Cohorts over two hundred thousand streams: whose a stream was at one step's share, its it stays.

use linkcast_domain::StreamId;

use super::{asked, at, begun, done, plan};
use crate::{Policy, simulate};

fn streams() -> Vec<StreamId> {
    let ports = (0..5_000_u64).flat_map(|node| (1..=40).map(move |port| (node, port)));
    ports
        .map(|(node, port)| format!("{:016x}/{port}", 0xb859_9f03_0012_0000 + node * 4).parse().unwrap())
        .collect()
}

#[test]
fn a_stream_that_is_the_candidates_stays_its_own_and_nobody_elses_moves() {
    let streams = streams();
    assert_eq!(streams.len(), 200_000);
    for salt in ["s", "link-health-2", "another"] {
        let plan =
            plan(|text| text.steps = ["10", "25", "50", "100"].map(|step| step.parse().unwrap()).to_vec());
        let (mut rollout, mut policy) = begun(plan);
        policy.text = policy.text.replace(r#""salt": "s""#, &format!(r#""salt": "{salt}""#));
        for weight in [10.0, 25.0, 50.0, 90.0] {
            let is = Policy::parse(&policy.text).unwrap();
            if weight > 10.0 {
                let was = is;
                let change =
                    rollout.step_up(&policy, &std::collections::BTreeMap::new(), None, asked(at(1))).unwrap();
                (rollout, policy) = done(rollout.with_pending(Some(change)), policy);
                let is = Policy::parse(&policy.text).unwrap();
                let seen = simulate(&is, Some(&was), &streams);
                assert_eq!(seen.moved_back, 0);
                let only = |from: &str, to: &str| (from, to) == ("live", "v2");
                assert!(seen.moves.iter().all(|one| only(one.from.as_str(), one.to.as_str())), "{seen:?}");
            }
            let is = Policy::parse(&policy.text).unwrap();
            let share = simulate(&is, None, &streams).shares.into_iter();
            let share = share.filter(|share| share.variant.as_str() == "v2").map(|share| share.percent);
            let share: f64 = share.sum();
            assert!((share - weight).abs() < 0.3, "{share} of {weight}");
        }
    }
}
