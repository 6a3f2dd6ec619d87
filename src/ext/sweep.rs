//! The verbs of sweeps, and what is told of them.

use core::any::type_name;

use bevy_ecs::{component::Component, entity::Entity, world::World};

use crate::{
    deletion::sweep_in_flush::{self, Sweeping},
    inspect::readers::LeftOut,
    sweep::{
        report::SweepReport,
        schedule::{LeftoverField, add_corpses},
        targets::{Targets, Treatment},
    },
};

/// Looking for whoever names what is gone, on a [`World`].
pub trait SweepExt {
    /// Empties all places that name an entity which is gone, in one pass over the world, and says
    /// where they were.
    ///
    /// It reads the declared fields of all types that are
    /// [tracked](crate::WorldReferencesExt::track_references), and with the feature `bevy_reflect`
    /// everything in all other components and resources whose type is in the `AppTypeRegistry` with
    /// `#[reflect(Component)]` or `#[reflect(Resource)]`. An entry of a list, a set or a map is
    /// taken out, and the others keep their order; an `Option` becomes `None`; a value that cannot
    /// be without is dropped by what holds it; and a plain `Entity` with nothing around it becomes
    /// `Entity::PLACEHOLDER`. Immutable components are emptied as well, and their hooks run. Only
    /// what is emptied counts as changed.
    ///
    /// [`Weak`](crate::Weak) handles may name the gone, and components that are relationships, and
    /// observers, are Bevy's to clear: these are left alone, and so are entities that are being
    /// deleted and not torn down yet, and what they name. What it cannot look into is in
    /// [`SweepReport::blind_spots`].
    ///
    /// # Panics
    ///
    /// Goes on with the first panic of a hook, or of an [`on_lost`](crate::References::on_lost),
    /// after everything was swept.
    ///
    /// # Complexity
    ///
    /// One pass over all components whose type can hold an entity, however many are gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    /// # #[cfg(feature = "bevy_reflect")] {
    /// use bevy_ecs::reflect::AppTypeRegistry;
    /// use bevy_reflect::Reflect;
    ///
    /// /// Nobody has declared that it names somebody, and nobody clears it.
    /// #[derive(Component, Reflect)]
    /// #[reflect(Component)]
    /// struct Grudge {
    ///     against: Option<Entity>,
    /// }
    ///
    /// let mut world = World::new();
    /// let registry = AppTypeRegistry::default();
    /// registry.write().register::<Grudge>();
    /// world.insert_resource(registry);
    ///
    /// let goblin = world.spawn_empty().id();
    /// let orc = world.spawn(Grudge { against: Some(goblin) }).id();
    /// world.despawn(goblin);
    ///
    /// let report = world.sweep();
    ///
    /// assert_eq!(report.leftovers[0].place.to_string(), "Grudge.against");
    /// assert_eq!(world.get::<Grudge>(orc).unwrap().against, None);
    /// # }
    /// ```
    #[doc(alias("del", "hard_delete"))]
    fn sweep(&mut self) -> SweepReport;

    /// Empties all places that name one of `targets`, as [`sweep`](Self::sweep) does, whether they
    /// are alive or gone.
    ///
    /// It is for those who leave the game and not the world, such as entities that are kept for
    /// another use. Declared references with the [policies](crate::Policy) `remove` and `qdel` are
    /// left as they are, and so are relationships.
    ///
    /// # Panics
    ///
    /// As [`sweep`](Self::sweep).
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component, References)]
    /// struct Archer {
    ///     #[entities]
    ///     target: Option<Entity>,
    /// }
    ///
    /// let mut world = World::new();
    /// world.track_references::<Archer>();
    /// let goblin = world.spawn_empty().id();
    /// let archer = world.spawn(Archer { target: Some(goblin) }).id();
    ///
    /// let report = world.sweep_for([goblin]); // it goes back to a pool
    ///
    /// assert_eq!(report.leftovers[0].place.to_string(), "Archer.target");
    /// assert_eq!(world.get::<Archer>(archer).unwrap().target, None);
    /// assert_eq!(world.liveness(goblin), Liveness::Alive);
    /// ```
    fn sweep_for(&mut self, targets: impl IntoIterator<Item = Entity>) -> SweepReport;

    /// Finds all places that name an entity which is gone, as [`sweep`](Self::sweep) does, and
    /// leaves them as they are.
    ///
    /// Declared references are read before, and let go of what is lost, as before each tear-down.
    ///
    /// # Panics
    ///
    /// As [`sync_references`](crate::WorldReferencesExt::sync_references).
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    /// # #[cfg(feature = "bevy_reflect")] {
    /// use bevy_ecs::reflect::AppTypeRegistry;
    /// use bevy_reflect::Reflect;
    ///
    /// #[derive(Component, Reflect)]
    /// #[reflect(Component)]
    /// struct Grudge {
    ///     against: Option<Entity>,
    /// }
    ///
    /// let mut world = World::new();
    /// let registry = AppTypeRegistry::default();
    /// registry.write().register::<Grudge>();
    /// world.insert_resource(registry);
    /// let goblin = world.spawn_empty().id();
    /// let orc = world.spawn(Grudge { against: Some(goblin) }).id();
    /// world.despawn(goblin);
    ///
    /// let report = world.find_leftovers();
    ///
    /// assert_eq!(report.leftovers[0].place.to_string(), "Grudge.against");
    /// assert_eq!(world.get::<Grudge>(orc).unwrap().against, Some(goblin));
    /// # }
    /// ```
    fn find_leftovers(&mut self) -> SweepReport;

    /// Has sweeps leave all components or the resource of type `C` as they are: because it is to
    /// remember the dead, or names entities of another world.
    ///
    /// It is listed among the blind spots of their reports. A sweep that runs in slices keeps what
    /// it knows. For fields of a declared type there is `#[references(ignore)]`.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::{Blindness, prelude::*};
    ///
    /// /// Who killed whom, for the end of the game.
    /// #[derive(Component)]
    /// struct Chronicle(Vec<(Entity, Entity)>);
    ///
    /// let mut world = World::new();
    /// world.leave_out_of_sweeps::<Chronicle>();
    /// world.spawn(Chronicle(Vec::new()));
    ///
    /// assert_eq!(world.sweep().blind_spots[0].reason, Blindness::LeftOut);
    /// ```
    fn leave_out_of_sweeps<C: Component>(&mut self) -> &mut Self;

    /// Has the next flushes sweep for all who are gone, at the pace that the settings say, and
    /// [`SweepFinished`](crate::SweepFinished) told when it is done. A second time before that does
    /// no harm.
    ///
    /// Nothing comes of it with [`SweepMode::Off`](crate::SweepMode::Off).
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// use qdel::SweepFinished;
    ///
    /// #[derive(Resource, Default)]
    /// struct Sweeps(usize);
    ///
    /// let mut world = World::new();
    /// world.init_resource::<Sweeps>();
    /// world.add_observer(|_: On<SweepFinished>, mut sweeps: ResMut<Sweeps>| sweeps.0 += 1);
    ///
    /// world.request_sweep();
    /// world.flush_qdel();
    ///
    /// assert_eq!(world.resource::<Sweeps>().0, 1);
    /// ```
    fn request_sweep(&mut self);

    /// Returns the fields in which sweeps found something since the world began or the statistics
    /// were reset, those with the most places first.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    /// # #[cfg(feature = "bevy_reflect")] {
    /// use bevy_ecs::reflect::AppTypeRegistry;
    /// use bevy_reflect::Reflect;
    ///
    /// #[derive(Component, Reflect)]
    /// #[reflect(Component)]
    /// struct Grudge {
    ///     against: Option<Entity>,
    /// }
    ///
    /// let mut world = World::new();
    /// let registry = AppTypeRegistry::default();
    /// registry.write().register::<Grudge>();
    /// world.insert_resource(registry);
    /// let goblin = world.spawn_empty().id();
    /// let orc = world.spawn(Grudge { against: Some(goblin) }).id();
    /// world.despawn(goblin);
    ///
    /// world.sweep();
    ///
    /// let fields = world.leftover_fields();
    /// assert_eq!((fields[0].path.as_str(), fields[0].places), (".against", 1));
    /// # let _ = orc;
    /// # }
    /// ```
    fn leftover_fields(&self) -> Vec<LeftoverField>;
}

impl SweepExt for World {
    fn sweep(&mut self) -> SweepReport {
        sweep_in_flush::sweep_for(self, &Targets::gone(Treatment::Empty), Sweeping::Counts)
    }

    fn sweep_for(&mut self, targets: impl IntoIterator<Item = Entity>) -> SweepReport {
        let mut all = Targets::default();
        for target in targets {
            all.insert(target, Treatment::Empty, None);
        }
        sweep_in_flush::sweep_for(self, &all, Sweeping::Ignored)
    }

    fn find_leftovers(&mut self) -> SweepReport {
        sweep_in_flush::sweep_for(self, &Targets::gone(Treatment::Report), Sweeping::Ignored)
    }

    fn leave_out_of_sweeps<C: Component>(&mut self) -> &mut Self {
        let component = self.register_component::<C>();
        self.get_resource_or_init::<LeftOut>()
            .insert(component, type_name::<C>());
        self
    }

    fn request_sweep(&mut self) {
        sweep_in_flush::request_sweep(self);
    }

    fn leftover_fields(&self) -> Vec<LeftoverField> {
        sweep_in_flush::leftover_fields(self)
    }
}

/// Asserts that nothing names an entity which is gone: for tests.
///
/// It tears down what waits for it, and then looks as [`SweepExt::find_leftovers`] does. A type
/// that is neither tracked nor registered is not looked into and passes:
/// `find_leftovers().blind_spots` lists them.
///
/// # Panics
///
/// Panics if anything does, with a list that names each holder, its field, and whom it names. Also
/// as [`drain_qdel`](crate::QdelExt::drain_qdel).
///
/// # Examples
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::{assert_no_leftovers, prelude::*};
///
/// let mut world = World::new();
/// let goblin = world.spawn_empty().id();
///
/// world.qdel(goblin)?;
///
/// assert_no_leftovers(&mut world);
/// # Ok::<(), qdel::QdelError>(())
/// ```
#[track_caller]
pub fn assert_no_leftovers(world: &mut World) {
    let (drained, corpses) = sweep_in_flush::drain(world);
    if let Err(panicked) = drained {
        panicked.resume();
    }
    let mut targets = Targets::gone(Treatment::Report);
    add_corpses(&mut targets, &corpses, |_| Treatment::Report);
    let report = sweep_in_flush::sweep_for(world, &targets, Sweeping::Ignored);
    assert!(
        report.is_clean(),
        "entities that are gone are still named: {report}\n\
         declare the fields (`#[derive(References)]` and `track_references`), clear them in a handler of `Qdeleting`, or \
         hold a `Weak`"
    );
}
