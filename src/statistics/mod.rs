//! What deletions did and cost, kind by kind, and the table to read it in.
//!
//! Deletions count; here it is kept and shown.

pub use self::{
    counts::KindCounts,
    report::{KindRow, Statistics},
};
pub use crate::{
    deleting::{EntityCosts, SlowestHandler},
    deletion::outcome::QdelCounts,
};

pub(crate) mod counts;
pub(crate) mod kinds;
pub(crate) mod report;
pub(crate) mod text_table;
