//! The maps and sets of the crate's own books, and how their keys are hashed.
//!
//! Keys are hashed by aHash with seeds that are part of the source. The seeds that aHash takes from
//! the machine differ from run to run, and with them the order in which a map is walked. A game
//! that replays or synchronizes its frames needs the same order each time.
//!
//! Maps whose keys are entities alone stay with `EntityHashMap` and its kin. A map whose keys are
//! hashes already, as a `TypeId` is, needs no hasher.

use core::hash::BuildHasher;

use ahash::{AHasher, RandomState};

/// Fixed, so that a run repeats. Keys that an attacker chooses never get into these maps: they are
/// entities, components, types and numbers that this crate counted.
const SEEDS: RandomState = RandomState::with_seeds(
    0x452c_ba5e_7d12_ab61,
    0x9c3f_5d27_e00b_6f13,
    0x1b87_34c9_a6d2_58ef,
    0xe741_08bd_3f95_c22a,
);

/// Begins each hash with the same seeds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FixedSeeds;

impl BuildHasher for FixedSeeds {
    type Hasher = AHasher;

    #[inline]
    fn build_hasher(&self) -> AHasher {
        SEEDS.build_hasher()
    }
}

pub(crate) type HashMap<K, V> = bevy_platform::collections::HashMap<K, V, FixedSeeds>;
pub(crate) type HashSet<T> = bevy_platform::collections::HashSet<T, FixedSeeds>;
pub(crate) type IndexMap<K, V> = indexmap::IndexMap<K, V, FixedSeeds>;
pub(crate) type IndexSet<T> = indexmap::IndexSet<T, FixedSeeds>;
