//! The Bevy plugin.

use bevy_app::{App, Last, Plugin};
use bevy_ecs::{
    component::Component,
    schedule::{IntoScheduleConfigs, SystemSet},
    world::World,
};

use crate::{
    deletion::{QdelCounts, QdelExt, QdelSettings},
    signal::WorldListenerExt,
};

/// Tears down at the end of each frame what was deleted in it.
///
/// ```
/// use bevy_app::prelude::*;
/// use bevy_ecs::prelude::*;
/// use qdel::prelude::*;
///
/// let mut app = App::new();
/// app.add_plugins(QdelPlugin::default());
/// let goblin = app.world_mut().spawn_empty().id();
///
/// app.add_systems(Update, move |mut commands: Commands| {
///     if let Ok(mut goblin) = commands.get_entity(goblin) {
///         goblin.qdel();
///     }
/// });
/// app.update();
///
/// assert_eq!(app.world().liveness(goblin), Liveness::Gone);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct QdelPlugin {
    settings: Option<QdelSettings>,
}

impl QdelPlugin {
    /// Returns the plugin with these settings to begin with.
    ///
    /// Without, it takes those that are in the app already, or else the defaults.
    #[must_use]
    pub fn with_settings(settings: QdelSettings) -> Self {
        Self {
            settings: Some(settings),
        }
    }
}

impl Plugin for QdelPlugin {
    fn build(&self, app: &mut App) {
        if let Some(settings) = self.settings {
            app.insert_resource(settings);
        }
        app.init_resource::<QdelSettings>()
            .init_resource::<QdelCounts>()
            .add_systems(Last, flush.in_set(QdelSystems::TearDown));
        #[cfg(feature = "bevy_reflect")]
        app.register_type::<crate::Weak>()
            .register_type::<QdelSettings>()
            .register_type::<QdelCounts>();
    }
}

/// The systems of the plugin.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QdelSystems {
    /// Tears down what was deleted in the frame; in [`Last`].
    TearDown,
}

/// Preparing an app for listeners.
pub trait AppListenerExt {
    /// Watches for the end of each `C` in the cheapest way.
    ///
    /// See [`WorldListenerExt::register_listener`].
    fn register_listener<C: Component>(&mut self) -> &mut Self;
}

impl AppListenerExt for App {
    fn register_listener<C: Component>(&mut self) -> &mut Self {
        self.world_mut().register_listener::<C>();
        self
    }
}

fn flush(world: &mut World) {
    world.flush_qdel();
}
