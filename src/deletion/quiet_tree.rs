//! Trees of owners that nothing hears of, which are torn down at once.
//!
//! Where no entity of a tree has a say, is told of, destroyed or looked for, its marks would not be
//! seen. So all are just despawned, owned before owner. Nothing may come between them: commands
//! that wait are applied before.

use bevy_ecs::{archetype::Archetype, entity::Entity, world::World};

use crate::{
    deletion::{
        archetype_flags, only_heard::Progress, queue::Deletions, settings::QdelSettings,
        short_ways::note_vanished, storage,
    },
    panics::{Panicked, apply_commands, catch},
    statistics::counts::QdelCounts,
};

/// Deletes `root` and all it owns if that goes unnoticed.
pub(crate) fn qdel(world: &mut World, root: Entity) -> Progress {
    if find(world, root).is_none() {
        return Progress::NotBegun;
    }
    if let Err(panicked) = apply_commands(world) {
        return keep(world, panicked);
    }
    // A command may have changed it.
    let Some(tree) = find(world, root) else {
        return Progress::NotBegun;
    };
    let mut left = tree.iter().rev();
    let mut gone = 0;
    let despawned = catch(|| {
        for entity in left.by_ref() {
            if let Ok(entity) = world.get_entity_mut(*entity) {
                // Where the value of a component panics, its entity is gone all the same.
                gone += 1;
                entity.despawn();
            }
        }
    });
    note_vanished(world);
    QdelCounts::change(world, |counts| counts.count_vanished(gone));
    let Err(panicked) = despawned else {
        return Progress::Ended;
    };
    storage::look_after_panic(world);
    if world.entities().contains_spawned(root) {
        // The stages mark what is left.
        return keep(world, panicked);
    }
    panicked.resume();
}

/// Keeps a panic until the stages have done the rest.
fn keep(world: &mut World, panicked: Panicked) -> Progress {
    match world.get_resource_mut::<Deletions>() {
        Some(mut deletions) => deletions.panicked.keep(panicked),
        None => panicked.resume(),
    }
    Progress::NotBegun
}

/// Returns `root` and all it owns, owner before owned, if their end goes unnoticed.
fn find(world: &World, root: Entity) -> Option<Vec<Entity>> {
    let deletions = world.get_resource::<Deletions>()?;
    let settings = QdelSettings::of(world);
    if !deletions.makes_vanish(world, &settings) || is_loss_noticed(world, deletions, root) {
        return None;
    }
    let mut tree = Vec::new();
    let mut open = vec![root];
    let mut last = None;
    while let Some(entity) = open.pop() {
        let Ok(location) = world.entities().get_spawned(entity) else {
            continue;
        };
        let archetype = location.archetype_id;
        let is_owner = match last {
            Some((known, is_owner)) if known == archetype => is_owner,
            _ => {
                let is_owner = is_quiet_owner(deletions, &world.archetypes()[archetype])?;
                last = Some((archetype, is_owner));
                is_owner
            }
        };
        tree.push(entity);
        if !is_owner {
            continue;
        }
        let first = open.len();
        let owner = world.entity(entity);
        deletions
            .ownerships
            .for_each_owned(world, owner, |owned| open.push(owned));
        open[first..].reverse();
        // In a ring of owners, the root is owned by one that it owns.
        if open[first..].contains(&root) {
            return None;
        }
    }
    Some(tree)
}

/// Returns whether entities of an archetype own anything, or `None` if their end may be noticed, or
/// if they may be owned twice.
fn is_quiet_owner(deletions: &Deletions, archetype: &Archetype) -> Option<bool> {
    let profile = deletions.profiles.known(archetype.id())?;
    let owned_by = deletions.ownerships.owned_by().iter();
    let owners = owned_by.filter(|owned_by| archetype.contains(**owned_by));
    let is_quiet = profile.is_untold()
        && !archetype_flags::has_end_observers(archetype)
        && owners.count() <= 1;
    is_quiet.then(|| profile.is_owner())
}

/// Returns `true` if it may be noticed that the owner of `root` loses it.
fn is_loss_noticed(world: &World, deletions: &Deletions, root: Entity) -> bool {
    let Ok(root) = world.get_entity(root) else {
        return true;
    };
    let mut owners = deletions.ownerships.owners_of(world, root);
    owners.any(|(_, owner)| {
        world.get_entity(owner).is_ok_and(|owner| {
            let archetype = owner.archetype();
            let profile = deletions.profiles.at(world, archetype.id());
            profile.calls_at_end(archetype)
        })
    })
}
