//! A registration belongs to the component of an entity, not to the value of it.
//!
//! The rules are those of the design: S3, S6, S10 and S12.

mod ensure;
mod retarget;
mod stays;
mod unregister_all;

use bevy_ecs::{entity::EntityCloner, lifecycle::HookContext, prelude::*, world::DeferredWorld};
use qdel::{RegisterError, Registered, error::RetargetError, prelude::*};

use crate::stage::listeners_on;

struct Ping;

impl Signal for Ping {
    type Answer = Vec<&'static str>;
}

/// Chases a target, and says which it lost.
#[derive(Component, Clone, Default)]
struct Mob {
    target: Option<Entity>,
    lost: Vec<Entity>,
}

impl Mob {
    fn of(target: Entity) -> Self {
        Self {
            target: Some(target),
            lost: Vec::new(),
        }
    }

    fn clear(&mut self, lost: Received<Qdeleting>) {
        self.lost.push(lost.target());
        if self.target == Some(lost.target()) {
            self.target = None;
        }
    }

    fn says(&mut self, _: Received<Ping>) -> Vec<&'static str> {
        vec!["mob"]
    }

    fn shouts(&mut self, _: Received<Ping>) -> Vec<&'static str> {
        vec!["MOB"]
    }

    fn sings(_: DeferredWorld, _: Received<Ping, Self>) -> Vec<&'static str> {
        vec!["la"]
    }
}

fn spawn_targets<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| world.spawn_empty().id())
}
