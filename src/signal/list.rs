//! Who listens on one target.
//!
//! Plain data: no function here takes a world.
//!
//! # Invariants
//!
//! 1. A place of a list, once given, keeps its listener until it is emptied or the list is compacted.
//! 2. `live` counts the places that hold a listener, told or not.
//! 3. A list that is being dispatched (`busy`) or told (`closed`) is never compacted and never removed.
//! 4. Places before `told` have heard their last signal: they are no registrations any more.

use bevy_ecs::{component::Component, entity::Entity};
use smallvec::SmallVec;

use super::{
    books::{HandlerId, SignalId},
    dispatch,
};

/// The registrations on a target.
///
/// The crate inserts it with the first registration. A kind of entity that is often listened to can carry
/// it from its spawn with `#[require(Signals)]`: the first registration is then as cheap as the next, and
/// hooks and handlers, which hold a `DeferredWorld`, register on it at once.
///
/// Removing or overwriting it ends the registrations on its entity without telling anybody.
/// It is not cloned with its entity.
#[derive(Component, Default, Debug)]
#[component(
    storage = "SparseSet",
    clone_behavior = Ignore,
    on_despawn = dispatch::tell_of_despawn,
    on_discard = dispatch::drop_lists
)]
pub struct Signals {
    lists: SmallVec<[List; 1]>,
    closed: bool,
}

/// The registrations for one signal on one target, in order.
#[derive(Debug)]
pub(crate) struct List {
    signal: SignalId,
    live: u32,
    told: u32,
    busy: u16,
    /// Whether a listener with a map of links is in it, which must be told when the list ends.
    pub(crate) crowded: bool,
    handlers: Handlers,
    listeners: SmallVec<[Option<Entity>; 2]>,
}

/// The handlers of a list: most lists have one for all.
#[derive(Debug)]
enum Handlers {
    All(HandlerId),
    #[expect(
        clippy::box_collection,
        reason = "it keeps the many lists that need no such vector 16 bytes smaller"
    )]
    Each(Box<Vec<HandlerId>>),
}

/// Whether a list is as small as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tidy {
    Done,
    Compact,
}

/// The next places of a list to be told, which share a handler.
pub(crate) struct Run {
    pub(crate) handler: HandlerId,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Signals {
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Takes no further registrations.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    pub(crate) fn lists(&self) -> &[List] {
        &self.lists
    }

    pub(crate) fn list(&self, signal: SignalId) -> Option<&List> {
        self.lists.iter().find(|list| list.signal == signal)
    }

    pub(crate) fn list_mut(&mut self, signal: SignalId) -> Option<&mut List> {
        self.lists.iter_mut().find(|list| list.signal == signal)
    }

    /// Returns the list of `signal`; an absent one is made, with `handler` as that of all its listeners.
    pub(crate) fn list_or_new(&mut self, signal: SignalId, handler: HandlerId) -> &mut List {
        let at = self.lists.iter().position(|list| list.signal == signal);
        let at = at.unwrap_or_else(|| {
            self.lists.push(List::new(signal, handler));
            self.lists.len() - 1
        });
        &mut self.lists[at]
    }

    /// Takes all lists out.
    pub(crate) fn take_lists(&mut self) -> impl Iterator<Item = List> + use<> {
        core::mem::take(&mut self.lists).into_iter()
    }

    /// Takes the list of `signal` out, to be given back with [`give_back`](Self::give_back).
    pub(crate) fn lend(&mut self, signal: SignalId) -> Option<List> {
        let at = self.lists.iter().position(|list| list.signal == signal)?;
        Some(self.lists.swap_remove(at))
    }

    /// Takes back what [`lend`](Self::lend) lent.
    pub(crate) fn give_back(&mut self, list: List) {
        self.lists.push(list);
    }

    /// Gives memory back that the list of `signal` does not need any more.
    ///
    /// Says so if that takes moving registrations.
    pub(crate) fn tidy(&mut self, signal: SignalId) -> Tidy {
        let Some(at) = self.lists.iter().position(|list| list.signal == signal) else {
            return Tidy::Done;
        };
        let list = &self.lists[at];
        if !list.may_move() || self.closed {
            return Tidy::Done;
        }
        if list.live == 0 {
            self.lists.swap_remove(at);
            if self.lists.spilled() && self.lists.len() <= 1 {
                self.lists.shrink_to_fit();
            }
            return Tidy::Done;
        }
        let places = list.listeners.len();
        if places >= 32 && list.live as usize * 4 <= places {
            return Tidy::Compact;
        }
        Tidy::Done
    }

    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let lists = if self.lists.spilled() {
            self.lists.capacity() * size_of::<List>()
        } else {
            0
        };
        lists + self.lists.iter().map(List::heap_bytes).sum::<usize>()
    }
}

impl List {
    fn new(signal: SignalId, handler: HandlerId) -> Self {
        Self {
            signal,
            live: 0,
            told: 0,
            busy: 0,
            crowded: false,
            handlers: Handlers::All(handler),
            listeners: SmallVec::new(),
        }
    }

    pub(crate) fn signal(&self) -> SignalId {
        self.signal
    }

    /// Tells whether there is a registration in force.
    pub(crate) fn is_heard(&self) -> bool {
        if self.told == 0 {
            self.live > 0
        } else {
            self.iter().next().is_some()
        }
    }

    /// Returns how many listeners the list counts, and how many it holds.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let held = self.listeners.iter().flatten().count();
        (self.live as usize, held)
    }

    /// Returns the number of places, taken or not.
    pub(crate) fn places(&self) -> u32 {
        self.listeners.len() as u32
    }

    pub(crate) fn listeners(&self) -> &[Option<Entity>] {
        &self.listeners
    }

    /// Returns the listener and handler of `place`, if it is a registration in force.
    pub(crate) fn get(&self, place: u32) -> Option<(Entity, HandlerId)> {
        if place < self.told {
            return None;
        }
        let listener = (*self.listeners.get(place as usize)?)?;
        Some((listener, self.handler(place)))
    }

    /// Returns the listeners in the list with their handlers, told or not.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Entity, HandlerId)> {
        (0..self.places()).filter_map(|place| {
            let listener = self.listeners[place as usize]?;
            Some((listener, self.handler(place)))
        })
    }

    /// Returns the registrations in force, in order, with their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, Entity, HandlerId)> {
        (self.told..self.places()).filter_map(|place| {
            self.get(place)
                .map(|(entity, handler)| (place, entity, handler))
        })
    }

    /// Puts a registration at the end and returns its place.
    pub(crate) fn push(&mut self, listener: Entity, handler: HandlerId) -> u32 {
        let place = self.places();
        self.set_or_push_handler(place, handler);
        self.listeners.push(Some(listener));
        self.live += 1;
        place
    }

    /// Exchanges the handler of `place`.
    pub(crate) fn replace(&mut self, place: u32, handler: HandlerId) {
        self.set_or_push_handler(place, handler);
    }

    /// Empties `place`, which must be a registration in force.
    pub(crate) fn remove(&mut self, place: u32) {
        debug_assert!(self.get(place).is_some(), "a removed place should be taken");
        self.listeners[place as usize] = None;
        self.live -= 1;
    }

    /// Tells whether a push would have to grow a list that is half empty.
    pub(crate) fn wants_compaction_to_grow(&self) -> bool {
        let len = self.listeners.len();
        self.may_move() && len == self.listeners.capacity() && self.live as usize * 2 <= len
    }

    /// Moves the registrations to the front, in order. Their places change.
    pub(crate) fn compact(&mut self) {
        debug_assert!(self.may_move(), "a list in use should keep its places");
        if let Handlers::Each(handlers) = &mut self.handlers {
            let mut place = 0;
            let listeners = &self.listeners;
            handlers.retain(|_| {
                place += 1;
                listeners[place - 1].is_some()
            });
            handlers.shrink_to_fit();
        }
        self.listeners.retain(|listener| listener.is_some());
        let roomy = self.listeners.capacity() > self.listeners.len() * 2;
        if self.listeners.spilled() && roomy {
            self.listeners.shrink_to_fit();
        }
    }

    /// Begins a dispatch and returns the places that it covers.
    pub(crate) fn begin(&mut self) -> core::ops::Range<u32> {
        self.busy += 1;
        self.told..self.places()
    }

    /// Ends a dispatch.
    pub(crate) fn end(&mut self) {
        self.busy -= 1;
    }

    /// Returns the first run within `places` that has a listener.
    pub(crate) fn next_run(&self, places: core::ops::Range<u32>, limit: u32) -> Option<Run> {
        let start = places
            .clone()
            .find(|&place| self.listeners[place as usize].is_some())?;
        let handler = self.handler(start);
        let longest = places.end.min(start + limit);
        let end = match &self.handlers {
            Handlers::All(_) => longest,
            Handlers::Each(handlers) => (start..longest)
                .find(|&place| handlers[place as usize] != handler)
                .unwrap_or(longest),
        };
        Some(Run {
            handler,
            start,
            end,
        })
    }

    /// Ends the registrations before `place`: they have heard their last signal.
    pub(crate) fn mark_told(&mut self, place: u32) {
        self.told = place;
    }

    fn handler(&self, place: u32) -> HandlerId {
        match &self.handlers {
            Handlers::All(handler) => *handler,
            Handlers::Each(handlers) => handlers[place as usize],
        }
    }

    fn set_or_push_handler(&mut self, place: u32, handler: HandlerId) {
        if let Handlers::All(all) = self.handlers {
            if all == handler {
                return;
            }
            if self.listeners.is_empty() {
                self.handlers = Handlers::All(handler);
                return;
            }
            let each = vec![all; self.listeners.len()];
            self.handlers = Handlers::Each(Box::new(each));
        }
        if let Handlers::Each(handlers) = &mut self.handlers {
            match handlers.get_mut(place as usize) {
                Some(old) => *old = handler,
                None => handlers.push(handler),
            }
        }
    }

    fn may_move(&self) -> bool {
        self.busy == 0 && self.told == 0
    }

    fn heap_bytes(&self) -> usize {
        let handlers = match &self.handlers {
            Handlers::All(_) => 0,
            Handlers::Each(handlers) => {
                size_of::<Vec<HandlerId>>() + handlers.capacity() * size_of::<HandlerId>()
            }
        };
        let listeners = if self.listeners.spilled() {
            self.listeners.capacity() * size_of::<Option<Entity>>()
        } else {
            0
        };
        handlers + listeners
    }
}
