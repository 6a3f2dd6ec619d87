//! A tracked type by itself: how its components are reached when the type is forgotten.

use bevy_ecs::{
    component::ComponentId,
    entity::Entity,
    world::{DeferredWorld, World},
};

use crate::{
    books::ids::HandlerId,
    reference::{field_places::FieldPlace, liveness_marks::LivenessMarks, policy::OnLoss},
};

/// A tracked type, copied out of the world.
#[derive(Clone, Copy)]
pub(crate) struct Tracking {
    pub(crate) number: u32,
    pub(crate) component: ComponentId,
    pub(crate) handler: HandlerId,
    pub(crate) reach: &'static dyn Reach,
    pub(crate) marks: LivenessMarks,
}

/// A component type that is forgotten: how to read and change a component of it.
pub(crate) trait Reach: Send + Sync {
    /// The name of the type.
    fn name(&self) -> &'static str;

    /// Whether losing an entity may delete more or refuse the deletion.
    fn cascades(&self) -> bool;

    /// Whether a component is only changed when commands are applied.
    fn is_deferred(&self) -> bool;

    /// Calls `visit` for each entity that the component of `holder` names.
    fn visit(&self, world: &World, holder: Entity, visit: &mut dyn FnMut(Entity, OnLoss));

    /// Returns where the component of `holder` names somebody who `is_meant`.
    fn places(
        &self,
        world: &World,
        holder: Entity,
        is_meant: &mut dyn FnMut(Entity) -> bool,
    ) -> Vec<FieldPlace>;

    /// Calls `found` for each place of the component of `holder` that refuses to lose whom it
    /// names, with the name of the field.
    fn denying_fields(
        &self,
        world: &World,
        holder: Entity,
        found: &mut dyn FnMut(Entity, &'static str),
    );

    /// Has the component of `holder` let go of what is `lost`, and tells it if that is wanted.
    ///
    /// What is lost must be what it names at this moment in places that let go, each once. Who
    /// cannot let go, or does not, where it came too late to refuse, does not hear of it. A
    /// component that cannot be changed where it is waits for the next time that commands are
    /// applied, and is read again then.
    fn release(
        &self,
        world: &mut DeferredWorld,
        holder: Entity,
        lost: &[Entity],
        notify: NotifyOwner,
    );
}

/// Whether a component hears of what it lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotifyOwner {
    Yes,
    /// It goes as well.
    No,
}
