//! Work that should panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Returns the message with which `work` panics.
///
/// # Panics
///
/// Panics if `work` does not.
pub(crate) fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(work)) else {
        panic!("it should have panicked");
    };
    match payload.downcast::<&str>() {
        Ok(message) => (*message).to_owned(),
        Err(payload) => *payload
            .downcast::<String>()
            .expect("a panic should have a message"),
    }
}

/// Returns `true` if `work` panics.
pub(crate) fn panics<T>(work: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(work)).is_err()
}
