//! What an entity owns.

use bevy_ecs::{
    component::{ComponentId, ComponentInfo},
    entity::{Entity, EntityHashSet},
    relationship::RelationshipAccessor,
    resource::IsResource,
    world::{EntityRef, World},
};
use smallvec::SmallVec;

use crate::{
    liveness::is_alive,
    panics::{Panicked, catch},
    reference::{
        self,
        cascade::{Denial, Dependent, Dependents},
    },
    relationship::{related_by, relation_of},
    signal::qdeleting::QdelCause,
};

/// An entity that is to be deleted, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) entity: Entity,
    pub(crate) cause: QdelCause,
}

impl Member {
    pub(crate) fn root(entity: Entity) -> Self {
        let cause = QdelCause::Qdel;
        Self { entity, cause }
    }

    pub(crate) fn owned(entity: Entity, owner: Entity) -> Self {
        let cause = QdelCause::Owner(owner);
        Self { entity, cause }
    }

    pub(crate) fn dependent(entity: Entity, target: Entity) -> Self {
        let cause = QdelCause::Reference(target);
        Self { entity, cause }
    }
}

/// An entity that is to be deleted, with all it owns and all that cannot be without those: most
/// often few.
pub(crate) type Tree = SmallVec<[Member; 4]>;

/// The references that refuse to lose what they name, unless their holder goes as well.
pub(crate) type Denials = Vec<Denial>;

/// A walk through trees: what it has met, and what refuses.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// The entities that are part of a tree by now. They are in no other.
    pub(crate) seen: EntityHashSet,
    pub(crate) denials: Denials,
    dependents: Dependents,
}

impl Walk {
    /// Returns a walk with room for that many entities.
    pub(crate) fn with_room_for(entities: usize) -> Self {
        Self {
            seen: EntityHashSet::with_capacity(entities),
            ..Self::default()
        }
    }
}

/// The relationships by which one entity owns another: those with `linked_spawn`.
#[derive(Debug, Default)]
pub(crate) struct Ownerships {
    /// The components by which an owner names what it owns.
    targets: Vec<ComponentId>,
    /// The components by which an entity names its owner, in the same order.
    sources: Vec<ComponentId>,
    /// How many component types there were when the list was made.
    components: usize,
}

impl Ownerships {
    /// Returns the relationships that `world` knows by now.
    pub(crate) fn of(world: &World) -> Self {
        let components = world.components();
        let counterpart = |info: &ComponentInfo| match info.relationship_accessor() {
            Some(RelationshipAccessor::RelationshipTarget {
                linked_spawn: true,
                relationship,
                ..
            }) => Some(*relationship),
            _ => None,
        };
        let (targets, sources) = components
            .iter_registered()
            .filter_map(|(target, info)| Some((target, counterpart(info)?)))
            .unzip();
        Self {
            targets,
            sources,
            components: components.len(),
        }
    }

    /// Returns `true` if no component was registered since.
    pub(crate) fn are_current(&self, world: &World) -> bool {
        world.components().len() == self.components
    }

    /// Returns `true` if `entity` owns anything.
    pub(crate) fn has_owned(&self, entity: EntityRef) -> bool {
        let mut targets = self.targets.iter();
        targets.any(|target| entity.contains_id(*target))
    }

    /// Returns the components by which an owner names what it owns.
    pub(crate) fn targets(&self) -> &[ComponentId] {
        &self.targets
    }

    /// Returns the components by which an entity names its owner.
    pub(crate) fn owned_by(&self) -> &[ComponentId] {
        &self.sources
    }

    /// Returns the owners of an entity, each with the component by which it names that owner.
    pub(crate) fn owners_of(
        &self,
        world: &World,
        entity: EntityRef,
    ) -> impl Iterator<Item = (ComponentId, Entity)> {
        self.sources.iter().filter_map(move |&source| {
            let owner = relation_of(world, entity, source)?;
            Some((source, owner))
        })
    }

    /// Returns the components by which an entity names those of its owners that are `meant`.
    pub(crate) fn sources(
        &self,
        world: &World,
        entity: Entity,
        mut meant: impl FnMut(Entity) -> bool,
    ) -> Vec<ComponentId> {
        let Ok(entity) = world.get_entity(entity) else {
            return Vec::new();
        };
        let owners = self.owners_of(world, entity);
        owners
            .filter(|(_, owner)| meant(*owner))
            .map(|(source, _)| source)
            .collect()
    }

    /// Returns `root` and all alive that goes with it: every owner before what it owns, and a
    /// target before the holder that cannot be without it. Siblings come in order.
    ///
    /// An entity that is owned twice occurs once, after its owners. In a ring of owners the root
    /// comes first.
    pub(crate) fn tree(&self, world: &World, root: Member, denials: &mut Denials) -> Tree {
        if self.is_alone(world, root.entity) {
            return Tree::from_iter([root]);
        }
        let mut walk = Walk::default();
        let tree = self.trees(world, [root], &mut walk);
        denials.append(&mut walk.denials);
        tree
    }

    /// Returns `root` and all alive that goes with it, as [`tree`](Self::tree) does, without what
    /// the `walk` has seen.
    pub(crate) fn next_tree(&self, world: &World, root: Member, walk: &mut Walk) -> Tree {
        if self.is_alone(world, root.entity) {
            walk.seen.insert(root.entity);
            return Tree::from_iter([root]);
        }
        self.trees(world, [root], walk)
    }

    /// Returns `true` if nothing goes with `entity`, as far as that is quickly told.
    fn is_alone(&self, world: &World, entity: Entity) -> bool {
        !self.has_owned(world.entity(entity)) && !reference::cascade::may_cascade(world)
    }

    /// Returns `roots` and all alive that goes with them, as [`tree`](Self::tree) does, without
    /// what the `walk` has seen.
    pub(crate) fn trees(
        &self,
        world: &World,
        roots: impl IntoIterator<Item = Member>,
        walk: &mut Walk,
    ) -> Tree {
        let mut trees = Tree::new();
        for root in roots {
            let mut tree = Tree::new();
            self.add_leaves_first(world, root, walk, &mut tree);
            trees.extend(tree.into_iter().rev());
        }
        trees
    }

    /// Returns `entities` and all they own: every owner before what it owns.
    pub(crate) fn forest(&self, world: &World, entities: &[Entity]) -> Tree {
        let mut owned = EntityHashSet::default();
        for &owner in entities {
            self.for_each_owned(world, world.entity(owner), |entity| {
                owned.insert(entity);
            });
        }
        // Those without an owner come first, and then what is left: rings of owners.
        let (rings, roots): (Vec<_>, Vec<_>) =
            entities.iter().partition(|entity| owned.contains(*entity));
        let roots = roots.into_iter().chain(rings).map(Member::root);
        // All of them go, so none is left that could refuse it.
        self.trees(world, roots, &mut Walk::default())
    }

    /// Adds `root` and all alive that goes with it and was not seen before, every owner after what
    /// it owns.
    fn add_leaves_first(&self, world: &World, root: Member, walk: &mut Walk, tree: &mut Tree) {
        let Walk {
            seen,
            denials,
            dependents,
        } = walk;
        // Depth first, on a stack of our own: an entity is put into the tree when all it owns is,
        // so the tree grows from its leaves.
        let mut steps = vec![Visit::Enter(root)];
        while let Some(step) = steps.pop() {
            match step {
                Visit::Enter(member) => {
                    if !seen.insert(member.entity) {
                        continue;
                    }
                    steps.push(Visit::Leave(member));
                    let owner = world.entity(member.entity);
                    self.for_each_owned(world, owner, |owned| {
                        if is_alive(world, owned) && !seen.contains(&owned) {
                            steps.push(Visit::Enter(Member::owned(owned, member.entity)));
                        }
                    });
                    dependents.for_each(world, member.entity, |dependent| match dependent {
                        Dependent::Goes(holder) if !seen.contains(&holder) => {
                            let dependent = Member::dependent(holder, member.entity);
                            steps.push(Visit::Enter(dependent));
                        }
                        Dependent::Goes(_) => {}
                        Dependent::Refuses(denial) => denials.push(denial),
                    });
                }
                Visit::Leave(member) => tree.push(member),
            }
        }
    }

    /// Calls `visit` for each entity that `owner` owns directly.
    pub(crate) fn for_each_owned(
        &self,
        world: &World,
        owner: EntityRef,
        mut visit: impl FnMut(Entity),
    ) {
        for &target in &self.targets {
            related_by(world, owner, target, &mut visit);
        }
    }
}

/// Leaves out what holds a resource, which Bevy does not despawn.
pub(crate) fn leave_out_resources(world: &World, tree: &mut Tree) {
    tree.retain(|member| {
        let entity = world.get_entity(member.entity);
        entity.is_ok_and(|entity| !entity.contains::<IsResource>())
    });
}

/// Removes the components by which an entity is owned, or owns.
pub(crate) fn cut(
    world: &mut World,
    entity: Entity,
    components: &[ComponentId],
) -> Result<(), Panicked> {
    let Ok(mut entity) = world.get_entity_mut(entity) else {
        return Ok(());
    };
    if components.is_empty() {
        return Ok(());
    }
    catch(|| {
        entity.remove_by_ids(components);
    })
}

/// A step of the walk through a tree.
enum Visit {
    Enter(Member),
    Leave(Member),
}
