//! What each tier gets of the one deadline.
//!
//! A slow tier costs its own share and never the answer: what is kept for the embedded model is set aside first, and what is
//! left is shared evenly by those still to be asked, so that a tier that fails fast leaves its time to the others.

use std::time::Duration;

/// The share of the next tier: `left` is the time to the chain's deadline, `reserve` what is kept for the embedded model,
/// `tiers` how many may yet be asked, this one included, and `longest` the tier's own limit.
pub fn share(left: Duration, reserve: Duration, tiers: u32, longest: Option<Duration>) -> Duration {
    let even = left.saturating_sub(reserve) / tiers.max(1);
    longest.map_or(even, |longest| longest.min(even))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn the_embedded_model_is_always_left_its_time() {
        assert_eq!(share(ms(1_000), ms(50), 2, None), ms(475));
        assert_eq!(share(ms(525), ms(50), 1, None), ms(475));
        assert_eq!(share(ms(990), ms(50), 1, None), ms(940), "a tier that failed fast leaves its time");
        assert_eq!(share(ms(1_000), ms(50), 2, Some(ms(100))), ms(100));
        assert_eq!(share(ms(40), ms(50), 2, None), Duration::ZERO);
    }
}
