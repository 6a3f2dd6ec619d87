//! What an entity owns.

use bevy_ecs::{
    component::ComponentId,
    entity::{Entity, EntityHashSet},
    relationship::RelationshipAccessor,
    resource::IsResource,
    world::{EntityRef, World},
};
use smallvec::SmallVec;

use crate::deleting::Deleting;

/// An entity that is to be deleted, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) entity: Entity,
    /// Who owns it; none for the root of the tree.
    pub(super) owner: Option<Entity>,
}

impl Member {
    fn root(entity: Entity) -> Self {
        Self {
            entity,
            owner: None,
        }
    }
}

/// An entity that is to be deleted with all it owns: few own more than a few.
pub(super) type Tree = SmallVec<[Member; 4]>;

/// How far a tree reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Past nobody whose deletion has begun before.
    Alive,
    /// To everybody who can be despawned.
    Everybody,
}

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

    /// Tells whether `entity` owns anything.
    pub(super) fn has_owned(&self, entity: EntityRef) -> bool {
        let mut targets = self.targets.iter();
        targets.any(|target| entity.contains_id(*target))
    }

    /// Tells whether `owner` owns something directly that can be despawned and is not being deleted.
    pub(super) fn has_joined(&self, world: &World, owner: EntityRef) -> bool {
        let mut found = false;
        self.for_each_owned(world, owner, |owned| {
            found |= world.get_entity(owned).is_ok_and(|owned| {
                !owned.contains::<Deleting>() && !owned.contains::<IsResource>()
            });
        });
        found
    }

    /// Returns the components by which an owner names what it owns.
    pub(super) fn targets(&self) -> &[ComponentId] {
        &self.targets
    }

    /// Returns `root` and all it owns: every owner before what it owns, siblings in order.
    ///
    /// An entity that is owned twice occurs once, after its owners. In a ring of owners the root comes first.
    pub(super) fn tree(&self, world: &World, root: Entity, reach: Reach) -> Tree {
        if !self.has_owned(world.entity(root)) {
            return Tree::from_iter([Member::root(root)]);
        }
        let mut tree = Tree::new();
        self.add_leaves_first(world, root, reach, &mut EntityHashSet::default(), &mut tree);
        tree.reverse();
        tree
    }

    /// Returns `entities` and all they own: every owner before what it owns.
    pub(super) fn forest(&self, world: &World, entities: &[Entity]) -> Tree {
        let mut owned = EntityHashSet::default();
        for &owner in entities {
            self.for_each_owned(world, world.entity(owner), |entity| {
                owned.insert(entity);
            });
        }
        // Those whom nobody owns come first, and then who is left: rings of owners.
        let (rings, roots): (Vec<_>, Vec<_>) =
            entities.iter().partition(|entity| owned.contains(*entity));
        let mut seen = EntityHashSet::default();
        let mut forest = Tree::new();
        for root in roots.into_iter().chain(rings) {
            let mut tree = Tree::new();
            self.add_leaves_first(world, root, Reach::Alive, &mut seen, &mut tree);
            forest.extend(tree.into_iter().rev());
        }
        forest
    }

    /// Adds `root` and all it owns that was not seen before, every owner after what it owns.
    fn add_leaves_first(
        &self,
        world: &World,
        root: Entity,
        reach: Reach,
        seen: &mut EntityHashSet,
        tree: &mut Tree,
    ) {
        let belongs = |owned: Entity| {
            world.get_entity(owned).is_ok_and(|owned| match reach {
                Reach::Alive => !owned.contains::<Deleting>(),
                Reach::Everybody => !owned.contains::<IsResource>(),
            })
        };
        // Depth first, on a stack of our own: an entity is put into the tree when all it owns is, so the
        // tree grows from its leaves.
        let mut steps = vec![Step::Enter(Member::root(root))];
        while let Some(step) = steps.pop() {
            match step {
                Step::Enter(member) => {
                    if !seen.insert(member.entity) {
                        continue;
                    }
                    steps.push(Step::Leave(member));
                    let owner = world.entity(member.entity);
                    self.for_each_owned(world, owner, |owned| {
                        if belongs(owned) && !seen.contains(&owned) {
                            steps.push(Step::Enter(Member {
                                entity: owned,
                                owner: Some(member.entity),
                            }));
                        }
                    });
                }
                Step::Leave(member) => tree.push(member),
            }
        }
    }

    /// Calls `visit` for each entity that `owner` owns directly.
    fn for_each_owned(&self, world: &World, owner: EntityRef, mut visit: impl FnMut(Entity)) {
        for &target in &self.targets {
            for_each_owned(world, owner, target, &mut visit);
        }
    }
}

/// A step of the walk through a tree.
enum Step {
    Enter(Member),
    Leave(Member),
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
