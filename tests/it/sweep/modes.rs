//! When sweeps happen, and what comes of them: modes, paces, hints, events, counts, warnings, and the assertion for tests.
//!
//! Rules H2 to H4 of the design, and the hints of Q6 that look for somebody. What a sweep empties, and how, is the subject
//! of `sweep.rs`. Entities go by their names.

use core::{num::NonZeroU32, time::Duration};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bevy_ecs::{name::Name, prelude::*, reflect::AppTypeRegistry};
use bevy_reflect::Reflect;
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, prelude::*};
use qdel::{
    EntityLabel, Leftover, LeftoverField, LeftoverState, Policy, QdelCounts, ReferenceReport,
    ReferenceVisitor, ReferencesFound, Remains, SweepExt, SweepFinished, SweepMode, SweepPace,
    WorkClock, assert_no_leftovers, prelude::*,
};

use crate::stage::collect_log;

/// So many entities a slice looks at, whatever the time.
const SLICE: usize = 128;

/// Nobody has declared that it names anybody.
#[derive(Component, Reflect, Default, Debug)]
#[reflect(Component)]
struct Mind {
    target: Option<Entity>,
    friends: Vec<Entity>,
}

/// Another one.
#[derive(Component, Reflect, Default, Debug)]
#[reflect(Component)]
struct Grudge {
    against: Option<Entity>,
    since: Option<Entity>,
    over: Option<Entity>,
}

/// Declared, and as it should be.
#[derive(Component, Default, References)]
#[references(on_lost = Friend::panic_if_wanted)]
struct Friend {
    #[entities]
    of: Option<Entity>,
    panics: bool,
}

impl Friend {
    fn panic_if_wanted(&mut self, _: Lost) {
        assert!(!self.panics, "the friend panics");
    }
}

/// Says a hint when it is destroyed.
#[derive(Component)]
struct Will(Hint);

impl Destroy for Will {
    type Param = ();

    fn destroy(&mut self, _: Destroying) -> Hint {
        self.0
    }
}

/// The hints for which somebody is looked for.
const HINTS_THAT_LOOK: [Hint; 4] = [
    Hint::FindReferencesOnFail,
    Hint::FindReferences,
    Hint::HardDelete,
    Hint::HardDeleteNow,
];

/// Names nobody, and counts how often it was asked.
#[derive(Component, Clone)]
struct Probe(Arc<Meter>);

#[derive(Default)]
struct Meter {
    visits: AtomicU64,
    /// What a look at a probe takes, in microseconds.
    cost: AtomicU64,
    /// The hand of the clock, in microseconds.
    hand: AtomicU64,
    panics: AtomicBool,
}

impl References for Probe {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, _: Policy, _: &mut V) {
        let Meter {
            visits,
            cost,
            hand,
            panics,
        } = &*self.0;
        visits.fetch_add(1, Ordering::Relaxed);
        hand.fetch_add(cost.load(Ordering::Relaxed), Ordering::Relaxed);
        assert!(
            !panics.swap(false, Ordering::Relaxed),
            "the probe panics once"
        );
    }

    fn release_references(&mut self, _: Policy, _: &mut dyn FnMut(Entity) -> bool) -> Remains {
        Remains::Valid
    }
}

impl Meter {
    /// Returns how often probes were looked at since the last call.
    fn take_visits(&self) -> u64 {
        self.visits.swap(0, Ordering::Relaxed)
    }
}

/// The ways to clear a world.
const CLEARS: [fn(&mut World); 2] = [World::clear_all, World::clear_resources];

/// What was told, in order.
#[derive(Resource, Reflect, Default)]
#[reflect(Resource)]
struct Story(Vec<String>);

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
            let mut world = stage(SweepMode::Off);
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
    let mut world = stage(SweepMode::Off);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    spawn_mind(&mut world, "orc", [goblin]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(swept_counts(&world), (0, 0));
}

#[test]
fn on_demand_looks_for_whoever_asked_and_for_nobody_else() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    let elf = spawn(&mut world, "elf", Hint::Queue);
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
    let mut world = stage(SweepMode::OnDemand);
    let meter = add_probe(&mut world);
    for _ in 0..10 {
        let goblin = spawn(&mut world, "goblin", Hint::Queue);
        world.qdel(goblin).unwrap();
        world.flush_qdel();
    }

    assert_eq!(story(&world), [""; 0]);
    assert_eq!(meter.take_visits(), 0);
}

#[test]
fn each_flush_with_a_tear_down_looks_for_all_who_are_gone() {
    let mut world = stage(SweepMode::EachFlush);
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
    let mut world = stage(SweepMode::EachFlush);
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
    let mut world = stage(SweepMode::EachFlush);
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
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
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
    let mut world = stage(SweepMode::EachFlush);
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
    let mut world = stage(SweepMode::Off);
    let [goblin, elf] = ["goblin", "elf"].map(|name| spawn(&mut world, name, Hint::HardDelete));
    spawn_mind(&mut world, "orc", [goblin, elf]);
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    world.resource_mut::<QdelSettings>().sweep = SweepMode::OnDemand;
    world.qdel(elf).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[1] named elf: emptied"]
    );
}

#[test]
fn what_goes_along_with_one_that_cannot_wait_is_looked_for_by_each_flush() {
    let mut world = stage(SweepMode::EachFlush);
    let goblin = spawn(&mut world, "goblin", Hint::HardDeleteNow);
    let purse = world.spawn((Name::new("purse"), ChildOf(goblin))).id();
    let orc = spawn_mind(&mut world, "orc", [purse]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(purse), Liveness::Gone);
    assert_eq!(friends(&world, orc), []);
}

#[test]
fn flush_inside_the_sweep_of_a_deletion_is_looked_after_as_any_flush() {
    let mut world = stage(SweepMode::EachFlush);
    let goblin = spawn(&mut world, "goblin", Hint::HardDeleteNow);
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
    for mode in [SweepMode::OnDemand, sampled(100), SweepMode::EachFlush] {
        let mut world = stage(mode);
        let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
        let orc = spawn_mind(&mut world, "orc", [goblin, elf]);
        world.despawn(goblin);

        world.request_sweep();
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
    let mut world = stage(SweepMode::OnDemand);
    let meter = add_probe(&mut world);

    world.request_sweep();
    world.request_sweep();
    world.flush_qdel();
    world.flush_qdel();

    assert_eq!(story(&world), ["swept"]);
    assert_eq!(meter.take_visits(), 1);
}

#[test]
fn request_with_sweeps_off_comes_to_nothing() {
    let mut world = stage(SweepMode::Off);

    world.request_sweep();
    world.flush_qdel();
    world.resource_mut::<QdelSettings>().sweep = SweepMode::OnDemand;
    world.flush_qdel();

    assert_eq!(story(&world), [""; 0]);
}

#[test]
fn request_and_hints_share_a_sweep() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    let elf = named(&mut world, "elf");
    let orc = spawn_mind(&mut world, "orc", [goblin, elf]);
    world.despawn(elf);
    world.qdel(goblin).unwrap();

    world.request_sweep();
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
    let mut world = stage(SweepMode::OnDemand);
    world.request_sweep();

    world.drain_qdel();

    assert_eq!(story(&world), ["swept"]);
}

// Q6: hints that sweep.

#[test]
fn hard_delete_is_swept_by_the_flush_that_tears_it_down() {
    let mut world = stage(SweepMode::OnDemand);
    world.resource_mut::<QdelSettings>().teardown = Teardown::Budget(Duration::ZERO);
    let crowd: Vec<_> = (0..100).map(|_| named(&mut world, "one")).collect();
    world.qdel_batch(crowd);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    let orc = spawn_mind(&mut world, "orc", [goblin]);

    world.qdel(goblin).unwrap();
    let before = friends(&world, orc);
    world.flush_qdel();

    assert_eq!(before, [goblin]);
    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
}

#[test]
fn hard_delete_now_is_swept_before_the_call_returns() {
    for teardown in [
        Teardown::EndOfFrame,
        Teardown::Immediate,
        Teardown::Budget(Duration::ZERO),
    ] {
        let mut world = stage(SweepMode::OnDemand);
        world.resource_mut::<QdelSettings>().teardown = teardown;
        world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::ZERO);
        let goblin = spawn(&mut world, "goblin", Hint::HardDeleteNow);
        spawn_crowd(&mut world, 3 * SLICE);
        let orc = spawn_mind(&mut world, "orc", [goblin]);

        world.qdel(goblin).unwrap();

        assert_eq!(
            take_story(&mut world),
            ["swept", "  orc.friends[0] named goblin: emptied"]
        );
        assert_eq!(friends(&world, orc), []);
        world.flush_qdel();
        assert_eq!(story(&world), [""; 0]);
    }
}

#[test]
fn all_of_a_batch_that_cannot_wait_share_a_pass() {
    let mut world = stage(SweepMode::OnDemand);
    let crowd = spawn_many(&mut world, 50, Hint::HardDeleteNow);
    let meter = add_probe(&mut world);

    world.qdel_batch(crowd);

    assert_eq!(story(&world), ["swept"]);
    assert_eq!(meter.take_visits(), 1);
    assert_eq!(swept_counts(&world), (0, 50));
}

#[test]
fn all_that_a_flush_tears_down_share_a_pass() {
    for mode in [SweepMode::OnDemand, sampled(1), SweepMode::EachFlush] {
        let mut world = stage(mode);
        let crowd = spawn_many(&mut world, 50, Hint::HardDelete);
        let meter = add_probe(&mut world);
        for entity in crowd {
            world.qdel(entity).unwrap();
        }

        world.flush_qdel();

        assert_eq!(story(&world), ["swept"], "{mode:?}");
        assert_eq!(meter.take_visits(), 1, "{mode:?}");
    }
}

#[test]
fn one_that_cannot_wait_and_is_deleted_by_a_handler_is_swept_by_the_outermost_call() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::HardDeleteNow);
    let elf = spawn(&mut world, "elf", Hint::HardDeleteNow);
    let orc = spawn_mind(&mut world, "orc", [goblin, elf]);
    let meter = add_probe(&mut world);
    when_told_of(&mut world, goblin, move |commands| {
        commands.entity(elf).qdel();
    });

    world.qdel(goblin).unwrap();

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "  orc.friends[1] named elf: emptied",
        ]
    );
    assert_eq!(friends(&world, orc), []);
    assert_eq!(meter.take_visits(), 1);
}

#[test]
fn two_that_delete_each_other_are_swept_once() {
    let mut world = stage(SweepMode::OnDemand);
    let [goblin, elf] = ["goblin", "elf"].map(|name| spawn(&mut world, name, Hint::HardDeleteNow));
    for (one, other) in [(goblin, elf), (elf, goblin)] {
        when_told_of(&mut world, one, move |commands| {
            commands.entity(other).qdel();
        });
    }
    spawn_mind(&mut world, "orc", [goblin, elf]);

    world.qdel(goblin).unwrap();

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "  orc.friends[1] named elf: emptied",
        ]
    );
    assert_eq!(swept_counts(&world), (2, 2));
}

#[test]
fn owned_entities_are_looked_for_on_their_own_account() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = named(&mut world, "goblin");
    let purse = spawn(&mut world, "purse", Hint::HardDelete);
    world.entity_mut(purse).insert(ChildOf(goblin));
    let coin = named(&mut world, "coin");
    world.entity_mut(coin).insert(ChildOf(purse));
    let orc = spawn_mind(&mut world, "orc", [goblin, purse, coin]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[1] named purse: emptied"]
    );
    assert_eq!(friends(&world, orc), [goblin, coin]);
}

#[test]
fn owned_entity_that_asks_is_looked_for_by_the_next_flush_if_its_owner_cannot_wait() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::HardDeleteNow);
    let purse = spawn(&mut world, "purse", Hint::HardDelete);
    world.entity_mut(purse).insert(ChildOf(goblin));
    spawn_mind(&mut world, "orc", [goblin, purse]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "swept",
            "  orc.friends[0] named purse: emptied",
        ]
    );
}

#[test]
fn forced_deletion_is_looked_for_as_any_other() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    spawn_mind(&mut world, "orc", [goblin]);

    world.force_qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
}

#[test]
fn whoever_is_despawned_plainly_before_its_tear_down_is_not_looked_for() {
    for hint in [Hint::FindReferencesOnFail, Hint::HardDelete] {
        let mut world = stage(SweepMode::OnDemand);
        let goblin = spawn(&mut world, "goblin", hint);
        let orc = spawn_mind(&mut world, "orc", [goblin]);
        world.qdel(goblin).unwrap();
        world.despawn(goblin);

        world.flush_qdel();

        assert_eq!(story(&world), [""; 0]);
        assert_eq!(friends(&world, orc), [goblin]);
    }
}

#[test]
fn whoever_lives_on_or_is_left_alone_is_not_looked_for() {
    for hint in [Hint::LetMeLive, Hint::IWillHandleIt] {
        let mut world = stage(SweepMode::EachFlush);
        let goblin = spawn(&mut world, "goblin", hint);
        let elf = named(&mut world, "elf");
        let orc = spawn_mind(&mut world, "orc", [goblin]);

        world.qdel(goblin).unwrap();
        world.qdel(elf).unwrap();
        world.flush_qdel();

        assert_eq!(story(&world), ["swept"]);
        assert_eq!(friends(&world, orc), [goblin]);
    }
}

#[test]
fn shutdown_sweeps_for_nobody() {
    for mode in [SweepMode::OnDemand, SweepMode::EachFlush] {
        let mut world = stage(mode);
        world.request_sweep();
        let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
        let elf = spawn(&mut world, "elf", Hint::HardDeleteNow);
        spawn_mind(&mut world, "orc", [goblin, elf]);

        world.shutdown_qdel();
        world.flush_qdel();

        assert_eq!(story(&world), [""; 0], "{mode:?}");
    }
}

#[test]
fn shutdown_with_sweeps_off_searches_for_nobody() {
    let mut world = stage(SweepMode::Off);
    spawn(&mut world, "goblin", Hint::FindReferences);

    world.shutdown_qdel();

    assert_eq!(story(&world), [""; 0]);
}

#[test]
fn world_sweeps_again_after_a_shutdown() {
    let mut world = stage(SweepMode::OnDemand);
    world.shutdown_qdel();
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    spawn_mind(&mut world, "orc", [goblin]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
}

// Q6: hints that search.

#[test]
fn find_references_tells_who_names_the_target_before_its_tear_down_and_empties_nothing() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::FindReferences);
    let orc = spawn_mind(&mut world, "orc", [goblin]);
    world.add_observer(|found: On<ReferencesFound>, mut story: ResMut<Story>| {
        let liveness = found.report.target.liveness;
        story.0.push(format!("{liveness:?}"));
    });

    world.qdel(goblin).unwrap();
    let before = story(&world);
    world.flush_qdel();
    world.flush_qdel();

    assert_eq!(before, [""; 0]);
    assert_eq!(story(&world), ["found: goblin in orc", "Deleting"]);
    assert_eq!(friends(&world, orc), [goblin]);
    assert_eq!(swept_counts(&world), (0, 0));
}

#[test]
fn find_references_tells_also_if_nobody_names_the_target() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::FindReferences);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(story(&world), ["found: goblin in "]);
}

#[test]
fn find_references_on_fail_tells_of_who_fails_and_empties_nothing() {
    for mode in [SweepMode::OnDemand, sampled(1), SweepMode::EachFlush] {
        let mut world = stage(mode);
        let [goblin, elf] =
            ["goblin", "elf"].map(|name| spawn(&mut world, name, Hint::FindReferencesOnFail));
        let orc = spawn_mind(&mut world, "orc", [goblin]);

        world.qdel_batch([goblin, elf]);
        world.flush_qdel();
        world.flush_qdel();

        let told = story(&world);
        let searches = told.iter().filter(|line| line.starts_with("found"));
        assert_eq!(searches.count(), 1, "{mode:?}");
        assert!(told.contains(&"  orc.friends[0] named goblin: found".to_owned()));
        assert_eq!(friends(&world, orc), [goblin], "{mode:?}");
    }
}

#[test]
fn search_for_one_who_is_gone_says_what_it_was_called() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::FindReferencesOnFail);
    spawn_mind(&mut world, "orc", [goblin]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        [
            "found: goblin in orc",
            "swept",
            "  orc.friends[0] named goblin: found",
        ]
    );
}

#[test]
fn search_is_told_once_though_the_tear_down_has_to_be_tried_again() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::FindReferences);
    let has_panicked = AtomicBool::new(false);
    // One of all entities, which names nobody.
    world.add_observer(move |_: On<Despawn<Will>>| {
        assert!(has_panicked.swap(true, Ordering::Relaxed), "not yet");
    });

    world.qdel(goblin).unwrap();
    let first = panic_of(|| world.flush_qdel());
    let between = world.liveness(goblin);
    world.flush_qdel();

    assert_eq!(first.as_deref(), Some("not yet"));
    assert_eq!(
        (between, world.liveness(goblin)),
        (Liveness::Deleting, Liveness::Gone)
    );
    assert_eq!(story(&world), ["found: goblin in "]);
}

#[test]
fn declared_reference_is_released_and_no_leftover_in_any_mode() {
    for hint in HINTS_THAT_LOOK {
        let mut world = stage(SweepMode::EachFlush);
        let goblin = spawn(&mut world, "goblin", hint);
        let friend = Friend {
            of: Some(goblin),
            panics: false,
        };
        world.spawn((Name::new("orc"), friend));

        world.qdel(goblin).unwrap();
        world.flush_qdel();

        assert_eq!(swept_counts(&world).0, 0, "{hint:?}");
        let lines = story(&world);
        assert!(!lines.iter().any(|line| line.contains("orc")), "{lines:?}");
    }
}

// H2: events.

#[test]
fn observer_that_deletes_has_that_torn_down_by_the_next_flush() {
    for pace in [SweepPace::AtOnce, SweepPace::Budget(Duration::MAX)] {
        let mut world = stage(SweepMode::OnDemand);
        world.resource_mut::<QdelSettings>().sweep_pace = pace;
        let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
        let orc = spawn_mind(&mut world, "orc", [goblin]);
        world.add_observer(move |_: On<SweepFinished>, mut commands: Commands| {
            commands.entity(goblin).qdel();
        });
        world.request_sweep();

        world.flush_qdel();
        let between = world.liveness(goblin);
        world.flush_qdel();

        assert_eq!(between, Liveness::Deleting, "{pace:?}");
        assert_eq!(world.liveness(goblin), Liveness::Gone);
        assert_eq!(
            story(&world),
            ["swept", "swept", "  orc.friends[0] named goblin: emptied"]
        );
        assert_eq!(friends(&world, orc), []);
    }
}

#[test]
fn what_an_observer_of_a_sweep_deletes_within_the_call_is_swept_by_the_next_flush() {
    let mut world = stage(SweepMode::EachFlush);
    world.resource_mut::<QdelSettings>().teardown = Teardown::Immediate;
    let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
    spawn_mind(&mut world, "orc", [goblin, elf]);
    world.add_observer(move |_: On<SweepFinished>, mut commands: Commands| {
        if let Ok(mut elf) = commands.get_entity(elf) {
            elf.qdel();
        }
    });

    world.qdel(goblin).unwrap();
    world.flush_qdel();
    let after_one = story(&world).len();
    world.flush_qdel();

    assert_eq!(after_one, 2);
    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "swept",
            "  orc.friends[0] named elf: emptied",
        ]
    );
}

#[test]
fn observer_that_always_requests_a_sweep_has_one_in_each_flush() {
    for pace in [SweepPace::AtOnce, SweepPace::Budget(Duration::MAX)] {
        let mut world = stage(SweepMode::OnDemand);
        world.resource_mut::<QdelSettings>().sweep_pace = pace;
        let mut left = 10;
        world.add_observer(move |_: On<SweepFinished>, mut commands: Commands| {
            // A bound, or the test would never fail.
            if left > 0 {
                left -= 1;
                commands.queue(|world: &mut World| world.request_sweep());
            }
        });
        world.request_sweep();

        let sweeps: Vec<_> = (0..3)
            .map(|_| {
                world.flush_qdel();
                take_story(&mut world).len()
            })
            .collect();

        assert_eq!(sweeps, [1, 1, 1], "{pace:?}");
    }
}

#[test]
fn observer_that_sweeps_again_finds_nothing_and_is_told_of_no_more() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    spawn_mind(&mut world, "orc", [goblin]);
    world.add_observer(|_: On<SweepFinished>, mut commands: Commands| {
        commands.queue(|world: &mut World| {
            let report = world.sweep();
            note(world, &format!("again: {report}"));
        });
    });

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "again: no leftovers",
        ]
    );
    assert_eq!(swept_counts(&world), (1, 1));
}

#[test]
fn observer_that_flushes_changes_nothing() {
    let mut world = stage(SweepMode::EachFlush);
    let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
    spawn_mind(&mut world, "orc", [goblin, elf]);
    world.add_observer(|_: On<SweepFinished>, mut commands: Commands| {
        commands.queue(|world: &mut World| {
            let count = world.flush_qdel();
            note(world, &format!("flushed {count}"));
        });
    });

    world.qdel_batch([goblin, elf]);
    world.flush_qdel();

    assert_eq!(
        story(&world),
        [
            "swept",
            "  orc.friends[0] named goblin: emptied",
            "  orc.friends[1] named elf: emptied",
            "flushed 0",
        ]
    );
}

#[test]
fn observer_that_despawns_the_holder_hears_of_it_once() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    let orc = spawn_mind(&mut world, "orc", [goblin]);
    world.add_observer(move |_: On<SweepFinished>, mut commands: Commands| {
        commands.entity(orc).despawn();
    });

    world.qdel(goblin).unwrap();
    world.flush_qdel();
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
}

#[test]
fn observer_that_panics_costs_nobody_a_sweep() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    let elf = spawn(&mut world, "elf", Hint::HardDelete);
    let orc = spawn_mind(&mut world, "orc", [goblin, elf]);
    let has_panicked = AtomicBool::new(false);
    world.add_observer(move |_: On<SweepFinished>| {
        assert!(has_panicked.swap(true, Ordering::Relaxed), "once");
    });

    world.qdel(goblin).unwrap();
    let first = panic_of(|| world.flush_qdel());
    world.qdel(elf).unwrap();
    world.flush_qdel();

    assert_eq!(first.as_deref(), Some("once"));
    assert_eq!(friends(&world, orc), []);
    assert_eq!(swept_counts(&world), (2, 2));
}

#[test]
fn observer_of_a_search_that_panics_costs_nobody_a_sweep() {
    let mut world = stage(SweepMode::OnDemand);
    let [goblin, elf] =
        ["goblin", "elf"].map(|name| spawn(&mut world, name, Hint::FindReferencesOnFail));
    let troll = spawn(&mut world, "troll", Hint::FindReferences);
    let dwarf = spawn(&mut world, "dwarf", Hint::HardDelete);
    let orc = spawn_mind(&mut world, "orc", [goblin, elf, troll, dwarf]);
    // Which of two observers comes first is Bevy's business, so the one that panics keeps its own story.
    world.add_observer(|found: On<ReferencesFound>, mut story: ResMut<Story>| {
        story.0.push("searched".into());
        panic!("{} holder", found.report.holders.len());
    });

    world.qdel_batch([goblin, elf, troll, dwarf]);
    let panicked = panic_of(|| world.flush_qdel());
    world.flush_qdel();

    assert_eq!(panicked.as_deref(), Some("1 holder"));
    let told = story(&world);
    assert_eq!(told.iter().filter(|line| *line == "swept").count(), 1);
    assert_eq!(told.iter().filter(|line| *line == "searched").count(), 3);
    assert_eq!(friends(&world, orc), [goblin, elf, troll]);
}

#[test]
fn clearing_the_world_from_an_observer_of_a_sweep_ends_it_well() {
    for clear in CLEARS {
        let mut world = stage(SweepMode::EachFlush);
        let goblin = spawn(&mut world, "goblin", Hint::HardDeleteNow);
        let elf = spawn(&mut world, "elf", Hint::HardDelete);
        spawn_mind(&mut world, "orc", [goblin, elf]);
        world.qdel(elf).unwrap();
        world.add_observer(move |_: On<SweepFinished>, mut commands: Commands| {
            commands.queue(clear);
        });

        world.qdel(goblin).unwrap();

        assert_eq!(world.flush_qdel(), 0);
    }
}

#[test]
fn clearing_the_world_from_an_observer_of_a_search_ends_it_well() {
    for clear in CLEARS {
        for hint in [Hint::FindReferences, Hint::FindReferencesOnFail] {
            let mut world = stage(SweepMode::OnDemand);
            let goblin = spawn(&mut world, "goblin", hint);
            spawn_mind(&mut world, "orc", [goblin]);
            world.add_observer(move |_: On<ReferencesFound>, mut commands: Commands| {
                commands.queue(clear);
            });
            world.qdel(goblin).unwrap();

            world.flush_qdel();

            assert_eq!(world.flush_qdel(), 0, "{hint:?}");
        }
    }
}

#[test]
fn clearing_the_world_while_places_are_emptied_ends_the_sweep_well() {
    for clear in CLEARS {
        for pace in [SweepPace::AtOnce, SweepPace::Budget(Duration::ZERO)] {
            let mut world = stage(SweepMode::OnDemand);
            world.resource_mut::<QdelSettings>().sweep_pace = pace;
            let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
            for _ in 0..3 {
                let carved = Carved { whom: Some(goblin) };
                let mind = Mind {
                    target: Some(goblin),
                    friends: vec![goblin],
                };
                world.spawn((Name::new("orc"), carved, mind));
            }
            spawn_crowd(&mut world, 3 * SLICE);
            world.add_observer(move |_: On<Insert<Carved>>, mut commands: Commands| {
                commands.queue(clear);
            });
            world.qdel(goblin).unwrap();

            world.flush_qdel();

            assert_eq!(world.flush_qdel(), 0, "{pace:?}");
        }
    }
}

#[test]
fn sweeps_come_again_after_resources_were_cleared_from_inside() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    spawn_mind(&mut world, "orc", [goblin]);
    let mut is_first = true;
    world.add_observer(move |_: On<SweepFinished>, mut commands: Commands| {
        if core::mem::take(&mut is_first) {
            commands.queue(World::clear_resources);
        }
    });
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    world.init_resource::<Story>();
    world.request_sweep();
    world.flush_qdel();

    assert_eq!(story(&world), ["swept"]);
}

#[test]
fn shutdown_from_an_observer_ends_all_sweeps_well() {
    let mut world = stage(SweepMode::EachFlush);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    let orc = spawn_mind(&mut world, "orc", [goblin]);
    world.add_observer(|_: On<SweepFinished>, mut commands: Commands| {
        commands.queue(|world: &mut World| {
            world.shutdown_qdel();
        });
    });

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(orc), Liveness::Gone);
    let later = named(&mut world, "later");
    world.qdel(later).unwrap();
    world.flush_qdel();
    assert_eq!(world.liveness(later), Liveness::Gone);
}

// H3: counts.

#[test]
fn leftovers_count_places_and_hard_deletes_count_entities() {
    let mut world = stage(SweepMode::EachFlush);
    // Asked for it, and is not named.
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    // Did not ask for it, and is named.
    let elf = named(&mut world, "elf");
    // Neither.
    let troll = named(&mut world, "troll");
    spawn_mind(&mut world, "orc", [elf, elf, elf]);

    world.qdel_batch([goblin, elf, troll]);
    world.flush_qdel();

    assert_eq!(swept_counts(&world), (3, 2));
}

#[test]
fn whoever_is_swept_out_on_request_is_a_hard_delete() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = named(&mut world, "goblin");
    spawn_mind(&mut world, "orc", [goblin, goblin]);
    world.despawn(goblin);

    world.request_sweep();
    world.flush_qdel();

    assert_eq!(swept_counts(&world), (2, 1));
}

#[test]
fn whoever_is_only_searched_for_is_no_hard_delete() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::FindReferencesOnFail);
    spawn_mind(&mut world, "orc", [goblin]);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(swept_counts(&world), (1, 0));
}

#[test]
fn call_counts_its_leftovers_and_looking_does_not() {
    let mut world = stage(SweepMode::Off);
    let goblin = named(&mut world, "goblin");
    spawn_mind(&mut world, "orc", [goblin]);
    world.despawn(goblin);

    world.find_leftovers();
    let looked = swept_counts(&world).0;
    world.sweep();

    assert_eq!((looked, swept_counts(&world).0), (0, 1));
}

#[test]
fn call_that_panics_counts_what_it_found_all_the_same() {
    let mut world = stage(SweepMode::Off);
    let goblin = named(&mut world, "goblin");
    world.spawn((Name::new("orc"), Carved { whom: Some(goblin) }));
    world.add_observer(|_: On<Insert<Carved>>| panic!("the observer panics"));
    world.despawn(goblin);

    let panicked = panic_of(|| world.sweep());

    assert_eq!(panicked.as_deref(), Some("the observer panics"));
    assert_eq!(swept_counts(&world).0, 1);
}

// H4: where leftovers keep appearing.

#[test]
fn fields_are_listed_without_numbers_the_worst_first() {
    let mut world = stage(SweepMode::EachFlush);
    for round in 0..2 {
        let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
        let target = Some(goblin);
        let friends = vec![goblin, elf];
        world.spawn((Name::new("orc"), Mind { target, friends }));
        if round == 0 {
            let grudge = Grudge {
                against: Some(goblin),
                ..Grudge::default()
            };
            world.spawn((Name::new("troll"), grudge));
        }
        world.qdel_batch([goblin, elf]);
        world.flush_qdel();
    }

    let fields = world.leftover_fields();

    let listed: Vec<_> = fields
        .iter()
        .map(|field| (field.path.as_str(), field.sweeps, field.places))
        .collect();
    assert_eq!(
        listed,
        [
            (".friends[..]", 2, 4),
            (".target", 2, 2),
            (".against", 1, 1)
        ]
    );
    assert!(
        fields[2]
            .component
            .ends_with(concat!(module_path!(), "::Grudge"))
    );
    assert!(fields[2].last.starts_with("Grudge.against of troll#"));
}

#[test]
fn fields_of_looks_and_of_given_targets_are_not_listed() {
    let mut world = stage(SweepMode::OnDemand);
    let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
    spawn_mind(&mut world, "orc", [goblin, elf]);
    world.despawn(goblin);

    world.find_leftovers();
    world.sweep_for([elf]);
    let _ = failing_assert(&mut world);

    assert_eq!(world.leftover_fields(), Vec::<LeftoverField>::new());
}

#[test]
fn type_is_warned_of_once_from_the_third_sweep_on() {
    let mut world = stage(SweepMode::EachFlush);
    let logged = collect_log();
    let mut after_each = Vec::new();
    for _ in 0..10 {
        leave_behind(&mut world, |goblin, mind, _| {
            mind.target = Some(goblin);
            mind.friends = vec![goblin, goblin];
        });
        after_each.push(logged().len());
    }

    assert_eq!(after_each, [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn each_type_is_warned_of_by_itself() {
    let mut world = stage(SweepMode::EachFlush);
    let logged = collect_log();
    for _ in 0..4 {
        leave_behind(&mut world, |goblin, mind, grudge| {
            mind.target = Some(goblin);
            grudge.against = Some(goblin);
        });
    }

    let types: Vec<_> = logged()
        .iter()
        .map(|line| line.contains("Grudge.against"))
        .collect();
    assert_eq!(types, [true, false]);
}

#[test]
fn type_is_warned_of_though_it_is_another_field_each_time() {
    let mut world = stage(SweepMode::EachFlush);
    let logged = collect_log();
    let fields: [fn(Entity, &mut Grudge); 3] = [
        |goblin, grudge| grudge.against = Some(goblin),
        |goblin, grudge| grudge.since = Some(goblin),
        |goblin, grudge| grudge.over = Some(goblin),
    ];
    for write in fields {
        leave_behind(&mut world, |goblin, _, grudge| write(goblin, grudge));
    }

    assert_eq!(logged().len(), 1);
}

#[test]
fn sweeps_that_are_called_warn_too() {
    let mut world = stage(SweepMode::Off);
    let logged = collect_log();
    for _ in 0..3 {
        leave_behind(&mut world, |goblin, mind, _| mind.target = Some(goblin));
        world.sweep();
    }

    assert_eq!(logged().len(), 1);
}

#[test]
fn warning_names_field_figures_place_and_what_to_do() {
    let mut world = stage(SweepMode::EachFlush);
    let logged = collect_log();
    for _ in 0..3 {
        leave_behind(&mut world, |goblin, mind, _| {
            mind.friends = vec![goblin; 2];
        });
    }

    let text = logged().join("\n");
    with_settings!({ filters => [(r"#\d+v\d+", "#[id]")], omit_expression => true }, {
        assert_snapshot!(text);
    });
}

// H2: the assertion for tests.

#[test]
fn assertion_holds_where_nobody_names_the_gone_in_any_mode() {
    for mode in [
        SweepMode::Off,
        SweepMode::OnDemand,
        sampled(2),
        SweepMode::EachFlush,
    ] {
        let mut world = stage(mode);
        let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
        spawn_mind(&mut world, "orc", [elf]);
        world.qdel(goblin).unwrap();

        assert_no_leftovers(&mut world);

        assert_eq!(world.liveness(goblin), Liveness::Gone);
        assert_eq!(story(&world), [""; 0], "{mode:?}");
    }
}

#[test]
fn assertion_fails_and_empties_nothing_in_any_mode_whatever_the_hint() {
    let hints = [Hint::Queue].into_iter().chain(HINTS_THAT_LOOK);
    for hint in hints {
        for mode in [SweepMode::Off, SweepMode::OnDemand, SweepMode::EachFlush] {
            // The sweep of this one is over when the assertion comes.
            if hint == Hint::HardDeleteNow && mode != SweepMode::Off {
                continue;
            }
            let mut world = stage(mode);
            let goblin = spawn(&mut world, "goblin", hint);
            let orc = spawn_mind(&mut world, "orc", [goblin]);
            world.qdel(goblin).unwrap();

            let text = failing_assert(&mut world);

            assert!(text.contains("Mind.friends[0] of orc"), "{text}");
            assert_eq!(friends(&world, orc), [goblin], "{hint:?} {mode:?}");
            assert_eq!(swept_counts(&world), (0, 0), "{hint:?} {mode:?}");
        }
    }
}

#[test]
fn assertion_that_fails_lists_who_names_whom() {
    let mut world = stage(SweepMode::OnDemand);
    let [goblin, elf] = ["goblin", "elf"].map(|name| named(&mut world, name));
    spawn_mind(&mut world, "orc", [elf, goblin]);
    spawn_mind(&mut world, "troll", [goblin]);
    world.qdel(goblin).unwrap();

    let text = failing_assert(&mut world);

    with_settings!({ filters => [(r"#\d+v\d+", "#[id]")], omit_expression => true }, {
        assert_snapshot!(text);
    });
}

#[test]
fn assertion_leaves_the_settings_and_the_requests_as_they_were() {
    let mut world = stage(SweepMode::OnDemand);
    let settings = *world.resource::<QdelSettings>();
    world.request_sweep();

    assert_no_leftovers(&mut world);
    let between = story(&world);
    world.flush_qdel();

    assert_eq!(*world.resource::<QdelSettings>(), settings);
    assert_eq!(between, [""; 0]);
    assert_eq!(story(&world), ["swept"]);
}

#[test]
fn assertion_is_no_flush_of_a_sample() {
    let mut world = stage(sampled(2));
    for name in ["one", "two", "three"] {
        let entity = named(&mut world, name);
        world.qdel(entity).unwrap();
        assert_no_leftovers(&mut world);
    }
    let goblin = named(&mut world, "goblin");
    world.qdel(goblin).unwrap();

    world.flush_qdel();

    assert_eq!(story(&world), [""; 0]);
}

#[test]
fn assertion_leaves_what_a_hint_asked_for_to_the_next_flush() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    let orc = spawn_mind(&mut world, "orc", [goblin]);
    world.qdel(goblin).unwrap();

    let _ = failing_assert(&mut world);
    world.flush_qdel();

    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
    assert_eq!(friends(&world, orc), []);
}

#[test]
fn assertion_with_sweeps_off_tells_of_no_search() {
    let mut world = stage(SweepMode::Off);
    let goblin = spawn(&mut world, "goblin", Hint::FindReferences);
    world.qdel(goblin).unwrap();

    assert_no_leftovers(&mut world);

    assert_eq!(story(&world), [""; 0]);
}

#[test]
fn assertion_leaves_a_running_sweep_where_it_is() {
    let mut world = stage(SweepMode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::ZERO);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    spawn_crowd(&mut world, 3 * SLICE);
    let orc = spawn_mind(&mut world, "orc", [goblin]);
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let text = failing_assert(&mut world);
    let between = friends(&world, orc);
    flush_many(&mut world, 10);

    assert!(text.contains("of orc"), "{text}");
    assert_eq!(between, [goblin]);
    assert_eq!(
        story(&world),
        ["swept", "  orc.friends[0] named goblin: emptied"]
    );
}

#[test]
fn assertion_lets_timers_run_and_whoever_is_handled_by_others_be() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::IWillHandleIt);
    let elf = named(&mut world, "elf");
    spawn_mind(&mut world, "orc", [goblin, elf]);
    world.qdel(goblin).unwrap();
    world.qdel_in(elf, Duration::from_secs(1)).unwrap();

    assert_no_leftovers(&mut world);

    assert_eq!(world.liveness(goblin), Liveness::Deleting);
    assert_eq!(world.liveness(elf), Liveness::Alive);
}

#[test]
fn assertion_whose_tear_down_panics_leaves_sweeps_on() {
    let mut world = stage(SweepMode::OnDemand);
    let goblin = named(&mut world, "goblin");
    let has_panicked = AtomicBool::new(false);
    world
        .entity_mut(goblin)
        .observe(move |_: On<Despawn<Name>>| {
            assert!(has_panicked.swap(true, Ordering::Relaxed), "not yet");
        });
    world.qdel(goblin).unwrap();

    let panicked = panic_of(|| assert_no_leftovers(&mut world));
    world.request_sweep();
    world.flush_qdel();

    assert_eq!(panicked.as_deref(), Some("not yet"));
    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(story(&world), ["swept"]);
}

#[test]
fn assertion_inside_an_assertion_leaves_sweeps_as_they_were() {
    let mut world = stage(SweepMode::OnDemand);
    world.request_sweep();
    let goblin = named(&mut world, "goblin");
    world
        .entity_mut(goblin)
        .observe(|_: On<Despawn<Name>>, mut commands: Commands| {
            commands.queue(|world: &mut World| assert_no_leftovers(world));
        });
    world.qdel(goblin).unwrap();

    assert_no_leftovers(&mut world);
    let between = story(&world);
    world.flush_qdel();

    assert_eq!(between, [""; 0]);
    assert_eq!(story(&world), ["swept"]);
}

// H2: in slices.

#[test]
fn slices_take_the_budget_to_the_batch() {
    let mut world = stage(SweepMode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace =
        SweepPace::Budget(Duration::from_micros(2_000));
    let meter = add_probe(&mut world);
    let probes = vec![Probe(Arc::clone(&meter)); 1_000];
    world.spawn_batch(probes).for_each(drop);
    world.sync_references();
    let reads = Arc::clone(&meter);
    world.insert_resource(WorkClock::new(move || {
        Duration::from_micros(reads.hand.load(Ordering::Relaxed))
    }));
    meter.cost.store(10, Ordering::Relaxed);
    world.request_sweep();

    meter.take_visits();
    let mut visits = Vec::new();
    for _ in 0..20 {
        world.flush_qdel();
        visits.push(meter.take_visits());
    }

    // A batch takes 1,280 microseconds, so that the second one is the last. A few of the first entities are no probes.
    assert_eq!(story(&world), ["swept"]);
    assert_eq!(visits.iter().sum::<u64>(), 1_001);
    assert_eq!(visits[1..3], [256, 256], "{visits:?}");
    assert!(visits[0] <= 256 && visits[3] <= 256, "{visits:?}");
}

#[test]
fn slice_without_time_looks_at_one_batch_and_the_sweep_ends() {
    let mut world = stage(SweepMode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::ZERO);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
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
    let mut world = stage(SweepMode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::ZERO);
    spawn_crowd(&mut world, 2 * SLICE);
    world.request_sweep();

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
    let mut world = stage(SweepMode::OnDemand);
    let settings = QdelSettings::default().with_teardown(teardown);
    world.insert_resource(settings.with_sweep_pace(SweepPace::Budget(Duration::ZERO)));
    spawn_crowd(&mut world, 5 * SLICE);
    world.request_sweep();
    world.flush_qdel();
    world.drain_qdel();
    story(&world)
}

#[test]
fn what_is_deleted_while_a_sweep_runs_is_looked_for_by_the_next_one() {
    let mut world = stage(SweepMode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::ZERO);
    let [goblin, elf] = ["goblin", "elf"].map(|name| spawn(&mut world, name, Hint::HardDelete));
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
    let mut world = stage(SweepMode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::ZERO);
    let goblin = named(&mut world, "goblin");
    let elf = spawn(&mut world, "elf", Hint::HardDelete);
    spawn_mind(&mut world, "first", [goblin, elf]);
    spawn_crowd(&mut world, 3 * SLICE);
    spawn_mind(&mut world, "last", [goblin, elf]);
    world.despawn(goblin);
    world.request_sweep();
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
    let mut world = stage(SweepMode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::ZERO);
    let elf = spawn(&mut world, "elf", Hint::FindReferencesOnFail);
    spawn_crowd(&mut world, 3 * SLICE);
    let orc = spawn_mind(&mut world, "orc", [elf]);
    world.request_sweep();
    world.flush_qdel();

    world.qdel(elf).unwrap();
    flush_many(&mut world, 20);

    assert_eq!(friends(&world, orc), [elf]);
}

#[test]
fn sweep_at_once_ends_one_that_was_begun_in_slices() {
    let mut world = stage(SweepMode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::ZERO);
    let meter = add_probe(&mut world);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    spawn_mind(&mut world, "first", [goblin]);
    spawn_crowd(&mut world, 3 * SLICE);
    spawn_mind(&mut world, "last", [goblin]);
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::AtOnce;
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
    let mut world = stage(SweepMode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::ZERO);
    spawn_crowd(&mut world, 2 * SLICE);
    world.request_sweep();
    world.flush_qdel();

    world.resource_mut::<QdelSettings>().sweep = SweepMode::Off;
    flush_many(&mut world, 10);
    let between = story(&world);
    world.resource_mut::<QdelSettings>().sweep = SweepMode::OnDemand;
    flush_many(&mut world, 10);

    assert_eq!(between, [""; 0]);
    assert_eq!(story(&world), ["swept"]);
}

#[test]
fn one_that_cannot_wait_is_swept_in_the_middle_of_a_running_sweep() {
    let mut world = stage(SweepMode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::ZERO);
    let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
    let elf = spawn(&mut world, "elf", Hint::HardDeleteNow);
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
    let mut world = stage(SweepMode::EachFlush);
    world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::ZERO);
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
        let mode = [SweepMode::OnDemand, sampled(3), SweepMode::EachFlush][mode as usize];
        let mut world = stage(mode);
        world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::ZERO);
        let firsts: Vec<_> = (0..4).map(|_| spawn_mind(&mut world, "first", [])).collect();
        spawn_crowd(&mut world, 2 * SLICE);
        let lasts: Vec<_> = (0..4).map(|_| spawn_mind(&mut world, "last", [])).collect();
        let mut expected = Vec::new();
        let mut waiting = Vec::new();

        for (number, (what, holder, how)) in steps.into_iter().enumerate() {
            match what {
                0 | 1 => {
                    let hint = [Hint::HardDelete, Hint::HardDeleteNow, Hint::HardDelete][how as usize];
                    let name = format!("target {number}");
                    let target = world.spawn((Name::new(name.clone()), Will(hint))).id();
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

// H2: panics and clocks.

#[test]
fn sweep_with_a_clock_that_panics_ends() {
    let budgets = [Duration::ZERO, Duration::from_millis(1), Duration::MAX];
    for budget in budgets {
        for good_reads in 0..4 {
            let mut world = stage(SweepMode::OnDemand);
            world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(budget);
            let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
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
    let mut world = stage(SweepMode::OnDemand);
    world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::from_millis(1));
    spawn_crowd(&mut world, 5 * SLICE);
    let left = AtomicU64::new(1_000_000);
    world.insert_resource(WorkClock::new(move || {
        Duration::from_millis(left.fetch_sub(1, Ordering::Relaxed))
    }));
    world.request_sweep();

    flush_many(&mut world, 10);

    assert_eq!(story(&world), ["swept"]);
}

#[test]
fn hook_that_panics_while_a_place_is_emptied_costs_nobody_a_sweep() {
    for pace in [SweepPace::AtOnce, SweepPace::Budget(Duration::ZERO)] {
        let mut world = stage(SweepMode::OnDemand);
        world.resource_mut::<QdelSettings>().sweep_pace = pace;
        let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
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
    for pace in [SweepPace::AtOnce, SweepPace::Budget(Duration::ZERO)] {
        let mut world = stage(SweepMode::OnDemand);
        world.resource_mut::<QdelSettings>().sweep_pace = pace;
        let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
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
    let mut world = stage(SweepMode::OnDemand);
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
    let mut world = stage(SweepMode::OnDemand);
    let goblin = spawn(&mut world, "goblin", Hint::FindReferences);
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
    let mut world = stage(SweepMode::OnDemand);
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

// H2: nothing grows.

#[test]
fn thousand_flushes_take_one_pass_each_at_most_in_any_mode() {
    for (mode, expected) in [
        (SweepMode::Off, 0),
        (SweepMode::OnDemand, 0),
        (sampled(10), 100),
        (SweepMode::EachFlush, 1_000),
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
    for mode in [SweepMode::OnDemand, SweepMode::EachFlush] {
        let mut world = stage(mode);
        world.resource_mut::<QdelSettings>().sweep_pace = SweepPace::Budget(Duration::ZERO);
        spawn_crowd(&mut world, 4 * SLICE);
        let orc = spawn_mind(&mut world, "orc", []);
        for _ in 0..1_000 {
            let goblin = spawn(&mut world, "goblin", Hint::HardDelete);
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
        assert_eq!(world.leftover_fields().len(), 1);
    }
}

/// Immutable, so that it is inserted again when it is emptied.
#[derive(Component, Reflect, Debug)]
#[component(immutable)]
#[reflect(Component)]
struct Carved {
    whom: Option<Entity>,
}

/// Makes a world that sweeps in a mode, and writes down what is told of sweeps and searches.
fn stage(mode: SweepMode) -> World {
    let mut world = World::new();
    let registry = AppTypeRegistry::default();
    {
        let mut registry = registry.write();
        registry.register::<Mind>();
        registry.register::<Grudge>();
        registry.register::<Carved>();
        registry.register::<Story>();
    }
    world.insert_resource(registry);
    world.init_resource::<Story>();
    world.insert_resource(QdelSettings::default().with_sweep(mode));
    world.register_destroy::<Will>();
    world.track_references::<Friend>();
    world.track_references::<Probe>();
    // The story is gone if a test clears the world.
    world.add_observer(
        |finished: On<SweepFinished>, story: Option<ResMut<Story>>| {
            if let Some(mut story) = story {
                story.0.push("swept".to_owned());
                story.0.extend(finished.report.leftovers.iter().map(line));
            }
        },
    );
    world.add_observer(|found: On<ReferencesFound>, story: Option<ResMut<Story>>| {
        if let Some(mut story) = story {
            story.0.push(summary(&found.report));
        }
    });
    world
}

fn line(leftover: &Leftover) -> String {
    let holder = name(&leftover.holder);
    let path = &leftover.place.path;
    let target = name(&leftover.target);
    let state = match leftover.state {
        LeftoverState::Emptied => "emptied",
        LeftoverState::Found => "found",
        _ => "left",
    };
    format!("  {holder}{path} named {target}: {state}")
}

fn summary(report: &ReferenceReport) -> String {
    let holders: Vec<_> = report.holders.iter().map(|at| name(&at.label)).collect();
    format!("found: {} in {}", name(&report.target), holders.join(", "))
}

fn name(label: &EntityLabel) -> &str {
    label.name.as_deref().unwrap_or("?")
}

fn sampled(flushes: u32) -> SweepMode {
    SweepMode::Sampled(NonZeroU32::new(flushes).unwrap())
}

fn named(world: &mut World, name: &'static str) -> Entity {
    world.spawn(Name::new(name)).id()
}

/// Spawns somebody who says `hint` to its end.
fn spawn(world: &mut World, name: &'static str, hint: Hint) -> Entity {
    world.spawn((Name::new(name), Will(hint))).id()
}

fn spawn_many(world: &mut World, count: usize, hint: Hint) -> Vec<Entity> {
    (0..count).map(|_| spawn(world, "one", hint)).collect()
}

/// Spawns many of no interest.
fn spawn_crowd(world: &mut World, count: usize) {
    world.spawn_batch(vec![(); count]).for_each(drop);
}

fn spawn_mind(
    world: &mut World,
    name: &'static str,
    friends: impl IntoIterator<Item = Entity>,
) -> Entity {
    let mind = Mind {
        target: None,
        friends: friends.into_iter().collect(),
    };
    world.spawn((Name::new(name), mind)).id()
}

/// Adds a probe, and returns its meter.
fn add_probe(world: &mut World) -> Arc<Meter> {
    let meter = Arc::new(Meter::default());
    world.spawn(Probe(Arc::clone(&meter)));
    world.sync_references();
    meter.take_visits();
    meter
}

/// Has something done when `target` is told of.
fn when_told_of(
    world: &mut World,
    target: Entity,
    what: impl Fn(&mut Commands) + Send + Sync + 'static,
) {
    world
        .entity_mut(target)
        .observe(move |_: On<Qdeleting>, mut commands: Commands| what(&mut commands));
}

/// Has somebody go who is still named, in a flush of its own.
fn leave_behind(world: &mut World, write: impl FnOnce(Entity, &mut Mind, &mut Grudge)) {
    let goblin = named(world, "goblin");
    let (mut mind, mut grudge) = (Mind::default(), Grudge::default());
    write(goblin, &mut mind, &mut grudge);
    world.spawn((Name::new("orc"), mind, grudge));
    world.qdel(goblin).unwrap();
    world.flush_qdel();
}

fn flush_many(world: &mut World, count: usize) {
    for _ in 0..count {
        world.flush_qdel();
    }
}

/// Flushes until a sweep is told of, and returns how many flushes that took.
fn flush_until_told(world: &mut World) -> usize {
    let mut flushes = 0;
    while story(world).is_empty() && flushes < 1_000 {
        world.flush_qdel();
        flushes += 1;
    }
    flushes
}

fn friends(world: &World, holder: Entity) -> Vec<Entity> {
    world.get::<Mind>(holder).unwrap().friends.clone()
}

fn note(world: &mut World, line: &str) {
    world.resource_mut::<Story>().0.push(line.to_owned());
}

fn story(world: &World) -> Vec<String> {
    world.resource::<Story>().0.clone()
}

fn take_story(world: &mut World) -> Vec<String> {
    core::mem::take(&mut world.resource_mut::<Story>().0)
}

/// Returns how many leftovers and hard deletes were counted.
fn swept_counts(world: &World) -> (u64, u64) {
    let counts = world.resource::<QdelCounts>();
    (counts.leftovers, counts.hard_deletes)
}

/// Returns with what `what` panics, if it does.
fn panic_of<R>(what: impl FnOnce() -> R) -> Option<String> {
    let panicked = catch_unwind(AssertUnwindSafe(what)).err()?;
    let text = match panicked.downcast::<String>() {
        Ok(text) => *text,
        Err(panicked) => (*panicked.downcast::<&str>().unwrap()).to_owned(),
    };
    Some(text)
}

/// Returns what the assertion says, which must fail.
fn failing_assert(world: &mut World) -> String {
    panic_of(|| assert_no_leftovers(world)).expect("somebody should be left")
}
