//! The plainest signal.

use qdel::prelude::*;

/// A signal without an answer.
#[derive(Clone)]
pub(crate) struct Ping;

impl Signal for Ping {
    type Answer = ();
}
