//! Who is hidden from queries while it is being deleted, and who is not any more.

use bevy_ecs::{archetype::Archetype, entity::Entity, entity_disabling::Disabled, world::World};

use crate::{
    deleting::{Deleting, Visibility},
    panics::{Panicked, catch},
};

/// Takes an entity out of hiding that is about to be despawned, if its deletion hid it. Returns `None` if there is
/// nothing to do.
pub(super) fn show(world: &mut World, entity: Entity) -> Option<Result<(), Panicked>> {
    let mut entity = world.get_entity_mut(entity).ok()?;
    let is_hidden = is_hidden_by_us(entity.get()) && entity.contains::<Disabled>();
    is_hidden.then(|| {
        catch(|| {
            entity.remove::<Disabled>();
        })
    })
}

/// Hides an entity that could not be despawned, as it was before.
pub(super) fn hide_again(world: &mut World, entity: Entity) -> Result<(), Panicked> {
    let Ok(mut entity) = world.get_entity_mut(entity) else {
        return Ok(());
    };
    if !is_hidden_by_us(entity.get()) {
        return Ok(());
    }
    catch(|| {
        entity.insert_if_new(Disabled);
    })
}

fn is_hidden_by_us(mark: Option<&Deleting>) -> bool {
    mark.is_some_and(|mark| mark.visibility() == Visibility::Hidden)
}

/// Tells whether observers may look at entities of an archetype when they are despawned. Hooks read by id, so that they
/// see the hidden as well.
pub(super) fn is_looked_at(archetype: &Archetype) -> bool {
    archetype.has_despawn_observer()
        || archetype.has_discard_observer()
        || archetype.has_remove_observer()
}
