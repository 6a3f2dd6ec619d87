//! A knight is struck: shield and armour each take their part, and a bard sings of what is left.
//!
//! Shows: a signal of one's own, how the answers of its handlers merge, and opting in to Bevy's
//! observers.

use bevy_ecs::prelude::*;
use qdel::{Answer, prelude::*};

/// "You are struck": sent about the entity that is struck.
#[derive(EntityEvent, Clone, Copy)]
struct Hit {
    entity: Entity,
    damage: u32,
}

impl Signal for Hit {
    type Answer = Absorbed;

    // Observers hear of it after all handlers.
    const OBSERVERS: Option<fn(Self, &mut World)> = Some(|hit, world| world.trigger(hit));
}

/// How much of the damage was absorbed, added up.
#[derive(Default, Debug, PartialEq)]
struct Absorbed(u32);

impl Answer for Absorbed {
    fn merge(&mut self, next: Self) {
        self.0 += next.0;
    }
}

#[derive(Component)]
struct Shield {
    strength: u32,
}

impl Shield {
    fn take(&mut self, hit: Received<Hit>) -> Absorbed {
        let taken = hit.damage.min(self.strength);
        self.strength -= taken;
        Absorbed(taken)
    }
}

#[derive(Component)]
struct Armour;

impl Armour {
    fn take(&mut self, _: Received<Hit>) -> Absorbed {
        Absorbed(2)
    }
}

/// How many blows the bard has heard of.
#[derive(Resource, Default)]
struct Song(u32);

fn main() -> Result {
    let mut world = World::new();
    world.init_resource::<Song>();
    world.add_observer(|_: On<Hit>, mut song: ResMut<Song>| song.0 += 1);

    // Two components of one entity may both listen, and an entity may listen to itself.
    let knight = world.spawn((Shield { strength: 5 }, Armour)).id();
    world.register_signal(knight, knight, Shield::take)?;
    world.register_signal(knight, knight, Armour::take)?;
    let blow = Hit {
        entity: knight,
        damage: 9,
    };

    assert_eq!(world.send_signal(knight, blow), Absorbed(7));
    assert_eq!(world.send_signal(knight, blow), Absorbed(2)); // the shield is broken

    // Without the armour there is no listener.
    world.entity_mut(knight).remove::<Armour>();
    assert_eq!(world.send_signal(knight, blow), Absorbed(0));
    assert_eq!(world.resource::<Song>().0, 3);
    Ok(())
}
