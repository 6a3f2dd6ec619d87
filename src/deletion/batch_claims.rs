//! What goes in a batch.
//!
//! All roots are asked about first, each of their members once, and all objections are noted. Then
//! the objections are judged. An entity that goes in the same batch by another root has no say over
//! it, so the order of the roots decides nothing.

use bevy_ecs::{entity::Entity, resource::IsResource, world::World};

use crate::{
    deletion::{
        ask::{self, PreQdel, QdelVerdict},
        batch_objections::{Judgement, Objection},
        batch_outcome::QdelBatchOutcome,
        mark::Force,
        outcome::{NotDeleted, QdelOutcome},
        owned::{Member, Tree, Walk},
        queue::Deletions,
    },
    panics::FirstPanic,
    reference::cascade::DenyingFields,
    signal,
};

/// What came of asking about a batch.
pub(crate) struct Claimed {
    /// The answer to each root. Those that go are `queued`.
    pub(crate) batch: QdelBatchOutcome,
    /// All that goes: root by root, and owner before owned.
    pub(crate) members: Tree,
    /// The first panic of a handler of the question, which counts as a veto.
    pub(crate) first_panic: FirstPanic,
}

/// Finds out which of `roots` may be deleted, and what goes with them.
pub(crate) fn claim(world: &World, roots: &[Entity], force: Force) -> Claimed {
    let mut claims = Claims {
        members: Tree::with_capacity(roots.len()),
        walk: Walk::with_room_for(roots.len()),
        objections: Vec::new(),
        first_panic: FirstPanic::default(),
    };
    let batch = claims.ask_all(world, roots, force);
    let Claims {
        members,
        walk: Walk { seen, denials, .. },
        mut objections,
        first_panic,
    } = claims;
    // A holder that goes as well does not refuse.
    let denials = denials.into_iter();
    let refusing = denials.clone().any(|denial| !seen.contains(&denial.holder));
    if objections.is_empty() && !refusing {
        return Claimed {
            batch,
            members,
            first_panic,
        };
    }
    objections.extend(denials.map(Objection::denial));
    let (batch, members) = judge(world, roots, force, objections);
    Claimed {
        batch,
        members,
        first_panic,
    }
}

/// The members of a batch while they are asked about.
struct Claims {
    members: Tree,
    walk: Walk,
    objections: Vec<Objection>,
    first_panic: FirstPanic,
}

impl Claims {
    /// Asks about `roots` and all that goes with them, and returns what the answer is without
    /// objections.
    fn ask_all(&mut self, world: &World, roots: &[Entity], force: Force) -> QdelBatchOutcome {
        let mut batch = QdelBatchOutcome::default();
        let is_known = signal::dispatch::is_known::<PreQdel>(world);
        let mut rest = roots;
        loop {
            batch.queued.extend(self.take_unasked(world, &mut rest));
            let Some(root) = rest.split_off_first().copied() else {
                return batch;
            };
            match refusal_of_one(world, root, force) {
                Some(refusal) => batch.refuse(root, refusal),
                None if self.walk.seen.contains(&root) => batch.already_deleting.push(root),
                None => {
                    self.ask(world, root, force, is_known);
                    batch.queued.push(root);
                }
            }
        }
    }

    /// Takes the entities at the front of `roots` that need no question. Adds and returns them.
    fn take_unasked<'a>(&mut self, world: &World, roots: &mut &'a [Entity]) -> &'a [Entity] {
        let deletions = world.resource::<Deletions>();
        let decide = ask::hearers_decide(world, deletions);
        let is_unasked = |root: &&Entity| {
            let is_unasked = deletions.profiles.is_unasked(world, **root, || decide);
            is_unasked && self.walk.seen.insert(**root)
        };
        // An entity that was kept a moment ago is not asked at all.
        let all = if deletions.kept.is_empty() {
            *roots
        } else {
            &[]
        };
        let (taken, rest) = roots.split_at(all.iter().take_while(is_unasked).count());
        self.members.extend(taken.iter().copied().map(Member::root));
        *roots = rest;
        taken
    }

    /// Adds `root` and all that goes with it and was not seen yet, and notes what objects.
    fn ask(&mut self, world: &World, root: Entity, force: Force, is_known: bool) {
        let ownerships = &world.resource::<Deletions>().ownerships;
        let tree = ownerships.next_tree(world, Member::root(root), &mut self.walk);
        for member in &tree {
            let entity = member.entity;
            if world.entity(entity).contains::<IsResource>() {
                self.objections.push(Objection::resource(entity));
            }
            if is_known {
                self.ask_about(world, entity, root, force);
            }
        }
        self.members.extend(tree);
    }

    /// Asks about one of those that go with `root`.
    fn ask_about(&mut self, world: &World, entity: Entity, root: Entity, force: Force) {
        let question = PreQdel {
            entity,
            root,
            force: force == Force::Yes,
        };
        let objections = &mut self.objections;
        let note = |listener, verdict: &mut QdelVerdict| {
            if core::mem::take(verdict) == QdelVerdict::Veto {
                objections.push(Objection::veto(entity, Some(listener)));
            }
        };
        let asked =
            signal::dispatch::ask(world, entity, &question, &mut QdelVerdict::default(), note);
        if asked.is_err() {
            self.objections.push(Objection::veto(entity, None));
        }
        self.first_panic.note(asked);
    }
}

/// Returns the answer to each of `roots` and what goes, in view of all `objections`.
fn judge(
    world: &World,
    roots: &[Entity],
    force: Force,
    objections: Vec<Objection>,
) -> (QdelBatchOutcome, Tree) {
    let ownerships = &world.resource::<Deletions>().ownerships;
    let is_root = |root: &Entity| refusal_of_one(world, *root, force).is_none();
    let judgement = Judgement::of(
        world,
        ownerships,
        roots.iter().copied().filter(is_root),
        objections,
    );
    let mut batch = QdelBatchOutcome::default();
    let mut members = Tree::new();
    let mut walk = Walk::default();
    let mut fields = DenyingFields::default();
    for &root in roots {
        let refusal = refusal_of_one(world, root, force);
        let refusal = refusal.or_else(|| judgement.refusal(world, root, &mut fields));
        match refusal {
            Some(refusal) => batch.refuse(root, refusal),
            None if walk.seen.contains(&root) => batch.already_deleting.push(root),
            None => {
                members.extend(ownerships.next_tree(world, Member::root(root), &mut walk));
                batch.queued.push(root);
            }
        }
    }
    (batch, members)
}

/// Returns why a root is not deleted, apart from what goes along and objects.
fn refusal_of_one(world: &World, root: Entity, force: Force) -> Option<NotDeleted> {
    // Otherwise two entities that delete each other and live on would go on for ever.
    if force == Force::No && world.resource::<Deletions>().kept.contains(&root) {
        return Some(Ok(QdelOutcome::Kept));
    }
    ask::refusal_of_one(world, root)
}
