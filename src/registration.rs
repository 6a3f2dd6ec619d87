//! What identifies a registration, in words.

use core::fmt;

use bevy_ecs::entity::Entity;
use disqualified::ShortName;

/// A listener, its component, a target and a signal: the key of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Registration {
    /// The entity whose component listens.
    pub listener: Entity,
    /// The type name of the component that listens.
    pub component: &'static str,
    /// The entity that the signal is about.
    pub target: Entity,
    /// The type name of the signal.
    pub signal: &'static str,
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` of {} listens for `{}` on {}",
            ShortName(self.component),
            self.listener,
            ShortName(self.signal),
            self.target
        )
    }
}
