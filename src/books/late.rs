//! Registrations by command that wait for a decision.
//!
//! An entity whose deletion has begun may still survive. A registration that a command makes for it
//! waits here until that is decided.
//!
//! Plain data: no function here takes a world. What tries a registration again is kept here.

use std::collections::BTreeMap;

use bevy_ecs::{
    entity::{Entity, EntityHashMap},
    world::World,
};

use crate::{books::ids::Entry, hash::HashMap, panics::FirstPanic};

/// The registrations that wait, each key once.
#[derive(Default)]
pub(crate) struct LateRegistrations {
    waiting: HashMap<Entry, LateRegistration>,
    /// The registrations that wait for the decision about an entity. Cancelled ones stay in here.
    by_entity: EntityHashMap<Vec<Entry>>,
    /// The registrations whose decision is taken, by its number and in order. Cancelled ones stay
    /// in here.
    decided: BTreeMap<u64, Vec<Decided>>,
    next: u64,
    /// The first panic of a retry.
    pub(crate) first_panic: FirstPanic,
}

/// A registration whose decision is taken, and its place in the order.
#[derive(Clone, Copy)]
pub(crate) struct Decided {
    pub(crate) order: u64,
    entry: Entry,
}

struct LateRegistration {
    /// Grows with each registration.
    order: u64,
    retry: Retry,
}

/// Queues the command again.
pub(crate) type Retry = Box<dyn FnOnce(&mut World) + Send + Sync>;

impl LateRegistrations {
    /// Returns `true` if nothing is left to be retried, and no panic of a retry is kept.
    pub(crate) fn is_complete(&self) -> bool {
        self.decided.is_empty() && !self.first_panic.is_some()
    }

    /// Returns `true` if any registration may wait for the decision about an entity.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.by_entity.is_empty()
    }

    /// Makes a registration wait for the decision about `undecided`.
    pub(crate) fn add(&mut self, undecided: Entity, entry: Entry, retry: Retry) {
        let order = self.number();
        self.waiting
            .insert(entry, LateRegistration { order, retry });
        self.by_entity.entry(undecided).or_default().push(entry);
    }

    /// Returns what retries a registration that waits.
    pub(crate) fn retry_mut(&mut self, entry: Entry) -> Option<&mut Retry> {
        let waiting = self.waiting.get_mut(&entry)?;
        Some(&mut waiting.retry)
    }

    /// Cancels a registration that waits, and returns `true` if there was one.
    pub(crate) fn cancel(&mut self, entry: Entry) -> bool {
        !self.waiting.is_empty() && self.waiting.remove(&entry).is_some()
    }

    /// Cancels all registrations on `target` that wait.
    pub(crate) fn cancel_all(&mut self, target: Entity) {
        let undecided = self.by_entity.get(&target).into_iter().flatten();
        let decided = self.decided.values().flatten();
        for entry in undecided.chain(decided.map(|decided| &decided.entry)) {
            if entry.target == target {
                self.waiting.remove(entry);
            }
        }
    }

    /// Removes and returns the registrations that waited for the decision about an entity.
    pub(crate) fn decide(&mut self, entity: Entity) -> impl Iterator<Item = Decided> {
        let entries = self.by_entity.remove(&entity).unwrap_or_default();
        entries.into_iter().filter_map(|entry| {
            let order = self.waiting.get(&entry)?.order;
            Some(Decided { order, entry })
        })
    }

    /// Keeps registrations whose decision is taken until they are retried, and returns their
    /// number.
    pub(crate) fn add_decided(&mut self, decided: Vec<Decided>) -> u64 {
        let number = self.number();
        self.decided.insert(number, decided);
        number
    }

    /// Returns the lowest number of registrations whose decision is taken.
    pub(crate) fn first_decided(&self) -> Option<u64> {
        self.decided.keys().next().copied()
    }

    /// Removes and returns the registrations of a number.
    pub(crate) fn take_decided(&mut self, number: u64) -> Vec<Decided> {
        self.decided.remove(&number).unwrap_or_default()
    }

    /// Removes and returns what retries a registration, unless it was cancelled.
    pub(crate) fn take(&mut self, decided: Decided) -> Option<Retry> {
        let Decided { order, entry } = decided;
        let is_it = self.waiting.get(&entry)?.order == order;
        let waiting = is_it.then(|| self.waiting.remove(&entry))??;
        Some(waiting.retry)
    }

    fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }
}
