//! Deletions that no stage has anything to do with.
//!
//! Most entities that go have no listeners, own nothing and hold nothing outside the ECS. Between
//! their mark and their tear-down nothing happens, so they skip the stages of a deletion. One that
//! is torn down at once is just despawned, where its mark could not be seen either.

use bevy_ecs::{archetype::ArchetypeId, entity::Entity, entity_disabling::Disabled, world::World};

use crate::{
    deleting::{self, KindId},
    deletion::{
        archetype_flags::{self, Profile},
        batch_outcome::QdelBatchOutcome,
        look_before_asking::look_before_asking,
        looked::Look,
        mark::Force,
        never_flushed::{MANY, warn_if_never_flushed},
        only_heard::{self, Progress},
        owned::Member,
        queue::Deletions,
        remembered::LooksFor,
        settings::{Hiding, QdelSettings, Teardown},
        storage,
        tear_down_queue::Fate,
    },
    panics::{FirstPanic, catch},
    signal,
    statistics::counts::QdelCounts,
};

/// Deletes the entity of `root` as far as only its listeners hear of that.
///
/// It looks first for what else might notice.
pub(crate) fn qdel(world: &mut World, root: Member, force: Force, look: Look) -> Progress {
    let entity = root.entity;
    let Some(mut deletions) = world.get_resource::<Deletions>() else {
        return Progress::NotBegun;
    };
    if deletions.looked.is_needed {
        look_before_asking(world, look);
        deletions = world.resource();
        if deletions.panicked.is_some() {
            return Progress::NotBegun;
        }
    }
    let Ok(location) = world.entities().get_spawned(entity) else {
        return Progress::NotBegun;
    };
    let Some(profile) = deletions.unnoticed(world, location.archetype_id) else {
        return Progress::NotBegun;
    };
    let settings = QdelSettings::of(world);
    if settings.measure_costs || !deletions.hides_by(world, &settings) {
        return Progress::NotBegun;
    }
    if profile.is_heard() {
        if !deletions.only_tells() {
            return Progress::NotBegun;
        }
        return only_heard::qdel(world, root, force, profile, settings);
    }
    if settings.teardown == Teardown::Immediate {
        if !deletions.lets_vanish(world, &settings) || !is_unseen(world, location.archetype_id) {
            return Progress::NotBegun;
        }
        if !deletions.sweeps.has_torn_down() {
            note_vanished(world);
        }
        QdelCounts::change(world, |counts| counts.count_vanished(1));
        storage::guarded(world, |world| world.despawn(entity));
        return Progress::Ended;
    }
    // The end of each listener is noticed by a hook or an observer.
    let archetype = &world.archetypes()[location.archetype_id];
    let may_listen = profile.is_hooked() || archetype_flags::has_end_observers(archetype);
    let mut deletions = world.resource_mut::<Deletions>();
    let epoch = deletions.epoch;
    deletions.to_tear_down.push(entity, Fate::TearDown);
    if deletions.to_tear_down.count_in_turn() == MANY {
        warn_if_never_flushed(&mut deletions);
    }
    QdelCounts::change(world, |counts| counts.deleted += 1);
    if may_listen {
        signal::late_registrations::conclude(world, core::iter::once((entity, false)));
    }
    let visibility = profile.visibility(settings.hiding);
    let is_forced = force == Force::Yes;
    let mark = deleting::mark(epoch, visibility, is_forced, false, KindId::OTHERS);
    let mut entity = world.entity_mut(entity);
    match settings.hiding {
        Hiding::Hide => entity.insert((mark, Disabled)),
        Hiding::LeaveVisible => entity.insert(mark),
    };
    Progress::Ended
}

/// Deletes `entities` if they are torn down at once and that goes unnoticed for all of them.
pub(crate) fn qdel_batch(world: &mut World, entities: &[Entity]) -> Option<QdelBatchOutcome> {
    let settings = QdelSettings::of(world);
    let deletions = world.get_resource::<Deletions>()?;
    if settings.teardown != Teardown::Immediate
        || settings.measure_costs
        || !deletions.hides_by(world, &settings)
        || !deletions.lets_vanish(world, &settings)
    {
        return None;
    }
    let mut last = None;
    let mut vanishes = |entity: &Entity| {
        let Ok(location) = world.entities().get_spawned(*entity) else {
            return false;
        };
        let archetype = location.archetype_id;
        if last != Some(archetype) {
            let unnoticed = deletions.unnoticed(world, archetype);
            let is_unheard = unnoticed.is_some_and(|profile| !profile.is_heard());
            if !is_unheard || !is_unseen(world, archetype) {
                return false;
            }
            last = Some(archetype);
        }
        true
    };
    if !entities.iter().all(&mut vanishes) {
        return None;
    }

    let mut batch = QdelBatchOutcome::default();
    let mut first_panic = FirstPanic::default();
    for &entity in entities {
        if world.entities().contains_spawned(entity) {
            batch.queued.push(entity);
            // A value that panics when it is dropped ends it. A command that panics does not, and
            // the others go on.
            let despawned = catch(|| world.despawn(entity));
            let has_panicked = despawned.is_err();
            first_panic.note(despawned.map(drop));
            if has_panicked && storage::look_after_panic(world) {
                break;
            }
        } else {
            batch.already_deleting.push(entity);
        }
    }
    let vanished = batch.queued.len() as u64;
    if vanished > 0 {
        note_vanished(world);
    }
    QdelCounts::change(world, |counts| {
        batch.count(counts);
        counts.count_vanished(vanished);
    });
    first_panic.resume();
    Some(batch)
}

impl Deletions {
    /// Returns what to know of entities of an archetype, if nothing happens between their mark and
    /// their tear-down but that their listeners are told.
    fn unnoticed(&self, world: &World, archetype: ArchetypeId) -> Option<Profile> {
        let profile = self.profiles.known(archetype)?;
        let is_unnoticed = profile.is_only_heard()
            && self.work.is_none()
            && !self.kinds.are_told_apart()
            && !self.is_observed(world);
        is_unnoticed.then_some(profile)
    }

    /// Returns `true` if all are hidden that should be by `settings`.
    fn hides_by(&self, world: &World, settings: &QdelSettings) -> bool {
        self.settings.hiding == settings.hiding
            && self.profiles.are_current(world)
            && !self.may_show(world)
    }

    /// Returns `true` if an entity whose despawn is not observed can be despawned without a mark.
    fn lets_vanish(&self, world: &World, settings: &QdelSettings) -> bool {
        !self.tracks
            && !self.is_broken()
            && !self.is_waiting()
            && LooksFor::of(self, settings) == LooksFor::Nobody
            && self.profiles.is_mark_unseen(world)
    }
}

/// Notes that something was torn down, for the sweeps.
fn note_vanished(world: &mut World) {
    if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.sweeps.note_tear_down();
    }
}

/// Returns `true` if no hook or observer runs when entities of an archetype are despawned.
fn is_unseen(world: &World, archetype: ArchetypeId) -> bool {
    !archetype_flags::runs_on_despawn(&world.archetypes()[archetype])
}
