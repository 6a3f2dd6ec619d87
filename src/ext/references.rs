//! The verbs of declared references on a world.

use bevy_ecs::{component::Component, world::World};

use crate::{
    deletion::{settle, worklist},
    reference::{references::References, tracked::Change},
};

/// Declared references, on a [`World`].
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
    /// [`References`] for its containers. A type with the policies `qdel` or `deny` is synced as
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
    fn track_references<C>(&mut self) -> &mut Self
    where
        C: Component<Mutability: Change<C>> + References;

    /// Reads the fields that were written, and has them let go of what is lost, without waiting for
    /// a tear-down.
    ///
    /// Call it after plain despawns where nothing may dangle until the next deletion.
    ///
    /// # Panics
    ///
    /// Goes on with the first panic of an [`on_lost`](References::on_lost), after everybody has let
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
}

impl WorldReferencesExt for World {
    fn track_references<C>(&mut self) -> &mut Self
    where
        C: Component<Mutability: Change<C>> + References,
    {
        settle::track::<C>(self);
        self
    }

    fn sync_references(&mut self) {
        worklist::sync_references(self);
    }
}
