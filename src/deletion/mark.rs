//! How an entity becomes `deleting`, and how it becomes alive again.

use bevy_ecs::{
    bundle::{Bundle, NoBundleEffect},
    entity::Entity,
    entity_disabling::Disabled,
    world::World,
};
use smallvec::SmallVec;

use crate::{
    deleting::{self, Deleting, KindId, Visibility},
    deletion::{
        archetype_flags::Profile, counting, notice::Notice, owned::Member, queue::Deletions,
        settings::Hiding,
    },
    panics::{FirstPanic, Panicked, catch},
    signal,
    statistics::counts::QdelCounts,
};

/// Whether a deletion is forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    No,
    Yes,
}

/// Marks entities as deleting, and queues what is to be done with them.
///
/// Commands of observers of the mark wait until all are told.
pub(crate) fn mark(world: &mut World, members: &[Member], force: Force) -> Result<(), Panicked> {
    let notices = members.iter().map(|member| Notice {
        entity: member.entity,
        cause: member.cause,
        force: force == Force::Yes,
    });
    let mut deletions = world.resource_mut::<Deletions>();
    deletions.to_tell.extend(notices);
    let are_told_apart = deletions.kinds.are_told_apart();
    QdelCounts::change(world, |counts| counts.deleted += members.len() as u64);
    let entities = members.iter().map(|member| member.entity);
    let kinds = are_told_apart.then(|| counting::count_deleted(world, entities.clone()));
    let kind = |at: usize| kinds.as_ref().map_or(KindId::OTHERS, |kinds| kinds[at]);
    let deletions = world.resource::<Deletions>();
    let (epoch, awaits) = (deletions.epoch, deletions.is_awaited());
    let hiding = deletions.settings.hiding;
    let mut any_heard = false;
    let mut marks = SmallVec::<[_; 4]>::with_capacity(members.len());
    for (at, entity) in entities.clone().enumerate() {
        let profile = deletions.profiles.of(world, entity);
        any_heard |= profile.is_some_and(Profile::is_heard);
        let visibility = profile.map(|profile| profile.visibility(hiding));
        let visibility = visibility.unwrap_or(Visibility::AsItWas);
        let is_forced = force == Force::Yes;
        let mark = deleting::mark(epoch, visibility, is_forced, awaits, kind(at));
        marks.push((entity, mark));
    }
    if any_heard {
        signal::dispatch::close(world, entities);
    }
    insert_marks(world, hiding, marks.into_iter())
}

/// Inserts marks into entities, and what hides these. Applies no commands.
pub(crate) fn insert_marks(
    world: &mut World,
    hiding: Hiding,
    marks: impl Iterator<Item = (Entity, Deleting)>,
) -> Result<(), Panicked> {
    match hiding {
        Hiding::Hide => {
            let hidden = marks.map(|(entity, mark)| (entity, (mark, Disabled)));
            insert_each(world, hidden)
        }
        Hiding::LeaveVisible => insert_each(world, marks),
    }
}

/// Inserts components into entities, and applies no commands.
pub(crate) fn insert_each<B: Bundle<Effect: NoBundleEffect>>(
    world: &mut World,
    mut batch: impl Iterator<Item = (Entity, B)>,
) -> Result<(), Panicked> {
    // An observer that panics cuts the batch short, but not before its own entity was seen to.
    let mut first_panic = FirstPanic::default();
    loop {
        let inserted = catch(|| {
            world
                .try_insert_batch(batch.by_ref())
                .expect("nobody should be able to despawn what is being marked");
        });
        let finished = inserted.is_ok();
        first_panic.note(inserted);
        if finished {
            return first_panic.into_outcome();
        }
    }
}

/// Takes the mark of an entity back: it is seen and listened to as before.
pub(crate) fn restore(world: &mut World, entity: Entity) -> Result<(), Panicked> {
    signal::revival::reopen(world, entity);
    let Ok(mut entity) = world.get_entity_mut(entity) else {
        return Ok(());
    };
    let visibility = entity.get::<Deleting>().map(Deleting::visibility);
    catch(|| {
        match visibility {
            Some(Visibility::Hidden) => entity.remove::<(Deleting, Disabled)>(),
            // Without its mark, that was taken off by hand.
            Some(Visibility::AsItWas) | None => entity.remove::<Deleting>(),
        };
    })
}
