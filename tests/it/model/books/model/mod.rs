//! All rules at once: a naive model.

/// Calls `$call::<C, S>` for the types that a key names.
macro_rules! typed {
    ($key:expr, $call:ident($($argument:expr),*)) => {
        match ($key.kind, $key.topic) {
            (Kind::Table, Topic::Gone) => $call::<Table, Qdeleting>($($argument),*),
            (Kind::Table, Topic::Ping) => $call::<Table, ModelPing>($($argument),*),
            (Kind::Table, Topic::Pong) => $call::<Table, ModelPong>($($argument),*),
            (Kind::Sparse, Topic::Gone) => $call::<Sparse, Qdeleting>($($argument),*),
            (Kind::Sparse, Topic::Ping) => $call::<Sparse, ModelPing>($($argument),*),
            (Kind::Sparse, Topic::Pong) => $call::<Sparse, ModelPong>($($argument),*),
        }
    };
}

mod comparison;
mod naive;

use super::*;
use naive::{Id, Model, Todo};
use qdel::QdelCause;

/// A type of component that listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// In a table, watched by an observer.
    Table,
    /// In a sparse set, watched by a hook.
    Sparse,
}

#[derive(Component, Clone)]
struct Table;

#[derive(Component, Clone)]
#[component(storage = "SparseSet")]
struct Sparse;

/// Marks targets of a known kind.
#[derive(Component, Clone)]
struct Known;

/// A component of the model.
trait Modelled: Component<Mutability = Mutable> + Clone {
    const KIND: Kind;
    const VALUE: Self;
}

impl Modelled for Table {
    const KIND: Kind = Kind::Table;
    const VALUE: Self = Self;
}

impl Modelled for Sparse {
    const KIND: Kind = Kind::Sparse;
    const VALUE: Self = Self;
}

/// A type of signal, in the order in which they are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Topic {
    Gone,
    Ping,
    Pong,
}

#[derive(Clone)]
struct ModelPing;

#[derive(Clone)]
struct ModelPong;

impl Signal for ModelPing {
    type Answer = ();
}

impl Signal for ModelPong {
    type Answer = ();
}

trait ModelSignal: Signal<Answer = ()> {
    const TOPIC: Topic;
    fn cause(&self) -> Option<QdelCause>;
}

impl ModelSignal for Qdeleting {
    const TOPIC: Topic = Topic::Gone;
    fn cause(&self) -> Option<QdelCause> {
        Some(self.cause)
    }
}

impl ModelSignal for ModelPing {
    const TOPIC: Topic = Topic::Ping;
    fn cause(&self) -> Option<QdelCause> {
        None
    }
}

impl ModelSignal for ModelPong {
    const TOPIC: Topic = Topic::Pong;
    fn cause(&self) -> Option<QdelCause> {
        None
    }
}

/// Which handler is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Fields,
    OtherFields,
    World,
    /// Does the next act of the script.
    Actor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Add,
    Once,
    Replace,
    Ensure,
}

/// What can be done with entities that are named by `Id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act<Id> {
    Register(Key<Id>, Tag, Manner),
    Unregister(Key<Id>),
    /// To another target.
    Retarget(Key<Id>, Id),
    Send(Id, Topic),
    Qdel(Id),
    Despawn(Id),
    Remove(Id, Kind),
    Overwrite(Id, Kind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key<Id> {
    listener: Id,
    kind: Kind,
    target: Id,
    topic: Topic,
}

impl<Id: Copy> Act<Id> {
    fn map<To>(self, mut to: impl FnMut(Id) -> To) -> Act<To> {
        let mut key = |key: Key<Id>| Key {
            listener: to(key.listener),
            kind: key.kind,
            target: to(key.target),
            topic: key.topic,
        };
        match self {
            Self::Register(it, tag, manner) => Act::Register(key(it), tag, manner),
            Self::Unregister(it) => Act::Unregister(key(it)),
            Self::Retarget(it, target) => {
                let it = key(it);
                Act::Retarget(it, to(target))
            }
            Self::Send(target, topic) => Act::Send(to(target), topic),
            Self::Qdel(entity) => Act::Qdel(to(entity)),
            Self::Despawn(entity) => Act::Despawn(to(entity)),
            Self::Remove(entity, kind) => Act::Remove(to(entity), kind),
            Self::Overwrite(entity, kind) => Act::Overwrite(to(entity), kind),
        }
    }
}

/// What is written down, by handlers and by those who act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Called(Key<Entity>, Tag, Option<QdelCause>),
    Registered(Result<Registered, ()>),
    Unregistered(bool),
    Qdel(Option<QdelOutcome>),
}

thread_local! {
    static JOURNAL: RefCell<Vec<Event>> = const { RefCell::new(Vec::new()) };
    static SCRIPT: RefCell<VecDeque<Act<Entity>>> = const { RefCell::new(VecDeque::new()) };
}

fn note(event: Event) {
    JOURNAL.with_borrow_mut(|journal| journal.push(event));
}

// Handlers of the model.

fn note_call<C: Modelled, S: ModelSignal, T>(received: Received<S, T>, tag: Tag) {
    let key = Key {
        listener: received.listener(),
        kind: C::KIND,
        target: received.target(),
        topic: S::TOPIC,
    };
    note(Event::Called(key, tag, received.signal().cause()));
}

fn fields<C: Modelled, S: ModelSignal>(_: &mut C, received: Received<S>) {
    note_call::<C, S, ()>(received, Tag::Fields);
}

fn other_fields<C: Modelled, S: ModelSignal>(_: &mut C, received: Received<S>) {
    note_call::<C, S, ()>(received, Tag::OtherFields);
}

fn whole<C: Modelled, S: ModelSignal>(_: DeferredWorld, received: Received<S, C>) {
    note_call::<C, S, C>(received, Tag::World);
}

fn actor<C: Modelled, S: ModelSignal>(mut world: DeferredWorld, received: Received<S, C>) {
    assert_eq!(world.check_registrations(), Ok(()));
    note_call::<C, S, C>(received, Tag::Actor);
    let Some(act) = SCRIPT.with_borrow_mut(VecDeque::pop_front) else {
        return;
    };
    match act {
        Act::Register(key, tag, manner) => {
            if world.liveness(key.listener) == Liveness::Deleting {
                return;
            }
            let registered = register_key(&mut world, key, tag, manner);
            note(Event::Registered(registered));
        }
        Act::Unregister(key) => {
            unregister_and_note(&mut world, key);
        }
        Act::Retarget(key, to) => {
            if world.liveness(key.listener) == Liveness::Deleting {
                return;
            }
            let registered = retarget_key(&mut world, key, to);
            note(Event::Registered(registered));
        }
        Act::Send(target, topic) => send(&mut world, target, topic),
        Act::Qdel(entity) => world.qdel(entity),
        Act::Despawn(entity) => world.commands().entity(entity).despawn(),
        Act::Remove(entity, Kind::Table) => {
            world.commands().entity(entity).remove::<Table>();
        }
        Act::Remove(entity, Kind::Sparse) => {
            world.commands().entity(entity).remove::<Sparse>();
        }
        Act::Overwrite(entity, Kind::Table) => {
            world.commands().entity(entity).insert(Table);
        }
        Act::Overwrite(entity, Kind::Sparse) => {
            world.commands().entity(entity).insert(Sparse);
        }
    }
    assert_eq!(world.check_registrations(), Ok(()));
}

fn register_key(
    world: &mut impl WorldSignalExt,
    key: Key<Entity>,
    tag: Tag,
    manner: Manner,
) -> Result<Registered, ()> {
    fn typed<C: Modelled, S: ModelSignal>(
        world: &mut impl WorldSignalExt,
        key: Key<Entity>,
        tag: Tag,
        manner: Manner,
    ) -> Result<Registered, ()> {
        match tag {
            Tag::Fields => handled(world, key, fields::<C, S>, manner),
            Tag::OtherFields => handled(world, key, other_fields::<C, S>, manner),
            Tag::World => handled(world, key, whole::<C, S>, manner),
            Tag::Actor => handled(world, key, actor::<C, S>, manner),
        }
    }
    fn handled<Shape: 'static>(
        world: &mut impl WorldSignalExt,
        Key {
            listener, target, ..
        }: Key<Entity>,
        handler: impl qdel::SignalHandler<Shape, Signal: Signal>,
        manner: Manner,
    ) -> Result<Registered, ()> {
        let registered = match manner {
            Manner::Add => world.register_signal(listener, target, handler),
            Manner::Once => world.register_signal_once(listener, target, handler),
            Manner::Ensure => world.ensure_signal(listener, target, handler),
            Manner::Replace => {
                return world
                    .replace_signal(listener, target, handler)
                    .map_err(|_| ());
            }
        };
        registered.map_err(|_| ())
    }
    typed!(key, typed(world, key, tag, manner))
}

/// Registers as a system does. What it has queued is left in `state`.
fn register_by_system(
    world: &mut World,
    state: &mut SystemState<SignalRegistrar<'static, 'static>>,
    key: Key<Entity>,
    tag: Tag,
    manner: Manner,
) -> Result<Registered, ()> {
    fn typed<C: Modelled, S: ModelSignal>(
        registrar: SignalRegistrar,
        key: Key<Entity>,
        tag: Tag,
        manner: Manner,
    ) -> Result<Registered, ()> {
        match tag {
            Tag::Fields => handled(registrar, key, fields::<C, S>, manner),
            Tag::OtherFields => handled(registrar, key, other_fields::<C, S>, manner),
            Tag::World => handled(registrar, key, whole::<C, S>, manner),
            Tag::Actor => handled(registrar, key, actor::<C, S>, manner),
        }
    }
    fn handled<Shape: 'static>(
        mut registrar: SignalRegistrar,
        Key {
            listener, target, ..
        }: Key<Entity>,
        handler: impl qdel::SignalHandler<Shape, Signal: Signal>,
        manner: Manner,
    ) -> Result<Registered, ()> {
        let registered = match manner {
            Manner::Add => registrar.register(listener, target, handler),
            Manner::Once => registrar.register_once(listener, target, handler),
            Manner::Ensure => registrar.ensure(listener, target, handler),
            Manner::Replace => registrar.replace(listener, target, handler),
        };
        registered.map_err(|_| ())
    }
    let registrar = state.get_mut(world).unwrap();
    typed!(key, typed(registrar, key, tag, manner))
}

fn retarget_key(
    world: &mut impl WorldSignalExt,
    key: Key<Entity>,
    to: Entity,
) -> Result<Registered, ()> {
    fn typed<C: Modelled, S: ModelSignal>(
        world: &mut impl WorldSignalExt,
        key: Key<Entity>,
        to: Entity,
    ) -> Result<Registered, ()> {
        let moved = world.retarget_signal::<C, S>(key.listener, key.target, to);
        moved.map_err(|_| ())
    }
    typed!(key, typed(world, key, to))
}

fn retarget_by_command(world: &mut World, key: Key<Entity>, to: Entity) {
    fn typed<C: Modelled, S: ModelSignal>(world: &mut World, key: Key<Entity>, to: Entity) {
        let mut commands = world.commands();
        let mut listener = commands.entity(key.listener);
        listener.retarget_signal::<C, S>(key.target, to);
    }
    typed!(key, typed(world, key, to));
}

fn register_by_command(world: &mut World, key: Key<Entity>, tag: Tag, manner: Manner) {
    fn typed<C: Modelled, S: ModelSignal>(
        world: &mut World,
        key: Key<Entity>,
        tag: Tag,
        manner: Manner,
    ) {
        match tag {
            Tag::Fields => handled(world, key, fields::<C, S>, manner),
            Tag::OtherFields => handled(world, key, other_fields::<C, S>, manner),
            Tag::World => handled(world, key, whole::<C, S>, manner),
            Tag::Actor => handled(world, key, actor::<C, S>, manner),
        }
    }
    fn handled<Shape: 'static>(
        world: &mut World,
        Key {
            listener, target, ..
        }: Key<Entity>,
        handler: impl qdel::SignalHandler<Shape, Signal: Signal>,
        manner: Manner,
    ) {
        let mut commands = world.commands();
        let mut listener = commands.entity(listener);
        match manner {
            Manner::Add => listener.register_signal(target, handler),
            Manner::Once => listener.register_signal_once(target, handler),
            Manner::Ensure => listener.ensure_signal(target, handler),
            Manner::Replace => listener.replace_signal(target, handler),
        };
    }
    typed!(key, typed(world, key, tag, manner));
}

fn unregister_key(world: &mut impl WorldSignalExt, key: Key<Entity>) -> bool {
    fn typed<C: Modelled, S: ModelSignal>(
        world: &mut impl WorldSignalExt,
        key: Key<Entity>,
    ) -> bool {
        world
            .unregister_signal::<C, S>(key.listener, key.target)
            .is_ok()
    }
    typed!(key, typed(world, key))
}

/// Says nothing of a target that is deleting: what was told may or may not be there to be given up.
fn unregister_and_note(world: &mut (impl WorldSignalExt + LivenessExt), key: Key<Entity>) {
    let is_deleting = world.liveness(key.target) == Liveness::Deleting;
    let ended = unregister_key(world, key);
    if !is_deleting {
        note(Event::Unregistered(ended));
    }
}

fn unregister_by_command(world: &mut World, key: Key<Entity>) {
    fn typed<C: Modelled, S: ModelSignal>(world: &mut World, key: Key<Entity>) {
        let mut commands = world.commands();
        let mut listener = commands.entity(key.listener);
        listener.unregister_signal::<C, S>(key.target);
    }
    typed!(key, typed(world, key));
}

fn send(world: &mut impl WorldSignalExt, target: Entity, topic: Topic) {
    match topic {
        Topic::Ping => world.send_signal(target, ModelPing),
        Topic::Pong => world.send_signal(target, ModelPong),
        Topic::Gone => unreachable!("only a deletion sends the notice"),
    }
}
