//! Looking at many parts of a world side by side.
//!
//! The result is the same with threads and without, to the byte: parts are looked at by whatever
//! thread is free, and what they find is put together in their order.

use crate::panics::{FirstPanic, Panicked, catch};

/// How many entities a part has at most. Fewer are looked at faster than they are handed to a
/// thread.
pub(crate) const PART: usize = 4096;

/// Calls `look` for all parts, and returns what it returns, in order.
///
/// With the feature `multi_threaded`, the parts are dealt out to the threads of Bevy's
/// `ComputeTaskPool`, if there is one and there are two parts or more.
///
/// # Errors
///
/// Returns the panic of the first part that panicked, after all others have been looked at.
pub(crate) fn map<P: Send, R: Send + 'static>(
    parts: Vec<P>,
    look: impl Fn(P) -> R + Sync,
) -> Result<Vec<R>, Panicked> {
    let mut first_panic = FirstPanic::default();
    let mut all = Vec::with_capacity(parts.len());
    for looked in run(parts, |part| catch(|| look(part))) {
        match looked {
            Ok(looked) => all.push(looked),
            Err(panicked) => first_panic.keep(panicked),
        }
    }
    first_panic.into_outcome().map(|()| all)
}

#[cfg(feature = "multi_threaded")]
fn run<P: Send, R: Send + 'static>(parts: Vec<P>, look: impl Fn(P) -> R + Sync) -> Vec<R> {
    let pool = bevy_tasks::ComputeTaskPool::try_get();
    match pool.filter(|pool| parts.len() > 1 && pool.thread_num() > 1) {
        None => parts.into_iter().map(look).collect(),
        Some(pool) => {
            let look = &look;
            pool.scope(|scope| {
                for part in parts {
                    scope.spawn(async move { look(part) });
                }
            })
        }
    }
}

#[cfg(not(feature = "multi_threaded"))]
fn run<P: Send, R: Send + 'static>(parts: Vec<P>, look: impl Fn(P) -> R + Sync) -> Vec<R> {
    parts.into_iter().map(look).collect()
}
