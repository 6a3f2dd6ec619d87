//! What deletions did and cost, kind by kind, and the table to read it in.
//!
//! No function here fetches the worklist from a world: deletions count in the values of this
//! module, and hand them over to be shown.

pub use self::{
    counts::{KindCosts, QdelCounts},
    report::{KindRow, Statistics},
};
pub use crate::deleting::{EntityCosts, SlowestHandler};

pub(crate) mod counts;
pub(crate) mod kinds;
pub(crate) mod report;
pub(crate) mod text_table;
