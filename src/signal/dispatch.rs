//! How a signal reaches its listeners.
//!
//! A list is told run by run: places that stand together and share a handler. A handler of fields cannot
//! reach the world, so a run of those is copied out and called in batches; a handler that can is called
//! alone, and the list is read again after it. The list itself stays in place all the time,
//! so that whatever a handler registers or unregisters is seen.

use core::{any::Any, cell::Cell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bevy_ecs::{
    change_detection::DetectChangesMut,
    entity::Entity,
    lifecycle::HookContext,
    world::{DeferredWorld, World},
};
use smallvec::SmallVec;

use super::{
    Cause, Qdeleting, Signals,
    books::{Books, HandlerId, SignalId},
    handler::{Call, CallFields, Round},
    list::Tidy,
    register,
};

/// What a handler panicked with.
pub(crate) type Panicked = Box<dyn Any + Send>;

/// The longest batch; it is copied to the stack.
const BATCH: usize = 64;

/// The shortest batch for which the query is worth fetching.
const QUERY_FROM: usize = 4;

/// What becomes of registrations that were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// They go on.
    Stay,
    /// They were told for the last time.
    End,
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
    dispatch(world, id, round, Told::Stay)
}

/// Tells the listeners of `target` that it goes away, those who were not told yet.
///
/// From here on nobody can register on it.
pub(crate) fn tell(
    world: &mut DeferredWorld,
    target: Entity,
    notice: &Qdeleting,
) -> Result<(), Panicked> {
    let round = Round {
        target,
        signal: notice,
        answer: &mut (),
    };
    dispatch(world, SignalId::QDELETING, round, Told::End)
}

/// Asks the listeners of `target` a question, in order.
pub(crate) fn ask(
    world: &World,
    target: Entity,
    id: SignalId,
    question: &dyn Any,
    answer: &mut dyn Any,
) -> Result<(), Panicked> {
    let Some(list) = world
        .get::<Signals>(target)
        .and_then(|signals| signals.list(id))
    else {
        return Ok(());
    };
    let books = world.resource::<Books>();
    let mut round = Round {
        target,
        signal: question,
        answer,
    };
    let mut outcome = Ok(());
    for (_, listener, handler) in list.iter() {
        let Call::Look(handler) = books.call(handler) else {
            unreachable!("a question should have handlers that look only");
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
    if let Err(panicked) = tell(&mut world, context.entity, &notice) {
        resume_unwind(panicked);
    }
}

/// Ends the registrations on a target whose lists go away, with the target or without it.
pub(crate) fn drop_lists(mut world: DeferredWorld, context: HookContext) {
    let target = context.entity;
    let Some(mut signals) = world.get_mut::<Signals>(target) else {
        return;
    };
    let signals = signals.bypass_change_detection();
    let target_stays = !signals.is_closed();
    let must_unlink = |list: &super::list::List| target_stays || list.crowded;
    if !signals.lists().iter().any(must_unlink) {
        return;
    }
    let lists: SmallVec<[_; 2]> = signals.take_lists().filter(must_unlink).collect();
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return;
    };
    let books = books.bypass_change_detection();
    for list in lists {
        for (listener, handler) in list.all() {
            let key = books.key_of(handler);
            books.links.take(listener, target, key);
        }
    }
}

fn dispatch(
    world: &mut DeferredWorld,
    id: SignalId,
    mut round: Round,
    told: Told,
) -> Result<(), Panicked> {
    let target = round.target;
    let Some(mut signals) = world.get_mut::<Signals>(target) else {
        return Ok(());
    };
    let signals = signals.bypass_change_detection();
    if told == Told::End {
        signals.close();
    }
    let Some(list) = signals.list_mut(id) else {
        return Ok(());
    };
    let mut places = list.begin();
    let mut outcome = Ok(());
    let mut batch = SmallVec::<[Option<Entity>; BATCH]>::new();
    while let Some(mut signals) = world.get_mut::<Signals>(target)
        && let Some(list) = signals.bypass_change_detection().list_mut(id)
        && let Some(run) = list.next_run(places.clone(), BATCH as u32)
    {
        let called = if run.handler.is_batched() {
            places.start = run.end;
            batch.clear();
            batch.extend_from_slice(&list.listeners()[run.start as usize..run.end as usize]);
            if told == Told::End {
                list.mark_told(run.end);
            }
            call_batch(world, run.handler, &mut round, &batch)
        } else {
            places.start = run.start + 1;
            let listener =
                list.listeners()[run.start as usize].expect("a run should begin with a listener");
            // From before its call on, the listener's books may hold something else.
            if told == Told::End {
                list.mark_told(run.start + 1);
            } else if run.handler.is_once() {
                list.remove(run.start);
                let mut books = world.resource_mut::<Books>();
                let key = books.key_of(run.handler);
                books.links.take(listener, target, key);
            }
            call_one(world, run.handler, &mut round, listener)
        };
        outcome = outcome.and(called);
    }
    finish(world, target, id);
    outcome
}

/// Calls a handler of fields for each listener of a batch, also past one that panics.
fn call_batch(
    world: &mut DeferredWorld,
    id: HandlerId,
    round: &mut Round,
    listeners: &[Option<Entity>],
) -> Result<(), Panicked> {
    let mut books = world.resource_mut::<Books>();
    let books = books.bypass_change_detection();
    let handler = fields(books, id);
    let is_long = listeners.len() >= QUERY_FROM;
    let mut query = is_long.then(|| books.take_query(id)).flatten();
    let done = Cell::new(0);
    let mut outcome = Ok(());
    loop {
        let called = catch_unwind(AssertUnwindSafe(|| {
            handler.call(world, query.as_mut(), round, listeners, &done);
        }));
        let finished = called.is_ok();
        outcome = outcome.and(called);
        if finished {
            break;
        }
    }
    if query.is_some() {
        let mut books = world.resource_mut::<Books>();
        books.bypass_change_detection().return_query(id, query);
    }
    outcome
}

/// Calls a handler for one listener.
fn call_one(
    world: &mut DeferredWorld,
    id: HandlerId,
    round: &mut Round,
    listener: Entity,
) -> Result<(), Panicked> {
    match world.resource::<Books>().call(id) {
        Call::World(handler) => {
            catch_unwind(AssertUnwindSafe(|| handler.call(world, round, listener)))
        }
        Call::Fields(_) => call_batch(world, id, round, &[Some(listener)]),
        Call::Look(_) => unreachable!("a handler that looks only should not be sent a signal"),
    }
}

fn fields(books: &Books, id: HandlerId) -> &'static dyn CallFields {
    match books.call(id) {
        Call::Fields(handler) => handler,
        Call::World(_) | Call::Look(_) => {
            unreachable!("a batch should have a handler of fields")
        }
    }
}

/// Leaves a list as tidy as it would be without the dispatch.
fn finish(world: &mut DeferredWorld, target: Entity, id: SignalId) {
    let Some(mut signals) = world.get_mut::<Signals>(target) else {
        return;
    };
    let signals = signals.bypass_change_detection();
    if let Some(list) = signals.list_mut(id) {
        list.end();
    }
    if signals.tidy(id) == Tidy::Compact {
        register::compact(world, target, id);
    }
}
