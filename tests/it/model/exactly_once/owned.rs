//! Q3: owned before owner.
//! Q1 and Q3: resources among those that are owned.

use super::*;

// Q3: owned before owner.

/// Its owner is deleted first, and then two join that, one of which owns the other.
#[test]
fn owned_goes_before_its_owner_where_both_joined_a_deleting_one() {
    for is_child_of_the_ship in [true, false] {
        let mut world = World::new();
        world.init_resource::<Gone>();
        world.add_observer(|gone: On<Despawn<Ear>>, mut order: ResMut<Gone>| {
            order.0.push(gone.entity);
        });
        let [ship, chest, coin] = [(); 3].map(|()| world.spawn(Ear).id());
        world.qdel(ship).unwrap();
        if is_child_of_the_ship {
            let coin_is = (ChildOf(ship), LoadedOn(chest));
            world.entity_mut(coin).insert(coin_is);
            world.entity_mut(chest).insert(LoadedOn(ship));
        } else {
            let coin_is = (LoadedOn(ship), ChildOf(chest));
            world.entity_mut(coin).insert(coin_is);
            world.entity_mut(chest).insert(ChildOf(ship));
        }

        world.flush_qdel();

        assert_eq!(world.resource::<Gone>().0, [coin, chest, ship]);
    }
}

// Q1 and Q3: resources among those that are owned.

#[derive(Resource)]
struct Treasure;

#[test]
fn resource_of_an_entity_that_joins_a_deleting_owner_stays() {
    let mut world = World::new();
    let [ship, chest] = [(); 2].map(|()| world.spawn_empty().id());
    world.qdel(ship).unwrap();
    world.entity_mut(chest).insert(ChildOf(ship));
    let treasure = world.spawn((Treasure, ChildOf(chest))).id();

    world.flush_qdel();

    let states = [ship, chest, treasure].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Gone, Liveness::Gone, Liveness::Alive]);
    assert!(world.contains_resource::<Treasure>());
}

#[test]
fn resource_that_an_entity_owns_survives_the_shutdown() {
    let mut world = World::new();
    let chest = world.spawn_empty().id();
    let treasure = world.spawn((Treasure, ChildOf(chest))).id();

    let torn_down = world.shutdown_qdel();

    assert_eq!(torn_down, 1);
    let states = [chest, treasure].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Gone, Liveness::Alive]);
    assert!(world.contains_resource::<Treasure>());
}
