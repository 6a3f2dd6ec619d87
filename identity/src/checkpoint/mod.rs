//! One atomic, durable write of all that changed.
//!
//! # Invariants
//!
//! 1. One batch at most is on its way. What it became is known before another one is sent.
//! 2. What was not written for sure stays dirty, and deletions stay noted.
//! 3. What changes after it was encoded is newer than `since`, and so is looked at again.

mod encode;
mod gather;

use std::sync::Arc;

use bevy_ecs::world::World;

use crate::{
    connection::{Connection, Flight, Written},
    error::{CheckpointError, CommitError},
    events::{self, CheckpointFailed, Checkpointed},
    hash::hash_of,
    life,
    map::{IdentityMap, Saved},
    registry::Registry,
    report::CheckpointReport,
    store::{Batch, Record},
};

/// What became of a checkpoint that nothing waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointStart {
    /// It is on its way, under that number.
    Started {
        /// The number of the commit.
        number: u64,
    },
    /// Nothing had changed.
    NothingToWrite,
    /// Another one is on its way. What changed since is written by the next one.
    InFlight,
}

/// Writes all that changed, and waits until it is durable.
pub(crate) fn checkpoint(world: &mut World) -> Result<CheckpointReport, CheckpointError> {
    check(world)?;
    let connection = world.resource::<Connection>();
    if let Flight::Sent(_) = connection.flight {
        let outcome = connection.wait_for_commit();
        // What became of that one is told by its event. This one writes what is left.
        land(world, outcome);
    }
    settle(world)?;
    let (batch, written) = prepare(world)?;
    if batch.is_empty() {
        return Ok(written.report);
    }
    let outcome = world.resource::<Connection>().commit(&batch);
    let report = written.report.clone();
    finish(world, written, outcome)?;
    events::tell(
        world,
        Checkpointed {
            report: report.clone(),
        },
    );
    Ok(report)
}

/// Begins to write all that changed.
pub(crate) fn checkpoint_later(world: &mut World) -> Result<CheckpointStart, CheckpointError> {
    check(world)?;
    poll(world);
    if let Flight::Sent(_) = world.resource::<Connection>().flight {
        return Ok(CheckpointStart::InFlight);
    }
    settle(world)?;
    let (batch, written) = prepare(world)?;
    if batch.is_empty() {
        return Ok(CheckpointStart::NothingToWrite);
    }
    let number = batch.number;
    let mut connection = world.resource_mut::<Connection>();
    if let Err(error) = connection.send_commit(batch) {
        undo(world, &written);
        return Err(error.into());
    }
    connection.flight = Flight::Sent(written);
    Ok(CheckpointStart::Started { number })
}

/// Notes what became of the batch that is on its way, if that is known.
pub(crate) fn poll(world: &mut World) {
    if let Flight::Sent(_) = world.resource::<Connection>().flight
        && let Some(outcome) = world.resource::<Connection>().poll_commit()
    {
        land(world, Some(outcome));
    }
}

/// Fails if nothing can be written at the moment.
fn check(world: &World) -> Result<(), CheckpointError> {
    if !world.contains_resource::<Connection>() {
        return Err(CheckpointError::NoStore);
    }
    if !world.resource::<IdentityMap>().loading().is_empty() {
        return Err(CheckpointError::Nested);
    }
    Ok(())
}

/// Notes what became of the batch that the worker had, and tells of it.
fn land(world: &mut World, outcome: Option<Result<(), CommitError>>) {
    let flight = core::mem::take(&mut world.resource_mut::<Connection>().flight);
    let Flight::Sent(written) = flight else {
        return;
    };
    let number = written.number;
    let outcome = outcome.unwrap_or_else(|| {
        Err(CommitError::Unknown {
            number,
            cause: "the thread that writes has ended".into(),
        })
    });
    let report = written.report.clone();
    match finish(world, written, outcome) {
        Ok(()) => events::tell(world, Checkpointed { report }),
        Err(error) => events::tell(
            world,
            CheckpointFailed {
                error: error.into(),
            },
        ),
    }
}

/// Notes what became of a batch.
fn finish(
    world: &mut World,
    written: Written,
    outcome: Result<(), CommitError>,
) -> Result<(), CommitError> {
    match &outcome {
        Ok(()) => done(world, &written),
        Err(CommitError::Failed { .. }) => undo(world, &written),
        Err(CommitError::Unknown { .. }) => {
            world.resource_mut::<Connection>().flight = Flight::Unsure(written);
        }
    }
    outcome
}

/// Asks the store whether it has the last batch, if that is not known.
fn settle(world: &mut World) -> Result<(), CheckpointError> {
    let connection = world.resource::<Connection>();
    let Flight::Unsure(written) = &connection.flight else {
        return Ok(());
    };
    let number = written.number;
    let committed = connection.store.committed()?;
    let flight = core::mem::take(&mut world.resource_mut::<Connection>().flight);
    if let Flight::Unsure(written) = flight {
        if committed >= number {
            done(world, &written);
            let report = written.report;
            events::tell(world, Checkpointed { report });
        } else {
            undo(world, &written);
        }
    }
    Ok(())
}

/// Notes that a batch is in the store.
fn done(world: &mut World, written: &Written) {
    world.resource_mut::<Connection>().committed = written.number;
    let mut map = world.resource_mut::<IdentityMap>();
    for (id, saved) in &written.puts {
        map.set_saved(*id, *saved);
    }
    map.deletes_done(&written.deletes);
}

/// Notes that a batch is not in the store.
fn undo(world: &mut World, written: &Written) {
    let mut map = world.resource_mut::<IdentityMap>();
    for (id, _) in &written.puts {
        map.set_dirty(*id);
    }
}

/// Encodes all that changed.
fn prepare(world: &mut World) -> Result<(Batch, Written), CheckpointError> {
    life::give_ids(world)?;
    let classes = Arc::clone(&world.resource::<Registry>().0);
    let candidates = gather::gather(world, &classes);
    let mut batch = Batch::new(world.resource::<Connection>().committed + 1);
    let mut saved = Vec::new();
    let mut report = CheckpointReport {
        looked_at: candidates.len(),
        ..CheckpointReport::default()
    };
    let map = world.resource::<IdentityMap>();
    for &id in &candidates {
        let record = match encode::encode(world, map, &classes, id) {
            Ok(Some(record)) => record,
            Ok(None) => continue,
            Err(error) => {
                let mut map = world.resource_mut::<IdentityMap>();
                candidates.iter().for_each(|id| map.set_dirty(*id));
                return Err(error);
            }
        };
        let hash = Saved::hash(hash_of(&record));
        if map.saved(id) != Some(hash) {
            report.bytes += size(&record);
            encode::count_lost(world, map, &classes, id, &mut report);
            batch.puts.push((id, record));
            saved.push((id, hash));
        }
    }
    batch.deletes = map.deletes().collect();
    report.number = (!batch.is_empty()).then_some(batch.number);
    report.written = batch.puts.len();
    report.deleted = batch.deletes.len();
    let written = Written {
        number: batch.number,
        puts: saved,
        deletes: batch.deletes.clone(),
        report,
    };
    Ok((batch, written))
}

/// Returns the bytes of the components of a record.
fn size(record: &Record) -> usize {
    record.components.iter().map(|it| it.bytes.len()).sum()
}
