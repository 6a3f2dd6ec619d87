//! H2: in slices.

use super::*;

#[test]
fn slices_take_the_budget_to_the_batch() {
    let mut world = stage(Mode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::from_micros(2_000));
    let meter = add_probe(&mut world);
    let probes = vec![Probe(Arc::clone(&meter)); 1_000];
    world.spawn_batch(probes).for_each(drop);
    world.sync_references();
    let reads = Arc::clone(&meter);
    world.insert_resource(WorkClock::new(move || {
        Duration::from_micros(reads.hand.load(Ordering::Relaxed))
    }));
    meter.cost.store(10, Ordering::Relaxed);
    world.queue_sweep();

    meter.take_visits();
    let mut visits = Vec::new();
    for _ in 0..20 {
        world.flush_qdel();
        visits.push(meter.take_visits());
    }

    // A batch takes 1,280 microseconds, so that the second one is the last. A few of the first
    // entities are no probes.
    assert_eq!(story(&world), ["swept"]);
    assert_eq!(visits.iter().sum::<u64>(), 1_001);
    assert_eq!(visits[1..3], [256, 256], "{visits:?}");
    assert!(visits[0] <= 256 && visits[3] <= 256, "{visits:?}");
}

#[test]
fn slice_without_time_looks_at_one_batch_and_the_sweep_ends() {
    let mut world = stage(Mode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::ZERO);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    spawn_crowd(&mut world, 10 * SLICE);
    let orc = spawn_mind(&mut world, "orc", [goblin]);
    world.qdel(goblin).unwrap();

    let flushes = flush_until_told(&mut world);

    // Bevy makes room for entities ahead, and the room counts.
    assert!((11..=34).contains(&flushes), "{flushes}");
    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
    assert_eq!(friends(&world, orc), []);
}

#[test]
fn sweep_in_slices_ends_though_the_world_grows_by_more_than_a_slice_each_time() {
    let mut world = stage(Mode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::ZERO);
    spawn_crowd(&mut world, 2 * SLICE);
    world.queue_sweep();

    for _ in 0..50 {
        world.flush_qdel();
        spawn_crowd(&mut world, 2 * SLICE);
    }

    assert_eq!(story(&world), ["swept"]);
}

#[test]
fn drain_ends_a_sweep_in_slices() {
    for teardown in [Teardown::EndOfFrame, Teardown::Budget(Duration::ZERO)] {
        assert_eq!(story_of_a_drain(teardown), ["swept"], "{teardown:?}");
    }
}

#[test]
fn drain_ends_a_sweep_in_slices_where_tear_downs_come_within_the_call() {
    let told = story_of_a_drain(Teardown::Immediate);

    assert_eq!(told, ["swept"]);
}

/// Drains a world in which a sweep was begun in slices.
fn story_of_a_drain(teardown: Teardown) -> Vec<String> {
    let mut world = stage(Mode::OnDemand);
    let settings = QdelSettings::default().with_teardown(teardown);
    world.insert_resource(settings.with_sweep_pace(Pace::Budget(Duration::ZERO)));
    spawn_crowd(&mut world, 5 * SLICE);
    world.queue_sweep();
    world.flush_qdel();
    world.drain_qdel();
    story(&world)
}

#[test]
fn what_is_deleted_while_a_sweep_runs_is_looked_for_by_the_next_one() {
    let mut world = stage(Mode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::ZERO);
    let [goblin, elf] =
        ["goblin", "elf"].map(|name| spawn(&mut world, name, DestroyHint::HardDelete));
    spawn_mind(&mut world, "first", [goblin, elf]);
    spawn_crowd(&mut world, 3 * SLICE);
    spawn_mind(&mut world, "last", [goblin, elf]);
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    world.qdel(elf).unwrap();
    flush_many(&mut world, 20);

    assert_eq!(
        story(&world),
        [
            "swept",
            "  first.friends[0] named goblin: emptied",
            "  last.friends[0] named goblin: emptied",
            "swept",
            "  first.friends[0] named elf: emptied",
            "  last.friends[0] named elf: emptied",
        ]
    );
    assert_eq!(swept_counts(&world), (4, 2));
}

#[test]
fn running_sweep_for_all_leaves_those_to_the_next_who_go_meanwhile() {
    let mut world = stage(Mode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::ZERO);
    let goblin = named(&mut world, "goblin");
    let elf = spawn(&mut world, "elf", DestroyHint::HardDelete);
    spawn_mind(&mut world, "first", [goblin, elf]);
    spawn_crowd(&mut world, 3 * SLICE);
    spawn_mind(&mut world, "last", [goblin, elf]);
    world.despawn(goblin);
    world.queue_sweep();
    world.flush_qdel();

    world.qdel(elf).unwrap();
    flush_many(&mut world, 20);

    assert_eq!(
        story(&world),
        [
            "swept",
            "  first.friends[0] named ?: emptied",
            "  last.friends[0] named ?: emptied",
            "swept",
            "  first.friends[0] named elf: emptied",
            "  last.friends[0] named elf: emptied",
        ]
    );
}

#[test]
fn running_sweep_for_all_does_not_empty_who_is_only_searched_for() {
    let mut world = stage(Mode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::ZERO);
    let elf = spawn(&mut world, "elf", DestroyHint::FindReferencesOnFail);
    spawn_crowd(&mut world, 3 * SLICE);
    let orc = spawn_mind(&mut world, "orc", [elf]);
    world.queue_sweep();
    world.flush_qdel();

    world.qdel(elf).unwrap();
    flush_many(&mut world, 20);

    assert_eq!(friends(&world, orc), [elf]);
}

#[test]
fn sweep_at_once_ends_one_that_was_begun_in_slices() {
    let mut world = stage(Mode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::ZERO);
    let meter = add_probe(&mut world);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    spawn_mind(&mut world, "first", [goblin]);
    spawn_crowd(&mut world, 3 * SLICE);
    spawn_mind(&mut world, "last", [goblin]);
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    world.resource_mut::<QdelSettings>().sweep_pace = Pace::AtOnce;
    world.flush_qdel();

    assert_eq!(
        story(&world),
        [
            "swept",
            "  first.friends[0] named goblin: emptied",
            "  last.friends[0] named goblin: emptied",
        ]
    );
    assert_eq!(meter.take_visits(), 1);
}

#[test]
fn running_sweep_waits_while_sweeps_are_off() {
    let mut world = stage(Mode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::ZERO);
    spawn_crowd(&mut world, 2 * SLICE);
    world.queue_sweep();
    world.flush_qdel();

    world.resource_mut::<QdelSettings>().sweep = Mode::Off;
    flush_many(&mut world, 10);
    let between = story(&world);
    world.resource_mut::<QdelSettings>().sweep = Mode::OnDemand;
    flush_many(&mut world, 10);

    assert_eq!(between, [""; 0]);
    assert_eq!(story(&world), ["swept"]);
}

#[test]
fn one_that_cannot_wait_is_swept_in_the_middle_of_a_running_sweep() {
    let mut world = stage(Mode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::ZERO);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    let elf = spawn(&mut world, "elf", DestroyHint::HardDeleteNow);
    spawn_crowd(&mut world, 3 * SLICE);
    spawn_mind(&mut world, "orc", [goblin, elf]);
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    world.qdel(elf).unwrap();
    flush_many(&mut world, 10);

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[1] named elf: emptied",
            "swept",
            "  orc.friends[0] named goblin: emptied",
        ]
    );
}

#[test]
fn tear_down_goes_on_while_a_sweep_runs() {
    let mut world = stage(Mode::EachFlush);
    world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::ZERO);
    spawn_crowd(&mut world, 5 * SLICE);
    let mut torn_down = Vec::new();
    for name in ["one", "two", "three"] {
        let entity = named(&mut world, name);
        world.qdel(entity).unwrap();
        torn_down.push(world.flush_qdel());
    }

    assert_eq!(torn_down, [1, 1, 1]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever goes when, and at whatever pace: each place is reported once, and none is left.
    #[test]
    fn every_place_is_reported_once_by_some_sweep(
        steps in vec((0..4_u8, 0..4_usize, 0..3_u8), 1..30),
        mode in 0..3_u8,
    ) {
        let mode = [Mode::OnDemand, sampled(3), Mode::EachFlush][mode as usize];
        let mut world = stage(mode);
        world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::ZERO);
        let firsts: Vec<_> = (0..4).map(|_| spawn_mind(&mut world, "first", [])).collect();
        spawn_crowd(&mut world, 2 * SLICE);
        let lasts: Vec<_> = (0..4).map(|_| spawn_mind(&mut world, "last", [])).collect();
        let mut expected = Vec::new();
        let mut waiting = Vec::new();

        for (number, (what, holder, how)) in steps.into_iter().enumerate() {
            match what {
                0 | 1 => {
                    let hint = [DestroyHint::HardDelete, DestroyHint::HardDeleteNow, DestroyHint::HardDelete][how as usize];
                    let name = format!("target {number}");
                    let target = world.spawn((Name::new(name.clone()), Says(hint))).id();
                    for at in [firsts[holder], lasts[holder]] {
                        world.get_mut::<Mind>(at).unwrap().friends.push(target);
                    }
                    expected.extend(["first", "last"].map(|at| format!("{at} named {name}")));
                    waiting.push(target);
                }
                2 => waiting.drain(..).for_each(|target| {
                    world.qdel(target).unwrap();
                }),
                _ => {
                    world.flush_qdel();
                }
            }
        }
        world.qdel_batch(waiting);
        flush_many(&mut world, 20);

        let mut told: Vec<_> = story(&world)
            .into_iter()
            .filter_map(|line| {
                let (holder, rest) = line.strip_prefix("  ")?.split_once(".friends")?;
                let target = rest.split_once("named ")?.1.strip_suffix(": emptied")?;
                Some(format!("{holder} named {target}"))
            })
            .collect();
        told.sort();
        expected.sort();
        prop_assert_eq!(told, expected);
        prop_assert!(world.find_leftovers().is_clean());
    }
}

// The stage.

/// Flushes until a sweep is told of, and returns how many flushes that took.
fn flush_until_told(world: &mut World) -> usize {
    let mut flushes = 0;
    while story(world).is_empty() && flushes < 1_000 {
        world.flush_qdel();
        flushes += 1;
    }
    flushes
}
