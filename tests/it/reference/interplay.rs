//! Declared references beside what Bevy does with components: clones, hooks, change detection, resources, immutability.
//!
//! Rules R1, R3, R4 and R6 of the design.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy_ecs::{
    change_detection::{DetectChanges, Tick},
    entity::{EntityCloner, EntityHashMap, EntityMapper, MapEntities},
    entity_disabling::{DefaultQueryFilters, Disabled},
    lifecycle::HookContext,
    prelude::*,
    world::DeferredWorld,
};
use qdel::{Lost, PlannedRelease, prelude::*};

// R3: clones.

#[test]
fn clone_is_tracked_too() {
    let mut world = stage();
    let [goblin] = spawn(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();

    let clone = world.entity_mut(mob).clone_and_spawn();
    world.entity_mut(mob).despawn();

    assert_eq!(holders(&mut world, goblin), [clone]);
    world.qdel(goblin).unwrap();
    assert_eq!(world.get::<Mob>(clone).unwrap().target, None);
    world.check_registrations().unwrap();
}

#[test]
fn clone_onto_an_entity_replaces_what_it_named() {
    let mut world = stage();
    let [goblin, orc] = spawn(&mut world);
    let [mob, other] = [goblin, orc].map(|target| world.spawn(Mob::at(target)).id());

    EntityCloner::build_opt_out(&mut world).clone_entity(mob, other);

    assert_eq!(holders(&mut world, goblin), [mob, other]);
    assert_eq!(holders(&mut world, orc), []);
}

#[test]
fn component_that_is_moved_is_tracked_where_it_is() {
    let mut world = stage();
    let [goblin, heir] = spawn(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();

    EntityCloner::build_opt_in(&mut world)
        .move_components(true)
        .allow::<Mob>()
        .clone_entity(mob, heir);

    assert_eq!(holders(&mut world, goblin), [heir]);
    world.qdel(goblin).unwrap();
    assert_eq!(world.get::<Mob>(heir).unwrap().target, None);
    world.check_registrations().unwrap();
}

#[test]
fn linked_clone_names_the_new_owner_and_is_linked_to_it() {
    let mut world = stage();
    let [ship, port] = spawn(&mut world);
    let mut sailor = Mob::at(ship);
    sailor.friends = vec![port];
    let sailor = world.spawn((sailor, ChildOf(ship))).id();

    let twin = world
        .entity_mut(ship)
        .clone_and_spawn_with_opt_out(|builder| {
            builder.linked_cloning(true);
        });
    let other = world.get::<Children>(twin).unwrap()[0];

    let found = [ship, twin, port].map(|target| holders(&mut world, target));
    assert_eq!(found, [vec![sailor], vec![other], vec![sailor, other]]);
    world.entity_mut(other).remove::<ChildOf>();
    world.qdel(twin).unwrap();
    assert_eq!(world.get::<Mob>(other).unwrap().target, None);
    world.check_registrations().unwrap();
}

#[test]
fn component_that_is_not_cloned_leaves_no_link() {
    let mut world = World::new();
    world.track_references::<Tattoo>();
    let [goblin] = spawn(&mut world);
    let mob = world.spawn(Tattoo(Some(goblin))).id();

    let clone = world.entity_mut(mob).clone_and_spawn();

    assert!(world.get::<Tattoo>(clone).is_none());
    assert_eq!(holders(&mut world, goblin), [mob]);
}

#[test]
fn clone_of_what_is_being_deleted_lets_go_at_the_next_sync() {
    let mut world = stage();
    let [goblin] = spawn(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();
    world.qdel(mob).unwrap();

    let clone = world.entity_mut(mob).clone_and_spawn();
    world.entity_mut(clone).remove::<Disabled>();
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(clone), Liveness::Alive);
    assert_eq!(world.get::<Mob>(clone).unwrap().target, None);
}

// R1: Bevy maps what the crate clears.

#[test]
fn mapping_and_clearing_see_the_same_fields() {
    let mut world = stage();
    let [goblin, orc, other] = spawn(&mut world);
    let mut mob = Mob::at(goblin);
    mob.friends = vec![orc, goblin];
    mob.marked_by = vec![(goblin, 1)];
    let mut seen = Seen(Vec::new(), other);

    <Mob as Component>::map_entities(&mut mob, &mut seen);
    let mob = world.spawn(mob).id();

    assert_eq!(seen.0, [goblin, orc, goblin]);
    assert_eq!(holders(&mut world, other), [mob, mob, mob]);
    assert_eq!(holders(&mut world, goblin), [mob]);
}

#[test]
fn mapped_in_place_is_seen_by_the_sync() {
    let mut world = stage();
    let [goblin, orc] = spawn(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();
    let mut map = EntityHashMap::from_iter([(goblin, orc)]);

    <Mob as Component>::map_entities(&mut world.get_mut::<Mob>(mob).unwrap(), &mut map);
    world.sync_references();

    assert_eq!(holders(&mut world, goblin), []);
    assert_eq!(holders(&mut world, orc), [mob]);
}

#[test]
fn map_entities_of_the_user_and_the_derive_live_side_by_side() {
    let mut world = World::new();
    world.track_references::<Own>();
    let [goblin, orc] = spawn(&mut world);
    let mut map = EntityHashMap::from_iter([(goblin, orc)]);
    let mut own = Own(vec![(goblin, 1)]);

    <Own as Component>::map_entities(&mut own, &mut map);
    let own = world.spawn(own).id();
    world.qdel(orc).unwrap();

    assert_eq!(world.get::<Own>(own).unwrap().0, []);
}

#[cfg(feature = "bevy_reflect")]
#[test]
fn reflection_reads_and_writes_what_is_tracked() {
    use bevy_ecs::reflect::{AppTypeRegistry, ReflectComponent};

    let mut world = World::new();
    world.track_references::<Mirror>();
    let registry = AppTypeRegistry::default();
    registry.write().register::<Mirror>();
    let [goblin, orc] = spawn(&mut world);
    let mob = world
        .spawn(Mirror {
            target: Some(goblin),
            count: 1,
        })
        .id();
    let registry = registry.read();
    let data = registry
        .get_type_data::<ReflectComponent>(core::any::TypeId::of::<Mirror>())
        .unwrap();

    let copy = Mirror {
        target: Some(orc),
        count: 2,
    };
    data.apply(world.entity_mut(mob), &copy);
    world.qdel(orc).unwrap();
    world.flush_qdel();

    let at = world.get::<Mirror>(mob).unwrap();
    assert_eq!((at.target, at.count), (None, 2));
}

// R3: who is hidden is tracked as well.

#[test]
fn hidden_listeners_are_released() {
    let mut world = stage();
    let [goblin] = spawn(&mut world);
    let hidden = world.spawn((Mob::at(goblin), Disabled)).id();

    world.qdel(goblin).unwrap();

    assert_eq!(world.get::<Mob>(hidden).unwrap().target, None);
}

#[test]
fn writes_to_hidden_listeners_are_seen_however_they_are_hidden() {
    let mut world = World::new();
    let asleep = world.register_component::<Asleep>();
    world
        .resource_mut::<DefaultQueryFilters>()
        .register_disabling_component(asleep);
    world.track_references::<Mob>();
    let away = world.register_component::<Away>();
    world
        .resource_mut::<DefaultQueryFilters>()
        .register_disabling_component(away);
    let [goblin] = spawn(&mut world);
    let hidden = [
        world.spawn((Mob::default(), Disabled)).id(),
        world.spawn((Mob::default(), Asleep)).id(),
        world.spawn((Mob::default(), Away)).id(),
        world.spawn((Mob::default(), Disabled, Asleep, Away)).id(),
    ];
    for mob in hidden {
        world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);
    }

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        hidden.map(|mob| world.get::<Mob>(mob).unwrap().target),
        [None; 4]
    );
}

// R4: what is marked as changed.

#[test]
fn looks_of_the_crate_mark_nothing_as_changed() {
    let mut world = stage();
    let [goblin, orc] = spawn(&mut world);
    let mut mob = Mob::at(goblin);
    mob.friends = vec![orc; 20];
    let mobs = [Mob::at(goblin), mob].map(|mob| world.spawn(mob).id());
    let before = mobs.map(|mob| last_changed::<Mob>(&world, mob));

    world.track_references::<Mob>();
    world.sync_references();
    world.plan_qdel(goblin).unwrap();
    world
        .get_mut::<Mob>(mobs[0])
        .unwrap()
        .bypass_change_detection();
    world.sync_references();
    world.spawn(Mob::at(orc));
    world.flush_qdel();

    assert_eq!(mobs.map(|mob| last_changed::<Mob>(&world, mob)), before);
}

#[test]
fn release_marks_exactly_who_lost_something() {
    let mut world = stage();
    let [goblin, orc] = spawn(&mut world);
    let [loses, by_list, keeps, names_nobody] = [
        Mob::at(goblin),
        Mob {
            friends: vec![orc, goblin],
            ..Default::default()
        },
        Mob::at(orc),
        Mob::default(),
    ]
    .map(|mob| world.spawn((mob, Other)).id());
    world.clear_trackers();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let changed = |mob: Entity| world.entity(mob).get_ref::<Mob>().unwrap().is_changed();
    assert_eq!(
        [loses, by_list, keeps, names_nobody].map(changed),
        [true, true, false, false]
    );
    let others = |mob: Entity| world.entity(mob).get_ref::<Other>().unwrap().is_changed();
    assert!(![loses, by_list, keeps].into_iter().any(others));
}

#[test]
fn field_that_refuses_or_takes_along_is_not_marked() {
    let mut world = World::new();
    world.track_references::<Guard>();
    let [king] = spawn(&mut world);
    let guard = world.spawn(Guard(Some(king))).id();
    let before = last_changed::<Guard>(&world, guard);

    world.qdel(king).unwrap_err();
    world.flush_qdel();

    assert_eq!(last_changed::<Guard>(&world, guard), before);
}

#[test]
fn mark_of_a_release_is_not_taken_for_a_write() {
    let mut world = stage();
    let [goblin, orc] = spawn(&mut world);
    let mut mob = Mob::at(goblin);
    mob.friends = vec![orc];
    let mob = world.spawn(mob).id();

    world.qdel(goblin).unwrap();
    let once = last_changed::<Mob>(&world, mob);
    world.sync_references();
    world.flush_qdel();

    assert_eq!(last_changed::<Mob>(&world, mob), once);
    assert_eq!(holders(&mut world, orc), [mob]);
}

// R3: all kinds of writes.

#[test]
fn swapped_components_are_seen_by_the_sync() {
    let mut world = stage();
    let [goblin, orc] = spawn(&mut world);
    let [first, second] = [goblin, orc].map(|target| world.spawn(Mob::at(target)).id());

    world.sync_references();

    let [mut one, mut other] = world.entity_mut([first, second]);
    core::mem::swap(
        &mut *one.get_mut::<Mob>().unwrap(),
        &mut *other.get_mut::<Mob>().unwrap(),
    );
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let targets = [first, second].map(|mob| world.get::<Mob>(mob).unwrap().target);
    assert_eq!(targets, [Some(orc), None]);
    assert_eq!(holders(&mut world, orc), [first]);
}

#[test]
fn value_that_is_set_if_it_differs_is_seen_by_the_sync() {
    let mut world = stage();
    let [goblin, orc] = spawn(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();

    world.sync_references();

    let mut at = world.get_mut::<Mob>(mob).unwrap();
    at.set_if_neq(Mob::at(orc));
    world.qdel(orc).unwrap();
    world.flush_qdel();

    assert_eq!(world.get::<Mob>(mob).unwrap().target, None);
    assert_eq!(holders(&mut world, goblin), []);
}

#[test]
fn writes_leave_one_link_for_each_who_is_named() {
    let mut world = stage();
    let [goblin, orc, troll] = spawn(&mut world);
    let mut mob = Mob::at(goblin);
    mob.friends = vec![orc, goblin];
    let mob = world.spawn(mob).id();
    let links = |world: &World| world.signal_footprint().registrations;
    let before = links(&world);

    world.get_mut::<Mob>(mob).unwrap().friends = vec![troll, troll];
    world.sync_references();
    let after_one = links(&world);
    *world.get_mut::<Mob>(mob).unwrap() = Mob::default();
    world.sync_references();

    assert_eq!((before, after_one, links(&world)), (2, 2, 0));
}

#[test]
fn component_that_is_taken_and_put_elsewhere_is_tracked_there() {
    let mut world = stage();
    let [goblin, heir] = spawn(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();

    let taken = world.entity_mut(mob).take::<Mob>().unwrap();
    let without = holders(&mut world, goblin);
    world.entity_mut(heir).insert(taken);

    assert_eq!((without, holders(&mut world, goblin)), (vec![], vec![heir]));
}

#[test]
fn batches_and_bundles_are_tracked_on_insertion() {
    let mut world = stage();
    let [goblin, first, second] = spawn(&mut world);

    world.insert_batch([first, second].map(|mob| (mob, (Other, Mob::at(goblin)))));
    let third: Vec<_> = world.spawn_batch([(Mob::at(goblin), Other)]).collect();
    let required = world.spawn(Hunter).id();

    assert_eq!(holders(&mut world, goblin), [first, second, third[0]]);
    assert!(world.get::<Mob>(required).is_some());
    world.qdel(goblin).unwrap();
    for mob in [first, second, third[0]] {
        assert_eq!(world.get::<Mob>(mob).unwrap().target, None);
    }
    world.check_registrations().unwrap();
}

#[test]
fn component_that_was_there_before_stays_tracked_when_it_is_kept() {
    let mut world = stage();
    let [goblin, orc] = spawn(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();

    world.entity_mut(mob).insert_if_new(Mob::at(orc));

    assert_eq!(holders(&mut world, goblin), [mob]);
    assert_eq!(holders(&mut world, orc), []);
}

#[test]
fn sparse_component_is_tracked() {
    let mut world = World::new();
    world.track_references::<Sparse>();
    let [goblin, orc] = spawn(&mut world);
    let [first, second] = [goblin, orc].map(|target| world.spawn(Sparse(Some(target))).id());

    world.get_mut::<Sparse>(second).unwrap().0 = Some(goblin);
    world.qdel(goblin).unwrap();
    let at_once = world.get::<Sparse>(first).unwrap().0;
    world.flush_qdel();

    assert_eq!(
        (at_once, world.get::<Sparse>(second).unwrap().0),
        (None, None)
    );
}

#[test]
fn component_that_is_in_the_world_already_is_tracked() {
    let mut world = World::new();
    let [goblin, orc] = spawn(&mut world);
    let early = world.spawn(Mob::at(goblin)).id();
    let hidden = world.spawn((Mob::at(goblin), Disabled)).id();

    world.track_references::<Mob>();
    let late = world.spawn(Mob::at(goblin)).id();
    let replaced = world.spawn(Mob::at(orc)).insert(Mob::at(goblin)).id();

    let everybody = [early, hidden, late, replaced];
    let mut found = holders(&mut world, goblin);
    found.sort_unstable();
    let mut expected = everybody.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
    world.qdel(goblin).unwrap();
    for mob in everybody {
        assert_eq!(world.get::<Mob>(mob).unwrap().target, None);
    }
    assert_eq!(holders(&mut world, orc), []);
}

#[test]
fn what_is_gone_already_is_released_when_tracking_begins() {
    let mut world = World::new();
    let [goblin, orc] = spawn(&mut world);
    let mut mob = Mob::at(goblin);
    mob.friends = vec![goblin, orc];
    let mob = world.spawn(mob).id();
    world.despawn(goblin);

    world.track_references::<Mob>();

    let at = world.get::<Mob>(mob).unwrap();
    assert_eq!((at.target, &*at.friends), (None, &[orc][..]));
}

#[test]
fn tracking_twice_changes_nothing() {
    let mut world = stage();
    let [goblin] = spawn(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();

    world.track_references::<Mob>().track_references::<Mob>();
    let late = world.spawn(Mob::at(goblin)).id();

    assert_eq!(holders(&mut world, goblin), [mob, late]);
    world.qdel(goblin).unwrap();
    assert_eq!(world.get::<Mob>(mob).unwrap().heard, [[goblin]]);
    assert_eq!(world.get::<Mob>(late).unwrap().heard, [[goblin]]);
}

// R3: components with hooks of their own.

#[test]
fn own_hooks_of_a_component_are_called_too() {
    let mut world = World::new();
    world.init_resource::<Order>();
    world.track_references::<Hooked>();
    let [goblin, orc] = spawn(&mut world);

    let mob = world.spawn(Hooked(Some(goblin))).id();
    world.entity_mut(mob).insert(Hooked(Some(orc)));
    let linked = [goblin, orc].map(|target| holders(&mut world, target));
    world.qdel(orc).unwrap();
    let target = world.get::<Hooked>(mob).unwrap().0;
    world.entity_mut(mob).remove::<Hooked>();

    assert_eq!((linked, target), ([vec![], vec![mob]], None));
    let expected = ["inserted", "discarded", "inserted", "discarded"];
    assert_eq!(world.resource::<Order>().0, expected);
    world.check_registrations().unwrap();
}

#[test]
fn hook_that_writes_the_field_is_seen_by_the_sync() {
    let mut world = World::new();
    let [goblin] = spawn(&mut world);
    world.insert_resource(Favourite(goblin));
    world.track_references::<Loyal>();

    let mob = world.spawn(Loyal(None)).id();
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.get::<Loyal>(mob).unwrap().0, None);
}

// R6: immutable components.

#[test]
fn immutable_component_is_replaced_by_one_that_lost() {
    let mut world = carving();
    let [goblin, orc] = spawn(&mut world);
    let statue = world.spawn(Statue::of([goblin, orc, goblin])).id();
    world.resource_mut::<Order>().0.clear();

    world.qdel(goblin).unwrap();

    let at = world.get::<Statue>(statue).unwrap();
    assert_eq!((&*at.of, &*at.heard), (&[orc][..], &[vec![goblin]][..]));
    assert_eq!(world.resource::<Order>().0, ["discarded", "inserted"]);
    assert_eq!(holders(&mut world, orc), [statue]);
    world.check_registrations().unwrap();
}

#[test]
fn immutable_component_is_released_by_a_despawn() {
    let mut world = carving();
    let [goblin, orc] = spawn(&mut world);
    let statue = world.spawn(Statue::of([goblin, orc])).id();

    world.despawn(goblin);
    world.commands().entity(orc).despawn();
    world.flush();

    let at = world.get::<Statue>(statue).unwrap();
    assert_eq!(
        (&*at.of, &*at.heard),
        (&[][..], &[vec![goblin], vec![orc]][..])
    );
    world.check_registrations().unwrap();
}

#[test]
fn immutable_component_hears_of_each_once_when_many_are_despawned() {
    let mut world = carving();
    let targets: [Entity; 3] = spawn(&mut world);
    for target in targets {
        world.entity_mut(target).insert(Asleep);
    }
    let statue = world.spawn(Statue::of(targets)).id();

    world.despawn_all::<With<Asleep>>();

    let at = world.get::<Statue>(statue).unwrap();
    let mut heard = at.heard.concat();
    heard.sort_unstable();
    let mut expected = targets.to_vec();
    expected.sort_unstable();
    assert_eq!((&*at.of, heard), (&[][..], expected));
}

#[test]
fn immutable_component_that_was_replaced_meanwhile_hears_nothing() {
    let mut world = carving();
    let [goblin, orc] = spawn(&mut world);
    let statue = world.spawn(Statue::of([goblin])).id();
    world.entity_mut(goblin).insert(Asleep);
    world.add_observer(move |_: On<Despawn<Asleep>>, mut commands: Commands| {
        commands.entity(statue).insert(Statue::of([orc]));
    });

    world.despawn(goblin);

    let at = world.get::<Statue>(statue).unwrap();
    assert_eq!((&*at.of, &*at.heard), (&[orc][..], &[][..]));
    assert_eq!(holders(&mut world, orc), [statue]);
}

#[test]
fn immutable_component_of_who_goes_as_well_is_not_told() {
    let mut world = carving();
    let [goblin] = spawn(&mut world);
    let statue = world.spawn((Statue::of([goblin]), ChildOf(goblin))).id();

    world.qdel(goblin).unwrap();

    let at = world.get::<Statue>(statue).unwrap();
    assert_eq!((&*at.of, &*at.heard), (&[][..], &[][..]));
    world.flush_qdel();
    world.check_registrations().unwrap();
}

#[test]
fn immutable_component_is_replaced_only_when_it_lost_something() {
    let mut world = carving();
    let [goblin, orc] = spawn(&mut world);
    world.spawn(Statue::of([orc]));
    world.resource_mut::<Order>().0.clear();

    world.qdel(goblin).unwrap();
    world.sync_references();
    world.flush_qdel();

    assert_eq!(world.resource::<Order>().0, [""; 0]);
}

#[test]
fn immutable_component_that_panics_is_released_and_goes_on() {
    let mut world = World::new();
    world.track_references::<Brittle>();
    let [goblin, orc] = spawn(&mut world);
    let brittle = [false, true, false].map(|breaks| {
        let of = vec![goblin, orc];
        world.spawn(Brittle { of, breaks }).id()
    });

    let panicked = catch_unwind(AssertUnwindSafe(|| world.qdel(goblin)));

    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"crack"));
    for brittle in brittle {
        assert_eq!(world.get::<Brittle>(brittle).unwrap().of, [orc]);
    }
    world.check_registrations().unwrap();
}

#[test]
fn immutable_component_that_panicked_stays_linked() {
    let mut world = World::new();
    world.track_references::<Brittle>();
    let [goblin, orc] = spawn(&mut world);
    let of = vec![goblin, orc];
    let brittle = world.spawn(Brittle { of, breaks: true }).id();
    catch_unwind(AssertUnwindSafe(|| world.qdel(goblin))).unwrap_err();
    world.flush_qdel();

    let _ = catch_unwind(AssertUnwindSafe(|| world.qdel(orc)));
    let _ = catch_unwind(AssertUnwindSafe(|| world.flush_qdel()));

    assert_eq!(world.get::<Brittle>(brittle).unwrap().of, []);
}

// R3: resources.

#[test]
fn resource_that_is_tracked_first_is_released() {
    let mut world = World::new();
    world.track_references::<Boss>();
    let [goblin, orc] = spawn(&mut world);
    world.insert_resource(Boss::with(goblin, [orc, goblin]));

    world.qdel(goblin).unwrap();

    let boss = world.resource::<Boss>();
    assert_eq!((boss.entity, &*boss.court), (None, &[orc][..]));
    assert_eq!(boss.heard, 1);
}

#[test]
fn resource_that_is_there_first_is_released() {
    let mut world = World::new();
    let [goblin, orc] = spawn(&mut world);
    world.insert_resource(Boss::with(goblin, [orc]));

    world.track_references::<Boss>();
    world.despawn(goblin);

    assert_eq!(world.resource::<Boss>().entity, None);
    assert_eq!(planned(&mut world, orc).len(), 1);
}

#[test]
fn write_to_a_resource_is_seen_by_the_sync() {
    let mut world = World::new();
    world.track_references::<Boss>().init_resource::<Boss>();
    let [goblin, orc] = spawn(&mut world);

    world.resource_mut::<Boss>().entity = Some(goblin);
    world.resource_mut::<Boss>().court = vec![goblin, orc];
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let boss = world.resource::<Boss>();
    assert_eq!((boss.entity, &*boss.court), (None, &[orc][..]));
}

#[test]
fn resource_that_comes_back_is_tracked_again() {
    let mut world = World::new();
    world.track_references::<Boss>();
    let [goblin, orc] = spawn(&mut world);
    world.insert_resource(Boss::with(goblin, []));

    let boss = world.remove_resource::<Boss>().unwrap();
    let without = planned(&mut world, goblin);
    world.insert_resource(boss);
    let with = planned(&mut world, goblin).len();
    world.insert_resource(Boss::with(orc, []));

    assert_eq!((without, with), (vec![], 1));
    assert_eq!(planned(&mut world, goblin), []);
    world.qdel(orc).unwrap();
    assert_eq!(world.resource::<Boss>().entity, None);
    world.check_registrations().unwrap();
}

#[test]
fn resource_is_tracked_after_its_scope() {
    let mut world = World::new();
    world.track_references::<Boss>();
    let [goblin, orc] = spawn(&mut world);
    world.insert_resource(Boss::with(goblin, []));

    world.resource_scope(|_, mut boss: Mut<Boss>| boss.court.push(orc));
    world.qdel_batch([goblin, orc]);
    world.flush_qdel();

    let boss = world.resource::<Boss>();
    assert_eq!((boss.entity, &*boss.court), (None, &[][..]));
}

#[test]
fn resource_scope_that_only_looks_keeps_the_links() {
    let mut world = World::new();
    world.track_references::<Boss>();
    let [goblin] = spawn(&mut world);
    world.insert_resource(Boss::with(goblin, []));

    world.resource_scope(|_, _: Mut<Boss>| {});

    assert_eq!(planned(&mut world, goblin).len(), 1);
    world.check_registrations().unwrap();
}

#[test]
fn resource_lets_go_of_what_ended_inside_its_scope() {
    let mut world = World::new();
    world.track_references::<Boss>();
    let [goblin, orc] = spawn(&mut world);
    world.insert_resource(Boss::with(goblin, [orc]));
    world.sync_references();

    world.resource_scope(|world, _: Mut<Boss>| {
        world.qdel(goblin).unwrap();
        world.despawn(orc);
    });
    world.flush_qdel();

    let boss = world.resource::<Boss>();
    assert_eq!((boss.entity, &*boss.court), (None, &[][..]));
}

#[test]
fn resource_that_cannot_be_without_somebody_is_removed() {
    let mut world = World::new();
    world.track_references::<Throne>();
    let [king, heir] = spawn(&mut world);
    world.insert_resource(Throne(king));

    world.qdel(king).unwrap();
    let empty = !world.contains_resource::<Throne>();
    world.insert_resource(Throne(heir));

    assert!(empty);
    assert_eq!(planned(&mut world, heir).len(), 1);
    world.despawn(heir);
    assert!(!world.contains_resource::<Throne>());
}

#[test]
fn resources_that_name_one_entity_each_do_their_own() {
    let mut world = World::new();
    world
        .track_references::<Boss>()
        .track_references::<Throne>();
    let [king] = spawn(&mut world);
    world.insert_resource(Boss::with(king, []));
    world.insert_resource(Throne(king));

    world.qdel(king).unwrap();
    world.flush_qdel();

    assert_eq!(world.resource::<Boss>().entity, None);
    assert!(!world.contains_resource::<Throne>());
}

// The stage.

/// What hooks were called, in order.
#[derive(Resource, Default)]
struct Order(Vec<&'static str>);

#[derive(Component, Debug, Default, Clone, PartialEq, References)]
#[references(on_lost = Mob::mourn)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    #[entities]
    friends: Vec<Entity>,
    #[references]
    marked_by: Vec<(Entity, u32)>,
    #[references(ignore)]
    heard: Vec<Vec<Entity>>,
}

impl Mob {
    fn at(target: Entity) -> Self {
        Self {
            target: Some(target),
            ..Default::default()
        }
    }

    fn mourn(&mut self, lost: Lost) {
        self.heard.push(lost.to_vec());
    }
}

#[derive(Component)]
#[require(Mob)]
struct Hunter;

#[derive(Component, Default, Clone)]
struct Other;

/// Hides its entity; known before anything is tracked.
#[derive(Component)]
struct Asleep;

/// Hides its entity; known after that.
#[derive(Component)]
struct Away;

#[derive(Component, Clone, References)]
#[component(clone_behavior = Ignore)]
struct Tattoo(#[entities] Option<Entity>);

#[derive(Component, References)]
#[component(storage = "SparseSet")]
struct Sparse(#[entities] Option<Entity>);

#[derive(Component, References)]
struct Guard(#[references(deny)] Option<Entity>);

/// A component that maps what Bevy cannot.
#[derive(Component, References)]
#[component(map_entities)]
struct Own(#[references] Vec<(Entity, u32)>);

impl MapEntities for Own {
    fn map_entities<M: EntityMapper>(&mut self, mapper: &mut M) {
        for (entity, _) in &mut self.0 {
            entity.map_entities(mapper);
        }
    }
}

#[cfg(feature = "bevy_reflect")]
#[derive(Component, bevy_reflect::Reflect, References)]
#[reflect(Component)]
struct Mirror {
    #[entities]
    target: Option<Entity>,
    count: u32,
}

#[derive(Component, References)]
#[component(on_insert = note_insert, on_discard = note_discard)]
struct Hooked(#[entities] Option<Entity>);

fn note_insert(mut world: DeferredWorld, _: HookContext) {
    world.resource_mut::<Order>().0.push("inserted");
}

fn note_discard(mut world: DeferredWorld, _: HookContext) {
    world.resource_mut::<Order>().0.push("discarded");
}

#[derive(Resource)]
struct Favourite(Entity);

/// Names somebody as soon as it is inserted.
#[derive(Component, References)]
#[component(on_insert = Self::choose)]
struct Loyal(#[entities] Option<Entity>);

impl Loyal {
    fn choose(mut world: DeferredWorld, context: HookContext) {
        let favourite = world.resource::<Favourite>().0;
        world.get_mut::<Self>(context.entity).unwrap().0 = Some(favourite);
    }
}

#[derive(Component, Debug, References)]
#[component(immutable, on_insert = note_insert, on_discard = note_discard)]
#[references(on_lost = Statue::mourn)]
struct Statue {
    #[entities]
    of: Vec<Entity>,
    #[references(ignore)]
    heard: Vec<Vec<Entity>>,
}

impl Statue {
    fn of<const N: usize>(entities: [Entity; N]) -> Self {
        Self {
            of: entities.to_vec(),
            heard: Vec::new(),
        }
    }

    fn mourn(&mut self, lost: Lost) {
        self.heard.push(lost.to_vec());
    }
}

#[derive(Component, References)]
#[component(immutable)]
#[references(on_lost = Brittle::crack)]
struct Brittle {
    #[entities]
    of: Vec<Entity>,
    breaks: bool,
}

impl Brittle {
    fn crack(&mut self, _: Lost) {
        if self.breaks {
            std::panic::panic_any("crack");
        }
    }
}

#[derive(Resource, Default, References)]
#[references(on_lost = Boss::note)]
struct Boss {
    #[entities]
    entity: Option<Entity>,
    #[entities]
    court: Vec<Entity>,
    heard: u32,
}

impl Boss {
    fn with<const N: usize>(entity: Entity, court: [Entity; N]) -> Self {
        Self {
            entity: Some(entity),
            court: court.to_vec(),
            heard: 0,
        }
    }

    fn note(&mut self, _: Lost) {
        self.heard += 1;
    }
}

#[derive(Resource, References)]
struct Throne(#[references(remove)] Entity);

/// Notes whom it is asked to map, and maps all to one.
struct Seen(Vec<Entity>, Entity);

impl EntityMapper for Seen {
    fn get_mapped(&mut self, source: Entity) -> Entity {
        self.0.push(source);
        self.1
    }

    fn set_mapped(&mut self, _: Entity, _: Entity) {}
}

fn stage() -> World {
    let mut world = World::new();
    world.track_references::<Mob>();
    world
}

fn carving() -> World {
    let mut world = World::new();
    world.init_resource::<Order>();
    world.track_references::<Statue>();
    world
}

fn spawn<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| world.spawn_empty().id())
}

fn planned(world: &mut World, target: Entity) -> Vec<PlannedRelease> {
    let plan = world.plan_qdel(target).unwrap();
    plan.deletions[0].released.clone()
}

/// Returns who is known to name `target`, once for each place.
fn holders(world: &mut World, target: Entity) -> Vec<Entity> {
    let planned = planned(world, target);
    planned.iter().map(|at| at.holder).collect()
}

fn last_changed<C: Component>(world: &World, entity: Entity) -> Tick {
    let component = world.entity(entity).get_ref::<C>();
    component.unwrap().last_changed()
}
