//! How long the handlers of a notice take.

use core::time::Duration;

use bevy_ecs::entity::Entity;

use crate::deleting::SlowestHandler;

/// Times the handlers of one notice, each by itself.
pub(crate) struct Stopwatch<'a> {
    now: &'a dyn Fn() -> Duration,
    /// The handler that is being called, its listener, and the time when the call began.
    running: Option<(&'static str, Entity, Duration)>,
    slowest: Option<SlowestHandler>,
}

impl<'a> Stopwatch<'a> {
    pub(crate) fn new(now: &'a dyn Fn() -> Duration) -> Self {
        Self {
            now,
            running: None,
            slowest: None,
        }
    }

    pub(crate) fn slowest(&self) -> Option<SlowestHandler> {
        self.slowest
    }

    #[cold]
    pub(crate) fn start(&mut self, handler: &'static str, listener: Entity) {
        self.running = Some((handler, listener, (self.now)()));
    }

    #[cold]
    pub(crate) fn stop(&mut self) {
        let Some((handler, listener, begun)) = self.running.take() else {
            return;
        };
        let time = (self.now)().saturating_sub(begun);
        if self.slowest.is_none_or(|slowest| slowest.time < time) {
            self.slowest = Some(SlowestHandler::new(handler, listener, time));
        }
    }
}
