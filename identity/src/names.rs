//! Which objects a component names, as seen while it is encoded.
//!
//! A codec need not say which ids it writes: each [`StableRef`](crate::StableRef) that is
//! serialized notes itself here, if anything asked for that on this thread.

use core::cell::RefCell;

use crate::StableId;

thread_local! {
    /// The ids that were noted, while that is asked for.
    static NOTED: RefCell<Option<Vec<StableId>>> = const { RefCell::new(None) };
}

/// Notes that an object is named.
pub(crate) fn note(id: StableId) {
    NOTED.with_borrow_mut(|noted| {
        if let Some(noted) = noted {
            noted.push(id);
        }
    });
}

/// Does `encode`, and adds the objects that are named meanwhile to `names`.
///
/// If it panics, none are added, and the next call begins anew.
pub(crate) fn collect<T>(names: &mut Vec<StableId>, encode: impl FnOnce() -> T) -> T {
    /// Ends the collection, also when a panic goes on.
    struct End;

    impl Drop for End {
        fn drop(&mut self) {
            NOTED.set(None);
        }
    }

    NOTED.set(Some(Vec::new()));
    let end = End;
    let value = encode();
    names.extend(NOTED.take().unwrap_or_default());
    drop(end);
    value
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    fn id(number: u64) -> StableId {
        StableId::new(number).unwrap()
    }

    #[test]
    fn names_are_collected_in_order_and_only_while_asked_for() {
        let mut names = vec![id(9)];
        note(id(1));
        let value = collect(&mut names, || {
            note(id(3));
            note(id(2));
            7
        });
        note(id(4));

        assert_eq!((value, names), (7, vec![id(9), id(3), id(2)]));
    }

    #[test]
    fn panic_leaves_nothing_for_the_next() {
        let panicked = catch_unwind(|| {
            collect(&mut Vec::new(), || {
                note(id(1));
                panic!("the codec fails");
            })
        });
        assert!(panicked.is_err());

        let mut names = Vec::new();
        note(id(2));
        collect(&mut names, || note(id(3)));

        assert_eq!(names, [id(3)]);
    }
}
