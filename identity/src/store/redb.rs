//! A store in one file, by the engine `redb`.
//!
//! # Invariants
//!
//! 1. Each commit is durable when it returns. It is written in two phases and with what a quick
//!    repair needs, so that a file that a crash left is opened in milliseconds, whatever its size.
//! 2. After an error of the disk, the engine is closed and opened again with the next call. What
//!    the last commit came to is read from the file by then.
//! 3. A panic of the engine, which a damaged page can cause, is an error.

use core::ops::RangeInclusive;
use std::{
    any::Any,
    fmt, fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, StorageError, WriteTransaction,
    backends::FileBackend,
};

use crate::{
    StableId,
    error::{Cause, CommitError, Damage, StoreError},
    store::{
        Batch, Existence, Loaded, Store,
        redb_tables::{EngineError, Number, Reading, Writing},
        tables::{self, Checked, ReadTables},
    },
};

/// The layout of the tables that this version writes, and the newest that it reads.
const FORMAT: u64 = 1;

/// The longest record that the engine takes, with room for its own headers.
const LONGEST: usize = 3 << 30;

/// A store in one file.
///
/// One process has it open at a time. Everything is written by [`commit`](Store::commit) and
/// [`reserve_ids`](Store::reserve_ids), each in one durable transaction.
///
/// # Examples
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("world.redb");
/// use qdel_identity::store::{Batch, Record, RedbStore, Store};
///
/// let store = RedbStore::open_or_create(&path)?;
/// let id = *store.reserve_ids(1)?.start();
/// let mut batch = Batch::new(store.committed()? + 1);
/// batch.puts.push((id, Record::new(id)));
/// store.commit(&batch)?;
/// drop(store);
///
/// let store = RedbStore::open(&path)?;
/// assert_eq!(store.load(&[id])?.units.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RedbStore {
    path: PathBuf,
    floor: StableId,
    /// `None` after an error of the disk, until the next call.
    engine: Mutex<Option<Arc<Database>>>,
}

/// What is wrong with a store whose every byte was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Examination {
    /// How many records can be read.
    pub records: u64,
    /// The records that cannot.
    pub damaged: Vec<Damage>,
    /// The objects that an index or their unit does not lead to.
    pub lost: Vec<StableId>,
    /// How many entries of indexes lead to no object.
    pub stray_entries: u64,
}

impl Examination {
    /// Returns `true` if nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty() && self.lost.is_empty() && self.stray_entries == 0
    }
}

impl fmt::Display for Examination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} records can be read", self.records)?;
        for damage in &self.damaged {
            write!(f, "\n{damage}")?;
        }
        for id in &self.lost {
            write!(f, "\n{id} is not found by all of its keys")?;
        }
        if self.stray_entries > 0 {
            write!(f, "\n{} keys lead to no object", self.stray_entries)?;
        }
        Ok(())
    }
}

impl RedbStore {
    /// Makes a store in a new file, in which all ids are handed out by it.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Exists`] if there is such a file, and another [`StoreError`] if it
    /// cannot be made.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::create_with_floor(path, StableId::MIN)
    }

    /// Makes a store in a new file, in which ids below `floor` are of the user's own choice.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Exists`] if there is such a file, and another [`StoreError`] if it
    /// cannot be made.
    pub fn create_with_floor(path: impl AsRef<Path>, floor: StableId) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let new = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path);
        let file = new.map_err(|error| cannot_open(path, error))?;
        let made = guarded(|| {
            let file = FileBackend::new(file).map_err(|error| refused(path, error))?;
            let engine = Builder::new().create_with_backend(file);
            let engine = engine.map_err(|error| refused(path, error))?;
            begin(&engine, floor)?;
            Ok(engine)
        });
        let engine = made.inspect_err(|_| {
            // Without its tables it would be no store. If it stays, the next call says so.
            let _ = fs::remove_file(path);
        })?;
        Ok(Self::with(path, engine, floor))
    }

    /// Opens the store in a file.
    ///
    /// # Errors
    ///
    /// Returns [`StoreError::Missing`] if there is no such file, [`StoreError::InUse`] if it is
    /// open elsewhere, [`StoreError::ReadOnly`] if it may not be written,
    /// [`StoreError::NotAStore`] if it is something else or was cut off, and
    /// [`StoreError::OtherFormat`] if a later version has written it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let engine = guarded(|| open_engine(path, false))?;
        let floor = guarded(|| read_floor(path, &engine))?;
        Ok(Self::with(path, engine, floor))
    }

    /// Opens the store in a file, or makes it.
    ///
    /// # Errors
    ///
    /// Returns what [`open`](Self::open) and [`create`](Self::create) return, but for the file that
    /// is or is not there.
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        match Self::open(&path) {
            Err(StoreError::Missing { .. }) => Self::create(path),
            opened => opened,
        }
    }

    /// Opens the store in a file after a look at each of its bytes.
    ///
    /// Use it after a crash of the machine or a fault of the disk. What is wrong with single
    /// objects is in the [`Examination`]: the others can be loaded.
    ///
    /// # Errors
    ///
    /// Returns what [`open`](Self::open) returns, and [`StoreError::Damaged`] if the file is
    /// damaged beyond single records.
    ///
    /// # Complexity
    ///
    /// It reads the whole file.
    pub fn open_checked(path: impl AsRef<Path>) -> Result<(Self, Examination), StoreError> {
        let path = path.as_ref();
        let engine = guarded(|| open_engine(path, true))?;
        let floor = guarded(|| read_floor(path, &engine))?;
        let checked = guarded(|| {
            let tables = begin_read(&engine)?;
            tables::check(&tables).map_err(StoreError::from)
        })?;
        let Checked {
            records,
            entries,
            leading,
            damaged,
            lost,
        } = checked;
        // Keys of damaged records cannot be told from stray ones.
        let stray_entries = if damaged.is_empty() {
            (leading + lost.len() as u64).saturating_sub(entries)
        } else {
            0
        };
        let examination = Examination {
            records,
            damaged,
            lost,
            stray_entries,
        };
        Ok((Self::with(path, engine, floor), examination))
    }

    /// Returns where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn with(path: &Path, engine: Database, floor: StableId) -> Self {
        Self {
            path: path.into(),
            floor,
            engine: Mutex::new(Some(Arc::new(engine))),
        }
    }

    /// Does `read` in a transaction that only reads.
    fn read<T>(
        &self,
        read: impl FnOnce(&Reading) -> Result<T, EngineError>,
    ) -> Result<T, StoreError> {
        let engine = self.engine()?;
        let outcome = guarded(|| {
            let tables = begin_read(&engine)?;
            read(&tables).map_err(StoreError::from)
        });
        self.after(&engine, outcome)
    }

    /// Returns the engine, which is opened again after an error of the disk.
    fn engine(&self) -> Result<Arc<Database>, StoreError> {
        let mut engine = self.slot();
        if let Some(engine) = &*engine {
            return Ok(engine.clone());
        }
        let opened = guarded(|| open_engine(&self.path, false))?;
        Ok(engine.insert(Arc::new(opened)).clone())
    }

    /// Closes the engine if an outcome says that it does not go on.
    fn after<T>(
        &self,
        engine: &Arc<Database>,
        outcome: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let has_stopped = matches!(
            outcome,
            Err(StoreError::Unavailable { .. }
                | StoreError::Full { .. }
                | StoreError::Damaged { .. })
        );
        if has_stopped {
            self.close(engine);
        }
        outcome
    }

    fn close(&self, engine: &Arc<Database>) {
        let mut slot = self.slot();
        // Another call may have opened it again by now.
        if slot
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, engine))
        {
            *slot = None;
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<Database>>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `write` in a transaction, and returns whether it was committed.
    fn write<T>(
        &self,
        number: u64,
        write: impl FnOnce(&mut Writing) -> Result<T, StoreError>,
    ) -> Result<T, CommitError> {
        let failed = |cause| CommitError::Failed { number, cause };
        let engine = self.engine().map_err(failed)?;
        let written = guarded(|| {
            let transaction = begin_write(&engine)?;
            let value = write(&mut Writing::open(&transaction)?)?;
            Ok((transaction, value))
        });
        let (transaction, value) = self.after(&engine, written).map_err(failed)?;
        let committed = guarded(|| Ok(transaction.commit().map_err(EngineError::from)?));
        match committed {
            Ok(()) => Ok(value),
            // It may be durable already: the file says so once it is opened again.
            Err(cause) => {
                self.close(&engine);
                Err(CommitError::Unknown {
                    number,
                    cause: cause.into(),
                })
            }
        }
    }
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Store for RedbStore {
    fn load(&self, ids: &[StableId]) -> Result<Loaded, StoreError> {
        self.read(|tables| tables::load(tables, ids))
    }

    fn existence(&self, ids: &[StableId]) -> Result<Vec<Existence>, StoreError> {
        self.read(|tables| {
            ids.iter()
                .map(|id| tables::existence(tables, *id))
                .collect()
        })
    }

    fn commit(&self, batch: &Batch) -> Result<(), CommitError> {
        let number = batch.number;
        let encoded: Vec<_> = batch
            .puts
            .iter()
            .map(|(_, record)| record.encode())
            .collect();
        for ((id, _), encoded) in batch.puts.iter().zip(&encoded) {
            if encoded.len() > LONGEST {
                let (id, bytes) = (*id, encoded.len());
                let cause = StoreError::TooLarge { id, bytes };
                return Err(CommitError::Failed { number, cause });
            }
        }
        self.write(number, |tables| {
            let committed = tables.number(Number::Committed)?;
            if number <= committed {
                return Err(StoreError::Repeated { number, committed });
            }
            tables::write(tables, batch, &encoded)?;
            tables.set_number(Number::Committed, number)?;
            Ok(())
        })
    }

    fn committed(&self) -> Result<u64, StoreError> {
        self.read(|tables| tables.number(Number::Committed))
    }

    fn reserve_ids(&self, count: u32) -> Result<RangeInclusive<StableId>, StoreError> {
        let reserved = self.write(0, |tables| {
            let reserved = super::reserve(tables.number(Number::Next)?, count)?;
            tables.set_number(Number::Next, reserved.end().get() + 1)?;
            Ok(reserved)
        });
        reserved.map_err(|error| match error {
            CommitError::Failed { cause, .. } => cause,
            // At worst, ids are skipped.
            CommitError::Unknown { cause, .. } => StoreError::Unavailable { cause },
        })
    }

    fn floor(&self) -> StableId {
        self.floor
    }

    fn find(&self, index: &str, key: &[u8], limit: usize) -> Result<Vec<StableId>, StoreError> {
        self.read(|tables| tables::find(tables, index, key, limit))
    }

    fn scan(&self, after: Option<StableId>, limit: usize) -> Result<Vec<StableId>, StoreError> {
        self.read(|tables| tables.ids(after, limit))
    }
}

/// Opens the engine. It reads the whole file if it is to be `checked`.
fn open_engine(path: &Path, checked: bool) -> Result<Database, StoreError> {
    let file = fs::OpenOptions::new().read(true).write(true).open(path);
    let length = file
        .and_then(|file| file.metadata())
        .map_err(|error| cannot_open(path, error))?
        .len();
    if length == 0 {
        // The engine would make a new one.
        return Err(StoreError::NotAStore {
            path: path.into(),
            cause: "the file is empty".into(),
        });
    }
    let mut builder = Builder::new();
    builder.set_check_integrity_on_open(checked);
    builder.open(path).map_err(|error| refused(path, error))
}

/// Makes the tables of a new store.
fn begin(engine: &Database, floor: StableId) -> Result<(), EngineError> {
    let transaction = begin_write(engine)?;
    {
        let mut tables = Writing::open(&transaction)?;
        tables.set_number(Number::Format, FORMAT)?;
        tables.set_number(Number::Floor, floor.get())?;
        tables.set_number(Number::Next, floor.get())?;
        tables.set_number(Number::Committed, 0)?;
    }
    transaction.commit()?;
    Ok(())
}

fn begin_write(engine: &Database) -> Result<WriteTransaction, EngineError> {
    let mut transaction = engine.begin_write()?;
    transaction.set_two_phase_commit(true);
    transaction.set_quick_repair(true);
    Ok(transaction)
}

fn begin_read(engine: &Database) -> Result<Reading, EngineError> {
    Reading::open(&engine.begin_read()?)
}

/// Returns the floor of a store, if it is one that this version knows.
fn read_floor(path: &Path, engine: &Database) -> Result<StableId, StoreError> {
    let not_a_store = |cause: Cause| StoreError::NotAStore {
        path: path.into(),
        cause,
    };
    let tables = begin_read(engine).map_err(|EngineError(error)| match error {
        redb::Error::TableDoesNotExist(_) | redb::Error::TableTypeMismatch { .. } => {
            not_a_store(error.into())
        }
        error => EngineError(error).into(),
    })?;
    let found = tables.number(Number::Format)?;
    if found != FORMAT {
        let known = FORMAT;
        return Err(StoreError::OtherFormat { found, known });
    }
    let floor = tables.number(Number::Floor)?;
    StableId::new(floor).map_err(|error| not_a_store(error.into()))
}

/// Does `work`, in which the engine may panic over a damaged page.
fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(StoreError::Damaged {
            cause: format!("the engine panicked: {}", message(&*panic)).into(),
        })
    })
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message")
}

/// Returns why a file cannot be opened.
fn cannot_open(path: &Path, error: io::Error) -> StoreError {
    let path = PathBuf::from(path);
    match error.kind() {
        io::ErrorKind::NotFound => StoreError::Missing { path },
        io::ErrorKind::AlreadyExists => StoreError::Exists { path },
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { path, cause: error }
        }
        io::ErrorKind::IsADirectory => StoreError::NotAStore {
            path,
            cause: error.into(),
        },
        _ => EngineError::from(StorageError::Io(error)).into(),
    }
}

/// Returns why the engine does not open a file.
fn refused(path: &Path, error: DatabaseError) -> StoreError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::InUse { path: path.into() },
        DatabaseError::UpgradeRequired(found) => StoreError::OtherFormat {
            found: found.into(),
            known: FORMAT,
        },
        DatabaseError::Storage(StorageError::Io(error))
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            ) =>
        {
            StoreError::NotAStore {
                path: path.into(),
                cause: error.into(),
            }
        }
        error => EngineError(error.into()).into(),
    }
}

impl From<EngineError> for StoreError {
    fn from(EngineError(error): EngineError) -> Self {
        match error {
            redb::Error::Io(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::StorageFull
                        | io::ErrorKind::QuotaExceeded
                        | io::ErrorKind::FileTooLarge
                ) =>
            {
                Self::Full {
                    cause: error.into(),
                }
            }
            redb::Error::Corrupted(_)
            | redb::Error::TableTypeMismatch { .. }
            | redb::Error::TableDoesNotExist(_)
            | redb::Error::TypeDefinitionChanged { .. } => Self::Damaged {
                cause: error.into(),
            },
            error => Self::Unavailable {
                cause: error.into(),
            },
        }
    }
}
