//! Panics of user code, which are caught so that the work goes on, and go on when it is done.

use core::{any::Any, mem};
use std::panic::{self, AssertUnwindSafe};

/// What user code panicked with.
///
/// Dropping it is safe: a payload that panics when it is dropped costs nobody else anything.
#[expect(unnameable_types, reason = "part of a sealed trait")]
pub struct Panicked(Option<Box<dyn Any + Send>>);

impl Panicked {
    /// Goes on with the panic.
    pub(crate) fn resume(mut self) -> ! {
        let payload = self.0.take();
        panic::resume_unwind(payload.expect("a panic should go on once"))
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
            // Whoever panics here once may do so again.
            mem::forget(worse);
        }
    }
}

/// Calls `f`, and returns what it panicked with if it did.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panicked> {
    panic::catch_unwind(AssertUnwindSafe(f)).map_err(|payload| Panicked(Some(payload)))
}
