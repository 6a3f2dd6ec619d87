//! Components that come late: those that are destroyed, and are inserted on an entity that is being
//! deleted when its others were destroyed already.
//!
//! Whatever is inserted on an entity with a mark is noted here. The destroy stage of a deletion
//! takes the notes of whom it destroys, because it sees all that is there by then. What is noted
//! after that is destroyed by [`destroy_noted`].

use core::{marker::PhantomData, mem};

use bevy_ecs::{
    component::ComponentId,
    entity::Entity,
    lifecycle::{HookContext, Insert},
    observer::{Observer, On},
    resource::Resource,
    world::{DeferredWorld, World},
};
use smallvec::SmallVec;

use crate::{
    books::Reserved,
    deleting::Deleting,
    deletion::{
        destroy::{self, Destroy},
        destroyers::AtWork,
        notice::Notice,
        outcome::QdelCounts,
        queue::Deletions,
        settings::WorkClock,
    },
    hash::{HashMap, IndexMap},
    hint::DestroyHint,
    panics::{FirstPanic, Panicked, catch},
    signal::{self, qdeleting::QdelCause},
    statistics::kinds,
};

/// So often a component of one entity is destroyed that comes back each time.
const MOST_RETURNS: u32 = 16;

/// What was inserted on entities that are being deleted, in the order in which they got the first.
#[derive(Debug, Default)]
pub(crate) struct Late(IndexMap<Entity, SmallVec<[ComponentId; 1]>>);

impl Late {
    /// Returns `true` if nothing is noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets what was inserted on an entity, because all of its components are destroyed now.
    pub(crate) fn forget(&mut self, entity: Entity) {
        if !self.0.is_empty() {
            self.0.swap_remove(&entity);
        }
    }

    fn note(&mut self, entity: Entity, component: ComponentId) {
        let noted = self.0.entry(entity).or_default();
        if !noted.contains(&component) {
            noted.push(component);
        }
    }
}

/// How often each component of each entity was destroyed late, by one deletion or flush.
#[derive(Default)]
pub(crate) struct Returns(HashMap<(Entity, ComponentId), u32>);

impl Returns {
    /// Counts once more, and tells whether that is still bearable.
    fn count(&mut self, entity: Entity, component: ComponentId) -> bool {
        let returns = self.0.entry((entity, component)).or_default();
        *returns += 1;
        *returns <= MOST_RETURNS
    }
}

/// Has each `C` noted that is inserted on an entity that is being deleted.
///
/// A hook costs the least. It needs a component that is in no archetype yet and whose hook is free;
/// otherwise an observer does the same.
pub(crate) fn watch<C: Destroy>(world: &mut World, component: ComponentId) {
    let is_hooked = !signal::listener::is_in_use(world, component) && {
        let hooks = world.register_component_hooks::<C>();
        hooks.try_on_insert(note_inserted).is_some()
    };
    if !is_hooked {
        let observer = Observer::new(move |inserted: On<Insert<C>>, mut world: DeferredWorld| {
            note(&mut world, inserted.entity, component);
        });
        world.init_resource::<Inserts<C>>();
        signal::listener::observe_from::<Inserts<C>>(world, observer);
    }
}

fn note_inserted(mut world: DeferredWorld, context: HookContext) {
    note(&mut world, context.entity, context.component_id);
}

fn note(world: &mut DeferredWorld, entity: Entity, component: ComponentId) {
    if world.get::<Deleting>(entity).is_none() {
        return;
    }
    // Without a worklist, somebody cleared the world.
    if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.late.note(entity, component);
    }
}

/// The resource on whose entity the observer of the inserts of `C` lives.
#[derive(Resource)]
#[require(Reserved)]
struct Inserts<C: Destroy>(PhantomData<fn() -> C>);

impl<C: Destroy> Default for Inserts<C> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// Destroys what came late and is still there, and applies the commands of that.
pub(crate) fn destroy_noted(world: &mut World, returns: &mut Returns) -> Result<(), Panicked> {
    let Some(mut deletions) = world.get_resource_mut::<Deletions>() else {
        return Ok(());
    };
    let noted = mem::take(&mut deletions.late);
    let clock = deletions.settings.measure_costs.then_some(());
    let mut at_work = deletions.destroyers.take();
    let clock = clock.map(|()| WorkClock::of(world));
    let mut first_panic = FirstPanic::default();
    // What is read by hand-written code may panic anywhere, and the destroyers must be given back.
    let destroyed = catch(|| {
        for (entity, mut components) in noted.0 {
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
    // Whoever lives on has no mark any more.
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
        kinds::count(world, entity, |counts| counts.overruled += overruled);
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
        kinds::count_kind(world, kind, |counts| counts.destroy += time);
    }
    if is_stronger && let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.sweeps.has_hints = true;
        match hint {
            DestroyHint::HardDelete => deletions.due.push(entity),
            DestroyHint::HardDeleteNow => deletions.urgent.push(entity),
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
