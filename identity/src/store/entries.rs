//! The keys of what a store finds objects by: one ordered table for units, indexes and tombstones.
//!
//! Plain data: what is written here is read by later versions.

use crate::{
    StableId,
    store::record::{IndexKey, Record},
};

/// The first byte of a key: what it is about.
#[derive(Clone, Copy)]
enum Tag {
    /// A root and a member of its unit.
    Unit = 0,
    /// An index, a key, and an object that is found under it.
    Index = 1,
    /// An id of the user's own choice that was deleted.
    Tombstone = 2,
}

/// Returns the keys that lead to a stored object, in order.
pub(super) fn of_record(id: StableId, record: &Record) -> Vec<Vec<u8>> {
    let mut entries = vec![with_id(unit(record.root), id)];
    let keys = record.keys.iter();
    entries.extend(keys.map(|IndexKey { index, key }| with_id(under(index, key), id)));
    entries.sort_unstable();
    entries.dedup();
    entries
}

/// Returns what the keys of the members of a unit begin with.
pub(super) fn unit(root: StableId) -> Vec<u8> {
    let mut bytes = vec![Tag::Unit as u8];
    bytes.extend(root.get().to_be_bytes());
    bytes
}

/// Returns what the keys of the objects under a key of an index begin with.
pub(super) fn under(index: &str, key: &[u8]) -> Vec<u8> {
    let mut bytes = vec![Tag::Index as u8];
    // With their lengths, no name or key is the beginning of another one.
    for part in [index.as_bytes(), key] {
        bytes.extend((part.len() as u32).to_be_bytes());
        bytes.extend(part);
    }
    bytes
}

/// Returns the key that says that an id of the user's own choice was deleted.
pub(super) fn tombstone(id: StableId) -> Vec<u8> {
    with_id(vec![Tag::Tombstone as u8], id)
}

/// Returns the object that a key leads to, if it does to one.
pub(super) fn leads_to(entry: &[u8]) -> Option<StableId> {
    let (rest, id) = entry.split_last_chunk()?;
    let tag = *rest.first()?;
    let id = StableId::new(u64::from_be_bytes(*id)).ok()?;
    (tag == Tag::Unit as u8 || tag == Tag::Index as u8).then_some(id)
}

fn with_id(mut prefix: Vec<u8>, id: StableId) -> Vec<u8> {
    prefix.extend(id.get().to_be_bytes());
    prefix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_index_are_not_those_of_another() {
        let names = [("a", "bc"), ("ab", "c"), ("abc", ""), ("", "abc")];
        for (at, (index, key)) in names.iter().enumerate() {
            for (index_2, key_2) in &names[at + 1..] {
                let [one, other] = [(index, key), (index_2, key_2)]
                    .map(|(index, key)| under(index, key.as_bytes()));
                assert!(!one.starts_with(&other) && !other.starts_with(&one));
            }
        }
    }

    #[test]
    fn ids_are_in_the_order_of_their_keys() {
        let ids = [1, 2, 255, 256, 65_536, i64::MAX as u64];
        let keys: Vec<_> = ids
            .iter()
            .map(|id| tombstone(StableId::new(*id).unwrap()))
            .collect();
        assert!(keys.is_sorted());
    }
}
