//! R3: names that make no sense.
//! R3: moments at which a field names an entity that is deleted.

use super::*;

// R3: names that make no sense.

#[test]
fn names_of_nobody_are_released_by_the_sync() {
    let mut world = stage();
    let dead = spawn(&mut world);
    world.despawn(dead);
    let reserved = world.entity_allocator().alloc();
    let foreign = {
        let mut abroad = World::new();
        let crowd = (0..1_000).map(|_| abroad.spawn_empty().id());
        crowd.last().unwrap()
    };
    let orc = spawn(&mut world);
    let nobody = [dead, reserved, foreign, Entity::PLACEHOLDER];
    let friends = [dead, orc, reserved, foreign, orc, Entity::PLACEHOLDER];
    let mob = world
        .spawn(Mob {
            friends: friends.to_vec(),
            ..Mob::default()
        })
        .id();

    world.sync_references();

    assert_eq!(named(&world, mob), [orc, orc]);
    assert_eq!(lost(&world, mob), [nobody]);
    assert_eq!(links_on(&world, orc), [mob]);
    check(&world);
}

#[test]
fn insert_that_names_nobody_is_released_at_once() {
    let mut world = stage();
    let dead = spawn(&mut world);
    world.despawn(dead);

    let mob = world.spawn(Mob::after(dead)).id();

    assert_eq!(named(&world, mob), []);
}

/// Commands reserve ids before they spawn.
#[test]
fn insert_that_names_a_reserved_id_waits_for_who_is_spawned_with_it() {
    let mut world = stage();
    let reserved = world.entity_allocator().alloc();

    let mob = world.spawn(Mob::after(reserved)).id();
    assert_eq!(named(&world, mob), [reserved]);
    world.spawn_at(reserved, Thing).unwrap();
    world.sync_references();

    assert_eq!(named(&world, mob), [reserved]);
    world.qdel(reserved).unwrap();
    assert_eq!(named(&world, mob), []);
}

#[test]
fn name_of_an_earlier_entity_with_the_same_index_is_not_that_of_the_later() {
    let mut world = stage();
    let mob = spawn_mob(&mut world);
    let early = spawn(&mut world);
    let late = world.despawn_no_free(early).unwrap();
    world.spawn_at(late, Thing).unwrap();
    assert_eq!(early.index(), late.index());
    world.get_mut::<Mob>(mob).unwrap().friends = vec![early, late];

    world.sync_references();

    assert_eq!(named(&world, mob), [late]);
    assert_eq!(links_on(&world, late), [mob]);
    world.qdel(late).unwrap();
    assert_eq!(lost(&world, mob), [[early], [late]]);
    check(&world);
}

#[test]
fn entity_may_name_itself() {
    for (end, delete) in ends() {
        let mut world = stage();
        let mob = spawn_mob(&mut world);
        world.entity_mut(mob).insert(Mob::after(mob));
        write(&mut world, mob, mob);
        world.sync_references();
        assert_eq!(links_on(&world, mob), [mob], "{end}");

        delete(&mut world, mob);
        world.flush_qdel();

        assert_eq!(world.liveness(mob), Liveness::Gone, "{end}");
        assert_eq!(world.signal_footprint().registrations, 0, "{end}");
        check(&world);
    }
}

#[test]
fn resources_and_what_this_crate_holds_may_be_named() {
    let mut world = stage();
    world.init_resource::<QdelCounts>();
    let goblin = spawn(&mut world);
    let resources = [
        world.resource_entity::<Seen>().unwrap(),
        world.resource_entity::<QdelCounts>().unwrap(),
    ];
    let mob = world
        .spawn(Mob {
            friends: vec![resources[0], goblin, resources[1]],
            ..Mob::default()
        })
        .id();

    write(&mut world, mob, goblin);
    world.qdel(goblin).unwrap();
    world.flush_qdel();
    world.sync_references();

    assert_eq!(named(&world, mob), resources);
    let links = resources.map(|resource| links_on(&world, resource));
    assert_eq!(links, [vec![mob], vec![]]);
    check(&world);
}

#[test]
fn resource_is_a_holder_as_any_other() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    world.track_references::<Census>();
    world.insert_resource(Census(vec![goblin]));
    world.resource_mut::<Census>().0.push(orc);

    world.qdel(goblin).unwrap();
    assert_eq!(world.resource::<Census>().0, [orc]);
    world.qdel(orc).unwrap();
    world.flush_qdel();

    assert_eq!(world.resource::<Census>().0, []);
    check(&world);
}

#[test]
fn resource_holder_is_released_by_the_shutdown() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    world.track_references::<Census>();
    world.insert_resource(Census(Vec::new()));
    world.resource_mut::<Census>().0.push(goblin);

    world.shutdown_qdel();

    assert_eq!(world.resource::<Census>().0, []);
    assert_eq!(world.signal_footprint().registrations, 0);
}

// R3: moments at which a field names an entity that is deleted.

#[test]
fn field_that_is_set_to_a_dying_one_at_any_moment_is_released_by_the_flush() {
    let moments: [(&str, Deed); 8] = [
        ("the mark", |world, mob, goblin| {
            world.entity_mut(goblin).observe(
                move |_: On<Insert<Deleting>>, mut mobs: Query<&mut Mob>| {
                    mobs.get_mut(mob).unwrap().target = Some(goblin);
                },
            );
            world.qdel(goblin).unwrap();
        }),
        ("a handler", |world, mob, goblin| {
            on_death(world, goblin, move |world, _| {
                world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);
            });
            world.qdel(goblin).unwrap();
        }),
        ("a handler of fields", |world, mob, goblin| {
            world.register_signal(mob, goblin, Mob::chase).unwrap();
            world.qdel(goblin).unwrap();
        }),
        ("a command of a handler", |world, mob, goblin| {
            on_death(world, goblin, move |world, _| {
                world.commands().entity(mob).insert(Mob::after(goblin));
            });
            world.qdel(goblin).unwrap();
        }),
        ("an observer", |world, mob, goblin| {
            world
                .entity_mut(goblin)
                .observe(move |_: On<Qdeleting>, mut mobs: Query<&mut Mob>| {
                    mobs.get_mut(mob).unwrap().target = Some(goblin);
                });
            world.qdel(goblin).unwrap();
        }),
        ("a Destroy", |world, mob, goblin| {
            world.entity_mut(goblin).insert(Curse(mob));
            world.qdel(goblin).unwrap();
        }),
        ("the time between", |world, mob, goblin| {
            world.qdel(goblin).unwrap();
            write(world, mob, goblin);
        }),
        ("an insert in the time between", |world, mob, goblin| {
            world.qdel(goblin).unwrap();
            world.entity_mut(mob).insert(Mob::after(goblin));
        }),
    ];
    for (moment, delete) in moments {
        for teardown in TEARDOWNS {
            let mut world = stage();
            world.insert_resource(QdelSettings::default().with_teardown(teardown));
            let [goblin, mob] = [spawn(&mut world), spawn_mob(&mut world)];

            delete(&mut world, mob, goblin);
            world.flush_qdel();
            if world.liveness(goblin) == Liveness::Gone && moment.ends_with("between") {
                // It was gone before it was named.
                world.sync_references();
            }

            assert_eq!(world.liveness(goblin), Liveness::Gone, "{moment}");
            assert_eq!(named(&world, mob), [], "{moment}, {teardown:?}");
            check(&world);
        }
    }
}

#[test]
fn field_that_a_handler_of_a_plain_despawn_sets_is_released_by_the_sync() {
    let mut world = stage();
    let [goblin, mob] = [spawn(&mut world), spawn_mob(&mut world)];
    world.register_signal(mob, goblin, Mob::chase).unwrap();

    world.despawn(goblin);
    world.sync_references();

    assert_eq!(named(&world, mob), []);
    check(&world);
}

#[test]
fn field_that_a_handler_moves_from_one_dying_one_to_another_is_released() {
    let mut world = stage();
    let [goblin, orc, mob] = [(); 3].map(|()| spawn(&mut world));
    world.entity_mut(mob).insert(Mob::after(goblin));
    on_death(&mut world, goblin, move |world, _| {
        world.get_mut::<Mob>(mob).unwrap().target = Some(orc);
    });

    world.qdel_batch([goblin, orc]);
    world.flush_qdel();

    assert_eq!(named(&world, mob), []);
    assert_eq!(lost(&world, mob), [[orc]]);
    check(&world);
}

#[test]
fn field_written_during_the_tear_down_is_released_by_the_next_sync() {
    let mut world = stage();
    let [goblin, mob] = [spawn(&mut world), spawn_mob(&mut world)];
    world
        .entity_mut(goblin)
        .observe(move |_: On<Despawn<Thing>>, mut mobs: Query<&mut Mob>| {
            mobs.get_mut(mob).unwrap().target = Some(goblin);
        });
    world.qdel(goblin).unwrap();

    world.flush_qdel();
    world.sync_references();

    assert_eq!(named(&world, mob), []);
    check(&world);
}

#[test]
fn field_that_a_waiting_command_writes_is_released_by_the_flush() {
    let mut world = stage();
    let [goblin, mob] = [spawn(&mut world), spawn_mob(&mut world)];
    world.qdel(goblin).unwrap();
    world
        .commands()
        .queue(move |world: &mut World| write(world, mob, goblin));

    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(named(&world, mob), []);
}

#[test]
fn field_that_a_waiting_command_writes_is_released_by_the_sync() {
    let mut world = stage();
    let [goblin, mob] = [spawn(&mut world), spawn_mob(&mut world)];
    world.despawn(goblin);
    world
        .commands()
        .queue(move |world: &mut World| write(world, mob, goblin));

    world.sync_references();

    assert_eq!(named(&world, mob), []);
}
