//! The charts' lines: risk and evidence on every port at fault.

use std::collections::BTreeMap;

use linkcast_domain::{Episode, Feature, FeatureVector, StreamId, Timestamp};
use linkcast_features::{Calendar, StreamState};
use linkcast_scoring::Model;
use linkcast_telemetry::{Reading, Topology};

use crate::capture::SampleMaker;
use crate::report::{Signal, Track};

/// What was seen on the ports at fault.
pub(crate) struct Tracker {
    model: Model,
    calendar: Calendar,
    maker: SampleMaker,
    followed: BTreeMap<StreamId, Followed>,
}

#[derive(Default)]
struct Followed {
    state: StreamState,
    seen: Vec<(Timestamp, FeatureVector, f64)>,
}

/// Features that say when it was, and not what happened: no evidence to draw.
const CALENDAR_FEATURES: [Feature; 4] =
    [Feature::Hour, Feature::DayOfWeek, Feature::IsWeekend, Feature::IsBusinessHours];

impl Tracker {
    /// A tracker of the ports at fault in `episodes`, judged by the model that the pipeline uses.
    pub(crate) fn new(episodes: &[Episode], model: Model, calendar: Calendar) -> Self {
        let at_fault = episodes.iter().filter(|episode| episode.fault().is_some());
        let followed =
            at_fault.filter_map(|episode| Some((episode.streams.first()?.clone(), Followed::default())));
        Tracker {
            model,
            calendar,
            maker: SampleMaker::new(&Topology::default()),
            followed: followed.collect(),
        }
    }

    /// Looks at one sweep.
    pub(crate) fn watch(&mut self, readings: &[Reading], time: Timestamp) {
        for reading in readings {
            let Some(followed) = self.followed.get_mut(&reading.stream) else { continue };
            let mut reading = reading.clone();
            reading.time.get_or_insert(time);
            let Some(sample) = self.maker.sample(&reading) else { continue };
            let Ok(features) = followed.state.advance(sample.time, &sample.values, &self.calendar) else {
                continue;
            };
            let risk = self.model.score(&features).risk;
            followed.seen.push((sample.time, features, risk));
        }
    }

    /// The lines about `episode`; `told` is when the first alert was raised, if one was.
    pub(crate) fn track(&self, episode: &Episode, told: Option<Timestamp>) -> Track {
        let seen = episode
            .streams
            .first()
            .and_then(|stream| self.followed.get(stream))
            .map(|followed| &followed.seen);
        let Some(seen) = seen else { return Track::default() };
        let line = |feature: Feature| {
            let present =
                |(time, features, _): &(Timestamp, FeatureVector, f64)| Some((*time, features.get(feature)?));
            seen.iter().filter_map(present).collect::<Vec<_>>()
        };
        let at = told.unwrap_or(episode.impact).max(episode.onset);
        let strongest =
            seen.iter().find(|(time, ..)| *time >= at).and_then(|(_, features, _)| self.evidence(features));
        Track {
            risk: seen.iter().map(|(time, _, risk)| (*time, *risk)).collect(),
            symbol_ber: line(Feature::SymbolBer12m),
            signal: strongest.map(|feature| Signal {
                name: feature.name().into(),
                unit: feature.unit().into(),
                values: line(feature),
            }),
        }
    }

    /// The feature that moved the score most, unless it is the symbol errors, which have a chart of their own.
    fn evidence(&self, features: &FeatureVector) -> Option<Feature> {
        let score = self.model.score(features);
        let explanation = self.model.explain(features, &score);
        let named = explanation
            .influencers
            .iter()
            .filter_map(|influencer| influencer.feature.parse::<Feature>().ok());
        named
            .into_iter()
            .find(|feature| !CALENDAR_FEATURES.contains(feature))
            .filter(|feature| !matches!(feature, Feature::SymbolBer12m | Feature::SymbolBer125m))
    }
}
