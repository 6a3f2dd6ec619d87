//! Signals: who listens to whom, who is called when, and what holds when a handler panics.

mod again;
mod dispatch;
mod late;
mod marker;
mod overwriting;
mod panics;
mod queued;
mod register;
mod registrar;
mod say;
mod target_kind;
mod told_and_ended;
