//! What the verbs of signals answer.

use crate::books::enter::Entered;

/// What became of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// It is in the books, at the end of the order, or where it was.
    Now,
    /// There was one: its handler is the new one now, and its place in the order is kept. Only
    /// [`replace_signal`](crate::WorldSignalExt::replace_signal) answers that.
    Replaced,
    /// It is in the books, and a command has yet to complete it: the world was a `DeferredWorld`,
    /// and the target or the handler needs its first structural change. It can be asked about,
    /// replaced and ended, and keeps its place in the order. If the target is deleting or gone by
    /// the time of the command, the listener is told at once.
    ///
    /// Before the first registration in a world there are no books: then it waits in the command
    /// queue, and is entered, or refused, when that is applied.
    Queued,
}

impl Registered {
    /// Returns what entering a registration came to.
    pub(crate) fn by(entered: Entered) -> Self {
        match entered {
            Entered::Replaced => Self::Replaced,
            Entered::New | Entered::Kept | Entered::Refused => Self::Now,
        }
    }
}

/// How large the books are, counted by walking them.
///
/// For tests and for leak hunts: after any churn the numbers are what they were before, but for
/// memory that is bounded by what lives. An entity that was listened to keeps an empty list of
/// about 64 bytes for each signal, and an entity that listened, or named others, a slot of 12 bytes
/// for either, until it goes. A list that was longer keeps room for up to 512 listeners until the
/// last of them goes. Room for 1,024 lists and three empty pages, two of 12 and one of 4 KiB, are
/// kept for reuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// Registrations that are in force.
    pub registrations: usize,
    /// Places in the lists of targets, taken or not.
    pub places: usize,
    /// Listeners with more than one registration, which need books of their own, and those with
    /// more than one declared reference.
    pub crowded_listeners: usize,
    /// Bytes that the lists of targets and the books of listeners hold on the heap.
    pub heap_bytes: usize,
}
