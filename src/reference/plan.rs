//! What a release would do.

use bevy_ecs::{entity::Entity, world::World};

use super::{Place, Policy, tracked::Tracked};
use crate::{
    liveness::{Liveness, LivenessExt},
    signal::Books,
};

/// A declared reference that a deletion would release.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedRelease {
    /// The entity of the component that names the one to be deleted.
    pub holder: Entity,
    /// The type name of the component.
    pub component: &'static str,
    /// Where in the component it is named: `.friends[3]`.
    pub path: String,
    /// What becomes of the place.
    pub policy: Policy,
}

/// Returns all places that name `target`, as far as is known, without those of entities that are being deleted.
pub(crate) fn planned(world: &World, target: Entity) -> Vec<PlannedRelease> {
    let (Some(tracked), Some(books)) = (
        world.get_resource::<Tracked>(),
        world.get_resource::<Books>(),
    ) else {
        return Vec::new();
    };
    let mut planned = Vec::new();
    for (holder, number) in books.referrers(target) {
        if world.liveness(holder) != Liveness::Alive {
            continue;
        }
        let reach = tracked.get(number).reach;
        for Place { path, policy, .. } in reach.places(world, holder, &mut |at| at == target) {
            planned.push(PlannedRelease {
                holder,
                component: reach.name(),
                path,
                policy,
            });
        }
    }
    planned
}
