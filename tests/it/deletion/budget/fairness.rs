//! Q8: no entity starves.
//! Q8: those that do not wait for their turn.

use super::*;

// Q8: no entity starves.

#[test]
fn budget_of_zero_tears_down_one_batch_a_flush() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd);

    let torn_down = [(); 5].map(|()| world.flush_qdel());

    let batch = TEARDOWN_BATCH;
    assert_eq!(torn_down, [batch, batch, batch, 100 - 3 * batch, 0]);
}

#[test]
fn ring_is_gone_after_as_many_flushes_as_its_size_says() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 1_000);
    world.qdel(ring[0]).unwrap();

    let flushes = flush_until_gone(&mut world, 1_000);

    // A step to get to each, and a step to tear it down.
    assert!(flushes.len() <= 2 * 1_000 / TEARDOWN_BATCH + 1);
}

#[test]
fn entity_that_takes_a_thousand_budgets_and_panics_does_not_stop_the_rest() {
    let mut world = stage();
    set_budget(&mut world, 100);
    let ogre = spawn(&mut world, 100_000);
    let crowd = spawn_many(&mut world, 100, 10);
    world.entity_mut(ogre).insert(Bomb { charges: u32::MAX });
    world.qdel(ogre).unwrap();
    world.qdel_batch(crowd.iter().copied());

    let panicked = [(); 4].map(|()| panics(|| world.flush_qdel()));

    assert_eq!(panicked, [true, false, false, true]);
    assert_eq!(gone(&world), crowd);
    assert_eq!(world.liveness(ogre), Liveness::Deleting);
}

#[test]
fn stream_of_new_deletions_does_not_starve_the_old() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let old = spawn_many(&mut world, 320, 10);
    world.qdel_batch(old.iter().copied());

    for _ in 0..10 {
        let new = spawn_many(&mut world, TEARDOWN_BATCH, 10);
        world.qdel_batch(new);
        world.flush_qdel();
    }

    assert_eq!(gone(&world), old);
}

#[test]
fn stream_of_new_deletions_does_not_starve_a_stuck_entity() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let bomb = spawn(&mut world, 10);
    world.entity_mut(bomb).insert(Bomb { charges: 1 });
    world.qdel(bomb).unwrap();
    panics(|| world.flush_qdel());

    let new = spawn_many(&mut world, 100, 10);
    world.qdel_batch(new);
    world.flush_qdel();

    assert_eq!(gone(&world).first(), Some(&bomb));
}

#[test]
fn stream_of_hard_deletes_does_not_starve_the_rest() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let old = spawn_many(&mut world, 320, 10);
    world.qdel_batch(old.iter().copied());

    let mut torn_down = Vec::new();
    for _ in 0..10 {
        for _ in 0..50 {
            let hasty = spawn_with_hint(&mut world, DestroyHint::HardDelete);
            world.qdel(hasty).unwrap();
        }
        torn_down.push(world.flush_qdel());
    }

    assert_eq!(torn_down, [50 + TEARDOWN_BATCH; 10]);
    let there = old
        .iter()
        .filter(|at| world.liveness(**at) != Liveness::Gone);
    assert_eq!(there.count(), 0);
}

// Q8: those that do not wait for their turn.

#[test]
fn hard_delete_is_torn_down_by_the_next_flush_before_all_others() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd.iter().copied());
    let hasty = spawn_with_hint(&mut world, DestroyHint::HardDelete);
    world.qdel(hasty).unwrap();
    let before = world.liveness(hasty);

    let torn_down = world.flush_qdel();

    assert_eq!(before, Liveness::Deleting);
    assert_eq!(torn_down, 33);
    assert_eq!(gone(&world), [&[hasty], &crowd[..32]].concat());
}

#[test]
fn hard_delete_takes_what_it_owns_before_it_whatever_the_budget() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd);
    let hasty = spawn_with_hint(&mut world, DestroyHint::HardDelete);
    let chain = spawn_chain(&mut world, 100, 10);
    world.entity_mut(chain[0]).insert(ChildOf(hasty));
    world.qdel(hasty).unwrap();

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 101 + TEARDOWN_BATCH);
    let owned_first = chain.iter().rev().chain([&hasty]);
    assert!(gone(&world)[..101].iter().eq(owned_first));
}

#[test]
fn owned_hard_delete_does_not_hurry_its_owner() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd);
    let owner = spawn(&mut world, 10);
    let hasty = spawn_with_hint(&mut world, DestroyHint::HardDelete);
    world.entity_mut(hasty).insert(ChildOf(owner));
    world.qdel(owner).unwrap();

    world.flush_qdel();

    assert_eq!(gone(&world)[0], hasty);
    assert_eq!(world.liveness(owner), Liveness::Deleting);
}

#[test]
fn hard_deletes_are_torn_down_the_oldest_first() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let hasty = [(); 50].map(|()| spawn_with_hint(&mut world, DestroyHint::HardDelete));
    for entity in hasty {
        world.qdel(entity).unwrap();
    }

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 50);
    assert_eq!(gone(&world), hasty);
}

#[test]
fn hard_delete_in_the_middle_of_a_paused_ring_goes_at_once_and_once() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 100);
    world.qdel(ring[0]).unwrap();
    for _ in 0..5 {
        world.flush_qdel();
    }
    let there = ring
        .iter()
        .find(|at| world.liveness(**at) != Liveness::Gone)
        .copied()
        .expect("it should be half gone");
    let hasty = spawn_with_hint(&mut world, DestroyHint::HardDelete);
    world.entity_mut(hasty).insert(ChildOf(there));
    world.qdel(hasty).unwrap();

    world.flush_qdel();
    let after = world.liveness(hasty);
    flush_until_gone(&mut world, 101);

    assert_eq!(after, Liveness::Gone);
    assert_gone_once(&world, &[ring, vec![hasty]].concat());
}

#[test]
fn hard_delete_now_is_gone_when_qdel_returns() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd);
    let hasty = spawn_with_hint(&mut world, DestroyHint::HardDeleteNow);
    let owned = spawn_many(&mut world, 50, 10);
    for &owned in &owned {
        world.entity_mut(owned).insert(ChildOf(hasty));
    }

    let answer = world.qdel(hasty);

    assert_eq!(answer, Ok(QdelOutcome::Queued));
    let owned_first = owned.iter().rev().chain([&hasty]);
    assert!(gone(&world).iter().eq(owned_first));
}

#[test]
fn hard_delete_now_during_a_flush_is_gone_with_it() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    let hasty = spawn_with_hint(&mut world, DestroyHint::HardDeleteNow);
    world
        .entity_mut(crowd[20])
        .observe(move |_: On<Despawn<Heavy>>, mut world: DeferredWorld| world.qdel(hasty));
    world.qdel_batch(crowd);

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 33);
    assert_eq!(world.liveness(hasty), Liveness::Gone);
}

#[test]
fn hard_delete_during_a_flush_waits_for_the_next() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    let hasty = spawn_with_hint(&mut world, DestroyHint::HardDelete);
    world
        .entity_mut(crowd[20])
        .observe(move |_: On<Despawn<Heavy>>, mut world: DeferredWorld| world.qdel(hasty));
    world.qdel_batch(crowd.iter().copied());

    let torn_down = [world.flush_qdel(), world.flush_qdel()];

    assert_eq!(torn_down, [32, 33]);
    assert_eq!(gone(&world)[32], hasty);
}

#[test]
fn stuck_hard_delete_is_tried_again_and_stops_nobody() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 40, 10);
    let hasty = spawn_with_hint(&mut world, DestroyHint::HardDelete);
    world.entity_mut(hasty).insert(Bomb { charges: 2 });
    world.qdel_batch(crowd.iter().copied());
    world.qdel(hasty).unwrap();

    let panicked = [(); 3].map(|()| panics(|| world.flush_qdel()));

    assert_eq!(panicked, [true, true, false]);
    assert_eq!(gone(&world), [crowd, vec![hasty]].concat());
}

#[test]
fn immediate_deletion_tears_down_what_the_budget_left() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let ring = spawn_ring(&mut world, 100);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd.iter().copied());
    world.qdel(ring[0]).unwrap();
    world.flush_qdel();

    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    let last = spawn(&mut world, 10);
    world.qdel(last).unwrap();

    assert_gone_once(&world, &[ring, crowd, vec![last]].concat());
}

#[test]
fn flush_under_immediate_ends_what_the_budget_left() {
    let mut world = stage();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd);
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 100);
}

#[test]
fn qdel_under_a_budget_tears_nothing_down() {
    let mut world = stage();
    set_budget(&mut world, 1_000_000);
    let crowd = spawn_many(&mut world, 100, 10);

    world.qdel_batch(crowd);

    assert_eq!(gone(&world), []);
}
