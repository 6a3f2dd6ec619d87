//! What can go wrong.

mod world;

use std::{io, path::PathBuf};

use thiserror::Error;

pub use self::world::{
    AttachError, CheckpointError, DeleteError, LoadError, RegisterError, SpawnError,
};
use crate::StableId;
pub use crate::stable_id::StableIdError;

/// Why an error happened, as the store's engine says it.
pub type Cause = Box<dyn core::error::Error + Send + Sync>;

/// Why a store cannot be used, or did not do what it was asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be reached or read at the moment.
    #[error("the store did not answer: {cause}; try again")]
    Unavailable {
        /// What the engine says.
        cause: Cause,
    },
    /// Nothing more can be written.
    #[error("the store has no room left: {cause}; make room, and try again")]
    Full {
        /// What the engine says.
        cause: Cause,
    },
    /// The store may not be written to.
    #[error("the store at `{}` cannot be written: {cause}; give this user the right to", path.display())]
    ReadOnly {
        /// Where it is.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Another process, or this one, has it open.
    #[error("the store at `{}` is open already; close it there first", path.display())]
    InUse {
        /// Where it is.
        path: PathBuf,
    },
    /// There is no store.
    #[error("there is no store at `{}`; make one with `create`", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is one already.
    #[error("there is a store at `{}` already; open it, or name another file", path.display())]
    Exists {
        /// Where it is.
        path: PathBuf,
    },
    /// What is there is no store, or is cut off.
    #[error("`{}` is no store, or was cut off: {cause}; name another file, or restore this one", path.display())]
    NotAStore {
        /// Where it is.
        path: PathBuf,
        /// What the engine says.
        cause: Cause,
    },
    /// It was written by another version of this crate or of its engine.
    #[error(
        "the store has format {found}, and this version knows {known}; open it with the version that wrote it"
    )]
    OtherFormat {
        /// The format of the store.
        found: u64,
        /// The newest format that this version knows.
        known: u64,
    },
    /// The store is damaged beyond single records.
    #[error("the store is damaged: {cause}; restore it from a copy")]
    Damaged {
        /// What the engine says.
        cause: Cause,
    },
    /// All ids were handed out.
    #[error(
        "{wanted} ids are wanted, and {left} are left; no object can be made in this store any more"
    )]
    OutOfIds {
        /// How many were asked for.
        wanted: u32,
        /// How many there are.
        left: u64,
    },
    /// A batch that was committed already, or one of before it.
    #[error(
        "commit number {number} comes after number {committed}; number commits upwards from `committed`"
    )]
    Repeated {
        /// The number of the batch.
        number: u64,
        /// The number of the last commit.
        committed: u64,
    },
    /// A record is larger than the engine takes.
    #[error(
        "the record of {id} has {bytes} bytes, which is more than the store takes; divide the object"
    )]
    TooLarge {
        /// The object.
        id: StableId,
        /// The size of its record.
        bytes: usize,
    },
}

impl StoreError {
    /// Returns `true` if the same call may succeed later without a change to the program or the
    /// store's place.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Full { .. })
    }
}

/// Why a commit is not known to have happened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CommitError {
    /// It did not: the store is as it was before.
    #[error("commit number {number} did not happen: {cause}")]
    Failed {
        /// The number of the batch.
        number: u64,
        /// Why.
        #[source]
        cause: StoreError,
    },
    /// It may have happened, whole, or not at all.
    #[error(
        "commit number {number} may have happened or not: {cause}; ask `committed` before anything is repeated"
    )]
    Unknown {
        /// The number of the batch.
        number: u64,
        /// What the engine says.
        cause: Cause,
    },
}

/// A record that cannot be read. Others can.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the record of {id} cannot be read: {kind}")]
#[non_exhaustive]
pub struct Damage {
    /// The object.
    pub id: StableId,
    /// What is wrong with its record.
    pub kind: DamageKind,
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DamageKind {
    /// It is too short.
    #[error("it ends after {bytes} bytes; restore the store from a copy, or delete the object")]
    Cut {
        /// Its length.
        bytes: usize,
    },
    /// Its bytes were changed.
    #[error(
        "its checksum is {found:#010x} in place of {wanted:#010x}; restore the store from a copy, or delete the object"
    )]
    Checksum {
        /// The stored checksum.
        wanted: u32,
        /// That of the bytes.
        found: u32,
    },
    /// It was written by a later version of this crate.
    #[error("its layout is {found}, and this version knows {known}; use the version that wrote it")]
    Format {
        /// The layout of the record.
        found: u8,
        /// The newest layout that this version reads.
        known: u8,
    },
    /// Its bytes are what was written, and make no record.
    #[error(
        "its bytes make no record; delete the object, and report this as a fault of this crate"
    )]
    Undecodable,
}

/// Why a component cannot be written or read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The codec says no.
    #[error("its codec refuses it: {cause}")]
    Refused {
        /// What the codec says.
        cause: Cause,
    },
    /// The codec panicked.
    #[error("its codec panicked: {message}")]
    Panicked {
        /// What it panicked with.
        message: String,
    },
    /// It has a field of type `Entity`.
    #[error(
        "it names an `Entity`, which means nothing in another run; use a `StableRef` in that field"
    )]
    NamesEntities,
    /// It was written by a later version of the program.
    #[error(
        "it was written in version {found}, and this program knows {known}; use the program that wrote it"
    )]
    Newer {
        /// The version that it was written in.
        found: u32,
        /// The version that is registered.
        known: u32,
    },
    /// It was written in an earlier version, from which nothing leads here.
    #[error(
        "it was written in version {found}, and there is no upgrade from it to {known}; add one by `Stored::with_upgrade`"
    )]
    NoUpgrade {
        /// The version that it was written in.
        found: u32,
        /// The version that is registered.
        known: u32,
    },
}
