//! What every store does.

use qdel_identity::{
    StableId,
    error::{CommitError, DamageKind, StoreError},
    store::{Existence, MemoryStore, Record, RedbStore, Store},
    testing::{Fault, FaultyStore},
};
use tempfile::TempDir;

use super::{batch, id, named, owned};

/// Runs a test on each kind of store, with a floor of 100.
fn on_each(test: impl Fn(&dyn Store)) {
    test(&MemoryStore::with_floor(id(100)));
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("world.redb");
    test(&RedbStore::create_with_floor(path, id(100)).unwrap());
}

fn roots(store: &dyn Store, ids: &[u64]) -> Vec<StableId> {
    let ids: Vec<_> = ids.iter().copied().map(id).collect();
    let loaded = store.load(&ids).unwrap();
    loaded.units.iter().map(|unit| unit.root).collect()
}

/// I3: a unit is read whole, whichever of its members is asked for, and once.
#[test]
fn unit_is_loaded_whole_by_any_member() {
    on_each(|store| {
        let puts = [
            named(1, "room"),
            owned(2, 1, 1),
            owned(3, 2, 1),
            named(4, "yard"),
        ];
        store.commit(&batch(1, [], puts.clone())).unwrap();

        let loaded = store.load(&[id(3), id(2)]).unwrap();

        assert_eq!(loaded.units.len(), 1);
        let unit = &loaded.units[0];
        assert_eq!(unit.root, id(1));
        let members = unit.members.clone();
        let wanted = puts[..3].iter().cloned();
        assert_eq!(
            members,
            wanted
                .map(|(id, record)| (id, Ok(record)))
                .collect::<Vec<_>>()
        );
    });
}

/// I3, I9: what is not there is told apart: deleted, or never handed out.
#[test]
fn absent_objects_are_gone_or_unknown() {
    on_each(|store| {
        let reserved = store.reserve_ids(2).unwrap();
        assert_eq!(reserved, id(100)..=id(101));
        store
            .commit(&batch(1, [], [named(7, "a"), named(100, "b")]))
            .unwrap();
        store.commit(&batch(2, [7, 100], [])).unwrap();

        let ids = [7, 8, 100, 101, 102].map(id);
        let wanted = [
            Existence::Gone,
            Existence::Unknown,
            Existence::Gone,
            Existence::Gone,
            Existence::Unknown,
        ];
        assert_eq!(store.existence(&ids).unwrap(), wanted);
        let absent = store.load(&ids).unwrap().absent;
        assert_eq!(absent, ids.into_iter().zip(wanted).collect::<Vec<_>>());
    });
}

/// I10: a load says which of the objects that its records name are not stored.
#[test]
fn load_tells_which_names_lead_nowhere() {
    on_each(|store| {
        let (sword, mut record) = named(1, "sword");
        record.names = vec![id(2), id(3), id(150)];
        store
            .commit(&batch(1, [], [(sword, record), named(3, "smith")]))
            .unwrap();

        let loaded = store.load(&[sword]).unwrap();

        assert_eq!(loaded.gone, [id(2), id(150)]);
    });
}

/// I14: an object is found under the keys of its last record only.
#[test]
fn index_follows_the_records() {
    on_each(|store| {
        let find = |name: &str| store.find("name", name.as_bytes(), usize::MAX).unwrap();
        store
            .commit(&batch(
                1,
                [],
                [named(1, "orc"), named(2, "orc"), named(3, "elf")],
            ))
            .unwrap();
        assert_eq!(find("orc"), [id(1), id(2)]);
        assert_eq!(store.find("name", b"orc", 1).unwrap(), [id(1)]);
        assert_eq!(find("or"), []);

        store.commit(&batch(2, [2], [named(1, "elf")])).unwrap();

        assert_eq!(find("orc"), []);
        assert_eq!(find("elf"), [id(1), id(3)]);
    });
}

/// I3: an object that changes its owner leaves its old unit.
#[test]
fn unit_follows_the_owner() {
    on_each(|store| {
        let puts = [named(1, "chest"), named(2, "bag"), owned(3, 1, 1)];
        store.commit(&batch(1, [], puts)).unwrap();
        assert_eq!(roots(store, &[3]), [id(1)]);

        store.commit(&batch(2, [], [owned(3, 2, 2)])).unwrap();

        assert_eq!(roots(store, &[3]), [id(2)]);
        let chest = store.load(&[id(1)]).unwrap();
        assert_eq!(chest.units[0].members.len(), 1);
    });
}

/// I7: a batch deletes before it puts, so that an object may come under the id of one that goes.
#[test]
fn deletes_come_before_puts() {
    on_each(|store| {
        store.commit(&batch(1, [], [named(1, "old")])).unwrap();

        store.commit(&batch(2, [1], [named(1, "new")])).unwrap();

        assert_eq!(store.existence(&[id(1)]).unwrap(), [Existence::Stored]);
        assert_eq!(store.find("name", b"old", 9).unwrap(), []);
        assert_eq!(store.find("name", b"new", 9).unwrap(), [id(1)]);
    });
}

/// I14: a commit is not repeated, and what it would have done is not done.
#[test]
fn commit_of_an_old_number_is_refused() {
    on_each(|store| {
        assert_eq!(store.committed().unwrap(), 0);
        store.commit(&batch(3, [], [named(1, "a")])).unwrap();
        for number in [3, 2, 0] {
            let refused = store.commit(&batch(number, [1], [])).unwrap_err();
            assert!(matches!(
                refused,
                CommitError::Failed {
                    cause: StoreError::Repeated { committed: 3, .. },
                    ..
                }
            ));
        }

        assert_eq!(store.committed().unwrap(), 3);
        assert_eq!(store.existence(&[id(1)]).unwrap(), [Existence::Stored]);
    });
}

/// I1: ids are handed out once.
#[test]
fn reserved_ids_do_not_overlap() {
    on_each(|store| {
        let first = store.reserve_ids(4096).unwrap();
        let second = store.reserve_ids(1).unwrap();

        assert_eq!(first, id(100)..=id(100 + 4095));
        assert_eq!(second, id(100 + 4096)..=id(100 + 4096));
    });
}

/// I1: where no ids are left, the error says so, and nothing wraps around.
#[test]
fn ids_run_out_with_an_error() {
    let store = MemoryStore::with_floor(StableId::MAX);
    let refused = store.reserve_ids(2).unwrap_err();
    assert!(matches!(
        refused,
        StoreError::OutOfIds { wanted: 2, left: 1 }
    ));

    assert_eq!(store.reserve_ids(1).unwrap(), StableId::MAX..=StableId::MAX);
    assert!(matches!(
        store.reserve_ids(1),
        Err(StoreError::OutOfIds { left: 0, .. })
    ));
}

#[test]
fn scan_goes_through_all_objects_in_slices() {
    on_each(|store| {
        let puts = (1..=10).map(|number| named(number, "x"));
        store.commit(&batch(1, [], puts)).unwrap();
        let (mut found, mut last) = (Vec::new(), None);
        loop {
            let slice = store.scan(last, 3).unwrap();
            let Some(end) = slice.last() else { break };
            last = Some(*end);
            found.extend(slice);
        }

        assert_eq!(found, (1..=10).map(id).collect::<Vec<_>>());
    });
}

/// I15: a damaged record spares the others, also of its unit, and can be deleted.
#[test]
fn damaged_record_spares_the_others() {
    let store = MemoryStore::new();
    store.reserve_ids(3).unwrap();
    let puts = [named(1, "room"), owned(2, 1, 1), named(3, "yard")];
    store.commit(&batch(1, [], puts)).unwrap();
    assert!(store.damage(id(2), |bytes| bytes[3] ^= 1));

    let loaded = store.load(&[id(1), id(3)]).unwrap();
    let damaged = loaded.units[0].members[1].1.as_ref().unwrap_err();
    assert_eq!(damaged.id, id(2));
    assert!(matches!(damaged.kind, DamageKind::Checksum { .. }));
    assert!(loaded.units[0].members[0].1.is_ok());
    assert!(loaded.units[1].members[0].1.is_ok());
    // By itself, it cannot say to which unit it belongs.
    assert_eq!(roots(&store, &[2]), [id(2)]);

    store.commit(&batch(2, [2], [])).unwrap();
    assert_eq!(store.load(&[id(1)]).unwrap().units[0].members.len(), 1);
    assert_eq!(store.existence(&[id(2)]).unwrap(), [Existence::Gone]);
}

/// I7: after an unknown outcome, the number of the last commit says what happened.
#[test]
fn unknown_outcome_is_known_by_the_number() {
    for (fault, happened) in [(Fault::LoseAnswer, true), (Fault::LoseCall, false)] {
        let store = FaultyStore::new(MemoryStore::new());
        store.fail(0, fault);

        let unknown = store.commit(&batch(1, [], [named(1, "a")])).unwrap_err();

        assert!(matches!(unknown, CommitError::Unknown { number: 1, .. }));
        assert_eq!(store.committed().unwrap(), u64::from(happened));
        assert_eq!(store.inner().len(), usize::from(happened));
    }
}

/// Errors name the way out.
#[test]
fn errors_say_what_to_do() {
    let error = StoreError::OutOfIds {
        wanted: 4096,
        left: 7,
    };
    assert_eq!(
        error.to_string(),
        "4096 ids are wanted, and 7 are left; no object can be made in this store any more"
    );
    let mut bytes = Record::new(id(9)).encode();
    bytes.truncate(2);
    let damage = Record::decode(id(9), &bytes).unwrap_err();
    assert_eq!(
        damage.to_string(),
        "the record of #9 cannot be read: it ends after 2 bytes; restore the store from a copy, or delete the object"
    );
}
