//! An identity map for `bevy_ecs`: a world larger than memory.

pub mod error;
mod names;
mod stable_id;
mod stable_ref;
pub mod store;
mod stored;
pub mod testing;

pub use self::{stable_id::StableId, stable_ref::StableRef, stored::Stored};
