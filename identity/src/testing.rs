//! What tests of a persistent world need: a store that fails when it is told to, and a check of
//! the identity map.

use core::{fmt, ops::RangeInclusive};
use std::{
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bevy_ecs::{entity::Entity, world::World};
use qdel::{Liveness, LivenessExt};

use crate::{
    Persistent, StableId,
    error::{Cause, CommitError, StoreError},
    map::IdentityMap,
    queries,
    store::{Batch, Existence, Loaded, Store},
};

/// Compares what is in the world with what the identity map has. `Err` says what is wrong: which is
/// a fault of this crate, or of code that changed a [`StableId`] past its hooks.
///
/// # Errors
///
/// Returns the first difference as text.
pub fn validate_identity(world: &mut World) -> Result<(), String> {
    let carried = queries::unfiltered(world, |world| {
        let mut query = world.query::<(Entity, &StableId)>();
        let carried = query.iter(world).map(|(entity, id)| (*id, entity));
        carried.collect::<Vec<_>>()
    });
    let Some(map) = world.get_resource::<IdentityMap>() else {
        return Ok(());
    };
    map.validate()?;
    for (id, entity) in &carried {
        // What is marked for deletion may be gone already.
        let is_alive = world.liveness(*entity) == Liveness::Alive;
        if is_alive && map.entity(*id) != Some(*entity) {
            return Err(format!(
                "{entity} carries {id}, which the map does not know"
            ));
        }
    }
    for (id, entity) in map.iter() {
        let Ok(entity) = world.get_entity(entity) else {
            return Err(format!("{id} is {entity}, which is not in the world"));
        };
        if entity.get::<StableId>() != Some(&id) || !entity.contains::<Persistent>() {
            return Err(format!("{id} is {}, which does not carry it", entity.id()));
        }
    }
    Ok(())
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The call does nothing, and says so.
    Refuse,
    /// There is no room. The call does nothing, and says so.
    Full,
    /// The call does its work, and the answer is lost. For a commit, its outcome is unknown. Other
    /// calls fail as with [`Refuse`](Self::Refuse).
    LoseAnswer,
    /// The call does nothing, and the answer is lost. For a commit, its outcome is unknown. Other
    /// calls fail as with [`Refuse`](Self::Refuse).
    LoseCall,
}

/// A store that fails in the calls that a test names.
///
/// # Examples
///
/// ```
/// use qdel_identity::{
///     store::{Batch, MemoryStore, Store},
///     testing::{Fault, FaultyStore},
/// };
///
/// let store = FaultyStore::new(MemoryStore::new());
/// store.fail(store.calls(), Fault::Refuse);
///
/// assert!(store.commit(&Batch::new(1)).is_err());
/// assert!(store.commit(&Batch::new(1)).is_ok());
/// ```
pub struct FaultyStore<S> {
    store: S,
    plan: Mutex<Plan>,
}

/// Which calls fail.
#[derive(Debug, Default)]
struct Plan {
    calls: u64,
    faults: Vec<(u64, Fault)>,
    /// From this call on, all fail.
    dead_from: Option<u64>,
}

impl<S: Store> FaultyStore<S> {
    /// Returns `store`, which does not fail yet.
    pub fn new(store: S) -> Self {
        Self {
            store,
            plan: Mutex::default(),
        }
    }

    /// Returns how many calls were made.
    pub fn calls(&self) -> u64 {
        self.plan().calls
    }

    /// Lets the call of that number fail, counted from 0.
    pub fn fail(&self, call: u64, fault: Fault) {
        self.plan().faults.push((call, fault));
    }

    /// Lets all calls fail from that number on, counted from 0.
    pub fn die(&self, call: u64) {
        self.plan().dead_from = Some(call);
    }

    /// Lets no call fail any more.
    pub fn heal(&self) {
        let mut plan = self.plan();
        plan.faults.clear();
        plan.dead_from = None;
    }

    /// Returns the store that does the work.
    pub fn inner(&self) -> &S {
        &self.store
    }

    /// Counts a call, and returns how it fails.
    fn count(&self) -> Option<Fault> {
        let mut plan = self.plan();
        let call = plan.calls;
        plan.calls += 1;
        if plan.dead_from.is_some_and(|first| first <= call) {
            return Some(Fault::Refuse);
        }
        let at = plan.faults.iter().position(|(at, _)| *at == call)?;
        Some(plan.faults.swap_remove(at).1)
    }

    /// Does `call`, which changes nothing that could be lost.
    fn read<T>(&self, call: impl FnOnce(&S) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.count() {
            None => call(&self.store),
            Some(fault) => Err(error(fault)),
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: fmt::Debug> fmt::Debug for FaultyStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

fn cause() -> Cause {
    Cause::from("a test wants it so")
}

fn error(fault: Fault) -> StoreError {
    match fault {
        Fault::Full => StoreError::Full {
            cause: io::Error::from(io::ErrorKind::StorageFull).into(),
        },
        Fault::Refuse | Fault::LoseAnswer | Fault::LoseCall => {
            StoreError::Unavailable { cause: cause() }
        }
    }
}

impl<S: Store> Store for FaultyStore<S> {
    fn load(&self, ids: &[StableId]) -> Result<Loaded, StoreError> {
        self.read(|store| store.load(ids))
    }

    fn existence(&self, ids: &[StableId]) -> Result<Vec<Existence>, StoreError> {
        self.read(|store| store.existence(ids))
    }

    fn commit(&self, batch: &Batch) -> Result<(), CommitError> {
        let number = batch.number;
        let cause = match self.count() {
            None => return self.store.commit(batch),
            Some(fault @ (Fault::Refuse | Fault::Full)) => {
                let cause = error(fault);
                return Err(CommitError::Failed { number, cause });
            }
            Some(Fault::LoseCall) => cause(),
            Some(Fault::LoseAnswer) => {
                self.store.commit(batch)?;
                cause()
            }
        };
        Err(CommitError::Unknown { number, cause })
    }

    fn committed(&self) -> Result<u64, StoreError> {
        self.read(Store::committed)
    }

    fn reserve_ids(&self, count: u32) -> Result<RangeInclusive<StableId>, StoreError> {
        match self.count() {
            Some(fault @ Fault::LoseAnswer) => {
                self.store.reserve_ids(count)?;
                Err(error(fault))
            }
            Some(fault) => Err(error(fault)),
            None => self.store.reserve_ids(count),
        }
    }

    fn floor(&self) -> StableId {
        self.store.floor()
    }

    fn find(&self, index: &str, key: &[u8], limit: usize) -> Result<Vec<StableId>, StoreError> {
        self.read(|store| store.find(index, key, limit))
    }

    fn scan(&self, after: Option<StableId>, limit: usize) -> Result<Vec<StableId>, StoreError> {
        self.read(|store| store.scan(after, limit))
    }
}
