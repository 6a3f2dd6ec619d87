//! How what was deleted goes.

use std::collections::VecDeque;

use bevy_ecs::{archetype::ArchetypeId, change_detection::Mut, entity::Entity, world::World};

use crate::{
    deleting::Epoch,
    deletion::{
        archetype_flags, budget::Budget, counting, goal::Goal, hiding, notify::carry_out_of,
        owner_stack::Descent, prepare, queue::Deletions, remembered::LooksFor,
        settle::sync_references, storage,
    },
    hash::IndexSet,
    panics::{FirstPanic, Panicked, catch},
    statistics::{counts::QdelCounts, kinds::KindsTornDown},
    sweep::schedule::{Corpse, Suspension},
};

/// A tear-down, and what came of it.
pub(crate) struct TearDown {
    ground: Ground,
    count: usize,
    looks_for: LooksFor,
    /// The archetype of the last that was torn down, and whether it owned something: many of a kind
    /// go together.
    last: Option<(ArchetypeId, bool)>,
    /// The archetype of the last that only this crate observes.
    last_unseen: Option<ArchetypeId>,
    /// Who is looked for, of those that were torn down.
    corpses: Vec<Corpse>,
    /// Whether what waited was torn down as far as the budget goes.
    has_begun: bool,
    /// Whether it is part of a flush.
    is_flush: bool,
    /// What that was, if kinds are told apart.
    kinds: Option<KindsTornDown>,
    /// Entities that Bevy left alive because a hook of theirs panicked. They are tried again at the
    /// next flush.
    stuck: IndexSet<Entity>,
    first_panic: FirstPanic,
}

/// What a tear-down stands on.
#[derive(Debug, Clone, Copy)]
enum Ground {
    Firm(Epoch),
    /// Somebody panicked since it was looked whether the storage is whole.
    Doubtful(Epoch),
    /// The storage is not whole, so that nothing may be torn down.
    Broken(Epoch),
    /// Somebody has cleared the world from inside: what was to go is gone, and others may have the
    /// ids.
    Cleared,
}

/// How fast what waits is torn down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speed {
    /// As the settings say.
    Budget,
    /// Whatever they say.
    AtOnce,
}

impl TearDown {
    pub(crate) fn new(epoch: Epoch) -> Self {
        Self {
            ground: Ground::Firm(epoch),
            count: 0,
            looks_for: LooksFor::Nobody,
            last: None,
            last_unseen: None,
            corpses: Vec::new(),
            has_begun: false,
            is_flush: false,
            kinds: None,
            stuck: IndexSet::default(),
            first_panic: FirstPanic::default(),
        }
    }

    /// Tears down what is to be torn down now, in the order of its urgency.
    pub(crate) fn run(&mut self, world: &mut World) {
        while !self.is_over(world)
            && let Some(mut deletions) = self.deletions(world)
        {
            if deletions.is_broken() {
                if deletions.work > Some(Goal::Destroy) && deletions.is_waiting() {
                    storage::report(&mut deletions);
                }
                return;
            }
            if deletions.kinds.are_told_apart() {
                self.kinds.get_or_insert_default();
            }
            self.is_flush = deletions.is_flush;
            self.last_unseen = None;
            let looks_for = LooksFor::of(&deletions, &deletions.settings);
            let urgent = core::mem::take(&mut deletions.urgent);
            if !urgent.is_empty() {
                self.looks_for = looks_for;
                self.note(sync_references(world));
                self.finish_off(world, &urgent);
                if !self.is_over(world) {
                    self.carry_out(world);
                }
                continue;
            }
            let is_waiting = deletions.is_waiting();
            let pace = match deletions.work {
                Some(Goal::TearDownWaiting) if !self.has_begun => Speed::Budget,
                Some(Goal::TearDownAll | Goal::Drain) => Speed::AtOnce,
                _ => return,
            };
            self.has_begun = true;
            if !is_waiting {
                return;
            }
            self.looks_for = looks_for;
            // Nobody may name what goes now.
            self.note(sync_references(world));
            self.waiting(world, pace);
            if !self.is_over(world) {
                self.carry_out(world);
            }
        }
    }

    /// Returns the worklist, if it is still the one that it was.
    fn deletions<'w>(&self, world: &'w mut World) -> Option<Mut<'w, Deletions>> {
        Deletions::of(world, self.ground.epoch()?)
    }

    /// Tells of and destroys all that was marked meanwhile, and finds out whether somebody has
    /// cleared the world.
    fn carry_out(&mut self, world: &mut World) {
        let epoch = self.ground.epoch();
        if epoch.is_none() {
            return;
        }
        let (epoch, outcome) = carry_out_of(world, epoch);
        self.note(outcome);
        if epoch.is_none() {
            self.ground = Ground::Cleared;
        }
    }

    /// Returns `true` if nothing is left to tear down, because somebody has cleared the world, or
    /// nothing may be.
    pub(crate) fn is_over(&mut self, world: &mut World) -> bool {
        if let Ground::Doubtful(epoch) = self.ground {
            self.ground = if storage::look_after_panic(world) {
                Ground::Broken(epoch)
            } else {
                Ground::Firm(epoch)
            };
        }
        matches!(self.ground, Ground::Broken(_) | Ground::Cleared)
    }

    /// Returns `true` if anything may have to be swept.
    pub(crate) fn may_sweep(&self) -> bool {
        let may_go_on = matches!(self.ground, Ground::Firm(_) | Ground::Doubtful(_));
        may_go_on && (self.is_flush || !self.corpses.is_empty())
    }

    /// Ends the tear-down, and returns how many entities it got rid of.
    pub(crate) fn finish(self, world: &mut World) -> (usize, Result<(), Panicked>) {
        let Self {
            ground,
            count,
            corpses,
            kinds,
            stuck,
            first_panic,
            is_flush,
            ..
        } = self;
        let outcome = first_panic.into_outcome();
        if count == 0 && stuck.is_empty() && !is_flush {
            return (count, outcome);
        }
        let deletions = ground.epoch().and_then(|epoch| Deletions::of(world, epoch));
        let Some(mut deletions) = deletions else {
            return (count, outcome);
        };
        deletions.to_tear_down.extend(stuck);
        if !deletions.is_waiting() {
            deletions.sweeps.has_hints = false;
        }
        if let Suspension::Remembering(remembered) = &mut deletions.sweeps.suspension {
            remembered.extend(corpses);
        } else {
            if count > 0 {
                deletions.sweeps.note_tear_down();
            }
            if deletions.is_flush {
                deletions.sweeps.count_flush();
            }
        }
        deletions.kinds.count_torn_down(count as u64, kinds);
        if count > 0 {
            QdelCounts::change(world, |counts| counts.torn_down += count as u64);
        }
        (count, outcome)
    }

    /// Returns who is looked for, of those that were torn down until now.
    pub(crate) fn take_corpses(&mut self) -> Vec<Corpse> {
        core::mem::take(&mut self.corpses)
    }

    /// Keeps the first panic, after which the storage has to be looked at.
    #[inline]
    pub(crate) fn note(&mut self, outcome: Result<(), Panicked>) {
        if let Err(panicked) = outcome {
            self.note_panic(panicked);
        }
    }

    #[cold]
    fn note_panic(&mut self, panicked: Panicked) {
        if let Ground::Firm(epoch) = self.ground {
            self.ground = Ground::Doubtful(epoch);
        }
        self.first_panic.keep(panicked);
    }

    /// Despawns one entity, and sees to whatever is deleted by that.
    pub(crate) fn despawn(&mut self, world: &mut World, entity: Entity) {
        if let Ok(location) = world.entities().get_spawned(entity) {
            self.despawn_at(world, entity, location.archetype_id);
        }
    }

    fn despawn_at(&mut self, world: &mut World, entity: Entity, archetype: ArchetypeId) {
        if self.is_over(world) {
            self.stuck.insert(entity);
            return;
        }
        let runs_code = archetype_flags::runs_on_despawn(&world.archetypes()[archetype]);
        let corpse = self.looks_for.corpse(world, entity);
        let kind = self
            .kinds
            .is_some()
            .then(|| counting::kind_of(world, entity));
        self.note(catch(|| {
            world.despawn(entity);
        }));
        if world.entities().contains_spawned(entity) {
            self.stuck.insert(entity);
            if !self.is_over(world) {
                self.note(hiding::hide_again(world, entity));
            }
        } else {
            self.count += 1;
            self.corpses.extend(corpse);
            if let Some((kinds, kind)) = self.kinds.as_mut().zip(kind) {
                kinds.count(kind);
            }
        }
        // Where the storage is not whole, nobody is called before the panic is out.
        if runs_code && !self.is_over(world) {
            if self.last_unseen != Some(archetype) {
                self.last_unseen = None;
            }
            self.carry_out(world);
        }
    }

    /// Returns `true` if an entity was left alive because a hook of its panicked.
    pub(crate) fn is_stuck(&self, entity: Entity) -> bool {
        self.stuck.contains(&entity)
    }

    /// Tears down what waits for it now, as far as the budget goes.
    fn waiting(&mut self, world: &mut World, pace: Speed) {
        let budget = match pace {
            Speed::Budget => Budget::of(world),
            Speed::AtOnce => Ok(None),
        };
        let mut budget = match budget {
            Ok(budget) => budget,
            Err(panicked) => return self.note(Err(panicked)),
        };
        let Some(mut deletions) = self.deletions(world) else {
            return;
        };
        let due = core::mem::take(&mut deletions.due);
        let mut descent = core::mem::take(&mut deletions.descent);
        let mut waiting = core::mem::take(&mut deletions.to_tear_down);
        self.finish_off(world, &due);
        while !self.is_over(world) {
            match budget.as_mut().map_or(Ok(true), Budget::allows_a_step) {
                Ok(true) => {}
                Ok(false) => break,
                Err(panicked) => {
                    self.note(Err(panicked));
                    break;
                }
            }
            if !descent.is_done() {
                descent.step(world, self);
            } else if let Some(entity) = next_of(world, &mut waiting) {
                self.entity(world, entity, &mut descent);
            } else {
                break;
            }
        }
        if descent.is_done() {
            descent = Descent::default();
        }
        // What was deleted meanwhile comes after what is left.
        if let Some(mut deletions) = self.deletions(world) {
            waiting.append(&mut deletions.to_tear_down);
            deletions.to_tear_down = waiting;
            deletions.descent = descent;
        }
    }

    /// Tears down `entities` and what they own, whatever it takes.
    fn finish_off(&mut self, world: &mut World, entities: &[Entity]) {
        for entity in entities {
            if self.is_over(world) {
                // Where they may not be torn down, they go on waiting.
                self.stuck.insert(*entity);
                continue;
            }
            let mut descent = Descent::default();
            self.entity(world, *entity, &mut descent);
            while !descent.is_done() && !self.is_over(world) {
                descent.step(world, self);
            }
            self.stuck.extend(descent.left());
        }
    }

    /// Despawns an entity, or begins the `descent` from it if it owns something.
    fn entity(&mut self, world: &mut World, entity: Entity, descent: &mut Descent) {
        if self.is_stuck(entity) {
            return;
        }
        if self.looks_for != LooksFor::Nobody {
            let told = self.looks_for.find_references(world, entity);
            self.note(told);
            // Whoever heard of that may have given it something to destroy.
            self.carry_out(world);
            self.last_unseen = None;
            if self.is_over(world) {
                self.stuck.insert(entity);
                return;
            }
        }
        let Ok(location) = world.entities().get_spawned(entity) else {
            // Somebody else despawned it.
            return;
        };
        let mut archetype = location.archetype_id;
        let mut is_owner = self.is_owner(world, archetype);
        if !is_owner && self.show(world, entity, archetype) {
            let Ok(location) = world.entities().get_spawned(entity) else {
                return;
            };
            if self.is_over(world) {
                self.stuck.insert(entity);
                return;
            }
            archetype = location.archetype_id;
            is_owner = owns(world, archetype);
        }
        if is_owner {
            *descent = Descent::from(entity);
        } else {
            self.despawn_at(world, entity, archetype);
        }
    }

    /// Takes an entity out of hiding that is about to be despawned, if somebody may look at it
    /// then, so that it looks as in a plain despawn.
    ///
    /// Returns `true` if it did: whoever saw that may have despawned it, or given it something to
    /// own.
    pub(crate) fn show(
        &mut self,
        world: &mut World,
        entity: Entity,
        archetype: ArchetypeId,
    ) -> bool {
        if !self.is_looked_at(world, archetype) {
            return false;
        }
        let Some(shown) = hiding::show(world, entity) else {
            return false;
        };
        self.note(shown);
        // What was deleted meanwhile is told of before it may have to go.
        self.carry_out(world);
        if !self.is_over(world) {
            prepare::prepare(world);
        }
        true
    }

    /// Returns `true` if observers may look at entities of an archetype when they are despawned.
    fn is_looked_at(&mut self, world: &World, archetype: ArchetypeId) -> bool {
        let archetype = &world.archetypes()[archetype];
        if !archetype_flags::has_end_observers(archetype)
            || self.last_unseen == Some(archetype.id())
        {
            return false;
        }
        let is_looked_at = hiding::is_looked_at(world, archetype);
        // Where nobody else is called, nobody else can begin to observe.
        let is_unseen = !is_looked_at && !archetype_flags::has_end_hooks(archetype);
        self.last_unseen = is_unseen.then(|| archetype.id());
        is_looked_at
    }

    /// Returns `true` if entities of an archetype own something.
    fn is_owner(&mut self, world: &World, archetype: ArchetypeId) -> bool {
        if let Some((last, is_owner)) = self.last
            && last == archetype
        {
            return is_owner;
        }
        let is_owner = owns(world, archetype);
        self.last = Some((archetype, is_owner));
        is_owner
    }
}

impl Ground {
    /// Returns to which worklist it belongs.
    fn epoch(self) -> Option<Epoch> {
        match self {
            Self::Firm(epoch) | Self::Doubtful(epoch) | Self::Broken(epoch) => Some(epoch),
            Self::Cleared => None,
        }
    }
}

/// Returns the next that waits and was not despawned by somebody else.
fn next_of(world: &World, waiting: &mut VecDeque<Entity>) -> Option<Entity> {
    core::iter::from_fn(|| waiting.pop_front())
        .find(|entity| world.entities().contains_spawned(*entity))
}

/// Returns `true` if entities of an archetype own something.
fn owns(world: &World, archetype: ArchetypeId) -> bool {
    let deletions = world.get_resource::<Deletions>();
    deletions.is_some_and(|deletions| {
        let profile = deletions.profiles.at(world, archetype);
        profile.is_owner()
    })
}
