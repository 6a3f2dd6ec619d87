//! The ways from roots to holders.

use bevy_ecs::{
    archetype::{Archetype, ArchetypeEntity},
    component::Component,
    entity::{Entity, EntityHashSet},
    resource::IsResource,
    world::World,
};

use crate::{
    hash::HashMap,
    inspect::{MAX_DEPTH, label::order, readers::archetypes},
};

/// Marks an entity as a root for [`find_references`](crate::WorldReferencesExt::find_references).
/// Every resource is a root as well.
///
/// A root is an entity that the game reaches without any other, such as the player or the level.
///
/// It does nothing else.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::{WorldReferencesExt, ReferenceRoot};
///
/// let mut world = World::new();
/// let level = world.spawn((Name::new("level"), ReferenceRoot)).id();
/// let room = world.spawn(ChildOf(level)).id();
/// let chest = world.spawn(ChildOf(room)).id();
///
/// let report = world.find_references(chest);
///
/// let chain = report.holders[0].chain.as_ref().unwrap();
/// assert_eq!(chain[0].label.entity, level);
/// ```
#[derive(Component, Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(
    feature = "bevy_reflect",
    derive(bevy_reflect::Reflect),
    reflect(Component, Debug, Clone, PartialEq, Default)
)]
pub struct ReferenceRoot;

#[cfg(feature = "bevy_reflect")]
use bevy_ecs::reflect::ReflectComponent;
#[cfg(feature = "bevy_reflect")]
use bevy_reflect::std_traits::ReflectDefault;

/// The entity from which each entity is reached first, from all roots at once.
pub(crate) struct Origins(HashMap<Entity, Origin>);

#[derive(Clone, Copy)]
enum Origin {
    Root,
    NamedBy(Entity),
}

impl Origins {
    /// Goes from the roots outwards until all `wanted` are reached, but never through `target`.
    ///
    /// `named_by` returns the entities that an entity names, each once and in order.
    pub(crate) fn explore(
        world: &World,
        target: Entity,
        wanted: &[Entity],
        mut named_by: impl FnMut(Entity) -> Vec<Entity>,
    ) -> Self {
        let mut missing: EntityHashSet = wanted.iter().copied().collect();
        let mut origins = HashMap::default();
        let mut level = roots(world);
        for root in &level {
            origins.insert(*root, Origin::Root);
            missing.remove(root);
        }
        for _ in 0..MAX_DEPTH {
            if missing.is_empty() {
                break;
            }
            // In this order, the first way that is found is also the first of its length.
            let mut next = Vec::new();
            for holder in level.into_iter().filter(|holder| *holder != target) {
                for named in named_by(holder) {
                    origins.entry(named).or_insert_with(|| {
                        missing.remove(&named);
                        next.push(named);
                        Origin::NamedBy(holder)
                    });
                }
            }
            level = next;
        }
        Self(origins)
    }

    /// Returns the entities on the way to `holder`, the root first. Returns `None` if there is no
    /// way.
    pub(crate) fn way_to(&self, holder: Entity) -> Option<Vec<Entity>> {
        let mut way = Vec::new();
        let mut at = holder;
        while let Origin::NamedBy(before) = *self.0.get(&at)? {
            way.push(before);
            at = before;
        }
        way.reverse();
        Some(way)
    }
}

/// Returns all roots, in order.
fn roots(world: &World) -> Vec<Entity> {
    let components = world.components();
    let marks = [
        components.component_id::<IsResource>(),
        components.component_id::<ReferenceRoot>(),
    ];
    let mut roots: Vec<_> = archetypes(world)
        .filter(|archetype| {
            let mut marks = marks.iter().flatten();
            marks.any(|mark| archetype.contains(*mark))
        })
        .flat_map(Archetype::entities)
        .map(ArchetypeEntity::id)
        .collect();
    roots.sort_unstable_by_key(|root| order(*root));
    roots
}
