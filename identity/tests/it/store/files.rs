//! What the store in a file does with files that are none, or are damaged.

use std::{fs, io::Write, path::PathBuf};

use qdel_identity::{
    error::StoreError,
    store::{Existence, RedbStore, Store},
};
use tempfile::TempDir;

use super::{batch, id, named, owned};

struct Place {
    _folder: TempDir,
    path: PathBuf,
}

fn place() -> Place {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("world.redb");
    Place {
        _folder: folder,
        path,
    }
}

/// A place with a store of many objects.
fn filled() -> Place {
    let place = place();
    let store = RedbStore::create(&place.path).unwrap();
    store.reserve_ids(5000).unwrap();
    let puts = (1..=2000).map(|number| named(number, "a name that takes some room in the file"));
    store.commit(&batch(1, [], puts)).unwrap();
    place
}

#[test]
fn what_was_committed_is_there_after_a_reopen() {
    let place = place();
    let store = RedbStore::create_with_floor(&place.path, id(10)).unwrap();
    let reserved = store.reserve_ids(3).unwrap();
    store
        .commit(&batch(1, [], [named(1, "a"), owned(2, 1, 1)]))
        .unwrap();
    drop(store);

    let store = RedbStore::open(&place.path).unwrap();

    assert_eq!(store.floor(), id(10));
    assert_eq!(store.committed().unwrap(), 1);
    assert_eq!(store.load(&[id(2)]).unwrap().units[0].members.len(), 2);
    assert_eq!(store.find("name", b"a", 9).unwrap(), [id(1)]);
    assert!(store.reserve_ids(1).unwrap().start() > reserved.end());
}

#[test]
fn store_is_open_once() {
    let place = filled();
    let store = RedbStore::open(&place.path).unwrap();

    let second = RedbStore::open(&place.path).unwrap_err();

    assert!(matches!(second, StoreError::InUse { .. }), "{second}");
    assert!(
        second
            .to_string()
            .ends_with("is open already; close it there first")
    );
    drop(store);
    RedbStore::open(&place.path).unwrap();
}

#[test]
fn missing_and_existing_files_are_refused() {
    let place = place();
    assert!(matches!(
        RedbStore::open(&place.path),
        Err(StoreError::Missing { .. })
    ));
    drop(RedbStore::open_or_create(&place.path).unwrap());
    assert!(matches!(
        RedbStore::create(&place.path),
        Err(StoreError::Exists { .. })
    ));
    drop(RedbStore::open_or_create(&place.path).unwrap());
    let folder = place.path.parent().unwrap();
    assert!(matches!(
        RedbStore::open(folder),
        Err(StoreError::NotAStore { .. })
    ));
}

#[test]
fn what_is_no_store_is_refused() {
    let place = place();
    for content in ["", "a poem, which is no store at all"] {
        fs::write(&place.path, content).unwrap();

        let refused = RedbStore::open(&place.path).unwrap_err();

        assert!(
            matches!(refused, StoreError::NotAStore { .. }),
            "{refused:?}"
        );
        assert_eq!(fs::read(&place.path).unwrap(), content.as_bytes());
    }
}

/// I15: a file that was cut off, anywhere, is an error or has all that it should have.
#[test]
fn truncated_file_is_refused() {
    let place = filled();
    let whole = fs::read(&place.path).unwrap();
    for eighth in 0..8 {
        fs::write(&place.path, &whole[..whole.len() * eighth / 8]).unwrap();

        let refused = RedbStore::open_checked(&place.path).unwrap_err();

        assert!(
            matches!(
                refused,
                StoreError::NotAStore { .. } | StoreError::Damaged { .. }
            ),
            "{refused:?}"
        );
    }
}

/// I15: bytes that were changed, anywhere, are noticed by a checked open, or do not matter. Without
/// the check, they are an error when they are met, never a panic.
#[test]
fn flipped_bytes_are_noticed() {
    let place = filled();
    let whole = fs::read(&place.path).unwrap();
    let mut noticed = 0;
    for part in 0..64 {
        let mut bytes = whole.clone();
        let start = bytes.len() * part / 64;
        for byte in &mut bytes[start..start + 256] {
            *byte = !*byte;
        }
        fs::write(&place.path, &bytes).unwrap();

        match RedbStore::open_checked(&place.path) {
            Err(_) => noticed += 1,
            Ok((store, examination)) => {
                noticed += usize::from(!examination.is_sound());
                if examination.is_sound() {
                    assert_eq!(store.scan(None, usize::MAX).unwrap().len(), 2000);
                }
            }
        }
        fs::write(&place.path, &bytes).unwrap();
        if let Ok(store) = RedbStore::open(&place.path) {
            let ids: Vec<_> = (1..=2000).map(id).collect();
            let _ = store.load(&ids);
            let _ = store.scan(None, usize::MAX);
        }
    }

    assert!(noticed > 20, "{noticed} of 64 were noticed");
}

#[test]
fn sound_file_is_found_sound() {
    let place = filled();

    let (_store, examination) = RedbStore::open_checked(&place.path).unwrap();

    assert!(examination.is_sound());
    assert_eq!(examination.to_string(), "2000 records can be read");
}

/// I14: an error of the disk is passed, and the store goes on with the next call.
#[test]
#[cfg(unix)]
fn folder_that_cannot_be_written_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let place = filled();
    fs::set_permissions(&place.path, fs::Permissions::from_mode(0o444)).unwrap();
    // The superuser may write anyway.
    let may_write = fs::OpenOptions::new()
        .append(true)
        .open(&place.path)
        .is_ok();

    let opened = RedbStore::open(&place.path);

    match opened {
        Err(StoreError::ReadOnly { .. }) => assert!(!may_write),
        other => assert!(may_write && other.is_ok()),
    }
}

#[test]
fn file_of_another_program_stays_as_it_was() {
    let place = place();
    let mut file = fs::File::create(&place.path).unwrap();
    file.write_all(&[7; 10_000]).unwrap();
    drop(file);

    assert!(RedbStore::open(&place.path).is_err());
    assert!(RedbStore::create(&place.path).is_err());

    assert_eq!(fs::read(&place.path).unwrap(), [7; 10_000]);
}

#[test]
fn existence_of_many_is_one_call() {
    let place = filled();
    let store = RedbStore::open(&place.path).unwrap();

    let existence = store
        .existence(&[id(1), id(2000), id(2001), id(9000)])
        .unwrap();

    assert_eq!(
        existence,
        [
            Existence::Stored,
            Existence::Stored,
            Existence::Gone,
            Existence::Unknown
        ]
    );
}
