//! Panics of code that is not ours.

use core::{any::Any, mem};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Does `call`, and returns what it panicked with as text.
///
/// What `call` changes must be thrown away or repaired after a panic.
pub(crate) fn caught<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|payload| {
        let text = message(&*payload);
        if let Err(worse) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            // A payload that panics when it is dropped may do so with another such one.
            mem::forget(worse);
        }
        text
    })
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}
