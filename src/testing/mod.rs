//! What tests of games use: [`CreateAndDestroy`](create_and_destroy::CreateAndDestroy) and what it
//! finds.
//!
//! It is built on what users call, and knows no secrets.

pub(crate) mod create_and_destroy;
pub(crate) mod failures;
