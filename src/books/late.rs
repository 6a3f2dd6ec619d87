//! The registrations by command that wait for a decision.
//!
//! An entity whose deletion has begun may yet live on. A registration that a command brings for it
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
    /// Which of them wait for the decision about an entity. Those that were cancelled stay in here.
    by_entity: EntityHashMap<Vec<Entry>>,
    /// Those whose decision is taken, by its number and in order. Those that were cancelled stay in
    /// here.
    decided: BTreeMap<u64, Vec<Decided>>,
    next: u64,
    /// The first panic of those that were tried again.
    pub(crate) first_panic: FirstPanic,
}

/// A registration whose decision is taken, by its place in the order.
#[derive(Clone, Copy)]
pub(crate) struct Decided {
    pub(crate) order: u64,
    entry: Entry,
}

struct LateRegistration {
    /// Grows from registration to registration.
    order: u64,
    retry: Retry,
}

/// Queues a command again.
pub(crate) type Retry = Box<dyn FnOnce(&mut World) + Send + Sync>;

impl LateRegistrations {
    /// Returns `true` if nothing is left to be tried again, and no panic of a try is kept.
    pub(crate) fn is_complete(&self) -> bool {
        self.decided.is_empty() && !self.first_panic.is_some()
    }

    /// Returns `true` if the decision about an entity may be waited for.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.by_entity.is_empty()
    }

    /// Has a registration wait for the decision about `undecided`.
    pub(crate) fn add(&mut self, undecided: Entity, entry: Entry, retry: Retry) {
        let order = self.number();
        self.waiting
            .insert(entry, LateRegistration { order, retry });
        self.by_entity.entry(undecided).or_default().push(entry);
    }

    /// Returns what tries a registration again that waits.
    pub(crate) fn retry_mut(&mut self, entry: Entry) -> Option<&mut Retry> {
        let waiting = self.waiting.get_mut(&entry)?;
        Some(&mut waiting.retry)
    }

    /// Takes back a registration that waits, and tells whether there was one.
    pub(crate) fn cancel(&mut self, entry: Entry) -> bool {
        !self.waiting.is_empty() && self.waiting.remove(&entry).is_some()
    }

    /// Takes back all registrations that wait for the decision about their target.
    pub(crate) fn cancel_all(&mut self, target: Entity) {
        let undecided = self.by_entity.get(&target).into_iter().flatten();
        let decided = self.decided.values().flatten();
        for entry in undecided.chain(decided.map(|decided| &decided.entry)) {
            if entry.target == target {
                self.waiting.remove(entry);
            }
        }
    }

    /// Returns those that wait for the decision about an entity, which is taken.
    pub(crate) fn decide(&mut self, entity: Entity) -> impl Iterator<Item = Decided> {
        let entries = self.by_entity.remove(&entity).unwrap_or_default();
        entries.into_iter().filter_map(|entry| {
            let order = self.waiting.get(&entry)?.order;
            Some(Decided { order, entry })
        })
    }

    /// Keeps those whose decision is taken until they are tried again, and returns their number.
    pub(crate) fn add_decided(&mut self, decided: Vec<Decided>) -> u64 {
        let number = self.number();
        self.decided.insert(number, decided);
        number
    }

    /// Returns the lowest number of those whose decision is taken.
    pub(crate) fn first_decided(&self) -> Option<u64> {
        self.decided.keys().next().copied()
    }

    /// Takes those out whose decision is taken, by their number.
    pub(crate) fn take_decided(&mut self, number: u64) -> Vec<Decided> {
        self.decided.remove(&number).unwrap_or_default()
    }

    /// Takes out what tries a registration again whose decision is taken, unless it was cancelled.
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
