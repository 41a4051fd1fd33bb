//! One fault in time: how far its recipe's picture has grown, and what that means for a link in one interval.

use crate::effect::{End, EndEffect, LinkEffect};
use crate::random::{Draw, power_of_two, wave};
use crate::recipes::{Pace, Phase, Recipe, Side, Symptom};
use crate::traffic::Interval;

/// A fault on one link.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) recipe: &'static Recipe,
    pub(crate) near: End,
    pub(crate) pace: Pace,
    pub(crate) onset: i64,
    pub(crate) impact: i64,
    pub(crate) end: i64,
    /// Factor on all rates of events.
    pub(crate) magnitude: f64,
    /// How far the factors on traffic, waiting and latency reach, 0 to 1.
    pub(crate) depth: f64,
    pub(crate) draw: Draw,
}

/// Seconds a dropped link needs to train again.
const RETRAIN_S: f64 = 9.0;

impl Fault {
    /// Adds what the fault does in this interval.
    pub(crate) fn apply(&self, interval: &Interval, effect: &mut LinkEffect) {
        let overlap = interval.share_within(self.onset, self.end);
        let middle = (interval.from + interval.to) / 2;
        if overlap > 0.0 {
            for symptom in self.recipe.symptoms {
                self.show(symptom, middle, overlap, interval, effect);
            }
        }
    }

    fn show(
        &self,
        symptom: &Symptom,
        middle: i64,
        overlap: f64,
        interval: &Interval,
        effect: &mut LinkEffect,
    ) {
        let seconds = interval.seconds() * overlap;
        match *symptom {
            Symptom::Count(counter, side, per_second, phase) => {
                let events = per_second * self.magnitude * self.level(phase, middle) * seconds;
                self.each(side, effect, |end| end.expect_events(counter, events));
            }
            Symptom::Wait(side, ratio, phase) => {
                let wait = ratio * self.depth * self.level(phase, middle) * overlap;
                self.each(side, effect, |end| end.wait += wait);
            }
            Symptom::Transmit(side, factor, phase) => {
                let kept = 1.0 - (1.0 - factor) * self.depth * self.level(phase, middle) * overlap;
                self.each(side, effect, |end| end.transmit *= kept);
            }
            Symptom::Load(side, floor, phase) => {
                let floor = (floor - 0.12 * (1.0 - self.depth)) * self.level(phase, middle) * overlap;
                self.each(side, effect, |end| end.floor = end.floor.max(floor));
            }
            Symptom::Swing(side, amplitude, period_min) => {
                let turn = (middle - self.onset) as f64 / (period_min * 60_000.0);
                let swing = 1.0 + amplitude * self.depth * self.level(Phase::Growing, middle) * wave(turn);
                self.each(side, effect, |end| end.transmit *= swing);
            }
            Symptom::Latency(factor, phase) => {
                let grown = 1.0 + (factor - 1.0) * self.depth * self.level(phase, middle) * overlap;
                effect.end_mut(self.near).latency *= grown;
            }
            Symptom::Drops(per_hour, phase) => {
                let level = self.level(phase, middle) * self.depth;
                let drops = self.draw.at(interval.step).count(per_hour * level * seconds / 3600.0);
                effect.downs += drops;
                effect.down_share += drops as f64 * RETRAIN_S / interval.seconds();
            }
            Symptom::Narrow(share) => {
                if interval.to > self.impact && interval.to <= self.end {
                    effect.speed = effect.speed.min(share);
                }
            }
        }
    }

    fn each(&self, side: Side, effect: &mut LinkEffect, mut change: impl FnMut(&mut EndEffect)) {
        if side != Side::Far {
            change(effect.end_mut(self.near));
        }
        if side != Side::Near {
            change(effect.end_mut(self.near.other()));
        }
    }

    /// How far symptoms of a phase have grown at an instant, 0 to 1.
    pub(crate) fn level(&self, phase: Phase, time: i64) -> f64 {
        match phase {
            Phase::Impact => f64::from(time >= self.impact),
            Phase::Growing => self.growth(time),
        }
    }

    fn growth(&self, time: i64) -> f64 {
        let length = (self.impact - self.onset).max(1) as f64;
        let place = ((time - self.onset) as f64 / length).clamp(0.0, 1.0);
        match self.pace {
            Pace::Linear | Pace::Sudden => place,
            Pace::Exponential => (power_of_two(6.0 * place) - 1.0) / 63.0,
            Pace::Stepwise => ((place * 5.0).floor() / 5.0).max(0.02),
            Pace::Intermittent => {
                let shown = self.draw.at(u64::MAX).at((time / 240_000) as u64).happens(0.2 + 0.7 * place);
                if shown { place.max(0.1) } else { 0.0 }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipes::RECIPES;
    use linkcast_domain::PredictionType;

    #[test]
    fn every_type_of_fault_has_a_recipe_and_every_recipe_shows_something() {
        for class in PredictionType::ALL.into_iter().skip(1) {
            assert!(RECIPES.iter().filter(|recipe| recipe.class == class).count() >= 2, "{class}");
        }
        assert!(RECIPES.iter().all(|recipe| !recipe.symptoms.is_empty() && !recipe.paces.is_empty()));
    }

    #[test]
    fn growth_starts_low_and_is_whole_at_impact() {
        for pace in [Pace::Linear, Pace::Exponential, Pace::Stepwise, Pace::Sudden] {
            let fault = Fault {
                recipe: &RECIPES[0],
                near: End::Low,
                pace,
                onset: 0,
                impact: 3_600_000,
                end: 7_200_000,
                magnitude: 1.0,
                depth: 1.0,
                draw: Draw::of(1),
            };
            assert!(fault.growth(36_000) < 0.05, "{pace:?}");
            assert_eq!(fault.growth(3_600_000), 1.0, "{pace:?}");
        }
    }
}
