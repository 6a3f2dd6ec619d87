//! What the mobs want and in which order things happen: numbers only, the same for every variant.

use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};

use crate::{measure::Case, scenario::Setting};

/// One repetition's random choices, by index of mob and target.
pub(crate) struct Workload {
    /// How many targets there are.
    pub(crate) targets: usize,
    /// The target that each mob picks first.
    pub(crate) first_choice: Vec<usize>,
    /// The target that each mob picks next; another one, if there is another.
    pub(crate) second_choice: Vec<usize>,
    /// The order in which mobs register.
    pub(crate) registration: Vec<usize>,
    /// The order in which mobs pick their next target.
    pub(crate) retarget: Vec<usize>,
    /// The order in which targets are deleted.
    pub(crate) target_deletion: Vec<usize>,
    /// The order in which mobs are deleted.
    pub(crate) mob_deletion: Vec<usize>,
}

impl Workload {
    /// Draws the choices of as many mobs as `case` says, of which about its fan-out watch each
    /// target.
    ///
    /// Equal cases draw equal choices.
    pub(crate) fn new(case: &Case) -> Self {
        let Setting { mobs, fan_out, .. } = case.setting;
        let mut dice = ChaCha8Rng::seed_from_u64(case.seed);
        let targets = target_count(mobs, fan_out);
        let first_choice: Vec<usize> = (0..mobs).map(|_| dice.random_range(0..targets)).collect();
        let second_choice = first_choice
            .iter()
            .map(|&first| match targets {
                1 => first,
                _ => (first + dice.random_range(1..targets)) % targets,
            })
            .collect();
        let mut shuffled = |count: usize| {
            let mut order: Vec<usize> = (0..count).collect();
            order.shuffle(&mut dice);
            order
        };

        Self {
            targets,
            first_choice,
            second_choice,
            registration: shuffled(mobs),
            retarget: shuffled(mobs),
            target_deletion: shuffled(targets),
            mob_deletion: shuffled(mobs),
        }
    }

    /// Returns how many mobs there are.
    pub(crate) fn mobs(&self) -> usize {
        self.first_choice.len()
    }
}

/// Returns how many targets `mobs` mobs share if `fan_out` of them watch each; at least one.
pub(crate) fn target_count(mobs: usize, fan_out: usize) -> usize {
    (mobs / fan_out).max(1)
}
