//! The assertion that nothing names what is gone.

use bevy_ecs::world::World;

use crate::{
    deletion::sweep_on_demand::{self, Sweeping},
    sweep::{
        schedule::add_corpses,
        targets::{Targets, Treatment},
    },
};

/// Asserts that no field names an entity that is gone: for tests.
///
/// It tears down what waits, and then looks as
/// [`find_leftovers`](crate::WorldReferencesExt::find_leftovers) does. A type that is neither
/// tracked nor registered is not looked into and passes: `find_leftovers().blind_spots` lists them.
///
/// # Panics
///
/// Panics if a field does, with a list of holders, their fields, and the entities that these name.
/// Also as [`drain_qdel`](crate::WorldQdelExt::drain_qdel).
///
/// # Examples
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::{prelude::*, testing::assert_no_leftovers};
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
    let (drained, corpses) = sweep_on_demand::drain(world);
    if let Err(panicked) = drained {
        panicked.resume();
    }
    let mut targets = Targets::gone(Treatment::Report);
    add_corpses(&mut targets, &corpses, |_| Treatment::Report);
    let report = sweep_on_demand::sweep_for(world, &targets, Sweeping::Ignored);
    assert!(
        report.is_clean(),
        "entities that are gone are still named: {report}\n\
         declare the fields (`#[derive(References)]` and `track_references`), \
         clear them in a handler of `Qdeleting`, or hold a `WeakEntity`"
    );
}
