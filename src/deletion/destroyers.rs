//! Which components are destroyed, and what destroys them.
//!
//! # Invariants
//!
//! 1. The order is that of registration, and holds for all entities.
//! 2. A destroyer works outside the world: while it does, it is not among the [`Destroyers`].

use bevy_ecs::{
    component::ComponentId,
    world::{EntityRef, World},
};

use crate::{
    deletion::notice::Notice,
    hint::DestroyHint,
    panics::{FirstPanic, Panicked, catch},
};

/// All that can be destroyed, in the order of registration.
#[derive(Default)]
pub(crate) struct Destroyers {
    known: Vec<KnownDestroyer>,
}

struct KnownDestroyer {
    component: ComponentId,
    name: &'static str,
    /// None while it is at work.
    destroyer: Option<Box<dyn Destroyer>>,
}

/// The destroyers of a world, taken out of it for as long as they work.
pub(crate) struct AtWork(Vec<(ComponentId, Box<dyn Destroyer>)>);

impl Destroyers {
    /// Returns the names of the components of `entity` that would be destroyed, in order.
    pub(crate) fn names_in(&self, entity: EntityRef) -> impl Iterator<Item = &'static str> {
        let known = self.known.iter();
        known
            .filter(move |known| entity.contains_id(known.component))
            .map(|known| known.name)
    }

    /// Returns `true` if nothing can be destroyed.
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Returns the name of a component that can be destroyed.
    pub(crate) fn name_of(&self, component: ComponentId) -> Option<&'static str> {
        let mut known = self.known.iter();
        let known = known.find(|known| known.component == component)?;
        Some(known.name)
    }

    /// Returns all components that can be destroyed.
    pub(crate) fn components(&self) -> impl Iterator<Item = ComponentId> {
        self.known.iter().map(|known| known.component)
    }

    /// Returns `true` if a component can be destroyed.
    pub(crate) fn knows(&self, component: ComponentId) -> bool {
        self.known.iter().any(|known| known.component == component)
    }

    /// Adds what destroys a component.
    pub(crate) fn add(
        &mut self,
        component: ComponentId,
        name: &'static str,
        destroyer: Box<dyn Destroyer>,
    ) {
        self.known.push(KnownDestroyer {
            component,
            name,
            destroyer: Some(destroyer),
        });
    }

    /// Takes all destroyers out, so that they can work on the world.
    pub(crate) fn take(&mut self) -> AtWork {
        let known = self.known.iter_mut();
        let taken = known.filter_map(|known| Some((known.component, known.destroyer.take()?)));
        AtWork(taken.collect())
    }

    /// Puts back destroyers that were taken.
    pub(crate) fn give_back(&mut self, at_work: AtWork) {
        for (component, destroyer) in at_work.0 {
            let mut known = self.known.iter_mut();
            if let Some(known) = known.find(|known| known.component == component) {
                known.destroyer = Some(destroyer);
            }
        }
    }
}

impl AtWork {
    /// Destroys the components of an entity and returns the strongest hint.
    ///
    /// `overruled` counts those that were passed over because the deletion is forced.
    pub(crate) fn destroy(
        &mut self,
        world: &mut World,
        notice: Notice,
        overruled: &mut u64,
    ) -> (DestroyHint, Result<(), Panicked>) {
        let is_heeded = |hint| !(hint == DestroyHint::LetMeLive && notice.force);
        self.destroy_those(world, notice, |_| true, is_heeded, overruled)
    }

    /// Destroys `components` of an entity that were inserted when its others were destroyed, and
    /// returns the strongest hint.
    ///
    /// `overruled` counts those that were passed over because the deletion is decided.
    pub(crate) fn destroy_late(
        &mut self,
        world: &mut World,
        notice: Notice,
        components: &[ComponentId],
        overruled: &mut u64,
    ) -> (DestroyHint, Result<(), Panicked>) {
        let is_late = |component| components.contains(&component);
        let is_heeded = |hint| !matches!(hint, DestroyHint::LetMeLive | DestroyHint::IWillHandleIt);
        self.destroy_those(world, notice, is_late, is_heeded, overruled)
    }

    /// Destroys the components of an entity that are meant, in order, and returns the strongest
    /// hint of those that are heeded.
    fn destroy_those(
        &mut self,
        world: &mut World,
        notice: Notice,
        is_meant: impl Fn(ComponentId) -> bool,
        is_heeded: impl Fn(DestroyHint) -> bool,
        overruled: &mut u64,
    ) -> (DestroyHint, Result<(), Panicked>) {
        let mut strongest = DestroyHint::Queue;
        let mut first_panic = FirstPanic::default();
        for (component, destroyer) in &mut self.0 {
            let entity = world.get_entity(notice.entity);
            let is_there = entity.is_ok_and(|entity| entity.contains_id(*component));
            if !is_there || !is_meant(*component) {
                continue;
            }
            let called = catch(|| destroyer.destroy(world, notice));
            match called {
                Ok(hint) if is_heeded(hint) => strongest = strongest.max(hint),
                Ok(_) => *overruled += 1,
                Err(panicked) => first_panic.keep(panicked),
            }
        }
        (strongest, first_panic.into_outcome())
    }

    /// Applies the commands that wait in the destroyers.
    pub(crate) fn apply_commands(&mut self, world: &mut World) -> Result<(), Panicked> {
        let mut first_panic = FirstPanic::default();
        for (_, destroyer) in &mut self.0 {
            first_panic.run(|| destroyer.apply(world));
        }
        first_panic.into_outcome()
    }
}

/// A [`Destroy`](crate::Destroy) whose type is forgotten.
pub(crate) trait Destroyer: Send + Sync {
    /// Destroys the component of the entity, which has one.
    fn destroy(&mut self, world: &mut World, notice: Notice) -> DestroyHint;

    /// Applies commands that wait.
    fn apply(&mut self, world: &mut World);
}
