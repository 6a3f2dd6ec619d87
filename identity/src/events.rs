//! What a game is told of its objects.

use bevy_ecs::{
    entity::Entity,
    event::{EntityEvent, Event},
    world::World,
};

use crate::{
    StableId,
    error::{CheckpointError, LoadError},
    report::CheckpointReport,
};

/// Triggers an event, and applies the commands of those who heard it.
pub(crate) fn tell<'a>(world: &mut World, event: impl Event<Trigger<'a>: Default>) {
    world.trigger(event);
    world.flush();
}

/// A new object has got its id.
#[derive(EntityEvent, Debug, Clone, Copy, PartialEq, Eq)]
pub struct Created {
    /// Its entity.
    pub entity: Entity,
    /// Its id.
    pub id: StableId,
}

/// An object is back, with all that it owns and all that owns it.
///
/// Observers of `On<Add, ...>` run before, while the object may be half filled. They can tell a
/// load apart by [`Residents::is_loading`](crate::Residents::is_loading).
#[derive(EntityEvent, Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// Its new entity.
    pub entity: Entity,
    /// Its id.
    pub id: StableId,
    /// What it names and what was deleted while it was away, in the order of ids.
    pub gone: Vec<StableId>,
}

/// An object that was requested by [`CommandsIdentityExt::load`](crate::CommandsIdentityExt::load)
/// did not come.
#[derive(Event, Debug)]
pub struct LoadFailed {
    /// Its id.
    pub id: StableId,
    /// Why. If several failed for one reason, the first has it.
    pub error: Option<LoadError>,
}

/// What had changed is in the store.
#[derive(Event, Debug, Clone, PartialEq, Eq)]
pub struct Checkpointed {
    /// What was written.
    pub report: CheckpointReport,
}

/// A checkpoint on the worker wrote nothing. All that changed stays dirty, and resident.
#[derive(Event, Debug)]
pub struct CheckpointFailed {
    /// Why.
    pub error: CheckpointError,
}

/// An entity lost an id that was not its own.
#[derive(EntityEvent, Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRefused {
    /// The entity.
    pub entity: Entity,
    /// The id that it should not have had.
    pub id: StableId,
    /// Its own id, which it has again. If it had none, it is no object any more.
    pub own: Option<StableId>,
}
