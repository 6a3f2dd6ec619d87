//! Deletions that no stage has anything to do with.
//!
//! Most entities that go have no listeners, own nothing and hold nothing outside the ECS. Between
//! their mark and their tear-down nothing happens, so they skip the stages of a deletion. One that
//! is torn down at once is just despawned, where its mark could not be seen either.

use bevy_ecs::{archetype::ArchetypeId, entity::Entity, entity_disabling::Disabled, world::World};

use crate::{
    deleting::{self, KindId},
    deletion::{
        archetype_flags,
        batch_outcome::QdelBatchOutcome,
        look_before_asking::look_before_asking,
        looked::Look,
        mark::Force,
        never_flushed::queue_lone,
        only_heard::{self, Progress},
        owned::Member,
        queue::Deletions,
        quiet_tree,
        settings::{Hiding, QdelSettings, Teardown},
        short_ways::note_vanished,
        storage,
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
    let archetype = location.archetype_id;
    let Some(profile) = deletions.profiles.known(archetype) else {
        return Progress::NotBegun;
    };
    let may_be_quiet = profile.is_only_heard() || profile.is_untold();
    if !may_be_quiet || !deletions.is_undisturbed(world) {
        return Progress::NotBegun;
    }
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
        if !deletions.lets_vanish(world, &settings) {
            return Progress::NotBegun;
        }
        if profile.is_linked() && profile.is_untold() {
            return quiet_tree::qdel(world, entity);
        }
        if !is_unseen(world, archetype) {
            return Progress::NotBegun;
        }
        if !deletions.sweeps.has_torn_down() {
            note_vanished(world);
        }
        QdelCounts::change(world, |counts| counts.count_vanished(1));
        storage::guarded(world, |world| world.despawn(entity));
        return Progress::Ended;
    }
    if !profile.is_only_heard() {
        return Progress::NotBegun;
    }
    let may_listen = profile.calls_at_end(&world.archetypes()[archetype]);
    let mut deletions = world.resource_mut::<Deletions>();
    let epoch = deletions.epoch;
    queue_lone(&mut deletions, entity);
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
    if !deletions.makes_vanish(world, &settings) {
        return None;
    }
    let mut last = None;
    let mut vanishes = |entity: &Entity| {
        let Ok(location) = world.entities().get_spawned(*entity) else {
            return false;
        };
        let archetype = location.archetype_id;
        if last != Some(archetype) {
            let profile = deletions.profiles.known(archetype);
            let is_unheard =
                profile.is_some_and(|profile| profile.is_only_heard() && !profile.is_heard());
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

/// Returns `true` if no hook or observer runs when entities of an archetype are despawned.
fn is_unseen(world: &World, archetype: ArchetypeId) -> bool {
    !archetype_flags::runs_on_despawn(&world.archetypes()[archetype])
}
