//! H2: the modes.
//! H2: sweeps on request.

use super::*;

// H2: the modes.

#[test]
fn off_looks_for_nobody_whatever_the_hint_and_the_tear_down() {
    let teardowns = [
        Teardown::EndOfFrame,
        Teardown::Immediate,
        Teardown::Budget(Duration::ZERO),
    ];
    for hint in HINTS_THAT_LOOK {
        for teardown in teardowns {
            let mut world = stage(Mode::Off);
            world.resource_mut::<QdelSettings>().teardown = teardown;
            let goblin = spawn(&mut world, "goblin", hint);
            let orc = spawn_mind(&mut world, "orc", [goblin]);

            world.qdel(goblin).unwrap();
            world.flush_qdel();
            world.drain_qdel();

            assert_eq!(world.liveness(goblin), Liveness::Gone);
            assert_eq!(story(&world), [""; 0], "{hint:?} {teardown:?}");
            assert_eq!(friends(&world, orc), [goblin]);
        }
    }
}

#[test]
fn off_counts_neither_leftovers_nor_hard_deletes() {
    let mut world = stage(Mode::Off);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    spawn_mind(&mut world, "orc", [goblin]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(swept_counts(&world), (0, 0));
}

#[test]
fn on_demand_looks_for_whoever_asked_and_for_nobody_else() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    let elf = spawn(&mut world, "elf", DestroyHint::Queue);
    let orc = spawn_mind(&mut world, "orc", [goblin, elf]);

    world.qdel_batch([goblin, elf]);
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
    assert_eq!(friends(&world, orc), [elf]);
}

#[test]
fn on_demand_never_sweeps_where_nobody_asks() {
    let mut world = stage(Mode::OnDemand);
    let meter = add_probe(&mut world);
    for _ in 0..10 {
        let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
        world.qdel(goblin).unwrap();
        world.flush_qdel();
    }

    assert_eq!(story(&world), [""; 0]);
    assert_eq!(meter.take_visits(), 0);
}

#[test]
fn each_flush_with_a_tear_down_looks_for_all_who_are_gone() {
    let mut world = stage(Mode::EachFlush);
    let [goblin, elf, troll] = ["goblin", "elf", "troll"].map(|name| named(&mut world, name));
    let orc = spawn_mind(&mut world, "orc", [goblin, elf, troll]);
    world.despawn(troll);

    world.qdel(goblin).unwrap();
    world.flush_qdel();
    world.flush_qdel();
    world.qdel(elf).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "  orc.friends[2] named ?: emptied",
            "swept",
            "  orc.friends[0] named elf: emptied",
        ]
    );
    assert_eq!(friends(&world, orc), []);
}

#[test]
fn each_flush_of_a_budget_looks_for_its_own_share() {
    let mut world = stage(Mode::EachFlush);
    world.resource_mut::<QdelSettings>().teardown = Teardown::Budget(Duration::ZERO);
    let crowd: Vec<_> = (0..80).map(|_| named(&mut world, "one")).collect();
    spawn_mind(&mut world, "orc", crowd.clone());
    world.qdel_batch(crowd);

    let found: Vec<_> = (0..4)
        .map(|_| {
            world.flush_qdel();
            take_story(&mut world).len()
        })
        .collect();

    // A line for the sweep, and one for each of 32 entities.
    assert_eq!(found, [33, 33, 17, 0]);
}

#[test]
fn drain_is_one_flush() {
    let mut world = stage(Mode::EachFlush);
    let meter = add_probe(&mut world);
    let crowd: Vec<_> = (0..80).map(|_| named(&mut world, "one")).collect();
    world.qdel_batch(crowd);

    world.drain_qdel();

    assert_eq!(story(&world), ["swept"]);
    assert_eq!(meter.take_visits(), 1);
}

#[test]
fn sampled_looks_for_what_every_third_flush_tore_down() {
    let mut world = stage(sampled(3));
    let names = ["one", "two", "three", "four", "five", "six", "seven"];
    let crowd = names.map(|name| named(&mut world, name));
    spawn_mind(&mut world, "orc", crowd);

    for entity in crowd {
        world.qdel(entity).unwrap();
        world.flush_qdel();
        // This one tears nothing down, and does not count.
        world.flush_qdel();
    }

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[2] named three: emptied",
            "swept",
            "  orc.friends[4] named six: emptied",
        ]
    );
}

#[test]
fn sampled_by_one_is_each_flush() {
    let mut world = stage(sampled(1));
    for name in ["goblin", "elf"] {
        let entity = named(&mut world, name);
        world.qdel(entity).unwrap();
        world.flush_qdel();
    }

    assert_eq!(story(&world), ["swept", "swept"]);
}

#[test]
fn sampled_heeds_hints_in_all_flushes() {
    let mut world = stage(sampled(1_000));
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    spawn_mind(&mut world, "orc", [goblin]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
}

#[test]
fn sampled_counts_the_flushes_after_tear_downs_within_the_call() {
    let mut world = stage(sampled(2));
    world.resource_mut::<QdelSettings>().teardown = Teardown::Immediate;
    let crowd = ["one", "two", "three", "four"].map(|name| named(&mut world, name));
    spawn_mind(&mut world, "orc", crowd);

    for entity in crowd {
        world.qdel(entity).unwrap();
        world.flush_qdel();
    }

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[1] named two: emptied",
            "swept",
            "  orc.friends[2] named four: emptied",
        ]
    );
}

#[test]
fn tear_down_within_the_call_is_swept_by_the_next_flush() {
    let mut world = stage(Mode::EachFlush);
    world.resource_mut::<QdelSettings>().teardown = Teardown::Immediate;
    let goblin = named(&mut world, "goblin");
    let orc = spawn_mind(&mut world, "orc", [goblin]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
    assert_eq!(friends(&world, orc), []);
}

#[test]
fn mode_that_is_switched_on_later_looks_for_what_goes_later() {
    let mut world = stage(Mode::Off);
    let [goblin, elf] =
        ["goblin", "elf"].map(|name| spawn(&mut world, name, DestroyHint::HardDelete));
    spawn_mind(&mut world, "orc", [goblin, elf]);
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    world.resource_mut::<QdelSettings>().sweep = Mode::OnDemand;
    world.qdel(elf).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[1] named elf: emptied"]
    );
}

#[test]
fn what_goes_along_with_one_that_cannot_wait_is_looked_for_by_each_flush() {
    let mut world = stage(Mode::EachFlush);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDeleteNow);
    let purse = world.spawn((Name::new("purse"), ChildOf(goblin))).id();
    let orc = spawn_mind(&mut world, "orc", [purse]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(purse), Liveness::Gone);
    assert_eq!(friends(&world, orc), []);
}

#[test]
fn flush_inside_the_sweep_of_a_deletion_is_looked_after_as_any_flush() {
    let mut world = stage(Mode::EachFlush);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDeleteNow);
    let elf = named(&mut world, "elf");
    let orc = spawn_mind(&mut world, "orc", [elf]);
    world.qdel(elf).unwrap();
    world.add_observer(|_: On<SweepFinished>, mut commands: Commands| {
        commands.queue(|world: &mut World| {
            world.flush_qdel();
        });
    });

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(elf), Liveness::Gone);
    assert_eq!(friends(&world, orc), []);
}

// H2: sweeps on request.

#[test]
fn requested_sweep_looks_for_all_who_are_gone_at_the_next_flush() {
    for mode in [Mode::OnDemand, sampled(100), Mode::EachFlush] {
        let mut world = stage(mode);
        let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
        let orc = spawn_mind(&mut world, "orc", [goblin, elf]);
        world.despawn(goblin);

        world.queue_sweep();
        let before = story(&world);
        world.flush_qdel();

        assert_eq!(before, [""; 0]);
        assert_eq!(
            story(&world),
            ["swept", "  orc.friends[0] named ?: emptied"],
            "{mode:?}"
        );
        assert_eq!(friends(&world, orc), [elf]);
    }
}

#[test]
fn two_requests_are_one_sweep() {
    let mut world = stage(Mode::OnDemand);
    let meter = add_probe(&mut world);

    world.queue_sweep();
    world.queue_sweep();
    world.flush_qdel();
    world.flush_qdel();

    assert_eq!(story(&world), ["swept"]);
    assert_eq!(meter.take_visits(), 1);
}

#[test]
fn request_with_sweeps_off_comes_to_nothing() {
    let mut world = stage(Mode::Off);

    world.queue_sweep();
    world.flush_qdel();
    world.resource_mut::<QdelSettings>().sweep = Mode::OnDemand;
    world.flush_qdel();

    assert_eq!(story(&world), [""; 0]);
}

#[test]
fn request_and_hints_share_a_sweep() {
    let mut world = stage(Mode::OnDemand);
    let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
    let elf = named(&mut world, "elf");
    let orc = spawn_mind(&mut world, "orc", [goblin, elf]);
    world.despawn(elf);
    world.qdel(goblin).unwrap();

    world.queue_sweep();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "  orc.friends[1] named ?: emptied",
        ]
    );
    assert_eq!(friends(&world, orc), []);
}

#[test]
fn drain_does_what_was_requested() {
    let mut world = stage(Mode::OnDemand);
    world.queue_sweep();

    world.drain_qdel();

    assert_eq!(story(&world), ["swept"]);
}
