//! The test for everything that a game can spawn: what it lets pass, and what it says of the rest.
//!
//! Rule H2 of the design. In texts, ids are replaced by the part that their entity plays.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy_ecs::prelude::*;
use qdel::{
    prelude::*,
    reference::{AfterRelease, OnLoss, ReferenceVisitor},
    sweep::Mode,
    testing::{CreateAndDestroy, Error, Failure, Stage as Step},
};

use crate::stage::Says;

#[derive(Component, Default, References)]
struct Squad {
    #[entities]
    members: Vec<Entity>,
}

/// Keeps a list that forgets nothing: it is read as a list of references only when it is too late.
#[derive(Resource, Default)]
struct Calls(Vec<Entity>);

/// Asks first.
#[derive(Component)]
struct Polite;

impl Destroy for Polite {
    type Param = ();

    fn destroy(&mut self, going: DestroyContext) -> DestroyHint {
        if going.force {
            DestroyHint::Queue
        } else {
            DestroyHint::LetMeLive
        }
    }
}

#[derive(Component)]
struct Protected;

impl Protected {
    fn veto(&self, asked: Received<PreQdel>) -> QdelVerdict {
        if asked.force {
            QdelVerdict::Allow
        } else {
            QdelVerdict::Veto
        }
    }

    fn veto_anyway(&self, _: Received<PreQdel>) -> QdelVerdict {
        QdelVerdict::Veto
    }
}

#[derive(Component)]
struct Fragile;

impl Destroy for Fragile {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        panic!("it breaks")
    }
}

#[derive(Component)]
#[component(on_remove = crumble)]
struct Crumbling;

fn crumble(_: bevy_ecs::world::DeferredWorld, _: bevy_ecs::lifecycle::HookContext) {
    panic!("it crumbles");
}

/// Cannot be without its carrier.
#[derive(Component, References)]
struct Needs(#[references(deny)] Entity);

// H2: what passes.

#[test]
fn what_goes_as_it_should_passes() {
    let mut world = stage();

    let tested = CreateAndDestroy::new()
        .with("nothing", |world| world.spawn_empty().id())
        .with("owner", |world| {
            let owner = world.spawn_empty().id();
            world.spawn(ChildOf(owner));
            owner
        })
        .with("polite", |world| world.spawn(Polite).id())
        .with("protected", |world| {
            let entity = world.spawn(Protected).id();
            world
                .register_signal(entity, entity, Protected::veto)
                .unwrap();
            entity
        })
        .with("hard", |world| {
            world.spawn(Says(DestroyHint::HardDeleteNow)).id()
        })
        .with("named", |world| {
            let member = world.spawn_empty().id();
            let members = vec![member];
            world.spawn(Squad { members });
            member
        })
        .run(&mut world);

    assert_eq!(tested, Ok(()));
}

#[test]
fn each_spawner_is_called_twice_and_nothing_of_it_is_left() {
    let mut world = stage();
    world.init_resource::<Calls>();

    CreateAndDestroy::new()
        .with("goblin", |world| {
            let goblin = world.spawn_empty().id();
            world.resource_mut::<Calls>().0.push(goblin);
            goblin
        })
        .run(&mut world)
        .unwrap();

    let spawned = &world.resource::<Calls>().0;
    assert_eq!(spawned.len(), 2);
    assert!(
        spawned
            .iter()
            .all(|goblin| world.liveness(*goblin) == Liveness::Gone)
    );
}

#[test]
fn commands_of_a_spawner_are_applied_before_its_entity_is_looked_at() {
    let mut world = stage();

    let tested = CreateAndDestroy::new()
        .with("queued", |world| world.commands().spawn(Polite).id())
        .run(&mut world);

    assert_eq!(tested, Ok(()));
}

#[test]
fn it_works_in_every_mode_of_sweeps_and_with_every_tear_down() {
    for sweep in [Mode::Off, Mode::OnDemand, Mode::EachFlush] {
        for teardown in [
            Teardown::EndOfFrame,
            Teardown::Immediate,
            Teardown::Budget(core::time::Duration::ZERO),
        ] {
            let mut world = stage();
            let settings = QdelSettings::default()
                .with_sweep(sweep)
                .with_teardown(teardown);
            world.insert_resource(settings);

            let error = CreateAndDestroy::new()
                .with("denied", spawn_denied)
                .with("stays", |world| {
                    world.spawn(Says(DestroyHint::IWillHandleIt)).id()
                })
                .run(&mut world)
                .unwrap_err();

            assert_eq!(
                spawners(&error),
                ["denied", "stays"],
                "{sweep:?} {teardown:?} {error}"
            );
        }
    }
}

// H2: what does not pass.

#[test]
fn component_that_lets_itself_live_in_spite_of_force_fails() {
    let error = failing("stubborn", |world| {
        world.spawn(Says(DestroyHint::LetMeLive)).id()
    });

    let spawner = "stubborn".to_owned();
    assert_eq!(error.failures, [Failure::IgnoresForce { spawner }]);
}

#[test]
fn veto_in_spite_of_force_fails() {
    let error = failing("protected", |world| {
        let entity = world.spawn(Protected).id();
        world
            .register_signal(entity, entity, Protected::veto_anyway)
            .unwrap();
        entity
    });

    assert!(
        matches!(error.failures[..], [Failure::Vetoed { .. }]),
        "{error}"
    );
}

#[test]
fn entity_that_nobody_despawns_fails() {
    let error = failing("left alone", |world| {
        world.spawn(Says(DestroyHint::IWillHandleIt)).id()
    });

    assert!(matches!(
        error.failures[..],
        [Failure::StillThere {
            hint: DestroyHint::IWillHandleIt,
            ..
        }]
    ));
}

#[test]
fn spawner_that_returns_nobody_fails() {
    let error = failing("ghost", |world| {
        let ghost = world.spawn_empty().id();
        world.despawn(ghost);
        ghost
    });

    assert!(matches!(error.failures[..], [Failure::NotSpawned { .. }]));
}

#[test]
fn resource_cannot_be_destroyed() {
    let error = failing("resource", |world| {
        world.init_resource::<Calls>();
        let mut resources = world.query_filtered::<Entity, With<Calls>>();
        resources.single(world).unwrap()
    });

    assert!(
        matches!(error.failures[..], [Failure::Refused { .. }]),
        "{error}"
    );
}

#[test]
fn panics_fail_with_their_step_and_their_message() {
    let mut world = stage();

    let error = CreateAndDestroy::new()
        .with("spawn", |_| panic!("no goblins today"))
        .with("qdel", |world| world.spawn(Fragile).id())
        .with("tear-down", |world| world.spawn(Crumbling).id())
        .with("fine", |world| world.spawn_empty().id())
        .run(&mut world)
        .unwrap_err();

    let panicked = error.failures.iter().filter_map(|failure| match failure {
        Failure::Panicked {
            spawner,
            step,
            message,
        } => Some((spawner.as_str(), *step, message.as_str())),
        _ => None,
    });
    let expected = [
        ("spawn", Step::Spawn, "no goblins today"),
        ("qdel", Step::Qdel, "it breaks"),
        ("tear-down", Step::TearDown, "it crumbles"),
    ];
    assert_eq!(panicked.collect::<Vec<_>>(), expected);
    assert_eq!(error.spawners, 4);
}

/// Cannot be read.
#[derive(Component)]
struct Cursed;

impl References for Cursed {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, _: OnLoss, _: &mut V) {
        panic!("it is cursed");
    }

    fn release_references(&mut self, _: OnLoss, _: &mut dyn FnMut(Entity) -> bool) -> AfterRelease {
        AfterRelease::Valid
    }
}

#[test]
fn component_that_cannot_be_read_fails_and_the_others_are_tested() {
    let mut world = stage();
    world.track_references::<Cursed>();
    // While it is inserted it is read as well.
    let spawned = catch_unwind(AssertUnwindSafe(|| world.spawn(Cursed).id()));
    assert!(spawned.is_err());

    let error = CreateAndDestroy::new()
        .with("fine", |world| world.spawn_empty().id())
        .with("stubborn", |world| {
            world.spawn(Says(DestroyHint::LetMeLive)).id()
        })
        .run(&mut world)
        .unwrap_err();

    assert!(spawners(&error).contains(&"stubborn"), "{error}");
}

#[cfg(feature = "bevy_reflect")]
mod reflected {
    use bevy_ecs::{name::Name, reflect::AppTypeRegistry};
    use bevy_reflect::Reflect;
    use insta::{assert_snapshot, with_settings};

    use super::*;

    #[derive(Component, Reflect)]
    #[reflect(Component)]
    struct Grudge {
        against: Entity,
    }

    fn stage_with_grudges() -> World {
        let mut world = stage();
        let registry = AppTypeRegistry::default();
        registry.write().register::<Grudge>();
        world.insert_resource(registry);
        world
    }

    fn spawn_hated(world: &mut World) -> Entity {
        let goblin = world.spawn(Name::new("goblin")).id();
        world.spawn((Name::new("orc"), Grudge { against: goblin }));
        goblin
    }

    #[test]
    fn whoever_is_still_named_fails_once_and_keeps_its_name() {
        let mut world = stage_with_grudges();

        let error = CreateAndDestroy::new()
            .with("goblin", spawn_hated)
            .run(&mut world)
            .unwrap_err();

        let [Failure::Leftovers { report, .. }] = &error.failures[..] else {
            panic!("{error}");
        };
        assert_eq!(report.leftovers[0].target.name.as_deref(), Some("goblin"));
        assert_eq!(report.leftovers[0].place.to_string(), "Grudge.against");
    }

    #[test]
    fn what_a_child_leaves_behind_fails_too() {
        let mut world = stage_with_grudges();

        let error = CreateAndDestroy::new()
            .with("owner", |world| {
                let owner = world.spawn_empty().id();
                let child = spawn_hated(world);
                world.entity_mut(child).insert(ChildOf(owner));
                owner
            })
            .run(&mut world)
            .unwrap_err();

        assert!(matches!(error.failures[..], [Failure::Leftovers { .. }]));
    }

    #[test]
    fn what_was_left_before_is_not_the_fault_of_a_spawner() {
        let mut world = stage_with_grudges();
        let goblin = spawn_hated(&mut world);
        world.despawn(goblin);

        let tested = CreateAndDestroy::new()
            .with("fine", |world| world.spawn_empty().id())
            .run(&mut world);

        assert_eq!(tested, Ok(()));
    }

    #[test]
    fn hard_delete_that_waited_before_is_swept_after() {
        let mut world = stage_with_grudges();
        let goblin = spawn_hated(&mut world);
        world
            .entity_mut(goblin)
            .insert(Says(DestroyHint::HardDelete));
        world.qdel(goblin).unwrap();

        let tested = CreateAndDestroy::new()
            .with("fine", |world| world.spawn_empty().id())
            .run(&mut world);
        world.flush_qdel();

        assert_eq!(tested, Ok(()));
        assert!(world.find_leftovers().is_clean());
    }

    #[test]
    fn error_is_a_list_for_people() {
        let mut world = stage_with_grudges();

        let error = CreateAndDestroy::new()
            .with("goblin", spawn_hated)
            .with("fine", |world| world.spawn_empty().id())
            .with("stubborn", |world| {
                world.spawn(Says(DestroyHint::LetMeLive)).id()
            })
            .with("left alone", |world| {
                world.spawn(Says(DestroyHint::IWillHandleIt)).id()
            })
            .with("fragile", |world| world.spawn(Fragile).id())
            .with("ghost", |_| Entity::PLACEHOLDER)
            .run(&mut world)
            .unwrap_err();

        with_settings!({ filters => [(r"\d+v\d+", "[id]")] }, { assert_snapshot!(error) });
        assert_eq!(format!("{error:?}"), error.to_string());
    }
}

fn spawn_denied(world: &mut World) -> Entity {
    let entity = world.spawn_empty().id();
    world.spawn(Needs(entity));
    entity
}

fn failing(name: &str, spawn: impl FnMut(&mut World) -> Entity + 'static) -> Error {
    let mut world = stage();
    let test = CreateAndDestroy::new().with(name, spawn);
    test.run(&mut world).unwrap_err()
}

fn spawners(error: &Error) -> Vec<&str> {
    error.failures.iter().map(Failure::spawner).collect()
}

fn stage() -> World {
    let mut world = World::new();
    world
        .track_references::<Squad>()
        .track_references::<Needs>();
    world
        .register_destroy::<Says>()
        .register_destroy::<Polite>()
        .register_destroy::<Fragile>();
    world
}
