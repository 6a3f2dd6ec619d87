//! Deletions of which listeners hear, and nothing else.
//!
//! Such an entity owns nothing, and nothing of it is destroyed or looked for. It is marked and told
//! with few looks at the worklist. If what its listeners do leads to nothing more, that is all
//! until its tear-down. Otherwise the stages of a deletion go on from there.

use bevy_ecs::{entity::Entity, world::World};

use crate::{
    deleting::{self, KindId},
    deletion::{
        archetype_flags::{self, Profile},
        ask::PreQdel,
        goal::Goal,
        mark::{Force, insert_marks},
        never_flushed::queue_lone,
        notice::Notice,
        notify::{self, Wave},
        owned::Member,
        queue::{Begun, Deletions},
        remembered::LooksFor,
        settings::QdelSettings,
        storage,
    },
    panics::{FirstPanic, Panicked, apply_commands},
    signal::{self, qdeleting::Qdeleting},
    statistics::counts::QdelCounts,
};

/// How far a deletion got.
pub(crate) enum Progress {
    /// Nothing was done: the stages have to do it.
    NotBegun,
    /// The entity is marked, and its listeners were told. The stages have to do the rest.
    Told(Told),
    /// Nothing is left to do before its tear-down, or it is gone.
    Ended,
}

/// An entity whose listeners were told, and the work that has begun with it.
pub(crate) struct Told {
    pub(crate) begun: Begun,
    notice: Notice,
    outcome: Result<(), Panicked>,
}

/// Deletes the entity of `root`, whose archetype has this `profile`, as far as its listeners are
/// all that hears of it.
///
/// That must be known of all else: see [`Deletions::only_tells`].
pub(crate) fn qdel(
    world: &mut World,
    root: Member,
    force: Force,
    profile: Profile,
    settings: QdelSettings,
) -> Progress {
    let Member { entity, cause } = root;
    if !signal::dispatch::close_unasked::<PreQdel>(world, entity) {
        return Progress::NotBegun;
    }
    let is_forced = force == Force::Yes;
    let now = world.change_tick();
    let begun = world
        .resource_mut::<Deletions>()
        .begin_work(settings, None, now);
    QdelCounts::change(world, |counts| counts.deleted += 1);
    let visibility = profile.visibility(settings.hiding);
    let mark = deleting::mark(begun.epoch, visibility, is_forced, false, KindId::OTHERS);
    let marked = insert_marks(world, settings.hiding, core::iter::once((entity, mark)));
    let mut first_panic = FirstPanic::from(marked);
    let notice = Qdeleting::new(entity, cause, is_forced);
    first_panic.note(notify::tell(world, notice, false, None));
    first_panic.note(apply_commands(world));
    if !first_panic.is_some() && end(world, entity, begun) {
        return Progress::Ended;
    }
    Progress::Told(Told {
        begun,
        notice: Notice {
            entity,
            cause,
            force: is_forced,
        },
        outcome: first_panic.into_outcome(),
    })
}

impl Told {
    /// Queues the entity for its tear-down, or destroys what has to be destroyed by now.
    pub(crate) fn destroy(self, world: &mut World) -> Result<(), Panicked> {
        let wave = Wave {
            notices: &[self.notice],
            epoch: self.begun.epoch,
            clock: None,
        };
        let mut first_panic = FirstPanic::from(self.outcome);
        first_panic.note(wave.destroy(world));
        first_panic.note(apply_commands(world));
        first_panic.into_outcome()
    }
}

/// Ends the work for an entity that was told, if nothing came of that. Returns `true` if so.
fn end(world: &mut World, entity: Entity, begun: Begun) -> bool {
    let Ok(location) = world.entities().get_spawned(entity) else {
        return false;
    };
    let archetypes = world.archetypes();
    let count = archetypes.len();
    let is_end_observed = archetype_flags::has_end_observers(&archetypes[location.archetype_id]);
    let now = world.change_tick();
    let Some(mut deletions) = Deletions::of(world, begun.epoch) else {
        return false;
    };
    let Some(profile) = deletions.profiles.known(location.archetype_id) else {
        return false;
    };
    let calls_at_end = profile.is_hooked() || is_end_observed;
    if !(deletions.only_tells() && deletions.may_end(count)) {
        return false;
    }
    let vanishes = deletions.work == Some(Goal::TearDownAll);
    if vanishes {
        let is_quiet = !(profile.is_linked() || calls_at_end);
        let looks_for = LooksFor::of(&deletions, &deletions.settings);
        if !is_quiet || looks_for != LooksFor::Nobody || deletions.is_waiting() {
            return false;
        }
        deletions.sweeps.note_tear_down();
    } else {
        queue_lone(&mut deletions, entity);
    }
    deletions.end_work(now).resume();
    if calls_at_end {
        // It may listen.
        signal::late_registrations::conclude(world, core::iter::once((entity, false)));
    }
    if vanishes {
        QdelCounts::change(world, |counts| counts.torn_down += 1);
        storage::guarded(world, |world| world.despawn(entity));
    }
    true
}
