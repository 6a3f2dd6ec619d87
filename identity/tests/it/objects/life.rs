//! I1, I2, I9: ids, and how objects begin and end.

use bevy_ecs::{entity_disabling::Disabled, prelude::*};
use qdel::WorldQdelExt;
use qdel_identity::{
    Persistent, Residents, Resolved, StableId, StableRef, WorldIdentityExt,
    error::{AttachError, DeleteError, LoadError, SpawnError},
    event::{Created, IdRefused},
    store::{MemoryStore, Store},
    testing::{Fault, FaultyStore},
};

use super::{Health, children, id_of, new_world, register, spawn, title, valid, world_on};
use crate::store::id;

#[derive(Resource, Default)]
struct Told(Vec<(&'static str, StableId)>);

/// I1: a plain spawn gets an id, which was reserved in the store before.
#[test]
fn plain_spawn_gets_an_id_that_is_never_reserved_again() {
    let (mut world, store) = new_world();

    let (sword, number) = spawn(&mut world, "sword");

    assert_eq!(world.find_object(number), Some(sword));
    assert!(number < *store.reserve_ids(1).unwrap().start());
    valid(&mut world);
}

/// I1: where no reserved id is left, an object gets its id at the next checkpoint.
#[test]
fn objects_beyond_the_reserved_ids_are_numbered_by_the_checkpoint() {
    let (mut world, store) = new_world();
    let entities: Vec<_> = world
        .spawn_batch((0..10_000).map(|number| (Persistent, Health(number))))
        .collect();
    world.flush();
    let with_id = |world: &World| {
        let has_id = |entity: &&Entity| world.get::<StableId>(**entity).is_some();
        entities.iter().filter(has_id).count()
    };
    assert_eq!(with_id(&world), 8192);

    let report = world.checkpoint().unwrap();

    assert_eq!(
        (with_id(&world), report.written, store.len()),
        (10_000, 10_000, 10_000)
    );
    valid(&mut world);
}

/// I1: an id of one's own choice is below the floor, free, and was never used.
#[test]
fn own_ids_are_checked_in_the_map_and_in_the_store() {
    let (mut world, store) = new_world();
    let limbo = world.spawn_object(id(2), title("Limbo")).unwrap();
    assert_eq!(id_of(&world, limbo), id(2));
    world.spawn_object(id(3), ()).unwrap();

    let taken = world.spawn_object(id(2), ()).unwrap_err();
    assert!(matches!(taken, SpawnError::Taken { .. }));
    let above = world.spawn_object(id(100), ()).unwrap_err();
    assert_eq!(
        above.to_string(),
        "#100 is handed out by the store; ids of your own choice are below #100"
    );
    world.checkpoint().unwrap();
    world.despawn(limbo);
    let deleted = world.spawn_object(id(2), ()).unwrap_err();
    assert!(matches!(deleted, SpawnError::Deleted { .. }));
    world.checkpoint().unwrap();

    let mut next = world_on(store);
    let deleted = next.spawn_object(id(2), ()).unwrap_err();
    assert!(matches!(deleted, SpawnError::Deleted { .. }));
    let taken = next.spawn_object(id(3), ()).unwrap_err();
    assert_eq!(
        taken.to_string(),
        "there is an object #3 already; load it, or choose another id"
    );
    valid(&mut world);
}

/// I1: what is spawned with an id of another object is no object, and that is reported.
#[test]
fn plain_spawn_with_an_id_loses_it() {
    let (mut world, store) = new_world();
    world.init_resource::<Told>();
    world.add_observer(|refused: On<IdRefused>, mut told: ResMut<Told>| {
        told.0.push(("refused", refused.id));
    });
    let (sword, number) = spawn(&mut world, "sword");

    let copy = world.spawn((Persistent, number, title("copy"))).id();

    assert!(!world.entity(copy).contains::<StableId>());
    assert!(!world.entity(copy).contains::<Persistent>());
    assert_eq!(world.find_object(number), Some(sword));
    assert_eq!(world.resource::<Told>().0, [("refused", number)]);
    world.despawn(copy);
    world.checkpoint().unwrap();
    assert_eq!(store.len(), 1);
    valid(&mut world);
}

/// I2: an id that is put over another one is taken away, and the object stays itself.
#[test]
fn object_keeps_its_id_when_another_one_is_inserted() {
    let (mut world, store) = new_world();
    let (sword, number) = spawn(&mut world, "sword");
    world.checkpoint().unwrap();

    world.entity_mut(sword).insert(id(77));

    assert_eq!(id_of(&world, sword), number);
    assert_eq!(world.find_object(number), Some(sword));
    assert_eq!(world.find_object(id(77)), None);
    world.checkpoint().unwrap();
    assert_eq!(store.len(), 1);
    valid(&mut world);
}

/// I2: a clone is another object.
#[test]
fn clone_gets_an_id_of_its_own() {
    let (mut world, _) = new_world();
    let (sword, number) = spawn(&mut world, "sword");

    let copy = world.entity_mut(sword).clone_and_spawn();

    assert_ne!(id_of(&world, copy), number);
    assert_eq!(world.find_object(number), Some(sword));
    valid(&mut world);
}

/// I9: whatever ends an object, it is gone at once, and from the store at the next checkpoint.
#[test]
fn every_end_of_an_object_deletes_it() {
    type End = fn(&mut World, Entity);
    let ends: [(&str, End); 6] = [
        ("despawn", |world, room| {
            world.despawn(room);
        }),
        ("qdel", |world, room| {
            world.qdel(room).unwrap();
        }),
        ("qdel and flush", |world, room| {
            world.qdel(room).unwrap();
            world.flush_qdel();
        }),
        ("by id", |world, room| {
            let id = id_of(world, room);
            world.delete_object(id).unwrap();
        }),
        ("no longer persistent", |world, room| {
            let child = children(world, room)[0];
            for entity in [room, child] {
                world.entity_mut(entity).remove::<Persistent>();
            }
        }),
        ("without its id", |world, room| {
            let child = children(world, room)[0];
            for entity in [room, child] {
                world.entity_mut(entity).remove::<(Persistent, StableId)>();
            }
        }),
    ];
    for (name, end) in ends {
        let (mut world, store) = new_world();
        let (room, number) = spawn(&mut world, "room");
        let (thing, of_thing) = spawn(&mut world, "thing");
        world.entity_mut(thing).insert(ChildOf(room));
        world.checkpoint().unwrap();

        end(&mut world, room);

        for number in [number, of_thing] {
            let reference = StableRef::new(number);
            assert_eq!(world.resolve(&reference), Resolved::Gone, "{name}");
            let gone = world.load(number).unwrap_err();
            assert!(matches!(gone, LoadError::Gone { .. }), "{name}: {gone}");
        }
        let report = world.checkpoint().unwrap();
        assert_eq!((report.deleted, store.len()), (2, 0), "{name}");
        world.flush_qdel();
        assert_eq!(world.checkpoint().unwrap().deleted, 0, "{name}");
        valid(&mut world);
    }
}

/// I9: a world that ends deletes nothing.
#[test]
fn end_of_a_world_leaves_the_store_alone() {
    let (mut world, store) = new_world();
    let (_, number) = spawn(&mut world, "sword");
    world.checkpoint().unwrap();

    world.clear_all();
    drop(world);

    let mut next = world_on(store);
    assert!(next.load(number).is_ok());
}

/// I2: a world that was cleared knows no object, and what still carries an id is none any more when
/// a store is attached again.
#[test]
fn cleared_world_knows_no_object() {
    let (mut world, store) = new_world();
    let (sword, number) = spawn(&mut world, "sword");
    world.checkpoint().unwrap();

    world.clear_resources();
    assert_eq!(world.find_object(number), None);
    world.spawn(Persistent);
    world.attach_store(store.clone()).unwrap();

    assert!(!world.entity(sword).contains::<StableId>());
    assert!(!world.entity(sword).contains::<Persistent>());
    assert_ne!(world.load(number).unwrap(), sword);
    valid(&mut world);
    assert_eq!(world.checkpoint().unwrap().deleted, 0);
}

/// I9: an object that is not resident is deleted with all that it owns, and nothing is spawned.
#[test]
fn cold_object_is_deleted_with_what_it_owns() {
    let (mut world, store) = new_world();
    let (room, of_room) = spawn(&mut world, "room");
    let (chest, of_chest) = spawn(&mut world, "chest");
    let (coin, of_coin) = spawn(&mut world, "coin");
    world.entity_mut(chest).insert(ChildOf(room));
    world.entity_mut(coin).insert(ChildOf(chest));
    world.checkpoint().unwrap();
    let mut next = world_on(store.clone());

    next.delete_object(of_chest).unwrap();

    assert_eq!(
        next.run_system_cached(|all: Residents| all.len()).unwrap(),
        0
    );
    for gone in [of_chest, of_coin] {
        assert_eq!(next.resolve(&gone.into()), Resolved::Gone);
        let again = next.delete_object(gone).unwrap_err();
        assert!(matches!(again, DeleteError::Gone { .. }));
    }
    let room = next.load(of_room).unwrap();
    assert_eq!(children(&next, room), []);
    next.checkpoint().unwrap();
    assert_eq!(store.len(), 1);
    let unknown = next.delete_object(id(50)).unwrap_err();
    assert!(matches!(unknown, DeleteError::Unknown { .. }));
    valid(&mut next);
}

/// I13: who is new hears so once, and who is loaded does not.
#[test]
fn created_objects_are_told_apart_from_loaded_ones() {
    fn listen(world: &mut World) {
        world.init_resource::<Told>();
        world.add_observer(|created: On<Created>, mut told: ResMut<Told>| {
            told.0.push(("created", created.id));
        });
        world.add_observer(
            |added: On<Add<Health>>, all: Residents, mut told: ResMut<Told>| {
                let what = if all.is_loading(added.entity) {
                    "loading"
                } else {
                    "new"
                };
                told.0.push((what, id(1)));
            },
        );
    }
    let (mut world, store) = new_world();
    listen(&mut world);
    let entity = world.spawn((Persistent, Health(3))).id();
    let number = id_of(&world, entity);
    world.spawn_object(id(7), Health(1)).unwrap();
    world.checkpoint().unwrap();
    let mut next = world_on(store);
    listen(&mut next);

    next.load(number).unwrap();

    let told = |world: &World| world.resource::<Told>().0.clone();
    assert_eq!(
        told(&world),
        [
            ("new", id(1)),
            ("created", number),
            ("new", id(1)),
            ("created", id(7))
        ]
    );
    assert_eq!(told(&next), [("loading", id(1))]);
}

/// I1: objects that were spawned before the store was attached are objects of it.
#[test]
fn objects_from_before_the_store_get_ids() {
    let mut world = World::new();
    register(&mut world);
    let early = world.spawn((Persistent, title("early"), Disabled)).id();
    let store = MemoryStore::new();

    world.attach_store(store.clone()).unwrap();

    let number = id_of(&world, early);
    world.checkpoint().unwrap();
    let mut next = world_on(store);
    let early = next.load(number).unwrap();
    assert!(next.entity(early).contains::<Disabled>());
}

/// A world has one store, and one that does not answer is not attached.
#[test]
fn attaching_is_refused_with_the_way_out() {
    let (mut world, _) = new_world();
    let twice = world.attach_store(MemoryStore::new()).unwrap_err();
    assert_eq!(
        twice.to_string(),
        "the world has a store already; a world has one store"
    );
    for call in 0..3 {
        let mut world = World::new();
        let entity = world.spawn(Persistent).id();
        let store = FaultyStore::new(MemoryStore::new());
        store.fail(call, Fault::Refuse);

        let failed = world.attach_store(store).unwrap_err();

        assert!(matches!(failed, AttachError::Store(_)));
        assert!(!world.entity(entity).contains::<StableId>());
        world.attach_store(MemoryStore::new()).unwrap();
        assert!(world.entity(entity).contains::<StableId>());
    }
}

/// Without a store, objects are plain entities, and each verb says so.
#[test]
fn verbs_without_a_store_say_so() {
    let mut world = World::new();
    world.spawn(Persistent);

    let said = [
        world.load(id(1)).unwrap_err().to_string(),
        world.checkpoint().unwrap_err().to_string(),
        world.spawn_object(id(1), ()).unwrap_err().to_string(),
        world.delete_object(id(1)).unwrap_err().to_string(),
        world.find_stored("title", b"x", 1).unwrap_err().to_string(),
    ];

    for said in said {
        assert_eq!(said, "the world has no store; attach one first");
    }
    world.poll_store();
}
