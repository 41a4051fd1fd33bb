//! Tiers turned off one by one, in the order in which they would be missed.

use std::collections::{BTreeMap, BTreeSet};

use linkcast_routing::Policy;
use linkcast_scoring::Score;
use serde::Serialize;

use super::asked::AskedVariant;
use super::figures::Figures;
use super::sample::Row;

/// What is answered while tiers are off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Outage {
    /// The variants that are off.
    pub(crate) off: Vec<String>,
    /// Who answers, percent of rows as they come.
    pub(crate) answered_by: BTreeMap<String, f64>,
    /// How right that is.
    pub(crate) figures: Option<Figures>,
    /// What that is beside everything on, points of accuracy: below 0 is worse.
    pub(crate) accuracy_points: f64,
    /// Likewise of macro F1.
    pub(crate) macro_f1_points: f64,
}

/// Everything on, then one tier more off each time, until the embedded model answers alone. `asked` is what every variant answered
/// to every row, in the policy's order.
pub(crate) fn outages(policy: &Policy, asked: &[AskedVariant], rows: &[Row]) -> Vec<Outage> {
    let order = order(policy);
    let all_on = outage(policy, asked, rows, &[], None);
    let first = all_on.figures;
    let others = (1..=order.len()).filter_map(|off| order.get(..off));
    let others: Vec<Outage> = others.map(|off| outage(policy, asked, rows, off, first)).collect();
    [vec![all_on], others].concat()
}

/// The tiers before the embedded model: those that streams belong to, the most first, then those that only stand in. A variant
/// that is neither is no tier: nobody would miss it.
fn order(policy: &Policy) -> Vec<usize> {
    let weight = |place: &usize| policy.variants().get(*place).map(|variant| variant.weight);
    let mut order: Vec<usize> =
        (0..policy.variants().len()).filter(|place| weight(place) > Some(Default::default())).collect();
    order.sort_by_key(|place| std::cmp::Reverse(weight(place)));
    for place in (0..policy.variants().len()).flat_map(|first| policy.chain(first).iter().skip(1)) {
        if !order.contains(place) {
            order.push(*place);
        }
    }
    order.retain(|place| *place != policy.embedded());
    order
}

fn outage(
    policy: &Policy,
    asked: &[AskedVariant],
    rows: &[Row],
    off: &[usize],
    beside: Option<Figures>,
) -> Outage {
    let off: BTreeSet<usize> = off.iter().copied().collect();
    let name = |place: usize| policy.variants().get(place).map_or("", |variant| variant.name.as_str());
    let answered: Vec<(usize, &Row, &Score)> = rows
        .iter()
        .enumerate()
        .filter_map(|(number, row)| {
            let chain = policy.chain(policy.assigned(&row.stream)).iter();
            let mut on = chain.filter(|place| !off.contains(place));
            on.find_map(|place| Some((*place, row, asked.get(*place)?.score(number)?)))
        })
        .collect();
    let whole: f64 = answered.iter().map(|(_, row, _)| row.weight).sum();
    let mut answered_by: BTreeMap<String, f64> = BTreeMap::new();
    for (place, row, _) in &answered {
        *answered_by.entry(name(*place).to_owned()).or_default() += row.weight * 100.0 / whole;
    }
    let figures = Figures::of(answered.iter().map(|(_, row, score)| (*row, *score)));
    let points = |of: fn(&Figures) -> f64| match (figures, beside) {
        (Some(now), Some(before)) => ((of(&now) - of(&before)) * 1e4).round() / 1e2,
        _ => 0.0,
    };
    Outage {
        off: off_names(policy, &off),
        answered_by: answered_by.into_iter().map(|(name, share)| (name, hundredths(share))).collect(),
        figures,
        accuracy_points: points(|figures| figures.accuracy),
        macro_f1_points: points(|figures| figures.macro_f1),
    }
}

fn off_names(policy: &Policy, off: &BTreeSet<usize>) -> Vec<String> {
    let in_order = order(policy).into_iter().filter(|place| off.contains(place));
    in_order.filter_map(|place| Some(policy.variants().get(place)?.name.to_string())).collect()
}

fn hundredths(share: f64) -> f64 {
    (share * 1e2).round() / 1e2
}

#[cfg(test)]
mod tests {
    use super::super::asked::Fate;
    use super::super::figures::tests::{row, score};
    use super::*;
    use linkcast_domain::PredictionType::{self, LatencySpike, Normal};

    fn policy(variants: &[(&str, u32)], fallback: &[&str]) -> Policy {
        let variants: Vec<String> = variants
            .iter()
            .map(|(name, weight)| {
                let target = match *name {
                    "embedded" => r#"{"kind":"embedded"}"#.to_owned(),
                    name => format!(r#"{{"kind":"http","url":"http://a/{name}","protocol":"linkcast"}}"#),
                };
                format!(r#"{{"name":"{name}","weight":{weight},"target":{target}}}"#)
            })
            .collect();
        let fallback: Vec<String> = fallback.iter().map(|name| format!("{name:?}")).collect();
        let (variants, fallback) = (variants.join(","), fallback.join(","));
        Policy::parse(&format!(r#"{{"salt":"a","variants":[{variants}],"fallback":[{fallback}]}}"#)).unwrap()
    }

    fn asked(name: &str, said: &[Option<PredictionType>]) -> AskedVariant {
        let fates = said.iter().map(|said| match said {
            Some(class) => Fate::Answered(score(*class, 0.9)),
            None => Fate::Unanswered("unreachable"),
        });
        AskedVariant::of_fates(name, fates.collect())
    }

    #[test]
    fn whoever_is_off_or_does_not_answer_is_stood_in_for_down_the_chain() {
        let policy = policy(
            &[("live", 100), ("dead", 0), ("spare", 0), ("embedded", 0)],
            &["dead", "spare", "embedded"],
        );
        let rows = [row("a/1", Normal, 3.0), row("a/2", LatencySpike, 1.0)];
        let all = [
            asked("live", &[Some(Normal), Some(LatencySpike)]),
            asked("dead", &[None, None]),
            asked("spare", &[Some(LatencySpike), None]),
            asked("embedded", &[Some(Normal), Some(Normal)]),
        ];
        let found = outages(&policy, &all, &rows);
        let shares = |place: usize| {
            found[place].answered_by.iter().map(|(name, share)| (name.as_str(), *share)).collect::<Vec<_>>()
        };
        assert_eq!(found.len(), 4);
        assert_eq!((found[0].off.len(), shares(0)), (0, vec![("live", 100.0)]));
        assert_eq!(
            (found[1].off.as_slice(), shares(1)),
            (&["live".to_owned()][..], vec![("embedded", 25.0), ("spare", 75.0)])
        );
        assert_eq!(shares(2), shares(1), "the second tier was dead anyway");
        assert_eq!(found[3].off, ["live", "dead", "spare"]);
        assert_eq!(shares(3), [("embedded", 100.0)]);
        assert_eq!(
            found.iter().map(|one| one.accuracy_points).collect::<Vec<_>>(),
            [0.0, -100.0, -100.0, -50.0]
        );
    }

    #[test]
    fn tiers_are_missed_by_their_share_of_the_streams_and_then_by_the_order_of_fallback() {
        let variants = [("small", 10), ("unused", 0), ("large", 90), ("last", 0), ("embedded", 0)];
        let policy = policy(&variants, &["large", "last", "embedded"]);
        assert_eq!(order(&policy), [2, 0, 3]);
        assert_eq!(order(&Policy::standing("a", None)), [0; 0]);
    }
}
