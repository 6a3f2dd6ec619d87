//! What a deletion would do.

use core::fmt;

use bevy_ecs::{entity::Entity, world::World};
use disqualified::ShortName;

use super::{
    answer::Qdel,
    ask,
    destroy::Destroyers,
    mark::Force,
    owned::{Member, Ownerships},
    queue::Deletions,
};
use crate::{
    error::QdelError,
    reference::{self, PlannedRelease, Policy},
    registration::Registration,
    signal::{self, Cause},
};

/// What a [`qdel`](crate::QdelExt::qdel) would do, without doing it: the answer to
/// [`plan_qdel`](crate::QdelExt::plan_qdel).
///
/// It is exact for what the deletion itself does. What handlers, observers and [`Destroy`](crate::Destroy)s
/// do on top, deleting others or answering [`Hint::LetMeLive`](crate::Hint::LetMeLive), they only know when they are
/// called.
///
/// Its `Display` is a text for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QdelPlan {
    /// The entity that would be deleted.
    pub root: Entity,
    /// What the deletion would answer: [`Qdel::Queued`], or who refuses.
    pub answer: Qdel,
    /// Who would be deleted, in the order in which they would be told about: owner before owned. They are torn
    /// down in the reverse order, but for rings of owners, which have no last. Empty if the deletion would not happen.
    pub deletions: Vec<PlannedDeletion>,
}

/// What a deletion would do to one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedDeletion {
    /// The entity that would be deleted.
    pub entity: Entity,
    /// Why: it is the root, or somebody owns it.
    pub cause: Cause,
    /// Who would be told, in order.
    pub told: Vec<Registration>,
    /// The type names of the components that would be destroyed, in order.
    pub destroyed: Vec<&'static str>,
    /// The declared references to it, as far as they are known: what was written since the last
    /// [`sync_references`](crate::WorldReferencesExt::sync_references) is not. Whose entity is deleted as well only lets go.
    pub released: Vec<PlannedRelease>,
}

/// Works out what a deletion of `root` would do.
pub(super) fn plan(world: &World, root: Entity, force: Force) -> Result<QdelPlan, QdelError> {
    let fresh;
    let ownerships = match world.get_resource::<Deletions>() {
        Some(deletions) if deletions.ownerships.are_current(world) => &deletions.ownerships,
        _ => {
            fresh = Ownerships::of(world);
            &fresh
        }
    };
    let permitted = ask::permit(world, root, force, |denials| {
        ownerships.tree(world, root, denials)
    });
    let (answer, members) = match permitted {
        Ok(members) => (Qdel::Queued, members),
        Err(refusal) => (refusal?, Default::default()),
    };
    let deletions = members.iter().map(|member| plan_one(world, *member));
    Ok(QdelPlan {
        root,
        answer,
        deletions: deletions.collect(),
    })
}

fn plan_one(world: &World, member: Member) -> PlannedDeletion {
    let entity = member.entity;
    let destroyers = world.get_resource::<Destroyers>().into_iter();
    PlannedDeletion {
        entity,
        cause: member.cause,
        told: signal::would_be_told(world, entity),
        released: reference::planned(world, entity),
        destroyed: destroyers
            .flat_map(|destroyers| destroyers.names_in(world.entity(entity)))
            .collect(),
    }
}

impl fmt::Display for QdelPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.root;
        match self.answer {
            Qdel::Queued => {}
            Qdel::Vetoed { on } if on == root => {
                return write!(f, "qdel of {root} does nothing: it is vetoed");
            }
            Qdel::Vetoed { on } => {
                return write!(
                    f,
                    "qdel of {root} does nothing: {on}, which it owns, is vetoed"
                );
            }
            Qdel::AlreadyDeleting | Qdel::Kept => {
                return write!(f, "qdel of {root} does nothing: it is being deleted");
            }
        }
        let told: usize = self.deletions.iter().map(|at| at.told.len()).sum();
        let destroyed: usize = self.deletions.iter().map(|at| at.destroyed.len()).sum();
        let released: usize = self.deletions.iter().map(|at| at.released.len()).sum();
        write!(
            f,
            "qdel of {root} tells {}, destroys {}, releases {} and deletes {}",
            Counted(told, "listener", "listeners"),
            Counted(destroyed, "component", "components"),
            Counted(released, "reference", "references"),
            Counted(self.deletions.len(), "entity", "entities"),
        )?;
        for deletion in &self.deletions {
            write!(f, "\n{}", deletion.entity)?;
            match deletion.cause {
                Cause::Owner(owner) => write!(f, ", owned by {owner}")?,
                Cause::Reference(target) => write!(f, ", which cannot be without {target}")?,
                _ => {}
            }
            for told in &deletion.told {
                let component = ShortName(told.component);
                write!(f, "\n  tells    `{component}` of {}", told.listener)?;
            }
            for component in &deletion.destroyed {
                write!(f, "\n  destroys `{}`", ShortName(component))?;
            }
            for released in &deletion.released {
                let verb = match released.policy {
                    Policy::Clear => "clears  ",
                    Policy::Remove | Policy::Deny => "removes ",
                    Policy::Qdel => "deletes ",
                };
                let (component, holder) = (ShortName(released.component), released.holder);
                write!(f, "\n  {verb} `{component}{}` of {holder}", released.path)?;
            }
        }
        Ok(())
    }
}

/// A number with its noun.
pub(crate) struct Counted(
    pub(crate) usize,
    pub(crate) &'static str,
    pub(crate) &'static str,
);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(count, one, many) = self;
        match count {
            0 => write!(f, "no {many}"),
            1 => write!(f, "1 {one}"),
            _ => write!(f, "{count} {many}"),
        }
    }
}
