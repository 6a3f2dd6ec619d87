//! Wide and deep.

use super::*;

use crate::stage::on_a_small_stack;

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

// The stage.

/// Spawns entities each of which owns the next.
fn spawn_chain(world: &mut World, len: usize) -> Vec<Entity> {
    let chain: Vec<_> = (0..len).map(|_| spawn_item(world)).collect();
    for pair in chain.windows(2) {
        world.entity_mut(pair[1]).insert(ChildOf(pair[0]));
    }
    chain
}
