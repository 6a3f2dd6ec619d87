//! The store of a world, and what is under way to and from it.

use std::sync::Arc;

use bevy_ecs::{change_detection::Tick, resource::Resource};

use crate::{
    StableId,
    error::{CommitError, StoreError},
    hash::HashSet,
    load,
    map::{Moment, Saved},
    panics,
    report::CheckpointReport,
    store::{Batch, Loaded, Store},
    worker::Worker,
};

/// The store of a world.
#[derive(Resource)]
pub(crate) struct Connection {
    pub(crate) store: Arc<dyn Store>,
    /// The number of the last commit that is known.
    pub(crate) committed: u64,
    /// What changed after this is looked at by the next checkpoint.
    pub(crate) since: Tick,
    /// What is being written, or may have been.
    pub(crate) flight: Flight,
    /// What was requested and has not come.
    pub(crate) asked: HashSet<StableId>,
    writer: Option<Worker<Batch, Result<(), CommitError>>>,
    reader: Option<Worker<(Vec<StableId>, Moment), ReadDone>>,
}

/// What is on the way to the store: one batch at most.
#[derive(Debug, Default)]
pub(crate) enum Flight {
    /// Nothing.
    #[default]
    None,
    /// A batch is with the worker.
    Sent(Written),
    /// A batch may have been written or not.
    Unsure(Written),
}

/// What a batch has.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) number: u64,
    pub(crate) puts: Vec<(StableId, Saved)>,
    pub(crate) deletes: Vec<StableId>,
    pub(crate) report: CheckpointReport,
}

/// What was read by request.
pub(crate) struct ReadDone {
    pub(crate) ids: Vec<StableId>,
    /// When it was asked for.
    pub(crate) since: Moment,
    pub(crate) loaded: Result<Loaded, StoreError>,
}

impl Connection {
    /// Connects with a store whose last commit has the number `committed`.
    pub(crate) fn new(store: Arc<dyn Store>, committed: u64, since: Tick) -> Self {
        Self {
            store,
            committed,
            since,
            flight: Flight::None,
            asked: HashSet::default(),
            writer: None,
            reader: None,
        }
    }

    /// Writes a batch, and waits for it.
    pub(crate) fn commit(&self, batch: &Batch) -> Result<(), CommitError> {
        commit(&*self.store, batch)
    }

    /// Lets the worker write a batch.
    pub(crate) fn send_commit(&mut self, batch: Batch) -> Result<(), StoreError> {
        let number = batch.number;
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                let store = Arc::clone(&self.store);
                Worker::start("qdel_identity writes", move |batch| commit(&*store, &batch))
                    .map_err(no_thread)?
            }
        };
        let is_sent = writer.send(batch);
        self.writer = Some(writer);
        debug_assert!(is_sent, "the writer should live to take batch {number}");
        Ok(())
    }

    /// Returns what became of the batch that the worker has, if it is done.
    pub(crate) fn poll_commit(&self) -> Option<Result<(), CommitError>> {
        self.writer.as_ref()?.poll()
    }

    /// Waits for the batch that the worker has.
    pub(crate) fn wait_for_commit(&self) -> Option<Result<(), CommitError>> {
        self.writer.as_ref()?.wait()
    }

    /// Lets the worker read units.
    pub(crate) fn send_read(&mut self, ids: &[StableId], since: Moment) -> Result<(), StoreError> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => {
                let store = Arc::clone(&self.store);
                let read = move |(ids, since): (Vec<StableId>, Moment)| ReadDone {
                    loaded: load::read(&*store, &ids),
                    ids,
                    since,
                };
                Worker::start("qdel_identity reads", read).map_err(no_thread)?
            }
        };
        let is_sent = reader.send((ids.to_vec(), since));
        self.reader = Some(reader);
        debug_assert!(is_sent, "the reader should live");
        Ok(())
    }

    /// Returns what was read by request, if anything was.
    pub(crate) fn poll_read(&self) -> Option<ReadDone> {
        self.reader.as_ref()?.poll()
    }

    /// Notes that objects have come, or failed to.
    pub(crate) fn asked_done(&mut self, ids: &[StableId]) {
        for id in ids {
            self.asked.remove(id);
        }
    }
}

/// Writes a batch. After a panic of the engine, the outcome is unknown.
fn commit(store: &dyn Store, batch: &Batch) -> Result<(), CommitError> {
    panics::caught(|| store.commit(batch)).unwrap_or_else(|message| {
        Err(CommitError::Unknown {
            number: batch.number,
            cause: message.into(),
        })
    })
}

fn no_thread(error: std::io::Error) -> StoreError {
    StoreError::Unavailable {
        cause: error.into(),
    }
}
