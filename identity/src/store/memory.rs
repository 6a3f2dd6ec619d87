//! A store that is gone with its process.

use core::{fmt, ops::RangeInclusive};
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    StableId,
    error::{CommitError, StoreError},
    store::{
        Batch, Existence, Loaded, Store,
        tables::{self, ReadTables, WriteTables},
    },
};

/// A store in memory, for tests and for worlds that need no file.
///
/// Clones are the same store. So what one world has committed, another one can load.
///
/// # Examples
///
/// ```
/// use qdel_identity::store::{Batch, MemoryStore, Record, Store};
///
/// let store = MemoryStore::new();
/// let id = *store.reserve_ids(1)?.start();
/// let mut batch = Batch::new(1);
/// batch.puts.push((id, Record::new(id)));
/// store.commit(&batch)?;
///
/// assert_eq!(store.load(&[id])?.units[0].root, id);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    floor: StableId,
    tables: Arc<Mutex<Tables>>,
}

/// What is stored.
#[derive(Debug)]
struct Tables {
    records: BTreeMap<StableId, Vec<u8>>,
    entries: BTreeSet<Vec<u8>>,
    floor: u64,
    /// The first id that was not handed out.
    next: u64,
    committed: u64,
}

impl MemoryStore {
    /// Returns an empty store, in which all ids are handed out by it.
    pub fn new() -> Self {
        Self::with_floor(StableId::MIN)
    }

    /// Returns an empty store in which ids below `floor` are of the user's own choice.
    pub fn with_floor(floor: StableId) -> Self {
        let tables = Tables {
            records: BTreeMap::new(),
            entries: BTreeSet::new(),
            floor: floor.get(),
            next: floor.get(),
            committed: 0,
        };
        Self {
            floor,
            tables: Arc::new(Mutex::new(tables)),
        }
    }

    /// Returns the number of stored objects.
    pub fn len(&self) -> usize {
        self.tables().records.len()
    }

    /// Returns `true` if nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Changes the stored bytes of an object, as a failing disk would. Returns `true` if it is
    /// stored.
    pub fn damage(&self, id: StableId, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut tables = self.tables();
        tables.records.get_mut(&id).map(change).is_some()
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // What is written is encoded before, so that no call leaves the tables half changed.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("objects", &self.len())
            .finish_non_exhaustive()
    }
}

/// Returns the value of what cannot fail.
fn sure<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
    }
}

impl Store for MemoryStore {
    fn load(&self, ids: &[StableId]) -> Result<Loaded, StoreError> {
        Ok(sure(tables::load(&*self.tables(), ids)))
    }

    fn existence(&self, ids: &[StableId]) -> Result<Vec<Existence>, StoreError> {
        let tables = self.tables();
        let existence = |id: &StableId| sure(tables::existence(&*tables, *id));
        Ok(ids.iter().map(existence).collect())
    }

    fn commit(&self, batch: &Batch) -> Result<(), CommitError> {
        let encoded: Vec<_> = batch
            .puts
            .iter()
            .map(|(_, record)| record.encode())
            .collect();
        let mut tables = self.tables();
        let (number, committed) = (batch.number, tables.committed);
        if number <= committed {
            let cause = StoreError::Repeated { number, committed };
            return Err(CommitError::Failed { number, cause });
        }
        sure(tables::write(&mut *tables, batch, &encoded));
        tables.committed = number;
        Ok(())
    }

    fn committed(&self) -> Result<u64, StoreError> {
        Ok(self.tables().committed)
    }

    fn reserve_ids(&self, count: u32) -> Result<RangeInclusive<StableId>, StoreError> {
        let mut tables = self.tables();
        let reserved = super::reserve(tables.next, count)?;
        tables.next = reserved.end().get() + 1;
        Ok(reserved)
    }

    fn floor(&self) -> StableId {
        self.floor
    }

    fn find(&self, index: &str, key: &[u8], limit: usize) -> Result<Vec<StableId>, StoreError> {
        Ok(sure(tables::find(&*self.tables(), index, key, limit)))
    }

    fn scan(&self, after: Option<StableId>, limit: usize) -> Result<Vec<StableId>, StoreError> {
        Ok(sure(self.tables().ids(after, limit)))
    }
}

impl ReadTables for Tables {
    type Error = Infallible;

    fn record(&self, id: StableId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.records.get(&id).cloned())
    }

    fn contains(&self, id: StableId) -> Result<bool, Infallible> {
        Ok(self.records.contains_key(&id))
    }

    fn entries(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, Infallible> {
        let start = after.map_or(Bound::Included(prefix), Bound::Excluded);
        let entries = self.entries.range::<[u8], _>((start, Bound::Unbounded));
        let entries = entries.take_while(|entry| entry.starts_with(prefix));
        Ok(entries.take(limit).cloned().collect())
    }

    fn ids(&self, after: Option<StableId>, limit: usize) -> Result<Vec<StableId>, Infallible> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = self.records.range((start, Bound::Unbounded));
        Ok(ids.take(limit).map(|(id, _)| *id).collect())
    }

    fn handed_out(&self) -> Result<[u64; 2], Infallible> {
        Ok([self.floor, self.next])
    }
}

impl WriteTables for Tables {
    fn put_record(&mut self, id: StableId, record: &[u8]) -> Result<(), Infallible> {
        self.records.insert(id, record.to_vec());
        Ok(())
    }

    fn remove_record(&mut self, id: StableId) -> Result<(), Infallible> {
        self.records.remove(&id);
        Ok(())
    }

    fn put_entry(&mut self, entry: &[u8]) -> Result<(), Infallible> {
        self.entries.insert(entry.to_vec());
        Ok(())
    }

    fn remove_entry(&mut self, entry: &[u8]) -> Result<(), Infallible> {
        self.entries.remove(entry);
        Ok(())
    }
}
