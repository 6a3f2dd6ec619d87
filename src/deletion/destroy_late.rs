//! How components are destroyed that come late: on an entity that is being deleted, when its others
//! were destroyed already.
//!
//! [`LateInserts`](super::watch_late) notes what is inserted on an entity with a mark. The destroy
//! stage of a deletion sees all components that are there by then, so it forgets the notes of its
//! entities. What is noted after that is destroyed here.

use bevy_ecs::{component::ComponentId, entity::Entity, world::World};

use crate::{
    deleting::Deleting,
    deletion::{
        counting, destroy,
        destroyers::AtWork,
        late_components::{MOST_RETURNS, Returns},
        notice::Notice,
        queue::Deletions,
        settings::WorkClock,
        tear_down_queue::Fate,
    },
    hint::DestroyHint,
    panics::{FirstPanic, Panicked, catch},
    signal::qdeleting::QdelCause,
    statistics::counts::QdelCounts,
};

/// Destroys what came late and is still there, and applies the commands of that.
pub(crate) fn destroy_noted(world: &mut World, returns: &mut Returns) -> Result<(), Panicked> {
    let Some(mut deletions) = world.get_resource_mut::<Deletions>() else {
        return Ok(());
    };
    let noted = deletions.late.take();
    let is_measured = deletions.settings.measure_costs;
    let mut at_work = deletions.destroyers.take();
    let clock = is_measured.then(|| WorkClock::of(world));
    let mut first_panic = FirstPanic::default();
    // What is read by hand-written code may panic anywhere, and the destroyers must be given back.
    let destroyed = catch(|| {
        for (entity, mut components) in noted {
            components.retain(|component| may_return(world, returns, entity, *component));
            let destroyed = destroy_late(world, &mut at_work, entity, &components, clock.as_ref());
            first_panic.note(destroyed);
        }
    });
    first_panic.note(destroyed);
    first_panic.note(destroy::give_back(world, at_work));
    first_panic.into_outcome()
}

/// Returns `true` if a component is to be destroyed that came late.
fn may_return(
    world: &World,
    returns: &mut Returns,
    entity: Entity,
    component: ComponentId,
) -> bool {
    let Ok(at) = world.get_entity(entity) else {
        return false;
    };
    // An entity that lives on has no mark any more.
    if !at.contains::<Deleting>() || !at.contains_id(component) {
        return false;
    }
    let may_return = returns.count(entity, component);
    if !may_return {
        let deletions = world.get_resource::<Deletions>();
        let name = deletions.and_then(|deletions| deletions.destroyers.name_of(component));
        log::warn!(
            "passing over a `{}` of {entity}, which is being deleted: it was destroyed {MOST_RETURNS} times and inserted \
             again each time; see who inserts it on an entity that is `Deleting`",
            name.unwrap_or_default(),
        );
    }
    may_return
}

/// Destroys components of an entity, and heeds what of their hints can still be heeded.
fn destroy_late(
    world: &mut World,
    at_work: &mut AtWork,
    entity: Entity,
    components: &[ComponentId],
    clock: Option<&WorkClock>,
) -> Result<(), Panicked> {
    if components.is_empty() {
        return Ok(());
    }
    let Some(mark) = world.get::<Deleting>(entity) else {
        return Ok(());
    };
    let notice = Notice {
        entity,
        cause: cause_of(world, entity),
        force: mark.is_forced(),
    };
    let begun = clock.map(WorkClock::measured_now);
    let mut overruled = 0;
    let (hint, outcome) = at_work.destroy_late(world, notice, components, &mut overruled);
    if overruled > 0 {
        QdelCounts::change(world, |counts| counts.overruled += overruled);
        counting::count(world, entity, |counts| counts.overruled += overruled);
    }
    let Some(mut mark) = world.get_mut::<Deleting>(entity) else {
        return outcome;
    };
    let is_stronger = hint > mark.hint();
    if is_stronger {
        mark.set_hint(hint);
    }
    if let Some((clock, begun)) = clock.zip(begun) {
        let time = clock.measured_now().saturating_sub(begun);
        mark.costs_mut().destroy += time;
        let kind = mark.kind();
        counting::count_kind(world, kind, |tally| tally.costs.destroy += time);
    }
    if is_stronger && let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.sweeps.has_hints = true;
        match hint {
            DestroyHint::HardDelete => deletions.to_tear_down.push(entity, Fate::Due),
            DestroyHint::HardDeleteNow => deletions.to_tear_down.push(entity, Fate::Urgent),
            _ => {}
        }
    }
    outcome
}

/// Returns why an entity is being deleted, as far as that can still be told.
fn cause_of(world: &World, entity: Entity) -> QdelCause {
    let (Ok(entity), Some(deletions)) =
        (world.get_entity(entity), world.get_resource::<Deletions>())
    else {
        return QdelCause::Qdel;
    };
    let mut owners = deletions.ownerships.owners_of(world, entity);
    let owner = owners.find(|(_, owner)| world.get::<Deleting>(*owner).is_some());
    owner.map_or(QdelCause::Qdel, |(_, owner)| QdelCause::Owner(owner))
}
