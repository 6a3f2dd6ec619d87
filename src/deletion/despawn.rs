//! How one entity goes, and what is known of the tear-down by then.

use bevy_ecs::{archetype::ArchetypeId, change_detection::Mut, entity::Entity, world::World};

use crate::{
    deleting::Epoch,
    deletion::{
        archetype_flags, counting, hiding, notify::carry_out_of, prepare, queue::Deletions,
        remembered::LooksFor, storage, tear_down_queue::Fate,
    },
    hash::IndexSet,
    panics::{FirstPanic, Panicked, catch},
    statistics::{counts::QdelCounts, kinds::KindsTornDown},
    sweep::schedule::{Corpse, Suspension},
};

/// The entities that one piece of work despawns, and what came of it.
pub(crate) struct Despawns {
    ground: Ground,
    count: usize,
    looks_for: LooksFor,
    /// The archetype of the last that was torn down, and whether it owned something: many of a kind
    /// go together.
    last: Option<(ArchetypeId, bool)>,
    /// The archetype of the last that only this crate observes.
    last_unseen: Option<ArchetypeId>,
    /// The entities that were torn down and are looked for.
    corpses: Vec<Corpse>,
    /// Whether it is part of a flush.
    is_flush: bool,
    /// How many of each kind were torn down, if kinds are told apart.
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
    /// User code panicked since it was last checked that the storage is whole.
    Doubtful(Epoch),
    /// The storage is not whole, so that nothing may be torn down.
    Broken(Epoch),
    /// The world was cleared from inside: what was to go is gone, and others may have the ids.
    Cleared,
}

impl Despawns {
    pub(crate) fn new(epoch: Epoch) -> Self {
        Self {
            ground: Ground::Firm(epoch),
            count: 0,
            looks_for: LooksFor::Nobody,
            last: None,
            last_unseen: None,
            corpses: Vec::new(),
            is_flush: false,
            kinds: None,
            stuck: IndexSet::default(),
            first_panic: FirstPanic::default(),
        }
    }

    /// Learns from the worklist what to note of those that go next.
    pub(crate) fn begin(&mut self, deletions: &Deletions) {
        if deletions.kinds.are_told_apart() {
            self.kinds.get_or_insert_default();
        }
        self.is_flush = deletions.is_flush;
        self.last_unseen = None;
        self.looks_for = LooksFor::of(deletions, &deletions.settings);
    }

    /// Returns the worklist, if it is still the one that it was.
    pub(crate) fn deletions<'w>(&self, world: &'w mut World) -> Option<Mut<'w, Deletions>> {
        Deletions::of(world, self.ground.epoch()?)
    }

    /// Tells of and destroys all that was marked meanwhile, and finds out whether the world was
    /// cleared.
    pub(crate) fn carry_out(&mut self, world: &mut World) {
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

    /// Returns `true` if nothing is left to tear down, because the world was cleared, or nothing
    /// may be.
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

    /// Ends the work, and returns how many entities it got rid of.
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
        for entity in stuck {
            deletions.to_tear_down.push(entity, Fate::TearDown);
        }
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

    /// Takes the entities that were torn down until now and are looked for.
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

    /// Despawns an entity, and sees to whatever is deleted by that.
    pub(crate) fn despawn(&mut self, world: &mut World, entity: Entity) {
        if let Ok(location) = world.entities().get_spawned(entity) {
            self.despawn_at(world, entity, location.archetype_id);
        }
    }

    pub(crate) fn despawn_at(&mut self, world: &mut World, entity: Entity, archetype: ArchetypeId) {
        if self.is_over(world) {
            self.leave(entity);
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
        if self.is_gone(world, entity) {
            self.corpses.extend(corpse);
            if let Some((kinds, kind)) = self.kinds.as_mut().zip(kind) {
                kinds.count(kind);
            }
        }
        // Where the storage is not whole, no user code is called before the panic is out.
        if runs_code && !self.is_over(world) {
            if self.last_unseen != Some(archetype) {
                self.last_unseen = None;
            }
            self.carry_out(world);
        }
    }

    /// Despawns entities of which nothing is left to be told, and whose end calls no code.
    ///
    /// Returns how many of them there is nothing to do with any more: all, unless a value panicked
    /// when it was dropped.
    pub(crate) fn despawn_quietly(&mut self, world: &mut World, entities: &[Entity]) -> usize {
        let mut left = entities.iter();
        let mut gone = 0;
        let despawned = catch(|| {
            for entity in left.by_ref() {
                // It may stand there twice.
                if let Ok(entity) = world.get_entity_mut(*entity) {
                    entity.despawn();
                    gone += 1;
                }
            }
        });
        let done = entities.len() - left.len();
        self.count += gone;
        if despawned.is_err() {
            self.note(despawned);
            self.is_gone(world, entities[done - 1]);
        }
        done
    }

    /// Counts an entity that was despawned, or sees to one that is still there because a hook
    /// panicked. Returns `true` if it is gone.
    fn is_gone(&mut self, world: &mut World, entity: Entity) -> bool {
        let is_gone = !world.entities().contains_spawned(entity);
        if is_gone {
            self.count += 1;
        } else {
            self.stuck.insert(entity);
            if !self.is_over(world) {
                self.note(hiding::hide_again(world, entity));
            }
        }
        is_gone
    }

    /// Returns `true` if nothing is known that would have to be looked at when an entity goes whose
    /// end calls no code.
    pub(crate) fn are_quiet(&self) -> bool {
        matches!(self.ground, Ground::Firm(_))
            && self.looks_for == LooksFor::Nobody
            && self.kinds.is_none()
            && self.stuck.is_empty()
            && !self.first_panic.is_some()
    }

    /// Returns `true` if an entity was left alive because a hook of its panicked.
    pub(crate) fn is_stuck(&self, entity: Entity) -> bool {
        self.stuck.contains(&entity)
    }

    /// Leaves an entity to the next flush.
    pub(crate) fn leave(&mut self, entity: Entity) {
        self.stuck.insert(entity);
    }

    /// Tells of the references to an entity that is about to go, if its components asked for that.
    ///
    /// Returns `true` if the entity may go on to its tear-down.
    pub(crate) fn find_references(&mut self, world: &mut World, entity: Entity) -> bool {
        if self.looks_for == LooksFor::Nobody {
            return true;
        }
        let told = self.looks_for.find_references(world, entity);
        self.note(told);
        // An observer may have given it something to destroy.
        self.carry_out(world);
        self.last_unseen = None;
        let may_go = !self.is_over(world);
        if !may_go {
            self.leave(entity);
        }
        may_go
    }

    /// Takes an entity out of hiding that is about to be despawned, if an observer may look at it
    /// then, so that it looks as in a plain despawn.
    ///
    /// Returns `true` if it did. An observer of that may have despawned it, or given it something
    /// to own.
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
        // Where no other code is called, none can begin to observe.
        let is_unseen = !is_looked_at && !archetype_flags::has_end_hooks(archetype);
        self.last_unseen = is_unseen.then(|| archetype.id());
        is_looked_at
    }

    /// Returns `true` if entities of an archetype own something.
    pub(crate) fn is_owner(&mut self, world: &World, archetype: ArchetypeId) -> bool {
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

/// Returns `true` if entities of an archetype own something.
pub(crate) fn owns(world: &World, archetype: ArchetypeId) -> bool {
    let deletions = world.get_resource::<Deletions>();
    deletions.is_some_and(|deletions| {
        let profile = deletions.profiles.at(world, archetype);
        profile.is_owner()
    })
}
