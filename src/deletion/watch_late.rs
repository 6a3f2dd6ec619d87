//! How components are noticed that come late: on an entity that is being deleted.

use bevy_ecs::{component::ComponentId, entity::Entity, world::DeferredWorld};

use crate::{deleting::Deleting, deletion::queue::Deletions, signal::inserts::OnInsert};

/// Notes components that are inserted on entities that are being deleted.
pub(crate) enum LateInserts {}

impl OnInsert for LateInserts {
    fn on_insert(world: &mut DeferredWorld, entity: Entity, component: ComponentId) {
        if world.get::<Deleting>(entity).is_none() {
            return;
        }
        // Without a worklist, the world was cleared.
        if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
            deletions.late.note(entity, component);
        }
    }
}
