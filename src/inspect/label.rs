//! How reports name entities.

use core::fmt::{self, Write};

use bevy_ecs::entity::Entity;
use disqualified::ShortName;

use crate::liveness::Liveness;

/// An entity, with its name or its resource.
///
/// Its `Display` is `goblin#12v3` for an entity with Bevy's `Name`, `12v3` for one without, and
/// `resource Score`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntityLabel {
    /// The entity.
    pub entity: Entity,
    /// The value of Bevy's `Name`.
    pub name: Option<String>,
    /// The type name of the resource on the entity, if there is one.
    pub resource: Option<String>,
    /// Whether the entity is alive, deleting, or gone.
    pub liveness: Liveness,
}

impl fmt::Display for EntityLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(resource) = &self.resource {
            return write!(f, "resource {}", ShortName(resource));
        }
        if let Some(name) = &self.name {
            // A name never breaks its line.
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

/// The order of entities in reports. Their own order would put later ones first.
pub(crate) fn order(entity: Entity) -> (u32, u32) {
    (entity.index_u32(), entity.generation().to_bits())
}
