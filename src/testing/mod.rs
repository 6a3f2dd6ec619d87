//! What tests of games use: [`CreateAndDestroy`] and what it
//! finds.
//!
//! It is built on what users call, and knows no secrets.

pub use self::{
    create_and_destroy::CreateAndDestroy,
    failures::{Error, Failure, Stage},
    no_leftovers::assert_no_leftovers,
};
pub use crate::deletion::settings::WorkClock;

pub(crate) mod create_and_destroy;
pub(crate) mod failures;
pub(crate) mod no_leftovers;
