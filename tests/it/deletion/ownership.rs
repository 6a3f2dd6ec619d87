//! What goes with whom: trees, rings and two owners, by any relationship that spawns linked.
//!
//! Rules Q3 and Q4 of the design, for entities that own each other.

use std::thread;

use bevy_ecs::{entity::EntityHashSet, prelude::*, world::DeferredWorld};
use proptest::{collection::vec, prelude::*};
use qdel::{QdelCounts, prelude::*};

use crate::stage::in_a_process_of_its_own;

// Which relationships own.

#[test]
fn children_go_with_their_parent() {
    let mut world = stage();
    let [ship, crate_] = spawn_many(&mut world);
    world.entity_mut(crate_).insert(ChildOf(ship));

    world.qdel(ship).unwrap();

    let expected = [(ship, Cause::Qdel), (crate_, Cause::Owner(ship))];
    assert_eq!(told(&world), expected);
}

#[test]
fn parent_stays_when_a_child_goes() {
    let mut world = stage();
    let [ship, crate_, other] = spawn_many(&mut world);
    world.entity_mut(ship).add_children(&[crate_, other]);

    world.qdel(crate_).unwrap();
    world.flush_qdel();

    assert_eq!(told(&world), [(crate_, Cause::Qdel)]);
    let states = [ship, other].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Alive; 2]);
    assert_eq!(**world.get::<Children>(ship).unwrap(), [other]);
}

#[test]
fn sources_of_a_linked_relationship_of_the_user_go_with_their_target() {
    let mut world = stage();
    let [ship, crate_, box_] = spawn_many(&mut world);
    world.entity_mut(crate_).insert(LoadedOn(ship));
    world.entity_mut(box_).insert(LoadedOn(ship));

    world.qdel(ship).unwrap();

    let expected = [
        (ship, Cause::Qdel),
        (crate_, Cause::Owner(ship)),
        (box_, Cause::Owner(ship)),
    ];
    assert_eq!(told(&world), expected);
}

#[test]
fn relationship_may_collect_its_sources_in_a_set() {
    let mut world = stage();
    let [ship, sailor, cook] = spawn_many(&mut world);
    world.entity_mut(sailor).insert(SailsOn(ship));
    world.entity_mut(cook).insert(SailsOn(ship));

    world.qdel(ship).unwrap();
    let torn_down = world.flush_qdel();

    let mut owned: Vec<_> = told(&world).split_off(1);
    owned.sort_unstable_by_key(|(entity, _)| entity.index());
    let expected = [sailor, cook].map(|entity| (entity, Cause::Owner(ship)));
    assert_eq!(owned, expected);
    assert_eq!(torn_down, 3);
}

#[test]
fn relationship_may_be_one_to_one() {
    let mut world = stage();
    let [horse, rider] = spawn_many(&mut world);
    world.entity_mut(rider).insert(Rides(horse));

    world.qdel(horse).unwrap();

    let expected = [(horse, Cause::Qdel), (rider, Cause::Owner(horse))];
    assert_eq!(told(&world), expected);
}

#[test]
fn relationship_that_is_not_linked_does_not_own() {
    let mut world = stage();
    let [ship, fan] = spawn_many(&mut world);
    world.entity_mut(fan).insert(Admires(ship));

    world.qdel(ship).unwrap();
    world.flush_qdel();

    assert_eq!(told(&world), [(ship, Cause::Qdel)]);
    assert_eq!(world.liveness(fan), Liveness::Alive);
    assert!(world.get::<Admires>(fan).is_none());
}

#[test]
fn relationship_that_comes_up_after_the_first_qdel_owns_too() {
    let mut world = stage();
    let [first, ship, sailor, crate_, mast] = spawn_many(&mut world);
    world.qdel(first).unwrap();
    world.entity_mut(sailor).insert(SailsOn(ship));
    world.qdel(sailor).unwrap();
    world.entity_mut(crate_).insert(LoadedOn(ship));
    world.entity_mut(mast).insert(ChildOf(ship));

    world.qdel(ship).unwrap();

    let mut with_ship: Vec<_> = told(&world).split_off(3);
    with_ship.sort_unstable_by_key(|(entity, _)| entity.index());
    let expected = [crate_, mast].map(|entity| (entity, Cause::Owner(ship)));
    assert_eq!(with_ship, expected);
}

#[test]
fn all_relationships_of_an_owner_count() {
    let mut world = stage();
    let [ship, mast, crate_, sailor, flag, rider] = spawn_many(&mut world);
    world.entity_mut(mast).insert(ChildOf(ship));
    world.entity_mut(crate_).insert(LoadedOn(ship));
    world.entity_mut(sailor).insert(SailsOn(ship));
    world.entity_mut(flag).insert(LoadedOn(mast));
    world.entity_mut(rider).insert(Rides(crate_));

    world.qdel(ship).unwrap();
    let torn_down = world.flush_qdel();

    let mut causes = told(&world);
    causes.sort_unstable_by_key(|(entity, _)| entity.index());
    let expected = [
        (ship, Cause::Qdel),
        (mast, Cause::Owner(ship)),
        (crate_, Cause::Owner(ship)),
        (sailor, Cause::Owner(ship)),
        (flag, Cause::Owner(mast)),
        (rider, Cause::Owner(crate_)),
    ];
    assert_eq!(causes, expected);
    assert_eq!(torn_down, 6);
}

// In which order.

#[test]
fn owners_are_told_before_owned_and_siblings_in_order() {
    let mut world = stage();
    let [ship, mast, flag, hull, crate_, box_] = spawn_many(&mut world);
    world.entity_mut(ship).add_children(&[mast, hull]);
    world.entity_mut(mast).add_child(flag);
    world.entity_mut(hull).add_children(&[crate_, box_]);

    world.qdel(ship).unwrap();

    let told: Vec<_> = told(&world).into_iter().map(|(entity, _)| entity).collect();
    let place = |entity| told.iter().position(|at| *at == entity).unwrap();
    let owners = [(ship, mast), (ship, hull), (mast, flag), (hull, crate_)];
    assert!(
        owners
            .iter()
            .all(|&(owner, owned)| place(owner) < place(owned))
    );
    assert!(place(mast) < place(hull) && place(crate_) < place(box_));
}

#[test]
fn owned_are_torn_down_before_owners() {
    let mut world = stage();
    let [ship, mast, flag, hull, crate_] = spawn_many(&mut world);
    world.entity_mut(ship).add_children(&[mast, hull]);
    world.entity_mut(mast).add_child(flag);
    world.entity_mut(hull).add_child(crate_);
    world.qdel(ship).unwrap();

    world.flush_qdel();

    let gone = gone(&world);
    let place = |entity| gone.iter().position(|at| *at == entity).unwrap();
    let owners = [(ship, mast), (ship, hull), (mast, flag), (hull, crate_)];
    assert!(
        owners
            .iter()
            .all(|&(owner, owned)| place(owned) < place(owner))
    );
}

/// An entity with two owners has all of them told before it, however deep they stand.
#[test]
fn entity_owned_at_two_depths_is_told_after_both_owners() {
    let mut world = stage();
    let [ship, mast, hull, lamp] = two_depths(&mut world);

    world.qdel(ship).unwrap();

    let told: Vec<_> = told(&world).into_iter().map(|(entity, _)| entity).collect();
    let place = |entity| told.iter().position(|at| *at == entity).unwrap();
    assert!(place(ship) < place(mast) && place(ship) < place(hull));
    assert!(
        place(mast) < place(lamp) && place(hull) < place(lamp),
        "{told:?}"
    );
}

#[test]
fn entity_owned_at_two_depths_is_torn_down_before_both_owners() {
    let mut world = stage();
    let [ship, mast, hull, lamp] = two_depths(&mut world);
    world.qdel(ship).unwrap();

    let torn_down = world.flush_qdel();

    let gone = gone(&world);
    let place = |entity| gone.iter().position(|at| *at == entity).unwrap();
    assert!(
        place(lamp) < place(mast) && place(lamp) < place(hull),
        "{gone:?}"
    );
    assert_eq!(torn_down, 4);
}

/// Returns a ship, a mast that it owns, a hull that the mast owns, and a lamp that ship and hull own.
fn two_depths(world: &mut World) -> [Entity; 4] {
    let [ship, mast, hull, lamp] = spawn_many(world);
    world.entity_mut(mast).insert(ChildOf(ship));
    world.entity_mut(hull).insert(ChildOf(mast));
    world
        .entity_mut(lamp)
        .insert((ChildOf(ship), LoadedOn(hull)));
    [ship, mast, hull, lamp]
}

// Two owners, rings, oneself.

#[test]
fn entity_with_two_owners_goes_with_either_once() {
    for first in [0, 1] {
        let mut world = stage();
        let [ship, port, crate_] = spawn_many(&mut world);
        world
            .entity_mut(crate_)
            .insert((ChildOf(port), LoadedOn(ship)));
        let owners = [ship, port];

        world.qdel(owners[first]).unwrap();
        world.qdel(owners[1 - first]).unwrap();
        let torn_down = world.flush_qdel();

        let expected = [
            (owners[first], Cause::Qdel),
            (crate_, Cause::Owner(owners[first])),
            (owners[1 - first], Cause::Qdel),
        ];
        assert_eq!(told(&world), expected);
        assert_eq!(torn_down, 3);
        assert_gone_once(&world, &[ship, port, crate_]);
    }
}

#[test]
fn entity_owned_twice_by_the_same_goes_once() {
    let mut world = stage();
    let [ship, crate_] = spawn_many(&mut world);
    world
        .entity_mut(crate_)
        .insert((ChildOf(ship), LoadedOn(ship), SailsOn(ship)));

    world.qdel(ship).unwrap();
    let torn_down = world.flush_qdel();

    let expected = [(ship, Cause::Qdel), (crate_, Cause::Owner(ship))];
    assert_eq!(told(&world), expected);
    assert_eq!(torn_down, 2);
    assert_gone_once(&world, &[ship, crate_]);
}

#[test]
fn ring_of_two_parents_goes_once() {
    let mut world = stage();
    let [snake, ouroboros] = spawn_many(&mut world);
    world.entity_mut(snake).insert(ChildOf(ouroboros));
    world.entity_mut(ouroboros).insert(ChildOf(snake));

    world.qdel(snake).unwrap();
    world.flush_qdel();

    let expected = [(snake, Cause::Qdel), (ouroboros, Cause::Owner(snake))];
    assert_eq!(told(&world), expected);
    assert_gone_once(&world, &[snake, ouroboros]);
}

#[test]
fn ring_of_three_by_two_relationships_goes_once() {
    let mut world = stage();
    let [ship, port, sea] = spawn_many(&mut world);
    world.entity_mut(ship).insert(LoadedOn(port));
    world.entity_mut(port).insert(ChildOf(sea));
    world.entity_mut(sea).insert(LoadedOn(ship));

    world.qdel(port).unwrap();
    world.flush_qdel();

    let expected = [
        (port, Cause::Qdel),
        (ship, Cause::Owner(port)),
        (sea, Cause::Owner(ship)),
    ];
    assert_eq!(told(&world), expected);
    assert_gone_once(&world, &[ship, port, sea]);
}

#[test]
fn flush_counts_everybody_in_a_ring() {
    let mut world = stage();
    let [ship, port, sea] = spawn_many(&mut world);
    world.entity_mut(ship).insert(LoadedOn(port));
    world.entity_mut(port).insert(LoadedOn(sea));
    world.entity_mut(sea).insert(LoadedOn(ship));
    world.qdel(port).unwrap();

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 3);
    assert_eq!(world.resource::<QdelCounts>().torn_down, 3);
}

#[test]
fn entity_that_owns_itself_goes_once() {
    let mut world = stage();
    let [god, angel] = spawn_many(&mut world);
    world.entity_mut(god).insert(CreatedBy(god));
    world.entity_mut(angel).insert(CreatedBy(god));

    world.qdel(god).unwrap();
    let torn_down = world.flush_qdel();

    let expected = [(god, Cause::Qdel), (angel, Cause::Owner(god))];
    assert_eq!(told(&world), expected);
    assert_eq!(torn_down, 2);
    assert_gone_once(&world, &[god, angel]);
}

#[test]
fn owned_entity_that_owns_itself_goes_once() {
    let mut world = stage();
    let [ship, god] = spawn_many(&mut world);
    world
        .entity_mut(god)
        .insert((CreatedBy(god), ChildOf(ship)));

    world.qdel(ship).unwrap();
    let torn_down = world.flush_qdel();

    let expected = [(ship, Cause::Qdel), (god, Cause::Owner(ship))];
    assert_eq!(told(&world), expected);
    assert_eq!(torn_down, 2);
}

// What is deleting already, and what comes late.

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
        (hull, Cause::Qdel),
        (crate_, Cause::Owner(hull)),
        (ship, Cause::Qdel),
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
    let expected = [(ship, Cause::Qdel), (late, Cause::Owner(ship))];
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

/// Whoever respawns its kind when one is gone must not keep the flush from ending.
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

    let expected = [(ship, Cause::Qdel), (late, Cause::Qdel)];
    assert_eq!(told(&world), expected);
    assert_gone_once(&world, &[ship, late]);
}

/// Owned before owner comes before the oldest first: else Bevy despawns the child, after its parent.
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

    let expected = [(ship, Cause::Despawn), (crate_, Cause::Despawn)];
    assert_eq!(told(&world), expected);
    assert_gone_once(&world, &[ship, crate_]);
}

// Wide and deep.

#[test]
fn owner_of_10_000_goes_with_all_of_them() {
    let mut world = World::new();
    let ship = world.spawn_empty().id();
    let crates: Vec<_> = (0..10_000)
        .map(|_| world.spawn(ChildOf(ship)).id())
        .collect();

    world.qdel(ship).unwrap();
    let waiting = crates
        .iter()
        .all(|at| world.liveness(*at) == Liveness::Deleting);
    let torn_down = world.flush_qdel();

    assert!(waiting);
    assert_eq!(torn_down, 10_001);
    assert!(
        crates
            .iter()
            .all(|at| world.liveness(*at) == Liveness::Gone)
    );
}

#[test]
fn chain_of_100_000_owned_does_not_touch_the_stack() {
    on_a_small_stack(|| {
        let mut world = stage();
        let chain = spawn_chain(&mut world, 100_000);

        world.qdel(chain[0]).unwrap();
        let torn_down = world.flush_qdel();

        assert_eq!(torn_down, chain.len());
        let told: Vec<_> = told(&world).into_iter().map(|(entity, _)| entity).collect();
        assert!(told == chain, "owners should be told before owned");
        let gone = gone(&world);
        assert!(
            gone.iter().rev().eq(&chain),
            "owned should go before owners"
        );
    });
}

/// A stack overflow ends the process, so this one runs in a process of its own.
#[test]
fn ring_of_100_000_owners_does_not_touch_the_stack() {
    let test = "ring_of_100_000_owners_does_not_touch_the_stack";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = stage();
        let ring = spawn_chain(&mut world, 100_000);
        world
            .entity_mut(ring[0])
            .insert(ChildOf(ring[ring.len() - 1]));

        world.qdel(ring[0]).unwrap();
        world.flush_qdel();

        assert_eq!(told(&world).len(), ring.len());
        assert_eq!(gone(&world).len(), ring.len());
    });
}

/// A stack overflow ends the process, so this one runs in a process of its own.
#[test]
fn chain_of_100_000_that_joins_a_deleting_owner_does_not_touch_the_stack() {
    let test = "chain_of_100_000_that_joins_a_deleting_owner_does_not_touch_the_stack";
    in_a_process_of_its_own(module_path!(), test, || {
        let mut world = stage();
        let [ship] = spawn_many(&mut world);
        let chain = spawn_chain(&mut world, 100_000);
        world.qdel(ship).unwrap();
        world.entity_mut(chain[0]).insert(ChildOf(ship));

        world.flush_qdel();

        assert_eq!(told(&world).len(), chain.len() + 1);
        assert_eq!(gone(&world).len(), chain.len() + 1);
    });
}

// Against a model.

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Forests with two relationships, in which some take others with them by their handlers.
    #[test]
    fn everybody_goes_exactly_once_in_any_forest(
        last_wills in vec((0..CROWD, 0..CROWD), 0..6),
        deeds in vec(deed(), 1..30),
        immediate in any::<bool>(),
    ) {
        let mut model = Model::new(&last_wills);
        let mut world = stage();
        if immediate {
            world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        }
        let crowd: [Entity; CROWD] = spawn_many(&mut world);
        for &(dies, follows) in &last_wills {
            let mut dying = world.get_mut::<Item>(crowd[dies]).unwrap();
            dying.takes_along.push(crowd[follows]);
        }

        for deed in deeds {
            model.apply(deed);
            if immediate {
                model.flush();
            }
            apply(&mut world, &crowd, deed);
            world.check_registrations().unwrap();

            let states = crowd.map(|entity| world.liveness(entity));
            prop_assert_eq!(&states, &model.states, "after {:?}", deed);
            for (number, entity) in crowd.into_iter().enumerate() {
                let times_told = told(&world).iter().filter(|(at, _)| *at == entity).count();
                let times_gone = gone(&world).iter().filter(|at| **at == entity).count();
                let is_told = model.states[number] != Liveness::Alive;
                let is_gone = model.states[number] == Liveness::Gone;
                prop_assert_eq!(times_told, usize::from(is_told), "{} after {:?}", number, deed);
                prop_assert_eq!(times_gone, usize::from(is_gone), "{} after {:?}", number, deed);
            }
            let observed = &world.resource::<Story>().observed;
            let once: EntityHashSet = observed.iter().copied().collect();
            prop_assert_eq!(observed.len(), once.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 4 * ProptestConfig::default().cases,
        ..ProptestConfig::default()
    })]

    /// No model here: deletions, despawns, flushes and changes of owners from inside of handlers, observers
    /// and hooks, and what must hold when the dust has settled.
    #[test]
    fn nobody_is_left_behind_whatever_handlers_do(
        wills in vec((moment(), 0..CROWD, deed()), 0..12),
        deeds in vec(deed(), 1..20),
        immediate in any::<bool>(),
    ) {
        let mut world = stage();
        if immediate {
            world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        }
        let crowd: [Entity; CROWD] = spawn_many(&mut world);
        world.insert_resource(Wills { crowd, wills });
        world.add_observer(|told: On<Qdeleting>, world: DeferredWorld| {
            execute_will(world, Moment::Observed, told.entity);
        });
        world.add_observer(|gone: On<Despawn<Item>>, world: DeferredWorld| {
            execute_will(world, Moment::TornDown, gone.entity);
        });

        for deed in deeds {
            apply(&mut world, &crowd, deed);
            world.check_registrations().unwrap();
        }
        // Each will is executed once, so that many flushes settle everything.
        for _ in 0..20 {
            world.flush_qdel();
        }

        for (number, entity) in crowd.into_iter().enumerate() {
            let count = |entities: &[Entity]| entities.iter().filter(|at| **at == entity).count();
            let story = world.resource::<Story>();
            let told: Vec<_> = story.told.iter().map(|(entity, _)| *entity).collect();
            let state = world.liveness(entity);
            prop_assert_ne!(state, Liveness::Deleting, "{} is left behind", number);
            let expected = usize::from(state == Liveness::Gone);
            prop_assert_eq!(count(&told), expected, "{} was told", number);
            prop_assert_eq!(count(&story.gone), expected, "{} went", number);
            prop_assert!(count(&story.observed) <= expected, "{} was observed", number);
        }
        world.check_registrations().unwrap();
        let alive = crowd.iter().filter(|at| world.liveness(**at) == Liveness::Alive).count();
        prop_assert_eq!(world.signal_footprint().registrations, alive);
    }
}

const CROWD: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Told,
    Observed,
    TornDown,
}

fn moment() -> impl Strategy<Value = Moment> {
    prop_oneof![
        Just(Moment::Told),
        Just(Moment::Observed),
        Just(Moment::TornDown)
    ]
}

/// What happens when somebody of the crowd is deleted.
#[derive(Resource)]
struct Wills {
    crowd: [Entity; CROWD],
    wills: Vec<(Moment, usize, Deed)>,
}

/// Has the deeds done that are to be done at this moment in the life of `entity`.
fn execute_will(mut world: DeferredWorld, moment: Moment, entity: Entity) {
    let Some(mut wills) = world.get_resource_mut::<Wills>() else {
        return;
    };
    let crowd = wills.crowd;
    let mut deeds = Vec::new();
    wills.wills.retain(|&(at, who, deed)| {
        let is_due = at == moment && crowd[who] == entity;
        if is_due {
            deeds.push(deed);
        }
        !is_due
    });
    for deed in deeds {
        let work = move |world: &mut World| apply(world, &crowd, deed);
        world.commands().queue(work);
    }
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Qdel(usize),
    Despawn(usize),
    Attach(usize, usize),
    Load(usize, usize),
    Free(usize),
    Flush,
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = 0..CROWD;
    prop_oneof![
        2 => who.clone().prop_map(Deed::Qdel),
        1 => who.clone().prop_map(Deed::Despawn),
        4 => (who.clone(), who.clone()).prop_map(|(owned, owner)| Deed::Attach(owned, owner)),
        4 => (who.clone(), who.clone()).prop_map(|(owned, owner)| Deed::Load(owned, owner)),
        1 => who.prop_map(Deed::Free),
        1 => Just(Deed::Flush),
    ]
}

/// Does in the world what [`Model::apply`] does in the model.
fn apply(world: &mut World, crowd: &[Entity; CROWD], deed: Deed) {
    let both_there = |one: usize, other: usize| {
        let is_there = |who: usize| world.liveness(crowd[who]) != Liveness::Gone;
        one != other && is_there(one) && is_there(other)
    };
    match deed {
        Deed::Qdel(who) => {
            world.qdel(crowd[who]).ok();
        }
        Deed::Despawn(who) => {
            world.try_despawn(crowd[who]).ok();
        }
        Deed::Attach(owned, owner) if both_there(owned, owner) => {
            world.entity_mut(crowd[owned]).insert(ChildOf(crowd[owner]));
        }
        Deed::Load(owned, owner) if both_there(owned, owner) => {
            world
                .entity_mut(crowd[owned])
                .insert(LoadedOn(crowd[owner]));
        }
        Deed::Free(who) => {
            if let Ok(mut entity) = world.get_entity_mut(crowd[who]) {
                entity.remove::<(ChildOf, LoadedOn)>();
            }
        }
        Deed::Attach(..) | Deed::Load(..) => {}
        Deed::Flush => {
            world.flush_qdel();
        }
    }
}

/// Who must be in which state, worked out without any order.
struct Model {
    states: [Liveness; CROWD],
    owners: [[Option<usize>; 2]; CROWD],
    last_wills: Vec<(usize, usize)>,
}

impl Model {
    fn new(last_wills: &[(usize, usize)]) -> Self {
        Self {
            states: [Liveness::Alive; CROWD],
            owners: [[None; 2]; CROWD],
            last_wills: last_wills.to_vec(),
        }
    }

    fn apply(&mut self, deed: Deed) {
        match deed {
            Deed::Qdel(who) => self.qdel(who),
            Deed::Despawn(who) => self.despawn(&[who]),
            Deed::Attach(owned, owner) => self.attach(owned, owner, 0),
            Deed::Load(owned, owner) => self.attach(owned, owner, 1),
            Deed::Free(who) => self.owners[who] = [None; 2],
            Deed::Flush => self.flush(),
        }
    }

    fn attach(&mut self, owned: usize, owner: usize, by: usize) {
        let is_there = |who: usize| self.states[who] != Liveness::Gone;
        if owned != owner && is_there(owned) && is_there(owner) {
            self.owners[owned][by] = Some(owner);
        }
    }

    fn qdel(&mut self, root: usize) {
        let mut waiting = vec![root];
        while let Some(who) = waiting.pop() {
            if self.states[who] == Liveness::Alive {
                self.states[who] = Liveness::Deleting;
                waiting.extend(self.owned_by(who));
                waiting.extend(self.taken_along_by(who));
            }
        }
    }

    fn flush(&mut self) {
        let is_deleting = |who: &usize| self.states[*who] == Liveness::Deleting;
        let deleting: Vec<_> = (0..CROWD).filter(is_deleting).collect();
        self.despawn(&deleting);
    }

    fn despawn(&mut self, roots: &[usize]) {
        let mut waiting = roots.to_vec();
        let mut just_told = Vec::new();
        while let Some(who) = waiting.pop() {
            if self.states[who] == Liveness::Gone {
                continue;
            }
            if self.states[who] == Liveness::Alive {
                just_told.push(who);
            }
            self.states[who] = Liveness::Gone;
            waiting.extend(self.owned_by(who));
        }
        for who in just_told {
            for follows in self.taken_along_by(who) {
                self.qdel(follows);
            }
        }
    }

    fn owned_by(&self, owner: usize) -> Vec<usize> {
        let is_owned = |who: &usize| self.owners[*who].contains(&Some(owner));
        (0..CROWD).filter(is_owned).collect()
    }

    fn taken_along_by(&self, dies: usize) -> Vec<usize> {
        let wills = self.last_wills.iter();
        wills
            .filter(|will| will.0 == dies)
            .map(|will| will.1)
            .collect()
    }
}

// The stage.

#[derive(Component)]
#[relationship(relationship_target = Cargo)]
struct LoadedOn(Entity);

#[derive(Component)]
#[relationship_target(relationship = LoadedOn, linked_spawn)]
struct Cargo(Vec<Entity>);

#[derive(Component)]
#[relationship(relationship_target = Crew)]
struct SailsOn(Entity);

#[derive(Component)]
#[relationship_target(relationship = SailsOn, linked_spawn)]
struct Crew(EntityHashSet);

#[derive(Component)]
#[relationship(relationship_target = Rider)]
struct Rides(Entity);

#[derive(Component)]
#[relationship_target(relationship = Rides, linked_spawn)]
struct Rider(Entity);

#[derive(Component)]
#[relationship(relationship_target = Admirers)]
struct Admires(Entity);

#[derive(Component)]
#[relationship_target(relationship = Admires)]
struct Admirers(Vec<Entity>);

#[derive(Component)]
#[relationship(relationship_target = Creatures, allow_self_referential)]
struct CreatedBy(Entity);

#[derive(Component)]
#[relationship_target(relationship = CreatedBy, linked_spawn)]
struct Creatures(Vec<Entity>);

/// What happened, in order.
#[derive(Resource, Default)]
struct Story {
    told: Vec<(Entity, Cause)>,
    observed: Vec<Entity>,
    gone: Vec<Entity>,
}

/// Listens on its own entity, and takes others along when that goes away.
#[derive(Component, Default)]
struct Item {
    takes_along: Vec<Entity>,
}

impl Item {
    fn write_down(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let mut item = world.get_mut::<Self>(told.listener()).unwrap();
        for entity in core::mem::take(&mut item.takes_along) {
            world.queue_qdel(entity);
        }
        let mut story = world.resource_mut::<Story>();
        story.told.push((told.entity, told.cause));
        execute_will(world, Moment::Told, told.entity);
    }
}

/// Makes a world that writes down what happens to each [`Item`].
fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Story>();
    world.add_observer(|told: On<Qdeleting>, mut story: ResMut<Story>| {
        story.observed.push(told.entity);
    });
    world.add_observer(|gone: On<Despawn<Item>>, mut story: ResMut<Story>| {
        story.gone.push(gone.entity);
    });
    world
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| spawn_item(world))
}

fn spawn_item(world: &mut World) -> Entity {
    let item = world.spawn(Item::default()).id();
    world.register_signal(item, item, Item::write_down).unwrap();
    item
}

/// Spawns entities each of which owns the next.
fn spawn_chain(world: &mut World, len: usize) -> Vec<Entity> {
    let chain: Vec<_> = (0..len).map(|_| spawn_item(world)).collect();
    for pair in chain.windows(2) {
        world.entity_mut(pair[1]).insert(ChildOf(pair[0]));
    }
    chain
}

fn told(world: &World) -> Vec<(Entity, Cause)> {
    world.resource::<Story>().told.clone()
}

fn gone(world: &World) -> Vec<Entity> {
    world.resource::<Story>().gone.clone()
}

fn assert_gone_once(world: &World, entities: &[Entity]) {
    let mut gone = gone(world);
    gone.sort_unstable_by_key(|entity| entity.index());
    let mut expected = entities.to_vec();
    expected.sort_unstable_by_key(|entity| entity.index());
    assert_eq!(gone, expected);
    world.check_registrations().unwrap();
}

/// Runs `work` on a stack on which no recursion gets far.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(512 * 1024).spawn(work);
    thread.unwrap().join().unwrap();
}
