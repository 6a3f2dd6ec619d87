//! I2, I3, I15: loading.

use std::sync::Arc;

use bevy_ecs::prelude::*;
use qdel_identity::{
    Persistent, Resolved, StableId, StableRef, WorldIdentityExt,
    error::LoadError,
    event::Loaded,
    store::{Batch, Existence, RedbStore, Store},
    testing::{Fault, FaultyStore},
};

use super::{
    Exit, Health, children, id_of, new_world, register, spawn, title, titles, valid, world_on,
};
use crate::store::id;

/// I2: loading twice gives the same entity, and reads once.
#[test]
fn loading_what_is_resident_reads_nothing() {
    let (mut world, store) = new_world();
    let (_, number) = spawn(&mut world, "sword");
    world.checkpoint().unwrap();
    let store = Arc::new(FaultyStore::new(store));
    let mut next = world_on(store.clone());
    let sword = next.load(number).unwrap();
    let calls = store.calls();

    assert_eq!(next.load(number).unwrap(), sword);
    let report = next.load_batch(&[number, number]).unwrap();

    assert_eq!(report.found, [(number, sword), (number, sword)]);
    assert_eq!(store.calls(), calls);
    valid(&mut next);
}

/// I3: one member brings its whole unit, owners first, with one read.
#[test]
fn whole_unit_comes_owners_first() {
    #[derive(Resource, Default)]
    struct Order(Vec<StableId>);

    let (mut world, store) = new_world();
    let (coin, of_coin) = spawn(&mut world, "coin");
    let (chest, of_chest) = spawn(&mut world, "chest");
    let (room, of_room) = spawn(&mut world, "room");
    world.entity_mut(coin).insert(ChildOf(chest));
    world.entity_mut(chest).insert(ChildOf(room));
    world.checkpoint().unwrap();
    let mut next = world_on(store);
    next.init_resource::<Order>();
    next.add_observer(|loaded: On<Loaded>, mut order: ResMut<Order>| order.0.push(loaded.id));

    let coin = next.load(of_coin).unwrap();

    assert_eq!(next.resource::<Order>().0, [of_room, of_chest, of_coin]);
    let chest = next.get::<ChildOf>(coin).unwrap().parent();
    let room = next.get::<ChildOf>(chest).unwrap().parent();
    assert_eq!(
        titles(&next, &[room, chest, coin]),
        ["room", "chest", "coin"]
    );
    assert_eq!(children(&next, room), [chest]);
    valid(&mut next);
}

/// I3: the order of what an object owns survives.
#[test]
fn order_of_children_survives() {
    let (mut world, store) = new_world();
    let (room, of_room) = spawn(&mut world, "room");
    let names = ["a", "b", "c", "d", "e"];
    let things: Vec<_> = names.iter().map(|name| spawn(&mut world, name).0).collect();
    for at in [3, 0, 4, 2, 1] {
        world.entity_mut(things[at]).insert(ChildOf(room));
    }
    world.checkpoint().unwrap();
    let mut next = world_on(store);

    let room = next.load(of_room).unwrap();

    assert_eq!(
        titles(&next, &children(&next, room)),
        ["d", "a", "e", "c", "b"]
    );
    // Nothing of it has changed.
    assert_eq!(next.checkpoint().unwrap().written, 0);
}

/// I3: what is not there is told apart from what never was.
#[test]
fn absent_objects_are_gone_or_unknown() {
    let (mut world, store) = new_world();
    let (sword, number) = spawn(&mut world, "sword");
    world.checkpoint().unwrap();
    world.despawn(sword);
    world.checkpoint().unwrap();
    let mut next = world_on(store);

    let gone = next.load(number).unwrap_err();
    let unknown = next.load(id(77)).unwrap_err();

    assert_eq!(
        gone.to_string(),
        format!("there is no object {number} any more")
    );
    assert_eq!(
        unknown.to_string(),
        "no object ever had the id #77 in this store; is it one of another store?"
    );
}

/// I15: a unit that cannot be read leaves the world as it was, and others load.
#[test]
fn damaged_unit_spares_the_others() {
    let (mut world, store) = new_world();
    let (room, of_room) = spawn(&mut world, "room");
    let (chest, of_chest) = spawn(&mut world, "chest");
    world.entity_mut(chest).insert(ChildOf(room));
    let (_, of_yard) = spawn(&mut world, "yard");
    world.checkpoint().unwrap();
    assert!(store.damage(of_chest, |bytes| bytes[4] ^= 1));
    let mut next = world_on(store);
    let before = next.entity_count();

    let report = next.load_batch(&[of_chest, of_room, of_yard]).unwrap();

    assert_eq!(report.found.len(), 1);
    assert_eq!(report.found[0].0, of_yard);
    assert_eq!(next.entity_count(), before + 1);
    let damaged = report.failed[0].1.as_ref().unwrap();
    assert!(matches!(damaged, LoadError::Damaged { damage, .. } if damage.id == of_chest));
    let alone = next.load(of_room).unwrap_err();
    assert!(matches!(alone, LoadError::Damaged { id, .. } if id == of_room));
    valid(&mut next);
}

/// A store that does not answer leaves the world as it was.
#[test]
fn store_that_fails_leaves_the_world_as_it_was() {
    let (mut world, store) = new_world();
    let (_, number) = spawn(&mut world, "sword");
    world.checkpoint().unwrap();
    let store = Arc::new(FaultyStore::new(store));
    let mut next = world_on(store.clone());
    store.fail(store.calls(), Fault::Refuse);

    let failed = next.load(number).unwrap_err();

    assert!(matches!(failed, LoadError::Store(_)));
    assert!(next.load(number).is_ok());
}

/// I4: a hint is believed only while its entity is the object, and heals itself.
#[test]
fn references_find_their_object_wherever_it_is() {
    let (mut world, store) = new_world();
    let (_, of_room) = spawn(&mut world, "room");
    let reference = StableRef::new(of_room);
    let exit = world.spawn((Persistent, Exit(Some(reference)))).id();
    let of_exit = id_of(&world, exit);
    world.checkpoint().unwrap();
    let mut next = world_on(store);
    let exit = next.load(of_exit).unwrap();
    let resolve = |world: &World| {
        let reference = world.get::<Exit>(exit).unwrap().0.clone().unwrap();
        world.resolve(&reference)
    };

    assert_eq!(resolve(&next), Resolved::Away);
    let room = next.load(of_room).unwrap();
    assert_eq!(resolve(&next), Resolved::Live(room));
    assert_eq!(resolve(&next), Resolved::Live(room));
    next.despawn(room);
    assert_eq!(resolve(&next), Resolved::Gone);
    assert_eq!(next.checkpoint().unwrap().written, 0);
}

/// I10: who was away when what it names was deleted hears of it when it is loaded.
#[test]
fn object_hears_late_what_it_names_and_is_gone() {
    #[derive(Resource, Default)]
    struct Gone(Vec<StableId>);

    let (mut world, store) = new_world();
    let (room, of_room) = spawn(&mut world, "room");
    let (yard, of_yard) = spawn(&mut world, "yard");
    let [exit, other] = [of_room, of_yard].map(|named| {
        let exit = Exit(Some(StableRef::new(named)));
        let entity = world.spawn((Persistent, exit)).id();
        id_of(&world, entity)
    });
    world.checkpoint().unwrap();
    world.despawn(room);
    world.checkpoint().unwrap();
    let _ = yard;
    let mut next = world_on(store);
    next.init_resource::<Gone>();
    next.add_observer(|loaded: On<Loaded>, mut gone: ResMut<Gone>| gone.0.extend(&loaded.gone));

    next.load(exit).unwrap();
    assert_eq!(next.resource::<Gone>().0, [of_room]);
    // Also if the store does not know yet.
    next.delete_object(of_yard).unwrap();
    next.load(other).unwrap();

    assert_eq!(next.resource::<Gone>().0, [of_room, of_yard]);
}

/// I3: if a hook or an observer panics, the unit is taken out again, and stays in the store.
#[test]
fn panicking_load_takes_the_unit_out() {
    for name in ["room", "chest", "coin"] {
        let (mut world, store) = new_world();
        let (room, of_room) = spawn(&mut world, "room");
        let (chest, _) = spawn(&mut world, "chest");
        let (coin, _) = spawn(&mut world, "coin");
        world.entity_mut(chest).insert(ChildOf(room));
        world.entity_mut(coin).insert(ChildOf(chest));
        world.checkpoint().unwrap();
        let mut next = world_on(store.clone());
        let before = next.entity_count();
        let observer = next.add_observer(
            move |added: On<Add<super::Title>>, titles: Query<&super::Title>| {
                assert_ne!(titles.get(added.entity).unwrap().0, name, "not that one");
            },
        );
        let observer = observer.id();

        let panicked = next.load(of_room).unwrap_err();

        assert!(panicked.to_string().contains("not that one"), "{panicked}");
        assert_eq!(next.entity_count(), before + 1);
        valid(&mut next);
        assert_eq!(next.checkpoint().unwrap().deleted, 0);
        next.despawn(observer);
        let room = next.load(of_room).unwrap();
        assert_eq!(children(&next, room).len(), 1);
        valid(&mut next);
        assert_eq!(store.len(), 3);
    }
}

/// I2: a handler that deletes what comes in deletes it.
#[test]
fn handler_may_delete_what_comes_in() {
    let (mut world, store) = new_world();
    let (room, of_room) = spawn(&mut world, "room");
    let (chest, of_chest) = spawn(&mut world, "chest");
    world.entity_mut(chest).insert((ChildOf(room), Health(0)));
    world.checkpoint().unwrap();
    let mut next = world_on(store.clone());
    next.add_observer(|added: On<Add<Health>>, mut commands: Commands| {
        commands.entity(added.entity).despawn();
    });

    let room = next.load(of_room).unwrap();

    assert_eq!(children(&next, room), []);
    assert!(matches!(next.load(of_chest), Err(LoadError::Gone { .. })));
    next.checkpoint().unwrap();
    assert_eq!(store.len(), 1);
    valid(&mut next);
}

/// I2: what a handler of a load has deleted in the store is not brought in from what was read.
#[test]
fn unit_that_ends_while_another_one_comes_in_stays_out() {
    let (mut world, store) = new_world();
    let (_, first) = spawn(&mut world, "first");
    let (_, second) = spawn(&mut world, "second");
    world.checkpoint().unwrap();
    let mut next = world_on(store.clone());
    next.add_observer(move |loaded: On<Loaded>, mut commands: Commands| {
        if loaded.id == first {
            commands.queue(move |world: &mut World| {
                world.delete_object(second).unwrap();
                world.checkpoint().unwrap();
            });
        }
    });

    let report = next.load_batch(&[first, second]).unwrap();

    assert_eq!((report.found.len(), report.failed.len()), (1, 1));
    assert!(matches!(&report.failed[0].1, Some(LoadError::Gone { id }) if *id == second));
    assert_eq!(next.find_object(second), None);
    valid(&mut next);
    assert_eq!((next.checkpoint().unwrap().written, store.len()), (0, 1));
}

/// I2: a load from inside of a load is refused where it would see half a unit.
#[test]
fn load_from_inside_of_a_load_is_refused() {
    #[derive(Resource, Default)]
    struct Answers(Vec<String>);

    let (mut world, store) = new_world();
    let entity = world.spawn((Persistent, title("room"), Health(1))).id();
    let of_room = id_of(&world, entity);
    let (_, of_yard) = spawn(&mut world, "yard");
    world.checkpoint().unwrap();
    let mut next = world_on(store);
    next.init_resource::<Answers>();
    next.add_observer(move |_: On<Add<Health>>, mut commands: Commands| {
        commands.queue(move |world: &mut World| {
            let answer = world.load(of_yard).unwrap_err().to_string();
            let checkpoint = world.checkpoint().unwrap_err().to_string();
            world
                .resource_mut::<Answers>()
                .0
                .extend([answer, checkpoint]);
        });
    });

    next.load(of_room).unwrap();

    assert_eq!(
        next.resource::<Answers>().0,
        [
            format!(
                "{of_yard} cannot be loaded while others come in; request it by `Commands::load`"
            ),
            "nothing is written while objects come in; call this from outside of their handlers"
                .to_owned(),
        ]
    );
    assert!(next.load(of_yard).is_ok());
}

/// I2: what the store has twice is not twice in the world.
#[test]
fn unit_with_a_resident_member_is_refused() {
    let (mut world, store) = new_world();
    let (_, of_room) = spawn(&mut world, "room");
    let (_, of_chest) = spawn(&mut world, "chest");
    world.checkpoint().unwrap();
    let mut next = world_on(store.clone());
    next.load(of_chest).unwrap();
    // Another writer moves the chest.
    let mut record = store.load(&[of_chest]).unwrap().units[0].members[0]
        .1
        .clone()
        .unwrap();
    record.root = of_room;
    record.owner = Some(of_room);
    let mut batch = Batch::new(store.committed().unwrap() + 1);
    batch.puts.push((of_chest, record));
    store.commit(&batch).unwrap();

    let refused = next.load(of_room).unwrap_err();

    assert!(matches!(refused, LoadError::Overlaps { member, .. } if member == of_chest));
    valid(&mut next);
}

/// I4: whether an object exists is asked of the store by request.
#[test]
fn store_says_whether_an_object_exists() {
    let (mut world, store) = new_world();
    let (_, stored) = spawn(&mut world, "sword");
    let (shield, deleted) = spawn(&mut world, "shield");
    world.checkpoint().unwrap();
    world.despawn(shield);
    let locate = |world: &World| [stored, deleted, id(50)].map(|id| world.locate(id).unwrap());
    let expected = [Existence::Stored, Existence::Gone, Existence::Unknown];
    assert_eq!(locate(&world), expected);
    world.checkpoint().unwrap();

    assert_eq!(locate(&world_on(store)), expected);
}

/// I14: a world goes on where it was when its file is opened again.
#[test]
fn world_goes_on_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    let mut world = world_on(RedbStore::create(&path).unwrap());
    let (room, _) = spawn(&mut world, "room");
    let (chest, of_chest) = spawn(&mut world, "chest");
    world.entity_mut(chest).insert(ChildOf(room));
    world.checkpoint().unwrap();
    drop(world);
    let mut next = world_on(RedbStore::open(&path).unwrap());

    let chest = next.load(of_chest).unwrap();
    next.get_mut::<super::Title>(chest).unwrap().0 = "box".into();
    next.checkpoint_later().unwrap();
    next.checkpoint().unwrap();
    drop(next);

    let mut last = world_on(RedbStore::open(&path).unwrap());
    let chest = last.load(of_chest).unwrap();
    let room = last.get::<ChildOf>(chest).unwrap().parent();
    assert_eq!(titles(&last, &[room, chest]), ["room", "box"]);
}

/// I14: objects are found by an index, resident or not.
#[test]
fn cold_objects_are_found_by_name() {
    let (mut world, store) = new_world();
    let (_, of_bilbo) = spawn(&mut world, "Bilbo");
    let (frodo, of_frodo) = spawn(&mut world, "Frodo");
    world.checkpoint().unwrap();
    world.get_mut::<super::Title>(frodo).unwrap().0 = "Bilbo".into();
    world.checkpoint().unwrap();
    let next = world_on(store);

    let found = next.find_stored("title", b"Bilbo", 10).unwrap();

    assert_eq!(found, [of_bilbo, of_frodo]);
    assert_eq!(next.find_stored("title", b"Frodo", 10).unwrap(), []);
}

/// I17: loading and ending leaves every list as small as it began.
#[test]
fn rounds_of_load_and_end_leave_nothing_behind() {
    let (mut world, store) = new_world();
    let (room, of_room) = spawn(&mut world, "room");
    let (chest, _) = spawn(&mut world, "chest");
    world.entity_mut(chest).insert(ChildOf(room));
    world.checkpoint().unwrap();
    for _ in 0..20 {
        let mut next = World::new();
        next.attach_store(store.clone()).unwrap();
        register(&mut next);
        let before = next.entity_count();
        for _ in 0..3 {
            next.load(of_room).unwrap();
        }
        assert_eq!(next.entity_count(), before + 2);
        valid(&mut next);
    }
}
