//! A tracked type by itself, with its type erased.

use core::{any::Any, cell::Cell};

use bevy_ecs::{
    component::ComponentId,
    entity::Entity,
    world::{DeferredWorld, World},
};

use crate::{
    books::ids::HandlerId,
    reference::{
        entity_set::Among, field_places::FieldPlace, liveness_marks::LivenessMarks, policy::OnLoss,
    },
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

/// Reads and changes components of a type that is erased.
pub(crate) trait Reach: Send + Sync {
    /// The name of the type.
    fn name(&self) -> &'static str;

    /// Whether losing an entity may delete more or refuse the deletion.
    fn cascades(&self) -> bool;

    /// Whether a component is only changed when commands are applied.
    fn is_deferred(&self) -> bool;

    /// Calls `visit` for each entity that the component of `holder` names.
    fn visit(&self, world: &World, holder: Entity, visit: &mut dyn FnMut(Entity, OnLoss));

    /// Returns the places where the component of `holder` names an entity which `is_meant`.
    fn places(
        &self,
        world: &World,
        holder: Entity,
        is_meant: &mut dyn FnMut(Entity) -> bool,
    ) -> Vec<FieldPlace>;

    /// Calls `found` for each place of the component of `holder` with the policy `Deny`. It is
    /// given the name of the field.
    fn denying_fields(
        &self,
        world: &World,
        holder: Entity,
        found: &mut dyn FnMut(Entity, &'static str),
    );

    /// Makes the component of `holder` release what is `lost`, and tells it if `notify` says so.
    ///
    /// `lost` holds what it names now in places that let go, each once. A component that still
    /// names what is lost afterwards is not told. A component that cannot be changed in place is
    /// read again and changed when commands are applied.
    fn release(
        &self,
        world: &mut DeferredWorld,
        holder: Entity,
        lost: &[Entity],
        notify: NotifyOwner,
    );

    /// Returns the query for [`release_run`](Self::release_run), if the components can be changed
    /// in place.
    fn release_query(&self, world: &mut World) -> Option<ReleaseQuery>;

    /// Makes components release what they have lost, each in one visit, and tells them. Stops
    /// before the first for which that is not enough.
    ///
    /// Nothing that is called here can reach the world. The query is only worth it for several
    /// components.
    fn release_run(&self, world: &mut DeferredWorld, query: Option<&mut ReleaseQuery>, run: &Run);
}

/// A query that finds components to change them, with its type erased.
pub(crate) type ReleaseQuery = Box<dyn Any + Send + Sync>;

/// Components of one type that release what they have lost, in order. A panic leaves it as it is
/// then, so that it can go on behind the component that panicked.
pub(crate) struct Run<'a> {
    pub(crate) holders: &'a [Holder],
    /// Entities that are lost.
    pub(crate) lost: &'a Among<'a>,
    /// How many holders were visited.
    pub(crate) visited: Cell<usize>,
    /// How many of them had to release an entity.
    pub(crate) released: Cell<usize>,
    /// Whether the last visit came to the point where the component is changed.
    pub(crate) is_changing: Cell<bool>,
}

/// The entity of a component in a [`Run`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holder {
    pub(crate) entity: Entity,
    pub(crate) notify: NotifyOwner,
}

/// Whether a component is told of what it lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotifyOwner {
    Yes,
    /// Its entity is deleted as well.
    No,
}
