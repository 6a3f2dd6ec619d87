//! [`Qdeleting`], the signal of the end of its target.

use bevy_ecs::{entity::Entity, event::EntityEvent, world::World};

use crate::signal::Signal;

/// "You are about to lose this entity": sent about a target while it is still whole.
///
/// Handlers run before the first component of the target is dropped. So they can read it, clear
/// what names it, and pick another. After the handlers of a [`qdel`](crate::WorldQdelExt::qdel) it
/// is triggered as a Bevy event, for `On<Qdeleting>` observers, global and on the entity. A plain
/// `despawn` only calls the handlers: Bevy's own `On<Despawn<..>>` is there for observers.
///
/// Ordinary queries do not see the target, on purpose: a handler must not pick it again, or an
/// entity that is deleted with it. Read it by its id, or by a query with
/// [`AllowDeleting`](crate::AllowDeleting). The chapter [`hiding`](crate::docs::hiding) says what
/// sees it, and which setting leaves it visible.
///
/// Only this crate sends it: a copy that your code sends reaches no handler. For every deletion,
/// add a global `On<Qdeleting>` observer. A handler that registers for it as a global signal is
/// never called.
#[doc(alias(
    "COMSIG_PARENT_QDELETING",
    "COMSIG_QDELETING",
    "OnRemove",
    "_exit_tree",
    "destroyed",
    "on_destroy",
    "tree_exiting",
))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, EntityEvent)]
#[non_exhaustive]
pub struct Qdeleting {
    /// The entity that goes away.
    pub entity: Entity,
    /// Why it goes away.
    pub cause: QdelCause,
    /// Whether the deletion was forced ([`force_qdel`](crate::WorldQdelExt::force_qdel)).
    pub force: bool,
}

/// Why an entity goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QdelCause {
    /// [`qdel`](crate::WorldQdelExt::qdel) was called on it.
    Qdel,
    /// This owner of it is being deleted.
    Owner(Entity),
    /// This entity is being deleted, and a declared field of the target names it with
    /// [`OnLoss::Qdel`](crate::reference::OnLoss::Qdel).
    Reference(Entity),
    /// It is being despawned without a `qdel`.
    Despawn,
    /// It was deleting or gone before a queued registration was applied.
    AlreadyGone,
}

impl Qdeleting {
    pub(crate) fn new(entity: Entity, cause: QdelCause, force: bool) -> Self {
        Self {
            entity,
            cause,
            force,
        }
    }
}

impl Signal for Qdeleting {
    type Answer = ();

    const OBSERVERS: Option<fn(Self, &mut World)> = Some(|notice, world| world.trigger(notice));

    fn missed(target: Entity) -> Option<Self> {
        Some(Self::new(target, QdelCause::AlreadyGone, false))
    }
}
