//! I13: loads by request, which no frame waits for.

use std::sync::Arc;

use bevy_ecs::prelude::*;
use qdel_identity::{
    CommandsIdentityExt, StableId, WorldIdentityExt,
    event::{LoadFailed, Loaded},
    store::MemoryStore,
    testing::{Fault, FaultyStore},
};

use super::{new_world, spawn, titles, valid, world_on};
use crate::store::id;

#[derive(Resource, Default)]
struct Told(Vec<String>);

fn listening(store: impl qdel_identity::store::Store) -> World {
    let mut world = world_on(store);
    world.init_resource::<Told>();
    world.add_observer(|loaded: On<Loaded>, mut told: ResMut<Told>| {
        told.0.push(format!("{} came", loaded.id));
    });
    world.add_observer(|failed: On<LoadFailed>, mut told: ResMut<Told>| {
        let why = failed
            .error
            .as_ref()
            .map_or("as above".to_owned(), ToString::to_string);
        told.0.push(format!("{}: {why}", failed.id));
    });
    world
}

fn stored(names: &[&str]) -> (MemoryStore, Vec<StableId>) {
    let (mut world, store) = new_world();
    let ids = names.iter().map(|name| spawn(&mut world, name).1).collect();
    world.checkpoint().unwrap();
    (store, ids)
}

/// Polls until something is told.
fn wait_for(world: &mut World, count: usize) -> Vec<String> {
    while world.resource::<Told>().0.len() < count {
        world.poll_store();
        std::thread::yield_now();
    }
    world.resource::<Told>().0.clone()
}

fn request(world: &mut World, ids: &[StableId]) {
    let ids = ids.to_vec();
    world.commands().load_batch(ids);
    world.flush();
}

/// I13: a request is read by a thread, and comes when the world polls.
#[test]
fn requested_objects_come_later() {
    let (store, ids) = stored(&["a", "b"]);
    let mut world = listening(store);

    request(&mut world, &ids);
    world.commands().load(ids[0]);
    world.flush();

    assert_eq!(world.find_object(ids[0]), None);
    let told = wait_for(&mut world, 2);
    assert_eq!(
        told,
        [format!("{} came", ids[0]), format!("{} came", ids[1])]
    );
    let a = world.find_object(ids[0]).unwrap();
    assert_eq!(titles(&world, &[a]), ["a"]);
    request(&mut world, &ids);
    world.poll_store();
    assert_eq!(world.resource::<Told>().0.len(), 2);
    valid(&mut world);
}

/// I13: a request that fails is told, and may be made again.
#[test]
fn failed_requests_are_told() {
    let (store, ids) = stored(&["a", "b"]);
    let store = Arc::new(FaultyStore::new(store));
    let mut world = listening(store.clone());
    store.fail(store.calls(), Fault::Refuse);
    request(&mut world, &ids);
    assert_eq!(
        wait_for(&mut world, 2),
        [
            format!(
                "{}: the store cannot be read: the store did not answer: a test wants it so; try again",
                ids[0]
            ),
            format!("{}: as above", ids[1]),
        ]
    );

    request(&mut world, &[id(50), ids[0]]);

    let told = wait_for(&mut world, 4);
    assert_eq!(told[2], format!("{} came", ids[0]));
    assert!(told[3].starts_with("#50: no object ever had the id"));
}

/// I2: what was read is not put into the world if the object was there and left meanwhile.
#[test]
fn stale_reads_are_read_again() {
    let (store, ids) = stored(&["a"]);
    let mut world = listening(store);
    request(&mut world, &ids);
    // Another load is faster, and the object ends before what was read is put into the world.
    let entity = world.load(ids[0]).unwrap();
    world.despawn(entity);
    world.checkpoint().unwrap();

    let told = wait_for(&mut world, 2);

    assert_eq!(told[0], format!("{} came", ids[0]));
    assert!(told[1].contains("there is no object"), "{told:?}");
    assert_eq!(world.find_object(ids[0]), None);
    valid(&mut world);
}

/// I2: an object that left and is still stored comes by another read.
#[test]
fn object_that_left_meanwhile_comes_by_another_read() {
    let (store, ids) = stored(&["a"]);
    let store = Arc::new(FaultyStore::new(store));
    let mut world = listening(store.clone());
    let calls = store.calls();
    request(&mut world, &ids);
    let observer = world
        .add_observer(|_: On<Add<super::Title>>| panic!("not yet"))
        .id();
    world.load(ids[0]).unwrap_err();
    world.despawn(observer);

    assert_eq!(wait_for(&mut world, 1), [format!("{} came", ids[0])]);
    assert_eq!(store.calls(), calls + 3);
    valid(&mut world);
}

/// I2: what another load has brought meanwhile is not brought twice.
#[test]
fn two_loads_give_one_entity() {
    let (store, ids) = stored(&["a"]);
    let mut world = listening(store);
    request(&mut world, &ids);
    let entity = world.load(ids[0]).unwrap();
    for _ in 0..1000 {
        world.poll_store();
        std::thread::yield_now();
    }

    assert_eq!(world.find_object(ids[0]), Some(entity));
    assert_eq!(world.resource::<Told>().0.len(), 1);
    valid(&mut world);
}

/// I2: a request from a handler of a load is put off.
#[test]
fn request_from_a_handler_is_put_off() {
    let (store, ids) = stored(&["a", "b"]);
    let next = ids[1];
    let mut world = listening(store);
    world.add_observer(move |_: On<Loaded>, mut commands: Commands| commands.load(next));

    world.load(ids[0]).unwrap();

    let told = wait_for(&mut world, 2);
    assert_eq!(told[1], format!("{next} came"));
}

/// Without a store, a request fails at once.
#[test]
fn request_without_a_store_fails() {
    let mut world = World::new();
    world.init_resource::<Told>();
    world.add_observer(|failed: On<LoadFailed>, mut told: ResMut<Told>| {
        told.0.push(failed.error.as_ref().unwrap().to_string());
    });

    request(&mut world, &[id(1)]);

    assert_eq!(
        world.resource::<Told>().0,
        ["the world has no store; attach one first"]
    );
}

#[cfg(feature = "bevy_app")]
mod plugin {
    use core::time::Duration;

    use bevy_app::App;
    use qdel_identity::{AppIdentityExt, IdentityPlugin, Persistent, Stored};

    use super::*;
    use crate::objects::{Title, title};

    /// I13: the plugin takes in what was loaded, and writes what changed.
    #[test]
    fn plugin_loads_and_writes() {
        let (store, ids) = stored(&["a"]);
        let mut app = App::new();
        app.add_plugins(IdentityPlugin {
            checkpoint_every: Some(Duration::ZERO),
        });
        app.persist(Stored::<Title>::new("Title")).unwrap();
        app.update();
        app.world_mut().attach_store(store.clone()).unwrap();
        app.world_mut().spawn((Persistent, title("new")));
        let number = ids[0];
        app.add_systems(bevy_app::Startup, move |mut commands: Commands| {
            commands.load(number);
        });

        while app.world().find_object(number).is_none() || store.len() < 2 {
            app.update();
            if app.world().find_object(number).is_none() {
                app.world_mut().commands().load(number);
            }
        }

        valid(app.world_mut());
    }

    /// I7: an app that exits loses nothing.
    #[test]
    fn plugin_writes_when_the_app_exits() {
        let store = MemoryStore::new();
        let mut app = App::new();
        app.add_plugins(IdentityPlugin {
            checkpoint_every: None,
        });
        app.world_mut().attach_store(store.clone()).unwrap();
        app.world_mut().spawn(Persistent);
        app.update();
        assert_eq!(store.len(), 0);

        app.world_mut().write_message(bevy_app::AppExit::Success);
        app.update();

        assert_eq!(store.len(), 1);
    }
}
