//! How a signal reaches its listeners.
//!
//! A list is told run by run: places that stand together and share a handler. A handler of fields cannot
//! reach the world, so a run of those is copied out and called in batches; a handler that can is called
//! alone, and the list is read again after it. The list itself stays in place all the time,
//! so that whatever a handler registers or unregisters is seen.

use core::{any::Any, cell::Cell, ops::Range, time::Duration};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bevy_ecs::{
    change_detection::DetectChangesMut,
    component::ComponentId,
    entity::Entity,
    lifecycle::HookContext,
    world::{DeferredWorld, World},
};
use smallvec::SmallVec;

use super::{
    Cause, Qdeleting,
    books::Books,
    handler::{BatchQuery, Call, CallFields, CallWorld, Round},
    list::ListId,
    table::{HandlerId, SignalId},
};
use crate::{deleting::SlowestHandler, registration::Registration};

/// What a handler panicked with.
pub(crate) type Panicked = Box<dyn Any + Send>;

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
const BATCH: usize = 64;

/// The shortest batch for which the query is worth fetching.
const QUERY_FROM: usize = 4;

/// What becomes of registrations that were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// They go on.
    Stay,
    /// They were told for the last time: their target is closed.
    End,
    /// They were told for the last time: their target must be closed, because it is despawned plainly.
    EndInDespawn,
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
    id: SignalId,
    signal: &dyn Any,
    answer: &mut dyn Any,
) -> Result<(), Panicked> {
    let round = Round {
        target,
        signal,
        answer,
    };
    dispatch(world, id, round, Told::Stay, None)
}

/// Tells the listeners of `target`, which is closed, that it goes away: those who were not told yet.
pub(crate) fn tell(
    world: &mut DeferredWorld,
    target: Entity,
    notice: &Qdeleting,
    stopwatch: Option<&mut Stopwatch>,
) -> Result<(), Panicked> {
    send_notice(world, target, notice, Told::End, stopwatch)
}

/// Returns who would be told that `target` goes away, in order.
pub(crate) fn would_be_told(world: &World, target: Entity) -> Vec<Registration> {
    let Some(books) = world.get_resource::<Books>() else {
        return Vec::new();
    };
    let list = books.find(target, SignalId::QDELETING);
    list.map_or(Vec::new(), |list| books.describe_list(list).collect())
}

/// Asks the listeners of `target` a question, in order.
pub(crate) fn ask(
    world: &World,
    target: Entity,
    id: SignalId,
    question: &dyn Any,
    answer: &mut dyn Any,
) -> Result<(), Panicked> {
    let Some(books) = world.get_resource::<Books>() else {
        return Ok(());
    };
    let Some(list) = books.find(target, id) else {
        return Ok(());
    };
    let mut round = Round {
        target,
        signal: question,
        answer,
    };
    let mut outcome = Ok(());
    for (_, listener, handler) in books.list(list).iter() {
        // A type may be a signal as well, with handlers of its own.
        let Call::Look(handler) = books.table.call(handler) else {
            continue;
        };
        let called = catch_unwind(AssertUnwindSafe(|| {
            handler.call(world, &mut round, listener);
        }));
        outcome = outcome.and(called);
    }
    outcome
}

/// Tells of a target that is despawned by whatever means, while it is whole.
pub(crate) fn tell_of_despawn(mut world: DeferredWorld, context: HookContext) {
    let notice = Qdeleting::new(context.entity, Cause::Despawn, false);
    let told = send_notice(
        &mut world,
        context.entity,
        &notice,
        Told::EndInDespawn,
        None,
    );
    let books = world.get_resource::<Books>();
    let released = match books.and_then(|books| books.release) {
        Some(release) => release(&mut world, context.entity),
        None => Ok(()),
    };
    if let Err(panicked) = told.and(released) {
        resume_unwind(panicked);
    }
}

fn send_notice(
    world: &mut DeferredWorld,
    target: Entity,
    notice: &Qdeleting,
    told: Told,
    stopwatch: Option<&mut Stopwatch>,
) -> Result<(), Panicked> {
    let round = Round {
        target,
        signal: notice,
        answer: &mut (),
    };
    dispatch(world, SignalId::QDELETING, round, told, stopwatch)
}

fn dispatch(
    world: &mut DeferredWorld,
    id: SignalId,
    mut round: Round,
    told: Told,
    mut stopwatch: Option<&mut Stopwatch>,
) -> Result<(), Panicked> {
    let target = round.target;
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return Ok(());
    };
    let books = books.bypass_change_detection();
    if told == Told::EndInDespawn {
        // Also if nobody listens: nobody may begin to.
        books.close(target);
    }
    let Some(list) = books.find(target, id) else {
        return Ok(());
    };
    let mut places = match told {
        Told::Stay => books.list_mut(list).begin(),
        Told::End | Told::EndInDespawn => books.list(list).untold(),
    };
    let mut outcome = Ok(());
    let mut listeners = SmallVec::new();
    let watch = stopwatch.as_deref_mut();
    let mut next = next_batch(books, list, &mut places, told, &mut listeners, watch);
    while let Some(batch) = next {
        let called = match batch {
            Batch::Fields { handler, id, query } => {
                call_batch(world, handler, id, query, &mut round, &listeners)
            }
            Batch::Nothing => Ok(()),
            Batch::World {
                handler,
                component,
                listener,
            } => {
                let entity = world.get_entity(listener);
                if entity.is_ok_and(|entity| entity.contains_id(component)) {
                    catch_unwind(AssertUnwindSafe(|| {
                        handler.call(world, &mut round, listener);
                    }))
                } else {
                    Ok(())
                }
            }
        };
        outcome = outcome.and(called);
        if let Some(stopwatch) = &mut stopwatch {
            stopwatch.stop();
        }
        if places.is_empty() {
            break;
        }
        let books = world.get_resource_mut::<Books>();
        next = books.and_then(|mut books| {
            let books = books.bypass_change_detection();
            let watch = stopwatch.as_deref_mut();
            next_batch(books, list, &mut places, told, &mut listeners, watch)
        });
    }
    if told == Told::Stay
        && let Some(mut books) = world.get_resource_mut::<Books>()
    {
        books.bypass_change_detection().finish(list);
    }
    outcome
}

/// What is called next.
enum Batch {
    /// Nobody: the handler is for a question of the same type.
    Nothing,
    /// For each of the listeners.
    Fields {
        handler: &'static dyn CallFields,
        id: HandlerId,
        query: Option<BatchQuery>,
    },
    World {
        handler: &'static dyn CallWorld,
        /// What the listener must have.
        component: ComponentId,
        listener: Entity,
    },
}

/// Takes the next batch out of `places`, and ends what must be ended before it is called.
fn next_batch(
    books: &mut Books,
    id: ListId,
    places: &mut Range<u32>,
    told: Told,
    listeners: &mut SmallVec<[Option<Entity>; BATCH]>,
    stopwatch: Option<&mut Stopwatch>,
) -> Option<Batch> {
    let list = books.list(id);
    // Who is timed is called alone.
    let longest = if stopwatch.is_some() { 1 } else { BATCH };
    let run = list.next_run(places.clone(), longest as u32)?;
    let is_once = run.handler.is_once();
    let alone = run.places.start..run.places.start + 1;
    let (batch, next) = match books.table.call(run.handler) {
        Call::Look(_) | Call::Reference(_) => (alone, Batch::Nothing),
        Call::World(handler) => {
            let listener = list.at(alone.clone())[0];
            let listener = listener.expect("a run should begin with a listener");
            let key = books.table.key_of(run.handler);
            let next = Batch::World {
                handler,
                component: books.table.component_of(key),
                listener,
            };
            (alone, next)
        }
        Call::Fields(handler) => {
            let batch = if is_once { alone } else { run.places };
            listeners.clear();
            listeners.extend_from_slice(list.at(batch.clone()));
            let is_long = listeners.len() >= QUERY_FROM;
            let query = is_long.then(|| books.table.take_query(run.handler));
            let next = Batch::Fields {
                handler,
                id: run.handler,
                query: query.flatten(),
            };
            (batch, next)
        }
    };
    if let Some(stopwatch) = stopwatch
        && let Some(listener) = books.list(id).at(batch.clone())[0]
    {
        stopwatch.start(books.table.name_of(run.handler), listener);
    }
    places.start = batch.end;
    // From before its call on, a listener's books may hold something else.
    match told {
        Told::End | Told::EndInDespawn => books.list_mut(id).mark_told(batch.end),
        Told::Stay if is_once => books.leave_once(id, batch.start),
        Told::Stay => {}
    }
    Some(next)
}

/// Calls a handler of fields for each listener of a batch, also past one that panics.
fn call_batch(
    world: &mut DeferredWorld,
    handler: &dyn CallFields,
    id: HandlerId,
    mut query: Option<BatchQuery>,
    round: &mut Round,
    listeners: &[Option<Entity>],
) -> Result<(), Panicked> {
    let done = Cell::new(0);
    let mut outcome = Ok(());
    loop {
        let before = done.get();
        let called = catch_unwind(AssertUnwindSafe(|| {
            handler.call(world, query.as_mut(), round, listeners, &done);
        }));
        let finished = called.is_ok() || done.get() == before;
        outcome = outcome.and(called);
        if finished {
            break;
        }
    }
    if query.is_some()
        && let Some(mut books) = world.get_resource_mut::<Books>()
    {
        books
            .bypass_change_detection()
            .table
            .return_query(id, query);
    }
    outcome
}
