//! R3: setting the field is the registration.

use super::*;

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

#[test]
fn reference_that_is_noticed_at_once_is_released_at_once() {
    for (way, set) in NOTICED_AT_ONCE {
        for (end, delete) in ends() {
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
        for (end, delete) in ends() {
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
    for (end, delete) in ends() {
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
        for (end, delete) in ends() {
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

// The stage.

/// Counts all losses of all mobs.
fn all_lost(world: &mut World) -> usize {
    let mut mobs = world.query::<&Mob>();
    mobs.iter(world).map(|mob| mob.mourned.len()).sum()
}
