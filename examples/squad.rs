//! A squad loses its leader and picks the next one, and a leaderless banner falls.
//!
//! Shows: declared references, what a component hears of its loss, and a field that cannot be
//! empty.

use bevy_ecs::prelude::*;
use qdel::prelude::*;

#[derive(Component, Default, References)]
#[references(on_lost = Squad::close_ranks)]
struct Squad {
    #[entities]
    leader: Option<Entity>,
    #[entities]
    members: Vec<Entity>,
}

impl Squad {
    /// Hears of the dead when they are out of all fields.
    fn close_ranks(&mut self, _: Lost) {
        if self.leader.is_none() {
            self.leader = self.members.first().copied();
        }
    }
}

/// A banner is nothing without its bearer.
#[derive(Component, References)]
struct Banner {
    #[references(qdel)]
    carrier: Entity,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut world = World::new();
    world
        .track_references::<Squad>()
        .track_references::<Banner>();
    let [kim, lee, sam] = [(), (), ()].map(|()| world.spawn_empty().id());
    let squad = world.spawn(Squad::default()).id();
    let banner = world.spawn(Banner { carrier: kim }).id();

    // A field is written as any other.
    let mut at = world
        .get_mut::<Squad>(squad)
        .ok_or("the squad should be there")?;
    at.leader = Some(kim);
    at.members = vec![kim, lee, sam];

    world.qdel(kim)?;
    world.flush_qdel();

    let at = world
        .get::<Squad>(squad)
        .ok_or("the squad should be there")?;
    assert_eq!(at.members, [lee, sam]);
    assert_eq!(at.leader, Some(lee));
    assert_eq!(world.liveness(banner), Liveness::Gone);
    Ok(())
}
