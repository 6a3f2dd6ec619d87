//! Calls the handlers of a signal.
//!
//! The places of a list are told in runs: neighbours with the same handler. A handler of fields
//! cannot reach the world, so its run is copied and called in batches. A handler of the world is
//! called alone, and the list is read again after it. The list stays in its place, so that what a
//! handler registers or unregisters is seen.

use core::{
    any::{Any, TypeId},
    cell::Cell,
    ops::Range,
    time::Duration,
};

use bevy_ecs::{
    change_detection::DetectChangesMut,
    component::ComponentId,
    entity::Entity,
    lifecycle::HookContext,
    world::{DeferredWorld, World},
};
use smallvec::SmallVec;

use crate::{
    books::{
        Books, TargetEnd,
        call::{BatchQuery, Call, CallFields, CallWorld, Round},
        ids::{HandlerId, ListId, SignalId},
    },
    deleting::{Deleting, SlowestHandler},
    panics::{FirstPanic, Panicked, catch},
    registration::Registration,
    signal::qdeleting::{QdelCause, Qdeleting},
};

/// Times the handlers of one notice, each by itself.
pub(crate) struct Stopwatch<'a> {
    now: &'a dyn Fn() -> Duration,
    /// The handler that is being called, its listener, and the time when the call began.
    running: Option<(&'static str, Entity, Duration)>,
    slowest: Option<SlowestHandler>,
}

impl<'a> Stopwatch<'a> {
    pub(crate) fn new(now: &'a dyn Fn() -> Duration) -> Self {
        Self {
            now,
            running: None,
            slowest: None,
        }
    }

    pub(crate) fn slowest(&self) -> Option<SlowestHandler> {
        self.slowest
    }

    fn start(&mut self, handler: &'static str, listener: Entity) {
        self.running = Some((handler, listener, (self.now)()));
    }

    fn stop(&mut self) {
        let Some((handler, listener, begun)) = self.running.take() else {
            return;
        };
        let time = (self.now)().saturating_sub(begun);
        if self.slowest.is_none_or(|slowest| slowest.time < time) {
            self.slowest = Some(SlowestHandler::new(handler, listener, time));
        }
    }
}

/// The longest batch, which is copied to the stack.
const BATCH: usize = 128;

/// The shortest batch for which the query is worth fetching.
const QUERY_FROM: usize = 4;

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
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return Ok(());
    };
    let books = books.bypass_change_detection();
    let id = books.table.signal_id(signal.type_id());
    let Some(list) = id.and_then(|id| books.find(target, id)) else {
        return Ok(());
    };
    let places = books.list_mut(list).begin();
    let mut dispatch = Dispatch::new(list, places, Told::Stay, None);
    let first = dispatch.advance(books);
    let round = Round {
        target,
        signal,
        answer,
    };
    dispatch.run(world, first, round)
}

/// Tells the listeners of `target`, which is closed, that it goes away. Those that were told
/// already are skipped.
pub(crate) fn tell(
    world: &mut DeferredWorld,
    target: Entity,
    notice: &Qdeleting,
    stopwatch: Option<&mut Stopwatch>,
) -> Result<(), Panicked> {
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return Ok(());
    };
    let books = books.bypass_change_detection();
    // All that were closed are marked by now.
    books.marks.is_closing = false;
    let Some(list) = books.find(target, SignalId::QDELETING) else {
        return Ok(());
    };
    let places = books.list(list).untold();
    let mut dispatch = Dispatch::new(list, places, Told::End, stopwatch);
    let first = dispatch.advance(books);
    dispatch.run(world, first, notice_round(notice, &mut ()))
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

/// Tells the listeners of a target that is despawned, while it is whole.
pub(crate) fn tell_of_despawn(mut world: DeferredWorld, context: HookContext) {
    if let Err(panicked) = tell_all(&mut world, context.entity, QdelCause::Despawn) {
        if let Some(mut books) = world.get_resource_mut::<Books>() {
            // Bevy leaves it alive.
            let marks = &mut books.bypass_change_detection().marks;
            marks.cut_short(context.entity);
        }
        panicked.resume();
    }
}

/// Tells the listeners of a target that goes away without a deletion, and releases the declared
/// references to it.
pub(crate) fn tell_all(
    world: &mut DeferredWorld,
    target: Entity,
    cause: QdelCause,
) -> Result<(), Panicked> {
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return Ok(());
    };
    let books = books.bypass_change_detection();
    // Also without listeners, so that none can register from now on.
    if cause == QdelCause::Despawn && !books.marks.begin_despawn(target) {
        return Ok(());
    }
    let end_of_target = books.end_of_target;
    let first = books.close(target);
    let mut told = Ok(());
    if let Some(list) = first.and_then(|first| books.find_from(first, SignalId::QDELETING)) {
        let places = books.list(list).untold();
        let mut dispatch = Dispatch::new(list, places, Told::End, None);
        let first = dispatch.advance(books);
        let notice = Qdeleting::new(target, cause, false);
        told = dispatch.run(world, first, notice_round(&notice, &mut ()));
    }
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

/// A list that is being told, batch by batch.
struct Dispatch<'a, 's> {
    list: ListId,
    /// The places that are left to be told.
    places: Range<u32>,
    told: Told,
    stopwatch: Option<&'a mut Stopwatch<'s>>,
    /// The listeners of a batch for a handler of fields.
    listeners: SmallVec<[Option<Entity>; BATCH]>,
    /// The query that finds them, if they are many.
    query: Option<(HandlerId, BatchQuery)>,
    /// Whether the books are in order already, because the last handler cannot reach them.
    is_done: bool,
}

/// What is called next.
enum Batch {
    /// No call: the handler is for a question of the same type.
    Nothing,
    /// A call for each of the listeners.
    Fields(&'static dyn CallFields),
    World {
        handler: &'static dyn CallWorld,
        /// The listener must have it.
        component: ComponentId,
        listener: Entity,
    },
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
            listeners: SmallVec::new(),
            query: None,
            is_done: false,
        }
    }

    /// Calls the handlers, beginning with those of the batch `next`.
    fn run(
        &mut self,
        world: &mut DeferredWorld,
        mut next: Option<Batch>,
        mut round: Round,
    ) -> Result<(), Panicked> {
        let mut first_panic = FirstPanic::default();
        while let Some(batch) = next {
            let called = match batch {
                Batch::Fields(handler) => {
                    let query = self.query.as_mut().map(|(_, query)| query);
                    call_batch(world, handler, query, &mut round, &self.listeners)
                }
                Batch::Nothing => Ok(()),
                Batch::World {
                    handler,
                    component,
                    listener,
                } => {
                    let entity = world.get_entity(listener);
                    if entity.is_ok_and(|entity| entity.contains_id(component)) {
                        catch(|| {
                            handler.call(world, &mut round, listener);
                        })
                    } else {
                        Ok(())
                    }
                }
            };
            first_panic.note(called);
            if let Some(stopwatch) = &mut self.stopwatch {
                stopwatch.stop();
            }
            next = self.go_on(world);
        }
        first_panic.into_outcome()
    }

    /// Returns the next call after a batch.
    fn go_on(&mut self, world: &mut DeferredWorld) -> Option<Batch> {
        if self.is_done {
            return None;
        }
        let mut books = world.get_resource_mut::<Books>()?;
        self.advance(books.bypass_change_detection())
    }

    /// Puts the books in order after a batch, and returns the next call.
    fn advance(&mut self, books: &mut Books) -> Option<Batch> {
        if let Some((handler, query)) = self.query.take() {
            books.table.return_query(handler, query);
        }
        let next = self.next_batch(books);
        // A handler of fields cannot reach the books. The others may still need the list as it is.
        let is_last = match next {
            None => true,
            Some(Batch::Fields(_)) => self.places.is_empty() && self.query.is_none(),
            Some(Batch::Nothing | Batch::World { .. }) => {
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

    /// Takes the next batch out of the places. Ends registrations that must end before the call.
    fn next_batch(&mut self, books: &mut Books) -> Option<Batch> {
        let (table, list) = books.table_and_list(self.list);
        // With a stopwatch, each listener is called alone.
        let longest = if self.stopwatch.is_some() { 1 } else { BATCH };
        let run = list.next_run(self.places.clone(), longest as u32)?;
        let is_once = run.handler.is_once();
        let alone = run.places.start..run.places.start + 1;
        let (batch, next) = match table.call(run.handler) {
            Call::Look(_) | Call::Reference(_) => (alone, Batch::Nothing),
            Call::World(handler) => {
                let listener = list.at(alone.clone())[0];
                let listener = listener.expect("a run should begin with a listener");
                let key = table.key_of(run.handler);
                let next = Batch::World {
                    handler,
                    component: table.component_of(key),
                    listener,
                };
                (alone, next)
            }
            Call::Fields(handler) => {
                let batch = if is_once { alone } else { run.places };
                self.listeners.clear();
                let listeners = list.at(batch.clone());
                if listeners.len() < QUERY_FROM {
                    self.listeners.extend(listeners.iter().copied());
                } else {
                    self.listeners.extend_from_slice(listeners);
                    let query = table.take_query(run.handler);
                    self.query = query.map(|query| (run.handler, query));
                }
                (batch, Batch::Fields(handler))
            }
        };
        if let Some(stopwatch) = &mut self.stopwatch
            && let Some(listener) = list.at(batch.clone())[0]
        {
            stopwatch.start(table.name_of(run.handler), listener);
        }
        self.places.start = batch.end;
        // From before its call on, a listener's links may change.
        match self.told {
            Told::End => list.mark_told(batch.end),
            Told::Stay if is_once => books.leave_once(self.list, batch.start),
            Told::Stay => {}
        }
        Some(next)
    }
}

/// Calls a handler of fields for each listener of a batch. After a panic, it goes on with the next.
fn call_batch(
    world: &mut DeferredWorld,
    handler: &dyn CallFields,
    mut query: Option<&mut BatchQuery>,
    round: &mut Round,
    listeners: &[Option<Entity>],
) -> Result<(), Panicked> {
    let done = Cell::new(0);
    let mut first_panic = FirstPanic::default();
    loop {
        let before = done.get();
        let query = query.as_deref_mut();
        let called = catch(|| {
            handler.call(world, query, round, listeners, &done);
        });
        let finished = called.is_ok() || done.get() == before;
        first_panic.note(called);
        if finished {
            return first_panic.into_outcome();
        }
    }
}

/// Returns `true` if a handler was ever registered for the signal or question `S`.
pub(crate) fn is_known<S: 'static>(world: &World) -> bool {
    let books = world.get_resource::<Books>();
    books.is_some_and(|books| books.table.signal_id(TypeId::of::<S>()).is_some())
}
