//! The trait of values that name entities and can release them.

use bevy_ecs::entity::Entity;

use crate::reference::{
    path::PathStep,
    policy::{Lost, OnLoss},
};

/// A value that says which entities it names, and can release them.
///
/// Derive it for components, and for the types of their fields:
///
/// - `#[entities]`, Bevy's own attribute, at each field that names entities. It also makes a field
///   map-able in scenes.
/// - `#[references]` if Bevy cannot map a field: std maps and sets, entity-hashed ones, tuples.
/// - `#[references(keys)]` or `#[references(values)]` for a map in which only these name entities:
///   see [`KeyReferences`](crate::reference::KeyReferences).
/// - `#[references(remove)]`, `qdel` or `deny` for another [`OnLoss`] than to clear the field.
///   `#[references(ignore)]` for a field that names entities and shall be left alone.
/// - `#[references(on_lost = Mob::pick_next)]` at the type, for a method `fn(&mut Mob, Lost)` that
///   is called after fields were cleared.
///
/// Then call [`track_references`](crate::WorldReferencesExt::track_references) once. From then on,
/// the fields are cleared.
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
/// A release is a pass over the containers of the component. A `Vec`, a `VecDeque`, a `SmallVec`
/// and an index map or set move the elements that stay together. A hash map or set keeps its
/// capacity. A `BTreeMap` or `BTreeSet` removes its entries one by one.
///
/// # Contract, for hand-written implementations
///
/// Both methods visit the same entities. `visit_references` reports each with the policy that it is
/// given, unless the place has its own. `release_references` drops each place whose policy [lets
/// go](OnLoss::lets_go) and whose entity `is_lost`. It keeps the others in their order, and changes
/// nothing else. If the value is no longer valid without the entity, it leaves the place as it is
/// and returns [`AfterRelease::Void`]. Then its owner must drop it.
///
/// A component that is void in the end is removed, and its `on_lost` is not called. The same holds
/// for one that still names a lost entity in a place with [`OnLoss::Deny`]. A place with
/// [`OnLoss::Clear`] that is visited and never released stays as it is: then it dangles.
#[doc(alias("MapEntities", "relationship"))]
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which entities it names",
    label = "`References` is not implemented for this type",
    note = "derive `References` for it, or take the mark off the field if it names no entities"
)]
pub trait References {
    /// Whether losing an entity may delete more or refuse the deletion. That is so if any place has
    /// the policy [`OnLoss::Qdel`] or [`OnLoss::Deny`].
    ///
    /// `true` is always correct. It costs a look at each referrer for each deletion.
    const CASCADES: bool;

    /// Reports each entity that is named, with the `policy` that is handed down, or that of its
    /// place.
    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V);

    /// Releases all lost entities in places whose policy [lets go](OnLoss::lets_go).
    fn release_references(
        &mut self,
        policy: OnLoss,
        is_lost: &mut dyn FnMut(Entity) -> bool,
    ) -> AfterRelease;

    /// Is called with what was lost, once for each tracked component and deletion.
    ///
    /// The fields are cleared by then. The lost entities are still whole, unless a plain despawn
    /// was not noticed in time. The default does nothing.
    fn on_lost(&mut self, lost: Lost<'_>) {
        let _ = lost;
    }
}

/// A value that stays valid when it releases entities.
///
/// It always returns [`AfterRelease::Valid`], except for a bare `Entity` in it whose policy is
/// [`Deny`](OnLoss::Deny).
///
/// `Entity` itself does not implement it, and neither do pairs with one. An `Option` or a list of
/// them does.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be emptied when the entity that it names goes away",
    label = "it holds an `Entity` that cannot be taken out",
    note = "wrap it into an `Option` or a list, or say what becomes of it: `#[references(remove)]` removes the component, \
            `#[references(qdel)]` deletes its entity too, `#[references(deny)]` refuses the deletion"
)]
pub trait Releasable: References {}

/// Whether a value is still valid after it has released what was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a value that is void must be dropped by its owner"]
pub enum AfterRelease {
    /// It is valid.
    Valid,
    /// It is not valid: it names an entity that is lost, and cannot be empty.
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

/// A visitor of the entities that a value names.
pub trait ReferenceVisitor {
    /// Is called for each entity, with the policy of its place.
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

/// Returns `true` if `value`, which cannot be changed in place, names a lost entity that it must
/// release.
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
