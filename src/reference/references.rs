//! What can name entities and let go of them.

use bevy_ecs::entity::Entity;

use crate::reference::{
    path::PathStep,
    policy::{Lost, OnLoss},
};

/// A value that says which entities it names, and can let go of them.
///
/// Derive it, for components and for what they are made of:
///
/// - `#[entities]`, Bevy's own mark, at each field that names entities: the same mark that makes a
///   field map-able in scenes.
/// - `#[references]` where Bevy cannot map a field: std maps and sets, entity-hashed ones, tuples.
/// - `#[references(keys)]` or `#[references(values)]` for a map of which only these name entities:
///   see [`KeyReferences`](crate::reference::KeyReferences).
/// - `#[references(remove)]`, `qdel` or `deny` for another [`OnLoss`] than to clear the field;
///   `#[references(ignore)]` for a field that names entities and is none of our business.
/// - `#[references(on_lost = Mob::pick_next)]` at the type, for a method `fn(&mut Mob, Lost)` that
///   is called when fields were cleared.
///
/// Then [`track_references`](crate::WorldReferencesExt::track_references) has the fields cleared
/// for good.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::{References, prelude::*};
///
/// #[derive(Component, Default, References)]
/// struct Mob {
///     #[entities]
///     target: Option<Entity>,
///     #[entities]
///     friends: Vec<Entity>,
/// }
///
/// let mut world = World::new();
/// world.track_references::<Mob>();
/// let [goblin, orc] = [(), ()].map(|()| world.spawn_empty().id());
/// let mob = world.spawn(Mob { target: Some(goblin), friends: vec![goblin, orc] }).id();
///
/// world.qdel(goblin)?;
///
/// let mob = world.get::<Mob>(mob).unwrap();
/// assert_eq!((mob.target, &*mob.friends), (None, &[orc][..]));
/// # Ok::<(), qdel::QdelError>(())
/// ```
///
/// # Complexity
///
/// To release costs a pass over the containers of the component, whatever is lost. A `Vec`, a
/// `VecDeque`, a `SmallVec` and an index map or set move what stays together; a hash map or set
/// leaves its room as it is; a `BTreeMap` or `BTreeSet` takes its entries out one by one.
///
/// # Contract, for those who write it by hand
///
/// The two methods go through the same entities. `visit_references` reports each with the policy
/// that it is given, unless the place has one of its own. `release_references` drops each place
/// whose policy [lets go](OnLoss::lets_go) and whose entity `is_lost`, keeps the others in their
/// order, and touches nothing else; it answers [`AfterRelease::Void`], and leaves the place as it is, if
/// the value makes no sense any more and whoever holds it must drop it. A component that ends void
/// is removed, and does not hear of its loss; so is one that still names the lost in a place with
/// [`OnLoss::Deny`]. A place with [`OnLoss::Clear`] that is visited and never released stays as it
/// is for ever: the promise is broken for it.
#[doc(alias("MapEntities", "relationship"))]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which entities it names",
    label = "`References` is not implemented for this type",
    note = "derive `References` for it, or take the mark off the field if it names no entities"
)]
pub trait References {
    /// Whether losing an entity may delete more or refuse the deletion: whether any place has the
    /// policy [`OnLoss::Qdel`] or [`OnLoss::Deny`] of its own.
    ///
    /// `true` is always right, and costs a look at each referrer for each deletion.
    const CASCADES: bool;

    /// Reports each entity that is named, with the `policy` that is handed down, or the place's
    /// own.
    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V);

    /// Lets go of all entities that are lost, where the policy [lets go](OnLoss::lets_go).
    fn release_references(
        &mut self,
        policy: OnLoss,
        is_lost: &mut dyn FnMut(Entity) -> bool,
    ) -> AfterRelease;

    /// Hears what was lost, once for each component and deletion: for a tracked component only.
    ///
    /// The fields are cleared by then, and the lost entities are still whole, unless they were
    /// despawned before anybody could know. Nothing happens by default.
    fn on_lost(&mut self, lost: Lost<'_>) {
        let _ = lost;
    }
}

/// A value that stays valid when it lets go of entities: [`AfterRelease::Valid`] is all it answers, but
/// for a bare `Entity` in it that has the policy [`Deny`](OnLoss::Deny) of its own.
///
/// `Entity` itself is none, and neither are pairs with one; an `Option` or a list of them is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be emptied when the entity that it names goes away",
    label = "it holds an `Entity` that cannot be taken out",
    note = "wrap it into an `Option` or a list, or say what becomes of it: `#[references(remove)]` removes the component, \
            `#[references(qdel)]` deletes its entity too, `#[references(deny)]` refuses the deletion"
)]
pub trait Releasable: References {}

/// Whether a value still makes sense when it has let go of what was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a value that makes no sense must be dropped by whoever holds it"]
pub enum AfterRelease {
    /// It does.
    Valid,
    /// It does not: it names an entity that is lost, and cannot be empty.
    Void,
}

impl AfterRelease {
    /// Returns [`AfterRelease::Void`] if either of the two is.
    pub fn and(self, other: Self) -> Self {
        match self {
            Self::Valid => other,
            Self::Void => Self::Void,
        }
    }
}

/// Somebody who goes through the entities that a value names.
pub trait ReferenceVisitor {
    /// Is called for each entity, with what becomes of its place when the entity goes away.
    fn reference(&mut self, entity: Entity, policy: OnLoss);

    /// Is called on the way into a part.
    fn enter(&mut self, step: PathStep) {
        let _ = step;
    }

    /// Is called on the way out of the part that was entered last.
    fn leave(&mut self) {}
}

impl<F: FnMut(Entity, OnLoss)> ReferenceVisitor for F {
    fn reference(&mut self, entity: Entity, policy: OnLoss) {
        self(entity, policy);
    }
}

/// Returns `true` if `value`, which cannot be changed where it is, names an entity that it must let
/// go of.
pub(crate) fn is_void(
    value: &impl References,
    policy: OnLoss,
    is_lost: &mut dyn FnMut(Entity) -> bool,
) -> bool {
    let mut found = false;
    value.visit_references(policy, &mut |entity, policy: OnLoss| {
        found |= policy.lets_go() && is_lost(entity);
    });
    found
}
