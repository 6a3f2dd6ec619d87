//! Copies, saves and states of Bevy beside `qdel`: see `tests/`.
//!
//! Whatever copies or loads an entity that is being deleted gives one that is alive and seen, or none; and whatever shows hidden entities again
//! does not bring back who is being deleted.
