//! The handlers that were ever registered, and their signals and components.
//!
//! Plain data: no function here takes a world, though what prepares one for a handler is kept here.

use core::any::{TypeId, type_name};

use bevy_ecs::{archetype::ArchetypeId, component::ComponentId, entity::Entity, world::World};
use bevy_platform::{collections::HashMap, hash::NoOpHash};
use fixedbitset::FixedBitSet;

use crate::{
    books::{
        call::Call,
        ids::{Entry, HandlerId, KeyId, Referenced, SignalId, Sort},
    },
    registration::Registration,
};

/// A handler with its key and its signal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownHandler {
    pub(crate) handler: HandlerId,
    pub(crate) key: KeyId,
    pub(crate) signal: SignalId,
}

/// All handlers that were ever registered, by number.
pub(crate) struct Table {
    handlers: Vec<Handler>,
    known: TypeMap<KnownHandler>,
    keys: Vec<Key>,
    key_ids: TypeMap<KeyId>,
    signals: Vec<&'static str>,
    signal_ids: TypeMap<SignalId>,
    /// The last look-up: the next is often the same.
    last_known: Option<(TypeId, KnownHandler)>,
    last_key: Option<(TypeId, KeyId)>,
    /// How entities take registrations, by archetype, as far as known.
    targets: Vec<Option<TargetState>>,
    /// The components whose removals are watched.
    watched: TypeMap<ComponentId>,
    last_watched: Option<(TypeId, ComponentId)>,
}

/// How an entity takes a registration.
///
/// The entity is not being deleted. It is no resource of this crate, unless it is the target of
/// global signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetState {
    AsItIs,
    /// It is not marked as a target yet.
    OnceMarked,
}

type TypeMap<V> = HashMap<TypeId, V, NoOpHash>;

struct Handler {
    /// The archetypes whose entities are known to have the component and not to be deleting.
    fitting: FixedBitSet,
    call: Call,
    key: KeyId,
    component: ComponentId,
    /// The path of the function.
    name: &'static str,
    prepare: Prepare,
    /// Whether the world is prepared for it.
    is_ready: bool,
}

/// Watches the component of a handler.
pub(crate) type Prepare = fn(&mut World);

#[derive(Debug, Clone, Copy)]
struct Key {
    component: ComponentId,
    component_name: &'static str,
    signal: SignalId,
}

impl KnownHandler {
    /// Returns what identifies its registration of `listener` on `target`.
    pub(crate) fn entry(self, listener: Entity, target: Entity) -> Entry {
        Entry {
            listener,
            target,
            key: self.key,
        }
    }
}

impl Table {
    /// Returns a table without handlers, in which `Notice` is the signal
    /// [`QDELETING`](SignalId::QDELETING).
    pub(crate) fn new<Notice: 'static>() -> Self {
        let mut table = Self {
            handlers: Vec::new(),
            known: TypeMap::default(),
            keys: Vec::new(),
            key_ids: TypeMap::default(),
            signals: Vec::new(),
            signal_ids: TypeMap::default(),
            last_known: None,
            last_key: None,
            targets: Vec::new(),
            watched: TypeMap::default(),
            last_watched: None,
        };
        table.add_signal::<Notice>();
        table.add_signal::<Referenced>();
        table
    }

    /// Returns the number of a type of signal, if it was ever registered for.
    pub(crate) fn signal_id(&self, signal: TypeId) -> Option<SignalId> {
        self.signal_ids.get(&signal).copied()
    }

    /// Returns the handler `H`, if it was added.
    pub(crate) fn handler<H: 'static>(&mut self) -> Option<KnownHandler> {
        look_up(&self.known, &mut self.last_known, TypeId::of::<H>())
    }

    /// Returns the key of a handler.
    #[inline]
    pub(crate) fn key_of(&self, handler: HandlerId) -> KeyId {
        self.handlers[handler.index()].key
    }

    /// Returns the component of a key.
    pub(crate) fn component_of(&self, key: KeyId) -> ComponentId {
        self.keys[key.index()].component
    }

    /// Returns the signal of a key.
    pub(crate) fn signal_of(&self, key: KeyId) -> SignalId {
        self.keys[key.index()].signal
    }

    /// Returns the key of a component and a signal, if there is one.
    pub(crate) fn key<C: 'static, S: 'static>(&mut self) -> Option<KeyId> {
        look_up(&self.key_ids, &mut self.last_key, TypeId::of::<(C, S)>())
    }

    /// Returns `true` if entities of an archetype are known to be able to listen with a handler.
    pub(crate) fn fits(&self, handler: HandlerId, archetype: ArchetypeId) -> bool {
        let fitting = &self.handlers[handler.index()].fitting;
        fitting.contains(archetype.index())
    }

    /// Notes that entities of an archetype can listen with a handler. Archetypes do not change.
    pub(crate) fn add_fitting(&mut self, handler: HandlerId, archetype: ArchetypeId) {
        let fitting = &mut self.handlers[handler.index()].fitting;
        fitting.grow_and_insert(archetype.index());
    }

    /// Returns how entities of an archetype take registrations, if known.
    pub(crate) fn takes(&self, archetype: ArchetypeId) -> Option<TargetState> {
        *self.targets.get(archetype.index())?
    }

    /// Notes how entities of an archetype take registrations. Archetypes do not change.
    pub(crate) fn add_target(&mut self, archetype: ArchetypeId, takes: TargetState) {
        let index = archetype.index();
        if index >= self.targets.len() {
            self.targets.resize(index + 1, None);
        }
        self.targets[index] = Some(takes);
    }

    /// Returns the path of a handler's function.
    pub(crate) fn name_of(&self, handler: HandlerId) -> &'static str {
        self.handlers[handler.index()].name
    }

    /// Returns how to call a handler.
    #[inline]
    pub(crate) fn call(&self, handler: HandlerId) -> Call {
        self.handlers[handler.index()].call
    }

    /// Returns how to call a handler, and its component.
    #[inline]
    pub(crate) fn call_for(&self, handler: HandlerId) -> (Call, ComponentId) {
        let handler = &self.handlers[handler.index()];
        (handler.call, handler.component)
    }

    /// Returns the function that prepares the world for a handler, unless the world is prepared.
    pub(crate) fn lacks(&self, handler: HandlerId) -> Option<Prepare> {
        let handler = &self.handlers[handler.index()];
        (!handler.is_ready).then_some(handler.prepare)
    }

    /// Notes that the world is prepared for a handler.
    pub(crate) fn set_ready(&mut self, handler: HandlerId) {
        self.handlers[handler.index()].is_ready = true;
    }

    /// Adds the handler `H` of the component `C` for the signal `S`. It is called by `call` and
    /// known by `name`, and is ready once the world is prepared for it.
    pub(crate) fn add_handler<H: 'static, C: 'static, S: 'static>(
        &mut self,
        component: ComponentId,
        call: Call,
        name: &'static str,
        prepare: Prepare,
    ) -> KnownHandler {
        let signal = self.add_signal::<S>();
        let key = self.key::<C, S>().unwrap_or_else(|| {
            self.keys.push(Key {
                component,
                component_name: type_name::<C>(),
                signal,
            });
            let sort = match signal {
                SignalId::REFERENCED => Sort::References,
                _ => Sort::Registrations,
            };
            let key = KeyId::new(self.keys.len() - 1, sort);
            self.key_ids.insert(TypeId::of::<(C, S)>(), key);
            key
        });
        let handler = HandlerId::new(self.handlers.len());
        self.handlers.push(Handler {
            fitting: FixedBitSet::new(),
            call,
            key,
            component,
            name,
            prepare,
            is_ready: false,
        });
        let known = KnownHandler {
            handler,
            key,
            signal,
        };
        self.known.insert(TypeId::of::<H>(), known);
        known
    }

    /// Marks the removals of `C` as watched, and returns `true` if they were not.
    pub(crate) fn watch<C: 'static>(&mut self, component: ComponentId) -> bool {
        self.watched.insert(TypeId::of::<C>(), component).is_none()
    }

    /// Returns the component `C`, if its removals are watched.
    pub(crate) fn watched<C: 'static>(&mut self) -> Option<ComponentId> {
        look_up(&self.watched, &mut self.last_watched, TypeId::of::<C>())
    }

    /// Describes a registration by names.
    pub(crate) fn describe(&self, listener: Entity, target: Entity, key: KeyId) -> Registration {
        let key = self.keys[key.index()];
        Registration {
            listener,
            component: key.component_name,
            target,
            signal: self.signals[key.signal.index()],
        }
    }

    fn add_signal<S: 'static>(&mut self) -> SignalId {
        let next = SignalId::new(self.signals.len());
        let signals = &mut self.signals;
        *self.signal_ids.entry(TypeId::of::<S>()).or_insert_with(|| {
            signals.push(type_name::<S>());
            next
        })
    }
}

/// Looks up `id`, first in the last look-up.
fn look_up<V: Copy>(map: &TypeMap<V>, last: &mut Option<(TypeId, V)>, id: TypeId) -> Option<V> {
    if let Some((last_id, value)) = *last
        && last_id == id
    {
        return Some(value);
    }
    let value = *map.get(&id)?;
    *last = Some((id, value));
    Some(value)
}
