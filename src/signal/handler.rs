//! Handlers, and how they are called with their types erased.

use core::{cell::Cell, marker::PhantomData};

use bevy_ecs::{
    component::{Component, ComponentId, Mutable},
    entity::Entity,
    entity_disabling::DefaultQueryFilters,
    query::{QueryData, QueryState},
    world::{DeferredWorld, World},
};

use crate::{
    books::call::{Call, CallFields, CallLook, CallWorld, Round},
    signal::{Question, Signal, answer::Answer, column::ListenerColumns, received::Received},
};

/// A function that answers a signal or a question for a listening component.
///
/// There are four shapes, and the component and the signal come from the function's type:
///
/// | shape | for | reaches |
/// | --- | --- | --- |
/// | `fn(&mut C, Received<S>) -> S::Answer` | a [`Signal`] | the listening component |
/// | `fn(DeferredWorld, Received<S, C>) -> S::Answer` | a [`Signal`] | all values in the world, and commands |
/// | `fn(&C, Received<Q>) -> Q::Answer` | a [`Question`] | the listening component, to read |
/// | `fn(&World, Received<Q, C>) -> Q::Answer` | a [`Question`] | the world, to read |
///
/// The first is the fastest by far. It cannot reach the world, so several are called in one go. It
/// marks the component as changed. Commands of the second are applied after the dispatch.
///
/// A handler is a function or a closure that captures nothing. It takes no memory in a
/// registration, and what it needs is in the listening component. A closure that captures does not
/// build. If its captures are `Copy`, only `cargo build` says so, not `cargo check`. Otherwise the
/// compiler asks for `Copy` or for a `'static` borrow. Put the captured value into the component. A
/// handler cannot be `async`: it finishes before the target is touched.
///
/// Write the types of a closure's arguments: `|mob: &mut Mob, _: Received<Qdeleting>| ...`.
///
/// The trait is sealed: functions of these shapes implement it, nothing else can.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a signal handler",
    label = "not a function of a shape that handles a signal",
    note = "a handler is one of\n  \
            `fn(&mut C, Received<S>) -> S::Answer` (the listener's own fields),\n  \
            `fn(DeferredWorld, Received<S, C>) -> S::Answer` (more than that),\n  \
            `fn(&C, Received<Q>) -> Q::Answer` or `fn(&World, Received<Q, C>) -> Q::Answer` (a question)",
    note = "with a world, name the listening component in the signal: `Received<Qdeleting, Mob>`",
    note = "write the types of a closure's arguments: `|mob: &mut Mob, _: Received<Qdeleting>|`",
    note = "a question such as `PreQdel` takes `&C` or `&World`, a signal `&mut C` or `DeferredWorld`",
    note = "it cannot be `async`: a handler finishes before its target is torn down",
    note = "`&mut C` needs a component that is not `#[component(immutable)]`"
)]
pub trait SignalHandler<Shape>: Copy + Send + Sync + 'static {
    /// The component that listens.
    type Component: Component;
    /// The signal or question it listens for.
    type Signal: Send + Sync + 'static;

    /// Erases the types.
    #[doc(hidden)]
    fn into_call(self) -> Call;
}

/// Builds a query that also sees entities which a disabling component hides.
pub(crate) fn query_without_filters<D: QueryData>(world: &mut World) -> QueryState<D> {
    // A query keeps the default filters of the time when it was built.
    let without = world.try_resource_scope::<DefaultQueryFilters, _>(|world, _| world.query());
    without.unwrap_or_else(|| world.query())
}

/// Marks `fn(&mut C, Received<S>) -> S::Answer`.
#[expect(unnameable_types, reason = "a marker that callers never write")]
pub struct FieldShape<C, S>(PhantomData<fn() -> (C, S)>);

/// Marks `fn(DeferredWorld, Received<S, C>) -> S::Answer`.
#[expect(unnameable_types, reason = "a marker that callers never write")]
pub struct WorldShape<C, S>(PhantomData<fn() -> (C, S)>);

/// Marks `fn(&C, Received<Q>) -> Q::Answer`.
#[expect(unnameable_types, reason = "a marker that callers never write")]
pub struct LookShape<C, Q>(PhantomData<fn() -> (C, Q)>);

/// Marks `fn(&World, Received<Q, C>) -> Q::Answer`.
#[expect(unnameable_types, reason = "a marker that callers never write")]
pub struct LookWorldShape<C, Q>(PhantomData<fn() -> (C, Q)>);

/// A handler together with its shape.
struct Shaped<F, Shape> {
    handler: F,
    shape: PhantomData<fn() -> Shape>,
}

impl<F, Shape> Shaped<F, Shape> {
    /// Returns a reference to `handler` that lives for ever. It takes no memory, because a handler
    /// has no size.
    fn leak(handler: F) -> &'static Self
    where
        F: 'static,
        Shape: 'static,
    {
        const {
            assert!(
                size_of::<F>() == 0,
                "a signal handler is a plain function or a closure that captures nothing: \
                 keep what it needs in the listening component, or send it in the signal"
            );
        }
        Box::leak(Box::new(Self {
            handler,
            shape: PhantomData,
        }))
    }
}

impl<F, C, S> SignalHandler<FieldShape<C, S>> for F
where
    F: Fn(&mut C, Received<S>) -> S::Answer + Copy + Send + Sync + 'static,
    C: Component<Mutability = Mutable>,
    S: Signal,
{
    type Component = C;
    type Signal = S;

    fn into_call(self) -> Call {
        Call::Fields(Shaped::<F, FieldShape<C, S>>::leak(self))
    }
}

impl<F, C, S> CallFields for Shaped<F, FieldShape<C, S>>
where
    F: Fn(&mut C, Received<S>) -> S::Answer + Send + Sync + 'static,
    C: Component<Mutability = Mutable>,
    S: Signal,
{
    fn call(
        &self,
        world: &mut DeferredWorld,
        component: ComponentId,
        round: &mut Round,
        listeners: &[Option<Entity>],
        done: &Cell<usize>,
    ) {
        let target = round.target;
        let (signal, answer) = round.typed::<S, S::Answer>();
        let mut tell = |listener, component: &mut C| {
            let received = Received::new(signal, listener, target);
            answer.merge((self.handler)(component, received));
        };
        if let Some(columns) = ListenerColumns::new(world, component) {
            columns.for_each(count(listeners, done).flatten(), tell);
            return;
        }
        for listener in count(listeners, done).flatten() {
            if let Some(mut component) = world.get_mut::<C>(listener) {
                tell(listener, &mut component);
            }
        }
    }

    fn tell_missed(&self, world: &mut DeferredWorld, listener: Entity, target: Entity) -> bool {
        let Some(signal) = S::missed(target) else {
            return false;
        };
        if let Some(mut component) = world.get_mut::<C>(listener) {
            (self.handler)(&mut component, Received::new(&signal, listener, target));
        }
        true
    }

    fn has_words(&self, target: Entity) -> bool {
        S::missed(target).is_some()
    }
}

/// Returns the listeners of a batch that are not `done`. Counts each as done when it is reached.
#[inline]
fn count(listeners: &[Option<Entity>], done: &Cell<usize>) -> impl Iterator<Item = Option<Entity>> {
    listeners[done.get()..].iter().map(|listener| {
        done.set(done.get() + 1);
        *listener
    })
}

impl<F, C, S> SignalHandler<WorldShape<C, S>> for F
where
    F: Fn(DeferredWorld, Received<S, C>) -> S::Answer + Copy + Send + Sync + 'static,
    C: Component,
    S: Signal,
{
    type Component = C;
    type Signal = S;

    fn into_call(self) -> Call {
        Call::World(Shaped::<F, WorldShape<C, S>>::leak(self))
    }
}

impl<F, C, S> CallWorld for Shaped<F, WorldShape<C, S>>
where
    F: Fn(DeferredWorld, Received<S, C>) -> S::Answer + Send + Sync + 'static,
    C: Component,
    S: Signal,
{
    fn call(&self, world: &mut DeferredWorld, round: &mut Round, listener: Entity) {
        let target = round.target;
        let (signal, answer) = round.typed::<S, S::Answer>();
        let received = Received::new(signal, listener, target);
        answer.merge((self.handler)(world.reborrow(), received));
    }

    fn tell_missed(&self, world: &mut DeferredWorld, listener: Entity, target: Entity) -> bool {
        let Some(signal) = S::missed(target) else {
            return false;
        };
        if world.get::<C>(listener).is_some() {
            (self.handler)(world.reborrow(), Received::new(&signal, listener, target));
        }
        true
    }

    fn has_words(&self, target: Entity) -> bool {
        S::missed(target).is_some()
    }
}

impl<F, C, Q> SignalHandler<LookShape<C, Q>> for F
where
    F: Fn(&C, Received<Q>) -> Q::Answer + Copy + Send + Sync + 'static,
    C: Component,
    Q: Question,
{
    type Component = C;
    type Signal = Q;

    fn into_call(self) -> Call {
        Call::Look(Shaped::<F, LookShape<C, Q>>::leak(self))
    }
}

impl<F, C, Q> CallLook for Shaped<F, LookShape<C, Q>>
where
    F: Fn(&C, Received<Q>) -> Q::Answer + Send + Sync + 'static,
    C: Component,
    Q: Question,
{
    fn call(&self, world: &World, round: &mut Round, listener: Entity) {
        let Some(component) = world.get::<C>(listener) else {
            return;
        };
        let target = round.target;
        let (question, answer) = round.typed::<Q, Q::Answer>();
        answer.merge((self.handler)(
            component,
            Received::new(question, listener, target),
        ));
    }
}

impl<F, C, Q> SignalHandler<LookWorldShape<C, Q>> for F
where
    F: Fn(&World, Received<Q, C>) -> Q::Answer + Copy + Send + Sync + 'static,
    C: Component,
    Q: Question,
{
    type Component = C;
    type Signal = Q;

    fn into_call(self) -> Call {
        Call::Look(Shaped::<F, LookWorldShape<C, Q>>::leak(self))
    }
}

impl<F, C, Q> CallLook for Shaped<F, LookWorldShape<C, Q>>
where
    F: Fn(&World, Received<Q, C>) -> Q::Answer + Send + Sync + 'static,
    C: Component,
    Q: Question,
{
    fn call(&self, world: &World, round: &mut Round, listener: Entity) {
        if world.get::<C>(listener).is_none() {
            return;
        }
        let target = round.target;
        let (question, answer) = round.typed::<Q, Q::Answer>();
        answer.merge((self.handler)(
            world,
            Received::new(question, listener, target),
        ));
    }
}
