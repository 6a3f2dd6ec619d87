//! R4: what is marked as changed.
//! R3: all kinds of writes.
//! R3: components with hooks of their own.

use super::*;

// R4: what is marked as changed.

#[test]
fn looks_of_the_crate_mark_nothing_as_changed() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let mut mob = Mob::at(goblin);
    mob.friends = vec![orc; 20];
    let mobs = [Mob::at(goblin), mob].map(|mob| world.spawn(mob).id());
    let before = mobs.map(|mob| last_changed::<Mob>(&world, mob));

    world.track_references::<Mob>();
    world.sync_references();
    world.plan_qdel(goblin);
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
    let [goblin, orc] = spawn_many(&mut world);
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
    let [king] = spawn_many(&mut world);
    let guard = world.spawn(Guard(Some(king))).id();
    let before = last_changed::<Guard>(&world, guard);

    world.qdel(king).unwrap_err();
    world.flush_qdel();

    assert_eq!(last_changed::<Guard>(&world, guard), before);
}

#[test]
fn mark_of_a_release_is_not_taken_for_a_write() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
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
    let [goblin, orc] = spawn_many(&mut world);
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
    let [goblin, orc] = spawn_many(&mut world);
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
    let [goblin, orc, troll] = spawn_many(&mut world);
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
    let [goblin, heir] = spawn_many(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();

    let taken = world.entity_mut(mob).take::<Mob>().unwrap();
    let without = holders(&mut world, goblin);
    world.entity_mut(heir).insert(taken);

    assert_eq!((without, holders(&mut world, goblin)), (vec![], vec![heir]));
}

#[test]
fn batches_and_bundles_are_tracked_on_insertion() {
    let mut world = stage();
    let [goblin, first, second] = spawn_many(&mut world);

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
    let [goblin, orc] = spawn_many(&mut world);
    let mob = world.spawn(Mob::at(goblin)).id();

    world.entity_mut(mob).insert_if_new(Mob::at(orc));

    assert_eq!(holders(&mut world, goblin), [mob]);
    assert_eq!(holders(&mut world, orc), []);
}

#[test]
fn sparse_component_is_tracked() {
    let mut world = World::new();
    world.track_references::<Sparse>();
    let [goblin, orc] = spawn_many(&mut world);
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
    let [goblin, orc] = spawn_many(&mut world);
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
    let [goblin, orc] = spawn_many(&mut world);
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
    let [goblin] = spawn_many(&mut world);
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
    let [goblin, orc] = spawn_many(&mut world);

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
    let [goblin] = spawn_many(&mut world);
    world.insert_resource(Favourite(goblin));
    world.track_references::<Loyal>();

    let mob = world.spawn(Loyal(None)).id();
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.get::<Loyal>(mob).unwrap().0, None);
}

// The stage.

#[derive(Component)]
#[require(Mob)]
struct Hunter;

#[derive(Component, Default, Clone)]
struct Other;

#[derive(Component, References)]
#[component(storage = "SparseSet")]
struct Sparse(#[entities] Option<Entity>);

#[derive(Component, References)]
struct Guard(#[references(deny)] Option<Entity>);

#[derive(Component, References)]
#[component(on_insert = note_insert, on_discard = note_discard)]
struct Hooked(#[entities] Option<Entity>);

#[derive(Resource)]
struct Favourite(Entity);

/// Names an entity as soon as it is inserted.
#[derive(Component, References)]
#[component(on_insert = Self::choose)]
struct Loyal(#[entities] Option<Entity>);

impl Loyal {
    fn choose(mut world: DeferredWorld, context: HookContext) {
        let favourite = world.resource::<Favourite>().0;
        world.get_mut::<Self>(context.entity).unwrap().0 = Some(favourite);
    }
}

fn last_changed<C: Component>(world: &World, entity: Entity) -> Tick {
    let component = world.entity(entity).get_ref::<C>();
    component.unwrap().last_changed()
}
