//! How a signal reaches its listeners.
//!
//! A list is told run by run: places that stand together and share a handler. A handler of fields
//! cannot reach the world, so a run of those is copied out and called in batches; a handler that
//! can is called alone, and the list is read again after it. The list itself stays in place all the
//! time, so that whatever a handler registers or unregisters is seen.

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
        Books,
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
    /// What is called now, by whom, and since when.
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

/// The longest batch; it is copied to the stack.
const BATCH: usize = 128;

/// The shortest batch for which the query is worth fetching.
const QUERY_FROM: usize = 4;

/// What becomes of registrations that were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// They go on.
    Stay,
    /// They were told for the last time: their target is closed.
    End,
}

/// Takes no more registrations on `targets`, as far as they are listened to.
pub(crate) fn close(world: &mut World, targets: impl Iterator<Item = Entity>) {
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return;
    };
    let books = books.bypass_change_detection();
    for target in targets {
        if books.first(target).is_some() {
            books.close(target);
        }
    }
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

/// Tells the listeners of `target`, which is closed, that it goes away: those who were not told
/// yet.
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
    let Some(list) = books.find(target, SignalId::QDELETING) else {
        return Ok(());
    };
    let places = books.list(list).untold();
    let mut dispatch = Dispatch::new(list, places, Told::End, stopwatch);
    let first = dispatch.advance(books);
    dispatch.run(world, first, notice_round(notice, &mut ()))
}

/// Returns who would be told that `target` goes away, in order, if its deletion began now: not
/// those that are being deleted, which hear nothing by then.
pub(crate) fn would_be_told(world: &World, target: Entity) -> Vec<Registration> {
    let Some(books) = world.get_resource::<Books>() else {
        return Vec::new();
    };
    let list = books.find(target, SignalId::QDELETING);
    let told = list.into_iter().flat_map(|list| books.describe_list(list));
    let is_deleting = deleting(world);
    told.filter(|at| !is_deleting(at.listener)).collect()
}

/// Returns what tells whether the deletion of an entity has begun.
fn deleting(world: &World) -> impl Fn(Entity) -> bool {
    let mark = world.components().valid_component_id::<Deleting>();
    move |entity| {
        let entity = world.get_entity(entity);
        entity.is_ok_and(|entity| mark.is_some_and(|mark| entity.contains_id(mark)))
    }
}

/// Asks the listeners of `target` a question, in order, and calls `after` with each that has
/// answered.
///
/// Who is being deleted is asked about itself only.
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
        // A type may be a signal as well, with handlers of its own.
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

/// Tells of a target that is despawned by whatever means, while it is whole.
pub(crate) fn tell_of_despawn(mut world: DeferredWorld, context: HookContext) {
    if let Err(panicked) = tell_all(&mut world, context.entity, QdelCause::Despawn) {
        if let Some(mut books) = world.get_resource_mut::<Books>() {
            // Bevy leaves it alive.
            books.bypass_change_detection().marks.despawned = None;
        }
        panicked.resume();
    }
}

/// Tells the listeners of a target that goes away by itself, and releases the declared references
/// to it.
pub(crate) fn tell_all(
    world: &mut DeferredWorld,
    target: Entity,
    cause: QdelCause,
) -> Result<(), Panicked> {
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return Ok(());
    };
    let books = books.bypass_change_detection();
    if cause == QdelCause::Despawn {
        books.marks.despawned = Some(target);
    }
    let release = books.release;
    // Also if nobody listens: nobody may begin to.
    let first = books.close(target);
    let mut told = Ok(());
    if let Some(list) = books.find_from(first, SignalId::QDELETING) {
        let places = books.list(list).untold();
        let mut dispatch = Dispatch::new(list, places, Told::End, None);
        let first = dispatch.advance(books);
        let notice = Qdeleting::new(target, cause, false);
        told = dispatch.run(world, first, notice_round(&notice, &mut ()));
    }
    let released = release.map_or(Ok(()), |release| release(world, target));
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
    /// What is left to be told.
    places: Range<u32>,
    told: Told,
    stopwatch: Option<&'a mut Stopwatch<'s>>,
    /// The listeners of a batch for a handler of fields.
    listeners: SmallVec<[Option<Entity>; BATCH]>,
    /// What finds them, if they are many.
    query: Option<(HandlerId, BatchQuery)>,
    /// Whether the books are in order already, because what is called last cannot reach them.
    is_done: bool,
}

/// What is called next.
enum Batch {
    /// Nobody: the handler is for a question of the same type.
    Nothing,
    /// For each of the listeners.
    Fields(&'static dyn CallFields),
    World {
        handler: &'static dyn CallWorld,
        /// What the listener must have.
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

    /// Returns what is called after a batch.
    fn go_on(&mut self, world: &mut DeferredWorld) -> Option<Batch> {
        if self.is_done {
            return None;
        }
        let mut books = world.get_resource_mut::<Books>()?;
        self.advance(books.bypass_change_detection())
    }

    /// Puts the books in order after a batch, and returns what is called next.
    fn advance(&mut self, books: &mut Books) -> Option<Batch> {
        if let Some((handler, query)) = self.query.take() {
            books.table.return_query(handler, query);
        }
        let next = self.next_batch(books);
        // A handler of fields cannot reach the books, and the others may still want the list as it
        // is.
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

    /// Takes the next batch out of the places, and ends what must be ended before it is called.
    fn next_batch(&mut self, books: &mut Books) -> Option<Batch> {
        let (table, list) = books.table_and_list(self.list);
        // Who is timed is called alone.
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
        // From before its call on, a listener's books may hold something else.
        match self.told {
            Told::End => list.mark_told(batch.end),
            Told::Stay if is_once => books.leave_once(self.list, batch.start),
            Told::Stay => {}
        }
        Some(next)
    }
}

/// Calls a handler of fields for each listener of a batch, also past one that panics.
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

/// Returns `true` if anybody ever registered for the signal or question `S`.
pub(crate) fn is_known<S: 'static>(world: &World) -> bool {
    let books = world.get_resource::<Books>();
    books.is_some_and(|books| books.table.signal_id(TypeId::of::<S>()).is_some())
}
