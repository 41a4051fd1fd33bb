//! Where each item of a source's sweep is kept, foretold from the sweep before.
//!
//! A source lists its ports in the same order each time. So the streams of its last sweep are held in order with their
//! places, and the next sweep's are compared with them one after another: that reads memory in order, where looking
//! each stream up by its hash would wait for memory twice a port.

use std::collections::BTreeMap;

use linkcast_domain::StreamId;

/// Sources whose order is remembered; beyond it every order is learned anew.
const MOST_SOURCES: usize = 64;

/// How far ahead a stream is looked for when others before it are left out this time.
const LOOK_AHEAD: usize = 4;

/// Where a stream is kept; it never moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) shard: u32,
    pub(crate) place: u32,
}

/// Every source's order.
#[derive(Debug, Default)]
pub(crate) struct Routes(BTreeMap<u32, SourceRoutes>);

/// One source's order, of each kind of item.
#[derive(Debug, Default)]
pub(crate) struct SourceRoutes {
    pub(crate) facts: Route,
    pub(crate) readings: Route,
    pub(crate) samples: Route,
}

/// The streams of one sweep in order.
#[derive(Debug, Default)]
pub(crate) struct Route {
    stops: Vec<(StreamId, Place)>,
    next: usize,
}

impl Routes {
    /// The order of a source, at its beginning.
    pub(crate) fn of(&mut self, source: u32) -> &mut SourceRoutes {
        if self.0.len() >= MOST_SOURCES && !self.0.contains_key(&source) {
            self.0.clear();
        }
        let routes = self.0.entry(source).or_default();
        for route in [&mut routes.facts, &mut routes.readings, &mut routes.samples] {
            route.next = 0;
        }
        routes
    }
}

impl Route {
    /// The place of the next stream; `look_up` is asked where the last sweep does not tell.
    #[inline]
    pub(crate) fn find(&mut self, id: &StreamId, look_up: impl FnOnce() -> Place) -> Place {
        let ahead = self.stops.iter().skip(self.next).take(LOOK_AHEAD);
        if let Some((skipped, (_, place))) = ahead.enumerate().find(|(_, (stop, _))| stop == id) {
            self.next += skipped + 1;
            return *place;
        }
        let place = look_up();
        match self.stops.get_mut(self.next) {
            Some(stop) => *stop = (id.clone(), place),
            None => self.stops.push((id.clone(), place)),
        }
        self.next += 1;
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places found for `ids`, and how many had to be looked up.
    fn travel(routes: &mut Routes, ids: &[u32]) -> (Vec<u32>, usize) {
        let route = &mut routes.of(7).readings;
        let mut looked_up = 0;
        let places = ids.iter().map(|id| {
            let stream: StreamId = format!("port {id}").parse().unwrap();
            let look_up = || {
                looked_up += 1;
                Place { shard: 0, place: *id }
            };
            route.find(&stream, look_up).place
        });
        (places.collect(), looked_up)
    }

    #[test]
    fn a_repeated_order_needs_no_looking_up() {
        let mut routes = Routes::default();
        assert_eq!(travel(&mut routes, &[5, 3, 9, 1]), (vec![5, 3, 9, 1], 4));
        assert_eq!(travel(&mut routes, &[5, 3, 9, 1]), (vec![5, 3, 9, 1], 0));
        assert_eq!(travel(&mut routes, &[5, 1]), (vec![5, 1], 0));
    }

    #[test]
    fn another_order_is_found_all_the_same() {
        let mut routes = Routes::default();
        travel(&mut routes, &[1, 2, 3, 4, 5, 6, 7, 8]);
        for ids in [[8, 7, 6, 5, 4, 3, 2, 1], [1, 1, 2, 2, 9, 9, 3, 3], [4, 8, 1, 9, 2, 7, 3, 5]] {
            assert_eq!(travel(&mut routes, &ids).0, ids);
            assert_eq!(travel(&mut routes, &ids).0, ids);
        }
    }
}
