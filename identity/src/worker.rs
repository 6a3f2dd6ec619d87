//! A thread that does what a frame must not wait for.

use core::fmt;
use std::{
    io,
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

/// Does jobs one after the other, on a thread of its own. It ends when this is dropped and the
/// job at hand is done.
pub(crate) struct Worker<J, D> {
    jobs: Sender<J>,
    /// Behind a lock only so that it can be shared.
    done: Mutex<Receiver<D>>,
}

impl<J: Send + 'static, D: Send + 'static> Worker<J, D> {
    /// Starts a thread that does each job by `work`, which does not panic.
    pub(crate) fn start(name: &str, work: impl Fn(J) -> D + Send + 'static) -> io::Result<Self> {
        let (jobs, next_job) = mpsc::channel();
        let (answer, done) = mpsc::channel();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                for job in next_job {
                    if answer.send(work(job)).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Self {
            jobs,
            done: Mutex::new(done),
        })
    }

    /// Hands a job to the thread. Returns `false` if it has ended.
    pub(crate) fn send(&self, job: J) -> bool {
        self.jobs.send(job).is_ok()
    }

    /// Returns the next job that is done, if one is.
    pub(crate) fn poll(&self) -> Option<D> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.try_recv().ok()
    }

    /// Waits for the next job that is done. Returns `None` if the thread has ended.
    pub(crate) fn wait(&self) -> Option<D> {
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        done.recv().ok()
    }
}

impl<J, D> fmt::Debug for Worker<J, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}
