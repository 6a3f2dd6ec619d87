//! What becomes of each type of component: stored, rebuilt, kept, or a reason to stay.
//!
//! # Invariants
//!
//! 1. A component has one class at most.
//! 2. A stored name is that of one component or relationship.
//! 3. Relationships are never taken out, so their numbers stay.

pub(crate) mod builtin;
pub(crate) mod register;
pub(crate) mod relation;
pub(crate) mod stored_type;

use std::sync::Arc;

use bevy_ecs::{component::ComponentId, resource::Resource, world::EntityRef};

use self::{relation::Relation, stored_type::StoredType};
use crate::{error::RegisterError, hash::HashMap};

/// The classes of all components that were registered.
///
/// What works with it holds the inner pointer, so that it can change the world meanwhile.
#[derive(Resource, Default)]
pub(crate) struct Registry(pub(crate) Arc<Classes>);

/// The classes of components, by component and by stored name.
#[derive(Default, Clone)]
pub(crate) struct Classes {
    by_component: HashMap<ComponentId, Class>,
    by_name: HashMap<Arc<str>, Named>,
    relations: Vec<Relation>,
}

/// What becomes of a component when its object is written or leaves.
#[derive(Clone)]
pub(crate) enum Class {
    /// It is written, and comes back.
    Persistent(Arc<dyn StoredType>),
    /// It is dropped, and rebuilt by what made it.
    Derived,
    /// It is not written, and its object stays while it says so.
    Volatile(Pins),
    /// It is written by the id of its target. The number is that of the relationship.
    Relationship(usize),
    /// It is derived; if its sources are owned, their order is written.
    RelationshipTarget(usize),
}

/// Whether a volatile component is a reason to stay.
pub(crate) type Pins = Arc<dyn Fn(EntityRef<'_>) -> bool + Send + Sync>;

/// What is stored under a name.
#[derive(Clone)]
pub(crate) enum Named {
    /// A component.
    Component(Arc<dyn StoredType>),
    /// A relationship, by its number.
    Relationship(usize),
}

impl Classes {
    /// Returns the class of a component, if it was registered.
    pub(crate) fn of(&self, component: ComponentId) -> Option<&Class> {
        self.by_component.get(&component)
    }

    /// Returns what is stored under a name, if the name is known.
    pub(crate) fn named(&self, name: &str) -> Option<&Named> {
        self.by_name.get(name)
    }

    /// Returns all relationships that are stored, by number.
    pub(crate) fn relations(&self) -> &[Relation] {
        &self.relations
    }

    /// Returns those relationships that own: their sources leave with their target.
    pub(crate) fn owning(&self) -> impl Iterator<Item = &Relation> {
        self.relations.iter().filter(|relation| relation.is_owning)
    }

    /// Returns how each stored component is stored.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &Arc<dyn StoredType>> {
        self.by_name.values().filter_map(|named| match named {
            Named::Component(stored) => Some(stored),
            Named::Relationship(_) => None,
        })
    }

    /// Gives a component its class.
    fn add(
        &mut self,
        component: ComponentId,
        type_name: &'static str,
        class: Class,
    ) -> Result<(), RegisterError> {
        if let Some(known) = self.by_component.get(&component) {
            return Err(RegisterError::AlreadyRegistered {
                component: type_name,
                class: known.describe(&self.relations),
            });
        }
        let named = match &class {
            Class::Persistent(stored) => {
                Some((Arc::from(stored.name()), Named::Component(stored.clone())))
            }
            Class::Relationship(number) => {
                let name = self.relations[*number].name.clone();
                Some((name, Named::Relationship(*number)))
            }
            Class::Derived | Class::Volatile(_) | Class::RelationshipTarget(_) => None,
        };
        if let Some((name, named)) = named {
            self.check_name(type_name, &name)?;
            self.by_name.insert(name, named);
        }
        self.by_component.insert(component, class);
        Ok(())
    }

    /// Fails if nothing can be stored under `name`.
    fn check_name(&self, component: &'static str, name: &str) -> Result<(), RegisterError> {
        if name.is_empty() {
            return Err(RegisterError::NoName { component });
        }
        if self.by_name.contains_key(name) {
            let name = name.to_owned();
            return Err(RegisterError::NameTaken { component, name });
        }
        Ok(())
    }
}

impl Class {
    fn describe(&self, relations: &[Relation]) -> String {
        match self {
            Self::Persistent(stored) => format!("as persistent under the name `{}`", stored.name()),
            Self::Derived => "as derived".to_owned(),
            Self::Volatile(_) => "as volatile".to_owned(),
            Self::Relationship(number) => {
                let name = &relations[*number].name;
                format!("as a relationship under the name `{name}`")
            }
            Self::RelationshipTarget(number) => {
                let name = &relations[*number].name;
                format!("as the target of the relationship `{name}`")
            }
        }
    }
}
