//! What becomes of entities that were told about: their components are destroyed, and say it.

use std::collections::BTreeSet;

use bevy_ecs::{
    component::ComponentId,
    entity::{Entity, EntityHashMap},
    world::World,
};

use crate::{
    deleting::{Deleting, Epoch},
    deletion::{
        counting, destroyers::AtWork, mark, notice::Notice, owned, queue::Deletions,
        settings::WorkClock, tear_down_queue::Fate,
    },
    hash::HashMap,
    hint::DestroyHint,
    liveness::is_alive,
    panics::FirstPanic,
    reference,
    signal::qdeleting::QdelCause,
};

/// The fates of entities that were marked together, while they are being decided.
pub(crate) struct Decisions<'a> {
    /// The entities that were marked together.
    pub(crate) notices: &'a [Notice],
    /// The worklist to which they belong.
    pub(crate) epoch: Epoch,
    /// By what the costs are measured, if they are.
    pub(crate) clock: Option<&'a WorkClock>,
    pub(crate) at_work: AtWork,
    /// By the number of the notice; none while it is undecided.
    pub(crate) fates: Vec<Option<Fate>>,
    /// Where each entity stands among the notices, once that is asked.
    pub(crate) positions: Option<EntityHashMap<usize>>,
    /// Whether any of them lives on. Most often none does.
    pub(crate) any_lives: bool,
    /// How often a deletion went on though a component asked to live.
    pub(crate) overruled: u64,
    pub(crate) first_panic: FirstPanic,
}

impl Decisions<'_> {
    /// Destroys all that are not spared, in order.
    pub(crate) fn decide_all(&mut self, world: &mut World) {
        let mut spared = BTreeSet::new();
        for at in 0..self.fates.len() {
            let fate = if self.is_spared(world, at) {
                spared.insert(at);
                Fate::Spared
            } else {
                self.destroy(world, at)
            };
            self.any_lives |= fate.lives();
            self.fates[at] = Some(fate);
        }
        if !spared.is_empty() {
            self.decide_spared(world, spared);
        }
    }

    /// Destroys those of the spared that go because of another one after all: an owner that comes
    /// later, in a ring or in a batch, is decided by now.
    ///
    /// Each is looked at once, and again when one that it hangs on goes, in rounds that keep the
    /// order.
    fn decide_spared(&mut self, world: &mut World, spared: BTreeSet<usize>) {
        let mut hanging = HashMap::<usize, Vec<usize>>::default();
        for &at in &spared {
            self.for_each_tie(world, at, |tie| hanging.entry(tie).or_default().push(at));
        }
        let mut round = spared;
        let mut next = BTreeSet::new();
        while !round.is_empty() {
            while let Some(at) = round.pop_first() {
                if self.fates[at] != Some(Fate::Spared) || self.is_spared(world, at) {
                    continue;
                }
                let fate = self.destroy(world, at);
                self.fates[at] = Some(fate);
                if fate.lives() {
                    continue;
                }
                for after in hanging.remove(&at).unwrap_or_default() {
                    let turn = if after > at { &mut round } else { &mut next };
                    turn.insert(after);
                }
            }
            round = core::mem::take(&mut next);
        }
    }

    /// Calls `visit` with the number of each notice whose entity an entity must not lose to be
    /// spared.
    fn for_each_tie(&mut self, world: &World, at: usize, mut visit: impl FnMut(usize)) {
        let notice = self.notices[at];
        let mut ties = Vec::new();
        if let QdelCause::Owner(tie) | QdelCause::Reference(tie) = notice.cause {
            ties.push(tie);
        }
        if let (Ok(entity), Some(deletions)) = (
            world.get_entity(notice.entity),
            world.get_resource::<Deletions>(),
        ) {
            let owners = deletions.ownerships.owners_of(world, entity);
            ties.extend(owners.map(|(_, owner)| owner));
        }
        reference::cascade::for_each_needed(world, notice.entity, |needed| ties.push(needed));
        ties.into_iter()
            .filter_map(|tie| self.position(tie))
            .for_each(&mut visit);
    }

    /// Does at once what cannot wait for the tear-down.
    pub(crate) fn carry_through(&mut self, world: &mut World) {
        // The last of an owner's list is found last and taken out first.
        for at in (0..self.fates.len()).rev() {
            if !self.is_current(world) {
                return;
            }
            match self.fates[at] {
                Some(Fate::Kept | Fate::LeftAlone) => self.leave_owners(world, at),
                Some(Fate::TearDown | Fate::Due | Fate::Urgent | Fate::Spared) | None => {}
            }
        }
        for at in 0..self.fates.len() {
            let entity = self.notices[at].entity;
            match self.fates[at] {
                Some(Fate::Kept | Fate::Spared) if self.is_current(world) => {
                    counting::count(world, entity, |counts| counts.kept += 1);
                    let restored = mark::restore(world, entity);
                    self.first_panic.note(restored);
                    if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
                        deletions.kept.insert(entity);
                    }
                }
                Some(Fate::LeftAlone) => {
                    counting::count(world, entity, |counts| counts.left_alone += 1);
                }
                Some(_) | None => {}
            }
        }
    }

    /// Returns `true` if the world was not cleared from inside.
    fn is_current(&self, world: &World) -> bool {
        Deletions::is_of(world, self.epoch)
    }

    /// Destroys the components of an entity, and returns what they say.
    fn destroy(&mut self, world: &mut World, at: usize) -> Fate {
        let notice = self.notices[at];
        let begun = self.clock.map(WorkClock::measured_now);
        let mut overruled = 0;
        if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
            deletions.late.forget(notice.entity);
        }
        let (hint, outcome) = self.at_work.destroy(world, notice, &mut overruled);
        self.first_panic.note(outcome);
        if overruled > 0 {
            self.overruled += overruled;
            counting::count(world, notice.entity, |counts| counts.overruled += overruled);
        }
        if let (Some(clock), Some(begun)) = (self.clock, begun)
            && let Some(mut deleting) = world.get_mut::<Deleting>(notice.entity)
        {
            let time = clock.measured_now().saturating_sub(begun);
            deleting.costs_mut().destroy = time;
            let kind = deleting.kind();
            counting::count_kind(world, kind, |tally| tally.costs.destroy += time);
        }
        if hint != DestroyHint::Queue {
            if let Some(mut deleting) = world.get_mut::<Deleting>(notice.entity) {
                deleting.set_hint(hint);
            }
            if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
                deletions.sweeps.has_hints = true;
            }
        }
        match hint {
            DestroyHint::Queue
            | DestroyHint::FindReferencesOnFail
            | DestroyHint::FindReferences => Fate::TearDown,
            DestroyHint::HardDelete => Fate::Due,
            DestroyHint::HardDeleteNow => Fate::Urgent,
            DestroyHint::IWillHandleIt => Fate::LeftAlone,
            DestroyHint::LetMeLive => Fate::Kept,
        }
    }

    /// Returns `true` if an entity was only to go because of another one, which lives on. None of
    /// its owners goes then, and none of the entities that it cannot be without.
    fn is_spared(&mut self, world: &World, at: usize) -> bool {
        let (QdelCause::Owner(cause) | QdelCause::Reference(cause)) = self.notices[at].cause else {
            return false;
        };
        self.any_lives
            && self.lives_on(world, cause) == Some(true)
            && self.owners_that_go(world, at).is_empty()
            && !self.needs_who_goes(world, at)
    }

    /// Returns `true` if an entity cannot be without one that goes.
    fn needs_who_goes(&mut self, world: &World, at: usize) -> bool {
        let mut goes = false;
        reference::cascade::for_each_needed(world, self.notices[at].entity, |needed| {
            goes |= self.lives_on(world, needed) == Some(false);
        });
        goes
    }

    /// Takes an entity away from those of its owners that are torn down, or it would go with them.
    fn leave_owners(&mut self, world: &mut World, at: usize) {
        let sources = self.owners_that_go(world, at);
        let left = owned::cut(world, self.notices[at].entity, &sources);
        self.first_panic.note(left);
    }

    /// Returns the components by which an entity names an owner that goes, as far as that is
    /// decided.
    fn owners_that_go(&mut self, world: &World, at: usize) -> Vec<ComponentId> {
        let entity = self.notices[at].entity;
        let deletions = world.get_resource::<Deletions>();
        deletions.map_or(Vec::new(), |deletions| {
            let goes = |owner| self.lives_on(world, owner) == Some(false);
            deletions.ownerships.sources(world, entity, goes)
        })
    }

    /// Returns `true` if `entity` lives on, as far as that is decided.
    fn lives_on(&mut self, world: &World, entity: Entity) -> Option<bool> {
        match self.position(entity) {
            Some(at) => self.fates[at].map(Fate::lives),
            None => {
                let is_there = world.entities().contains_spawned(entity);
                is_there.then(|| is_alive(world, entity))
            }
        }
    }

    fn position(&mut self, entity: Entity) -> Option<usize> {
        let notices = self.notices;
        let positions = self.positions.get_or_insert_with(|| {
            let entities = notices.iter().map(|notice| notice.entity);
            entities.zip(0..).collect()
        });
        positions.get(&entity).copied()
    }
}
