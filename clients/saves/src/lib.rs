//! Copies, saves and states of Bevy beside `qdel`: see `tests/`.
//!
//! A copy of an entity that is being deleted, or one that is loaded, is alive and seen, or there is
//! none. What shows hidden entities again does not bring back those that are being deleted.
