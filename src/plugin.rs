//! The Bevy plugin.

#[cfg(feature = "bevy_time")]
use core::time::Duration;

#[cfg(feature = "bevy_time")]
use bevy_app::PreUpdate;
use bevy_app::{App, Last, MainScheduleOrder, Plugin, PostUpdate};
#[cfg(feature = "bevy_time")]
use bevy_ecs::{change_detection::Res, schedule::common_conditions::resource_exists};
use bevy_ecs::{
    schedule::{IntoScheduleConfigs, ScheduleLabel, SystemSet},
    world::World,
};
#[cfg(feature = "bevy_time")]
use bevy_time::{Time, Virtual};

#[cfg(feature = "bevy_reflect")]
use crate::deletion::wishes::{await_wishes, fulfil_wishes};
#[cfg(feature = "bevy_time")]
use crate::{
    deletion::timer::{AppClock, follow_clock, qdel_due},
    timers::Timers,
};
use crate::{
    deletion::{
        never_flushed::note_flusher,
        settings::QdelSettings,
        sync_point::{SyncPoint, sync_where_needed},
    },
    ext::world_qdel::WorldQdelExt,
    statistics::counts::QdelCounts,
};

/// Tears down at the end of each frame what was deleted in it. With the feature `bevy_time`, it
/// also runs the timers of [`qdel_in`](crate::WorldQdelExt::qdel_in) at the beginning of a frame.
/// The chapter [`frame`](crate::docs::frame) has the schedules.
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
    /// Returns the plugin, which inserts `settings` when it is added.
    ///
    /// Without settings, it uses those that are in the app already, or else the defaults.
    #[must_use]
    pub fn with_settings(settings: QdelSettings) -> Self {
        Self {
            settings: Some(settings),
        }
    }

    /// Reads and releases declared references where one may be lost.
    ///
    /// It is a system, to be placed where fields must be right in the middle of a frame. See
    /// [`QdelSystems::Sync`].
    ///
    /// ```
    /// use bevy_app::prelude::*;
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// fn fight() {}
    /// fn choose_targets() {}
    ///
    /// let mut app = App::new();
    /// app.add_plugins(QdelPlugin::default())
    ///     .add_systems(Update, (fight, QdelPlugin::sync, choose_targets).chain());
    /// app.update();
    /// ```
    pub fn sync(world: &mut World) {
        #[cfg(feature = "bevy_reflect")]
        fulfil_wishes(world);
        sync_where_needed(world, SyncPoint::Anywhere);
    }
}

impl Plugin for QdelPlugin {
    fn build(&self, app: &mut App) {
        if let Some(settings) = self.settings {
            app.insert_resource(settings);
        }
        app.init_resource::<QdelSettings>()
            .init_resource::<QdelCounts>()
            .add_systems(
                Last,
                (
                    sync_before_flush.in_set(QdelSystems::Sync),
                    flush.in_set(QdelSystems::TearDown),
                )
                    .chain(),
            );
        place_sync(app);
        note_flusher(app.world_mut());
        #[cfg(feature = "bevy_reflect")]
        await_wishes(app.world_mut());
        #[cfg(feature = "bevy_time")]
        app.insert_resource(AppClock(read_time)).add_systems(
            PreUpdate,
            delete_due
                .run_if(timers_are_running)
                .run_if(resource_exists::<Time>)
                .in_set(QdelSystems::Timers),
        );
        #[cfg(feature = "bevy_reflect")]
        app.register_type::<crate::weak::WeakEntity>()
            .register_type::<crate::deleting::Deleting>()
            .register_type::<crate::find::chain::ReferenceRoot>()
            .register_type::<QdelSettings>()
            .register_type::<QdelCounts>();
    }

    #[cfg(feature = "bevy_reflect")]
    fn finish(&self, app: &mut App) {
        // By now all plugins have registered their types.
        fulfil_wishes(app.world_mut());
    }
}

/// The systems of the plugin.
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QdelSystems {
    /// Deletes entities whose time is up; in `PreUpdate`, if there is a `Time`.
    #[cfg(feature = "bevy_time")]
    Timers,
    /// Reads the fields of declared references that were written, and releases what is lost. It
    /// runs before the first system of [`PostUpdate`], and in [`Last`] before
    /// [`TearDown`](Self::TearDown).
    ///
    /// So until `PostUpdate` a field that was written may name an entity that is being deleted or
    /// was despawned. A field that was inserted never does. From `PostUpdate` on they are alike,
    /// but for what is written and deleted after that.
    ///
    /// [`SyncMode`](crate::SyncMode) says in which frames fields are read, and what that costs.
    /// [`QdelPlugin::sync`] is the same system, to be placed elsewhere as well.
    Sync,
    /// Tears down what was deleted in the frame; in [`Last`].
    TearDown,
}

#[cfg(feature = "bevy_time")]
fn timers_are_running(timers: Option<Res<Timers>>) -> bool {
    timers.is_some_and(|timers| timers.is_running())
}

#[cfg(feature = "bevy_time")]
fn delete_due(world: &mut World) {
    follow_clock(world);
    qdel_due(world);
}

#[cfg(feature = "bevy_time")]
fn read_time(world: &World) -> Option<(Duration, Duration)> {
    // In `FixedUpdate`, the generic time is another one.
    if let Some(time) = world.get_resource::<Time<Virtual>>() {
        return Some((time.elapsed(), time.delta()));
    }
    let time = world.get_resource::<Time>()?;
    Some((time.elapsed(), time.delta()))
}

/// The schedule before `PostUpdate`: a system in `PostUpdate` itself could not be before all
/// others.
#[derive(ScheduleLabel, Debug, Clone, PartialEq, Eq, Hash)]
struct BeforePostUpdate;

/// Makes the sync run before all systems of `PostUpdate`.
fn place_sync(app: &mut App) {
    let sync = QdelPlugin::sync.in_set(QdelSystems::Sync);
    let order = app.world_mut().get_resource_mut::<MainScheduleOrder>();
    match order {
        Some(mut order) if order.labels.contains(&PostUpdate.intern()) => {
            order.insert_before(PostUpdate, BeforePostUpdate);
            app.add_systems(BeforePostUpdate, sync);
        }
        // This app has another order of schedules.
        _ => {
            app.add_systems(PostUpdate, sync);
        }
    }
}

fn sync_before_flush(world: &mut World) {
    #[cfg(feature = "bevy_reflect")]
    fulfil_wishes(world);
    sync_where_needed(world, SyncPoint::BeforeFlush);
}

fn flush(world: &mut World) {
    world.flush_qdel();
}
