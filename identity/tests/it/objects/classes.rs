//! I6: classes of components.

use bevy_ecs::{entity_disabling::Disabled, prelude::*};
use qdel_identity::{
    CarriedAlong, Persistent, Pin, StableRef, Stored, WorldIdentityExt,
    error::RegisterError,
    store::{MemoryStore, Store},
};
use serde::{Deserialize, Serialize};

use super::{Health, LocatedIn, Title, id_of, new_world, register, title, titles, valid, world_on};

#[derive(Component, Serialize, Deserialize)]
struct Fresh(u32);

#[derive(Component)]
#[relationship(relationship_target = LovedBy)]
struct Loves {
    #[relationship]
    whom: Entity,
    much: u32,
}

#[derive(Component)]
#[relationship_target(relationship = Loves)]
struct LovedBy(Vec<Entity>);

/// I6: a component has one class, and a name is that of one component.
#[test]
fn second_registration_is_refused() {
    let (mut world, _) = new_world();
    let mut refused = |register: fn(&mut World) -> Result<(), RegisterError>| {
        register(&mut world).unwrap_err().to_string()
    };

    let said = [
        refused(|world| world.persist(Stored::<Title>::new("Other"))),
        refused(WorldIdentityExt::register_derived::<Title>),
        refused(|world| world.persist(Stored::<Fresh>::new("Title"))),
        refused(|world| world.persist(Stored::<Fresh>::new("ChildOf"))),
        refused(|world| world.persist(Stored::<Fresh>::new("LocatedIn"))),
        refused(|world| world.persist(Stored::<Fresh>::new(""))),
        refused(|world| world.persist(Stored::<Fresh>::new("Fresh").with_version(0))),
        refused(|world| {
            let upgrade = Stored::<Fresh>::new("Fresh").with_upgrade(1, Fresh);
            world.persist(upgrade)
        }),
        refused(|world| world.persist_relationship::<LocatedIn>("Place")),
        refused(|world| world.persist_relationship::<ChildOf>("Parent")),
        refused(|world| world.persist_relationship::<Loves>("Loves")),
        refused(WorldIdentityExt::register_volatile::<Disabled>),
    ];

    insta_like(&said);
    // Nothing of all that was registered.
    world.persist(Stored::<Fresh>::new("Fresh")).unwrap();
}

/// Compares with what is expected, without the paths of types.
fn insta_like(said: &[String]) {
    let here = module_path!();
    let said: Vec<_> = said
        .iter()
        .map(|said| {
            said.replace(&format!("{here}::"), "")
                .replace("it::objects::", "")
        })
        .collect();
    let expected = [
        "`Title` is registered already, as persistent under the name `Title`; register each component once",
        "`Title` is registered already, as persistent under the name `Title`; register each component once",
        "the name `Title` of `Fresh` is that of another component; stored names must differ",
        "the name `ChildOf` of `Fresh` is that of another component; stored names must differ",
        "the name `LocatedIn` of `Fresh` is that of another component; stored names must differ",
        "`Fresh` has no name; give it one, which stays when the type is renamed",
        "`Fresh` has version 0; count versions from 1",
        "`Fresh` has an upgrade from version 1 and is written in 1; raise the version",
        "`LocatedIn` is registered already, as a relationship under the name `LocatedIn`; register each component once",
        "`bevy_ecs::hierarchy::ChildOf` is registered already, as a relationship under the name `ChildOf`; register each component once",
        "the relationship `Loves` has fields beside its target, which would be lost; put them into a component of their own",
        "`bevy_ecs::entity_disabling::Disabled` is registered already, as persistent under the name `Disabled`; register each component once",
    ];
    assert_eq!(said, expected);
}

/// I6: a relationship with fields is refused as such.
#[test]
fn fields_of_relationships_are_not_lost_in_silence() {
    let mut world = World::new();
    let other = world.spawn_empty().id();
    let loves = Loves {
        whom: other,
        much: 3,
    };
    assert_eq!((loves.whom, loves.much), (other, 3));

    let refused = world.persist_relationship::<Loves>("Loves").unwrap_err();

    assert!(matches!(
        refused,
        RegisterError::RelationshipHasFields { .. }
    ));
}

/// I6: derived, volatile and unregistered components are not written.
#[test]
fn only_persistent_components_come_back() {
    #[derive(Component)]
    struct Cache;
    #[derive(Component)]
    struct Busy(bool);
    #[derive(Component)]
    struct Unknown;

    let (mut world, store) = new_world();
    world.register_derived::<Cache>().unwrap();
    world.register_volatile_if(|busy: &Busy| busy.0).unwrap();
    let thing = world
        .spawn((Persistent, title("x"), Cache, Busy(true), Unknown))
        .id();
    let number = id_of(&world, thing);

    let report = world.checkpoint().unwrap();

    assert_eq!(report.unregistered.len(), 1);
    let record = &store.load(&[number]).unwrap().units[0].members[0].1;
    let names = record
        .as_ref()
        .unwrap()
        .components
        .iter()
        .map(|it| &*it.name);
    assert_eq!(names.collect::<Vec<_>>(), ["Title"]);
}

/// I6, I11: what would be lost keeps its object, and is named.
#[test]
fn what_is_not_written_is_a_reason_to_stay() {
    #[derive(Component)]
    struct Busy(u8);
    #[derive(Component)]
    struct Unknown;

    let (mut world, _) = new_world();
    world
        .register_volatile_if(|busy: &Busy| {
            assert_ne!(busy.0, 9, "too busy");
            busy.0 > 0
        })
        .unwrap();
    let thing = world.spawn((Persistent, title("x"), Busy(0))).id();
    assert_eq!(world.pins(thing), [Pin::New]);
    world.checkpoint().unwrap();
    let mut pins = |busy| {
        world.get_mut::<Busy>(thing).unwrap().0 = busy;
        world.pins(thing)
    };

    assert_eq!(pins(0), []);
    assert!(matches!(&pins(1)[..], [Pin::Volatile { .. }]));
    let panicked = pins(9);
    assert!(matches!(&panicked[..], [Pin::Panicked { message, .. }]
        if message.contains("too busy")));
    world.get_mut::<Busy>(thing).unwrap().0 = 0;
    world.entity_mut(thing).insert(Unknown);
    assert!(matches!(&world.pins(thing)[..], [Pin::Unregistered { .. }]));
}

/// I6: what this program does not know is carried along byte for byte, with what it names and where
/// it is found.
#[test]
fn unknown_components_are_carried_along() {
    let (mut world, store) = new_world();
    let room = world.spawn((Persistent, title("room"))).id();
    let leads_to = world.object_ref(room);
    let exit = super::Exit(leads_to);
    let thing = world
        .spawn((Persistent, title("exit"), Health(3), exit))
        .id();
    let number = id_of(&world, thing);
    world.checkpoint().unwrap();
    let record = |store: &MemoryStore| store.load(&[number]).unwrap().units[0].members[0].1.clone();
    let before = record(&store).unwrap();
    // A program without exits and titles.
    let mut next = World::new();
    next.attach_store(store.clone()).unwrap();
    next.persist(Stored::<Health>::new("Health")).unwrap();
    let thing = next.load(number).unwrap();
    let names = next.get::<CarriedAlong>(thing).unwrap().components().iter();
    assert_eq!(
        names.map(|it| &*it.name).collect::<Vec<_>>(),
        ["Exit", "Title"]
    );

    next.get_mut::<Health>(thing).unwrap().0 = 4;
    assert_eq!(next.checkpoint().unwrap().written, 1);

    let mut after = record(&store).unwrap();
    let health = after.components.iter_mut().find(|it| it.name == "Health");
    health.unwrap().bytes[0] = 3;
    assert_eq!(after, before);
    let mut last = world_on(store);
    let thing = last.load(number).unwrap();
    assert_eq!(titles(&last, &[thing]), ["exit"]);
    assert!(!last.entity(thing).contains::<CarriedAlong>());
    let exit = last.get::<super::Exit>(thing).unwrap();
    assert_eq!(
        exit.0.as_ref().map(StableRef::id),
        Some(id_of(&world, room))
    );
}

/// I6: a component of an older version is upgraded when it is read.
#[test]
fn older_version_is_upgraded() {
    let (mut world, store) = new_world();
    let thing = world.spawn((Persistent, Health(3))).id();
    let number = id_of(&world, thing);
    world.checkpoint().unwrap();
    let mut next = World::new();
    next.attach_store(store.clone()).unwrap();
    let health = Stored::<Health>::new("Health").with_version(2);
    next.persist(health.with_upgrade(1, |old: u32| Health(old * 10)))
        .unwrap();

    let thing = next.load(number).unwrap();
    assert_eq!(next.get::<Health>(thing), Some(&Health(30)));
    assert_eq!(next.checkpoint().unwrap().written, 1);

    let refused = world_on(store).load(number).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "the component `Health` of {number} cannot be read: it was written in version 2, and this program knows 1; use the program that wrote it"
        )
    );
}

/// I6: Bevy's and our own components have a class, so that a bare object has nothing to report.
#[test]
fn components_of_bevy_are_registered_beforehand() {
    let (mut world, _) = new_world();
    let room = world.spawn((Persistent, title("room"))).id();
    let child = world
        .spawn((Persistent, title("child"), ChildOf(room), Disabled))
        .id();
    world.spawn((Persistent, LocatedIn(room)));
    world.entity_mut(child).observe(|_: On<Remove<Title>>| {});

    let report = world.checkpoint().unwrap();

    assert_eq!((report.written, report.unregistered.len()), (3, 0));
    valid(&mut world);
}

/// Registration may come before the store.
#[test]
fn types_may_be_registered_before_the_store_is_attached() {
    let mut world = World::new();
    register(&mut world);
    let store = MemoryStore::new();
    world.attach_store(store.clone()).unwrap();
    let thing = world.spawn((Persistent, title("x"))).id();
    let number = id_of(&world, thing);
    world.checkpoint().unwrap();

    let mut next = world_on(store);
    let thing = next.load(number).unwrap();
    assert_eq!(titles(&next, &[thing]), ["x"]);
}
