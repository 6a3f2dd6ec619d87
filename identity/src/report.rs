//! What a load and a checkpoint did.

use core::fmt;
use std::collections::BTreeMap;

use bevy_ecs::entity::Entity;

use crate::{StableId, error::LoadError};

/// What a checkpoint wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckpointReport {
    /// The number of the commit, if there was anything to write.
    pub number: Option<u64>,
    /// How many objects may have changed, and were looked at.
    pub looked_at: usize,
    /// How many of them had changed, and were written.
    pub written: usize,
    /// How many objects were deleted.
    pub deleted: usize,
    /// The bytes of the components that were written.
    pub bytes: usize,
    /// By the name of a type that is not registered: how many of the written objects have such a
    /// component. These components are not in the store. Bevy knows names with its feature `debug`.
    pub unregistered: BTreeMap<String, usize>,
    /// By the name of a relationship: how many of the written objects relate to an entity that is
    /// no object. Without their target, these relationships are not in the store.
    pub unstored_targets: BTreeMap<String, usize>,
}

impl fmt::Display for CheckpointReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            looked_at,
            written,
            deleted,
            bytes,
            unregistered,
            unstored_targets,
        } = self;
        match number {
            Some(number) => write!(f, "checkpoint {number}: ")?,
            None => write!(f, "nothing to write: ")?,
        }
        write!(
            f,
            "looked at {looked_at}, written {written} ({bytes} bytes), deleted {deleted}"
        )?;
        for (name, count) in unstored_targets {
            write!(
                f,
                "\n  not written: `{name}` of {count} objects, to what is no object"
            )?;
        }
        for (name, count) in unregistered {
            write!(
                f,
                "\n  not written: `{name}` of {count} objects, which is not registered"
            )?;
        }
        Ok(())
    }
}

/// What became of a request for several objects.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct LoadReport {
    /// Those that are resident now, in the order in which they were asked for.
    pub found: Vec<(StableId, Entity)>,
    /// How many units came in.
    pub units: usize,
    /// How many objects came in with them.
    pub loaded: usize,
    /// Those that were asked for and did not come, with the reason. If they share a unit, the first
    /// of them has it.
    pub failed: Vec<(StableId, Option<LoadError>)>,
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "found {}, loaded {} objects in {} units, failed {}",
            self.found.len(),
            self.loaded,
            self.units,
            self.failed.len()
        )?;
        for (id, error) in &self.failed {
            match error {
                Some(error) => write!(f, "\n  {id}: {error}")?,
                None => write!(f, "\n  {id}: as above")?,
            }
        }
        Ok(())
    }
}
