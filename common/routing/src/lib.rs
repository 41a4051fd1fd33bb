//! Who answers: weighted sticky variants, breakers, the order of fallback, and what was seen of each.
//!
//! Pure state machines: they are told the time and what happened, and say what to do next.
