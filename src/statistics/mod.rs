//! What deletions did and cost, kind by kind, and the table to read it in.
//!
//! Deletions count; here it is kept and shown.

pub(crate) mod counts;
pub(crate) mod kinds;
pub(crate) mod report;
pub(crate) mod table;
