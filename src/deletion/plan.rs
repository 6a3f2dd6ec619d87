//! What a deletion would do.

use core::fmt;

use bevy_ecs::{
    entity::{Entity, EntityHashSet},
    world::World,
};
use disqualified::ShortName;

use crate::{
    deletion::{
        ask,
        mark::Force,
        outcome::QdelOutcome,
        owned::{Denials, Member, Ownerships, Tree},
        queue::Deletions,
    },
    error::QdelError,
    reference::{
        self,
        cascade::Denial,
        look::Scope,
        planned_release::{Places, Release},
        policy::OnLoss,
    },
    registration::Registration,
    signal::{self, qdeleting::QdelCause},
    text::Counted,
};

/// What a [`qdel`](crate::WorldQdelExt::qdel) would do, without doing it: the answer to
/// [`plan_qdel`](crate::WorldQdelExt::plan_qdel).
///
/// It is exact for what the deletion itself does. What handlers, observers and
/// [`Destroy`](crate::Destroy)s do on top, deleting others or answering
/// [`DestroyHint::LetMeLive`](crate::DestroyHint::LetMeLive), they only know when they are called.
///
/// Its `Display` is a text for people.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QdelPlan {
    /// The entity that would be deleted.
    pub root: Entity,
    /// What the deletion would answer: [`QdelOutcome::Queued`], or why it comes to nothing.
    pub answer: Result<QdelOutcome, QdelError>,
    /// The entities that would be deleted, in the order in which they would be told about: owner
    /// before owned. They are torn down in the reverse order, but for rings of owners, which have
    /// no last. Empty if the deletion would not happen.
    pub deletions: Vec<Deletion>,
    /// The declared references that refuse the deletion ([`OnLoss::Deny`]), of entities that would
    /// stay. [`QdelError::Denied`] names the first of them.
    pub refusals: Vec<Refusal>,
}

/// A declared reference that refuses a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The entity that must stay: the root, or one that would go with it.
    pub target: Entity,
    /// The entity whose component refuses.
    pub holder: Entity,
    /// The type name of the component.
    pub component: &'static str,
    /// Where in the component the target is named: `.crew[1].0`.
    pub path: String,
}

/// What a deletion would do to one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deletion {
    /// The entity that would be deleted.
    pub entity: Entity,
    /// Why: it is the root, it is owned by another one, or it cannot be without another one.
    pub cause: QdelCause,
    /// The registrations that would be told, in order.
    pub told: Vec<Registration>,
    /// The type names of the components that would be destroyed, in order.
    pub destroyed: Vec<&'static str>,
    /// The declared references to it, of tracked types. A holder that is deleted as well only lets
    /// go.
    pub released: Vec<Release>,
}

/// Works out what a deletion of `root` would do.
pub(crate) fn plan(world: &mut World, root: Entity, force: Force) -> QdelPlan {
    if let Err(panicked) = reference::look::look(world, Scope::All) {
        panicked.resume();
    }
    let world = &*world;
    let mut refusals = Vec::new();
    let permitted = ask::permit(world, root, force, |denials| {
        let tree = with_ownerships(world, |ownerships| {
            ownerships.tree(world, Member::root(root), denials)
        });
        if !denials.is_empty() {
            refusals = plan_refusals(world, &tree, denials);
        }
        tree
    });
    let (answer, members) = match permitted {
        Ok(members) => (Ok(QdelOutcome::Queued), members),
        Err(not_deleted) => (not_deleted, Tree::new()),
    };
    let all = members.iter().map(|member| member.entity);
    let mut places = Places::of(world, all.collect());
    let deletions = members.iter();
    let deletions = deletions.map(|member| plan_one(world, *member, &mut places));
    QdelPlan {
        root,
        answer,
        deletions: deletions.collect(),
        refusals,
    }
}

/// Works out what refuses to lose one of a `tree`, and would stay.
fn plan_refusals(world: &World, tree: &Tree, denials: &Denials) -> Vec<Refusal> {
    let goes: EntityHashSet = tree.iter().map(|member| member.entity).collect();
    let mut denials = denials.clone();
    denials.retain(|denial| !goes.contains(&denial.holder));
    let mut places = Places::of(world, goes);
    let denials = denials.into_iter();
    denials
        .flat_map(|denial| plan_refusal(world, denial, &mut places))
        .collect()
}

/// Calls `look` with the relationships that `world` knows by now.
fn with_ownerships<T>(world: &World, look: impl FnOnce(&Ownerships) -> T) -> T {
    match world.get_resource::<Deletions>() {
        Some(deletions) if deletions.ownerships.are_current(world) => look(&deletions.ownerships),
        _ => look(&Ownerships::of(world)),
    }
}

fn plan_refusal(
    world: &World,
    denial: Denial,
    places: &mut Places,
) -> impl Iterator<Item = Refusal> + use<> {
    let paths = places.refusing(denial).into_iter();
    let component = denial.component(world);
    paths.map(move |path| Refusal {
        target: denial.target,
        holder: denial.holder,
        component,
        path,
    })
}

fn plan_one(world: &World, member: Member, places: &mut Places) -> Deletion {
    let entity = member.entity;
    let deletions = world.get_resource::<Deletions>();
    let destroyers = deletions.into_iter().map(|deletions| &deletions.destroyers);
    Deletion {
        entity,
        cause: member.cause,
        told: signal::dispatch::would_be_told(world, entity),
        released: places.planned(entity),
        destroyed: destroyers
            .flat_map(|destroyers| destroyers.names_in(world.entity(entity)))
            .collect(),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            target,
            holder,
            component,
            path,
        } = self;
        let component = ShortName(component);
        write!(
            f,
            "`{component}{path}` of {holder} refuses to lose {target}"
        )
    }
}

impl fmt::Display for QdelPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.root;
        match self.answer {
            Ok(QdelOutcome::Queued) => {}
            Ok(QdelOutcome::Vetoed { on }) if on == root => {
                return write!(f, "qdel of {root} does nothing: it is vetoed");
            }
            Ok(QdelOutcome::Vetoed { on }) => {
                return write!(
                    f,
                    "qdel of {root} does nothing: {on}, which goes with it, is vetoed"
                );
            }
            Ok(QdelOutcome::AlreadyDeleting | QdelOutcome::Kept) => {
                return write!(f, "qdel of {root} does nothing: it is being deleted");
            }
            Err(error) => {
                write!(f, "qdel of {root} does nothing: {error}")?;
                let mut refusals = self.refusals.iter();
                return refusals.try_for_each(|refusal| write!(f, "\n{refusal}"));
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
        let goes: EntityHashSet = self.deletions.iter().map(|at| at.entity).collect();
        for deletion in &self.deletions {
            write!(f, "\n{}", deletion.entity)?;
            match deletion.cause {
                QdelCause::Owner(owner) => write!(f, ", owned by {owner}")?,
                QdelCause::Reference(target) => write!(f, ", which cannot be without {target}")?,
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
                    // A holder that goes as well only lets go.
                    _ if goes.contains(&released.holder) => "clears  ",
                    OnLoss::Clear | OnLoss::Deny => "clears  ",
                    OnLoss::Remove => "removes ",
                    OnLoss::Qdel => "deletes ",
                };
                let (component, holder) = (ShortName(released.component), released.holder);
                write!(f, "\n  {verb} `{component}{}` of {holder}", released.path)?;
            }
        }
        Ok(())
    }
}
