//! What deletions did and cost.

#[cfg(feature = "bevy_diagnostic")]
mod diagnostics;
mod table;
