//! The verbs of references on a world: declare, find, sweep.

use core::any::type_name;

use bevy_ecs::{component::Component, entity::Entity, world::World};

use crate::{
    deletion::{
        settle,
        sweep_in_flush::{self, Sweeping},
        worklist,
    },
    find::{report::ReferenceReport, search},
    inspect::readers::LeftOut,
    reference::tracked::TrackedComponent,
    sweep::{
        report::SweepReport,
        schedule::LeftoverField,
        targets::{Targets, Treatment},
    },
};

/// Who names whom, on a [`World`]: declare fields, find who holds an entity, and sweep out what
/// names the gone.
pub trait WorldReferencesExt {
    /// Has the declared fields of each `C` cleared when what they name goes away: setting the field
    /// is all.
    ///
    /// A field never names an entity that this crate has torn down, and lets go of one that was
    /// despawned plainly at once if it is known to name it, and at the next sync if it was written
    /// since the last one. The one limit: what hooks and observers write while the tear-down runs
    /// is found by the next sync.
    ///
    /// The sync comes before each tear-down, and with the plugin before `PostUpdate`
    /// (`QdelSystems::Sync`): until then a written field may name an entity that is being deleted.
    /// It reads what was written since by Bevy's change detection; a frame without deletions costs
    /// nothing, and a game that only ever despawns plainly calls
    /// [`sync_references`](Self::sync_references). Entities that are there already are read at
    /// once. A second time does no harm.
    ///
    /// # Complexity
    ///
    /// A sync looks at the change tick of each `C`, and costs O(1) for each entity that a changed
    /// one names. A deletion costs a pass over each component that names the entity: see
    /// [`References`](crate::References) for its containers. A type with the policies `qdel` or `deny` is synced as
    /// well before anybody is asked, without letting go of anything: each time by a verb of
    /// [`World`], once for a batch, and once for all commands until a system runs that is no
    /// observer.
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
    /// world.qdel(goblin)?;
    ///
    /// assert_eq!(world.get::<Archer>(archer).unwrap().target, None);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    #[doc(alias("MapEntities", "relationship"))]
    fn track_references<C: TrackedComponent>(&mut self) -> &mut Self;

    /// Reads the fields that were written, and has them let go of what is lost, without waiting for
    /// a tear-down.
    ///
    /// Call it after plain despawns where nothing may dangle until the next deletion.
    ///
    /// # Panics
    ///
    /// Goes on with the first panic of an [`on_lost`](crate::References::on_lost), after everybody has let
    /// go.
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
    /// let archer = world.spawn(Archer { target: None }).id();
    /// world.get_mut::<Archer>(archer).unwrap().target = Some(goblin);
    /// world.despawn(goblin);
    /// assert_eq!(world.get::<Archer>(archer).unwrap().target, Some(goblin));
    ///
    /// world.sync_references();
    ///
    /// assert_eq!(world.get::<Archer>(archer).unwrap().target, None);
    /// ```
    fn sync_references(&mut self);

    /// Finds all places in the world that name `target`, which may be alive, on its way out, or
    /// long gone.
    ///
    /// It reads the fields of all types that are
    /// [tracked](crate::WorldReferencesExt::track_references); with the feature `bevy_reflect`,
    /// everything in components and resources whose type is in the `AppTypeRegistry` with
    /// `#[reflect(Component)]` or `#[reflect(Resource)]`; and the relationships and observers that
    /// Bevy keeps. What it cannot look into is in [`ReferenceReport::blind_spots`].
    ///
    /// While it looks, it holds the read lock of the `AppTypeRegistry`. In a type whose
    /// [`References`](crate::References) is written by hand and does not say which parts it
    /// [enters](crate::reference::ReferenceVisitor::enter), the paths of declared places are shorter than
    /// those of reflection, and a place may be listed by both. Types that are not registered have
    /// names only if Bevy's feature `debug` is on.
    ///
    /// It is a tool for people: for a game's console, or for a test that failed. Where only fields
    /// of tracked types matter and nobody reads a report, [`plan_qdel`](crate::WorldQdelExt::plan_qdel)
    /// costs a fraction.
    ///
    /// # Complexity
    ///
    /// One pass over all components whose type can hold an entity, also of hidden entities. If
    /// anybody holds `target`, a search outwards from the roots follows, which reads what they lead
    /// to once more.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// #[derive(Component, Default, References)]
    /// struct Mob {
    ///     #[entities]
    ///     friends: Vec<Entity>,
    /// }
    ///
    /// let mut world = World::new();
    /// world.track_references::<Mob>();
    /// let orc = world.spawn_empty().id();
    /// let goblin = world.spawn((Name::new("goblin"), Mob { friends: vec![orc] })).id();
    ///
    /// let report = world.find_references(orc);
    ///
    /// let holder = &report.holders[0];
    /// assert_eq!(holder.label.entity, goblin);
    /// assert_eq!(holder.places[0].to_string(), "Mob.friends[0]");
    /// ```
    #[doc(alias("objgraph", "refcount", "reference_tracking"))]
    fn find_references(&self, target: Entity) -> ReferenceReport;

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
    /// [`WeakEntity`](crate::WeakEntity) handles may name the gone, and components that are relationships, and
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
    /// another use. Declared references with the [policies](crate::reference::OnLoss) `remove` and `qdel` are
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

    /// Has the next flushes sweep for all who are gone, at the pace that the settings say, and
    /// [`SweepFinished`](crate::sweep::SweepFinished) told when it is done. A second time before that does
    /// no harm.
    ///
    /// Nothing comes of it with [`Mode::Off`](crate::sweep::Mode::Off).
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// use qdel::sweep::SweepFinished;
    ///
    /// #[derive(Resource, Default)]
    /// struct Sweeps(usize);
    ///
    /// let mut world = World::new();
    /// world.init_resource::<Sweeps>();
    /// world.add_observer(|_: On<SweepFinished>, mut sweeps: ResMut<Sweeps>| sweeps.0 += 1);
    ///
    /// world.queue_sweep();
    /// world.flush_qdel();
    ///
    /// assert_eq!(world.resource::<Sweeps>().0, 1);
    /// ```
    fn queue_sweep(&mut self);

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
    /// use qdel::{find::BlindReason, prelude::*};
    ///
    /// /// Who killed whom, for the end of the game.
    /// #[derive(Component)]
    /// struct Chronicle(Vec<(Entity, Entity)>);
    ///
    /// let mut world = World::new();
    /// world.exclude_from_sweeps::<Chronicle>();
    /// world.spawn(Chronicle(Vec::new()));
    ///
    /// assert_eq!(world.sweep().blind_spots[0].reason, BlindReason::LeftOut);
    /// ```
    fn exclude_from_sweeps<C: Component>(&mut self) -> &mut Self;

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
    /// let fields = world.sweep_statistics();
    /// assert_eq!((fields[0].path.as_str(), fields[0].places), (".against", 1));
    /// # let _ = orc;
    /// # }
    /// ```
    fn sweep_statistics(&self) -> Vec<LeftoverField>;
}

impl WorldReferencesExt for World {
    fn track_references<C: TrackedComponent>(&mut self) -> &mut Self {
        settle::track::<C>(self);
        self
    }

    fn sync_references(&mut self) {
        worklist::sync_references(self);
    }

    fn find_references(&self, target: Entity) -> ReferenceReport {
        search::find(self, target)
    }

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

    fn queue_sweep(&mut self) {
        sweep_in_flush::queue_sweep(self);
    }

    fn exclude_from_sweeps<C: Component>(&mut self) -> &mut Self {
        let component = self.register_component::<C>();
        self.get_resource_or_init::<LeftOut>()
            .insert(component, type_name::<C>());
        self
    }

    fn sweep_statistics(&self) -> Vec<LeftoverField> {
        sweep_in_flush::sweep_statistics(self)
    }
}
