//! What an entity owns.

use bevy_ecs::{
    component::ComponentId,
    entity::{Entity, EntityHashSet},
    relationship::RelationshipAccessor,
    world::{EntityRef, World},
};
use smallvec::SmallVec;

use crate::deleting::Deleting;

/// An entity of a tree that is to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) entity: Entity,
    /// Who owns it; none for the root.
    pub(super) owner: Option<Entity>,
}

/// An entity that is to be deleted with all it owns: few own more than a few.
pub(super) type Tree = SmallVec<[Member; 4]>;

/// The relationships by which one entity owns another: those with `linked_spawn`.
#[derive(Debug, Default)]
pub(super) struct Ownerships {
    targets: Vec<ComponentId>,
    /// How many component types there were when the list was made.
    components: usize,
}

impl Ownerships {
    /// Returns the relationships that `world` knows by now.
    pub(super) fn of(world: &World) -> Self {
        let is_ownership = |accessor: &RelationshipAccessor| {
            matches!(accessor, RelationshipAccessor::RelationshipTarget { .. })
                && accessor.linked_spawn()
        };
        let components = world.components();
        let targets = components
            .iter_registered()
            .filter(|(_, info)| info.relationship_accessor().is_some_and(is_ownership))
            .map(|(id, _)| id)
            .collect();
        Self {
            targets,
            components: components.len(),
        }
    }

    /// Tells whether no component was registered since.
    pub(super) fn are_current(&self, world: &World) -> bool {
        world.components().len() == self.components
    }
}

/// Returns `root` and all it owns, owner before owned, siblings in order.
///
/// Entities that are being deleted already, and what they own, are left out. An entity that is
/// owned twice, or by itself, occurs once.
pub(super) fn tree(world: &World, ownerships: &Ownerships, root: Entity) -> Tree {
    let mut members = Tree::from_iter([Member {
        entity: root,
        owner: None,
    }]);
    let mut seen = EntityHashSet::default();
    let mut next = 0;
    while let Some(&Member { entity, .. }) = members.get(next) {
        next += 1;
        let owner = world.entity(entity);
        for &target in &ownerships.targets {
            for_each_owned(world, owner, target, |owned| {
                if seen.is_empty() {
                    seen.insert(root);
                }
                let is_new = world
                    .get_entity(owned)
                    .is_ok_and(|owned| !owned.contains::<Deleting>());
                if is_new && seen.insert(owned) {
                    members.push(Member {
                        entity: owned,
                        owner: Some(entity),
                    });
                }
            });
        }
    }
    members
}

/// Calls `visit` for each entity that `owner` owns by the relationship whose target component is `target`.
#[expect(
    unsafe_code,
    reason = "Bevy has no safe way to read a relationship of a type that is not known at compile time"
)]
fn for_each_owned(world: &World, owner: EntityRef, target: ComponentId, visit: impl FnMut(Entity)) {
    let Ok(value) = owner.get_by_id(target) else {
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
    let owned = unsafe { iter(value) };
    owned.for_each(visit);
}
