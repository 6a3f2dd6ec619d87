//! S10: both ends clean up.

use super::*;
use qdel::{QdelCause, SignalTarget};

/// S10.
#[test]
fn registrations_end_when_the_target_is_despawned() {
    Scene::ends(
        |scene| assert!(scene.world.despawn(scene.target)),
        |scene, it| it.target == scene.target,
    );
}

/// S10.
#[test]
fn registrations_end_when_the_target_is_torn_down() {
    Scene::ends(
        |scene| {
            scene.world.qdel(scene.target).unwrap();
            scene.world.flush_qdel();
        },
        |scene, it| it.target == scene.target,
    );
}

/// S10: the notice is the last that listeners hear of a target; other signals may follow until it
/// is gone.
#[test]
fn only_the_notice_is_over_while_the_target_is_deleting() {
    Scene::ends(
        |scene| {
            scene.world.qdel(scene.target).unwrap();
        },
        |scene, it| it.target == scene.target && it.signal.ends_with("Qdeleting"),
    );
}

/// S10.
#[test]
fn registrations_end_when_the_listener_is_despawned() {
    Scene::ends(
        |scene| assert!(scene.world.despawn(scene.listener)),
        |scene, it| it.listener == scene.listener,
    );
}

/// S10.
#[test]
fn registrations_end_when_the_listener_is_torn_down() {
    Scene::ends(
        |scene| {
            scene.world.qdel(scene.listener).unwrap();
            scene.world.flush_qdel();
        },
        |scene, it| it.listener == scene.listener,
    );
}

/// S10.
#[test]
fn registrations_end_when_both_ends_are_despawned_at_once() {
    Scene::ends(
        |scene| {
            let doomed = [scene.target, scene.listener];
            scene
                .world
                .despawn_all_where::<Entity, ()>(|entity| doomed.contains(&entity));
        },
        |scene, it| it.target == scene.target || it.listener == scene.listener,
    );
}

/// S10.
#[test]
fn registrations_end_when_the_component_is_removed() {
    Scene::ends(
        |scene| {
            scene.world.entity_mut(scene.listener).remove::<Archer>();
        },
        |scene, it| it.listener == scene.listener && is_archer(it),
    );
}

/// S10.
#[test]
fn registrations_end_when_the_component_is_taken() {
    Scene::ends(
        |scene| {
            let taken = scene.world.entity_mut(scene.listener).take::<Archer>();
            assert!(taken.is_some());
        },
        |scene, it| it.listener == scene.listener && is_archer(it),
    );
}

/// S10: a component that is removed and put back is another listener.
#[test]
fn registrations_do_not_return_with_the_component() {
    Scene::ends(
        |scene| {
            let mut listener = scene.world.entity_mut(scene.listener);
            let archer = listener.take::<Archer>().unwrap();
            listener.insert(archer);
        },
        |scene, it| it.listener == scene.listener && is_archer(it),
    );
}

/// S10.
#[test]
fn registrations_stay_when_the_component_is_overwritten() {
    Scene::ends(
        |scene| {
            let mut listener = scene.world.entity_mut(scene.listener);
            listener.insert(Archer::default());
        },
        |_, _| false,
    );
}

/// S10.
#[test]
fn registrations_stay_when_an_insertion_is_skipped() {
    Scene::ends(
        |scene| {
            let mut listener = scene.world.entity_mut(scene.listener);
            listener.insert_if_new(Archer::default());
        },
        |_, _| false,
    );
}

/// S10: writing a value is no overwriting.
#[test]
fn registrations_stay_when_the_component_is_written() {
    Scene::ends(
        |scene| {
            *scene.world.get_mut::<Archer>(scene.listener).unwrap() = Archer::default();
        },
        |_, _| false,
    );
}

/// S10: moving an entity to another archetype ends nothing.
#[test]
fn registrations_stay_when_either_end_changes_its_archetype() {
    #[derive(Component)]
    struct Hat;

    Scene::ends(
        |scene| {
            scene.world.entity_mut(scene.listener).insert(Hat);
            scene.world.entity_mut(scene.target).insert(Hat);
            scene.world.entity_mut(scene.target).remove::<Hat>();
        },
        |_, _| false,
    );
}

/// S10.
#[test]
fn registrations_end_when_the_listener_is_cleared() {
    Scene::ends(
        |scene| {
            scene.world.entity_mut(scene.listener).clear();
        },
        |scene, it| it.listener == scene.listener,
    );
}

/// S10.
#[test]
fn registrations_stay_when_the_target_is_cleared() {
    Scene::ends(
        |scene| {
            scene.world.entity_mut(scene.target).clear();
        },
        |_, _| false,
    );
}

/// S10.
#[test]
fn registrations_stay_when_the_mark_is_removed_by_hand() {
    Scene::ends(
        |scene| {
            scene
                .world
                .entity_mut(scene.target)
                .remove::<SignalTarget>();
        },
        |_, _| false,
    );
}

/// S10: inserting the mark where it is already changes nothing.
#[test]
fn registrations_stay_when_the_mark_of_a_target_is_inserted_again() {
    Scene::ends(
        |scene| {
            let mut target = scene.world.entity_mut(scene.target);
            target.insert(SignalTarget);
            target.insert_if_new(SignalTarget);
        },
        |_, _| false,
    );
}

/// S10.
#[test]
fn target_whose_mark_was_removed_by_hand_still_tells() {
    let mut scene = Scene::new(Watch::Observer);

    scene
        .world
        .entity_mut(scene.target)
        .remove::<SignalTarget>();
    scene.world.despawn(scene.target);

    let archer = scene.world.get::<Archer>(scene.listener).unwrap();
    assert_eq!(archer.causes, [QdelCause::Despawn]);
}

/// S10.
#[test]
fn target_whose_mark_was_removed_is_listened_to_as_before() {
    let mut scene = Scene::new(Watch::Observer);
    scene
        .world
        .entity_mut(scene.target)
        .remove::<SignalTarget>();

    let (listener, target) = (scene.listener, scene.target);
    let again = scene.world.register_signal(listener, target, archer_says);

    assert!(matches!(again, Err(RegisterError::AlreadyRegistered(_))));
    let said = scene.world.send_signal(target, Ping);
    assert_eq!(said, ["archer", "guard", "archer", "guard"]);
    assert_eq!(scene.registrations().len(), 16);
}

/// S10: the mark may go while its target is being deleted.
#[test]
fn registrations_that_were_not_told_stay_when_a_deleting_target_is_cleared() {
    Scene::ends(
        |scene| {
            scene.world.qdel(scene.target).unwrap();
            scene.world.entity_mut(scene.target).clear();
        },
        |scene, it| it.target == scene.target && it.signal.ends_with("Qdeleting"),
    );
}

/// S10.
#[test]
fn clone_of_a_listener_has_no_registrations() {
    Scene::ends(
        |scene| {
            let clone = scene.world.entity_mut(scene.listener).clone_and_spawn();
            assert!(scene.world.get::<Archer>(clone).is_some());
            assert_eq!(scene.world.registrations_of(clone), []);
        },
        |_, _| false,
    );
}

/// S10.
#[test]
fn clone_of_a_target_has_no_registrations() {
    Scene::ends(
        |scene| {
            let clone = scene.world.entity_mut(scene.target).clone_and_spawn();
            assert_eq!(scene.world.registrations_on(clone), []);
            scene.world.despawn(clone);
            let archer = scene.world.get::<Archer>(scene.listener).unwrap();
            assert_eq!(archer.causes, []);
        },
        |_, _| false,
    );
}

/// S10: a clone overwrites what its destination had, which keeps its registrations.
#[test]
fn cloning_onto_a_listener_keeps_its_registrations() {
    Scene::ends(
        |scene| {
            let mut cloner = EntityCloner::build_opt_out(&mut scene.world);
            cloner.clone_entity(scene.listener, scene.bystander);
        },
        |_, _| false,
    );
}

/// S10: a moved component is another listener.
#[test]
fn moving_a_component_ends_its_registrations() {
    Scene::ends(
        |scene| {
            let heir = scene.world.spawn_empty().id();
            let mut listener = scene.world.entity_mut(scene.listener);
            listener.move_components::<Archer>(heir);
            assert!(scene.world.get::<Archer>(heir).is_some());
            assert_eq!(scene.world.registrations_of(heir), []);
        },
        |scene, it| it.listener == scene.listener && is_archer(it),
    );
}

/// S10: the only way to change an immutable component is to put another value in its place.
#[test]
fn registrations_stay_when_an_immutable_component_is_modified() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let statue = world.spawn(Statue).id();
    let say = |_: DeferredWorld, _: Received<Ping, Statue>| vec!["statue"];
    world.register_signal(statue, target, say).unwrap();

    world.modify_component(statue, |_: &mut Statue| ()).unwrap();

    assert_eq!(registrations(&world, &[target, statue]).len(), 1);
    assert_eq!(world.send_signal(target, Ping), ["statue"]);
}

/// S10: a component's own hook stays, before and after it listens.
#[test]
fn own_hook_of_a_listening_component_stays() {
    #[derive(Component)]
    #[component(on_remove = note_end)]
    struct Tidy;

    fn note_end(mut world: DeferredWorld, context: HookContext) {
        let registered = world.registrations_of(context.entity).len();
        assert_eq!(world.check_registrations(), Ok(()));
        assert!(registered <= 1);
        world.resource_mut::<Order>().0.push("removed");
    }

    for prepare in [
        |_: &mut World| (),
        |world: &mut World| {
            world.register_listener::<Tidy>();
        },
        |world: &mut World| {
            world.spawn(Tidy);
            world.register_listener::<Tidy>();
        },
    ] {
        let mut world = World::new();
        world.init_resource::<Order>();
        prepare(&mut world);
        let target = world.spawn_empty().id();
        let tidy = world.spawn(Tidy).id();
        let say = |_: &mut Tidy, _: Received<Ping>| vec!["tidy"];
        world.register_signal(tidy, target, say).unwrap();

        world.entity_mut(tidy).remove::<Tidy>().insert(Tidy);
        world.register_signal(tidy, target, say).unwrap();
        world.despawn(tidy);

        assert_eq!(world.resource::<Order>().0, ["removed", "removed"]);
        assert_eq!(registrations(&world, &[target, tidy]), []);
    }
}

/// S10: `register_listener` comes early, late, and twice.
#[test]
fn registering_a_component_as_listener_twice_or_late_does_no_harm() {
    let mut world = World::new();
    world.register_listener::<Archer>();
    world.register_listener::<Archer>();
    let target = world.spawn_empty().id();
    let soldier = world.spawn((Archer::default(), Guard::default())).id();
    world.register_signal(soldier, target, archer_says).unwrap();
    world.register_signal(soldier, target, guard_says).unwrap();
    world.register_listener::<Archer>();
    world.register_listener::<Guard>();

    world.entity_mut(soldier).remove::<(Archer, Guard)>();

    assert_eq!(registrations(&world, &[target, soldier]), []);
}

/// S10.
#[test]
fn books_are_as_small_after_a_despawn_as_before() {
    for watch in [Watch::Hook, Watch::Observer] {
        let mut scene = Scene::new(watch);
        let newcomer = scene.world.spawn(Archer::default()).id();
        let before = scene.world.signal_footprint();

        for target in [scene.target, scene.other] {
            scene
                .world
                .register_signal(newcomer, target, Archer::note)
                .unwrap();
        }
        scene.world.despawn(newcomer);

        // The lists of four keep room for their fifth; everything else is as before.
        let after = scene.world.signal_footprint();
        assert_eq!(after.registrations, before.registrations);
        assert_eq!(after.crowded_listeners, before.crowded_listeners);
        assert!(after.places <= before.places + 2);
    }
}

/// S10.
#[test]
fn books_are_empty_when_all_ends_are_gone() {
    for watch in [Watch::Hook, Watch::Observer] {
        let mut scene = Scene::new(watch);

        for entity in [scene.target, scene.listener, scene.other, scene.bystander] {
            scene.world.despawn(entity);
        }

        let footprint = scene.world.signal_footprint();
        let expected = Footprint {
            heap_bytes: footprint.heap_bytes,
            ..Footprint::default()
        };
        assert_eq!(footprint, expected);
    }
}

/// S10: a listener that lives keeps a slot of 12 bytes, as the documentation says, and no more.
#[test]
fn books_of_surviving_listeners_keep_no_more_than_a_slot_each() {
    let mut world = World::new();
    let bell = world.spawn_empty().id();
    let ringer = world.spawn(Archer::default()).id();
    world.register_signal(ringer, bell, archer_says).unwrap();
    let before = world.signal_footprint();
    let soldiers: Vec<_> = (0..10_000)
        .map(|_| world.spawn(Archer::default()).id())
        .collect();

    let target = world.spawn_empty().id();
    for soldier in &soldiers {
        world
            .register_signal(*soldier, target, archer_says)
            .unwrap();
    }
    world.despawn(target);
    let after_the_target = world.signal_footprint();
    for soldier in &soldiers {
        world.despawn(*soldier);
    }
    let after_all = world.signal_footprint();

    let slots = 12 * soldiers.len();
    let page = 20 * 1024;
    assert!(
        after_the_target.heap_bytes <= before.heap_bytes + slots + 2 * page,
        "before {before:?}, after {after_the_target:?}"
    );
    assert!(
        after_all.heap_bytes <= before.heap_bytes + page,
        "before {before:?}, after {after_all:?}"
    );
}

/// S10: as above, for a crowd of targets of whom the last, which stands highest in all tables,
/// survives.
#[test]
fn books_shrink_though_one_target_is_still_listened_to() {
    for survivor_is_last in [false, true] {
        let mut world = World::new();
        let targets: Vec<_> = (0..10_000).map(|_| world.spawn_empty().id()).collect();
        let soldiers: Vec<_> = targets
            .iter()
            .map(|_| world.spawn(Archer::default()).id())
            .collect();
        let survivor = if survivor_is_last { 9_999 } else { 0 };
        for (soldier, target) in soldiers.iter().zip(&targets) {
            world
                .register_signal(*soldier, *target, archer_says)
                .unwrap();
        }
        let full = world.signal_footprint().heap_bytes;

        for (index, (soldier, target)) in soldiers.iter().zip(&targets).enumerate() {
            if index != survivor {
                world.despawn(*target);
                world.despawn(*soldier);
            }
        }

        let after = world.signal_footprint();
        assert_eq!(after.registrations, 1);
        assert!(
            after.heap_bytes < full / 10,
            "full {full}, after {after:?}, the last survives: {survivor_is_last}"
        );
    }
}

// The stage.

fn is_archer(registration: &Registration) -> bool {
    registration.component.ends_with("Archer")
}
