//! What a report calls an entity.

use core::fmt::{self, Write};

use bevy_ecs::entity::Entity;
use disqualified::ShortName;

use crate::liveness::Liveness;

/// An entity, with what people know it by.
///
/// Its `Display` is `goblin#12v3` for an entity that Bevy's `Name` names, `12v3` for one without,
/// and `resource Score`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntityLabel {
    /// The entity.
    pub entity: Entity,
    /// What Bevy's `Name` says.
    pub name: Option<String>,
    /// The type name of the resource that the entity holds, if it does.
    pub resource: Option<String>,
    /// Whether the entity is there, going, or gone.
    pub liveness: Liveness,
}

impl fmt::Display for EntityLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(resource) = &self.resource {
            return write!(f, "resource {}", ShortName(resource));
        }
        if let Some(name) = &self.name {
            // Whatever a name holds, it stays on its line.
            for char in name.chars() {
                if char.is_control() {
                    write!(f, "{}", char.escape_default())?;
                } else {
                    f.write_char(char)?;
                }
            }
            f.write_char('#')?;
        }
        write!(f, "{}", self.entity)
    }
}

/// What entities are sorted by: their own order would put later ones first.
pub(crate) fn order(entity: Entity) -> (u32, u32) {
    (entity.index_u32(), entity.generation().to_bits())
}
