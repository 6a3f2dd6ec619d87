//! H2: nothing grows.

use super::*;

#[test]
fn thousand_flushes_take_one_pass_each_at_most_in_any_mode() {
    for (mode, expected) in [
        (Mode::Off, 0),
        (Mode::OnDemand, 0),
        (sampled(10), 100),
        (Mode::EachFlush, 1_000),
    ] {
        let mut world = stage(mode);
        let meter = add_probe(&mut world);
        for _ in 0..1_000 {
            let goblin = named(&mut world, "goblin");
            world.qdel(goblin).unwrap();
            world.flush_qdel();
        }

        assert_eq!(meter.take_visits(), expected, "{mode:?}");
        assert_eq!(story(&world).len() as u64, expected, "{mode:?}");
        assert_eq!(world.flush_qdel(), 0);
    }
}

#[test]
fn thousand_flushes_in_slices_take_as_many_passes_as_there_is_time_for() {
    for mode in [Mode::OnDemand, Mode::EachFlush] {
        let mut world = stage(mode);
        world.resource_mut::<QdelSettings>().sweep_pace = Pace::Budget(Duration::ZERO);
        spawn_crowd(&mut world, 4 * SLICE);
        let orc = spawn_mind(&mut world, "orc", []);
        for _ in 0..1_000 {
            let goblin = spawn(&mut world, "goblin", DestroyHint::HardDelete);
            world.get_mut::<Mind>(orc).unwrap().friends.push(goblin);
            world.qdel(goblin).unwrap();
            world.flush_qdel();
        }
        flush_many(&mut world, 20);

        let told = story(&world);
        let sweeps = told.iter().filter(|line| *line == "swept").count();
        assert_eq!(told.len() - sweeps, 1_000, "{mode:?}");
        assert!((50..=260).contains(&sweeps), "{mode:?}: {sweeps}");
        assert_eq!(friends(&world, orc), []);
        assert_eq!(world.sweep_statistics().len(), 1);
    }
}
