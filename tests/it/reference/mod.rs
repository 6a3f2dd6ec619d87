//! Declared references, and weak handles.

mod containers;
mod declared_types;
mod denied;
mod interplay;
mod one_list;
#[cfg(feature = "bevy_app")]
mod placed_sync;
mod policies;
mod references;
mod unmarked;
mod weak;
