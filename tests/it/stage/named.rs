//! Entities with names, whose ends are noted.

use bevy_ecs::{entity_disabling::Disabled, prelude::*};

use super::Order;

/// A name to tell an entity by.
#[derive(Component, Clone)]
pub(crate) struct Named(pub(crate) &'static str);

/// Makes a world that notes each `Named` entity that is despawned.
pub(crate) fn noting_world() -> World {
    let mut world = World::new();
    world.init_resource::<Order<String>>();
    world.add_observer(
        |gone: On<Despawn<Named>>,
         names: Query<&Named, Allow<Disabled>>,
         mut order: ResMut<Order<String>>| {
            let Named(name) = names.get(gone.entity).unwrap();
            order.0.push(format!("gone {name}"));
        },
    );
    world
}
