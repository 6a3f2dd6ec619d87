//! A thread that does what a frame must not wait for.

use core::fmt;
use std::{
    io,
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread::{self, JoinHandle},
};

/// Does jobs one after the other, on a thread of its own.
///
/// When this is dropped, it waits for the jobs that were sent: what the thread holds is let go of
/// then.
pub(crate) struct Worker<J, D> {
    /// `None` only while this is dropped.
    jobs: Option<Sender<J>>,
    thread: Option<JoinHandle<()>>,
    /// Behind a lock only so that it can be shared.
    done: Mutex<Receiver<D>>,
}

impl<J: Send + 'static, D: Send + 'static> Worker<J, D> {
    /// Starts a thread that does each job by `work`, which does not panic.
    pub(crate) fn start(name: &str, work: impl Fn(J) -> D + Send + 'static) -> io::Result<Self> {
        let (jobs, next_job) = mpsc::channel();
        let (answer, done) = mpsc::channel();
        let work = move || {
            for job in next_job {
                if answer.send(work(job)).is_err() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work)?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            done: Mutex::new(done),
        })
    }

    /// Hands a job to the thread. Returns `false` if it has ended.
    pub(crate) fn send(&self, job: J) -> bool {
        self.jobs
            .as_ref()
            .is_some_and(|jobs| jobs.send(job).is_ok())
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

impl<J, D> Drop for Worker<J, D> {
    fn drop(&mut self) {
        // Without a sender, the thread ends after the last job.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Jobs do not panic; if one did, there is nothing to repair.
            let _ = thread.join();
        }
    }
}

impl<J, D> fmt::Debug for Worker<J, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}
