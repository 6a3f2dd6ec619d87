//! Deleting what a field names, by a world, by commands, and from inside of a deletion.
//!
//! Rule Q9 of the design, the part on fields.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
};

use bevy_ecs::{
    entity::{EntityHashMap, EntityHashSet, EntityIndexMap, EntityIndexSet},
    error::Severity,
    prelude::*,
    world::DeferredWorld,
};
use qdel::{QdelError, prelude::*, statistics::QdelCounts};

use crate::stage::{Guard, Told, complaints, record_complaints, spawn_noted, told};

// Q9: kinds of fields, on a world.

#[test]
fn option_is_emptied_and_what_it_named_deleted() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    let mut field = Some(goblin);

    world.qdel_take(&mut field);

    assert_eq!(field, None);
    assert_eq!(told(&world), [goblin]);
    assert_eq!(world.liveness(goblin), Liveness::Deleting);
}

#[test]
fn empty_option_does_nothing() {
    let mut world = World::new();
    let entities = world.entities().count_spawned();

    world.qdel_take(&mut None);

    assert_eq!(world.entities().count_spawned(), entities);
}

#[test]
fn vector_is_deleted_in_its_order() {
    let mut world = stage();
    let [goblin, orc, troll] = spawn_many(&mut world);
    let mut field = vec![troll, goblin, orc];

    world.qdel_take(&mut field);

    assert_eq!(field, []);
    assert_eq!(told(&world), [troll, goblin, orc]);
}

#[test]
fn queue_is_deleted_in_its_order() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let mut field = VecDeque::from([orc]);
    field.push_front(goblin);

    world.qdel_take(&mut field);

    assert!(field.is_empty());
    assert_eq!(told(&world), [goblin, orc]);
}

#[test]
fn sets_are_deleted() {
    let mut world = stage();
    let [goblin, orc, troll, elf] = spawn_many(&mut world);
    let mut hashed = HashSet::from([goblin]);
    let mut sorted = BTreeSet::from([orc]);
    let mut of_entities = EntityHashSet::from_iter([troll]);
    let mut indexed = EntityIndexSet::from_iter([elf]);

    world.qdel_take(&mut hashed);
    world.qdel_take(&mut sorted);
    world.qdel_take(&mut of_entities);
    world.qdel_take(&mut indexed);

    assert!(hashed.is_empty() && sorted.is_empty());
    assert!(of_entities.is_empty() && indexed.is_empty());
    assert_eq!(told(&world), [goblin, orc, troll, elf]);
}

#[test]
fn keys_of_maps_are_deleted_and_values_are_not() {
    let mut world = stage();
    let [goblin, orc, troll, elf, value] = spawn_many(&mut world);
    let mut hashed = HashMap::from([(goblin, value)]);
    let mut sorted = BTreeMap::from([(orc, value)]);
    let mut of_entities = EntityHashMap::from_iter([(troll, value)]);
    let mut indexed = EntityIndexMap::from_iter([(elf, value)]);

    world.qdel_take_keys(&mut hashed);
    world.qdel_take_keys(&mut sorted);
    world.qdel_take_keys(&mut of_entities);
    world.qdel_take_keys(&mut indexed);

    assert!(hashed.is_empty() && sorted.is_empty());
    assert!(of_entities.is_empty() && indexed.is_empty());
    assert_eq!(told(&world), [goblin, orc, troll, elf]);
    assert_eq!(world.liveness(value), Liveness::Alive);
}

#[test]
fn values_of_maps_are_deleted_and_keys_are_not() {
    let mut world = stage();
    let [goblin, orc, troll, key] = spawn_many(&mut world);
    let mut named = BTreeMap::from([("a", orc), ("b", goblin)]);
    let mut by_entity = EntityHashMap::from_iter([(key, troll)]);

    world.qdel_take_values(&mut named);
    world.qdel_take_values(&mut by_entity);

    assert!(named.is_empty() && by_entity.is_empty());
    assert_eq!(told(&world), [orc, goblin, troll]);
    assert_eq!(world.liveness(key), Liveness::Alive);
}

#[test]
fn entries_of_maps_are_deleted_key_before_value() {
    let mut world = stage();
    let [goblin, purse, orc, sword] = spawn_many(&mut world);
    let mut field = BTreeMap::from([(goblin, purse), (orc, sword)]);

    world.qdel_take_entries(&mut field);

    assert!(field.is_empty());
    let mut told = told(&world);
    let place = |entity| told.iter().position(|at| *at == entity);
    assert!(place(goblin) < place(purse) && place(orc) < place(sword));
    told.sort_unstable_by_key(|entity| entity.index());
    assert_eq!(told, [goblin, purse, orc, sword]);
}

#[test]
fn pairs_in_a_vector_count_as_a_map() {
    let mut world = stage();
    let [goblin, orc, troll] = spawn_many(&mut world);
    let mut keys = vec![(goblin, 1), (orc, 2)];
    let mut values = vec![("troll", troll)];

    world.qdel_take_keys(&mut keys);
    world.qdel_take_values(&mut values);

    assert_eq!(told(&world), [goblin, orc, troll]);
}

#[test]
fn empty_lists_and_maps_do_nothing() {
    let mut world = World::new();
    let entities = world.entities().count_spawned();

    world.qdel_take(&mut Vec::new());
    world.qdel_take(&mut EntityHashSet::default());
    world.qdel_take_keys(&mut HashMap::<Entity, u32>::new());
    world.qdel_take_values(&mut HashMap::<u32, Entity>::new());
    world.qdel_take_entries(&mut EntityHashMap::<Entity>::default());

    assert_eq!(world.entities().count_spawned(), entities);
    assert!(world.get_resource::<QdelCounts>().is_none());
}

#[test]
fn what_the_named_own_goes_with_them() {
    let mut world = stage();
    let [goblin, purse] = spawn_many(&mut world);
    world.entity_mut(purse).insert(ChildOf(goblin));

    world.qdel_take(&mut Some(goblin));

    assert_eq!(told(&world), [goblin, purse]);
}

#[test]
fn all_that_a_field_names_are_marked_before_the_first_is_told() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.add_observer(move |_: On<Qdeleting>, mut world: DeferredWorld| {
        let states = [goblin, orc].map(|entity| world.liveness(entity));
        world.resource_mut::<Seen>().0.push(states);
    });

    world.qdel_take(&mut vec![goblin, orc]);

    assert_eq!(world.resource::<Seen>().0, [[Liveness::Deleting; 2]; 2]);
}

// Q9: those who cannot be deleted.

#[test]
fn those_who_are_gone_are_passed_over_in_silence() {
    let mut world = stage();
    record_complaints(&mut world);
    let [goblin, dead, orc] = spawn_many(&mut world);
    world.despawn(dead);
    let mut field = vec![goblin, dead, Entity::PLACEHOLDER, orc];
    forget(&mut world);

    world.qdel_take(&mut field);

    assert_eq!(field, []);
    assert_eq!(told(&world), [goblin, orc]);
    assert_eq!(complaints(), []);
    assert_eq!(world.resource::<QdelCounts>().refused, 0);
}

#[test]
fn field_that_names_only_those_who_are_gone_is_emptied() {
    let mut world = stage();
    let dead = spawn_noted(&mut world);
    world.despawn(dead);
    let mut field = Some(dead);

    world.qdel_take(&mut field);

    assert_eq!(field, None);
}

#[test]
fn who_is_named_twice_is_deleted_once() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);

    world.qdel_take(&mut vec![goblin, orc, goblin]);

    assert_eq!(told(&world), [goblin, orc]);
    assert_eq!(world.flush_qdel(), 2);
}

#[test]
fn who_is_key_and_value_is_deleted_once() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);

    world.qdel_take_entries(&mut HashMap::from([(goblin, goblin)]));

    assert_eq!(told(&world), [goblin]);
}

#[test]
fn who_is_deleting_already_is_not_told_again() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.qdel(goblin).unwrap();

    world.qdel_take(&mut vec![goblin, orc]);

    assert_eq!(told(&world), [goblin, orc]);
}

#[test]
fn veto_saves_one_and_the_field_is_empty_all_the_same() {
    let mut world = stage();
    let [goblin, king, orc] = spawn_many(&mut world);
    world.entity_mut(king).insert(Guard(QdelVerdict::Veto));
    world.register_signal(king, king, Guard::judge).unwrap();
    let mut field = vec![goblin, king, orc];

    world.qdel_take(&mut field);

    assert_eq!(field, []);
    assert_eq!(told(&world), [goblin, orc]);
    assert_eq!(world.liveness(king), Liveness::Alive);
}

#[test]
fn resource_in_a_field_of_a_world_stays_and_the_others_go() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let resource = world.resource_entity::<Told>().unwrap();

    world.qdel_take(&mut vec![goblin, resource, orc]);

    assert_eq!(told(&world), [goblin, orc]);
    assert_eq!(world.resource::<QdelCounts>().refused, 1);
}

/// No field names them any more, so nothing else would delete them.
#[test]
fn panic_in_the_veto_of_one_does_not_save_the_others() {
    let mut world = stage();
    let [goblin, king, orc] = spawn_many(&mut world);
    world.entity_mut(king).insert(Guard(QdelVerdict::Veto));
    world.register_signal(king, king, Guard::panic).unwrap();
    let mut field = vec![goblin, king, orc];

    let panicked = catch_unwind(AssertUnwindSafe(|| world.qdel_take(&mut field))).is_err();

    assert!(panicked);
    let is_named = |entity| field.contains(&entity);
    let is_deleting = |entity| world.liveness(entity) == Liveness::Deleting;
    assert!(
        [goblin, orc]
            .into_iter()
            .all(|at| is_named(at) || is_deleting(at))
    );
}

// Q9: by commands.

#[test]
fn field_is_empty_before_commands_are_applied_and_nothing_is_deleted_yet() {
    let mut world = stage();
    let [goblin, orc, key, value] = spawn_many(&mut world);
    let (mut option, mut list) = (Some(goblin), vec![orc]);
    let mut map = HashMap::from([(key, value)]);

    let mut commands = world.commands();
    commands.qdel_take(&mut option);
    commands.qdel_take(&mut list);
    commands.qdel_take_entries(&mut map);

    assert!(option.is_none() && list.is_empty() && map.is_empty());
    assert_eq!(told(&world), []);
}

#[test]
fn commands_delete_what_fields_named() {
    let mut world = stage();
    let [goblin, orc, key, value, pair, twin] = spawn_many(&mut world);

    let mut commands = world.commands();
    commands.qdel_take(&mut Some(goblin));
    commands.qdel_take(&mut vec![orc]);
    commands.qdel_take_keys(&mut HashMap::from([(key, 1)]));
    commands.qdel_take_values(&mut HashMap::from([(1, value)]));
    commands.qdel_take_entries(&mut HashMap::from([(pair, twin)]));
    world.flush();

    assert_eq!(told(&world), [goblin, orc, key, value, pair, twin]);
}

#[test]
fn command_passes_over_who_is_despawned_by_the_command_before() {
    let mut world = stage();
    record_complaints(&mut world);
    let [goblin, dead] = spawn_many(&mut world);

    let mut commands = world.commands();
    commands.entity(dead).despawn();
    commands.qdel_take(&mut vec![dead, goblin]);
    world.flush();

    assert_eq!(complaints(), []);
    assert_eq!(world.liveness(goblin), Liveness::Deleting);
}

#[test]
fn command_deletes_who_is_spawned_by_the_command_before() {
    let mut world = stage();

    let mut commands = world.commands();
    let goblin = commands.spawn_empty().id();
    commands.qdel_take(&mut Some(goblin));
    world.flush();

    assert_eq!(world.liveness(goblin), Liveness::Deleting);
}

#[test]
fn resource_in_a_field_is_a_warning_of_the_command_and_the_others_go() {
    let mut world = stage();
    record_complaints(&mut world);
    let [goblin, orc] = spawn_many(&mut world);
    let entity = world.resource_entity::<Told>().unwrap();

    let mut commands = world.commands();
    commands.qdel_take(&mut vec![goblin, entity, orc]);
    world.flush();

    let resource = entity;
    let said = QdelError::Resource { entity, resource }.to_string();
    assert_eq!(complaints(), [(Severity::Warning, said)]);
    assert_eq!(told(&world), [goblin, orc]);
}

#[test]
fn commands_of_empty_fields_are_not_queued() {
    let mut world = World::new();

    let mut commands = world.commands();
    commands.qdel_take(&mut None);
    commands.qdel_take(&mut Vec::new());
    commands.qdel_take_entries(&mut EntityHashMap::<Entity>::default());
    world.flush();

    assert!(world.get_resource::<QdelCounts>().is_none());
}

#[test]
fn batch_command_deletes_all_in_one_go() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.add_observer(move |_: On<Qdeleting>, mut world: DeferredWorld| {
        let states = [goblin, orc].map(|entity| world.liveness(entity));
        world.resource_mut::<Seen>().0.push(states);
    });

    world.commands().qdel_batch([goblin, orc]);
    world.flush();

    assert_eq!(told(&world), [goblin, orc]);
    assert_eq!(world.resource::<Seen>().0, [[Liveness::Deleting; 2]; 2]);
}

#[test]
fn batch_command_warns_of_the_first_who_is_gone() {
    let mut world = stage();
    record_complaints(&mut world);
    let [goblin, dead, other] = spawn_many(&mut world);
    world.despawn(dead);
    world.despawn(other);

    world.commands().qdel_batch([goblin, dead, other]);
    world.flush();

    let said = QdelError::NotSpawned { entity: dead }.to_string();
    assert_eq!(complaints(), [(Severity::Warning, said)]);
    assert_eq!(world.liveness(goblin), Liveness::Deleting);
}

// Q9: from inside of a deletion.

#[test]
fn destroy_deletes_what_its_component_owns_by_fields() {
    let mut world = stage();
    let [knife, pouch, coin] = spawn_many(&mut world);
    let belt = Belt {
        knife: Some(knife),
        pouches: vec![pouch],
        purse: EntityHashMap::from_iter([(coin, 3)]),
    };
    let goblin = world.spawn(belt).id();

    world.qdel(goblin).unwrap();

    assert_eq!(told(&world), [knife, pouch, coin]);
    let belt = world.get::<Belt>(goblin).unwrap();
    assert!(belt.knife.is_none() && belt.pouches.is_empty() && belt.purse.is_empty());
    assert_eq!(world.flush_qdel(), 4);
}

#[test]
fn fields_that_name_each_other_end() {
    let mut world = stage();
    let [first, second] = [(); 2].map(|()| world.spawn(Belt::default()).id());
    world.get_mut::<Belt>(first).unwrap().knife = Some(second);
    world.get_mut::<Belt>(second).unwrap().knife = Some(first);

    world.qdel(first).unwrap();

    assert_eq!(world.flush_qdel(), 2);
}

#[test]
fn handler_deletes_what_a_field_names_and_finds_it_empty_at_once() {
    let mut world = stage();
    let [goblin, knife] = spawn_many(&mut world);
    let heir = world.spawn(Holder { held: vec![knife] }).id();
    world
        .register_signal(heir, goblin, Holder::drop_all)
        .unwrap();

    world.qdel(goblin).unwrap();

    assert_eq!(told(&world), [goblin, knife]);
    assert_eq!(world.resource::<Seen>().0, [[Liveness::Alive; 2]]);
    assert!(world.get::<Holder>(heir).unwrap().held.is_empty());
}

#[test]
fn handler_of_a_plain_despawn_deletes_what_a_field_names() {
    let mut world = stage();
    let [goblin, knife] = spawn_many(&mut world);
    let heir = world.spawn(Holder { held: vec![knife] }).id();
    world
        .register_signal(heir, goblin, Holder::drop_all)
        .unwrap();

    world.despawn(goblin);

    assert_eq!(told(&world), [goblin, knife]);
    assert_eq!(world.liveness(knife), Liveness::Deleting);
}

#[test]
fn deferred_world_takes_maps_too() {
    let mut world = stage();
    let [key, value, both, twin] = spawn_many(&mut world);

    let mut deferred = DeferredWorld::from(&mut world);
    deferred.qdel_take_keys(&mut HashMap::from([(key, 1)]));
    deferred.qdel_take_values(&mut HashMap::from([(1, value)]));
    deferred.qdel_take_entries(&mut HashMap::from([(both, twin)]));
    world.flush();

    assert_eq!(told(&world), [key, value, both, twin]);
}

// The stage.

/// What was seen from inside, in order.
#[derive(Resource, Default)]
struct Seen(Vec<[Liveness; 2]>);

/// Deletes what it holds when its entity is deleted.
#[derive(Component, Default)]
struct Belt {
    knife: Option<Entity>,
    pouches: Vec<Entity>,
    purse: EntityHashMap<u32>,
}

impl Destroy for Belt {
    type Param = Commands<'static, 'static>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.qdel_take(&mut self.knife);
        going.param.qdel_take(&mut self.pouches);
        going.param.qdel_take_keys(&mut self.purse);
        DestroyHint::Queue
    }
}

/// Deletes what it holds when another entity is deleted.
#[derive(Component)]
struct Holder {
    held: Vec<Entity>,
}

impl Holder {
    fn drop_all(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let mut holder = world.get_mut::<Self>(told.listener()).unwrap();
        let mut held = core::mem::take(&mut holder.held);
        let first = held[0];
        world.qdel_take(&mut held);
        assert!(held.is_empty());
        let state = world.liveness(first);
        world.resource_mut::<Seen>().0.push([state; 2]);
    }
}

fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Told>();
    world.init_resource::<Seen>();
    world.init_resource::<QdelCounts>();
    world.register_destroy::<Belt>();
    world
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| spawn_noted(world))
}

/// Forgets what was told until now.
fn forget(world: &mut World) {
    world.resource_mut::<Told>().0.clear();
}
