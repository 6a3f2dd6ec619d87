//! Types of components that sweeps leave as they are.

use bevy_ecs::{component::ComponentId, resource::Resource};

use crate::{books::Reserved, hash::HashMap};

/// The types of components that sweeps leave as they are.
#[derive(Resource, Default)]
#[require(Reserved)]
pub(crate) struct LeftOut(HashMap<ComponentId, &'static str>);

impl LeftOut {
    /// Adds the type of a component, with its name.
    pub(crate) fn insert(&mut self, component: ComponentId, name: &'static str) {
        self.0.insert(component, name);
    }

    /// Returns the name of a type, if it is one of them.
    pub(crate) fn name_of(&self, component: ComponentId) -> Option<&'static str> {
        self.0.get(&component).copied()
    }
}
