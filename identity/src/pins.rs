//! Why an object must stay in the world.

use core::fmt;

use bevy_ecs::{
    component::{ComponentId, ComponentInfo},
    entity::Entity,
    relationship::RelationshipAccessor,
    world::World,
};

use crate::{
    StableId,
    map::{IdentityMap, Saved},
    panics,
    registry::{Class, Classes, Registry},
};

/// A reason why an object must stay in the world: something of it would be lost.
///
/// Names of types are known with Bevy's feature `debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pin {
    /// It was never written.
    New,
    /// It has data that is not written.
    Volatile {
        /// The type of the component.
        component: String,
    },
    /// Whether it has data that is not written is not known, because the predicate panicked.
    Panicked {
        /// The type of the component.
        component: String,
        /// What the predicate panicked with.
        message: String,
    },
    /// It has a component that is not registered.
    Unregistered {
        /// The type of the component.
        component: String,
    },
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => write!(f, "never written; it may leave after a checkpoint"),
            Self::Volatile { component } => write!(f, "volatile `{component}`"),
            Self::Panicked { component, message } => {
                write!(
                    f,
                    "volatile `{component}`, whose predicate panicked: {message}"
                )
            }
            Self::Unregistered { component } => write!(
                f,
                "`{component}`, which is not registered; register it as persistent, derived or volatile"
            ),
        }
    }
}

/// Returns why an entity must stay, in the order of its components.
pub(crate) fn pins(world: &World, entity: Entity) -> Vec<Pin> {
    let mut pins = Vec::new();
    let (Some(registry), Ok(entity)) = (world.get_resource::<Registry>(), world.get_entity(entity))
    else {
        return pins;
    };
    let id = entity.get::<StableId>();
    let map = world.get_resource::<IdentityMap>();
    if let Some((id, map)) = id.zip(map)
        && map.saved(*id) == Some(Saved::NEVER)
    {
        pins.push(Pin::New);
    }
    for component in entity.archetype().components() {
        if is_unregistered(world, &registry.0, *component) {
            let component = name(world, *component);
            pins.push(Pin::Unregistered { component });
        } else if let Some(Class::Volatile(keeps)) = registry.0.of(*component) {
            let component = name(world, *component);
            match panics::caught(|| keeps(entity)) {
                Ok(true) => pins.push(Pin::Volatile { component }),
                Ok(false) => {}
                Err(message) => pins.push(Pin::Panicked { component, message }),
            }
        }
    }
    pins
}

/// Returns the name of a type of component, as far as Bevy knows it.
pub(crate) fn name(world: &World, component: ComponentId) -> String {
    let info = world.components().get_info(component);
    info.map_or_else(String::new, |info| info.name().to_string())
}

/// Returns `true` if a component has no class, and is no list of what relates to its entity.
pub(crate) fn is_unregistered(world: &World, classes: &Classes, component: ComponentId) -> bool {
    let accessor = world
        .components()
        .get_info(component)
        .and_then(ComponentInfo::relationship_accessor);
    // What relates to an entity says so itself.
    let is_target = matches!(
        accessor,
        Some(RelationshipAccessor::RelationshipTarget { .. })
    );
    !is_target && classes.of(component).is_none()
}
