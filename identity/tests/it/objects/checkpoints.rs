//! I7: what is written, and when.

use bevy_ecs::prelude::*;
use qdel_identity::{
    CheckpointStart, Persistent, StableId, WorldIdentityExt,
    error::{CheckpointError, CommitError},
    event::{CheckpointFailed, Checkpointed},
    store::{MemoryStore, Store},
    testing::{Fault, FaultyStore},
};
use std::sync::Arc;

use super::{Health, Title, id_of, new_world, spawn, title, titles, valid, world_on};

fn reload(store: &MemoryStore, id: StableId) -> (World, Entity) {
    let mut world = world_on(store.clone());
    let entity = world.load(id).unwrap();
    (world, entity)
}

fn faulty() -> (World, Arc<FaultyStore<MemoryStore>>) {
    let store = Arc::new(FaultyStore::new(MemoryStore::new()));
    (world_on(store.clone()), store)
}

/// I7: only what changed is written, whichever way it changed.
#[test]
fn changes_are_found_by_ticks_and_written_if_they_differ() {
    let (mut world, store) = new_world();
    let (sword, number) = spawn(&mut world, "sword");
    spawn(&mut world, "shield");
    let first = world.checkpoint().unwrap();
    assert_eq!(
        (first.number, first.looked_at, first.written),
        (Some(1), 2, 2)
    );

    let nothing = world.checkpoint().unwrap();
    assert_eq!(
        (nothing.number, nothing.looked_at, nothing.written),
        (None, 0, 0)
    );
    world.get_mut::<Title>(sword).unwrap().set_changed();
    let touched = world.checkpoint().unwrap();
    assert_eq!(
        (touched.number, touched.looked_at, touched.written),
        (None, 1, 0)
    );
    world.get_mut::<Title>(sword).unwrap().0 = "Sting".into();
    let changed = world.checkpoint().unwrap();
    assert_eq!(
        (changed.number, changed.looked_at, changed.written),
        (Some(2), 1, 1)
    );
    world.entity_mut(sword).insert(Health(3));
    assert_eq!(world.checkpoint().unwrap().written, 1);
    // A removal leaves no tick.
    world.entity_mut(sword).remove::<Health>();
    assert_eq!(world.checkpoint().unwrap().written, 1);
    // Nor does a change past change detection.
    world
        .get_mut::<Title>(sword)
        .unwrap()
        .bypass_change_detection()
        .0 = "Orcrist".into();
    assert_eq!(world.checkpoint().unwrap().written, 0);
    world.mark_dirty(number);
    assert_eq!(world.checkpoint().unwrap().written, 1);

    let (next, sword) = reload(&store, number);
    assert_eq!(titles(&next, &[sword]), ["Orcrist"]);
    assert!(!next.entity(sword).contains::<Health>());
}

/// I7: hidden entities are written too.
#[test]
fn disabled_objects_are_written() {
    let (mut world, store) = new_world();
    let (sword, number) = spawn(&mut world, "sword");
    world.checkpoint().unwrap();
    world
        .entity_mut(sword)
        .insert(bevy_ecs::entity_disabling::Disabled);
    world.get_mut::<Title>(sword).unwrap().0 = "hidden".into();

    world.checkpoint().unwrap();

    let (next, sword) = reload(&store, number);
    assert_eq!(titles(&next, &[sword]), ["hidden"]);
}

/// I7: an object that moves takes the roots of all that it owns along.
#[test]
fn move_is_written_for_all_that_is_owned() {
    let (mut world, store) = new_world();
    let (room, of_room) = spawn(&mut world, "room");
    let (yard, of_yard) = spawn(&mut world, "yard");
    let (chest, of_chest) = spawn(&mut world, "chest");
    let (coin, of_coin) = spawn(&mut world, "coin");
    world.entity_mut(coin).insert(ChildOf(chest));
    world.entity_mut(chest).insert(ChildOf(room));
    world.checkpoint().unwrap();
    let units = |id| {
        let loaded = store.load(&[id]).unwrap();
        let members = loaded.units[0].members.iter().map(|(id, _)| *id);
        (loaded.units[0].root, members.collect::<Vec<_>>())
    };
    assert_eq!(units(of_coin), (of_room, vec![of_room, of_chest, of_coin]));

    world.entity_mut(chest).insert(ChildOf(yard));
    let moved = world.checkpoint().unwrap();
    assert_eq!(moved.written, 4);
    assert_eq!(units(of_coin), (of_yard, vec![of_yard, of_chest, of_coin]));
    world.entity_mut(chest).remove::<ChildOf>();
    world.checkpoint().unwrap();
    assert_eq!(units(of_coin), (of_chest, vec![of_chest, of_coin]));
    assert_eq!(units(of_yard), (of_yard, vec![of_yard]));
}

/// I7: after a failed commit, all stays dirty, and the error is returned.
#[test]
fn failed_commit_leaves_all_dirty() {
    let (mut world, store) = faulty();
    let (sword, number) = spawn(&mut world, "sword");
    let (shield, of_shield) = spawn(&mut world, "shield");
    world.checkpoint().unwrap();
    world.get_mut::<Title>(sword).unwrap().0 = "Sting".into();
    world.despawn(shield);
    for fault in [Fault::Refuse, Fault::Full] {
        store.fail(store.calls(), fault);

        let failed = world.checkpoint().unwrap_err();

        assert!(matches!(
            failed,
            CheckpointError::Commit(CommitError::Failed { number: 2, .. })
        ));
        valid(&mut world);
    }
    assert_eq!(store.inner().len(), 2);
    let report = world.checkpoint().unwrap();
    assert_eq!(
        (report.number, report.written, report.deleted),
        (Some(2), 1, 1)
    );
    let (next, sword) = reload(store.inner(), number);
    assert_eq!(titles(&next, &[sword]), ["Sting"]);
    assert!(next.find_object(of_shield).is_none());
}

/// I7, I14: where the outcome is unknown, the store is asked before anything is repeated.
#[test]
fn unknown_outcome_is_asked_for_first() {
    for (fault, again) in [(Fault::LoseAnswer, 0), (Fault::LoseCall, 1)] {
        let (mut world, store) = faulty();
        let (sword, number) = spawn(&mut world, "sword");
        store.fail(store.calls(), fault);

        let unknown = world.checkpoint().unwrap_err();

        assert!(matches!(
            unknown,
            CheckpointError::Commit(CommitError::Unknown { number: 1, .. })
        ));
        let calls = store.calls();
        store.fail(calls, Fault::Refuse);
        let unasked = world.checkpoint().unwrap_err();
        assert!(matches!(unasked, CheckpointError::Store(_)));
        assert_eq!(store.calls(), calls + 1);
        assert_eq!(world.checkpoint().unwrap().written, again, "{fault:?}");
        world.get_mut::<Title>(sword).unwrap().0 = "Sting".into();
        world.checkpoint().unwrap();
        let (next, sword) = reload(store.inner(), number);
        assert_eq!(titles(&next, &[sword]), ["Sting"]);
    }
}

/// I7: a state that was on its way when the outcome was lost is not taken for the stored one.
#[test]
fn change_that_was_taken_back_after_an_unknown_outcome_is_written() {
    let (mut world, store) = faulty();
    let (sword, number) = spawn(&mut world, "sword");
    world.checkpoint().unwrap();
    world.get_mut::<Title>(sword).unwrap().0 = "Sting".into();
    store.fail(store.calls(), Fault::LoseAnswer);
    world.checkpoint().unwrap_err();
    world.get_mut::<Title>(sword).unwrap().0 = "sword".into();

    world.checkpoint().unwrap();

    let (next, sword) = reload(store.inner(), number);
    assert_eq!(titles(&next, &[sword]), ["sword"]);
}

#[derive(Resource, Default)]
struct Told(Vec<String>);

fn listen(world: &mut World) {
    world.init_resource::<Told>();
    world.add_observer(|event: On<Checkpointed>, mut told: ResMut<Told>| {
        told.0.push(format!("{:?}", event.report.number));
    });
    world.add_observer(|event: On<CheckpointFailed>, mut told: ResMut<Told>| {
        told.0.push(event.error.to_string());
    });
}

fn wait(world: &mut World) {
    while world.checkpoint_later().unwrap() == CheckpointStart::InFlight {
        std::thread::yield_now();
    }
}

/// I7: one checkpoint is on its way at most, and what changes meanwhile is in the next one.
#[test]
fn what_changes_while_a_checkpoint_is_on_its_way_stays_dirty() {
    let (mut world, store) = new_world();
    listen(&mut world);
    let (sword, number) = spawn(&mut world, "sword");
    let started = world.checkpoint_later().unwrap();
    assert_eq!(started, CheckpointStart::Started { number: 1 });
    world.get_mut::<Title>(sword).unwrap().0 = "Sting".into();
    let (shield, _) = spawn(&mut world, "shield");

    let report = world.checkpoint().unwrap();

    assert_eq!((report.number, report.written), (Some(2), 2));
    world.despawn(shield);
    wait(&mut world);
    world.checkpoint().unwrap();
    assert_eq!(
        world.checkpoint_later().unwrap(),
        CheckpointStart::NothingToWrite
    );
    assert_eq!(
        world.resource::<Told>().0,
        ["Some(1)", "Some(2)", "Some(3)"]
    );
    let (next, sword) = reload(&store, number);
    assert_eq!(
        (titles(&next, &[sword]), store.len()),
        (vec!["Sting".to_owned()], 1)
    );
    valid(&mut world);
}

/// I7: a checkpoint on the worker that fails leaves all dirty, and says so.
#[test]
fn failed_checkpoint_on_the_worker_leaves_all_dirty() {
    for fault in [Fault::Refuse, Fault::LoseCall, Fault::LoseAnswer] {
        let (mut world, store) = faulty();
        listen(&mut world);
        let (sword, number) = spawn(&mut world, "sword");
        store.fail(store.calls(), fault);
        world.checkpoint_later().unwrap();
        world.get_mut::<Title>(sword).unwrap().0 = "Sting".into();

        wait(&mut world);
        world.checkpoint().unwrap();

        assert!(
            world.resource::<Told>().0[0].contains("commit number 1"),
            "{fault:?}"
        );
        let (next, sword) = reload(store.inner(), number);
        assert_eq!(titles(&next, &[sword]), ["Sting"]);
    }
}

/// I7: an object that ends while it is on its way does not come back.
#[test]
fn object_that_ends_while_it_is_written_is_deleted() {
    let (mut world, store) = new_world();
    let (sword, _) = spawn(&mut world, "sword");
    world.checkpoint_later().unwrap();
    world.despawn(sword);

    world.checkpoint().unwrap();

    assert_eq!(store.len(), 0);
    valid(&mut world);
}

/// A checkpoint counts what changed since the last one also over many frames.
#[test]
fn changes_are_found_over_many_frames() {
    let (mut world, store) = new_world();
    let (sword, number) = spawn(&mut world, "sword");
    world.checkpoint().unwrap();
    for frame in 0..50 {
        if frame == 3 {
            world.get_mut::<Title>(sword).unwrap().0 = "Sting".into();
        }
        world.clear_trackers();
        world.increment_change_tick();
    }

    assert_eq!(world.checkpoint().unwrap().written, 1);
    let (next, sword) = reload(&store, number);
    assert_eq!(titles(&next, &[sword]), ["Sting"]);
}

/// I6, I16: what is not registered is named in the report.
#[test]
fn report_names_what_is_not_registered() {
    #[derive(Component)]
    struct Glow;

    let (mut world, _) = new_world();
    world.spawn((Persistent, title("a"), Glow));
    world.spawn((Persistent, title("b"), Glow));

    let report = world.checkpoint().unwrap();

    assert_eq!(report.unregistered.values().sum::<usize>(), 2);
    let text = report.to_string();
    assert!(
        text.starts_with("checkpoint 1: looked at 2, written 2 (4 bytes), deleted 0\n"),
        "{text}"
    );
    assert_eq!(
        world.checkpoint().unwrap().to_string(),
        "nothing to write: looked at 0, written 0 (0 bytes), deleted 0"
    );
}

/// I5, I16: a relationship to what is no object is not written, and the report says so.
#[test]
fn report_names_relationships_to_what_is_no_object() {
    let (mut world, store) = new_world();
    let stage = world.spawn_empty().id();
    let actor = world
        .spawn((Persistent, title("actor"), ChildOf(stage)))
        .id();
    let number = id_of(&world, actor);

    let report = world.checkpoint().unwrap();

    assert_eq!(
        report.to_string(),
        "checkpoint 1: looked at 1, written 1 (6 bytes), deleted 0\n  not written: `ChildOf` of 1 objects, to what is no object"
    );
    let (next, actor) = reload(&store, number);
    assert!(!next.entity(actor).contains::<ChildOf>());
}

/// I7: what `qdel` has marked and not torn down yet is deleted by a checkpoint, once.
#[test]
fn object_that_waits_for_its_tear_down_is_deleted() {
    use qdel::WorldQdelExt;

    let (mut world, store) = new_world();
    let (sword, _) = spawn(&mut world, "sword");
    let number = id_of(&world, sword);
    world.checkpoint().unwrap();
    world.qdel(sword).unwrap();

    assert_eq!(world.checkpoint().unwrap().deleted, 1);
    assert_eq!((store.len(), world.find_object(number)), (0, None));
    world.flush_qdel();
    assert_eq!(world.checkpoint().unwrap().deleted, 0);
    valid(&mut world);
}
