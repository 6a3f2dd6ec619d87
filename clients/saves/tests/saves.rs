//! What is saved while it is being deleted comes back alive and seen, or not at all (Q7).

use std::{
    any::TypeId,
    io::{Cursor, Write},
    sync::{Arc, Mutex},
};

use bevy_app::{App, TaskPoolPlugin};
use bevy_asset::{AssetPath, AssetPlugin, LoadFromPath, UntypedHandle};
use bevy_ecs::{
    entity::EntityHashMap, entity_disabling::Disabled, prelude::*, reflect::AppTypeRegistry,
};
use bevy_reflect::Reflect;
use bevy_world_serialization::{DynamicWorld, serde::WorldDeserializer};
use moonshine_save::prelude::*;
use qdel::{Deleting, prelude::*};
use serde::de::DeserializeSeed;

#[derive(Component, Reflect, Clone, Copy, Debug, PartialEq, Eq)]
#[reflect(Component)]
struct Health(i32);

#[derive(Component, Reflect, Clone, Copy, Debug, Default, PartialEq, Eq, References)]
#[reflect(Component)]
struct Follows {
    #[entities]
    leader: Option<Entity>,
}

fn app() -> App {
    let mut app = App::new();
    app.add_plugins((
        TaskPoolPlugin::default(),
        AssetPlugin::default(),
        QdelPlugin::default(),
    ))
    .register_type::<Health>()
    .register_type::<Follows>()
    .register_type::<Disabled>()
    .register_type::<ChildOf>()
    .register_type::<Children>()
    .track_references::<Follows>();
    app
}

/// Returns an app in which an owner with two of its own, and another entity, are being deleted.
/// Four are not, and one of these was disabled before.
fn app_at_work() -> App {
    let mut app = app();
    let world = app.world_mut();
    let spawn = |world: &mut World, health| world.spawn((Health(health), Save)).id();
    let [owner, other, alive, _] = [1, 4, 11, 12].map(|health| spawn(world, health));
    for health in [2, 3] {
        world.spawn((Health(health), Save, ChildOf(owner)));
    }
    world.spawn((
        Health(13),
        Save,
        Follows {
            leader: Some(owner),
        },
    ));
    world.spawn((
        Health(14),
        Save,
        Follows {
            leader: Some(alive),
        },
    ));
    world.qdel(owner).unwrap();
    world.qdel(other).unwrap();
    assert_eq!(deleting(world), 4);
    app
}

fn deleting(world: &mut World) -> usize {
    let mut all = world.query_filtered::<(), (With<Deleting>, Allow<Disabled>)>();
    all.iter(world).count()
}

/// Asserts that all entities are alive and seen, and returns the healths, sorted.
#[track_caller]
fn seen_and_alive(world: &mut World) -> Vec<i32> {
    let mut all = world.query_filtered::<(Entity, &Health), Allow<Disabled>>();
    let all: Vec<(Entity, i32)> = all
        .iter(world)
        .map(|(entity, health)| (entity, health.0))
        .collect();
    for (entity, health) in &all {
        assert_eq!(world.liveness(*entity), Liveness::Alive, "{health}");
        let entity = world.entity(*entity);
        assert!(!entity.contains::<Disabled>(), "{health} is hidden");
        assert!(!entity.contains::<Deleting>(), "{health} is marked");
    }
    let mut healths: Vec<i32> = all.into_iter().map(|(_, health)| health).collect();
    healths.sort_unstable();
    healths
}

/// Asserts that all entities of a world can be deleted as ever, and that none waits.
#[track_caller]
fn all_can_go(world: &mut World) {
    let mut all = world.query_filtered::<Entity, (With<Health>, Without<ChildOf>)>();
    for entity in all.iter(world).collect::<Vec<_>>() {
        assert_eq!(world.qdel(entity), Ok(QdelOutcome::Queued));
    }
    world.flush_qdel();
    assert_eq!(seen_and_alive(world), []);
}

fn write(saved: &DynamicWorld, app: &mut App) -> EntityHashMap<Entity> {
    let mut map = EntityHashMap::default();
    saved.write_to_world(app.world_mut(), &mut map).unwrap();
    map
}

#[test]
fn whole_world_comes_back_alive_and_seen() {
    let app_before = app_at_work();

    let saved = DynamicWorld::from_world(app_before.world());
    let mut after = app();
    write(&saved, &mut after);

    let healths = seen_and_alive(after.world_mut());
    assert!(healths.ends_with(&[11, 12, 13, 14]), "{healths:?}");
    after.update();
    assert_eq!(seen_and_alive(after.world_mut()), healths);
    all_can_go(after.world_mut());
}

#[test]
fn whole_world_comes_back_alive_and_seen_from_its_text() {
    let app_before = app_at_work();
    let types = app_before.world().resource::<AppTypeRegistry>().clone();

    let text = DynamicWorld::from_world(app_before.world())
        .serialize(&types.read())
        .unwrap();
    let mut after = app();
    let types = after.world().resource::<AppTypeRegistry>().clone();
    let mut text = ron::de::Deserializer::from_str(&text).unwrap();
    let saved = {
        let type_registry = &types.read();
        let mut load_from_path = NoAssets;
        let seed = WorldDeserializer {
            type_registry,
            load_from_path: &mut load_from_path,
        };
        seed.deserialize(&mut text).unwrap()
    };
    write(&saved, &mut after);

    let healths = seen_and_alive(after.world_mut());
    assert!(healths.ends_with(&[11, 12, 13, 14]), "{healths:?}");
    all_can_go(after.world_mut());
}

#[test]
fn world_that_is_loaded_beside_the_one_that_goes_is_alive_and_seen() {
    let mut app = app_at_work();

    let saved = DynamicWorld::from_world(app.world());
    let map = write(&saved, &mut app);

    // The copies are alive, and those that were being deleted still are.
    for copy in map.values() {
        assert_eq!(app.world().liveness(*copy), Liveness::Alive);
        assert!(!app.world().entity(*copy).contains::<Disabled>());
    }
    assert_eq!(deleting(app.world_mut()), 4);
    app.update();
    assert_eq!(deleting(app.world_mut()), 0);
    let healths = seen_and_alive(app.world_mut());
    let alive: Vec<i32> = healths.into_iter().filter(|health| *health > 10).collect();
    assert_eq!(alive, [11, 11, 12, 12, 13, 13, 14, 14]);
}

#[test]
fn save_that_is_loaded_over_one_that_lives_leaves_it_alive_and_seen() {
    let app_before = app_at_work();
    let saved = DynamicWorld::from_world(app_before.world());
    let mut after = app();
    let mut map = EntityHashMap::default();
    for entity in &saved.entities {
        let alive = after.world_mut().spawn(Health(0)).id();
        map.insert(entity.entity, alive);
    }

    saved.write_to_world(after.world_mut(), &mut map).unwrap();

    seen_and_alive(after.world_mut());
    all_can_go(after.world_mut());
}

#[test]
fn save_that_is_loaded_over_one_that_goes_does_not_bring_it_back() {
    let mut app = app_at_work();
    let world = app.world_mut();
    let mut marked = world.query_filtered::<Entity, (With<Deleting>, Allow<Disabled>)>();
    let marked: Vec<Entity> = marked.iter(world).collect();
    let saved = DynamicWorld::from_world(world);
    let mut map: EntityHashMap<Entity> = marked.iter().map(|entity| (*entity, *entity)).collect();

    saved.write_to_world(world, &mut map).unwrap();

    for entity in &marked {
        assert_eq!(app.world().liveness(*entity), Liveness::Deleting);
        assert!(app.world().entity(*entity).contains::<Disabled>());
    }
    app.update();
    for entity in &marked {
        assert_eq!(app.world().liveness(*entity), Liveness::Gone);
    }
}

#[test]
fn save_of_the_chosen_leaves_out_who_is_being_deleted() {
    let mut before = app_at_work();
    let stream = Stream::default();
    before.add_observer(save_on_default_event);

    let save = SaveWorld::default_into_stream(stream.clone());
    before.world_mut().trigger_save(save);
    before.world_mut().flush();
    let mut after = app();
    after.add_observer(load_on_default_event);
    let saved = Cursor::new(stream.0.lock().unwrap().clone());
    let load = LoadWorld::default_from_stream(saved);
    after.world_mut().trigger_load(load);
    after.world_mut().flush();

    assert_eq!(seen_and_alive(after.world_mut()), [11, 12, 13, 14]);
    let world = after.world_mut();
    let mut all = world.query::<(&Health, &Follows)>();
    // The reference to the one that was being deleted was released.
    let leaderless = all
        .iter(world)
        .filter(|(_, follows)| follows.leader.is_none());
    assert_eq!(
        leaderless.map(|(health, _)| health.0).collect::<Vec<_>>(),
        [13]
    );
    all_can_go(world);
}

/// Nothing that is saved here names an asset.
struct NoAssets;

impl LoadFromPath for NoAssets {
    fn load_from_path_erased(&mut self, _: TypeId, path: AssetPath<'static>) -> UntypedHandle {
        panic!("an asset is named: {path}");
    }
}

/// What was saved.
#[derive(Clone, Default)]
struct Stream(Arc<Mutex<Vec<u8>>>);

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
