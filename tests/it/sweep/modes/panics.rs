//! H2: panics and clocks.

use super::*;

#[test]
fn sweep_with_a_clock_that_panics_ends() {
    let budgets = [Duration::ZERO, Duration::from_millis(1), Duration::MAX];
    for budget in budgets {
        for good_reads in 0..4 {
            let mut world = stage(Mode::OnDemand);
            world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(budget);
            let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
            spawn_crowd(&mut world, 5 * SLICE);
            let orc = spawn_mind(&mut world, "orc", [goblin]);
            let reads = AtomicU64::new(0);
            world.insert_resource(WorkClock::new(move || {
                let read = reads.fetch_add(1, Ordering::Relaxed);
                assert!(read < good_reads, "the clock panics");
                Duration::from_secs(read)
            }));
            world.qdel(goblin).unwrap();

            flush_many(&mut world, 10);

            assert_eq!(
                story(&world),
                ["swept", "  orc.friends[0] named goblin: emptied"],
                "{budget:?} {good_reads}"
            );
            assert_eq!(friends(&world, orc), []);
        }
    }
}

#[test]
fn clock_that_runs_backwards_ends_the_sweep() {
    let mut world = stage(Mode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::from_millis(1));
    spawn_crowd(&mut world, 5 * SLICE);
    let left = AtomicU64::new(1_000_000);
    world.insert_resource(WorkClock::new(move || {
        Duration::from_millis(left.fetch_sub(1, Ordering::Relaxed))
    }));
    world.queue_sweep();

    flush_many(&mut world, 10);

    assert_eq!(story(&world), ["swept"]);
}

#[test]
fn hook_that_panics_while_a_place_is_emptied_costs_nobody_a_sweep() {
    for pace in [Pace::AtOnce, Pace::Budget(Duration::ZERO)] {
        let mut world = stage(Mode::OnDemand);
        world.resource_mut::<QdelSettings>().sweep_pace = pace;
        let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
        let first = spawn_mind(&mut world, "first", [goblin]);
        world.spawn((Name::new("orc"), Carved { whom: Some(goblin) }));
        spawn_crowd(&mut world, 3 * SLICE);
        let last = spawn_mind(&mut world, "last", [goblin]);
        world.add_observer(|_: On<Insert<Carved>>| panic!("the observer panics"));
        world.qdel(goblin).unwrap();

        let panics: Vec<_> = (0..10)
            .filter_map(|_| panic_of(|| world.flush_qdel()))
            .collect();

        assert_eq!(panics, ["the observer panics"]);
        assert_eq!(
            story(&world),
            [
                "swept",
                "  first.friends[0] named goblin: emptied",
                "  orc.whom named goblin: emptied",
                "  last.friends[0] named goblin: emptied",
            ],
            "{pace:?}"
        );
        assert_eq!([first, last].map(|at| friends(&world, at).len()), [0, 0]);
    }
}

#[test]
fn component_that_panics_when_it_is_read_costs_nobody_a_sweep() {
    for pace in [Pace::AtOnce, Pace::Budget(Duration::ZERO)] {
        let mut world = stage(Mode::OnDemand);
        world.resource_mut::<QdelSettings>().sweep_pace = pace;
        let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
        let orc = spawn_mind(&mut world, "orc", [goblin]);
        let meter = add_probe(&mut world);
        world.qdel(goblin).unwrap();
        meter.panics.store(true, Ordering::Relaxed);

        let first = panic_of(|| world.flush_qdel());
        flush_many(&mut world, 10);

        assert_eq!(first.as_deref(), Some("the probe panics once"), "{pace:?}");
        assert_eq!(friends(&world, orc), [], "{pace:?}");
        let later = named(&mut world, "later");
        world.qdel(later).unwrap();
        world.flush_qdel();
        assert_eq!(world.liveness(later), Liveness::Gone, "{pace:?}");
    }
}

#[test]
fn component_that_panics_when_a_call_reads_it_leaves_a_world_that_deletes() {
    let mut world = stage(Mode::OnDemand);
    let meter = add_probe(&mut world);
    meter.panics.store(true, Ordering::Relaxed);

    let panicked = panic_of(|| world.sweep());
    let later = named(&mut world, "later");
    world.qdel(later).unwrap();
    world.flush_qdel();

    assert_eq!(panicked.as_deref(), Some("the probe panics once"));
    assert_eq!(world.liveness(later), Liveness::Gone);
}

#[test]
fn component_that_panics_when_a_search_reads_it_leaves_a_world_that_deletes() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::FindReferences);
    let meter = add_probe(&mut world);
    world.qdel(goblin).unwrap();
    meter.panics.store(true, Ordering::Relaxed);

    let panicked = panic_of(|| world.flush_qdel());
    flush_many(&mut world, 2);

    assert_eq!(panicked.as_deref(), Some("the probe panics once"));
    assert_eq!(world.liveness(goblin), Liveness::Gone);
}

#[test]
fn panic_of_a_loss_before_the_sweep_goes_on_after_everything_is_swept() {
    let mut world = stage(Mode::OnDemand);
    let goblin = named(&mut world, "goblin");
    let friend = world
        .spawn(Friend {
            of: None,
            panics: true,
        })
        .id();
    world.sync_references();
    let orc = spawn_mind(&mut world, "orc", [goblin]);
    world.despawn(goblin);
    world.get_mut::<Friend>(friend).unwrap().of = Some(goblin);

    let panicked = panic_of(|| world.sweep());

    assert_eq!(panicked.as_deref(), Some("the friend panics"));
    assert_eq!(friends(&world, orc), []);
}
