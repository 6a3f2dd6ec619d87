//! How far work goes before it ends.

use crate::deletion::settings::{QdelSettings, Teardown};

/// How far work on the worklist goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Goal {
    /// Tell and destroy all, and leave the rest to the end of the frame.
    #[default]
    Destroy,
    /// Tear down what waits for it when the work begins, as far as the budget goes.
    TearDownWaiting,
    /// Tear down until nothing waits for it, whatever the budget.
    TearDownAll,
    /// As that, and end all sweeps, whatever their pace.
    Drain,
}

impl Goal {
    /// Returns how far a deletion goes by the settings of `world`.
    pub(crate) fn of(settings: &QdelSettings) -> Self {
        match settings.teardown {
            Teardown::EndOfFrame | Teardown::Budget(_) => Self::Destroy,
            Teardown::Immediate => Self::TearDownAll,
        }
    }
}
