//! What an object has in the store and this program does not know.

use bevy_ecs::component::Component;

use crate::{
    StableId,
    store::{IndexKey, StoredComponent},
};

/// Stored components under names that are not registered. They are written back byte for byte.
///
/// They come from another version of the program, or from a plugin that is not there at the moment.
#[derive(Component, Debug, Clone, PartialEq, Eq)]
#[component(immutable, clone_behavior = Ignore)]
pub struct CarriedAlong {
    /// The components.
    pub(crate) components: Vec<StoredComponent>,
    /// What the record named. Which of these names are in the components, only their codec knows.
    pub(crate) names: Vec<StableId>,
    /// Under what the object was found in indexes that are not registered.
    pub(crate) keys: Vec<IndexKey>,
}

impl CarriedAlong {
    /// Returns the components, with their names, versions and bytes.
    pub fn components(&self) -> &[StoredComponent] {
        &self.components
    }
}
