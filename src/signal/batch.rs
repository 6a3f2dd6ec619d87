//! Listeners whose handlers reach only their own fields, called without a look at the books between
//! them.

use core::{cell::Cell, ops::Range};

use bevy_ecs::{component::ComponentId, entity::Entity, world::DeferredWorld};
use smallvec::SmallVec;

use crate::{
    books::{
        call::{Call, CallFields, Round},
        list::List,
        table::Table,
    },
    panics::{FirstPanic, Panicked, catch},
};

/// The longest batch, which is copied to the stack.
const BATCH: usize = 128;

/// How many runs of one handler are in a batch at most.
const RUNS: usize = 48;

/// The longest list that fits into a [`ShortBatch`].
const SHORT: usize = 4;

/// The next listeners of a list.
pub(crate) struct Batch {
    listeners: SmallVec<[Option<Entity>; BATCH]>,
    runs: SmallVec<[Run; RUNS]>,
}

/// All listeners of a short list, which share a handler.
pub(crate) struct ShortBatch {
    listeners: [Option<Entity>; SHORT],
    run: Run,
}

/// Neighbours with the same handler.
#[derive(Clone, Copy)]
struct Run {
    handler: &'static dyn CallFields,
    component: ComponentId,
    /// How many listeners of the batch there are up to the last of this run.
    end: usize,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self {
            listeners: SmallVec::new(),
            runs: SmallVec::new(),
        }
    }

    /// Takes the listener of one call.
    #[cold]
    pub(crate) fn set(
        &mut self,
        handler: &'static dyn CallFields,
        component: ComponentId,
        listener: Entity,
    ) {
        self.listeners.clear();
        self.runs.clear();
        self.listeners.push(Some(listener));
        self.runs.push(Run {
            handler,
            component,
            end: 1,
        });
    }

    /// Takes the listeners at `places` of a list. Returns where it stopped: at a handler of another
    /// shape, at a registration that ends before its call, or when it is full.
    #[inline(never)]
    pub(crate) fn fill(&mut self, table: &Table, list: &List, places: Range<u32>) -> u32 {
        self.listeners.clear();
        self.runs.clear();
        let start = places.start;
        let longest = places.end.min(start + BATCH as u32);
        let mut end = start;
        while end < longest && self.runs.len() < RUNS {
            let (handler, places) = list.run(end..longest);
            let (Call::Fields(call), component) = table.call_for(handler) else {
                break;
            };
            if handler.is_once() {
                break;
            }
            end = places.end;
            self.runs.push(Run {
                handler: call,
                component,
                end: (end - start) as usize,
            });
        }
        self.listeners.extend_from_slice(list.at(start..end));
        end
    }

    /// Calls the handlers. After a panic, it goes on with the next listener.
    pub(crate) fn call(
        &self,
        world: &mut DeferredWorld,
        round: &mut Round,
    ) -> Result<(), Panicked> {
        call(&self.runs, &self.listeners, world, round)
    }
}

impl ShortBatch {
    /// Returns all listeners of a list, if they are few and share a handler of fields.
    #[inline]
    pub(crate) fn of(table: &Table, list: &List) -> Option<Self> {
        let places = list.at(list.untold());
        let handler = list.shared_handler()?;
        if places.len() > SHORT || places.is_empty() || handler.is_once() {
            return None;
        }
        let (Call::Fields(call), component) = table.call_for(handler) else {
            return None;
        };
        let mut listeners = [None; SHORT];
        for (listener, place) in listeners.iter_mut().zip(places) {
            *listener = *place;
        }
        Some(Self {
            listeners,
            run: Run {
                handler: call,
                component,
                end: places.len(),
            },
        })
    }

    /// Calls the handlers. After a panic, it goes on with the next listener.
    #[inline]
    pub(crate) fn call(
        &self,
        world: &mut DeferredWorld,
        round: &mut Round,
    ) -> Result<(), Panicked> {
        call(&[self.run], &self.listeners, world, round)
    }
}

#[inline]
fn call(
    runs: &[Run],
    listeners: &[Option<Entity>],
    world: &mut DeferredWorld,
    round: &mut Round,
) -> Result<(), Panicked> {
    let done = Cell::new(0);
    let mut first_panic = FirstPanic::default();
    loop {
        let before = done.get();
        let called = catch(|| {
            for run in runs {
                if done.get() < run.end {
                    let listeners = &listeners[..run.end];
                    run.handler
                        .call(world, run.component, round, listeners, &done);
                }
            }
        });
        let finished = called.is_ok() || done.get() == before;
        first_panic.note(called);
        if finished {
            return first_panic.into_outcome();
        }
    }
}
