//! Reading relationships of types that are known at run time only.

use bevy_ecs::{
    component::ComponentId,
    entity::Entity,
    relationship::RelationshipAccessor,
    world::{EntityRef, World},
};

/// Calls `visit` for each entity whose relationship names `entity`: those that its component
/// `target` lists.
#[expect(
    unsafe_code,
    reason = "Bevy has no safe way to read a relationship of a type that is known at run time only"
)]
pub(crate) fn related_by(
    world: &World,
    entity: EntityRef,
    target: ComponentId,
    visit: impl FnMut(Entity),
) {
    let Ok(value) = entity.get_by_id(target) else {
        return;
    };
    let info = world.components().get_info(target);
    let Some(&RelationshipAccessor::RelationshipTarget { iter, .. }) =
        info.and_then(|info| info.relationship_accessor())
    else {
        return;
    };
    // SAFETY: `value` points to the component `target` of an entity of `world`, and `iter` was
    // registered in the same world for that very component.
    let related = unsafe { iter(value) };
    related.for_each(visit);
}

/// Returns the entity that `entity` names by its relationship component `source`.
#[expect(
    unsafe_code,
    reason = "Bevy has no safe way to read a relationship of a type that is known at run time only"
)]
pub(crate) fn relation_of(world: &World, entity: EntityRef, source: ComponentId) -> Option<Entity> {
    let value = entity.get_by_id(source).ok()?;
    let info = world.components().get_info(source)?;
    let Some(&RelationshipAccessor::Relationship {
        entity_field_offset,
        ..
    }) = info.relationship_accessor()
    else {
        return None;
    };
    // SAFETY: `value` points to the component `source` of an entity of `world`. It has an `Entity`
    // at the offset that was registered in the same world for that very component.
    Some(unsafe { *value.byte_add(entity_field_offset).deref::<Entity>() })
}
