//! What is done with the two tables of an embedded store, whichever keeps them.
//!
//! One table has the records by id. The other has keys without values, in order: see `entries`.

use std::collections::{BTreeSet, HashMap};

use crate::{
    StableId,
    error::Damage,
    store::{
        Batch, Existence, Loaded, Unit,
        entries::{self, leads_to},
        record::Record,
    },
};

/// Two tables to read.
pub(super) trait ReadTables {
    /// Why they cannot be read.
    type Error;

    /// Returns the encoded record of an object.
    fn record(&self, id: StableId) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Returns `true` if an object is stored.
    fn contains(&self, id: StableId) -> Result<bool, Self::Error>;

    /// Returns the first `limit` keys after `after` that begin with `prefix`, in order.
    fn entries(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, Self::Error>;

    /// Returns the first `limit` objects after `after`.
    fn ids(&self, after: Option<StableId>, limit: usize) -> Result<Vec<StableId>, Self::Error>;

    /// Returns which ids were handed out: those of the user's own choice are below the first, and
    /// those from the second on were not.
    fn handed_out(&self) -> Result<[u64; 2], Self::Error>;
}

/// Two tables to write.
pub(super) trait WriteTables: ReadTables {
    /// Writes the encoded record of an object.
    fn put_record(&mut self, id: StableId, record: &[u8]) -> Result<(), Self::Error>;

    /// Removes a record.
    fn remove_record(&mut self, id: StableId) -> Result<(), Self::Error>;

    /// Adds a key.
    fn put_entry(&mut self, entry: &[u8]) -> Result<(), Self::Error>;

    /// Removes a key.
    fn remove_entry(&mut self, entry: &[u8]) -> Result<(), Self::Error>;
}

/// How many keys are read at a time where all are looked through.
const SLICE: usize = 4096;

/// Reads the units of `ids`.
pub(super) fn load<T: ReadTables>(tables: &T, ids: &[StableId]) -> Result<Loaded, T::Error> {
    let wanted: BTreeSet<_> = ids.iter().copied().collect();
    let mut loaded = Loaded::default();
    let mut roots = BTreeSet::new();
    let mut lone = Vec::new();
    // The members that were asked for need not be read again.
    let mut read = HashMap::default();
    for id in wanted {
        let Some(bytes) = tables.record(id)? else {
            loaded.absent.push((id, existence_of_absent(tables, id)?));
            continue;
        };
        match Record::decode(id, &bytes) {
            Ok(record) => {
                roots.insert(record.root);
                read.insert(id, record);
            }
            // It cannot say to which unit it belongs.
            Err(damage) => lone.push(damage),
        }
    }
    for root in roots {
        loaded.units.push(unit(tables, root, &mut read)?);
    }
    lone.retain(|damage| !loaded.units.iter().any(|unit| has_member(unit, damage.id)));
    loaded.units.extend(lone.into_iter().map(alone));
    loaded.units.sort_unstable_by_key(|unit| unit.root);
    loaded.gone = gone(tables, &loaded.units)?;
    Ok(loaded)
}

/// Reads a unit, of which some members were `read` already.
fn unit<T: ReadTables>(
    tables: &T,
    root: StableId,
    read: &mut HashMap<StableId, Record>,
) -> Result<Unit, T::Error> {
    let members = tables.entries(&entries::unit(root), None, usize::MAX)?;
    let mut unit = Unit {
        root,
        members: Vec::with_capacity(members.len()),
    };
    for id in members.iter().filter_map(|entry| leads_to(entry)) {
        if let Some(record) = read.remove(&id) {
            unit.members.push((id, Ok(record)));
        } else if let Some(bytes) = tables.record(id)? {
            unit.members.push((id, Record::decode(id, &bytes)));
        }
    }
    Ok(unit)
}

fn has_member(unit: &Unit, id: StableId) -> bool {
    unit.members
        .binary_search_by_key(&id, |(id, _)| *id)
        .is_ok()
}

/// Returns the unit of an object that is damaged and stands for itself.
fn alone(damage: Damage) -> Unit {
    Unit {
        root: damage.id,
        members: vec![(damage.id, Err(damage))],
    }
}

/// Returns what `units` name and is not stored.
fn gone<T: ReadTables>(tables: &T, units: &[Unit]) -> Result<Vec<StableId>, T::Error> {
    let records = units.iter().flat_map(|unit| &unit.members);
    let names: BTreeSet<_> = records
        .filter_map(|(_, record)| record.as_ref().ok())
        .flat_map(|record| record.names.iter().copied())
        .collect();
    let mut gone = Vec::new();
    for id in names {
        if !tables.contains(id)? {
            gone.push(id);
        }
    }
    Ok(gone)
}

/// Returns whether an object is stored.
pub(super) fn existence<T: ReadTables>(tables: &T, id: StableId) -> Result<Existence, T::Error> {
    if tables.contains(id)? {
        return Ok(Existence::Stored);
    }
    existence_of_absent(tables, id)
}

fn existence_of_absent<T: ReadTables>(tables: &T, id: StableId) -> Result<Existence, T::Error> {
    let [floor, next] = tables.handed_out()?;
    let was_there = if id.get() < floor {
        !tables.entries(&entries::tombstone(id), None, 1)?.is_empty()
    } else {
        id.get() < next
    };
    Ok(if was_there {
        Existence::Gone
    } else {
        Existence::Unknown
    })
}

/// Returns the first `limit` objects under a key of an index.
pub(super) fn find<T: ReadTables>(
    tables: &T,
    index: &str,
    key: &[u8],
    limit: usize,
) -> Result<Vec<StableId>, T::Error> {
    let entries = tables.entries(&entries::under(index, key), None, limit)?;
    Ok(entries.iter().filter_map(|entry| leads_to(entry)).collect())
}

/// Writes a batch, whose records are encoded already.
pub(super) fn write<T: WriteTables>(
    tables: &mut T,
    batch: &Batch,
    encoded: &[Vec<u8>],
) -> Result<(), T::Error> {
    let [floor, _] = tables.handed_out()?;
    for &id in &batch.deletes {
        if !tables.contains(id)? {
            continue;
        }
        for entry in entries_of(tables, id)? {
            tables.remove_entry(&entry)?;
        }
        tables.remove_record(id)?;
        if id.get() < floor {
            tables.put_entry(&entries::tombstone(id))?;
        }
    }
    for ((id, record), encoded) in batch.puts.iter().zip(encoded) {
        let known = entries_of(tables, *id)?;
        let now = entries::of_record(*id, record);
        for entry in known
            .iter()
            .filter(|entry| now.binary_search(entry).is_err())
        {
            tables.remove_entry(entry)?;
        }
        for entry in now
            .iter()
            .filter(|entry| known.binary_search(entry).is_err())
        {
            tables.put_entry(entry)?;
        }
        tables.put_record(*id, encoded)?;
    }
    Ok(())
}

/// Returns the keys that lead to an object, in order.
///
/// All keys are looked through if its record is damaged.
fn entries_of<T: ReadTables>(tables: &T, id: StableId) -> Result<Vec<Vec<u8>>, T::Error> {
    let Some(bytes) = tables.record(id)? else {
        return Ok(Vec::new());
    };
    if let Ok(record) = Record::decode(id, &bytes) {
        return Ok(entries::of_record(id, &record));
    }
    let mut found = Vec::new();
    let mut last: Option<Vec<u8>> = None;
    loop {
        let slice = tables.entries(&[], last.as_deref(), SLICE)?;
        let Some(end) = slice.last() else {
            return Ok(found);
        };
        last = Some(end.clone());
        found.extend(
            slice
                .into_iter()
                .filter(|entry| leads_to(entry) == Some(id)),
        );
    }
}

/// Compares both tables, and returns what is wrong with records and what is missing or left over
/// among the keys.
#[cfg(feature = "redb")]
pub(super) fn check<T: ReadTables>(tables: &T) -> Result<Checked, T::Error> {
    let mut checked = Checked::default();
    let mut last = None;
    loop {
        let slice = tables.ids(last, SLICE)?;
        let Some(end) = slice.last() else {
            break;
        };
        last = Some(*end);
        for id in slice {
            let bytes = tables.record(id)?.unwrap_or_default();
            match Record::decode(id, &bytes) {
                Ok(record) => {
                    checked.records += 1;
                    for entry in entries::of_record(id, &record) {
                        checked.entries += 1;
                        if tables.entries(&entry, None, 1)?.is_empty() {
                            checked.lost.push(id);
                        }
                    }
                }
                Err(damage) => checked.damaged.push(damage),
            }
        }
    }
    let mut last: Option<Vec<u8>> = None;
    let mut leading = 0;
    loop {
        let slice = tables.entries(&[], last.as_deref(), SLICE)?;
        let Some(end) = slice.last() else {
            break;
        };
        last = Some(end.clone());
        leading += slice
            .iter()
            .filter(|entry| leads_to(entry).is_some())
            .count() as u64;
    }
    checked.leading = leading;
    checked.lost.dedup();
    Ok(checked)
}

/// What a look through both tables found.
#[cfg(feature = "redb")]
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// How many records can be read.
    pub(super) records: u64,
    /// How many keys should lead to these.
    pub(super) entries: u64,
    /// How many keys lead to any object.
    pub(super) leading: u64,
    /// The records that cannot be read.
    pub(super) damaged: Vec<Damage>,
    /// The objects to which a key is missing.
    pub(super) lost: Vec<StableId>,
}
