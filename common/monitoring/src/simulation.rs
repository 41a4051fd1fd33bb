//! Series whose truth is known, for the tests: seeded, so that a run tells what every run tells.

/// Chance with a seed: splitmix64, and Box and Muller's normal numbers.
pub(crate) struct Dice {
    state: u64,
    spare: Option<f64>,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        // Two seeds a step apart must not give the same numbers a step apart.
        let state = Dice { state: seed.wrapping_mul(0xd6e8_feb8_6659_fd93), spare: None }.bits();
        Dice { state, spare: None }
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// In (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    pub(crate) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        let angle = std::f64::consts::TAU * self.uniform();
        self.spare = Some(radius * angle.sin());
        radius * angle.cos()
    }
}

/// A series of mean 0 and deviation 1 that keeps the share `phi` of itself from step to step.
pub(crate) fn autoregressive(dice: &mut Dice, phi: f64) -> impl Iterator<Item = f64> + '_ {
    let fresh = (1.0 - phi * phi).sqrt();
    let mut value = dice.normal();
    std::iter::repeat_with(move || {
        let now = value;
        value = phi * value + fresh * dice.normal();
        now
    })
}
