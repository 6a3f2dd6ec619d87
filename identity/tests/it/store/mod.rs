//! I14, I15: what every store does, and what the one in a file does with a bad file.

mod contract;
mod files;
mod model;

use qdel_identity::{
    StableId,
    store::{Batch, IndexKey, Record, StoredComponent},
};

pub(crate) fn id(number: u64) -> StableId {
    StableId::new(number).unwrap()
}

/// A record of an object that nothing owns, with a name to find it by.
pub(crate) fn named(number: u64, name: &str) -> (StableId, Record) {
    let mut record = Record::new(id(number));
    record.keys.push(IndexKey {
        index: "name".into(),
        key: name.into(),
    });
    record.components.push(StoredComponent {
        name: "Title".into(),
        version: 1,
        bytes: name.into(),
    });
    (id(number), record)
}

/// A record of an object in the unit of `root`.
pub(crate) fn owned(number: u64, owner: u64, root: u64) -> (StableId, Record) {
    let mut record = Record::new(id(number));
    record.owner = Some(id(owner));
    record.root = id(root);
    (id(number), record)
}

pub(crate) fn batch(
    number: u64,
    deletes: impl IntoIterator<Item = u64>,
    puts: impl IntoIterator<Item = (StableId, Record)>,
) -> Batch {
    let mut batch = Batch::new(number);
    batch.deletes.extend(deletes.into_iter().map(id));
    batch.puts.extend(puts);
    batch
}
