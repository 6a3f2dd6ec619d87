//! I6, I15: codecs that fail, and components that cannot be stored.

use bevy_ecs::prelude::*;
use qdel_identity::{
    Persistent, Stored, WorldIdentityExt,
    error::{CheckpointError, CodecError, LoadError},
};

use super::{Health, id_of, new_world, spawn, titles, valid, world_on};

/// A component whose codec fails for some values.
#[derive(Component, Clone, Copy)]
struct Fuse(u8);

const REFUSES: Fuse = Fuse(1);
const PANICS: Fuse = Fuse(2);

fn burn(number: u8) -> Result<(), CodecError> {
    assert_ne!(number, PANICS.0, "the fuse burns");
    if number == REFUSES.0 {
        return Err(CodecError::Refused {
            cause: "it is wet".into(),
        });
    }
    Ok(())
}

fn fuse() -> Stored<Fuse> {
    Stored::with_codec(
        "Fuse",
        |fuse: &Fuse, bytes| {
            bytes.push(fuse.0);
            burn(fuse.0)
        },
        |bytes| Ok(Fuse(bytes[0])),
    )
}

/// I7: if one object cannot be written, nothing is, all stays dirty, and the error names it.
#[test]
fn object_that_cannot_be_written_holds_the_checkpoint() {
    for (bad, says) in [
        (REFUSES, "its codec refuses it: it is wet"),
        (PANICS, "its codec panicked: assertion"),
    ] {
        let (mut world, store) = new_world();
        world.persist(fuse()).unwrap();
        spawn(&mut world, "sword");
        let bomb = world.spawn((Persistent, bad)).id();
        let number = id_of(&world, bomb);

        let failed = world.checkpoint().unwrap_err();

        let text = failed.to_string();
        let begins = format!("the component `Fuse` of {number} cannot be written: {says}");
        assert!(text.starts_with(&begins), "{text}");
        assert_eq!(store.len(), 0);
        world.get_mut::<Fuse>(bomb).unwrap().0 = 7;
        assert_eq!(world.checkpoint().unwrap().written, 2);
        valid(&mut world);
    }
}

/// I15: if one component cannot be read, its unit stays out, and the others come.
#[test]
fn object_that_cannot_be_read_stays_out() {
    let (mut world, store) = new_world();
    world.persist(fuse()).unwrap();
    let bomb = world.spawn((Persistent, Fuse(7), Health(3))).id();
    let number = id_of(&world, bomb);
    let (_, of_sword) = spawn(&mut world, "sword");
    world.checkpoint().unwrap();
    for panics in [false, true] {
        let mut next = world_on(store.clone());
        let read = move |_: &[u8]| {
            assert!(!panics, "no");
            Err(CodecError::Refused { cause: "no".into() })
        };
        next.persist(Stored::<Fuse>::with_codec("Fuse", |_, _| Ok(()), read))
            .unwrap();
        let before = next.entity_count();

        let mut report = next.load_batch(&[number, of_sword]).unwrap();

        assert_eq!((report.found.len(), report.failed.len()), (1, 1));
        assert_eq!(next.entity_count(), before + 1);
        let error = report.failed.pop().and_then(|(_, error)| error).unwrap();
        assert!(matches!(&error, LoadError::Codec { id, component, .. }
            if *id == number && component == "Fuse"));
        assert_eq!(titles(&next, &[report.found[0].1]), ["sword"]);
        valid(&mut next);
    }
}

/// I6: an `Entity` means nothing in another run. A component that has one is not written.
#[test]
fn component_that_names_an_entity_is_refused_with_the_way_out() {
    #[derive(Component, Clone, Copy)]
    struct Target {
        #[entities]
        entity: Option<Entity>,
    }

    let (mut world, _) = new_world();
    let stored = Stored::<Target>::with_codec(
        "Target",
        |target, bytes| {
            let bits = target.entity.map_or(0, Entity::to_bits);
            bytes.extend(bits.to_le_bytes());
            Ok(())
        },
        |bytes| {
            let bits = u64::from_le_bytes(bytes.try_into().unwrap());
            Ok(Target {
                entity: Entity::try_from_bits(bits).filter(|_| bits != 0),
            })
        },
    );
    world.persist(stored).unwrap();
    let archer = world.spawn((Persistent, Target { entity: None })).id();
    assert_eq!(world.checkpoint().unwrap().written, 1);
    world.get_mut::<Target>(archer).unwrap().entity = Some(archer);

    let refused = world.checkpoint().unwrap_err();

    assert!(matches!(
        &refused,
        CheckpointError::Codec {
            cause: CodecError::NamesEntities,
            ..
        }
    ));
    assert!(
        refused
            .to_string()
            .ends_with("use a `StableRef` in that field")
    );
}

/// A panic in an index function is an error of the checkpoint.
#[test]
fn panic_in_an_index_function_is_an_error() {
    let (mut world, _) = new_world();
    let stored = fuse().with_index("fuse", |_: &Fuse| -> Option<Vec<u8>> { panic!("no key") });
    world.persist(stored).unwrap();
    world.spawn((Persistent, Fuse(7)));

    let failed = world.checkpoint().unwrap_err();

    assert!(failed.to_string().ends_with("its codec panicked: no key"));
}

/// What was collected of a component that failed is not taken for that of the next one.
#[test]
fn failure_leaves_nothing_for_the_next_checkpoint() {
    let (mut world, store) = new_world();
    world.persist(fuse()).unwrap();
    let bomb = world.spawn((Persistent, PANICS)).id();
    for _ in 0..3 {
        world.checkpoint().unwrap_err();
    }
    world.despawn(bomb);
    let (_, number) = spawn(&mut world, "sword");

    world.checkpoint().unwrap();

    assert_eq!(store.len(), 1);
    assert!(world_on(store).load(number).is_ok());
}
