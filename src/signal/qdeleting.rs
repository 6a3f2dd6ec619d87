//! The signal that this crate is for.

use bevy_ecs::{entity::Entity, event::EntityEvent, world::World};

use crate::signal::Signal;

/// "You are about to lose this entity": sent about a target while it is still whole.
///
/// Handlers run before the first component of the target is dropped, so they can read it, clear
/// what names it, and pick something else. After the handlers of a [`qdel`](crate::WorldQdelExt::qdel)
/// it is triggered as a Bevy event, so `On<Qdeleting>` observers work, global and on the entity. A
/// plain `despawn` calls the handlers only: Bevy's own `On<Despawn<..>>` is there for observers.
///
/// Ordinary queries do not see the target, on purpose: nobody who loses it is to pick it again, or
/// another that goes with it. Read it by its id, or by a query with
/// [`AllowDeleting`](crate::AllowDeleting); the chapter [`hiding`](crate::docs::hiding) says who
/// sees what, and which setting leaves it visible.
///
/// Only this crate sends it: a copy that somebody else sends reaches nobody. Who wants to hear of
/// every deletion adds a global `On<Qdeleting>` observer; a handler that registers for it as a
/// global signal is never called.
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
    /// Somebody called [`qdel`](crate::WorldQdelExt::qdel) on it.
    Qdel,
    /// This owner of it is being deleted.
    Owner(Entity),
    /// This entity is being deleted, and a declared field of it names that one with
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
