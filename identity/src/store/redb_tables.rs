//! The tables of `RedbStore`, in a transaction that reads or writes.

use redb::{
    CommitError, ReadOnlyTable, ReadTransaction, ReadableTable, StorageError, Table,
    TableDefinition, TableError, TransactionError, WriteTransaction,
};

use crate::{
    StableId,
    store::tables::{ReadTables, WriteTables},
};

/// The records, by id.
const RECORDS: TableDefinition<u64, &[u8]> = TableDefinition::new("records");
/// What objects are found by: see `entries`.
const ENTRIES: TableDefinition<&[u8], ()> = TableDefinition::new("entries");
/// The numbers of the store itself.
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

/// A number of the store itself.
#[derive(Clone, Copy)]
pub(super) enum Number {
    /// The layout of the tables.
    Format,
    /// The id below which ids are of the user's own choice.
    Floor,
    /// The first id that was not handed out.
    Next,
    /// The number of the last commit.
    Committed,
}

/// The tables of one transaction.
pub(super) struct RedbTables<R, E, M> {
    records: R,
    entries: E,
    meta: M,
}

/// The tables of a transaction that only reads.
pub(super) type Reading = RedbTables<
    ReadOnlyTable<u64, &'static [u8]>,
    ReadOnlyTable<&'static [u8], ()>,
    ReadOnlyTable<&'static str, u64>,
>;

/// The tables of a transaction that writes.
pub(super) type Writing<'t> = RedbTables<
    Table<'t, u64, &'static [u8]>,
    Table<'t, &'static [u8], ()>,
    Table<'t, &'static str, u64>,
>;

/// What the engine says of its failure.
pub(super) struct EngineError(pub(super) redb::Error);

impl From<StorageError> for EngineError {
    fn from(error: StorageError) -> Self {
        Self(error.into())
    }
}

impl From<TableError> for EngineError {
    fn from(error: TableError) -> Self {
        Self(error.into())
    }
}

impl From<TransactionError> for EngineError {
    fn from(error: TransactionError) -> Self {
        Self(error.into())
    }
}

impl From<CommitError> for EngineError {
    fn from(error: CommitError) -> Self {
        Self(error.into())
    }
}

impl Number {
    fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Floor => "floor",
            Self::Next => "next",
            Self::Committed => "committed",
        }
    }
}

impl Reading {
    pub(super) fn open(transaction: &ReadTransaction) -> Result<Self, EngineError> {
        Ok(Self {
            records: transaction.open_table(RECORDS)?,
            entries: transaction.open_table(ENTRIES)?,
            meta: transaction.open_table(META)?,
        })
    }
}

impl<'t> Writing<'t> {
    pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, EngineError> {
        Ok(Self {
            records: transaction.open_table(RECORDS)?,
            entries: transaction.open_table(ENTRIES)?,
            meta: transaction.open_table(META)?,
        })
    }

    pub(super) fn set_number(&mut self, number: Number, value: u64) -> Result<(), EngineError> {
        self.meta.insert(number.name(), value)?;
        Ok(())
    }
}

impl<R, E, M: ReadableTable<&'static str, u64>> RedbTables<R, E, M> {
    /// Returns a number; 0 if it was never written.
    pub(super) fn number(&self, number: Number) -> Result<u64, EngineError> {
        let value = self.meta.get(number.name())?;
        Ok(value.map_or(0, |value| value.value()))
    }
}

impl<R, E, M> ReadTables for RedbTables<R, E, M>
where
    R: ReadableTable<u64, &'static [u8]>,
    E: ReadableTable<&'static [u8], ()>,
    M: ReadableTable<&'static str, u64>,
{
    type Error = EngineError;

    fn record(&self, id: StableId) -> Result<Option<Vec<u8>>, EngineError> {
        let record = self.records.get(id.get())?;
        Ok(record.map(|record| record.value().to_vec()))
    }

    fn contains(&self, id: StableId) -> Result<bool, EngineError> {
        Ok(self.records.get(id.get())?.is_some())
    }

    fn entries(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, EngineError> {
        let mut found = Vec::new();
        for entry in self.entries.range(after.unwrap_or(prefix)..)? {
            let (entry, _) = entry?;
            let entry = entry.value();
            if !entry.starts_with(prefix) || found.len() == limit {
                break;
            }
            if after != Some(entry) {
                found.push(entry.to_vec());
            }
        }
        Ok(found)
    }

    fn ids(&self, after: Option<StableId>, limit: usize) -> Result<Vec<StableId>, EngineError> {
        let first = after.map_or(0, |after| after.get() + 1);
        let mut found = Vec::new();
        for record in self.records.range(first..)?.take(limit) {
            let (id, _) = record?;
            let id = StableId::new(id.value());
            let id =
                id.map_err(|error| StorageError::Corrupted(format!("a key of a record: {error}")))?;
            found.push(id);
        }
        Ok(found)
    }

    fn handed_out(&self) -> Result<[u64; 2], EngineError> {
        Ok([self.number(Number::Floor)?, self.number(Number::Next)?])
    }
}

impl WriteTables for Writing<'_> {
    fn put_record(&mut self, id: StableId, record: &[u8]) -> Result<(), EngineError> {
        self.records.insert(id.get(), record)?;
        Ok(())
    }

    fn remove_record(&mut self, id: StableId) -> Result<(), EngineError> {
        self.records.remove(id.get())?;
        Ok(())
    }

    fn put_entry(&mut self, entry: &[u8]) -> Result<(), EngineError> {
        self.entries.insert(entry, ())?;
        Ok(())
    }

    fn remove_entry(&mut self, entry: &[u8]) -> Result<(), EngineError> {
        self.entries.remove(entry)?;
        Ok(())
    }
}
