//! Which handlers there are, and whom each listener listens to.
//!
//! Plain data: no function here takes a world.

use core::any::{TypeId, type_name};

use bevy_ecs::{
    component::{Component, ComponentId},
    entity::Entity,
    resource::Resource,
    world::{FromWorld, World},
};
use bevy_platform::{collections::HashMap, hash::NoOpHash};
use smallvec::SmallVec;

use crate::deleting::Deleting;

use super::{
    Qdeleting, Registration, Signals,
    handler::{BatchQuery, Call},
    links::{Link, Links},
};

/// A handler that was registered at least once, by its place in the table.
///
/// The top bits say what a dispatch must know before it looks the handler up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HandlerId(u32);

/// A pair of a listening component and a signal, by its place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyId(u32);

/// A type of signal, by its place in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SignalId(u16);

/// The registrations of all listeners, and the handlers they name.
///
/// Its entity is also the target of global signals: it can never be despawned.
#[derive(Resource)]
#[require(Reserved)]
pub(crate) struct Books {
    pub(crate) marks: Marks,
    pub(crate) links: Links,
    handlers: Vec<Handler>,
    handler_ids: TypeMap<HandlerId>,
    keys: Vec<Key>,
    key_ids: TypeMap<KeyId>,
    signals: Vec<&'static str>,
    signal_ids: TypeMap<SignalId>,
    queries: Vec<(ComponentId, Option<BatchQuery>)>,
    watched: Vec<ComponentId>,
}

/// The components that decide whether an entity can be listened to.
#[derive(Clone, Copy)]
pub(crate) struct Marks {
    pub(crate) deleting: ComponentId,
    pub(crate) reserved: ComponentId,
    pub(crate) signals: ComponentId,
}

/// Marks the resources of this crate, which cannot be listened to.
#[derive(Component, Default)]
pub(crate) struct Reserved;

type TypeMap<V> = HashMap<TypeId, V, NoOpHash>;

struct Handler {
    call: Call,
    key: KeyId,
    /// The place of its component's batch query; none for handlers that are called one by one.
    query: Option<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Key {
    component: ComponentId,
    component_name: &'static str,
    signal: SignalId,
}

/// What a registration needs to know of its handler.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) handler: HandlerId,
    pub(crate) key: KeyId,
    pub(crate) component: ComponentId,
    pub(crate) signal: SignalId,
}

impl HandlerId {
    const ONCE: u32 = 1 << 31;
    const FIELDS: u32 = 1 << 30;
    const INDEX: u32 = Self::FIELDS - 1;

    /// Returns the handler whose registration ends before its call.
    pub(crate) fn once(self) -> Self {
        Self(self.0 | Self::ONCE)
    }

    pub(crate) fn is_once(self) -> bool {
        self.0 & Self::ONCE != 0
    }

    /// Tells whether the handler is called for a batch of listeners.
    pub(crate) fn is_batched(self) -> bool {
        self.0 & Self::FIELDS != 0 && !self.is_once()
    }

    fn index(self) -> usize {
        (self.0 & Self::INDEX) as usize
    }
}

impl KeyId {
    /// No key.
    pub(crate) const NONE: Self = Self(u32::MAX);
}

impl SignalId {
    /// [`Qdeleting`], which is known without a look-up.
    pub(crate) const QDELETING: Self = Self(0);
}

impl FromWorld for Books {
    fn from_world(world: &mut World) -> Self {
        let mut books = Self {
            marks: Marks {
                deleting: world.register_component::<Deleting>(),
                reserved: world.register_component::<Reserved>(),
                signals: world.register_component::<Signals>(),
            },
            links: Links::default(),
            handlers: Vec::new(),
            handler_ids: TypeMap::default(),
            keys: Vec::new(),
            key_ids: TypeMap::default(),
            signals: Vec::new(),
            signal_ids: TypeMap::default(),
            queries: Vec::new(),
            watched: Vec::new(),
        };
        books.add_signal::<Qdeleting>();
        books
    }
}

impl Books {
    /// Returns the number of a type of signal, if anybody ever registered for it.
    pub(crate) fn signal_id<S: 'static>(&self) -> Option<SignalId> {
        self.signal_ids.get(&TypeId::of::<S>()).copied()
    }

    /// Returns what is known of the handler `H`, if it was added.
    pub(crate) fn entry<H: 'static>(&self) -> Option<Entry> {
        let handler = *self.handler_ids.get(&TypeId::of::<H>())?;
        Some(self.entry_of(handler))
    }

    /// Returns what is known of a handler.
    pub(crate) fn entry_of(&self, handler: HandlerId) -> Entry {
        let key_id = self.key_of(handler);
        let key = self.keys[key_id.0 as usize];
        Entry {
            handler,
            key: key_id,
            component: key.component,
            signal: key.signal,
        }
    }

    /// Returns what a handler listens with and for.
    pub(crate) fn key_of(&self, handler: HandlerId) -> KeyId {
        self.handlers[handler.index()].key
    }

    /// Returns the signal that is listened for.
    pub(crate) fn signal_of(&self, key: KeyId) -> SignalId {
        self.keys[key.0 as usize].signal
    }

    /// Returns the pair of a component and a signal, if it ever registered.
    pub(crate) fn key<C: 'static, S: 'static>(&self) -> Option<KeyId> {
        self.key_ids.get(&TypeId::of::<(C, S)>()).copied()
    }

    /// Returns how to call a handler.
    pub(crate) fn call(&self, handler: HandlerId) -> Call {
        self.handlers[handler.index()].call
    }

    /// Lends the batch query of a handler's component; it is given back with
    /// [`return_query`](Self::return_query).
    pub(crate) fn take_query(&mut self, handler: HandlerId) -> Option<BatchQuery> {
        let query = self.handlers[handler.index()].query?;
        self.queries[query as usize].1.take()
    }

    /// Takes back what [`take_query`](Self::take_query) lent.
    pub(crate) fn return_query(&mut self, handler: HandlerId, query: Option<BatchQuery>) {
        if let Some(at) = self.handlers[handler.index()].query {
            self.queries[at as usize].1 = query;
        }
    }

    /// Tells whether the batch query of `component` is missing.
    pub(crate) fn lacks_query(&self, component: ComponentId) -> bool {
        self.queries.iter().all(|(id, _)| *id != component)
    }

    /// Adds the batch query of `component`.
    pub(crate) fn add_query(&mut self, component: ComponentId, query: BatchQuery) {
        self.queries.push((component, Some(query)));
    }

    /// Adds the handler `H`, called by `call`, of the component `C` for the signal `S`.
    pub(crate) fn add_handler<H: 'static, C: 'static, S: 'static>(
        &mut self,
        component: ComponentId,
        call: Call,
    ) {
        let signal = self.add_signal::<S>();
        let key = self.key::<C, S>().unwrap_or_else(|| {
            self.keys.push(Key {
                component,
                component_name: type_name::<C>(),
                signal,
            });
            let key = KeyId(self.keys.len() as u32 - 1);
            self.key_ids.insert(TypeId::of::<(C, S)>(), key);
            key
        });
        let query = match call {
            Call::Fields(_) => self.queries.iter().position(|(id, _)| *id == component),
            Call::World(_) | Call::Look(_) => None,
        };
        let kind = match call {
            Call::Fields(_) => HandlerId::FIELDS,
            Call::World(_) | Call::Look(_) => 0,
        };
        let id = HandlerId(self.handlers.len() as u32 | kind);
        self.handlers.push(Handler {
            call,
            key,
            query: query.map(|at| at as u32),
        });
        self.handler_ids.insert(TypeId::of::<H>(), id);
    }

    /// Tells whether discards of `component` are already watched, and counts them as watched from now on.
    pub(crate) fn watch(&mut self, component: ComponentId) -> bool {
        let known = self.watched.contains(&component);
        if !known {
            self.watched.push(component);
        }
        known
    }

    /// Takes the links of `component` on `listener` out, with the signals they are for.
    pub(crate) fn take_links_of(
        &mut self,
        listener: Entity,
        component: ComponentId,
    ) -> impl Iterator<Item = (Link, SignalId)> + use<> {
        let keys = &self.keys;
        let belongs = |key: KeyId| keys[key.0 as usize].component == component;
        let taken = self.links.take_where(listener, belongs);
        let with_signal = |link: Link| (link, keys[link.key.0 as usize].signal);
        let taken: SmallVec<[_; 2]> = taken.into_iter().map(with_signal).collect();
        taken.into_iter()
    }

    /// Describes a registration in words.
    pub(crate) fn describe(&self, listener: Entity, target: Entity, key: KeyId) -> Registration {
        let key = self.keys[key.0 as usize];
        Registration {
            listener,
            component: key.component_name,
            target,
            signal: self.signals[key.signal.0 as usize],
        }
    }

    fn add_signal<S: 'static>(&mut self) -> SignalId {
        let next = SignalId(
            u16::try_from(self.signals.len())
                .expect("there should be fewer than 65,536 signal types"),
        );
        let signals = &mut self.signals;
        *self.signal_ids.entry(TypeId::of::<S>()).or_insert_with(|| {
            signals.push(type_name::<S>());
            next
        })
    }
}
