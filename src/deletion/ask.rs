//! The question before a deletion.

use bevy_ecs::{
    entity::{Entity, EntityHashSet},
    resource::IsResource,
    world::World,
};

use crate::{
    deleting::Deleting,
    deletion::{
        mark::Force,
        outcome::{NotDeleted, QdelOutcome},
        owned::{Denials, Member, Tree},
        queue::Deletions,
    },
    error::QdelError,
    reference::{
        self,
        cascade::{Denial, DenyingFields},
    },
    signal::{self, Question, answer::Answer},
};

/// "May this entity be deleted?": asked before anything has happened.
///
/// It is asked of the entity and of everything that goes with it, each once. Its handlers can only
/// look. One [`QdelVerdict::Veto`] stops the whole deletion. Use [`Qdeleting`](crate::Qdeleting)
/// for everything but a veto.
///
/// An entity and what it owns may veto their own deletion. An entity whose deletion has begun is
/// not asked about others, and in a [`qdel_batch`](crate::WorldQdelExt::qdel_batch) an entity that
/// goes as well has no veto over the others.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::prelude::*;
///
/// #[derive(Component)]
/// struct Blessing { charges: u32 }
///
/// impl Blessing {
///     fn protect(&self, asked: Received<PreQdel>) -> QdelVerdict {
///         if self.charges > 0 && !asked.force { QdelVerdict::Veto } else { QdelVerdict::Allow }
///     }
/// }
///
/// let mut world = World::new();
/// let king = world.spawn(Blessing { charges: 1 }).id();
/// world.register_signal(king, king, Blessing::protect).unwrap();
///
/// assert_eq!(world.qdel(king), Ok(QdelOutcome::Vetoed { on: king }));
/// assert_eq!(world.force_qdel(king), Ok(QdelOutcome::Queued));
/// ```
#[doc(alias("COMSIG_PREQDELETED", "cancel_free", "veto"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PreQdel {
    /// The entity that is asked about.
    pub entity: Entity,
    /// The entity whose deletion was asked for: this one, or one that it goes with.
    pub root: Entity,
    /// Whether the deletion is forced ([`force_qdel`](crate::WorldQdelExt::force_qdel)). It is the
    /// handler's choice what that means.
    pub force: bool,
}

impl Question for PreQdel {
    type Answer = QdelVerdict;
}

/// What a handler of [`PreQdel`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QdelVerdict {
    /// No objection.
    #[default]
    Allow,
    /// The entity must stay.
    Veto,
}

impl Answer for QdelVerdict {
    fn merge(&mut self, next: Self) {
        if next == Self::Veto {
            *self = Self::Veto;
        }
    }
}

/// Returns `true` if the listeners of an entity, or the holders that name it, may have a say in its
/// deletion or go with it: if a handler was ever registered for the question, or a type has a
/// policy for the loss.
pub(crate) fn hearers_decide(world: &World, deletions: &Deletions) -> bool {
    // Where nothing is tracked, to know that spares a look-up.
    signal::dispatch::is_known::<PreQdel>(world)
        || deletions.tracks && reference::cascade::may_cascade(world)
}

/// Finds out whether `root` may be deleted, and what goes with it: its `tree`.
pub(crate) fn permit(
    world: &World,
    root: Entity,
    force: Force,
    tree: impl FnOnce(&mut Denials) -> Tree,
) -> Result<Tree, NotDeleted> {
    if let Some(refusal) = refusal_of_one(world, root) {
        return Err(refusal);
    }
    let mut denials = Denials::new();
    let tree = tree(&mut denials);
    let is_resource = |member: &&Member| world.entity(member.entity).contains::<IsResource>();
    if let Some(member) = tree.iter().find(is_resource) {
        return Err(Err(QdelError::Resource {
            entity: root,
            resource: member.entity,
        }));
    }
    if let Some(denial) = find_denial(&tree, &denials) {
        let fields = &mut DenyingFields::default();
        return Err(Err(denied(world, root, denial, fields)));
    }
    match find_veto(world, &tree, force) {
        Some(on) => Err(Ok(QdelOutcome::Vetoed { on })),
        None => Ok(tree),
    }
}

/// Returns why an entity is not deleted, apart from what goes along and objects.
pub(crate) fn refusal_of_one(world: &World, entity: Entity) -> Option<NotDeleted> {
    match world.get_entity(entity) {
        Err(_) => Some(Err(QdelError::NotSpawned { entity })),
        Ok(at) if at.contains::<Deleting>() => Some(Ok(QdelOutcome::AlreadyDeleting)),
        Ok(_) => None,
    }
}

/// Returns the error of a deletion of `root` that a declared reference refuses.
pub(crate) fn denied(
    world: &World,
    root: Entity,
    denial: Denial,
    fields: &mut DenyingFields,
) -> QdelError {
    QdelError::Denied {
        entity: root,
        target: denial.target,
        holder: denial.holder,
        component: denial.component(world),
        field: fields.of(world, denial),
    }
}

/// Returns the first refusal by a holder that would stay.
fn find_denial(tree: &Tree, denials: &Denials) -> Option<Denial> {
    if denials.is_empty() {
        return None;
    }
    let goes: EntityHashSet = tree.iter().map(|member| member.entity).collect();
    let mut denials = denials.iter();
    denials
        .find(|denial| !goes.contains(&denial.holder))
        .copied()
}

/// Asks about all `members` in order, and returns the first that must stay.
fn find_veto(world: &World, members: &[Member], force: Force) -> Option<Entity> {
    let root = members.first()?.entity;
    let vetoes = |member: &&Member| {
        let entity = member.entity;
        let question = PreQdel {
            entity,
            root,
            force: force == Force::Yes,
        };
        let mut verdict = QdelVerdict::default();
        let asked = signal::dispatch::ask(world, entity, &question, &mut verdict, |_, _| {});
        if let Err(panicked) = asked {
            panicked.resume();
        }
        verdict == QdelVerdict::Veto
    };
    members.iter().find(vetoes).map(|member| member.entity)
}
