//! Where objects are while they are not in a world.
//!
//! A [`Store`] keeps one [`Record`] an object. [`MemoryStore`] is for tests and for worlds that
//! persist nothing; `RedbStore` keeps a file.
//!
//! # Invariants
//!
//! 1. A commit is there as a whole or not at all, and once it was acknowledged it stays.
//! 2. An id that was reserved is never reserved again, also not after a crash.
//! 3. Indexes and units follow from the records: a commit that puts a record puts its entries, and
//!    one that deletes it takes them away.

mod entries;
mod memory;
mod record;
#[cfg(feature = "redb")]
mod redb;
#[cfg(feature = "redb")]
mod redb_tables;
mod tables;

use core::ops::RangeInclusive;
use std::sync::Arc;

#[cfg(feature = "redb")]
pub use self::redb::{Examination, RedbStore};
pub use self::{
    memory::MemoryStore,
    record::{IndexKey, Record, StoredComponent},
};
use crate::{
    StableId,
    error::{CommitError, Damage, StoreError},
};

/// Keeps objects while they are not in a world.
///
/// Calls come from several threads. A call may block, for a disk or a network, so none is made
/// where a frame waits for it, but for those that say so.
///
/// What is returned is owned, in batches, and what is written is written in one transaction. So a
/// store may live in another process.
pub trait Store: Send + Sync + 'static {
    /// Reads the units of `ids` in one go: each whole, once, however many of its members are asked
    /// for.
    ///
    /// # Errors
    ///
    /// Returns a [`StoreError`] if nothing could be read. A record that is damaged is no error of
    /// the call: it is in its unit as [`Damage`].
    ///
    /// # Complexity
    ///
    /// n log n in the members of the units and what they name, whatever else is stored.
    fn load(&self, ids: &[StableId]) -> Result<Loaded, StoreError>;

    /// Returns which of `ids` are stored, in their order.
    ///
    /// # Errors
    ///
    /// Returns a [`StoreError`] if nothing could be read.
    fn existence(&self, ids: &[StableId]) -> Result<Vec<Existence>, StoreError>;

    /// Writes a batch: all of it, durably, or nothing.
    ///
    /// # Errors
    ///
    /// After [`CommitError::Failed`], the store is as it was. After [`CommitError::Unknown`], ask
    /// [`committed`](Self::committed) first.
    fn commit(&self, batch: &Batch) -> Result<(), CommitError>;

    /// Returns the number of the last commit; 0 if there was none.
    ///
    /// # Errors
    ///
    /// Returns a [`StoreError`] if it could not be read.
    fn committed(&self) -> Result<u64, StoreError>;

    /// Reserves `count` ids that were never handed out. They stay reserved, also after a crash.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::OutOfIds`] if fewer are left. After any error, some ids may be
    /// skipped.
    fn reserve_ids(&self, count: u32) -> Result<RangeInclusive<StableId>, StoreError>;

    /// Returns the id below which objects have ids of the user's own choice.
    fn floor(&self) -> StableId;

    /// Returns the first `limit` objects that are found under `key`, in the order of their ids.
    ///
    /// # Errors
    ///
    /// Returns a [`StoreError`] if nothing could be read.
    fn find(&self, index: &str, key: &[u8], limit: usize) -> Result<Vec<StableId>, StoreError>;

    /// Returns the first `limit` stored objects after `after`, in the order of their ids.
    ///
    /// # Errors
    ///
    /// Returns a [`StoreError`] if nothing could be read.
    fn scan(&self, after: Option<StableId>, limit: usize) -> Result<Vec<StableId>, StoreError>;
}

/// A store that several hold, for example a world and a tool that looks into it.
impl<S: Store + ?Sized> Store for Arc<S> {
    fn load(&self, ids: &[StableId]) -> Result<Loaded, StoreError> {
        S::load(self, ids)
    }

    fn existence(&self, ids: &[StableId]) -> Result<Vec<Existence>, StoreError> {
        S::existence(self, ids)
    }

    fn commit(&self, batch: &Batch) -> Result<(), CommitError> {
        S::commit(self, batch)
    }

    fn committed(&self) -> Result<u64, StoreError> {
        S::committed(self)
    }

    fn reserve_ids(&self, count: u32) -> Result<RangeInclusive<StableId>, StoreError> {
        S::reserve_ids(self, count)
    }

    fn floor(&self) -> StableId {
        S::floor(self)
    }

    fn find(&self, index: &str, key: &[u8], limit: usize) -> Result<Vec<StableId>, StoreError> {
        S::find(self, index, key, limit)
    }

    fn scan(&self, after: Option<StableId>, limit: usize) -> Result<Vec<StableId>, StoreError> {
        S::scan(self, after, limit)
    }
}

/// What is written in one transaction. Deletions come first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// The number of the commit, above that of each before it.
    pub number: u64,
    /// The objects that are deleted. An id of the user's own choice is never used again.
    pub deletes: Vec<StableId>,
    /// The objects that are written, with their records.
    pub puts: Vec<(StableId, Record)>,
}

impl Batch {
    /// Returns an empty batch.
    pub fn new(number: u64) -> Self {
        Self {
            number,
            ..Self::default()
        }
    }

    /// Returns `true` if it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.deletes.is_empty() && self.puts.is_empty()
    }
}

/// What came of reading units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// The units, in the order of their roots.
    pub units: Vec<Unit>,
    /// Those that were asked for and are not stored, in order.
    pub absent: Vec<(StableId, Existence)>,
    /// Those that the units name and that are not stored, in order.
    pub gone: Vec<StableId>,
}

/// An object that nothing owns, and all that it owns.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unit {
    /// The object that nothing owns.
    pub root: StableId,
    /// All of them, in the order of their ids.
    pub members: Vec<(StableId, Result<Record, Damage>)>,
}

/// Whether an object is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Existence {
    /// It is.
    Stored,
    /// It is not, though its id was reserved, or was used: it was deleted, or never committed.
    Gone,
    /// Its id was never handed out here.
    Unknown,
}

/// Returns the `count` ids from `next` on.
fn reserve(next: u64, count: u32) -> Result<RangeInclusive<StableId>, StoreError> {
    let left = (StableId::MAX.get() + 1).saturating_sub(next);
    let last = next + u64::from(count.max(1)) - 1;
    match (StableId::new(next), StableId::new(last)) {
        (Ok(first), Ok(last)) => Ok(first..=last),
        _ => Err(StoreError::OutOfIds {
            wanted: count,
            left,
        }),
    }
}
