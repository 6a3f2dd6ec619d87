//! For the tests of a game: [`CreateAndDestroy`], [`assert_no_leftovers`], and a clock to turn by
//! hand.
//!
//! The chapter [`testing`](crate::docs::testing) shows them at work.

pub use self::{
    create_and_destroy::CreateAndDestroy,
    failures::{Error, Failure, Stage},
    no_leftovers::assert_no_leftovers,
};
pub use crate::deletion::settings::WorkClock;

pub(crate) mod create_and_destroy;
pub(crate) mod failures;
pub(crate) mod no_leftovers;
