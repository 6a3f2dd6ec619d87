//! The verbs of an app.

use bevy_app::App;
use bevy_ecs::{component::Component, relationship::Relationship};

use crate::{Stored, WorldIdentityExt, error::RegisterError};

/// Registering the components of an app. See [`WorldIdentityExt`].
pub trait AppIdentityExt {
    /// Stores the components `C`.
    ///
    /// # Errors
    ///
    /// See [`WorldIdentityExt::persist`].
    fn persist<C: Component>(&mut self, stored: Stored<C>) -> Result<&mut Self, RegisterError>;

    /// Stores the relationship `R` under `name`.
    ///
    /// # Errors
    ///
    /// See [`WorldIdentityExt::persist_relationship`].
    fn persist_relationship<R: Relationship>(
        &mut self,
        name: impl Into<String>,
    ) -> Result<&mut Self, RegisterError>;

    /// Says that components `C` are rebuilt by the game.
    ///
    /// # Errors
    ///
    /// See [`WorldIdentityExt::register_derived`].
    fn register_derived<C: Component>(&mut self) -> Result<&mut Self, RegisterError>;

    /// Says that components `C` are not written, and keep their objects.
    ///
    /// # Errors
    ///
    /// See [`WorldIdentityExt::register_volatile`].
    fn register_volatile<C: Component>(&mut self) -> Result<&mut Self, RegisterError>;
}

impl AppIdentityExt for App {
    fn persist<C: Component>(&mut self, stored: Stored<C>) -> Result<&mut Self, RegisterError> {
        self.world_mut().persist(stored)?;
        Ok(self)
    }

    fn persist_relationship<R: Relationship>(
        &mut self,
        name: impl Into<String>,
    ) -> Result<&mut Self, RegisterError> {
        self.world_mut().persist_relationship::<R>(name)?;
        Ok(self)
    }

    fn register_derived<C: Component>(&mut self) -> Result<&mut Self, RegisterError> {
        self.world_mut().register_derived::<C>()?;
        Ok(self)
    }

    fn register_volatile<C: Component>(&mut self) -> Result<&mut Self, RegisterError> {
        self.world_mut().register_volatile::<C>()?;
        Ok(self)
    }
}
