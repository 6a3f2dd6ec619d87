//! What is deleting already, and what comes late.

use super::*;
use qdel::QdelCause;

#[test]
fn what_is_deleting_already_is_not_told_again_with_its_owner() {
    let mut world = stage();
    let [ship, hull, crate_] = spawn_many(&mut world);
    world.entity_mut(hull).insert(ChildOf(ship));
    world.entity_mut(crate_).insert(ChildOf(hull));
    world.qdel(hull).unwrap();

    world.qdel(ship).unwrap();
    let torn_down = world.flush_qdel();

    let expected = [
        (hull, QdelCause::Qdel),
        (crate_, QdelCause::Owner(hull)),
        (ship, QdelCause::Qdel),
    ];
    assert_eq!(told(&world), expected);
    assert_eq!(torn_down, 3);
    assert_gone_once(&world, &[ship, hull, crate_]);
}

#[test]
fn child_of_a_deleting_parent_is_alive_until_its_parent_is_torn_down() {
    let mut world = stage();
    let [ship, late] = spawn_many(&mut world);
    world.qdel(ship).unwrap();
    world.entity_mut(late).insert(ChildOf(ship));
    let before = world.liveness(late);

    world.flush_qdel();

    assert_eq!(before, Liveness::Alive);
    let expected = [(ship, QdelCause::Qdel), (late, QdelCause::Owner(ship))];
    assert_eq!(told(&world), expected);
    assert_eq!(gone(&world), [late, ship]);
}

#[test]
fn child_of_a_deleting_parent_that_flees_when_it_is_told_is_torn_down_all_the_same() {
    let mut world = stage();
    let [ship, late] = spawn_many(&mut world);
    world.add_observer(move |told: On<Qdeleting>, mut commands: Commands| {
        if told.entity == late {
            commands.entity(late).remove::<ChildOf>();
        }
    });
    world.qdel(ship).unwrap();
    world.entity_mut(late).insert(ChildOf(ship));

    world.flush_qdel();
    world.flush_qdel();

    assert_gone_once(&world, &[ship, late]);
}

#[test]
fn child_that_joins_while_its_parent_is_torn_down_goes_with_it() {
    for joins_in_time in [false, true] {
        let mut world = stage();
        let [ship, crate_, late] = spawn_many(&mut world);
        world
            .entity_mut(crate_)
            .observe(move |_: On<Despawn<Item>>, mut commands: Commands| {
                commands.entity(late).insert(ChildOf(ship));
            });
        if joins_in_time {
            world.entity_mut(crate_).insert(ChildOf(ship));
        }
        world.qdel(ship).unwrap();
        if !joins_in_time {
            world.entity_mut(crate_).insert(ChildOf(ship));
        }

        world.flush_qdel();

        assert_gone_once(&world, &[ship, crate_, late]);
    }
}

/// An observer that respawns a kind when one is gone must not keep the flush from ending.
#[test]
fn parent_whose_children_respawn_is_torn_down() {
    #[derive(Component)]
    struct Minion;

    const ENOUGH: usize = 1000;

    for joins_in_time in [false, true] {
        let mut world = stage();
        let [spawner] = spawn_many(&mut world);
        let minion = world.spawn(Minion).id();
        let mut respawned = 0;
        world.add_observer(move |_: On<Despawn<Minion>>, mut commands: Commands| {
            // A test that fails is better than one that never ends.
            respawned += 1;
            assert!(respawned < ENOUGH, "the flush goes on for ever");
            commands.queue(move |world: &mut World| {
                if world.liveness(spawner) != Liveness::Gone {
                    world.spawn((Minion, ChildOf(spawner)));
                }
            });
        });
        if joins_in_time {
            world.entity_mut(minion).insert(ChildOf(spawner));
        }
        world.qdel(spawner).unwrap();
        if !joins_in_time {
            world.entity_mut(minion).insert(ChildOf(spawner));
        }

        world.flush_qdel();

        assert_eq!(world.liveness(spawner), Liveness::Gone);
    }
}

#[test]
fn resource_that_joins_a_deleting_parent_stays() {
    let mut world = stage();
    let [ship] = spawn_many(&mut world);
    let resource = world.resource_entity::<Story>().unwrap();
    world.qdel(ship).unwrap();
    world.entity_mut(resource).insert(ChildOf(ship));

    world.flush_qdel();

    assert_gone_once(&world, &[ship]);
    assert_eq!(world.liveness(resource), Liveness::Alive);
}

#[test]
fn child_of_a_deleting_parent_that_leaves_in_time_survives() {
    let mut world = stage();
    let [ship, late] = spawn_many(&mut world);
    world.qdel(ship).unwrap();
    world.entity_mut(late).insert(ChildOf(ship));

    world.entity_mut(late).remove::<ChildOf>();
    world.flush_qdel();

    assert_eq!(world.liveness(late), Liveness::Alive);
}

#[test]
fn child_that_is_deleted_after_its_deleting_parent_goes_once() {
    let mut world = stage();
    let [ship, late] = spawn_many(&mut world);
    world.qdel(ship).unwrap();
    world.entity_mut(late).insert(ChildOf(ship));

    world.qdel(late).unwrap();
    world.flush_qdel();

    let expected = [(ship, QdelCause::Qdel), (late, QdelCause::Qdel)];
    assert_eq!(told(&world), expected);
    assert_gone_once(&world, &[ship, late]);
}

/// Owned before owner comes before the oldest first: else Bevy despawns the child, after its
/// parent.
#[test]
fn child_that_is_deleted_after_its_deleting_parent_is_torn_down_before_it() {
    let mut world = stage();
    let [ship, late] = spawn_many(&mut world);
    world.qdel(ship).unwrap();
    world.entity_mut(late).insert(ChildOf(ship));
    world.qdel(late).unwrap();

    let torn_down = world.flush_qdel();

    assert_eq!(gone(&world), [late, ship]);
    assert_eq!(torn_down, 2);
}

#[test]
fn owned_entity_that_leaves_its_deleting_owner_is_torn_down_all_the_same() {
    let mut world = stage();
    let [ship, crate_] = spawn_many(&mut world);
    world.entity_mut(crate_).insert(ChildOf(ship));
    world.qdel(ship).unwrap();

    world.entity_mut(crate_).remove::<ChildOf>();
    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 2);
    assert_gone_once(&world, &[ship, crate_]);
}

#[test]
fn owned_entity_of_a_plain_despawn_is_told_when_its_owner_is_gone() {
    let mut world = stage();
    let [ship, crate_] = spawn_many(&mut world);
    world.entity_mut(crate_).insert(ChildOf(ship));

    world.despawn(ship);

    let expected = [(ship, QdelCause::Despawn), (crate_, QdelCause::Despawn)];
    assert_eq!(told(&world), expected);
    assert_gone_once(&world, &[ship, crate_]);
}
