//! Looking at many parts of a world side by side.
//!
//! The result is the same with threads and without, to the byte: parts are looked at by whatever
//! thread is free, and what they find is put together in their order.

use crate::panics::{FirstPanic, Panicked, catch};

/// How many entities a part has at most. Fewer are looked at faster than they are handed to a
/// thread.
pub(crate) const PART: usize = 4096;

/// Cuts the entities of archetypes into parts, in order. An archetype comes with a key.
///
/// Small archetypes share a part, because each part learns anew what the types in it hold.
pub(crate) fn parts<'a, K: Copy, E>(
    archetypes: impl IntoIterator<Item = (K, &'a [E])>,
) -> Vec<Vec<(K, &'a [E])>> {
    let mut parts = Vec::new();
    let mut room = 0;
    for (key, mut entities) in archetypes {
        while !entities.is_empty() {
            if room == 0 {
                parts.push(Vec::new());
                room = PART;
            }
            let (taken, left) = entities.split_at(room.min(entities.len()));
            room -= taken.len();
            entities = left;
            parts
                .last_mut()
                .expect("a part should be begun")
                .push((key, taken));
        }
    }
    parts
}

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

#[cfg(test)]
mod tests {
    use crate::parallel::{PART, parts};

    #[test]
    fn parts_are_full_and_have_all_entities_in_order() {
        let entities: Vec<_> = (0..3 * PART).collect();
        let (small, large) = entities.split_at(10);
        let archetypes = small.chunks(3).chain([&[][..], large]);

        let parts = parts(archetypes.enumerate());

        let sizes: Vec<usize> = parts
            .iter()
            .map(|part| part.iter().map(|(_, entities)| entities.len()).sum())
            .collect();
        assert_eq!(sizes, [PART; 3]);
        let first: Vec<_> = parts[0]
            .iter()
            .map(|(key, taken)| (*key, taken.len()))
            .collect();
        assert_eq!(first, [(0, 3), (1, 3), (2, 3), (3, 1), (5, PART - 10)]);
        let all = parts.iter().flatten().flat_map(|(_, taken)| *taken);
        assert!(all.eq(&entities));
    }
}
