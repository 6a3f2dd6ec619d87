//! A guard forgets to let go of a thief, and its author reads where.
//!
//! Shows: a sweep, its report, what becomes of the field, and the assertion for tests.

use bevy_ecs::{prelude::*, reflect::AppTypeRegistry};
use bevy_reflect::Reflect;
use qdel::{prelude::*, sweep::LeftoverState, testing::assert_no_leftovers};

/// Neither declared nor cleared by a handler.
#[derive(Component, Reflect, Default)]
#[reflect(Component)]
struct Guard {
    suspects: Vec<Entity>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut world = World::new();
    // An `App` has a registry, and Bevy fills it.
    let registry = AppTypeRegistry::default();
    registry.write().register::<Guard>();
    world.insert_resource(registry);

    let [kim, lee] = ["Kim", "Lee"].map(|name| world.spawn(Name::new(name)).id());
    let suspects = vec![kim, lee];
    let guard = world.spawn((Name::new("guard"), Guard { suspects })).id();

    world.qdel(lee)?;
    world.flush_qdel();

    // The report names the holder, its field, and the entity that the field names.
    let report = world.find_leftovers();
    let expected = format!(
        "1 leftover in 1 holder\n  Guard.suspects[1] of guard#{guard} names {lee} (not declared)"
    );
    assert_eq!(report.to_string(), expected);

    // A sweep takes it out as well, and the others stay.
    let report = world.sweep();
    assert_eq!(report.leftovers[0].state, LeftoverState::Emptied);
    let suspects = world.get::<Guard>(guard).map(|guard| &*guard.suspects);
    assert_eq!(suspects, Some(&[kim][..]));

    // At the end of a test: this would panic with the report.
    assert_no_leftovers(&mut world);
    Ok(())
}
