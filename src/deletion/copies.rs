//! Copies of an entity that is being deleted: they live, and they are seen if it was.
//!
//! The mark is not copied. What the deletion put on its entity besides is copied by Bevy with the
//! rest, and is taken off here.

use bevy_ecs::{
    component::{Component, ComponentCloneBehavior, Mutable, StorageType},
    entity::{ComponentCloneCtx, Entity, SourceComponent},
    entity_disabling::Disabled,
    lifecycle::Add,
    observer::On,
    system::Commands,
    world::World,
};

use crate::deleting::{Deleting, Visibility};

// It has no hooks: they would cost each deletion.
impl Component for Deleting {
    const STORAGE_TYPE: StorageType = StorageType::Table;

    type Mutability = Mutable;

    fn clone_behavior() -> ComponentCloneBehavior {
        ComponentCloneBehavior::Custom(leave_behind)
    }
}

/// Leaves a mark where it is, and has the copy seen if the deletion hid the original.
fn leave_behind(mark: &SourceComponent, ctx: &mut ComponentCloneCtx) {
    let Some(mark) = mark.read::<Deleting>() else {
        return;
    };
    let [source, target] = [ctx.source(), ctx.target()];
    let is_hidden = mark.visibility() == Visibility::Hidden;
    if ctx.moving() {
        // Bevy takes from the original what is not written to the copy, and applies commands when
        // it has.
        let mark = mark.duplicate();
        ctx.queue_deferred(move |world, _| {
            let shows = is_hidden && !is_hidden_itself(world, target);
            world.commands().queue(move |world: &mut World| {
                give_back(world, source, mark);
                if shows {
                    show_when_hidden(world, target);
                }
            });
        });
    } else if is_hidden {
        ctx.queue_deferred(move |world, _| {
            if !is_hidden_itself(world, target) {
                // Its components are written after this, and before the next commands are applied.
                world.commands().queue(move |world: &mut World| {
                    if let Ok(mut target) = world.get_entity_mut(target) {
                        target.remove::<Disabled>();
                    }
                });
            }
        });
    }
}

/// Returns `true` if a target of a clone is hidden on its own account.
fn is_hidden_itself(world: &World, target: Entity) -> bool {
    let target = world.get_entity(target);
    target.is_ok_and(|target| target.contains::<Disabled>() || target.contains::<Deleting>())
}

/// Gives its mark back to an entity whose components were moved away.
fn give_back(world: &mut World, entity: Entity, mark: Deleting) {
    let Ok(mut entity) = world.get_entity_mut(entity) else {
        return;
    };
    match mark.visibility() {
        Visibility::Hidden => entity.insert((mark, Disabled)),
        Visibility::AsItWas => entity.insert(mark),
    };
}

/// Has an entity seen as soon as it is hidden, once.
fn show_when_hidden(world: &mut World, entity: Entity) {
    world.add_observer(move |hidden: On<Add<Disabled>>, mut commands: Commands| {
        if hidden.entity == entity {
            commands.entity(entity).try_remove::<Disabled>();
            commands.entity(hidden.observer()).despawn();
        }
    });
}
