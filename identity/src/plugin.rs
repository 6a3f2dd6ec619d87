//! The plugin.

use std::time::{Duration, Instant};

use bevy_app::{App, AppExit, Last, Plugin};
use bevy_ecs::{
    message::Messages,
    resource::Resource,
    schedule::{IntoScheduleConfigs, SystemSet},
    world::World,
};

use crate::{
    WorldIdentityExt, attach,
    checkpoint::CheckpointStart,
    events::{self, CheckpointFailed},
    registry::register,
};

/// Takes in what was loaded, and writes what changed, at the end of each frame, and when the app
/// exits.
///
/// Attach a store by [`WorldIdentityExt::attach_store`], before or after. Without one, nothing
/// happens.
///
/// # Examples
///
/// ```
/// use bevy_app::App;
/// use qdel_identity::{IdentityPlugin, WorldIdentityExt, store::MemoryStore};
///
/// let mut app = App::new();
/// app.add_plugins(IdentityPlugin::default());
/// app.world_mut().attach_store(MemoryStore::new())?;
/// app.update();
/// # Ok::<(), qdel_identity::error::AttachError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct IdentityPlugin {
    /// How often what changed is written, on a thread of its own. `None`: only when you call for a
    /// checkpoint.
    pub checkpoint_every: Option<Duration>,
}

/// What the plugin does in a frame, in [`Last`].
#[derive(SystemSet, Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdentitySystems {
    /// What was loaded comes in, and finished checkpoints are told.
    Poll,
    /// What changed is encoded, when it is time.
    Checkpoint,
}

impl Default for IdentityPlugin {
    fn default() -> Self {
        Self {
            checkpoint_every: Some(Duration::from_secs(30)),
        }
    }
}

impl Plugin for IdentityPlugin {
    fn build(&self, app: &mut App) {
        register::ensure(app.world_mut());
        app.configure_sets(
            Last,
            (IdentitySystems::Poll, IdentitySystems::Checkpoint).chain(),
        );
        app.add_systems(Last, World::poll_store.in_set(IdentitySystems::Poll));
        app.add_systems(Last, checkpoint_at_exit.after(IdentitySystems::Checkpoint));
        if let Some(every) = self.checkpoint_every {
            let last = Instant::now();
            app.insert_resource(Interval { every, last });
            app.add_systems(Last, checkpoint_in_time.in_set(IdentitySystems::Checkpoint));
        }
    }
}

/// Writes what changed in the last frame of the app, and waits for it.
fn checkpoint_at_exit(world: &mut World) {
    let exits = world.get_resource::<Messages<AppExit>>();
    if exits.is_none_or(Messages::is_empty) || attach::store(world).is_none() {
        return;
    }
    if let Err(error) = world.checkpoint() {
        log::error!("the checkpoint at the exit fails: {error}");
        events::tell(world, CheckpointFailed { error });
    }
}

/// When the next checkpoint is due.
#[derive(Resource)]
struct Interval {
    every: Duration,
    last: Instant,
}

fn checkpoint_in_time(world: &mut World) {
    let now = Instant::now();
    let interval = world.resource::<Interval>();
    let is_due = now.duration_since(interval.last) >= interval.every;
    if !is_due || attach::store(world).is_none() {
        return;
    }
    match world.checkpoint_later() {
        // Try again in the next frame.
        Ok(CheckpointStart::InFlight) => return,
        Ok(CheckpointStart::Started { .. } | CheckpointStart::NothingToWrite) => {}
        Err(error) => {
            log::error!("beginning a checkpoint fails: {error}");
            events::tell(world, CheckpointFailed { error });
        }
    }
    world.resource_mut::<Interval>().last = now;
}
