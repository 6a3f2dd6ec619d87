//! A relationship of a game, which owns as `Children` does.

use bevy_ecs::{component::Component, entity::Entity};

#[derive(Component)]
#[relationship(relationship_target = Cargo)]
pub(crate) struct LoadedOn(pub(crate) Entity);

#[derive(Component)]
#[relationship_target(relationship = LoadedOn, linked_spawn)]
pub(crate) struct Cargo(Vec<Entity>);
