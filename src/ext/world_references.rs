//! The verbs of references on a world: declare, find, sweep.

use core::any::type_name;

use bevy_ecs::{component::Component, entity::Entity, world::World};

use crate::{
    deletion::{
        sweep_on_demand::{self, Sweeping},
        track, worklist,
    },
    find::{report::ReferenceReport, search},
    inspect::left_out::LeftOut,
    reference::reach::TrackedComponent,
    sweep::{
        report::SweepReport,
        schedule::LeftoverField,
        targets::{Targets, Treatment},
    },
};

/// Declared references, searches and sweeps, on a [`World`].
///
/// | to | call |
/// | --- | --- |
/// | declare fields | [`track_references`](Self::track_references) |
/// | read written fields now | [`sync_references`](Self::sync_references) |
/// | find what holds an entity | [`find_references`](Self::find_references) |
/// | empty what names the gone | [`sweep`](Self::sweep), [`queue_sweep`](Self::queue_sweep) |
/// | only look | [`find_leftovers`](Self::find_leftovers) |
///
/// The chapters [`references`](crate::docs::references) and [`sweeps`](crate::docs::sweeps) explain
/// the words.
pub trait WorldReferencesExt {
    /// Releases the declared fields of each `C` when the entities that they name go away.
    ///
    /// Setting the field is all. Components that are there already are read at once. A second call
    /// does no harm.
    ///
    /// A field never names an entity that this crate has torn down. A plain despawn releases it at
    /// once, or at the next sync if the field was written since the last one. The one limit: the
    /// next sync finds what hooks and observers write while the tear-down runs.
    ///
    /// A sync comes before each tear-down, and with the plugin before `PostUpdate`
    /// (`QdelSystems::Sync`). Until then a written field may name an entity that is being deleted.
    /// A sync reads what was written since the last one, by Bevy's change detection. A frame
    /// without deletions costs nothing. A game that only despawns plainly calls
    /// [`sync_references`](Self::sync_references).
    ///
    /// # Complexity
    ///
    /// A sync looks at the change tick of each `C`, and costs O(1) for each entity that a changed
    /// one names. A deletion costs a pass over each component that names the entity: see
    /// [`References`](trait@crate::References) for its containers.
    ///
    /// A type with the policies `qdel` or `deny` is also read before a deletion is asked about.
    /// Nothing is released by that. A verb of [`World`] reads each time, a batch reads once, and
    /// commands read once until a system runs that is no observer.
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

    /// Reads the fields that were written, and releases what is lost, without a tear-down.
    ///
    /// Call it after plain despawns, where no field may dangle until the next deletion.
    ///
    /// # Panics
    ///
    /// Resumes the first panic of an [`on_lost`](crate::References::on_lost), after all
    /// fields have been released.
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

    /// Finds all places in the world that name `target`, which may be alive, being deleted, or
    /// gone.
    ///
    /// It reads:
    ///
    /// - the fields of all types that are [tracked](Self::track_references);
    /// - with the feature `bevy_reflect`, components and resources whose type is in the
    ///   `AppTypeRegistry` with `#[reflect(Component)]` or `#[reflect(Resource)]`;
    /// - the relationships and observers that Bevy keeps.
    ///
    /// What it cannot look into is in [`ReferenceReport::blind_spots`]. Types that are not
    /// registered have names only if Bevy's feature `debug` is on.
    ///
    /// While it looks, it holds the read lock of the `AppTypeRegistry`. A
    /// [`References`](trait@crate::References) that is written by hand may not say which parts it
    /// [enters](crate::reference::ReferenceVisitor::enter). Then its paths are shorter than those
    /// of reflection, and a place may be listed twice.
    ///
    /// It is for a game's console, or for a test that failed. Where only fields of tracked types
    /// matter, [`plan_qdel`](crate::WorldQdelExt::plan_qdel) costs a fraction.
    ///
    /// # Complexity
    ///
    /// One pass over all components whose type can hold an entity, also of hidden entities. If
    /// there is a holder, a search outwards from the roots follows, which reads what they lead to
    /// once more.
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

    /// Empties all places that name an entity which is gone, in one pass over the world, and
    /// reports them.
    ///
    /// It reads the declared fields of all types that are [tracked](Self::track_references). With
    /// the feature `bevy_reflect`, it also reads all other components and resources whose type is
    /// in the `AppTypeRegistry` with `#[reflect(Component)]` or `#[reflect(Resource)]`.
    ///
    /// - An entry of a list, a set or a map is taken out, and the others keep their order.
    /// - An `Option` becomes `None`.
    /// - A value that cannot be without the entity is dropped by what holds it.
    /// - A plain `Entity` with nothing around it becomes `Entity::PLACEHOLDER`.
    ///
    /// Immutable components are emptied as well, and their hooks run. Only what is emptied counts
    /// as changed.
    ///
    /// Left alone are [`WeakEntity`](crate::WeakEntity) handles, which may name the gone, and
    /// relationships and observers, which Bevy clears. So are the fields of entities that are being
    /// deleted and not torn down yet. What it cannot look into is in [`SweepReport::blind_spots`].
    ///
    /// # Panics
    ///
    /// Resumes the first panic of a hook, or of an [`on_lost`](crate::References::on_lost),
    /// after the sweep.
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
    /// /// Reflected, but not declared: a deletion does not clear it.
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

    /// Empties all places that name one of `targets`, as [`sweep`](Self::sweep) does, alive or
    /// gone.
    ///
    /// Use it for entities that leave the game and not the world, such as those that go back to a
    /// pool. Declared references with the [policies](crate::reference::OnLoss) `remove` and `qdel`
    /// are left as they are, and so are relationships.
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
    /// leaves them.
    ///
    /// Written fields of declared references are read and released first, as before each tear-down.
    ///
    /// # Panics
    ///
    /// As [`sync_references`](Self::sync_references).
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

    /// Sweeps in the next flushes for all entities that are gone, at the pace of the settings.
    ///
    /// [`SweepFinished`](crate::sweep::SweepFinished) is triggered when it is done. A second call
    /// before that does no harm. With [`Mode::Off`](crate::sweep::Mode::Off) no sweep is made.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::{prelude::*, sweep::SweepFinished};
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

    /// Leaves components or the resource of type `C` out of sweeps.
    ///
    /// Use it for a type that is to remember the gone, or that names entities of another world. The
    /// reports list it among their blind spots. A sweep that runs in slices already is not
    /// affected. For fields of a declared type there is `#[references(ignore)]`.
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

    /// Returns the fields in which sweeps found leftovers, those with the most places first.
    ///
    /// They count from when the world began, or the statistics were reset.
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
        track::track::<C>(self);
        self
    }

    fn sync_references(&mut self) {
        worklist::sync_references(self);
    }

    fn find_references(&self, target: Entity) -> ReferenceReport {
        search::find(self, target)
    }

    fn sweep(&mut self) -> SweepReport {
        sweep_on_demand::sweep_for(self, &Targets::gone(Treatment::Empty), Sweeping::Counts)
    }

    fn sweep_for(&mut self, targets: impl IntoIterator<Item = Entity>) -> SweepReport {
        let mut all = Targets::default();
        for target in targets {
            all.insert(target, Treatment::Empty, None);
        }
        sweep_on_demand::sweep_for(self, &all, Sweeping::Ignored)
    }

    fn find_leftovers(&mut self) -> SweepReport {
        sweep_on_demand::sweep_for(self, &Targets::gone(Treatment::Report), Sweeping::Ignored)
    }

    fn queue_sweep(&mut self) {
        sweep_on_demand::queue_sweep(self);
    }

    fn exclude_from_sweeps<C: Component>(&mut self) -> &mut Self {
        let component = self.register_component::<C>();
        self.get_resource_or_init::<LeftOut>()
            .insert(component, type_name::<C>());
        self
    }

    fn sweep_statistics(&self) -> Vec<LeftoverField> {
        sweep_on_demand::sweep_statistics(self)
    }
}
