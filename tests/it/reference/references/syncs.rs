//! R3: what is read, and when.
//! R3: syncs at unusual moments.

use super::*;
use qdel::SignalTarget;

// R3: what is read, and when.

#[test]
fn frame_without_deletions_reads_nothing() {
    let mut world = stage();
    let (mob, visits) = spawn_counted(&mut world);
    let goblin = spawn(&mut world);
    world.sync_references();
    visits.store(0, Ordering::Relaxed);

    for _ in 0..10 {
        world.get_mut::<Counted>(mob).unwrap().target = Some(goblin);
        world.flush_qdel();
        world.drain_qdel();
    }

    assert_eq!(visits.load(Ordering::Relaxed), 0);
}

#[test]
fn flush_with_deletions_reads_changed_components_only() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let (_, idle) = spawn_counted(&mut world);
    let (busy_mob, busy) = spawn_counted(&mut world);
    world.sync_references();
    for visits in [&idle, &busy] {
        visits.store(0, Ordering::Relaxed);
    }

    world.get_mut::<Counted>(busy_mob).unwrap().target = None;
    for _ in 0..3 {
        let dying = spawn(&mut world);
        world.qdel(dying).unwrap();
        world.flush_qdel();
    }

    assert_eq!(idle.load(Ordering::Relaxed), 0);
    assert_eq!(busy.load(Ordering::Relaxed), 1);
    world.get_mut::<Counted>(busy_mob).unwrap().target = Some(goblin);
    world.sync_references();
    assert_eq!(links_of::<Counted>(&world, goblin), [busy_mob]);
}

#[test]
fn deletion_reads_who_names_the_target_and_nobody_else() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let (mob, mine) = spawn_counted(&mut world);
    let (other, others) = spawn_counted(&mut world);
    world.get_mut::<Counted>(mob).unwrap().target = Some(goblin);
    world.get_mut::<Counted>(other).unwrap().target = Some(orc);
    world.sync_references();
    for visits in [&mine, &others] {
        visits.store(0, Ordering::Relaxed);
    }

    world.qdel(goblin).unwrap();

    assert_eq!(others.load(Ordering::Relaxed), 0);
    assert!(mine.load(Ordering::Relaxed) > 0);
    assert_eq!(world.get::<Counted>(mob).unwrap().target, None);
}

#[test]
fn qdel_by_itself_does_not_sync() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let (mob, visits) = spawn_counted(&mut world);
    world.sync_references();
    world.get_mut::<Counted>(mob).unwrap().target = Some(orc);
    visits.store(0, Ordering::Relaxed);

    for entity in [goblin, orc] {
        world.qdel(entity).unwrap();
    }

    assert_eq!(visits.load(Ordering::Relaxed), 0);
}

/// More than are compared in one go, and no multiple of that.
const MOBS_OF_A_TABLE: usize = 50;

#[test]
fn written_component_is_found_wherever_it_stands_in_its_table() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mobs = [(); MOBS_OF_A_TABLE].map(|()| spawn_mob(&mut world));
    world.sync_references();

    for mob in mobs {
        write(&mut world, mob, goblin);
        world.sync_references();

        assert_eq!(links_of::<Mob>(&world, goblin), [mob]);
        world.get_mut::<Mob>(mob).unwrap().target = None;
    }
}

#[test]
fn several_written_components_of_a_table_are_found_in_order() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mobs = [(); MOBS_OF_A_TABLE].map(|()| spawn_mob(&mut world));
    world.sync_references();
    let written: Vec<_> = mobs.into_iter().step_by(3).collect();

    for mob in &written {
        write(&mut world, *mob, goblin);
    }
    world.sync_references();

    assert_eq!(links_of::<Mob>(&world, goblin), written);
}

#[test]
fn written_components_are_linked_in_order_whatever_they_name() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    world.entity_mut(goblin).insert(SignalTarget);
    let fresh = spawn(&mut world);
    let mobs = [(); 4].map(|()| spawn_mob(&mut world));
    world.sync_references();
    world.despawn(orc);

    for mob in mobs {
        write(&mut world, mob, goblin);
    }
    for (mob, friend) in [(mobs[1], orc), (mobs[2], fresh)] {
        world.get_mut::<Mob>(mob).unwrap().friends = vec![friend];
    }
    world.sync_references();

    assert_eq!(links_of::<Mob>(&world, goblin), mobs);
    assert_eq!(world.get::<Mob>(mobs[1]).unwrap().friends, []);
    assert_eq!(links_of::<Mob>(&world, fresh), [mobs[2]]);
}

#[test]
fn whoever_goes_while_another_target_is_marked_is_released_by_the_same_sync() {
    #[derive(Resource)]
    struct Victim(Entity);
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    world.entity_mut(goblin).insert(SignalTarget);
    let mobs = [(); 3].map(|()| spawn_mob(&mut world));
    world.sync_references();
    world.insert_resource(Victim(goblin));
    world.add_observer(
        |_: On<Add<SignalTarget>>, victim: Res<Victim>, mut commands: Commands| {
            commands.entity(victim.0).try_despawn();
        },
    );

    for (mob, target) in mobs.into_iter().zip([goblin, orc, goblin]) {
        write(&mut world, mob, target);
    }
    world.sync_references();

    let targets = mobs.map(|mob| world.get::<Mob>(mob).unwrap().target);
    assert_eq!(targets, [None, Some(orc), None]);
    check(&world);
}

#[test]
fn links_of_a_long_list_follow_it() {
    let mut world = stage();
    let crowd = [(); MOBS_OF_A_TABLE].map(|()| spawn(&mut world));
    let mob = spawn_mob(&mut world);
    world.get_mut::<Mob>(mob).unwrap().friends = crowd[..30].to_vec();
    world.sync_references();

    let twice = [&crowd[10..], &crowd[20..40]].concat();
    world.get_mut::<Mob>(mob).unwrap().friends = twice;
    world.sync_references();

    let (left, named) = crowd.split_at(10);
    for friend in left {
        assert_eq!(links_of::<Mob>(&world, *friend), []);
    }
    for friend in named {
        assert_eq!(links_of::<Mob>(&world, *friend), [mob]);
    }
    check(&world);
}

#[test]
fn tick_of_a_table_is_new_exactly_where_it_is_for_bevy() {
    for age in AGES {
        let (is_found, is_new) = find_written(age, Mob::default(), |mob, target| {
            mob.target = Some(target);
        });

        assert_eq!(is_found, is_new, "{age} ticks ago");
    }
}

#[test]
fn tick_of_a_sparse_set_is_new_exactly_where_it_is_for_bevy() {
    for age in AGES {
        let (is_found, is_new) = find_written(age, Mood::Calm, |mood, target| {
            *mood = Mood::Angry { at: Some(target) };
        });

        assert_eq!(is_found, is_new, "{age} ticks ago");
    }
}

/// How long ago a component was written. The last sync is three ticks ago. The last one is still to
/// come: ticks begin anew after the last, so nothing else tells it from one that is very old.
const AGES: [u32; 9] = [
    0,
    1,
    2,
    3,
    4,
    MAX_CHANGE_AGE - 1,
    MAX_CHANGE_AGE,
    MAX_CHANGE_AGE + 1,
    u32::MAX,
];

/// Changes a component at a tick of that `age`, and tells whether the next sync finds that, and
/// whether the tick is new for Bevy.
fn find_written<C: Component<Mutability = Mutable> + References>(
    age: u32,
    component: C,
    change: impl FnOnce(&mut C, Entity),
) -> (bool, bool) {
    let mut world = World::new();
    world.track_references::<C>();
    let goblin = spawn(&mut world);
    let mob = world.spawn(component).id();
    let synced = world.read_change_tick();
    world.sync_references();
    while world.read_change_tick().get() < synced.get() + 3 {
        world.increment_change_tick();
    }
    let now = world.read_change_tick();
    let tick = Tick::new(now.get().wrapping_sub(age));

    let mut written = world.get_mut::<C>(mob).unwrap();
    change(written.bypass_change_detection(), goblin);
    written.set_last_changed(tick);
    world.sync_references();

    let is_found = !links_of::<C>(&world, goblin).is_empty();
    (is_found, tick.is_newer_than(synced, now))
}

#[test]
fn released_component_is_marked_changed() {
    #[derive(Resource, Default)]
    struct Changes(Vec<Entity>);
    let mut world = stage();
    world.init_resource::<Changes>();
    let note = |mobs: Query<Entity, Changed<Mob>>, mut changes: ResMut<Changes>| {
        changes.0 = mobs.iter().collect();
    };
    let goblin = spawn(&mut world);
    let mob = world.spawn(Mob::after(goblin)).id();
    let other = spawn_mob(&mut world);
    let note = world.register_system(note);
    world.run_system(note).unwrap();
    assert_eq!(world.resource::<Changes>().0, [mob, other]);

    world.qdel(goblin).unwrap();
    world.run_system(note).unwrap();

    assert_eq!(world.resource::<Changes>().0, [mob]);
}

// R3: syncs at unusual moments.

#[test]
fn sync_in_a_command_of_a_handler_is_done_at_once() {
    let mut world = stage();
    let [goblin, orc, mob] = [spawn(&mut world), spawn(&mut world), spawn_mob(&mut world)];
    write(&mut world, mob, orc);
    world.despawn(orc);
    on_death(&mut world, goblin, move |world, _| {
        world.commands().queue(move |world: &mut World| {
            world.sync_references();
            let names = named(world, mob);
            world.resource_mut::<Seen>().0.push(names);
        });
    });

    world.qdel(goblin).unwrap();

    assert_eq!(world.resource::<Seen>().0, [[]]);
    assert_eq!(lost(&world, mob), [[orc]]);
    check(&world);
}

#[test]
fn sync_in_the_middle_of_a_tear_down_does_no_harm() {
    let mut world = stage();
    let crowd = [(); 5].map(|()| spawn(&mut world));
    let mobs = crowd.map(|target| {
        let mob = spawn_mob(&mut world);
        write(&mut world, mob, target);
        mob
    });
    world.add_observer(move |_: On<Despawn<Thing>>, mut commands: Commands| {
        commands.queue(WorldReferencesExt::sync_references);
    });
    world.qdel_batch(crowd);

    assert_eq!(world.flush_qdel(), 5);

    assert_eq!(
        mobs.map(|mob| lost(&world, mob)),
        crowd.map(|target| [[target]])
    );
    check(&world);
}

#[test]
fn sync_without_anything_tracked_does_nothing() {
    let mut world = World::new();

    world.sync_references();

    assert!(world.get_resource::<QdelCounts>().is_none());
}

#[test]
fn tracking_may_begin_in_the_middle_of_a_deletion() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    world.insert_resource(Census(vec![goblin]));
    on_death(&mut world, goblin, |world, _| {
        world.commands().queue(|world: &mut World| {
            world.track_references::<Census>();
        });
    });

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.resource::<Census>().0, []);
    check(&world);
}

// The stage.

/// Spawns an entity that counts how often it is read.
fn spawn_counted(world: &mut World) -> (Entity, Arc<AtomicUsize>) {
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Counted {
        target: None,
        visits: Arc::clone(&visits),
    };
    (world.spawn(counted).id(), visits)
}
