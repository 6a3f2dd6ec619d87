//! What several modules use.

mod alone;
mod logging;

pub(crate) use alone::in_a_process_of_its_own;
pub(crate) use logging::{collect_log, count_logged_errors, record_log, take_log};

/// After how many entities a tear-down with a budget looks at the clock. `budget` holds that the
/// crate does so.
pub(crate) const TEARDOWN_BATCH: usize = 32;
