//! Panics of user code: they are caught so that the work is finished, and resume when it is.

use core::{any::Any, mem};
use std::panic::{self, AssertUnwindSafe};

use bevy_ecs::world::World;
use bevy_platform::cell::SyncCell;

/// The payload of a panic of user code.
///
/// It can be dropped safely: a payload that panics when it is dropped is forgotten.
#[expect(unnameable_types, reason = "part of a sealed trait")]
pub struct Panicked(Option<Box<dyn Any + Send>>);

impl Panicked {
    /// Resumes the panic.
    pub(crate) fn resume(mut self) -> ! {
        let payload = self.0.take();
        panic::resume_unwind(payload.expect("a panic should be resumed once"))
    }

    /// Returns the message of the panic, if it has one.
    pub(crate) fn message(&self) -> Option<&str> {
        let payload = self.0.as_deref()?;
        let text = payload.downcast_ref::<&str>().copied();
        text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
    }
}

impl Drop for Panicked {
    fn drop(&mut self) {
        let payload = self.0.take();
        if let Err(worse) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            // What it panicked with may panic when it is dropped as well.
            mem::forget(worse);
        }
    }
}

/// Calls `f`, and returns the panic if it panicked.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panicked> {
    panic::catch_unwind(AssertUnwindSafe(f)).map_err(|payload| Panicked(Some(payload)))
}

/// Applies the commands that wait.
pub(crate) fn apply_commands(world: &mut World) -> Result<(), Panicked> {
    catch(|| world.flush())
}

/// The first panic of work that is done in several steps. Later panics are dropped.
#[derive(Default)]
pub(crate) struct FirstPanic(Option<SyncCell<Panicked>>);

impl FirstPanic {
    /// Calls `f`, and keeps its panic if it is the first.
    #[inline]
    pub(crate) fn run(&mut self, f: impl FnOnce()) {
        self.note(catch(f));
    }

    /// Keeps the panic of an `outcome` if it is the first.
    #[inline]
    pub(crate) fn note(&mut self, outcome: Result<(), Panicked>) {
        if let Err(panicked) = outcome {
            self.keep(panicked);
        }
    }

    /// Keeps a panic if it is the first.
    #[cold]
    pub(crate) fn keep(&mut self, panicked: Panicked) {
        self.0.get_or_insert(SyncCell::new(panicked));
    }

    /// Returns `true` if a panic is kept.
    #[inline]
    pub(crate) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Takes the panic out, if one is kept, as an outcome.
    pub(crate) fn take(&mut self) -> Result<(), Panicked> {
        mem::take(self).into_outcome()
    }

    /// Returns the panic, if one is kept, as an outcome.
    #[inline]
    pub(crate) fn into_outcome(self) -> Result<(), Panicked> {
        self.0.map_or(Ok(()), |kept| Err(SyncCell::to_inner(kept)))
    }

    /// Resumes the panic, if one is kept.
    #[inline]
    pub(crate) fn resume(self) {
        if let Err(panicked) = self.into_outcome() {
            panicked.resume();
        }
    }
}

impl From<Result<(), Panicked>> for FirstPanic {
    fn from(outcome: Result<(), Panicked>) -> Self {
        Self(outcome.err().map(SyncCell::new))
    }
}
