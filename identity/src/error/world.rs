//! What can go wrong between a world and its store.

use thiserror::Error;

use crate::{
    StableId,
    error::{CodecError, CommitError, Damage, StoreError},
};

/// Why a type of component was not registered. The registry is as before.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The component has a class already.
    #[error("`{component}` is registered already, {class}; register each component once")]
    AlreadyRegistered {
        /// The type of the component.
        component: &'static str,
        /// As what it is registered.
        class: String,
    },
    /// Another component is stored under that name.
    #[error(
        "the name `{name}` of `{component}` is that of another component; stored names must differ"
    )]
    NameTaken {
        /// The type of the component.
        component: &'static str,
        /// The name.
        name: String,
    },
    /// The name is empty.
    #[error("`{component}` has no name; give it one, which stays when the type is renamed")]
    NoName {
        /// The type of the component.
        component: &'static str,
    },
    /// The version is 0.
    #[error("`{component}` has version 0; count versions from 1")]
    VersionZero {
        /// The type of the component.
        component: &'static str,
    },
    /// An upgrade leads from a version that is not before the one that is written.
    #[error(
        "`{component}` has an upgrade from version {from} and is written in {version}; raise the version"
    )]
    UpgradeFromLater {
        /// The type of the component.
        component: &'static str,
        /// Where the upgrade begins.
        from: u32,
        /// The version that is written.
        version: u32,
    },
    /// A relationship has more fields than its target.
    #[error(
        "the relationship `{component}` has fields beside its target, which would be lost; put them into a component of their own"
    )]
    RelationshipHasFields {
        /// The type of the relationship.
        component: &'static str,
    },
}

/// Why a world was not attached to a store. It is as before.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AttachError {
    /// It has a store already.
    #[error("the world has a store already; a world has one store")]
    AlreadyAttached,
    /// The store did not answer.
    #[error("the store cannot be used: {0}")]
    Store(#[from] StoreError),
}

/// Why an object of that id was not spawned. The world is as before.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The world has no store.
    #[error("the world has no store; attach one first")]
    NoStore,
    /// The id is one of those that the store hands out.
    #[error("{id} is handed out by the store; ids of your own choice are below {floor}")]
    NotBelowFloor {
        /// The id.
        id: StableId,
        /// The first id that the store hands out.
        floor: StableId,
    },
    /// There is such an object, here or in the store.
    #[error("there is an object {id} already; load it, or choose another id")]
    Taken {
        /// The id.
        id: StableId,
    },
    /// There was such an object.
    #[error("the object {id} was deleted, and its id is never used again; choose another one")]
    Deleted {
        /// The id.
        id: StableId,
    },
    /// The store did not answer.
    #[error("whether {id} is free cannot be read: {cause}")]
    Store {
        /// The id.
        id: StableId,
        /// Why.
        #[source]
        cause: StoreError,
    },
}

/// Why an object was not loaded. The world is as before, but for what handlers did.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The world has no store.
    #[error("the world has no store; attach one first")]
    NoStore,
    /// The object was deleted, or is being deleted, or was never committed.
    #[error("there is no object {id} any more")]
    Gone {
        /// The object.
        id: StableId,
    },
    /// No object ever had that id.
    #[error("no object ever had the id {id} in this store; is it one of another store?")]
    Unknown {
        /// The id.
        id: StableId,
    },
    /// A record of its unit cannot be read.
    #[error("{id} is not loaded: {damage}")]
    Damaged {
        /// The root of the unit.
        id: StableId,
        /// Which record, and what is wrong with it.
        #[source]
        damage: Damage,
    },
    /// A component in its unit cannot be read.
    #[error("the component `{component}` of {id} cannot be read: {cause}")]
    Codec {
        /// The object that has the component.
        id: StableId,
        /// The name under which it is stored.
        component: String,
        /// Why.
        #[source]
        cause: CodecError,
    },
    /// A member of its unit is resident, though the unit is not.
    #[error(
        "{id} is not loaded: {member}, which is stored with it, is in the world; check the store"
    )]
    Overlaps {
        /// The root of the unit.
        id: StableId,
        /// The member.
        member: StableId,
    },
    /// A hook or an observer panicked while the unit came in. It was taken out again.
    #[error("{id} was taken out again, because a hook or an observer panicked: {message}")]
    Panicked {
        /// The root of the unit.
        id: StableId,
        /// What it panicked with.
        message: String,
    },
    /// Another load is under way, and this one was called from a hook or an observer of it.
    #[error("{id} cannot be loaded while others come in; request it by `Commands::load`")]
    Nested {
        /// The object.
        id: StableId,
    },
    /// The store did not answer.
    #[error("the store cannot be read: {0}")]
    Store(#[from] StoreError),
}

/// Why nothing was written. All that changed stays dirty, and resident.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The world has no store.
    #[error("the world has no store; attach one first")]
    NoStore,
    /// A component cannot be written.
    #[error("the component `{component}` of {id} cannot be written: {cause}")]
    Codec {
        /// The object.
        id: StableId,
        /// The name under which the component is stored.
        component: String,
        /// Why.
        #[source]
        cause: CodecError,
    },
    /// The store did not hand out ids, or did not say what it has committed.
    #[error("nothing was written: {0}")]
    Store(#[from] StoreError),
    /// The commit failed, or its outcome is not known.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// Objects are coming in, or are being written.
    #[error("nothing is written while objects come in; call this from outside of their handlers")]
    Nested,
}

/// Why an object was not deleted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DeleteError {
    /// The world has no store.
    #[error("the world has no store; attach one first")]
    NoStore,
    /// It was deleted before.
    #[error("there is no object {id} any more")]
    Gone {
        /// The object.
        id: StableId,
    },
    /// No object ever had that id.
    #[error("no object ever had the id {id} in this store; is it one of another store?")]
    Unknown {
        /// The object.
        id: StableId,
    },
    /// It is resident, and stays.
    #[error(transparent)]
    Qdel(#[from] qdel::QdelError),
    /// The store did not answer.
    #[error("the store cannot be read: {0}")]
    Store(#[from] StoreError),
}
