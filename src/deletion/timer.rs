//! Deletions that come later.

use core::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bevy_ecs::{
    entity::Entity,
    resource::{IsResource, Resource},
    system::EntityCommands,
    world::World,
};

use crate::{
    books::Reserved,
    deletion::{batch_outcome::QdelBatchOutcome, looked::Look, mark::Force, worklist},
    error::{CancelError, QdelError, warning},
    liveness::is_alive,
    timers::{Timed, Timers},
};

/// A deletion that comes later: the handle by which it is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QdelTimer {
    entity: Entity,
    id: u64,
}

impl QdelTimer {
    /// Returns the entity that is to be deleted.
    pub fn entity(self) -> Entity {
        self.entity
    }

    fn new(entity: Entity) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            entity,
            id: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }
}

/// Deletes `entity` when `delay` has passed.
pub(crate) fn qdel_in(
    world: &mut World,
    entity: Entity,
    delay: Duration,
) -> Result<QdelTimer, QdelError> {
    let timer = QdelTimer::new(entity);
    start(world, timer, delay)?;
    Ok(timer)
}

/// Stops `timer`.
pub(crate) fn cancel(world: &mut World, timer: QdelTimer) -> Result<(), CancelError> {
    let QdelTimer { entity, id } = timer;
    let timers = world.get_resource_mut::<Timers>();
    if timers.is_some_and(|mut timers| timers.remove(entity, id)) {
        return Ok(());
    }
    Err(CancelError::NotRunning { entity })
}

/// Lets `time` pass, and deletes those whose time is up.
pub(crate) fn advance(world: &mut World, time: Duration) -> QdelBatchOutcome {
    let Some(mut timers) = world.get_resource_mut::<Timers>() else {
        return QdelBatchOutcome::default();
    };
    timers.now = timers.now.saturating_add(time);
    qdel_due(world)
}

/// Returns all timers that are running, each with the time that is left, in order of time.
pub(crate) fn running(world: &World) -> Vec<(QdelTimer, Duration)> {
    let Some(timers) = world.get_resource::<Timers>() else {
        return Vec::new();
    };
    let left = |due: Duration| due.saturating_sub(timers.now);
    let timers = timers.iter();
    timers
        .map(|(due, entity, id)| (QdelTimer { entity, id }, left(due)))
        .collect()
}

/// Deletes those whose time is up.
pub(crate) fn qdel_due(world: &mut World) -> QdelBatchOutcome {
    let Some(mut timers) = world.get_resource_mut::<Timers>() else {
        return QdelBatchOutcome::default();
    };
    let due = core::iter::from_fn(|| timers.pop_due());
    let mut due: Vec<Entity> = due.map(|(entity, _)| entity).collect();
    // For the others, the deletion that it was to begin has begun.
    due.retain(|entity| is_alive(world, *entity));
    if due.is_empty() {
        return QdelBatchOutcome::default();
    }
    worklist::qdel_batch(world, due, Force::No, Look::Afresh)
}

/// What reads the app's clock, the time that it shows and how much of that this frame has added: a
/// resource of the plugin.
#[derive(Resource, Clone, Copy)]
#[require(Reserved)]
pub(crate) struct AppClock(pub(crate) fn(&World) -> Option<(Duration, Duration)>);

/// Lets the time pass that has passed by the app's clock.
pub(crate) fn follow_clock(world: &mut World) {
    let clock = world.get_resource::<AppClock>();
    let Some((shows, added)) = clock.and_then(|clock| (clock.0)(world)) else {
        return;
    };
    let mut timers = world.get_resource_or_init::<Timers>();
    let shown = timers.shown.unwrap_or(shows.saturating_sub(added));
    let passed = shows.saturating_sub(shown);
    // A clock that is set back stands still until it has caught up.
    timers.shown = Some(shows.max(shown));
    timers.now = timers.now.saturating_add(passed);
}

/// Starts `timer` when a command is applied.
pub(crate) fn start_later(mut entity: EntityCommands, delay: Duration) -> QdelTimer {
    let timer = QdelTimer::new(entity.id());
    let begin = move |world: &mut World| start(world, timer, delay).map_err(warning);
    entity.commands().queue(begin);
    timer
}

fn start(world: &mut World, timer: QdelTimer, delay: Duration) -> Result<(), QdelError> {
    let QdelTimer { entity, id } = timer;
    match world.get_entity(entity) {
        Err(_) => return Err(QdelError::NotSpawned { entity }),
        Ok(at) if at.contains::<IsResource>() => {
            let resource = entity;
            return Err(QdelError::Resource { entity, resource });
        }
        Ok(_) => {}
    }
    // What has passed until now does not count.
    follow_clock(world);
    let mut timers = world.get_resource_or_init::<Timers>();
    if timers.is_empty() {
        timers.now = Duration::ZERO;
    }
    let due = timers.now.saturating_add(delay);
    timers.insert(entity, id, due);
    let mut entity = world.entity_mut(entity);
    if !entity.contains::<Timed>() {
        entity.insert(Timed);
    }
    Ok(())
}
