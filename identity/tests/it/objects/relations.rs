//! I5: relationships.

use bevy_ecs::{prelude::*, relationship::RelationshipTarget};
use qdel_identity::{Persistent, StableId, WorldIdentityExt, event::Loaded, store::MemoryStore};

use super::{Contents, LocatedIn, id_of, new_world, spawn, title, titles, valid, world_on};

#[derive(Component)]
#[relationship(relationship_target = Loved)]
struct Loves(Entity);

#[derive(Component)]
#[relationship_target(relationship = Loves)]
struct Loved(Vec<Entity>);

fn world_with_love(store: &MemoryStore) -> World {
    let mut world = world_on(store.clone());
    world.persist_relationship::<Loves>("Loves").unwrap();
    world
}

/// A room, who is in it, and the ids of both.
fn room_and_guest(world: &mut World) -> [(Entity, StableId); 2] {
    let room = spawn(world, "room");
    let guest = spawn(world, "guest");
    world.entity_mut(guest.0).insert(LocatedIn(room.0));
    [room, guest]
}

fn contents(world: &World, room: Entity) -> Vec<Entity> {
    let contents = world.get::<Contents>(room);
    contents.map_or(Vec::new(), |contents| contents.iter().collect())
}

/// I5: a relationship is there again when both ends are, whichever comes first.
#[test]
fn relationship_comes_back_in_either_order() {
    for guest_first in [false, true] {
        let (mut world, store) = new_world();
        let [(_, of_room), (_, of_guest)] = room_and_guest(&mut world);
        world.checkpoint().unwrap();
        let mut next = world_on(store);
        let order = if guest_first {
            [of_guest, of_room]
        } else {
            [of_room, of_guest]
        };

        let first = next.load(order[0]).unwrap();
        assert!(!next.entity(first).contains::<LocatedIn>());
        assert!(!next.entity(first).contains::<Contents>());
        next.load(order[1]).unwrap();

        let room = next.load(of_room).unwrap();
        let guest = next.load(of_guest).unwrap();
        assert_eq!(next.get::<LocatedIn>(guest), Some(&LocatedIn(room)));
        assert_eq!(contents(&next, room), [guest]);
        assert_eq!(next.checkpoint().unwrap().written, 0);
        valid(&mut next);
    }
}

/// I5: while the target is away, the relationship is written as it was.
#[test]
fn relationship_to_what_is_away_survives_a_change() {
    let (mut world, store) = new_world();
    let [(_, of_room), (_, of_guest)] = room_and_guest(&mut world);
    world.checkpoint().unwrap();
    let mut next = world_on(store.clone());
    let guest = next.load(of_guest).unwrap();
    next.get_mut::<super::Title>(guest).unwrap().0 = "Bilbo".into();
    assert_eq!(next.checkpoint().unwrap().written, 1);
    let mut last = world_on(store);

    let report = last.load_batch(&[of_guest, of_room]).unwrap();

    let [(_, guest), (_, room)] = report.found[..] else {
        panic!("both should come");
    };
    assert_eq!(contents(&last, room), [guest]);
    assert_eq!(titles(&last, &[guest]), ["Bilbo"]);
}

/// I5: who moved on while the old room was away is not called back.
#[test]
fn newer_target_counts_more_than_the_one_that_is_away() {
    let (mut world, store) = new_world();
    let [(_, of_room), (_, of_guest)] = room_and_guest(&mut world);
    let (_, of_yard) = spawn(&mut world, "yard");
    world.checkpoint().unwrap();
    let mut next = world_on(store.clone());
    let guest = next.load(of_guest).unwrap();
    let yard = next.load(of_yard).unwrap();
    next.entity_mut(guest).insert(LocatedIn(yard));

    let room = next.load(of_room).unwrap();

    assert_eq!(
        (contents(&next, room), contents(&next, yard)),
        (vec![], vec![guest])
    );
    next.checkpoint().unwrap();
    let mut last = world_on(store);
    let [room, yard, guest] = [of_room, of_yard, of_guest].map(|id| last.load(id).unwrap());
    assert_eq!(
        (contents(&last, room), contents(&last, yard)),
        (vec![], vec![guest])
    );
}

/// I5: who left the place where it was by hand is nowhere, also when the old room comes back.
#[test]
fn relationship_that_was_ended_does_not_come_back() {
    let (mut world, store) = new_world();
    let [(_, of_room), (_, of_guest)] = room_and_guest(&mut world);
    let (_, of_yard) = spawn(&mut world, "yard");
    world.checkpoint().unwrap();
    let mut next = world_on(store);
    let guest = next.load(of_guest).unwrap();
    let yard = next.load(of_yard).unwrap();
    next.entity_mut(guest).insert(LocatedIn(yard));
    next.entity_mut(guest).remove::<LocatedIn>();

    let room = next.load(of_room).unwrap();

    assert_eq!(contents(&next, room), []);
    assert!(!next.entity(guest).contains::<LocatedIn>());
}

/// I5, I9: a target that was deleted while the source was away is not waited for.
#[test]
fn relationship_to_what_was_deleted_is_dropped() {
    let (mut world, store) = new_world();
    let [(_, of_room), (_, of_guest)] = room_and_guest(&mut world);
    world.checkpoint().unwrap();
    let mut next = world_on(store.clone());
    next.load(of_guest).unwrap();
    next.delete_object(of_room).unwrap();
    assert_eq!(next.checkpoint().unwrap().written, 1);

    let mut last = world_on(store);
    let guest = last.load(of_guest).unwrap();

    assert!(!last.entity(guest).contains::<LocatedIn>());
    assert_eq!(last.checkpoint().unwrap().written, 0);
    valid(&mut last);
}

/// I3, I5: those who relate to each other in a circle come in one pass.
#[test]
fn circle_comes_in_one_pass() {
    let (mut world, store) = new_world();
    world.persist_relationship::<Loves>("Loves").unwrap();
    let (room, of_room) = spawn(&mut world, "room");
    let [a, b] = ["a", "b"].map(|name| world.spawn((Persistent, title(name), ChildOf(room))).id());
    let [of_a, of_b] = [a, b].map(|entity| id_of(&world, entity));
    world.entity_mut(a).insert(Loves(b));
    world.entity_mut(b).insert(Loves(a));
    world.checkpoint().unwrap();
    let mut next = world_with_love(&store);

    next.load(of_room).unwrap();

    let [a, b] = [of_a, of_b].map(|id| next.find_object(id).unwrap());
    assert_eq!(next.get::<Loves>(a).unwrap().0, b);
    assert_eq!(next.get::<Loves>(b).unwrap().0, a);
    assert_eq!(
        next.get::<Loved>(a).unwrap().iter().collect::<Vec<_>>(),
        [b]
    );
    assert_eq!(next.checkpoint().unwrap().written, 0);
}

/// I5: if a load fails when its relationships are there, those who stay wait for it again.
#[test]
fn failed_load_gives_relationships_back() {
    let (mut world, store) = new_world();
    let [(_, of_room), (_, of_guest)] = room_and_guest(&mut world);
    world.checkpoint().unwrap();
    let mut next = world_on(store);
    let guest = next.load(of_guest).unwrap();
    let observer = next
        .add_observer(|_: On<Add<LocatedIn>>| panic!("no entry"))
        .id();

    let failed = next.load(of_room).unwrap_err();

    assert!(failed.to_string().ends_with("panicked: no entry"));
    assert!(!next.entity(guest).contains::<LocatedIn>());
    valid(&mut next);
    next.despawn(observer);
    let room = next.load(of_room).unwrap();
    assert_eq!(contents(&next, room), [guest]);
    assert_eq!(next.checkpoint().unwrap().written, 0);
}

/// I5: who is no object any more waits for nothing.
#[test]
fn what_is_no_object_any_more_waits_for_nothing() {
    let (mut world, store) = new_world();
    let [(_, of_room), (_, of_guest)] = room_and_guest(&mut world);
    world.checkpoint().unwrap();
    let mut next = world_on(store.clone());
    let guest = next.load(of_guest).unwrap();
    next.entity_mut(guest).remove::<Persistent>();
    next.entity_mut(guest).insert(Persistent);
    assert_ne!(id_of(&next, guest), of_guest);

    let room = next.load(of_room).unwrap();

    assert_eq!(contents(&next, room), []);
    next.checkpoint().unwrap();
    assert_eq!(store.len(), 2);
    valid(&mut next);
}

/// The scene of the two Limbo rooms: in all orders of coming in, there is one room, and both guests
/// see both.
#[test]
fn there_is_one_limbo() {
    let orders: [[usize; 3]; 6] = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for order in orders {
        let (mut world, store) = new_world();
        let (limbo, of_limbo) = spawn(&mut world, "Limbo");
        let guests = ["Char1", "Char2"].map(|name| {
            let guest = world
                .spawn((Persistent, title(name), LocatedIn(limbo)))
                .id();
            id_of(&world, guest)
        });
        world.checkpoint().unwrap();
        let mut next = world_on(store);
        let ids = [of_limbo, guests[0], guests[1]];

        for at in order {
            next.load(ids[at]).unwrap();
        }

        let limbo = next.find_object(of_limbo).unwrap();
        let mut seen = contents(&next, limbo);
        seen.sort_unstable();
        let mut guests = guests.map(|id| next.find_object(id).unwrap());
        guests.sort_unstable();
        assert_eq!(seen, guests);
        let mut rooms = next.query::<(&super::Title, &StableId)>();
        assert_eq!(
            rooms
                .iter(&next)
                .filter(|(title, _)| title.0 == "Limbo")
                .count(),
            1
        );
        valid(&mut next);
    }
}

/// I3: handlers of `Loaded` see the whole unit, with its relationships.
#[test]
fn loaded_unit_is_whole_when_it_is_told() {
    #[derive(Resource, Default)]
    struct Seen(Vec<usize>);

    let (mut world, store) = new_world();
    let (room, of_room) = spawn(&mut world, "room");
    for name in ["a", "b"] {
        world.spawn((Persistent, title(name), ChildOf(room)));
    }
    world.checkpoint().unwrap();
    let mut next = world_on(store);
    next.init_resource::<Seen>();
    next.add_observer(
        |loaded: On<Loaded>, parents: Query<&Children>, mut seen: ResMut<Seen>| {
            seen.0
                .extend(parents.get(loaded.entity).map(RelationshipTarget::len));
        },
    );

    next.load(of_room).unwrap();

    assert_eq!(next.resource::<Seen>().0, [2]);
}
