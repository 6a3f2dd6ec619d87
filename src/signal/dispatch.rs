//! Calls the handlers of a signal.
//!
//! A handler of fields cannot reach the world. So neighbours with such handlers, also different
//! ones, are copied and called in batches, and the books are in order before. A handler of the
//! world is called alone, and the list is read again after it. The list stays in its place, so that
//! what a handler registers or unregisters is seen.

use core::{
    any::{Any, TypeId},
    ops::Range,
};

use bevy_ecs::{
    archetype::ArchetypeId,
    change_detection::DetectChangesMut,
    component::ComponentId,
    entity::Entity,
    lifecycle::HookContext,
    world::{DeferredWorld, World},
};

use crate::{
    books::{
        Books, TargetEnd,
        call::{Call, CallWorld, Round},
        ids::{HandlerId, ListId, SignalId},
    },
    deleting::Deleting,
    panics::{FirstPanic, Panicked},
    registration::Registration,
    signal::{
        batch::{Batch, ShortBatch},
        qdeleting::{QdelCause, Qdeleting},
        stopwatch::Stopwatch,
    },
};

/// What happens to registrations that were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// They stay.
    Stay,
    /// They end, because their target is closed.
    End,
}

/// Closes those of `targets` that have listeners for registrations.
pub(crate) fn close(world: &mut World, targets: impl Iterator<Item = Entity>) {
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return;
    };
    let books = books.bypass_change_detection();
    for target in targets {
        books.marks.is_closing |= books.close(target).is_some();
    }
}

/// Closes `target` for registrations, unless a handler was ever registered for the question `Q`.
/// Returns `true` if it is closed, or has no listeners.
pub(crate) fn close_unasked<Q: 'static>(world: &mut World, target: Entity) -> bool {
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return true;
    };
    let books = books.bypass_change_detection();
    if books.table.signal_id(TypeId::of::<Q>()).is_some() {
        return false;
    }
    books.marks.is_closing |= books.close(target).is_some();
    true
}

/// Sends `signal` to the listeners of `target`, in order.
pub(crate) fn send(
    world: &mut DeferredWorld,
    target: Entity,
    signal: &dyn Any,
    answer: &mut dyn Any,
) -> Result<(), Panicked> {
    let round = Round {
        target,
        signal,
        answer,
    };
    dispatch(world, Told::Stay, None, round, |books| {
        let id = books.table.signal_id(signal.type_id())?;
        books.find(target, id)
    })
}

/// Tells the listeners of `target`, which is closed, that it goes away. Those that were told
/// already are skipped.
pub(crate) fn tell(
    world: &mut DeferredWorld,
    target: Entity,
    notice: &Qdeleting,
    stopwatch: Option<&mut Stopwatch>,
) -> Result<(), Panicked> {
    let mut answer = ();
    let round = notice_round(notice, &mut answer);
    dispatch(world, Told::End, stopwatch, round, |books| {
        // All that were closed are marked by now.
        books.marks.is_closing = false;
        books.find(target, SignalId::QDELETING)
    })
}

/// Returns the listeners that would be told if the deletion of `target` began now, in order. Those
/// that are being deleted are left out, because they would not be told.
pub(crate) fn would_be_told(world: &World, target: Entity) -> Vec<Registration> {
    let Some(books) = world.get_resource::<Books>() else {
        return Vec::new();
    };
    let list = books.find(target, SignalId::QDELETING);
    let told = list.into_iter().flat_map(|list| books.describe_list(list));
    let is_deleting = deleting(world);
    told.filter(|at| !is_deleting(at.listener)).collect()
}

/// Returns a function that says whether the deletion of an entity has begun.
fn deleting(world: &World) -> impl Fn(Entity) -> bool {
    let mark = world.components().valid_component_id::<Deleting>();
    move |entity| {
        let entity = world.get_entity(entity);
        entity.is_ok_and(|entity| mark.is_some_and(|mark| entity.contains_id(mark)))
    }
}

/// Asks the listeners of `target` a question, in order. Calls `after` with each that has answered.
///
/// An entity that is being deleted is only asked about itself.
pub(crate) fn ask<A: 'static>(
    world: &World,
    target: Entity,
    question: &dyn Any,
    answer: &mut A,
    mut after: impl FnMut(Entity, &mut A),
) -> Result<(), Panicked> {
    let Some(books) = world.get_resource::<Books>() else {
        return Ok(());
    };
    let id = books.table.signal_id(question.type_id());
    let Some(list) = id.and_then(|id| books.find(target, id)) else {
        return Ok(());
    };
    let is_deleting = deleting(world);
    let mut first_panic = FirstPanic::default();
    for (_, listener, handler) in books.list(list).iter() {
        // A type may also be a signal, with handlers of its own.
        let Call::Look(handler) = books.table.call(handler) else {
            continue;
        };
        if listener != target && is_deleting(listener) {
            continue;
        }
        let mut round = Round {
            target,
            signal: question,
            answer,
        };
        first_panic.run(|| handler.call(world, &mut round, listener));
        after(listener, answer);
    }
    first_panic.into_outcome()
}

/// Tells the listeners of a target that is despawned, while it is whole: the hook of its marks.
pub(crate) fn tell_of_despawn(mut world: DeferredWorld, context: HookContext) {
    let HookContext {
        entity,
        component_id,
        ..
    } = context;
    // Also without listeners, so that none can register from now on.
    let begin = |books: &mut Books| books.marks.begin_despawn(entity, component_id);
    if let Err(panicked) = tell_end(&mut world, entity, QdelCause::Despawn, begin) {
        if let Some(mut books) = world.get_resource_mut::<Books>() {
            // Bevy leaves it alive.
            let marks = &mut books.bypass_change_detection().marks;
            marks.cut_short(entity);
        }
        panicked.resume();
    }
}

/// Tells the listeners of a target that was despawned without a mark, and releases the declared
/// references to it.
pub(crate) fn tell_afterwards(world: &mut DeferredWorld, target: Entity) -> Result<(), Panicked> {
    tell_end(world, target, QdelCause::AlreadyGone, |_| true)
}

/// Tells the listeners of a target that goes away without a deletion, and releases the declared
/// references to it. Does nothing if `begin` returns `false`.
fn tell_end(
    world: &mut DeferredWorld,
    target: Entity,
    cause: QdelCause,
    begin: impl FnOnce(&mut Books) -> bool,
) -> Result<(), Panicked> {
    let notice = Qdeleting::new(target, cause, false);
    let mut answer = ();
    let round = notice_round(&notice, &mut answer);
    let mut end_of_target = None;
    let told = dispatch(world, Told::End, None, round, |books| {
        if !begin(books) {
            return None;
        }
        end_of_target = books.end_of_target;
        let first = books.close(target)?;
        books.find_from(first, SignalId::QDELETING)
    });
    let released = end_of_target.map_or(Ok(()), |end_of_target| {
        end_of_target(world, TargetEnd::Despawn(target))
    });
    told.and(released)
}

fn notice_round<'a>(notice: &'a Qdeleting, answer: &'a mut ()) -> Round<'a> {
    Round {
        target: notice.entity,
        signal: notice,
        answer,
    }
}

/// Calls the handlers of the list that is found.
#[inline]
fn dispatch(
    world: &mut DeferredWorld,
    told: Told,
    stopwatch: Option<&mut Stopwatch>,
    mut round: Round,
    find: impl FnOnce(&mut Books) -> Option<ListId>,
) -> Result<(), Panicked> {
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return Ok(());
    };
    let books = books.bypass_change_detection();
    let Some(id) = find(books) else {
        return Ok(());
    };
    let (table, list) = books.table_and_list(id);
    let places = list.untold();
    if stopwatch.is_none()
        && let Some(batch) = ShortBatch::of(table, list)
    {
        if told == Told::End {
            list.mark_told(places.end);
        }
        return batch.call(world, &mut round);
    }
    let mut dispatch = Dispatch::new(id, places, told, stopwatch);
    if told == Told::Stay {
        list.begin();
    }
    let first = dispatch.advance(books);
    dispatch.run(world, first, round)
}

/// A list that is being told, batch by batch.
struct Dispatch<'a, 's> {
    list: ListId,
    /// The places that are left to be told.
    places: Range<u32>,
    told: Told,
    stopwatch: Option<&'a mut Stopwatch<'s>>,
    /// The next calls of handlers of fields.
    batch: Batch,
    /// The handler of the world that is called next.
    world: Option<WorldCall>,
    /// An archetype whose entities have this component: those of the last call of the world.
    fitting: Option<(ArchetypeId, ComponentId)>,
    /// Whether the books are in order already, because the last handler cannot reach them.
    is_done: bool,
}

/// What is called next.
enum Next {
    /// No call: the handler is for a question of the same type.
    Nothing,
    /// The calls of the batch.
    Batch,
    /// The handler of the world, for this listener.
    World(Entity),
}

/// How a handler of the world is called.
#[derive(Clone, Copy)]
struct WorldCall {
    id: HandlerId,
    handler: &'static dyn CallWorld,
    /// The listener must have it.
    component: ComponentId,
}

impl<'a, 's> Dispatch<'a, 's> {
    fn new(
        list: ListId,
        places: Range<u32>,
        told: Told,
        stopwatch: Option<&'a mut Stopwatch<'s>>,
    ) -> Self {
        Self {
            list,
            places,
            told,
            stopwatch,
            batch: Batch::new(),
            world: None,
            fitting: None,
            is_done: false,
        }
    }

    /// Calls the handlers, beginning with what is `next`.
    fn run(
        &mut self,
        world: &mut DeferredWorld,
        mut next: Option<Next>,
        mut round: Round,
    ) -> Result<(), Panicked> {
        let mut first_panic = FirstPanic::default();
        while let Some(at) = next {
            match at {
                Next::Nothing => {}
                Next::Batch => first_panic.note(self.batch.call(world, &mut round)),
                Next::World(listener) => {
                    if let Some(call) = self.world
                        && self.has(world, listener, call.component)
                    {
                        first_panic.run(|| call.handler.call(world, &mut round, listener));
                    }
                }
            }
            if let Some(stopwatch) = &mut self.stopwatch {
                stopwatch.stop();
            }
            next = self.go_on(world);
        }
        first_panic.into_outcome()
    }

    /// Returns `true` if a listener has its component still.
    #[inline]
    fn has(&mut self, world: &DeferredWorld, listener: Entity, component: ComponentId) -> bool {
        let Ok(location) = world.entities().get_spawned(listener) else {
            return false;
        };
        let fits = Some((location.archetype_id, component));
        // The components of an archetype do not change.
        if self.fitting != fits {
            let archetype = world.archetypes().get(location.archetype_id);
            if !archetype.is_some_and(|archetype| archetype.contains(component)) {
                return false;
            }
            self.fitting = fits;
        }
        true
    }

    /// Returns the next call after another.
    #[inline]
    fn go_on(&mut self, world: &mut DeferredWorld) -> Option<Next> {
        if self.is_done {
            return None;
        }
        let mut books = world.get_resource_mut::<Books>()?;
        let books = books.bypass_change_detection();
        match self.next_neighbour(books) {
            Some(listener) => Some(Next::World(listener)),
            None => self.advance(books),
        }
    }

    /// Takes the next place out of those that are left, if it has the handler of the last call of
    /// the world. Then nothing else is to be decided.
    #[inline]
    fn next_neighbour(&mut self, books: &mut Books) -> Option<Entity> {
        let place = self.places.start;
        if self.stopwatch.is_some() || self.places.is_empty() {
            return None;
        }
        let list = books.list_mut(self.list);
        let (listener, id) = list.get(place)?;
        if id.is_once() || self.world?.id != id {
            return None;
        }
        self.places.start = place + 1;
        if self.told == Told::End {
            list.mark_told(place + 1);
            self.is_done = self.places.is_empty();
        }
        Some(listener)
    }

    /// Puts the books in order after a call, and returns the next one.
    #[inline(never)]
    fn advance(&mut self, books: &mut Books) -> Option<Next> {
        let next = self.take_next(books);
        // A handler of fields cannot reach the books. The others may still need the list as it is.
        let is_last = match next {
            None => true,
            Some(Next::Batch) => self.places.is_empty(),
            Some(Next::Nothing | Next::World(_)) => {
                self.places.is_empty() && self.told == Told::End
            }
        };
        if is_last {
            self.is_done = true;
            if self.told == Told::Stay {
                books.finish(self.list);
            }
        }
        next
    }

    /// Takes the next call out of the places. Ends registrations that must end before the call.
    #[inline]
    fn take_next(&mut self, books: &mut Books) -> Option<Next> {
        let (table, list) = books.table_and_list(self.list);
        let (place, listener, id) = list.first_at(self.places.clone())?;
        let mut end = place + 1;
        let next = match table.call_for(id) {
            (Call::Look(_) | Call::Reference(_), _) => Next::Nothing,
            (Call::World(handler), component) => {
                self.world = Some(WorldCall {
                    id,
                    handler,
                    component,
                });
                Next::World(listener)
            }
            (Call::Fields(handler), component) => {
                // With a stopwatch, each listener is called alone.
                if id.is_once() || self.stopwatch.is_some() {
                    self.batch.set(handler, component, listener);
                } else {
                    end = self.batch.fill(table, list, place..self.places.end);
                }
                Next::Batch
            }
        };
        if let Some(stopwatch) = &mut self.stopwatch {
            stopwatch.start(table.name_of(id), listener);
        }
        self.places.start = end;
        // From before its call on, a listener's links may change.
        match self.told {
            Told::End => list.mark_told(end),
            Told::Stay if id.is_once() => books.leave_once(self.list, place),
            Told::Stay => {}
        }
        Some(next)
    }
}

/// Returns `true` if a handler was ever registered for the signal or question `S`.
pub(crate) fn is_known<S: 'static>(world: &World) -> bool {
    let books = world.get_resource::<Books>();
    books.is_some_and(|books| books.table.signal_id(TypeId::of::<S>()).is_some())
}
