//! All shapes of handlers compile.

use bevy_ecs::{prelude::*, world::DeferredWorld};
use qdel::prelude::*;

struct Ping;

impl Signal for Ping {
    type Answer = ();
}

#[derive(Component, Default)]
struct Mob {
    count: u32,
}

#[derive(Component)]
#[component(immutable)]
struct Statue;

fn fields(mob: &mut Mob, _: Received<Ping>) {
    mob.count += 1;
}

fn world(_: DeferredWorld, _: Received<Ping, Mob>) {}

fn immutable(_: DeferredWorld, _: Received<Ping, Statue>) {}

fn look(_: &Mob, _: Received<PreQdel>) -> QdelVerdict {
    QdelVerdict::Allow
}

fn look_at_immutable(_: &Statue, _: Received<PreQdel>) -> QdelVerdict {
    QdelVerdict::Allow
}

fn look_at_world(_: &World, _: Received<PreQdel, Mob>) -> QdelVerdict {
    QdelVerdict::Veto
}

fn main() {
    let mut it = World::new();
    let mob = it.spawn((Mob::default(), Statue)).id();
    it.register_signal(mob, mob, fields).unwrap();
    it.replace_signal(mob, mob, world).unwrap();
    it.replace_signal(mob, mob, |mob: &mut Mob, _: Received<Ping>| mob.count += 2)
        .unwrap();
    it.register_signal(mob, mob, immutable).unwrap();
    it.register_signal(mob, mob, look).unwrap();
    it.replace_signal(mob, mob, look_at_world).unwrap();
    it.register_signal(mob, mob, look_at_immutable).unwrap();
    it.send_signal(mob, Ping);
    assert_eq!(it.get::<Mob>(mob).unwrap().count, 2);
    assert_eq!(it.qdel(mob), Ok(QdelOutcome::Vetoed { on: mob }));
}
