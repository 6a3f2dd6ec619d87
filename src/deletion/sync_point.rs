//! Where in a frame declared references are read.

use bevy_ecs::world::World;

use crate::{
    deletion::{
        queue::Deletions,
        settings::{QdelSettings, SyncMode},
        worklist,
    },
    reference,
};

/// When it is asked whether a sync is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SyncPoint {
    /// Somewhere in a frame.
    Anywhere,
    /// Right before a flush, which syncs by itself if something waits for its tear-down.
    BeforeFlush,
}

/// Makes declared references learn what was written, and let go of what is lost, if a field may
/// name an entity that is.
pub(crate) fn sync_where_needed(world: &mut World, point: SyncPoint) {
    let Some(deletions) = world.get_resource::<Deletions>() else {
        return;
    };
    let is_needed = match point {
        _ if !deletions.tracks => false,
        SyncPoint::Anywhere if deletions.is_waiting() => true,
        SyncPoint::BeforeFlush if deletions.is_waiting() => false,
        _ => {
            QdelSettings::of(world).sync == SyncMode::EachFrame
                || reference::release::has_lost(world)
        }
    };
    if is_needed {
        worklist::sync_references(world);
    }
}
