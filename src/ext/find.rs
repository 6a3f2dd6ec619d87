//! The finder's verb on a world.

use bevy_ecs::{entity::Entity, world::World};

use crate::find::{report::ReferenceReport, search};

/// Finding who still holds an entity, on a [`World`].
pub trait FindReferencesExt {
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
    /// [enters](crate::ReferenceVisitor::enter), the paths of declared places are shorter than
    /// those of reflection, and a place may be listed by both. Types that are not registered have
    /// names only if Bevy's feature `debug` is on.
    ///
    /// It is a tool for people: for a game's console, or for a test that failed. Where only fields
    /// of tracked types matter and nobody reads a report, [`plan_qdel`](crate::QdelExt::plan_qdel)
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
}

impl FindReferencesExt for World {
    fn find_references(&self, target: Entity) -> ReferenceReport {
        search::find(self, target)
    }
}
