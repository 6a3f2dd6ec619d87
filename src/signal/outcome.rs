//! The results of registering, and the size of the books.

use crate::books::enter::Entered;

/// The result of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// It is in the books, at the end of the order or in its earlier place.
    Now,
    /// There was one already. It has the new handler now and keeps its place in the order. Only
    /// [`replace_signal`](crate::WorldSignalExt::replace_signal) returns this.
    Replaced,
    /// It is in the books, and a command will complete it. The world was a `DeferredWorld`, and the
    /// target or the handler needs its first structural change. It can be queried, replaced and
    /// ended, and keeps its place in the order. If the target is deleting or gone when the command
    /// is applied, the listener is told at once.
    ///
    /// Before the first registration in a world there are no books. Then it waits in the command
    /// queue, and is entered or refused when that is applied.
    Queued,
}

impl Registered {
    /// Returns the result for what was entered.
    pub(crate) fn by(entered: Entered) -> Self {
        match entered {
            Entered::Replaced => Self::Replaced,
            Entered::New | Entered::Kept | Entered::Refused => Self::Now,
        }
    }
}

/// How large the books are, counted by walking them.
///
/// For tests and leak hunts. After entities have come and gone, the numbers are what they were
/// before, except for memory that is bounded by what lives. An entity that was listened to keeps an
/// empty list of about 64 bytes for each signal until it goes. An entity that listened keeps a slot
/// of 12 bytes until it goes, and one that named others keeps another. A list that was longer keeps
/// room for up to 512 listeners until the last of them goes. Room for 1,024 lists, 32 blocks of
/// links and three empty pages, two of 12 and one of 4 KiB, are kept for reuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Footprint {
    /// Registrations that are in force.
    pub registrations: usize,
    /// Places in the lists of targets, with the empty ones.
    pub places: usize,
    /// Listeners with more than one registration, plus those with more than one declared reference.
    /// They have memory of their own: a block of about 200 bytes for up to eight, and a map for
    /// more.
    pub crowded_listeners: usize,
    /// Bytes on the heap for the lists of targets and the links of listeners.
    pub heap_bytes: usize,
}
