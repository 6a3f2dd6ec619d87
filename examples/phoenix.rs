//! A phoenix rises from its ashes once, and the second time they are blown away.
//!
//! Shows: `Destroy` and its hints, what it reaches, a plan, and a deletion that comes later.

use core::time::Duration;

use bevy_ecs::prelude::*;
use qdel::{DestroyContext, prelude::*};

/// Something outside the ECS that a phoenix holds.
#[derive(Resource, Default)]
struct Sky {
    flames: u32,
}

#[derive(Component)]
struct Phoenix {
    spare_lives: u32,
}

impl Destroy for Phoenix {
    type Param = ResMut<'static, Sky>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        if self.spare_lives > 0 && !going.force {
            self.spare_lives -= 1;
            return DestroyHint::LetMeLive;
        }
        going.param.flames -= 1;
        DestroyHint::Queue
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut world = World::new();
    world.register_destroy::<Phoenix>();
    world.insert_resource(Sky { flames: 1 });
    let phoenix = world.spawn(Phoenix { spare_lives: 1 }).id();

    // The plan knows which component would be destroyed, and not what its hint will be.
    let plan = world.plan_qdel(phoenix);
    assert_eq!(plan.deletions[0].destroyed.len(), 1);

    assert_eq!(world.qdel(phoenix)?, QdelOutcome::Kept);
    assert_eq!(world.liveness(phoenix), Liveness::Alive);

    // The wind comes in a minute, unless the timer is cancelled.
    world.qdel_in(phoenix, Duration::from_secs(60))?;
    world.advance_qdel_timers(Duration::from_secs(60));
    world.flush_qdel();

    assert_eq!(world.liveness(phoenix), Liveness::Gone);
    assert_eq!(world.resource::<Sky>().flames, 0);
    Ok(())
}
