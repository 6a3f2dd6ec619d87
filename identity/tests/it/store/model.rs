//! Both stores against a plain map, over random batches.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use qdel_identity::{
    StableId,
    store::{IndexKey, MemoryStore, Record, RedbStore, Store},
};
use tempfile::TempDir;

use super::{batch, id};

/// What becomes of an object.
#[derive(Debug, Clone)]
enum Change {
    Delete(u64),
    Put {
        id: u64,
        root: u64,
        names: BTreeSet<u64>,
        keys: BTreeSet<(u8, u8)>,
    },
}

fn change() -> impl Strategy<Value = Change> {
    let ids = 1..12_u64;
    prop_oneof![
        1 => ids.clone().prop_map(Change::Delete),
        3 => (
            ids.clone(),
            ids.clone(),
            proptest::collection::btree_set(ids, 0..3),
            proptest::collection::btree_set((0..2_u8, 0..3_u8), 0..3),
        )
            .prop_map(|(id, root, names, keys)| Change::Put { id, root, names, keys }),
    ]
}

fn key((index, key): (u8, u8)) -> IndexKey {
    IndexKey {
        index: format!("index {index}"),
        key: vec![key],
    }
}

fn record(root: u64, names: &BTreeSet<u64>, keys: &BTreeSet<(u8, u8)>) -> Record {
    let mut record = Record::new(id(root));
    record.names = names.iter().copied().map(id).collect();
    record.keys = keys.iter().copied().map(key).collect();
    record
}

/// Compares all answers of a store with those of the model.
fn compare(store: &dyn Store, model: &BTreeMap<StableId, Record>) {
    let all: Vec<_> = model.keys().copied().collect();
    assert_eq!(store.scan(None, usize::MAX).unwrap(), all);
    for index in 0..2 {
        for value in 0..3 {
            let key = key((index, value));
            let found = store.find(&key.index, &key.key, usize::MAX).unwrap();
            let holds =
                |(id, record): (&StableId, &Record)| record.keys.contains(&key).then_some(*id);
            assert_eq!(found, model.iter().filter_map(holds).collect::<Vec<_>>());
        }
    }
    for &wanted in &all {
        let root = model[&wanted].root;
        let loaded = store.load(&[wanted]).unwrap();
        let members: Vec<_> = model
            .iter()
            .filter(|(_, record)| record.root == root)
            .map(|(id, record)| (*id, Ok(record.clone())))
            .collect();
        assert_eq!(loaded.units.len(), 1);
        assert_eq!(
            (loaded.units[0].root, &loaded.units[0].members),
            (root, &members)
        );
        let names = members
            .iter()
            .flat_map(|(_, record)| &record.as_ref().unwrap().names);
        let gone: BTreeSet<_> = names
            .copied()
            .filter(|id| !model.contains_key(id))
            .collect();
        assert_eq!(loaded.gone, gone.into_iter().collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// I14: records, units and indexes are those of the last batches, in memory and in a file.
    #[test]
    fn stores_agree_with_a_plain_map(batches in proptest::collection::vec(
        proptest::collection::vec(change(), 1..6),
        1..8,
    )) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("world.redb");
        let memory = MemoryStore::with_floor(id(100));
        let mut file = RedbStore::create_with_floor(&path, id(100)).unwrap();
        let mut model = BTreeMap::new();
        for (number, changes) in (1..).zip(batches) {
            let (mut deletes, mut puts) = (Vec::new(), BTreeMap::new());
            for change in changes {
                match change {
                    Change::Delete(object) => deletes.push(object),
                    Change::Put { id: object, root, names, keys } => {
                        puts.insert(id(object), record(root, &names, &keys));
                    }
                }
            }
            let batch = batch(number, deletes, puts);
            for store in [&memory as &dyn Store, &file] {
                store.commit(&batch).unwrap();
            }
            for object in &batch.deletes {
                model.remove(object);
            }
            model.extend(batch.puts);
            compare(&memory, &model);
            compare(&file, &model);
            if number == 3 {
                drop(file);
                let (opened, examination) = RedbStore::open_checked(&path).unwrap();
                prop_assert!(examination.is_sound(), "{}", examination);
                file = opened;
            }
        }
    }
}
