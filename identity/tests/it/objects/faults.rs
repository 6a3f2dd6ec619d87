//! I7, I14: a store that fails in any call of a scenario.

use std::{collections::BTreeMap, sync::Arc};

use bevy_ecs::prelude::*;
use qdel_identity::{
    Persistent, StableId, WorldIdentityExt,
    store::{MemoryStore, Store},
    testing::{Fault, FaultyStore},
};

use super::{Title, id_of, register, title, valid};
use crate::store::id;

type Faulty = Arc<FaultyStore<MemoryStore>>;

/// All titles by the number of the commit after which they were stored.
type Snapshots = BTreeMap<u64, BTreeMap<StableId, String>>;

fn store() -> Faulty {
    let memory = MemoryStore::with_floor(id(100));
    Arc::new(FaultyStore::new(memory))
}

/// Repeats `call` while the store fails. `None` if it never does anything else.
fn insist<T, E: core::fmt::Debug>(mut call: impl FnMut() -> Result<T, E>) -> Option<T> {
    (0..4).find_map(|_| call().ok())
}

/// Makes, changes, moves, deletes and reloads objects, with a checkpoint after each. `None` if the
/// store fails for good.
fn play(store: &Faulty) -> Option<()> {
    let mut world = World::new();
    register(&mut world);
    insist(|| world.attach_store(store.clone()))?;
    let room = insist(|| world.spawn_object(id(2), title("room")))?;
    let yard = world.spawn((Persistent, title("yard"))).id();
    insist(|| world.checkpoint())?;
    let sword = world
        .spawn((Persistent, title("sword"), ChildOf(room)))
        .id();
    let number = id_of(&world, sword);
    insist(|| world.checkpoint())?;
    world.get_mut::<Title>(sword).unwrap().0 = "Sting".into();
    insist(|| world.checkpoint())?;
    world.entity_mut(sword).insert(ChildOf(yard));
    world.despawn(room);
    insist(|| world.checkpoint())?;
    valid(&mut world);
    let mut world = World::new();
    register(&mut world);
    insist(|| world.attach_store(store.clone()))?;
    let sword = insist(|| world.load(number))?;
    world.get_mut::<Title>(sword).unwrap().0 = "Orcrist".into();
    world.spawn((Persistent, title("shield")));
    insist(|| world.checkpoint())?;
    valid(&mut world);
    Some(())
}

/// Loads all that is stored, and returns the titles.
fn stored(store: &MemoryStore) -> BTreeMap<StableId, String> {
    let ids = store.scan(None, usize::MAX).unwrap();
    let mut world = World::new();
    register(&mut world);
    world.attach_store(store.clone()).unwrap();
    let report = world.load_batch(&ids).unwrap();
    assert_eq!(report.failed.len(), 0, "{report}");
    valid(&mut world);
    let title = |(id, entity)| (id, world.get::<Title>(entity).unwrap().0.clone());
    report.found.into_iter().map(title).collect()
}

/// The scenario without a fault: how many calls it makes, and what is stored after each commit.
fn recorded() -> (u64, Snapshots) {
    let whole = store();
    play(&whole).unwrap();
    let calls = whole.calls();
    let mut snapshots = Snapshots::new();
    for last in 0..=calls {
        let store = store();
        store.die(last);
        play(&store);
        let number = store.inner().committed().unwrap();
        snapshots.insert(number, stored(store.inner()));
    }
    (calls, snapshots)
}

/// I7: whichever call fails, in whichever way, the end is the same but for ids that are skipped.
#[test]
fn each_call_may_fail_once() {
    let (calls, snapshots) = recorded();
    assert_eq!(snapshots.len(), 6);
    let titles = |stored: &BTreeMap<_, String>| stored.values().cloned().collect::<Vec<_>>();
    let expected = titles(snapshots.values().last().unwrap());
    assert_eq!(expected, ["yard", "Orcrist", "shield"]);
    for call in 0..calls {
        for fault in [
            Fault::Refuse,
            Fault::Full,
            Fault::LoseAnswer,
            Fault::LoseCall,
        ] {
            let store = store();
            store.fail(call, fault);

            play(&store).unwrap();

            let found = titles(&stored(store.inner()));
            assert_eq!(found, expected, "call {call}, {fault:?}");
        }
    }
}

/// I7: wherever the store dies, it has what was committed, as a whole.
#[test]
fn store_that_dies_has_the_last_commit() {
    let (calls, snapshots) = recorded();
    for call in 0..calls {
        for fault in [Fault::LoseAnswer, Fault::LoseCall, Fault::Refuse] {
            let store = store();
            store.fail(call, fault);
            store.die(call + 1);

            play(&store);

            let number = store.inner().committed().unwrap();
            assert_eq!(
                stored(store.inner()),
                snapshots[&number],
                "call {call}, {fault:?}"
            );
        }
    }
}
