//! The maps and sets of the crate's own books, and the hash of a record.
//!
//! Keys are hashed by aHash with seeds that are part of the source, so that a run repeats.

use core::hash::{BuildHasher, Hash};

use ahash::{AHasher, RandomState};

/// Fixed, so that a run repeats. The ids that are keys here are handed out by the store.
const SEEDS: RandomState = RandomState::with_seeds(
    0x1d3f_6c24_88b1_e7a5,
    0x7be0_91c3_52da_460f,
    0xc58a_2f17_3e94_bd61,
    0x03b6_e84d_f719_5a2c,
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

pub(crate) type HashMap<K, V> = std::collections::HashMap<K, V, FixedSeeds>;
pub(crate) type HashSet<T> = std::collections::HashSet<T, FixedSeeds>;

/// Returns a hash of `value` that is the same all through this process.
pub(crate) fn hash_of(value: &impl Hash) -> u64 {
    SEEDS.hash_one(value)
}
