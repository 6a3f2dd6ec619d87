//! The listeners for one signal on one target.
//!
//! Plain data: no function here takes a world.
//!
//! # Invariants
//!
//! 1. A place, once given, keeps its listener until it is emptied or the list is compacted.
//! 2. `live` counts the places that hold a listener, told or not.
//! 3. A list that is being dispatched (`busy`) or was told is never compacted.
//! 4. Places before `told` have received their last signal. They are no registrations any more.
//! 5. A list without listeners that may be compacted has no places, and no handlers.

use core::ops::Range;

use bevy_ecs::entity::Entity;
use smallvec::SmallVec;

use crate::books::ids::{HandlerId, ListId, SignalId};

/// The longest list that keeps its memory until the last listener goes. Shrinking would allocate.
const ROOMY: usize = 512;

/// The registrations for one signal on one target, in order.
///
/// It has the size of a cache line, and needs no other memory for up to two listeners.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) target: Entity,
    /// The list of the same target for another signal.
    pub(crate) next: Option<ListId>,
    pub(crate) signal: SignalId,
    busy: u16,
    live: u32,
    told: u32,
    /// The handler of all listeners, unless each has its own.
    handler: HandlerId,
    /// Whether a listener with several links is or was in it. Such links are removed when the list
    /// is dropped.
    pub(crate) crowded: bool,
    /// Whether the target takes no more registrations, because it is being deleted. It is only set
    /// in the first list of a target.
    pub(crate) closed: bool,
    /// Whether the lists of the target are found by an index. It is only set in the first list of a
    /// target.
    pub(crate) is_indexed: bool,
    #[expect(
        clippy::box_collection,
        reason = "few lists have one, and all have room for the pointer"
    )]
    handlers: Option<Box<Vec<HandlerId>>>,
    listeners: SmallVec<[Option<Entity>; 2]>,
}

// A list more to a line of the cache would be read for each target that is told.
const _: () = assert!(size_of::<List>() <= 64);

impl List {
    pub(crate) fn new(target: Entity, signal: SignalId, next: Option<ListId>) -> Self {
        Self {
            target,
            next,
            signal,
            busy: 0,
            live: 0,
            told: 0,
            handler: HandlerId::default(),
            crowded: false,
            closed: false,
            is_indexed: false,
            handlers: None,
            listeners: SmallVec::new(),
        }
    }

    /// Returns `true` if there is a registration in force.
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

    /// Returns the number of places, with the empty ones.
    pub(crate) fn places(&self) -> u32 {
        self.listeners.len() as u32
    }

    /// Returns the listeners at `places`, with the empty ones.
    pub(crate) fn at(&self, places: Range<u32>) -> &[Option<Entity>] {
        &self.listeners[places.start as usize..places.end as usize]
    }

    /// Returns the listener and handler of `place`, if it is a registration in force.
    pub(crate) fn get(&self, place: u32) -> Option<(Entity, HandlerId)> {
        if place < self.told {
            return None;
        }
        let listener = (*self.listeners.get(place as usize)?)?;
        Some((listener, self.handler_at(place)))
    }

    /// Returns the registrations in force, in order, with their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, Entity, HandlerId)> {
        self.from(self.told)
    }

    /// Returns all listeners with their places and handlers, told or not.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u32, Entity, HandlerId)> {
        self.from(0)
    }

    /// Returns the listeners that were told, with their places and handlers.
    pub(crate) fn told(&self) -> impl Iterator<Item = (u32, Entity, HandlerId)> {
        self.told_from(0)
    }

    /// Returns the listeners from `start` on that were told, with their places and handlers.
    pub(crate) fn told_from(&self, start: u32) -> impl Iterator<Item = (u32, Entity, HandlerId)> {
        let told = self.told;
        self.from(start)
            .take_while(move |(place, ..)| *place < told)
    }

    /// Returns the listener and handler of `place`, if it was told.
    pub(crate) fn told_at(&self, place: u32) -> Option<(Entity, HandlerId)> {
        if place >= self.told {
            return None;
        }
        let listener = (*self.listeners.get(place as usize)?)?;
        Some((listener, self.handler_at(place)))
    }

    /// Empties `place`, which must hold a listener that was told.
    pub(crate) fn withdraw(&mut self, place: u32) {
        debug_assert!(self.told_at(place).is_some(), "it should be told");
        self.listeners[place as usize] = None;
        self.live -= 1;
    }

    /// Returns `true` if the list has no listeners, told or not.
    pub(crate) fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Puts a registration at the end and returns its place.
    pub(crate) fn push(&mut self, listener: Entity, handler: HandlerId) -> u32 {
        let place = self.places();
        if place == 0 {
            self.handler = handler;
        } else if handler != self.handler || self.handlers.is_some() {
            self.own_handlers().push(handler);
        }
        self.listeners.push(Some(listener));
        self.live += 1;
        place
    }

    /// Exchanges the handler of `place`.
    pub(crate) fn replace(&mut self, place: u32, handler: HandlerId) {
        if handler != self.handler_at(place) {
            self.own_handlers()[place as usize] = handler;
        }
    }

    /// Empties `place`, which must be a registration in force.
    #[inline]
    pub(crate) fn remove(&mut self, place: u32) {
        debug_assert!(self.get(place).is_some(), "a removed place should be taken");
        self.listeners[place as usize] = None;
        self.live -= 1;
        if self.live == 0 && self.may_move() {
            self.clear();
        }
    }

    /// Returns `true` if a push would have to grow a list that is half empty.
    pub(crate) fn wants_compaction_to_grow(&self) -> bool {
        let len = self.listeners.len();
        len == self.listeners.capacity() && self.live as usize * 2 <= len && self.may_move()
    }

    /// Returns `true` if the list holds much more memory than its registrations need.
    pub(crate) fn wants_compaction_to_shrink(&self) -> bool {
        let len = self.listeners.len();
        len >= 32 && self.live as usize * 8 <= len && self.may_move()
    }

    /// Moves the registrations to the front, in order. Their places change.
    pub(crate) fn compact(&mut self) {
        debug_assert!(self.may_move(), "a list in use should keep its places");
        let is_roomy = self.listeners.capacity() > ROOMY;
        if let Some(handlers) = &mut self.handlers {
            let mut listeners = self.listeners.iter();
            handlers.retain(|_| listeners.next().is_some_and(Option::is_some));
            if is_roomy {
                handlers.shrink_to_fit();
            }
        }
        self.listeners.retain(|listener| listener.is_some());
        if is_roomy && self.listeners.capacity() > self.listeners.len() * 2 {
            self.listeners.shrink_to_fit();
        }
    }

    /// Returns the places that have not received their last signal.
    pub(crate) fn untold(&self) -> Range<u32> {
        self.told..self.places()
    }

    /// Begins a dispatch.
    pub(crate) fn begin(&mut self) {
        self.busy += 1;
    }

    /// Ends a dispatch.
    pub(crate) fn end(&mut self) {
        self.busy -= 1;
        if self.live == 0 && self.may_move() {
            self.clear();
        }
    }

    /// Returns the first listener at `places`, with its place and handler.
    #[inline]
    pub(crate) fn first_at(&self, places: Range<u32>) -> Option<(u32, Entity, HandlerId)> {
        let mut places = places;
        places.find_map(|place| {
            let listener = self.listeners[place as usize]?;
            Some((place, listener, self.handler_at(place)))
        })
    }

    /// Returns the handler at the first of `places`, and the places up to the last of its run.
    #[inline]
    pub(crate) fn run(&self, places: Range<u32>) -> (HandlerId, Range<u32>) {
        let Some(handlers) = &self.handlers else {
            return (self.handler, places);
        };
        let run = &handlers[places.start as usize..places.end as usize];
        let handler = run[0];
        let len = run.iter().position(|&at| at != handler);
        let end = len.map_or(places.end, |len| places.start + len as u32);
        (handler, places.start..end)
    }

    /// Returns the handler of all listeners, if they share one and there are any.
    #[inline]
    pub(crate) fn shared_handler(&self) -> Option<HandlerId> {
        (self.handlers.is_none() && !self.listeners.is_empty()).then_some(self.handler)
    }

    /// Ends the registrations before `place`: they have received their last signal.
    pub(crate) fn mark_told(&mut self, place: u32) {
        self.told = place;
    }

    /// Brings the registrations that were told back into force.
    pub(crate) fn reopen(&mut self) {
        self.told = 0;
        // All of them may have been withdrawn.
        if self.live == 0 && self.may_move() {
            self.clear();
        }
    }

    /// Returns the bytes on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        let handlers = self.handlers.as_ref().map_or(0, |handlers| {
            size_of::<Vec<HandlerId>>() + handlers.capacity() * size_of::<HandlerId>()
        });
        let listeners = if self.listeners.spilled() {
            self.listeners.capacity() * size_of::<Option<Entity>>()
        } else {
            0
        };
        handlers + listeners
    }

    fn from(&self, start: u32) -> impl Iterator<Item = (u32, Entity, HandlerId)> {
        (start..self.places()).filter_map(|place| {
            let listener = self.listeners[place as usize]?;
            Some((place, listener, self.handler_at(place)))
        })
    }

    fn handler_at(&self, place: u32) -> HandlerId {
        match &self.handlers {
            None => self.handler,
            Some(handlers) => handlers[place as usize],
        }
    }

    /// Returns the handlers of all places. From now on, each place has its own.
    fn own_handlers(&mut self) -> &mut Vec<HandlerId> {
        let (all, places) = (self.handler, self.listeners.len());
        self.handlers
            .get_or_insert_with(|| Box::new(vec![all; places]))
    }

    /// Gives all memory back.
    #[cold]
    fn clear(&mut self) {
        self.handlers = None;
        self.listeners = SmallVec::new();
    }

    fn may_move(&self) -> bool {
        self.busy == 0 && self.told == 0
    }
}
