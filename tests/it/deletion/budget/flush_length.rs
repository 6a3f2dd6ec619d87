//! Q8: how long a flush takes.

use super::*;

#[test]
fn flushes_of_100_000_take_the_budget_to_the_batch() {
    let mut world = stage();
    set_budget(&mut world, 2_000);
    let crowd = spawn_many(&mut world, 100_000, 10);
    world.qdel_batch(crowd);

    let flushes = flush_until_gone(&mut world, 100_000);

    // 224 entities are the first whole batches that take 2,000 microseconds or more.
    let mut expected = vec![flush(224, 2_240); 446];
    expected.push(flush(96, 960));
    assert_eq!(flushes, expected);
}

#[test]
fn flushes_of_100_000_owned_by_one_take_the_budget_to_the_batch() {
    let mut world = stage();
    set_budget(&mut world, 2_000);
    let ship = spawn(&mut world, 10);
    for sailor in spawn_many(&mut world, 100_000, 10) {
        world.entity_mut(sailor).insert(SailsOn(ship));
    }
    world.qdel(ship).unwrap();

    let flushes = flush_until_gone(&mut world, 100_001);

    let mut expected = vec![flush(224, 2_240); 446];
    expected.push(flush(97, 970));
    assert_eq!(flushes, expected);
    assert_eq!(gone(&world).last(), Some(&ship));
}

#[test]
fn flushes_of_a_chain_of_owners_take_the_budget_to_the_batch() {
    let mut world = stage();
    set_budget(&mut world, 500);
    let chain = spawn_chain(&mut world, 10_000, 7);
    world.qdel(chain[0]).unwrap();

    let flushes = flush_until_gone(&mut world, 10_000);

    let mut expected = vec![flush(96, 672); 104];
    expected.push(flush(16, 112));
    assert_eq!(flushes, expected);
    assert!(gone(&world).iter().eq(chain.iter().rev()));
}

#[test]
fn flushes_of_a_ring_of_owners_take_the_budget_and_not_more() {
    let mut world = stage();
    set_budget(&mut world, 2_000);
    let ring = spawn_chain(&mut world, 10_000, 10);
    world.entity_mut(ring[0]).insert(SailsOn(ring[9_999]));
    world.qdel(ring[0]).unwrap();

    let flushes = flush_until_gone(&mut world, 10_000);

    assert_within_budget(&flushes, 2_000, 10);
    assert_gone_once(&world, &ring);
}

#[test]
fn flushes_of_a_chain_that_joins_a_deleting_owner_take_the_budget_and_not_more() {
    let mut world = stage();
    set_budget(&mut world, 2_000);
    let chain = spawn_chain(&mut world, 10_000, 10);
    let owner = spawn(&mut world, 10);
    world.qdel(owner).unwrap();
    world.entity_mut(chain[0]).insert(ChildOf(owner));

    let flushes = flush_until_gone(&mut world, 10_001);

    assert_within_budget(&flushes, 2_000, 10);
    let owned_first = chain.iter().rev().chain([&owner]);
    assert!(gone(&world).iter().eq(owned_first));
}

#[test]
fn flushes_of_many_that_join_a_deleting_owner_take_the_budget_and_not_more() {
    let mut world = stage();
    set_budget(&mut world, 2_000);
    let ship = spawn(&mut world, 10);
    world.qdel(ship).unwrap();
    let crew = spawn_many(&mut world, 10_000, 10);
    for &sailor in &crew {
        world.entity_mut(sailor).insert(SailsOn(ship));
    }

    let flushes = flush_until_gone(&mut world, 10_001);

    assert_within_budget(&flushes, 2_000, 10);
    assert_eq!(gone(&world).last(), Some(&ship));
}

#[test]
fn budget_of_exactly_one_batch_takes_one_batch() {
    let mut world = stage();
    set_budget(&mut world, 320);
    let crowd = spawn_many(&mut world, 70, 10);
    world.qdel_batch(crowd);

    let flushes = flush_until_gone(&mut world, 70);

    let expected = [flush(32, 320), flush(32, 320), flush(6, 60)];
    assert_eq!(flushes, expected);
}

#[test]
fn budget_that_a_batch_does_not_quite_spend_takes_two() {
    let mut world = stage();
    set_budget(&mut world, 321);
    let crowd = spawn_many(&mut world, 70, 10);
    world.qdel_batch(crowd);

    let flushes = flush_until_gone(&mut world, 70);

    assert_eq!(flushes, [flush(64, 640), flush(6, 60)]);
}

#[test]
fn endless_budget_tears_down_everything() {
    let mut world = stage();
    let endless = Teardown::Budget(Duration::MAX);
    world.insert_resource(QdelSettings::default().with_teardown(endless));
    let crowd = spawn_many(&mut world, 1_000, 10);
    world.qdel_batch(crowd);

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 1_000);
}

#[test]
fn clock_of_the_machine_is_taken_where_there_is_no_other() {
    let mut world = stage();
    world.remove_resource::<WorkClock>();
    set_budget(&mut world, 0);
    let crowd = spawn_many(&mut world, 70, 10);
    world.qdel_batch(crowd);

    let torn_down = [(); 4].map(|()| world.flush_qdel());

    assert_eq!(torn_down, [32, 32, 6, 0]);
}

#[test]
fn clock_that_runs_backwards_does_no_harm() {
    let mut world = stage();
    let left = Arc::new(AtomicU64::new(1_000));
    world.insert_resource(WorkClock::new(move || {
        Duration::from_secs(left.fetch_sub(1, Ordering::Relaxed))
    }));
    set_budget(&mut world, 2_000);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd);

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 100);
}

#[test]
fn clock_that_panics_loses_nothing() {
    let mut world = stage();
    let is_broken = Arc::new(AtomicBool::new(true));
    let broken = Arc::clone(&is_broken);
    world.insert_resource(WorkClock::new(move || {
        assert!(!broken.load(Ordering::Relaxed), "the clock is broken");
        Duration::ZERO
    }));
    set_budget(&mut world, 2_000);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd.iter().copied());

    let panicked = panics(|| world.flush_qdel());
    is_broken.store(false, Ordering::Relaxed);
    let torn_down = world.flush_qdel();

    assert!(panicked);
    assert_eq!(torn_down, 100);
    assert_gone_once(&world, &crowd);
}

#[test]
fn clock_that_panics_in_the_middle_of_a_tear_down_loses_nothing() {
    let mut world = stage();
    let looks = Arc::new(AtomicU64::new(0));
    world.insert_resource(WorkClock::new(move || {
        let look = looks.fetch_add(1, Ordering::Relaxed);
        assert!(look != 2, "the clock is broken");
        Duration::ZERO
    }));
    set_budget(&mut world, 2_000);
    let crowd = spawn_many(&mut world, 100, 10);
    world.qdel_batch(crowd.iter().copied());

    let panicked = panics(|| world.flush_qdel());
    world.flush_qdel();

    assert!(panicked);
    assert_gone_once(&world, &crowd);
}

// The stage.

/// Asserts that each flush spent the budget, but the last, and none more than a batch on top.
fn assert_within_budget(flushes: &[Flush], budget: u64, batch_of: u64) {
    let budget = Duration::from_micros(budget);
    let batch = Duration::from_micros(TEARDOWN_BATCH as u64 * batch_of);
    let (_, all_but_last) = flushes.split_last().unwrap();
    assert!(all_but_last.iter().all(|flush| flush.time >= budget));
    assert!(flushes.iter().all(|flush| flush.time < budget + batch));
}
