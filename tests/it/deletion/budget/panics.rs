//! Q8: panics.

use super::*;

#[test]
fn panic_in_a_hook_does_not_stop_the_flush() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 70, 10);
    world.entity_mut(crowd[5]).insert(Bomb { charges: 1 });
    world.qdel_batch(crowd.iter().copied());

    let panicked = panics(|| world.flush_qdel());
    let torn_down = [(); 3].map(|()| world.flush_qdel());

    assert!(panicked);
    assert_eq!(torn_down, [32, 7, 0]);
    assert_gone_once(&world, &crowd);
}

#[test]
fn stuck_entity_comes_after_those_that_wait() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 70, 10);
    world.entity_mut(crowd[0]).insert(Bomb { charges: 1 });
    world.qdel_batch(crowd.iter().copied());

    let panicked = panics(|| world.flush_qdel());
    flush_until_gone(&mut world, 70);

    assert!(panicked);
    let expected = [&crowd[1..], &crowd[..1]].concat();
    assert_eq!(gone(&world), expected);
}

#[test]
fn stuck_entity_is_tried_once_a_flush() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let bomb = spawn(&mut world, 10);
    world.entity_mut(bomb).insert(Bomb { charges: 100 });
    world.qdel(bomb).unwrap();

    for _ in 0..10 {
        panics(|| world.flush_qdel());
    }

    assert_eq!(world.get::<Bomb>(bomb).unwrap().charges, 90);
}

#[test]
fn stuck_owned_entity_is_tried_once_a_flush_when_its_owner_is_gone() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let owner = spawn(&mut world, 10);
    let bomb = spawn(&mut world, 10);
    world
        .entity_mut(bomb)
        .insert((Bomb { charges: 100 }, ChildOf(owner)));
    world.qdel(owner).unwrap();
    panics(|| world.flush_qdel());
    let left = world.get::<Bomb>(bomb).unwrap().charges;

    for _ in 0..10 {
        panics(|| world.flush_qdel());
    }

    assert_eq!(world.liveness(owner), Liveness::Gone);
    assert_eq!(world.get::<Bomb>(bomb).unwrap().charges, left - 10);
}

#[test]
fn panics_in_a_paused_ring_lose_nobody() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 100);
    for at in [10, 50, 51, 99] {
        world.entity_mut(ring[at]).insert(Bomb { charges: 1 });
    }
    world.qdel(ring[0]).unwrap();

    for _ in 0..40 {
        panics(|| world.flush_qdel());
    }

    assert_gone_once(&world, &ring);
    assert_eq!(world.flush_qdel(), 0);
}

#[test]
fn entity_that_takes_a_thousand_budgets_is_paid_for_by_one_flush() {
    let mut world = stage();
    set_budget(&mut world, 100);
    let ogre = spawn(&mut world, 100_000);
    let crowd = spawn_many(&mut world, 63, 1);
    world.qdel(ogre).unwrap();
    world.qdel_batch(crowd);

    let flushes = flush_until_gone(&mut world, 64);

    assert_eq!(flushes, [flush(32, 100_031), flush(32, 32)]);
}
