//! What several modules use.

mod alone;
mod cargo;
mod cast;
mod clock;
mod complaints;
mod ends;
mod guard;
mod ledger;
mod listener;
mod logging;
mod named;
mod order;
mod panics;
mod ping;
mod reaction;
mod registrations;
mod says;
mod spawning;

pub(crate) use alone::{in_a_process_of_its_own, on_a_small_stack};
pub(crate) use cargo::LoadedOn;
pub(crate) use cast::Cast;
pub(crate) use clock::{Ballast, HandClock, Slow, slow};
pub(crate) use complaints::{complaints, record_complaints};
pub(crate) use ends::{DELETIONS, DESPAWNS, End};
pub(crate) use guard::Guard;
pub(crate) use ledger::Ledger;
pub(crate) use listener::{Listener, Told, spawn_noted, told};
pub(crate) use logging::{collect_log, count_logged_errors, record_log, take_log};
pub(crate) use named::{Named, noting_world};
pub(crate) use order::{Order, order};
pub(crate) use panics::{panic_of, panics};
pub(crate) use ping::Ping;
pub(crate) use reaction::on_death;
pub(crate) use registrations::{counts, listeners_on};
pub(crate) use says::{Immortal, Says};
pub(crate) use spawning::spawn_many;

/// After how many entities a tear-down with a budget looks at the clock. `budget` holds that the
/// crate does so.
pub(crate) const TEARDOWN_BATCH: usize = 32;
