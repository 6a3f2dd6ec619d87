//! What Bevy's error handler is given, recorded by each thread for itself.

use std::cell::RefCell;

use bevy_ecs::{
    error::{BevyError, ErrorContext, FallbackErrorHandler, Severity},
    world::World,
};

thread_local! {
    static COMPLAINTS: RefCell<Vec<(Severity, String)>> = const { RefCell::new(Vec::new()) };
}

/// Records the errors of commands in this world, in place of a panic.
pub(crate) fn record_complaints(world: &mut World) {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "error handlers take errors by value"
    )]
    fn record(error: BevyError, _: ErrorContext) {
        // A backtrace may follow on the next lines.
        let said = error.to_string();
        let said = said.lines().next().unwrap_or_default().to_owned();
        COMPLAINTS.with_borrow_mut(|complaints| complaints.push((error.severity(), said)));
    }
    world.insert_resource(FallbackErrorHandler(record));
}

/// Returns the errors that were recorded on this thread since the last call.
pub(crate) fn complaints() -> Vec<(Severity, String)> {
    COMPLAINTS.take()
}
