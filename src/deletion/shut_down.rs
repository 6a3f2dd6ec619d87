//! How everything is deleted at the end.

use bevy_ecs::{
    entity::Entity,
    entity_disabling::Disabled,
    observer::Observer,
    query::{Allow, With, Without},
    resource::IsResource,
    world::World,
};

use crate::{
    deleting::Deleting,
    deletion::{
        goal::Goal,
        mark::{Force, mark},
        owned, prepare,
        queue::Deletions,
        storage, sweep_on_demand,
        tear_down_queue::Fate,
        worklist::work,
    },
    sweep::schedule::Suspension,
};

/// Deletes and tears down everything but resources and observers, and returns how many entities
/// that were.
pub(crate) fn shut_down(world: &mut World) -> usize {
    prepare::prepare(world);
    let mut deletions = world.resource_mut::<Deletions>();
    if deletions.is_broken() {
        storage::report(&mut deletions);
        return 0;
    }
    let mut query = world.query_filtered::<Entity, (
        Without<IsResource>,
        Without<Observer>,
        Without<Deleting>,
        Allow<Disabled>,
    )>();
    let mut roots: Vec<_> = query.iter(world).collect();
    roots.sort_unstable_by_key(|entity| entity.index());
    let ownerships = &world.resource::<Deletions>().ownerships;
    let mut forest = ownerships.forest(world, &roots);
    owned::leave_out_resources(world, &mut forest);
    // What names the gone goes as well.
    world.resource_mut::<Deletions>().sweeps.call_off();
    let (count, _) = sweep_on_demand::suspend(world, Suspension::ShutDown, |world| {
        let torn_down = work(world, Some(Goal::TearDownAll), |world| {
            mark(world, &forest, Force::Yes)
        });
        // There is no time left for those that were left to the game.
        let mut left = world.query_filtered::<Entity, (With<Deleting>, Allow<Disabled>)>();
        let left: Vec<_> = left.iter(world).collect();
        let handled = work(world, Some(Goal::TearDownAll), |world| {
            let queue = &mut world.resource_mut::<Deletions>().to_tear_down;
            for entity in left {
                queue.push(entity, Fate::Due);
            }
            Ok(())
        });
        torn_down + handled
    });
    count
}
