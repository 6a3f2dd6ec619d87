//! What has a say is asked, however its field came to name the entity that goes.
//!
//! Rules R3 and R5 of the design: fields of types with the policies `deny` and `qdel` are read
//! before the first question.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy_ecs::{prelude::*, world::DeferredWorld};
use qdel::{
    QdelError, References, SignalTarget,
    prelude::*,
    reference::{AfterRelease, OnLoss, ReferenceVisitor},
    statistics::QdelCounts,
};

/// Refuses to lose its captain.
#[derive(Component, Default, References)]
struct Ship {
    #[references(deny)]
    captain: Option<Entity>,
    #[entities]
    port: Option<Entity>,
}

/// Cannot be without its master.
#[derive(Component, Default, References)]
struct Dog {
    #[references(qdel)]
    master: Option<Entity>,
}

/// Lets go.
#[derive(Component, Default, References)]
#[references(on_lost = Mob::note)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    lost: usize,
}

impl Mob {
    fn note(&mut self, lost: Lost) {
        self.lost += lost.len();
    }
}

/// Refuses, hears what it lost, and counts how often it is read.
#[derive(Component, Default)]
struct Guard {
    king: Option<Entity>,
    lost: usize,
    reads: std::sync::Arc<std::sync::atomic::AtomicUsize>,
    panics: bool,
}

impl References for Guard {
    const CASCADES: bool = true;

    fn visit_references<V: ReferenceVisitor>(&self, _: OnLoss, visitor: &mut V) {
        self.reads
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        assert!(!self.panics, "the guard is drunk");
        if let Some(king) = self.king {
            visitor.reference(king, OnLoss::Deny);
        }
    }

    fn release_references(
        &mut self,
        _: OnLoss,
        is_lost: &mut dyn FnMut(Entity) -> bool,
    ) -> AfterRelease {
        self.king = self.king.filter(|king| !is_lost(*king));
        AfterRelease::Valid
    }

    fn on_lost(&mut self, lost: Lost<'_>) {
        self.lost += lost.len();
    }
}

/// A way to ask for a deletion, and the name of it. It tells whether the entity was spared.
type Ask = (&'static str, fn(&mut World, Entity));

const ASKS: [Ask; 16] = [
    ("World::qdel", |world, entity| {
        let _ = world.qdel(entity);
    }),
    ("World::force_qdel", |world, entity| {
        let _ = world.force_qdel(entity);
    }),
    ("World::qdel_batch", |world, entity| {
        let _ = world.qdel_batch([entity]);
    }),
    ("World::force_qdel_batch", |world, entity| {
        let _ = world.force_qdel_batch([entity]);
    }),
    ("World::qdel_take", |world, entity| {
        world.qdel_take(&mut Some(entity));
    }),
    ("World::qdel_take_keys", |world, entity| {
        world.qdel_take_keys(&mut vec![(entity, 1)]);
    }),
    ("World::qdel_in", |world, entity| {
        let second = core::time::Duration::from_secs(1);
        world.qdel_in(entity, second).unwrap();
        world.advance_qdel_timers(second);
    }),
    ("EntityWorldMut::qdel", |world, entity| {
        let _ = world.entity_mut(entity).qdel();
    }),
    ("EntityWorldMut::force_qdel", |world, entity| {
        let _ = world.entity_mut(entity).force_qdel();
    }),
    ("EntityCommands::qdel", |world, entity| {
        world.commands().entity(entity).qdel();
        world.flush();
    }),
    ("EntityCommands::force_qdel", |world, entity| {
        world.commands().entity(entity).force_qdel();
        world.flush();
    }),
    ("Commands::qdel_batch", |world, entity| {
        world.commands().qdel_batch([entity]);
        world.flush();
    }),
    ("Commands::qdel_take", |world, entity| {
        world.commands().qdel_take(&mut Some(entity));
        world.flush();
    }),
    ("DeferredWorld::qdel", |world, entity| {
        DeferredWorld::from(&mut *world).qdel(entity);
        world.flush();
    }),
    ("DeferredWorld::force_qdel", |world, entity| {
        DeferredWorld::from(&mut *world).force_qdel(entity);
        world.flush();
    }),
    ("by its owner", |world, entity| {
        let owner = world.spawn_empty().add_child(entity).id();
        let _ = world.qdel(owner);
        world.entity_mut(entity).remove::<ChildOf>();
    }),
];

#[test]
fn written_field_denies_by_every_verb() {
    for (verb, ask) in ASKS {
        let mut world = stage();
        let king = world.spawn_empty().id();
        let ship = world.spawn(Ship::default()).id();
        world.get_mut::<Ship>(ship).unwrap().captain = Some(king);

        ask(&mut world, king);

        assert_eq!(world.liveness(king), Liveness::Alive, "{verb}");
        world.flush_qdel();
        assert_eq!(captain(&world, ship), Some(king), "{verb}");
    }
}

#[test]
fn written_field_denies_where_nothing_was_deleted_for_a_hundred_frames() {
    let mut world = stage();
    let king = world.spawn_empty().id();
    let ship = world.spawn(Ship::default()).id();
    let mut schedule = Schedule::default();
    schedule.add_systems(move |mut ships: Query<&mut Ship>| {
        for mut ship in &mut ships {
            ship.captain = Some(king);
        }
    });
    for _ in 0..100 {
        schedule.run(&mut world);
    }

    let answer = world.qdel(king);

    let denied = matches!(answer, Err(QdelError::Denied { holder, .. }) if holder == ship);
    assert!(denied, "{answer:?}");
}

#[test]
fn written_field_goes_with_whom_it_names_by_every_verb() {
    for (verb, ask) in ASKS {
        let mut world = stage();
        let master = world.spawn_empty().id();
        let dog = world.spawn(Dog::default()).id();
        world.get_mut::<Dog>(dog).unwrap().master = Some(master);

        ask(&mut world, master);

        assert_eq!(world.liveness(dog), Liveness::Deleting, "{verb}");
    }
}

#[test]
fn written_field_that_names_somebody_else_now_denies_no_more() {
    let mut world = stage();
    let [king, heir] = [(), ()].map(|()| world.spawn_empty().id());
    let ship = world.spawn(Ship::default()).id();
    world.get_mut::<Ship>(ship).unwrap().captain = Some(king);
    assert!(world.qdel(king).is_err());
    world.get_mut::<Ship>(ship).unwrap().captain = Some(heir);

    assert_eq!(world.qdel(king), Ok(QdelOutcome::Queued));
    assert!(world.qdel(heir).is_err());
}

#[test]
fn written_field_of_one_who_would_go_as_well_denies_if_that_one_is_refused() {
    let mut world = stage();
    let [king, heir] = [(), ()].map(|()| world.spawn_empty().id());
    let ship = world.spawn(Ship::default()).id();
    let escort = world.spawn(Ship::default()).id();
    world.get_mut::<Ship>(ship).unwrap().captain = Some(king);
    world.get_mut::<Ship>(escort).unwrap().captain = Some(ship);

    let batch = world.qdel_batch([ship, king, heir]);

    assert_eq!(batch.queued, [heir]);
    assert_eq!(batch.refused.len(), 2);
}

#[test]
fn refused_deletion_releases_nothing_and_tells_nobody() {
    let mut world = stage();
    let [king, gone] = [(), ()].map(|()| world.spawn_empty().id());
    let mob = world.spawn(Mob::default()).id();
    let guard = world.spawn(Guard::default()).id();
    let other = world.spawn(Guard::default()).id();
    let dog = world.spawn(Dog::default()).id();
    world.despawn(gone);
    world.get_mut::<Mob>(mob).unwrap().target = Some(gone);
    world.get_mut::<Guard>(other).unwrap().king = Some(gone);
    world.get_mut::<Guard>(guard).unwrap().king = Some(king);
    world.get_mut::<Dog>(dog).unwrap().master = Some(gone);

    let answer = world.qdel(king);

    assert!(answer.is_err());
    assert_eq!(world.get::<Mob>(mob).unwrap().target, Some(gone));
    assert_eq!(world.get::<Guard>(other).unwrap().king, Some(gone));
    assert_eq!(world.get::<Guard>(other).unwrap().lost, 0);
    assert_eq!(world.liveness(dog), Liveness::Alive);
    assert_eq!(counts(&world), (0, 1));
}

#[test]
fn what_was_found_lost_before_a_question_is_released_by_the_next_sync() {
    let mut world = stage();
    let [king, gone] = [(), ()].map(|()| world.spawn_empty().id());
    let guard = world.spawn(Guard::default()).id();
    let dog = world.spawn(Dog::default()).id();
    world.despawn(gone);
    world.get_mut::<Guard>(guard).unwrap().king = Some(gone);
    world.get_mut::<Dog>(dog).unwrap().master = Some(gone);
    world.qdel(king).unwrap();
    assert_eq!(world.liveness(dog), Liveness::Alive);

    world.sync_references();

    assert_ne!(
        world.get::<Guard>(guard).and_then(|guard| guard.king),
        Some(gone)
    );
    assert_eq!(world.liveness(dog), Liveness::Deleting);
}

#[test]
fn question_leaves_commands_waiting() {
    let mut world = stage();
    let king = world.spawn_empty().id();
    let ship = world.spawn(Ship::default()).id();
    world.get_mut::<Ship>(ship).unwrap().captain = Some(king);
    world.commands().entity(ship).despawn();

    let answer = world.plan_qdel(king).answer;

    assert!(answer.is_err());
    assert_eq!(world.liveness(ship), Liveness::Alive);
}

#[test]
fn plan_knows_what_was_written() {
    let mut world = stage();
    let [king, master] = [(), ()].map(|()| world.spawn_empty().id());
    let ship = world.spawn(Ship::default()).id();
    let dog = world.spawn(Dog::default()).id();
    let mob = world.spawn(Mob::default()).id();
    world.get_mut::<Ship>(ship).unwrap().captain = Some(king);
    world.get_mut::<Dog>(dog).unwrap().master = Some(master);
    world.get_mut::<Mob>(mob).unwrap().target = Some(master);

    assert!(matches!(
        world.plan_qdel(king).answer,
        Err(QdelError::Denied { .. })
    ));
    assert!(matches!(
        world.plan_force_qdel(king).answer,
        Err(QdelError::Denied { .. })
    ));
    let [refusal] = &world.plan_qdel(king).refusals[..] else {
        panic!("the ship alone should refuse");
    };
    assert_eq!((refusal.holder, &*refusal.path), (ship, ".captain"));
    let plan = world.plan_qdel(master);
    let deleted: Vec<_> = plan.deletions.iter().map(|at| at.entity).collect();
    assert_eq!(deleted, [master, dog]);
    let released = &plan.deletions[0].released;
    let mut holders: Vec<_> = released.iter().map(|at| at.holder).collect();
    holders.sort_unstable();
    let mut expected = [dog, mob];
    expected.sort_unstable();
    assert_eq!(holders, expected);
    assert_eq!(world.liveness(dog), Liveness::Alive);
}

#[test]
fn commands_of_one_flush_share_a_look() {
    let mut world = stage();
    world.track_references::<Guard>();
    let king = world.spawn_empty().id();
    let crowd: Vec<_> = (0..100).map(|_| world.spawn_empty().id()).collect();
    let guard = world.spawn(Guard::default()).id();
    let reads = world.get::<Guard>(guard).unwrap().reads.clone();
    let count = || reads.load(std::sync::atomic::Ordering::Relaxed);
    let mut schedule = Schedule::default();
    schedule.add_systems(
        move |mut guards: Query<&mut Guard>, mut commands: Commands| {
            guards.single_mut().unwrap().king = Some(king);
            for entity in crowd.iter().chain([&king]) {
                commands.entity(*entity).qdel();
            }
        },
    );
    let before = count();

    schedule.run(&mut world);

    assert_eq!(world.liveness(king), Liveness::Alive);
    // Once to find what it names, once to link it, and once to ask it.
    assert!(count() - before <= 6, "{}", count() - before);
}

#[test]
fn system_that_writes_between_two_commands_is_seen_by_the_second() {
    let mut world = stage();
    let [first, king] = [(), ()].map(|()| world.spawn_empty().id());
    let ship = world.spawn(Ship::default()).id();
    let mut schedule = Schedule::default();
    schedule.add_systems(
        (
            move |mut commands: Commands| {
                commands.entity(first).qdel();
            },
            move |mut ships: Query<&mut Ship>, mut commands: Commands| {
                ships.single_mut().unwrap().captain = Some(king);
                commands.entity(king).qdel();
            },
        )
            .chain(),
    );

    schedule.run(&mut world);

    assert_eq!(world.liveness(first), Liveness::Deleting);
    assert_eq!(world.liveness(king), Liveness::Alive);
    assert_eq!(captain(&world, ship), Some(king));
}

#[test]
fn observers_of_a_deletion_do_not_make_the_next_command_look_again() {
    let mut world = stage();
    world.add_observer(|_: On<Qdeleting>, mut ships: Query<&mut Ship>| {
        for mut ship in &mut ships {
            ship.set_changed();
        }
    });
    let crowd: Vec<_> = (0..50).map(|_| world.spawn_empty().id()).collect();
    let guard = world.spawn(Guard::default()).id();
    let reads = world.get::<Guard>(guard).unwrap().reads.clone();
    let before = reads.load(std::sync::atomic::Ordering::Relaxed);
    for entity in &crowd {
        world.commands().entity(*entity).qdel();
    }
    world.get_mut::<Guard>(guard).unwrap().king = None;

    world.flush();

    let after = reads.load(std::sync::atomic::Ordering::Relaxed);
    assert!(after - before <= 2, "{}", after - before);
    assert!(
        crowd
            .iter()
            .all(|at| world.liveness(*at) == Liveness::Deleting)
    );
}

#[test]
fn world_verb_inside_a_deletion_looks_as_well() {
    let mut world = stage();
    let [first, king] = [(), ()].map(|()| world.spawn(Mob::default()).id());
    let ship = world.spawn(Ship::default()).id();
    world.add_observer(move |going: On<Qdeleting>, mut commands: Commands| {
        if going.entity == first {
            commands.queue(move |world: &mut World| {
                world.get_mut::<Ship>(ship).unwrap().captain = Some(king);
                assert!(world.qdel(king).is_err());
            });
        }
    });

    world.qdel(first).unwrap();

    assert_eq!(world.liveness(king), Liveness::Alive);
}

#[test]
fn commands_wait_inside_a_deletion_that_asks() {
    let mut world = stage();
    let [first, second, king] = [(), (), ()].map(|()| world.spawn(Mob::default()).id());
    let ship = world.spawn(Ship::default()).id();
    world.add_observer(move |going: On<Qdeleting>, mut commands: Commands| {
        if going.entity == first {
            commands.queue(move |world: &mut World| {
                world.get_mut::<Ship>(ship).unwrap().captain = Some(king);
                world.commands().entity(ship).insert(Dog::default());
                let _ = world.qdel(second);
                assert!(
                    !world.entity(ship).contains::<Dog>(),
                    "commands were applied"
                );
            });
        }
    });

    world.qdel(first).unwrap();

    assert!(world.entity(ship).contains::<Dog>());
    assert_eq!(world.liveness(second), Liveness::Deleting);
}

#[test]
fn types_that_only_let_go_are_not_read_before_a_question() {
    let mut world = World::new();
    world.track_references::<Mob>();
    let [goblin, orc] = [(), ()].map(|()| world.spawn_empty().id());
    let mob = world.spawn(Mob::default()).id();
    world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);

    world.qdel(orc).unwrap();

    assert!(!world.entity(goblin).contains::<SignalTarget>());
}

#[test]
fn component_that_panics_when_it_is_read_stops_no_deletion() {
    for (verb, ask) in ASKS {
        let mut world = stage();
        let king = world.spawn_empty().id();
        let guard = world.spawn(Guard::default()).id();
        let ship = world.spawn(Ship::default()).id();
        let goblin = world.spawn_empty().id();
        world.get_mut::<Guard>(guard).unwrap().panics = true;
        world.get_mut::<Ship>(ship).unwrap().captain = Some(king);
        let kings = catch_unwind(AssertUnwindSafe(|| ask(&mut world, king)));

        let goblins = catch_unwind(AssertUnwindSafe(|| ask(&mut world, goblin)));

        // Bevy catches those of commands.
        let _ = (kings, goblins);
        assert_eq!(world.liveness(king), Liveness::Alive, "{verb}");
        assert_eq!(world.liveness(goblin), Liveness::Deleting, "{verb}");
        world.get_mut::<Guard>(guard).unwrap().panics = false;
        world
            .get_mut::<Guard>(guard)
            .unwrap()
            .bypass_change_detection()
            .king = Some(king);
        world.get_mut::<Ship>(ship).unwrap().captain = None;
        assert!(world.qdel(king).is_err(), "{verb}");
    }
}

#[test]
fn one_who_was_read_while_a_sync_could_not_read_it_is_read_before_the_next_question() {
    let mut world = stage();
    let king = world.spawn_empty().id();
    let guard = world.spawn(Guard::default()).id();
    let mut written = world.get_mut::<Guard>(guard).unwrap();
    written.king = Some(king);
    written.panics = true;
    let _ = catch_unwind(AssertUnwindSafe(|| world.sync_references()));
    world
        .get_mut::<Guard>(guard)
        .unwrap()
        .bypass_change_detection()
        .panics = false;

    assert!(world.qdel(king).is_err());
}

#[test]
fn type_with_a_summary_tick_is_read_before_a_question() {
    #[derive(Component, Default, References)]
    #[component(summary_tick)]
    struct Fleet {
        #[references(deny)]
        flagship: Option<Entity>,
    }

    #[derive(Component)]
    struct Other;

    let mut world = World::new();
    world.track_references::<Fleet>();
    let [king, heir] = [(), ()].map(|()| world.spawn_empty().id());
    let fleet = world.spawn(Fleet::default()).id();
    let other = world.spawn((Fleet::default(), Other)).id();
    world.sync_references();

    world.get_mut::<Fleet>(fleet).unwrap().flagship = Some(king);
    assert!(world.qdel(king).is_err());
    world.get_mut::<Fleet>(other).unwrap().flagship = Some(heir);
    assert!(world.qdel(heir).is_err());
    world.entity_mut(other).remove::<Other>();
    world.get_mut::<Fleet>(other).unwrap().flagship = None;
    assert_eq!(world.qdel(heir), Ok(QdelOutcome::Queued));
}

fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<QdelCounts>();
    world
        .track_references::<Ship>()
        .track_references::<Dog>()
        .track_references::<Mob>()
        .track_references::<Guard>();
    world
}

fn captain(world: &World, ship: Entity) -> Option<Entity> {
    world.get::<Ship>(ship).unwrap().captain
}

/// How many were deleted and refused.
fn counts(world: &World) -> (u64, u64) {
    let counts = world.resource::<QdelCounts>();
    (counts.deleted, counts.refused)
}
