//! An identity map for `bevy_ecs`: a world larger than memory.

pub mod error;
mod stable_id;
pub mod store;
pub mod testing;

pub use self::stable_id::StableId;
