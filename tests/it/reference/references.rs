//! Declared references: setting the field is the registration, and whatever is set never dangles.
//!
//! Rules R3, R4 and R7 of the design. What a policy does beyond emptying a field is the subject of `policies.rs`, and
//! everything at once that of `promise.rs`.

use core::any::type_name;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bevy_ecs::{
    change_detection::{MAX_CHANGE_AGE, Tick},
    component::Mutable,
    entity_disabling::Disabled,
    lifecycle::Discard,
    prelude::*,
    world::DeferredWorld,
};
use qdel::{
    Deleting, Lost, Policy, QdelCounts, ReferenceVisitor, References, RegisterError, Registered,
    Remains, TEARDOWN_BATCH, WorkClock, prelude::*,
};

// R3: setting the field is the registration.

/// What is done to a mob and a target.
type Deed = fn(&mut World, Entity, Entity);

/// What is done to one entity.
type End = fn(&mut World, Entity);

/// Ways to have a mob, which has no field set, name a target, and that are noticed at once.
const NOTICED_AT_ONCE: [(&str, Deed); 7] = [
    ("insert", |world, mob, target| {
        world.entity_mut(mob).insert(Mob::after(target));
    }),
    ("remove and insert", |world, mob, target| {
        world.entity_mut(mob).remove::<Mob>();
        world.entity_mut(mob).insert(Mob::after(target));
    }),
    ("command", |world, mob, target| {
        world.commands().entity(mob).insert(Mob::after(target));
        world.flush();
    }),
    ("batch", |world, mob, target| {
        world.insert_batch([(mob, Mob::after(target))]);
        // Bevy does not apply commands of hooks here.
        world.flush();
    }),
    ("replace", |world, mob, target| {
        world.entity_mut(mob).insert(Mob::after(mob));
        world.entity_mut(mob).insert(Mob::after(target));
    }),
    ("clone", |world, mob, target| {
        let twin = world.spawn(Mob::after(target)).id();
        world.entity_mut(twin).clone_components::<Mob>(mob);
        world.despawn(twin);
    }),
    ("write and ask for a sync", |world, mob, target| {
        write(world, mob, target);
        world.sync_references();
    }),
];

/// Ways that are noticed by the next sync.
const NOTICED_BY_THE_SYNC: [(&str, Deed); 6] = [
    ("write", write),
    ("write, and write back and again", |world, mob, target| {
        write(world, mob, target);
        world.get_mut::<Mob>(mob).unwrap().target = None;
        write(world, mob, target);
    }),
    ("push", |world, mob, target| {
        world.get_mut::<Mob>(mob).unwrap().friends.push(target);
    }),
    ("replace the value", |world, mob, target| {
        *world.get_mut::<Mob>(mob).unwrap() = Mob::after(target);
    }),
    ("swap", |world, mob, target| {
        let twin = world.spawn(Mob::after(target)).id();
        let [mut mob, mut twin] = world.get_entity_mut([mob, twin]).unwrap();
        let (mob, twin) = (mob.get_mut::<Mob>(), twin.get_mut::<Mob>());
        core::mem::swap(&mut *mob.unwrap(), &mut *twin.unwrap());
    }),
    ("query", |world, mob, target| {
        let mut query = world.query::<&mut Mob>();
        query.get_mut(world, mob).unwrap().target = Some(target);
    }),
];

fn write(world: &mut World, mob: Entity, target: Entity) {
    world.get_mut::<Mob>(mob).unwrap().target = Some(target);
}

/// Ways in which a target goes away.
const ENDS: [(&str, End); 10] = [
    ("qdel", |world, target| {
        world.qdel(target).unwrap();
    }),
    ("forced qdel", |world, target| {
        world.force_qdel(target).unwrap();
    }),
    ("batch", |world, target| {
        world.qdel_batch([target]);
    }),
    ("qdel by command", |world, target| {
        world.commands().entity(target).qdel();
        world.flush();
    }),
    ("timer", |world, target| {
        world.qdel_in(target, Duration::ZERO).unwrap();
        world.advance_qdel_timers(Duration::ZERO);
    }),
    ("owner", |world, target| {
        let owner = world.spawn_empty().add_child(target).id();
        world.qdel(owner).unwrap();
    }),
    ("despawn", |world, target| {
        world.despawn(target);
    }),
    ("despawn by command", |world, target| {
        world.commands().entity(target).despawn();
        world.flush();
    }),
    ("despawn of the owner", |world, target| {
        let owner = world.spawn_empty().add_child(target).id();
        world.despawn(owner);
    }),
    ("despawn in a handler", |world, target| {
        let other = world.spawn_empty().id();
        let despawn = move |world: &mut DeferredWorld| {
            world.commands().entity(target).despawn();
        };
        when_told(world, other, despawn);
        world.qdel(other).unwrap();
    }),
];

#[test]
fn reference_that_is_noticed_at_once_is_released_at_once() {
    for (way, set) in NOTICED_AT_ONCE {
        for (end, delete) in ENDS {
            let mut world = stage();
            let [goblin, mob] = [spawn(&mut world), spawn_mob(&mut world)];
            set(&mut world, mob, goblin);

            delete(&mut world, goblin);

            assert_eq!(lost(&world, mob), [[goblin]], "{way}, {end}");
            assert_eq!(named(&world, mob), [], "{way}, {end}");
            check(&world);
        }
    }
}

#[test]
fn written_reference_is_released_by_the_next_sync() {
    for (way, set) in NOTICED_BY_THE_SYNC {
        for (end, delete) in ENDS {
            let mut world = stage();
            let [goblin, mob] = [spawn(&mut world), spawn_mob(&mut world)];
            set(&mut world, mob, goblin);
            delete(&mut world, goblin);
            assert_eq!(named(&world, mob), [goblin], "{way}, {end}");

            world.sync_references();

            assert_eq!(lost(&world, mob), [[goblin]], "{way}, {end}");
            assert_eq!(named(&world, mob), [], "{way}, {end}");
            check(&world);
        }
    }
}

#[test]
fn written_reference_is_released_before_the_tear_down() {
    for (way, set) in NOTICED_BY_THE_SYNC {
        let mut world = stage();
        let [goblin, mob] = [spawn(&mut world), spawn_mob(&mut world)];
        set(&mut world, mob, goblin);
        world.qdel(goblin).unwrap();
        let named_by = move |world: &DeferredWorld| named(world, mob);
        world
            .entity_mut(goblin)
            .observe(move |_: On<Despawn<Thing>>, mut world: DeferredWorld| {
                let names = named_by(&world);
                world.resource_mut::<Seen>().0.push(names);
            });

        world.flush_qdel();

        assert_eq!(world.resource::<Seen>().0, [[]], "{way}");
        assert_eq!(lost(&world, mob), [[goblin]], "{way}");
        check(&world);
    }
}

#[test]
fn reference_that_was_taken_back_is_nobodys_loss() {
    let ends: [(&str, End); 5] = [
        ("write", |world, mob| {
            *world.get_mut::<Mob>(mob).unwrap() = Mob::default();
        }),
        ("overwrite", |world, mob| {
            world.entity_mut(mob).insert(Mob::default());
        }),
        ("remove", |world, mob| {
            world.entity_mut(mob).remove::<Mob>();
        }),
        ("despawn", |world, mob| {
            world.despawn(mob);
        }),
        ("clear", |world, mob| {
            world.entity_mut(mob).clear();
        }),
    ];
    for (way, set) in NOTICED_AT_ONCE.into_iter().chain(NOTICED_BY_THE_SYNC) {
        for (end, take_back) in ends {
            let mut world = stage();
            let [goblin, mob] = [spawn(&mut world), spawn_mob(&mut world)];
            set(&mut world, mob, goblin);
            world.sync_references();
            assert_eq!(links_on(&world, goblin), [mob], "{way}, {end}");

            take_back(&mut world, mob);
            world.sync_references();

            assert_eq!(links_on(&world, goblin), [], "{way}, {end}");
            assert_eq!(world.registrations_of(mob), [], "{way}, {end}");
            world.qdel(goblin).unwrap();
            assert_eq!(all_lost(&mut world), 0, "{way}, {end}");
            check(&world);
        }
    }
}

#[test]
fn clone_loses_what_its_model_loses() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = world.spawn(Mob::after(goblin)).id();
    let twin = world.entity_mut(mob).clone_and_spawn();

    world.qdel(goblin).unwrap();

    assert_eq!([mob, twin].map(|mob| named(&world, mob)), [[], []]);
    assert_eq!(
        [mob, twin].map(|mob| lost(&world, mob)),
        [[[goblin]], [[goblin]]]
    );
    check(&world);
}

#[test]
fn swapped_components_lose_what_they_name_now() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let [first, second] = [goblin, orc].map(|target| world.spawn(Mob::after(target)).id());
    let [mut one, mut other] = world.get_entity_mut([first, second]).unwrap();
    core::mem::swap(
        &mut *one.get_mut::<Mob>().unwrap(),
        &mut *other.get_mut::<Mob>().unwrap(),
    );

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        [first, second].map(|mob| lost(&world, mob)),
        [vec![], vec![vec![goblin]]]
    );
    assert_eq!(named(&world, first), [orc]);
    assert_eq!(links_on(&world, orc), [first]);
    check(&world);
}

#[test]
fn value_that_moves_to_another_entity_is_linked_there() {
    let mut world = stage();
    let [goblin, mob, heir] = [(); 3].map(|()| spawn(&mut world));
    world.entity_mut(mob).insert(Mob::after(goblin));

    let value = world.entity_mut(mob).take::<Mob>().unwrap();
    world.entity_mut(heir).insert(value);

    assert_eq!(links_on(&world, goblin), [heir]);
    world.qdel(goblin).unwrap();
    assert_eq!(lost(&world, heir), [[goblin]]);
    check(&world);
}

#[test]
fn variant_that_is_left_between_syncs_is_nobodys_loss() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let mob = world.spawn(Mood::Angry { at: Some(goblin) }).id();
    let mut mood = world.get_mut::<Mood>(mob).unwrap();
    *mood = Mood::Torn(vec![orc, goblin, orc]);

    world.qdel(orc).unwrap();
    assert_eq!(
        *world.get::<Mood>(mob).unwrap(),
        Mood::Torn(vec![orc, goblin, orc])
    );
    world.sync_references();
    assert_eq!(*world.get::<Mood>(mob).unwrap(), Mood::Torn(vec![goblin]));
    *world.get_mut::<Mood>(mob).unwrap() = Mood::Calm;
    world.sync_references();

    assert_eq!(links_on(&world, goblin), []);
    world.qdel(goblin).unwrap();
    assert_eq!(*world.get::<Mood>(mob).unwrap(), Mood::Calm);
    check(&world);
}

#[test]
fn variant_that_is_entered_again_between_syncs_is_linked() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = world.spawn(Mood::Angry { at: Some(goblin) }).id();

    for mood in [Mood::Calm, Mood::Torn(vec![goblin])] {
        *world.get_mut::<Mood>(mob).unwrap() = mood;
    }
    world.sync_references();
    world.qdel(goblin).unwrap();

    assert_eq!(*world.get::<Mood>(mob).unwrap(), Mood::Torn(vec![]));
    check(&world);
}

#[test]
fn immutable_component_is_released_and_told() {
    for (end, delete) in ENDS {
        let mut world = stage();
        let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
        let mob = world.spawn(Oath::to([goblin, orc, goblin])).id();

        delete(&mut world, goblin);

        let oath = world.get::<Oath>(mob).unwrap();
        assert_eq!(oath.lords, [orc], "{end}");
        assert_eq!(oath.mourned, [[goblin]], "{end}");
        assert_eq!(links_on(&world, orc), [mob], "{end}");
        check(&world);
    }
}

#[test]
fn holders_are_released_whatever_they_were_when_tracking_began() {
    let mut world = World::new();
    world.init_resource::<Seen>();
    let [goblin, orc, dead] = [(); 3].map(|()| world.spawn_empty().id());
    world.despawn(dead);
    let seen = world.spawn(Mob::after(goblin)).id();
    let hidden = world.spawn((Mob::after(goblin), Disabled)).id();
    let stale = world.spawn(Mob::after(dead)).id();

    world.track_references::<Mob>();
    world.track_references::<Mob>();
    let later = world.spawn(Mob::after(goblin)).id();

    assert_eq!(lost(&world, stale), [[dead]]);
    assert_eq!(links_on(&world, goblin), [seen, hidden, later]);
    world.entity_mut(later).insert(Mob::after(orc));
    world.qdel(goblin).unwrap();
    let holders = [seen, hidden, later].map(|mob| named(&world, mob));
    assert_eq!(holders, [vec![], vec![], vec![orc]]);
    check(&world);
}

/// What this crate keeps on the target goes with everything else.
#[test]
fn target_that_was_cleared_is_released_all_the_same() {
    for with_sync in [false, true] {
        for (end, delete) in ENDS {
            let mut world = stage();
            let goblin = spawn(&mut world);
            let mob = world.spawn(Mob::after(goblin)).id();
            world.sync_references();
            world.entity_mut(goblin).clear();
            if with_sync {
                world.sync_references();
                assert_eq!(links_on(&world, goblin), [mob], "{end}");
            }

            delete(&mut world, goblin);
            if !with_sync {
                world.sync_references();
            }

            assert_eq!(named(&world, mob), [], "{end}, with sync: {with_sync}");
            check(&world);
        }
    }
}

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
    for (end, delete) in ENDS {
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

// R3: moments at which somebody is named who dies.

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
            when_told(world, goblin, move |world| {
                world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);
            });
            world.qdel(goblin).unwrap();
        }),
        ("a handler of fields", |world, mob, goblin| {
            world.register_signal(mob, goblin, Mob::chase).unwrap();
            world.qdel(goblin).unwrap();
        }),
        ("a command of a handler", |world, mob, goblin| {
            when_told(world, goblin, move |world| {
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
    when_told(&mut world, goblin, move |world| {
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

// R4: what was lost is told.

#[test]
fn on_lost_may_pick_another_dying_one() {
    for teardown in TEARDOWNS {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_teardown(teardown));
        let [goblin, orc, elf] = [(); 3].map(|()| spawn(&mut world));
        let hunter = world.spawn(Hunter::of([goblin, orc, elf])).id();

        world.qdel_batch([goblin, orc]);
        world.flush_qdel();

        let at = world.get::<Hunter>(hunter).unwrap();
        assert_eq!(at.target, Some(elf), "{teardown:?}");
        assert_eq!(at.mourned, [[goblin], [orc]], "{teardown:?}");
        assert_eq!(links_on(&world, elf), [hunter], "{teardown:?}");
        check(&world);
    }
}

/// A mass death, and a mob that always picks another who dies as well.
#[test]
fn on_lost_may_pick_another_dying_one_again_and_again() {
    for teardown in TEARDOWNS {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_teardown(teardown));
        let crowd: Vec<_> = (0..100).map(|_| spawn(&mut world)).collect();
        let hunter = world.spawn(Hunter::of(crowd.clone())).id();

        world.qdel_batch(crowd);
        world.drain_qdel();

        let target = world.get::<Hunter>(hunter).unwrap().target;
        assert_eq!(target, None, "{teardown:?}");
    }
}

#[test]
fn on_lost_may_pick_one_who_is_gone_in_a_sync() {
    let mut world = stage();
    let [goblin, orc, elf] = [(); 3].map(|()| spawn(&mut world));
    let hunter = world.spawn(Hunter::of([goblin, orc, elf])).id();
    world.despawn(orc);
    world.despawn(goblin);

    world.sync_references();

    assert_eq!(world.get::<Hunter>(hunter).unwrap().target, Some(elf));
}

/// All but one of the candidates are gone when the sync begins.
#[test]
fn on_lost_may_pick_those_who_are_gone_again_and_again_in_a_sync() {
    let mut world = stage();
    let crowd: Vec<_> = (0..5).map(|_| spawn(&mut world)).collect();
    let hunter = world.spawn(Hunter::of(crowd.clone())).id();
    for &entity in crowd[..4].iter().rev() {
        world.despawn(entity);
    }

    world.sync_references();

    let target = world.get::<Hunter>(hunter).unwrap().target;
    assert_eq!(target, Some(crowd[4]));
}

/// A game that only despawns plainly never syncs.
#[test]
fn nothing_grows_where_nobody_syncs() {
    #[derive(Component, References)]
    struct Leash(#[references(remove)] Entity);

    let mut world = stage();
    world.track_references::<Leash>();
    let mut bytes = Vec::new();
    for _ in 0..2_000 {
        let goblin = spawn(&mut world);
        let holder = world.spawn(Leash(goblin)).id();
        world.despawn(goblin);
        assert!(!world.entity(holder).contains::<Leash>());
        let orc = spawn(&mut world);
        let holder = world.spawn(Leash(orc)).id();
        world.entity_mut(orc).clear();
        world.despawn(holder);
        world.despawn(orc);
        bytes.push(world.signal_footprint().heap_bytes);
    }

    let (early, late) = bytes.split_at(bytes.len() / 2);
    assert_eq!(late.iter().max(), early.iter().max());
}

#[test]
fn on_lost_is_called_once_with_all_that_was_lost_in_one_deletion() {
    let mut world = stage();
    let [king, crown, goblin, orc] = [(); 4].map(|()| spawn(&mut world));
    world.entity_mut(crown).insert(ChildOf(king));
    let mob = world
        .spawn(Mob {
            target: Some(goblin),
            friends: vec![orc, crown, goblin, king, crown],
            ..Mob::default()
        })
        .id();

    world.qdel_batch([king, goblin]);

    assert_eq!(lost(&world, mob), [[goblin, crown, king]]);
    assert_eq!(named(&world, mob), [orc]);
    world.flush_qdel();
    assert_eq!(lost(&world, mob).len(), 1);
}

#[test]
fn on_lost_sees_who_was_lost_whole_and_its_own_fields_cleared() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = world.spawn(Mob::after(goblin)).id();

    world.qdel(goblin).unwrap();

    let at = world.get::<Mob>(mob).unwrap();
    assert_eq!(at.heard, [(mob, None)]);
    assert_eq!(world.liveness(goblin), Liveness::Deleting);
}

#[test]
fn each_component_of_an_entity_is_told_by_itself() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let both = (
        Mob::after(goblin),
        Oath::to([goblin]),
        Mood::Torn(vec![goblin]),
    );
    let mob = world.spawn(both).id();

    world.qdel(goblin).unwrap();

    assert_eq!(lost(&world, mob), [[goblin]]);
    assert_eq!(world.get::<Oath>(mob).unwrap().mourned, [[goblin]]);
    assert_eq!(*world.get::<Mood>(mob).unwrap(), Mood::Torn(vec![]));
}

#[test]
fn each_of_many_who_are_lost_is_told_once_and_in_order() {
    let mut world = stage();
    let goblins: Vec<Entity> = (0..100).map(|_| spawn(&mut world)).collect();
    let backwards: Vec<Entity> = goblins.iter().rev().copied().collect();
    let twice = [&*backwards, &*goblins].concat();
    let friends = Mob {
        friends: twice.clone(),
        ..Mob::default()
    };
    let mob = world.spawn((friends, Oath::to(twice))).id();

    world.qdel_batch(goblins);

    assert_eq!(named(&world, mob), []);
    assert_eq!(lost(&world, mob), [&*backwards]);
    assert_eq!(world.get::<Oath>(mob).unwrap().mourned, [&*backwards]);
}

#[test]
fn on_lost_that_panics_keeps_nobody_from_letting_go() {
    for (end, delete) in ENDS {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let holders = [(); 3].map(|()| {
            let both = (Mob::after(goblin), Coward(Some(goblin)));
            world.spawn(both).id()
        });

        let outcome = catch_unwind(AssertUnwindSafe(|| delete(&mut world, goblin)));

        let said = outcome.unwrap_err();
        assert_eq!(said.downcast_ref::<&str>(), Some(&"boom"), "{end}");
        for holder in holders {
            assert_eq!(named(&world, holder), [], "{end}");
            assert_eq!(world.get::<Coward>(holder).unwrap().0, None, "{end}");
        }
        check(&world);
    }
}

#[test]
fn component_that_panics_when_it_is_read_keeps_nobody_else_from_letting_go() {
    for (end, delete) in ENDS {
        let mut world = stage();
        world.track_references::<Smudged>();
        let goblin = spawn(&mut world);
        let holders = [(); 3].map(|()| {
            let smudged = Smudged {
                target: Some(goblin),
                is_legible: true,
            };
            world.spawn((smudged, Mob::after(goblin))).id()
        });
        world.sync_references();
        for holder in holders {
            Smudged::set_legible(&mut world, holder, false);
        }

        let outcome = catch_unwind(AssertUnwindSafe(|| delete(&mut world, goblin)));

        let said = outcome.unwrap_err();
        assert_eq!(said.downcast_ref::<&str>(), Some(&"illegible"), "{end}");
        for holder in holders {
            assert_eq!(named(&world, holder), [], "{end}");
        }
        check(&world);
    }
}

#[test]
fn component_that_panicked_when_it_was_read_lets_go_when_it_can_be() {
    for (end, delete) in ENDS {
        let mut world = stage();
        world.track_references::<Smudged>();
        let goblin = spawn(&mut world);
        let smudged = Smudged {
            target: Some(goblin),
            is_legible: true,
        };
        let holder = world.spawn(smudged).id();
        world.sync_references();
        Smudged::set_legible(&mut world, holder, false);
        let outcome = catch_unwind(AssertUnwindSafe(|| delete(&mut world, goblin)));
        assert!(outcome.is_err(), "{end}");
        let in_vain = catch_unwind(AssertUnwindSafe(|| world.sync_references()));
        assert!(in_vain.is_err(), "{end}");

        Smudged::set_legible(&mut world, holder, true);
        world.flush();
        world.sync_references();

        let smudged = world.get::<Smudged>(holder).unwrap();
        assert_eq!(smudged.target, None, "{end}");
        check(&world);
    }
}

/// Each value that it writes is a new component, which has lost somebody as well.
#[test]
fn immutable_component_that_writes_back_what_it_lost_ends_empty_regression() {
    for (end, delete) in ENDS {
        let mut world = stage();
        world.track_references::<Stubborn>();
        let goblin = spawn(&mut world);
        let holder = world.spawn(Stubborn::for_ever(goblin)).id();

        delete(&mut world, goblin);
        world.flush_qdel();

        let stubborn = world.get::<Stubborn>(holder).unwrap();
        assert_eq!(stubborn.target, None, "{end}");
        assert!(stubborn.tries <= 20, "{end}: {}", stubborn.tries);
        check(&world);
    }
}

/// An immutable component is released by a command, and Bevy drops the commands behind one that panics.
#[test]
fn immutable_component_lets_go_by_the_next_sync_though_another_one_panics() {
    for (end, delete) in ENDS {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let holders = [(); 3].map(|()| {
            let both = (Coward(Some(goblin)), Oath::to([goblin]));
            world.spawn(both).id()
        });
        world.sync_references();

        let outcome = catch_unwind(AssertUnwindSafe(|| delete(&mut world, goblin)));
        world.sync_references();

        assert!(outcome.is_err(), "{end}");
        for holder in holders {
            assert_eq!(world.get::<Oath>(holder).unwrap().lords, [], "{end}");
        }
        check(&world);
    }
}

#[test]
fn immutable_components_let_go_though_one_of_them_panics() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let holders = [(); 3].map(|()| world.spawn(ImmutableCoward(Some(goblin))).id());

    let outcome = catch_unwind(AssertUnwindSafe(|| world.qdel(goblin)));

    assert!(outcome.is_err());
    for holder in holders {
        assert_eq!(world.get::<ImmutableCoward>(holder).unwrap().0, None);
    }
    check(&world);
}

// R3 with Q6: those who live on, and those who are left alone.

#[test]
fn reference_to_one_who_is_kept_stays() {
    let mut world = stage();
    let phoenix = spawn_phoenix(&mut world);
    let mob = world.spawn(Mob::after(phoenix)).id();

    assert_eq!(world.qdel(phoenix), Ok(Qdel::Kept));
    world.sync_references();

    assert_eq!(named(&world, mob), [phoenix]);
    assert_eq!(lost(&world, mob).len(), 0);
    assert_eq!(links_on(&world, phoenix), [mob]);
    world.force_qdel(phoenix).unwrap();
    assert_eq!(named(&world, mob), []);
    check(&world);
}

/// The despawn let go of everybody before it panicked, and the deletion then keeps its entity.
#[test]
fn links_to_one_who_outlives_a_despawn_leave_nothing_behind_regression() {
    let mut world = stage();
    let phoenix = spawn_phoenix(&mut world);
    world
        .entity_mut(phoenix)
        .observe(|_: On<Discard<Will>>| panic!("not yet"));
    when_told(&mut world, phoenix, move |world| {
        world.commands().entity(phoenix).despawn();
    });
    let mob = world.spawn(Mob::after(phoenix)).id();
    let outcome = catch_unwind(AssertUnwindSafe(|| world.qdel(phoenix)));
    assert!(outcome.is_err());
    assert_eq!(world.liveness(phoenix), Liveness::Alive);
    assert_eq!(lost(&world, mob), [[phoenix]]);
    let before = world.signal_footprint();

    for _ in 0..1_000 {
        write(&mut world, mob, phoenix);
        world.sync_references();
        world.get_mut::<Mob>(mob).unwrap().target = None;
        world.sync_references();
    }

    assert_eq!(world.signal_footprint(), before);
    check(&world);
}

#[test]
fn reference_to_one_who_is_left_alone_is_released() {
    let mut world = stage();
    let corpse = world.spawn(Will(Hint::IWillHandleIt)).id();
    let mob = world.spawn(Mob::after(corpse)).id();
    let late = spawn_mob(&mut world);

    world.qdel(corpse).unwrap();
    assert_eq!(lost(&world, mob), [[corpse]]);
    write(&mut world, late, corpse);
    world.sync_references();

    assert_eq!(world.liveness(corpse), Liveness::Deleting);
    assert_eq!(lost(&world, late), [[corpse]]);
    assert_eq!(named(&world, late), []);
    check(&world);
}

#[test]
fn field_written_to_one_who_is_kept_meanwhile_stays_and_is_known() {
    let mut world = stage();
    let [phoenix, mob] = [spawn_phoenix(&mut world), spawn_mob(&mut world)];
    when_told(&mut world, phoenix, move |world| {
        world.commands().entity(mob).insert(Mob::after(phoenix));
    });

    world.qdel(phoenix).unwrap();
    world.sync_references();

    assert_eq!(named(&world, mob), [phoenix]);
    assert_eq!(links_on(&world, phoenix), [mob]);
}

/// Nobody knows yet whether it lives on when the sync comes.
#[test]
fn reference_to_one_who_is_kept_stays_though_a_sync_comes_meanwhile() {
    let mut world = stage();
    let [phoenix, mob] = [spawn_phoenix(&mut world), spawn_mob(&mut world)];
    write(&mut world, mob, phoenix);
    when_told(&mut world, phoenix, move |world| {
        world.commands().queue(WorldReferencesExt::sync_references);
    });

    assert_eq!(world.qdel(phoenix), Ok(Qdel::Kept));

    assert_eq!(named(&world, mob), [phoenix]);
    world.sync_references();
    assert_eq!(links_on(&world, phoenix), [mob]);
}

#[test]
fn reference_to_one_who_is_kept_stays_though_another_one_is_despawned_meanwhile() {
    let mut world = stage();
    let [phoenix, goblin] = [spawn_phoenix(&mut world), spawn(&mut world)];
    let mob = world
        .spawn(Mob {
            friends: vec![phoenix, goblin],
            ..Mob::default()
        })
        .id();
    when_told(&mut world, phoenix, move |world| {
        world.commands().entity(goblin).despawn();
    });

    assert_eq!(world.qdel(phoenix), Ok(Qdel::Kept));

    assert_eq!(named(&world, mob), [phoenix]);
    assert_eq!(lost(&world, mob), [[goblin]]);
}

#[test]
fn reference_to_one_who_is_kept_stays_though_another_deletion_ends_before() {
    let mut world = stage();
    let [phoenix, goblin] = [spawn_phoenix(&mut world), spawn(&mut world)];
    let mob = world
        .spawn(Mob {
            friends: vec![phoenix, goblin],
            ..Mob::default()
        })
        .id();
    when_told(&mut world, goblin, move |world| {
        world.queue_qdel(phoenix);
    });

    world.qdel(goblin).unwrap();

    assert_eq!(world.liveness(phoenix), Liveness::Alive);
    assert_eq!(named(&world, mob), [phoenix]);
    assert_eq!(lost(&world, mob), [[goblin]]);
}

/// To link to somebody for the first time takes a command, which looks at the others as well.
#[test]
fn reference_to_one_who_is_kept_stays_though_it_is_inserted_with_another_meanwhile() {
    let mut world = stage();
    let [phoenix, orc, mob] = [
        spawn_phoenix(&mut world),
        spawn(&mut world),
        spawn(&mut world),
    ];
    when_told(&mut world, phoenix, move |world| {
        world.commands().entity(mob).insert(Mob {
            friends: vec![phoenix, orc],
            ..Mob::default()
        });
    });

    assert_eq!(world.qdel(phoenix), Ok(Qdel::Kept));

    assert_eq!(named(&world, mob), [phoenix, orc]);
}

/// Whoever may live on is linked to meanwhile, but it is being deleted all the same.
#[test]
fn link_to_one_who_is_deleting_does_not_open_it_to_registrations() {
    #[derive(Resource)]
    struct Answer(Result<Registered, RegisterError>);
    for is_listened_to in [false, true] {
        let mut world = stage();
        let [goblin, orc, other] = [(); 3].map(|()| spawn(&mut world));
        let mob = spawn_mob(&mut world);
        world.register_signal(mob, orc, Mob::count).unwrap();
        if is_listened_to {
            let ear = spawn_mob(&mut world);
            world.register_signal(ear, goblin, Mob::count).unwrap();
        }
        when_told(&mut world, other, move |world| {
            world.commands().queue(move |world: &mut World| {
                write(world, mob, goblin);
                world.sync_references();
                let answer = world.register_signal(mob, goblin, Mob::count);
                world.insert_resource(Answer(answer));
            });
        });

        world.qdel_batch([goblin, other]);

        let answer = world.resource::<Answer>().0;
        assert!(
            matches!(answer, Err(RegisterError::TargetDeleting(_))),
            "{answer:?}, listened to: {is_listened_to}"
        );
        check(&world);
    }
}

// R3: holders that are being deleted.

#[test]
fn deleting_holder_lets_go_and_hears_nothing() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = world.spawn(Mob::after(goblin)).id();
    world.qdel(mob).unwrap();

    world.qdel(goblin).unwrap();

    assert_eq!(named(&world, mob), []);
    assert_eq!(lost(&world, mob).len(), 0);
    world.flush_qdel();
    check(&world);
}

#[test]
fn kept_holder_hears_what_was_lost_in_the_same_deletion() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = world
        .spawn((Mob::after(goblin), Will(Hint::LetMeLive)))
        .id();

    world.qdel_batch([mob, goblin]);

    assert_eq!(world.liveness(mob), Liveness::Alive);
    assert_eq!(named(&world, mob), []);
    assert_eq!(lost(&world, mob), [[goblin]]);
    check(&world);
}

#[test]
fn kept_holder_hears_what_was_lost_while_it_was_deleting() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = world
        .spawn((Mob::after(goblin), Will(Hint::LetMeLive)))
        .id();
    when_told(&mut world, goblin, move |world| world.queue_qdel(mob));

    world.qdel(goblin).unwrap();

    assert_eq!(world.liveness(mob), Liveness::Alive);
    assert_eq!(named(&world, mob), []);
    assert_eq!(lost(&world, mob), [[goblin]]);
}

#[test]
fn field_that_a_kept_holder_wrote_while_it_was_deleting_is_released() {
    for with_sync in [false, true] {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let mob = world.spawn((Mob::default(), Will(Hint::LetMeLive))).id();
        when_told(&mut world, mob, move |world| {
            world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);
            if with_sync {
                world.commands().queue(WorldReferencesExt::sync_references);
            }
        });
        assert_eq!(world.qdel(mob), Ok(Qdel::Kept));
        assert_eq!(named(&world, mob), [goblin]);

        world.qdel(goblin).unwrap();
        world.flush_qdel();

        assert_eq!(world.liveness(goblin), Liveness::Gone);
        assert_eq!(named(&world, mob), [], "with sync: {with_sync}");
    }
}

#[test]
fn hidden_holder_is_released() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let mob = world.spawn((Mob::after(goblin), Disabled)).id();
    world.get_mut::<Mob>(mob).unwrap().friends.push(orc);

    world.qdel_batch([goblin, orc]);
    world.flush_qdel();

    assert_eq!(named(&world, mob), []);
    assert_eq!(lost(&world, mob), [[goblin, orc]]);
}

// R7: several fields that name one target are one link.

#[test]
fn several_names_of_one_target_are_one_link() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = world
        .spawn(Mob {
            target: Some(goblin),
            friends: vec![goblin; 20],
            ..Mob::default()
        })
        .id();

    assert_eq!(world.registrations_on(goblin).len(), 1);
    assert_eq!(
        world.registrations_on(goblin),
        world.registrations_of(mob),
        "both ends say the same"
    );
    world.get_mut::<Mob>(mob).unwrap().friends.truncate(3);
    world.sync_references();
    assert_eq!(world.registrations_on(goblin).len(), 1);
    world.get_mut::<Mob>(mob).unwrap().target = None;
    world.sync_references();
    assert_eq!(world.registrations_on(goblin).len(), 1);
    world.get_mut::<Mob>(mob).unwrap().friends.clear();
    world.sync_references();
    assert_eq!(world.registrations_on(goblin), []);
    check(&world);
}

#[test]
fn components_of_one_entity_have_a_link_each() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let both = (Mob::after(goblin), Mood::Torn(vec![goblin, goblin]));
    let mob = world.spawn(both).id();

    let names = world
        .registrations_on(goblin)
        .iter()
        .map(|at| (at.listener, at.component))
        .collect::<Vec<_>>();

    assert_eq!(
        names,
        [(mob, type_name::<Mob>()), (mob, type_name::<Mood>())]
    );
    world.entity_mut(mob).remove::<Mob>();
    assert_eq!(links_of::<Mob>(&world, goblin), []);
    assert_eq!(links_of::<Mood>(&world, goblin), [mob]);
    check(&world);
}

#[test]
fn link_stands_beside_a_registration_of_the_same_component_on_the_same_target() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let mob = world.spawn(Mob::after(goblin)).id();

    world.register_signal(mob, goblin, Mob::count).unwrap();
    let again = world.register_signal(mob, goblin, Mob::count);
    assert!(again.is_err());
    assert_eq!(world.registrations_on(goblin).len(), 2);
    write(&mut world, mob, orc);
    world.sync_references();

    let [only] = world.registrations_on(goblin).try_into().unwrap();
    assert_eq!(only.signal, type_name::<Qdeleting>());
    assert_eq!(links_on(&world, orc), [mob]);
    write(&mut world, mob, goblin);
    world.sync_references();
    world
        .unregister_signal::<Mob, Qdeleting>(mob, goblin)
        .unwrap();
    assert_eq!(links_on(&world, goblin), [mob]);
    check(&world);
}

#[test]
fn listener_is_told_before_its_field_is_cleared_and_both_once() {
    for (end, delete) in ENDS {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let mob = world.spawn(Mob::after(goblin)).id();
        world.register_signal(mob, goblin, Mob::count).unwrap();

        delete(&mut world, goblin);

        let at = world.get::<Mob>(mob).unwrap();
        assert_eq!(at.told, [Some(goblin)], "{end}");
        assert_eq!(at.mourned, [[goblin]], "{end}");
        check(&world);
    }
}

#[test]
fn links_are_mirror_images_whatever_was_written() {
    let mut world = stage();
    let crowd: Vec<_> = (0..40).map(|_| spawn_mob(&mut world)).collect();
    let mut dice = 1usize;
    let mut roll = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (dice >> 33) % crowd.len()
    };
    for _ in 0..300 {
        let mob = crowd[roll()];
        let friends = (0..roll()).map(|_| crowd[roll()]).collect::<Vec<_>>();
        let target = Some(crowd[roll()]);
        let mut at = world.get_mut::<Mob>(mob).unwrap();
        at.target = target;
        at.friends = friends;
        if roll() % 4 == 0 {
            world.sync_references();
        }
    }

    world.sync_references();

    for &target in &crowd {
        let mut expected: Vec<_> = crowd
            .iter()
            .copied()
            .filter(|mob| named(&world, *mob).contains(&target))
            .collect();
        let mut links = links_on(&world, target);
        links.sort_unstable();
        expected.sort_unstable();
        assert_eq!(links, expected);
    }
    check(&world);
}

// R3: nothing grows with churn.

#[test]
fn ten_thousand_retargets_leave_nothing_behind() {
    let mut world = stage();
    let [goblin, orc, mob, other] = [(); 4].map(|()| spawn(&mut world));
    world.entity_mut(mob).insert(Mob::after(goblin));
    world.entity_mut(other).insert(Mob::after(goblin));
    for target in [orc, goblin] {
        world.entity_mut(mob).insert(Mob::after(target));
        write(&mut world, mob, target);
        world.sync_references();
    }
    let before = world.signal_footprint();

    for round in 0..10_000 {
        let target = [orc, goblin][round % 2];
        if round % 3 == 0 {
            world.entity_mut(mob).insert(Mob::after(target));
        } else {
            world.get_mut::<Mob>(mob).unwrap().target = Some(target);
            world.sync_references();
        }
    }

    assert_eq!(world.signal_footprint(), before);
    check(&world);
}

#[test]
fn ten_thousand_targets_leave_nothing_behind() {
    let mut world = stage();
    let mob = spawn_mob(&mut world);
    let deaths = |world: &mut World, rounds: usize| {
        for round in 0..rounds {
            let target = spawn(world);
            write(world, mob, target);
            match round % 4 {
                0 => {
                    world.sync_references();
                    world.despawn(target);
                }
                1 => {
                    world.qdel(target).unwrap();
                    world.flush_qdel();
                }
                2 => {
                    world.sync_references();
                    world.qdel(target).unwrap();
                    world.flush_qdel();
                }
                _ => {
                    world.despawn(target);
                    world.sync_references();
                }
            }
            world.get_mut::<Mob>(mob).unwrap().mourned.clear();
        }
    };
    deaths(&mut world, 8);
    let before = world.signal_footprint();

    deaths(&mut world, 10_000);

    assert_eq!(world.signal_footprint(), before);
    assert_eq!(before.registrations, 0);
    check(&world);
}

#[test]
fn ten_thousand_targets_at_once_leave_nothing_behind() {
    let mut world = stage();
    let mob = spawn_mob(&mut world);
    let live_and_die = |world: &mut World| {
        let crowd: Vec<_> = (0..10_000).map(|_| spawn(world)).collect();
        world.get_mut::<Mob>(mob).unwrap().friends = crowd.clone();
        world.sync_references();
        assert_eq!(world.signal_footprint().registrations, 10_000);
        for target in crowd {
            // One by one: a batch would be compared with all that is named.
            world.get_mut::<Mob>(mob).unwrap().friends.clear();
            world.despawn(target);
        }
        world.sync_references();
    };
    live_and_die(&mut world);
    let before = world.signal_footprint();

    live_and_die(&mut world);

    assert_eq!(world.signal_footprint(), before);
    assert_eq!(before.registrations, 0);
    assert_eq!(before.crowded_listeners, 0);
    check(&world);
}

#[test]
fn ten_thousand_holders_leave_nothing_behind() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let live_and_die = |world: &mut World| {
        let mobs: Vec<_> = (0..10_000)
            .map(|_| world.spawn(Mob::after(goblin)).id())
            .collect();
        assert_eq!(world.registrations_on(goblin).len(), 10_000);
        for (number, mob) in mobs.into_iter().enumerate() {
            match number % 3 {
                0 => {
                    world.despawn(mob);
                }
                1 => {
                    world.entity_mut(mob).remove::<Mob>();
                }
                _ => {
                    world.qdel(mob).unwrap();
                }
            }
        }
        world.flush_qdel();
    };
    live_and_die(&mut world);
    let before = world.signal_footprint();

    live_and_die(&mut world);

    let after = world.signal_footprint();
    assert_eq!(after.registrations, 0);
    assert_eq!(after.crowded_listeners, 0);
    assert!(after.places <= before.places);
    assert!(after.heap_bytes <= before.heap_bytes * 11 / 10);
    check(&world);
}

#[test]
fn component_that_listens_and_names_somebody_needs_no_books_of_its_own() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let mob = world.spawn(Mob::after(goblin)).id();

    world.register_signal(mob, orc, Mob::count).unwrap();

    let footprint = world.signal_footprint();
    assert_eq!(footprint.registrations, 2);
    assert_eq!(footprint.crowded_listeners, 0);
    check(&world);
}

#[test]
fn registrations_come_before_declared_references_where_both_are_listed() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let mob = world.spawn(Mob::after(goblin)).id();
    world.register_signal(mob, orc, Mob::count).unwrap();
    world.register_signal(mob, goblin, Mob::count).unwrap();

    let targets = world.registrations_of(mob).into_iter();
    let targets: Vec<_> = targets.map(|at| at.target).collect();

    assert_eq!(targets, [orc, goblin, goblin]);
}

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
    world.entity_mut(goblin).insert(Signals);
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
    world.entity_mut(goblin).insert(Signals);
    let mobs = [(); 3].map(|()| spawn_mob(&mut world));
    world.sync_references();
    world.insert_resource(Victim(goblin));
    world.add_observer(
        |_: On<Add<Signals>>, victim: Res<Victim>, mut commands: Commands| {
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

/// How long ago a component was written. The last sync is three ticks ago. The last one is still to come: ticks begin anew after
/// the last, so nothing else tells it from one that is very old.
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

/// Changes a component at a tick of that `age`, and tells whether the next sync finds that, and whether the tick is new for Bevy.
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
    when_told(&mut world, goblin, move |world| {
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
    when_told(&mut world, goblin, |world| {
        world.commands().queue(|world: &mut World| {
            world.track_references::<Census>();
        });
    });

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.resource::<Census>().0, []);
    check(&world);
}

// R3 with Q8: the promise at every pause.

#[test]
fn immediate_tear_down_leaves_no_field_that_was_written_before() {
    let mut world = stage();
    let immediate = QdelSettings::default().with_teardown(Teardown::Immediate);
    world.insert_resource(immediate);
    let [goblin, mob] = [spawn(&mut world), spawn_mob(&mut world)];
    write(&mut world, mob, goblin);

    world.qdel(goblin).unwrap();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(named(&world, mob), []);
    check(&world);
}

#[test]
fn at_every_pause_of_a_budget_no_field_names_who_is_gone() {
    let mut world = stage();
    let hand = Arc::new(AtomicU64::new(0));
    let reads = Arc::clone(&hand);
    let now = move || Duration::from_micros(reads.fetch_add(1, Ordering::Relaxed));
    world.insert_resource(WorkClock::new(now));
    let budget = Teardown::Budget(Duration::ZERO);
    world.insert_resource(QdelSettings::default().with_teardown(budget));
    let crowd: Vec<_> = (0..5 * TEARDOWN_BATCH).map(|_| spawn(&mut world)).collect();
    let mobs = [(); 7].map(|()| spawn_mob(&mut world));
    world.qdel_batch(crowd.clone());

    let mut pauses = 0;
    loop {
        // Some name who waits, in the middle of it all.
        let waiting = crowd
            .iter()
            .copied()
            .filter(|entity| world.liveness(*entity) == Liveness::Deleting)
            .collect::<Vec<_>>();
        if waiting.is_empty() {
            break;
        }
        for (number, mob) in mobs.into_iter().enumerate() {
            let target = waiting[number % waiting.len()];
            write(&mut world, mob, target);
            let friend = *waiting.last().unwrap();
            let mut at = world.get_mut::<Mob>(mob).unwrap();
            at.friends.push(friend);
        }
        assert_eq!(world.flush_qdel(), TEARDOWN_BATCH);
        pauses += 1;
        for mob in mobs {
            assert_eq!(named(&world, mob), []);
        }
        check(&world);
    }

    assert_eq!(pauses, 5);
}

// The stage.

const TEARDOWNS: [Teardown; 3] = [
    Teardown::EndOfFrame,
    Teardown::Immediate,
    Teardown::Budget(Duration::ZERO),
];

/// What was seen from inside, in order.
#[derive(Resource, Default)]
struct Seen(Vec<Vec<Entity>>);

/// Who dies.
#[derive(Component)]
struct Thing;

/// Names others, and remembers what it lost.
#[derive(Component, Clone, Default, Debug, PartialEq, References)]
#[references(on_lost = Mob::mourn)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    #[entities]
    friends: Vec<Entity>,
    #[references(ignore)]
    mourned: Vec<Vec<Entity>>,
    /// Who it was when it lost somebody, and its target then.
    #[references(ignore)]
    heard: Vec<(Entity, Option<Entity>)>,
    /// Its target when it was told.
    #[references(ignore)]
    told: Vec<Option<Entity>>,
}

impl Mob {
    fn after(target: Entity) -> Self {
        Self {
            target: Some(target),
            ..Self::default()
        }
    }

    fn mourn(&mut self, lost: Lost) {
        self.mourned.push(lost.to_vec());
        self.heard.push((lost.listener(), self.target));
    }

    fn chase(&mut self, told: Received<Qdeleting>) {
        self.target = Some(told.entity);
    }

    fn count(&mut self, _: Received<Qdeleting>) {
        self.told.push(self.target);
    }
}

/// Takes another target as long as it has candidates.
#[derive(Component, References)]
#[references(on_lost = Hunter::hunt_next)]
struct Hunter {
    #[entities]
    target: Option<Entity>,
    /// Last first.
    #[references(ignore)]
    candidates: Vec<Entity>,
    #[references(ignore)]
    mourned: Vec<Vec<Entity>>,
}

impl Hunter {
    fn of(candidates: impl IntoIterator<Item = Entity>) -> Self {
        let mut candidates: Vec<_> = candidates.into_iter().collect();
        candidates.reverse();
        Self {
            target: candidates.pop(),
            candidates,
            mourned: Vec::new(),
        }
    }

    fn hunt_next(&mut self, lost: Lost) {
        self.mourned.push(lost.to_vec());
        self.target = self.candidates.pop();
    }
}

#[derive(Component, Debug, PartialEq, References)]
#[component(storage = "SparseSet")]
enum Mood {
    Calm,
    Angry {
        #[references]
        at: Option<Entity>,
    },
    Torn(#[references] Vec<Entity>),
}

#[derive(Component, References)]
#[component(immutable)]
#[references(on_lost = Oath::mourn)]
struct Oath {
    #[entities]
    lords: Vec<Entity>,
    #[references(ignore)]
    mourned: Vec<Vec<Entity>>,
}

impl Oath {
    fn to(lords: impl Into<Vec<Entity>>) -> Self {
        Self {
            lords: lords.into(),
            mourned: Vec::new(),
        }
    }

    fn mourn(&mut self, lost: Lost) {
        self.mourned.push(lost.to_vec());
    }
}

/// Cannot bear a loss.
#[derive(Component, References)]
#[references(on_lost = Coward::panic)]
struct Coward(#[entities] Option<Entity>);

impl Coward {
    fn panic(&mut self, _: Lost) {
        panic!("boom");
    }
}

#[derive(Component, References)]
#[component(immutable)]
#[references(on_lost = ImmutableCoward::panic)]
struct ImmutableCoward(#[entities] Option<Entity>);

impl ImmutableCoward {
    fn panic(&mut self, _: Lost) {
        panic!("boom");
    }
}

#[derive(Resource, References)]
struct Census(#[entities] Vec<Entity>);

/// Counts how often it is read.
#[derive(Component)]
struct Counted {
    target: Option<Entity>,
    visits: Arc<AtomicUsize>,
}

impl References for Counted {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, policy: Policy, visitor: &mut V) {
        self.visits.fetch_add(1, Ordering::Relaxed);
        self.target.visit_references(policy, visitor);
    }

    fn release_references(
        &mut self,
        policy: Policy,
        is_lost: &mut dyn FnMut(Entity) -> bool,
    ) -> Remains {
        self.target.release_references(policy, is_lost)
    }
}

/// Writes back what it lost.
#[derive(Component, References)]
#[component(immutable)]
#[references(on_lost = Stubborn::insist)]
struct Stubborn {
    #[entities]
    target: Option<Entity>,
    #[references(ignore)]
    whom: Entity,
    tries: usize,
}

impl Stubborn {
    fn for_ever(target: Entity) -> Self {
        Self {
            target: Some(target),
            whom: target,
            tries: 0,
        }
    }

    fn insist(&mut self, _: Lost) {
        self.target = Some(self.whom);
        self.tries += 1;
    }
}

/// Panics when it is read, unless it is legible.
#[derive(Component)]
struct Smudged {
    target: Option<Entity>,
    is_legible: bool,
}

impl Smudged {
    /// Changes whether it can be read, unseen by change detection.
    fn set_legible(world: &mut World, holder: Entity, is_legible: bool) {
        let mut smudged = world.get_mut::<Self>(holder).unwrap();
        smudged.bypass_change_detection().is_legible = is_legible;
    }
}

impl References for Smudged {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, policy: Policy, visitor: &mut V) {
        assert!(self.is_legible, "illegible");
        self.target.visit_references(policy, visitor);
    }

    fn release_references(
        &mut self,
        policy: Policy,
        is_lost: &mut dyn FnMut(Entity) -> bool,
    ) -> Remains {
        self.target.release_references(policy, is_lost)
    }
}

/// Says this when it is destroyed.
#[derive(Component)]
struct Will(Hint);

impl Destroy for Will {
    type Param = ();

    fn destroy(&mut self, _: Destroying) -> Hint {
        self.0
    }
}

/// Has this mob hunt it when it is destroyed.
#[derive(Component)]
struct Curse(Entity);

impl Destroy for Curse {
    type Param = Query<'static, 'static, &'static mut Mob>;

    fn destroy(&mut self, mut going: Destroying<Self::Param>) -> Hint {
        going.param.get_mut(self.0).unwrap().target = Some(going.entity);
        Hint::Queue
    }
}

type Reactive = dyn Fn(&mut DeferredWorld) + Send + Sync;

/// Does something when it is told.
#[derive(Component)]
struct Reaction(Arc<Reactive>);

impl Reaction {
    fn react(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let react = Arc::clone(&world.get::<Self>(told.listener()).unwrap().0);
        react(&mut world);
    }
}

/// Has `reaction` called when `target` goes away.
fn when_told(
    world: &mut World,
    target: Entity,
    reaction: impl Fn(&mut DeferredWorld) + Send + Sync + 'static,
) {
    let listener = world.spawn(Reaction(Arc::new(reaction))).id();
    world
        .register_signal(listener, target, Reaction::react)
        .unwrap();
}

fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Seen>();
    world.register_destroy::<Will>();
    world.register_destroy::<Curse>();
    world.track_references::<Mob>();
    world.track_references::<Hunter>();
    world.track_references::<Mood>();
    world.track_references::<Oath>();
    world.track_references::<Coward>();
    world.track_references::<ImmutableCoward>();
    world.track_references::<Counted>();
    world
}

fn spawn(world: &mut World) -> Entity {
    world.spawn(Thing).id()
}

fn spawn_mob(world: &mut World) -> Entity {
    world.spawn(Mob::default()).id()
}

/// Spawns somebody who lives on.
fn spawn_phoenix(world: &mut World) -> Entity {
    world.spawn(Will(Hint::LetMeLive)).id()
}

/// Spawns somebody who counts how often it is read.
fn spawn_counted(world: &mut World) -> (Entity, Arc<AtomicUsize>) {
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Counted {
        target: None,
        visits: Arc::clone(&visits),
    };
    (world.spawn(counted).id(), visits)
}

/// Returns all that the fields of a mob name.
fn named(world: &World, mob: Entity) -> Vec<Entity> {
    let at = world.get::<Mob>(mob);
    at.map_or(Vec::new(), |at| {
        at.target.iter().chain(at.friends.iter()).copied().collect()
    })
}

/// Returns what a mob lost, deletion by deletion.
fn lost(world: &World, mob: Entity) -> Vec<Vec<Entity>> {
    world.get::<Mob>(mob).unwrap().mourned.clone()
}

/// Counts all losses of all mobs.
fn all_lost(world: &mut World) -> usize {
    let mut mobs = world.query::<&Mob>();
    mobs.iter(world).map(|mob| mob.mourned.len()).sum()
}

/// Returns the mobs that are known to name `target`.
fn links_on(world: &World, target: Entity) -> Vec<Entity> {
    let mut links = links_of::<Mob>(world, target);
    links.extend(links_of::<Oath>(world, target));
    links.extend(links_of::<Mood>(world, target));
    links.extend(links_of::<Hunter>(world, target));
    links
}

/// Returns the entities whose `C` is known to name `target`.
fn links_of<C: Component>(world: &World, target: Entity) -> Vec<Entity> {
    let on = world.registrations_on(target);
    let links = on
        .iter()
        .filter(|at| at.component == type_name::<C>() && at.signal != type_name::<Qdeleting>());
    links.map(|at| at.listener).collect()
}

/// Checks that the books are whole, and that both ends of each link say the same.
fn check(world: &World) {
    world.check_registrations().unwrap();
    let mut on = 0;
    for entity in world.iter_entities().map(|entity| entity.id()) {
        for registration in world.registrations_on(entity) {
            on += 1;
            let of = world.registrations_of(registration.listener);
            assert!(of.contains(&registration), "{registration}");
        }
        for registration in world.registrations_of(entity) {
            let on = world.registrations_on(registration.target);
            assert!(on.contains(&registration), "{registration}");
        }
    }
    assert_eq!(world.signal_footprint().registrations, on);
}
