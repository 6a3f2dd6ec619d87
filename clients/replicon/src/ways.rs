//! The ways in which an entity may go, or not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bevy::{
    ecs::{entity_disabling::Disabled, world::DeferredWorld},
    prelude::*,
};
use bevy_replicon::prelude::*;
use qdel::{DestroyContext, Hiding, prelude::*, testing::WorkClock};

use crate::ends::{Ends, FRAME, Follows, Health, Id};

/// A way: its name, and what is played. Returns how many must be left.
pub type Way = (&'static str, fn(&mut Ends) -> usize);

pub const WAYS: &[Way] = &[
    ("plain despawn", plain),
    ("qdel by command, end of frame", end_of_frame),
    ("immediate", immediate),
    ("batch", batch),
    ("owned", owned),
    ("owned by a plain despawn", owned_plainly),
    ("budget over many frames", budget),
    ("budget, a client joins meanwhile", budget_and_join),
    ("visible, over many frames", visible),
    ("visible, despawned while it waits", visible_and_despawned),
    ("forced over a veto", forced),
    ("vetoed", vetoed),
    ("kept (LetMeLive)", kept),
    ("left alone (IWillHandleIt)", left_alone),
    ("at once (HardDeleteNow)", hard_delete_now),
    ("by a reference's policy", by_policy),
    ("by a timer", by_timer),
    ("by a handler", by_handler),
    ("respawned", respawned),
    ("spawned and deleted in one frame", ephemeral),
];

/// Makes all entities refuse to go.
#[derive(Component, Default)]
pub struct Guarded;

impl Guarded {
    fn refuse(&self, asked: Received<PreQdel>) -> QdelVerdict {
        if asked.force {
            QdelVerdict::Allow
        } else {
            QdelVerdict::Veto
        }
    }
}

/// What its entity answers.
#[derive(Component)]
struct Answers(DestroyHint);

impl Destroy for Answers {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext<()>) -> DestroyHint {
        self.0
    }
}

/// Cannot be without another.
#[derive(Component, References)]
struct Bound {
    #[entities]
    #[references(qdel)]
    to: Option<Entity>,
}

/// Takes another with it.
#[derive(Component)]
struct Bomb {
    next: Entity,
}

impl Bomb {
    fn go_off(mut world: DeferredWorld, heard: Received<Qdeleting, Self>) {
        let next = world.get::<Self>(heard.listener()).map(|bomb| bomb.next);
        if let Some(next) = next {
            world.qdel(next);
        }
    }
}

fn plain(ends: &mut Ends) -> usize {
    let all = ends.spawn(40);
    ends.tick();
    for some in all[..30].chunks(10).map(<[_]>::to_vec) {
        ends.act(move |world| {
            for entity in some {
                world.despawn(entity);
            }
        });
    }
    10
}

fn end_of_frame(ends: &mut Ends) -> usize {
    let all = ends.spawn(40);
    follow_the_first(ends, &all);
    ends.tick();
    for some in all[..30].chunks(10).map(<[_]>::to_vec) {
        ends.act(move |world| {
            let mut commands = world.commands();
            for entity in some {
                commands.entity(entity).qdel();
            }
            world.flush();
        });
    }
    10
}

fn immediate(ends: &mut Ends) -> usize {
    let all = ends.spawn(40);
    follow_the_first(ends, &all);
    ends.tick();
    with_teardown(ends, Teardown::Immediate, |ends| {
        for some in all[..30].chunks(10).map(<[_]>::to_vec) {
            ends.act(move |world| qdel_each(world, &some));
        }
    });
    10
}

fn batch(ends: &mut Ends) -> usize {
    let all = ends.spawn(40);
    ends.tick();
    let some = all[..20].to_vec();
    ends.act(move |world| {
        world.qdel_batch(some);
    });
    let some = all[20..35].to_vec();
    with_teardown(ends, Teardown::Immediate, |ends| {
        ends.act(move |world| {
            world.qdel_batch(some);
        });
    });
    5
}

fn owned(ends: &mut Ends) -> usize {
    let roots = spawn_families(ends);
    ends.tick();
    let some = roots[..4].to_vec();
    ends.act(move |world| qdel_each(world, &some));
    let some = roots[4..6].to_vec();
    with_teardown(ends, Teardown::Immediate, |ends| {
        ends.act(move |world| qdel_each(world, &some));
    });
    2 * FAMILY
}

fn owned_plainly(ends: &mut Ends) -> usize {
    let roots = spawn_families(ends);
    ends.tick();
    let some = roots[..6].to_vec();
    ends.act(move |world| {
        for root in some {
            world.despawn(root);
        }
    });
    2 * FAMILY
}

fn budget(ends: &mut Ends) -> usize {
    let all = ends.spawn(300);
    follow_the_first(ends, &all);
    ends.tick();
    within_budget(ends, |ends| {
        let some = all[..290].to_vec();
        ends.act(move |world| qdel_each(world, &some));
        // A batch of 32 in each frame.
        ends.ticks(12);
    });
    10
}

fn budget_and_join(ends: &mut Ends) -> usize {
    let all = ends.spawn(300);
    ends.tick();
    within_budget(ends, |ends| {
        let some = all[..290].to_vec();
        ends.act(move |world| qdel_each(world, &some));
        ends.join();
        // Those that wait may still be written to by id.
        let some = all[250..290].to_vec();
        ends.act(move |world| hurt(world, &some));
        ends.ticks(12);
    });
    10
}

fn visible(ends: &mut Ends) -> usize {
    leave_visible(ends, budget)
}

fn visible_and_despawned(ends: &mut Ends) -> usize {
    leave_visible(ends, |ends| {
        let all = ends.spawn(300);
        ends.tick();
        within_budget(ends, |ends| {
            let some = all[..290].to_vec();
            ends.act(move |world| qdel_each(world, &some));
            let some = all[200..290].to_vec();
            ends.act(move |world| {
                for entity in some {
                    world.despawn(entity);
                }
            });
            ends.ticks(12);
        });
        10
    })
}

fn forced(ends: &mut Ends) -> usize {
    let all = spawn_guarded(ends, 20);
    ends.tick();
    ends.act(move |world| {
        for entity in &all[..15] {
            world.force_qdel(*entity).expect("it should be spawned");
        }
    });
    5
}

fn vetoed(ends: &mut Ends) -> usize {
    let all = spawn_guarded(ends, 20);
    ends.tick();
    let some = all.clone();
    ends.act(move |world| qdel_each(world, &some));
    ends.act(move |world| hurt(world, &all));
    20
}

fn kept(ends: &mut Ends) -> usize {
    let all = spawn_answering(ends, DestroyHint::LetMeLive, 20);
    ends.tick();
    let some = all[..10].to_vec();
    ends.act(move |world| qdel_each(world, &some));
    let some = all[10..].to_vec();
    with_teardown(ends, Teardown::Immediate, |ends| {
        ends.act(move |world| qdel_each(world, &some));
    });
    // They are seen, and sent, as before.
    let some = all.clone();
    ends.act(move |world| hurt(world, &some));
    // Overruled, some go after all.
    let some = all[..5].to_vec();
    ends.act(move |world| {
        world.force_qdel_batch(some);
    });
    15
}

fn left_alone(ends: &mut Ends) -> usize {
    let all = spawn_answering(ends, DestroyHint::IWillHandleIt, 20);
    ends.tick();
    let some = all.clone();
    ends.act(move |world| qdel_each(world, &some));
    ends.ticks(3);
    // The code that despawns them takes them out of hiding first, as a tear-down does.
    ends.act(move |world| {
        for entity in &all[..15] {
            let mut entity = world.entity_mut(*entity);
            entity.remove::<Disabled>();
            entity.despawn();
        }
    });
    5
}

fn hard_delete_now(ends: &mut Ends) -> usize {
    let all = spawn_answering(ends, DestroyHint::HardDeleteNow, 20);
    ends.tick();
    let some = all[..15].to_vec();
    ends.act(move |world| qdel_each(world, &some));
    5
}

fn by_policy(ends: &mut Ends) -> usize {
    let all = ends.spawn(5);
    for entity in &all {
        for _ in 0..3 {
            let to = Some(*entity);
            ends.spawn_with(Bound { to });
        }
    }
    ends.tick();
    let some = all[..4].to_vec();
    ends.act(move |world| qdel_each(world, &some));
    4
}

fn by_timer(ends: &mut Ends) -> usize {
    let all = ends.spawn(20);
    ends.tick();
    let some = all[..15].to_vec();
    ends.act(move |world| {
        for (entity, frames) in some.into_iter().zip(1..) {
            let timer = world.qdel_in(entity, FRAME * frames);
            timer.expect("it should be spawned");
        }
    });
    ends.ticks(20);
    5
}

fn by_handler(ends: &mut Ends) -> usize {
    // Each takes the next with it, and leaves a wreck.
    let all = ends.spawn(20);
    ends.tick();
    let ids: Vec<Id> = all.iter().map(|_| ends.take_id()).collect();
    let wreck_of = all.iter().copied().zip(ids);
    for (entity, id) in wreck_of {
        let world = ends.server.world_mut();
        let mut entity = world.entity_mut(entity);
        entity.observe(move |_: On<Qdeleting>, mut commands: Commands| {
            commands.spawn((Replicated, id, Health(0)));
        });
    }
    for pair in all.windows(2) {
        let world = ends.server.world_mut();
        world.entity_mut(pair[0]).insert(Bomb { next: pair[1] });
        let registered = world.register_signal(pair[0], pair[0], Bomb::go_off);
        registered.expect("both should be alive");
    }
    let first = all[0];
    ends.act(move |world| qdel_each(world, &[first]));
    20
}

fn respawned(ends: &mut Ends) -> usize {
    let mut all = ends.spawn(20);
    ends.tick();
    for round in 0..10 {
        let old: Vec<Entity> = all.drain(..5).collect();
        let ids: Vec<Id> = old.iter().map(|_| ends.take_id()).collect();
        if round % 2 == 0 {
            ends.act(move |world| qdel_each(world, &old));
        } else {
            with_teardown(ends, Teardown::Immediate, |ends| {
                ends.act(move |world| qdel_each(world, &old));
            });
        }
        for id in ids {
            let world = ends.server.world_mut();
            all.push(world.spawn((Replicated, id, Health(100))).id());
        }
    }
    20
}

fn ephemeral(ends: &mut Ends) -> usize {
    ends.tick();
    for teardown in [Teardown::EndOfFrame, Teardown::Immediate] {
        with_teardown(ends, teardown, |ends| {
            let ids: Vec<Id> = (0..10).map(|_| ends.take_id()).collect();
            ends.act(move |world| {
                for id in ids {
                    let entity = world.spawn((Replicated, id, Health(100))).id();
                    qdel_each(world, &[entity]);
                }
            });
        });
    }
    0
}

/// How many belong together: a root, three it owns, and one that each of these owns.
const FAMILY: usize = 7;

fn spawn_families(ends: &mut Ends) -> Vec<Entity> {
    let roots = ends.spawn(8);
    for root in &roots {
        for _ in 0..3 {
            let owned = ends.spawn_with(ChildOf(*root));
            ends.spawn_with(ChildOf(owned));
        }
    }
    roots
}

fn spawn_guarded(ends: &mut Ends, count: u32) -> Vec<Entity> {
    let spawn = |_| {
        let entity = ends.spawn_with(Guarded);
        let world = ends.server.world_mut();
        let registered = world.register_signal(entity, entity, Guarded::refuse);
        registered.expect("it should be alive");
        entity
    };
    (0..count).map(spawn).collect()
}

fn spawn_answering(ends: &mut Ends, hint: DestroyHint, count: u32) -> Vec<Entity> {
    let spawn = |_| ends.spawn_with(Answers(hint));
    (0..count).map(spawn).collect()
}

/// Has each follow one of the first, most of which are going to go, and the other way round.
fn follow_the_first(ends: &mut Ends, all: &[Entity]) {
    let world = ends.server.world_mut();
    for (at, entity) in all.iter().enumerate() {
        let leader = Some(all[(at * 7 + 1) % all.len()]);
        world.entity_mut(*entity).insert(Follows { leader });
    }
}

fn qdel_each(world: &mut World, entities: &[Entity]) {
    for entity in entities {
        // An entity that went with another one is being deleted, or gone.
        _ = world.qdel(*entity);
    }
}

fn hurt(world: &mut World, entities: &[Entity]) {
    for entity in entities {
        if let Some(mut health) = world.get_mut::<Health>(*entity) {
            health.0 -= 1;
        }
    }
}

fn with_teardown(ends: &mut Ends, teardown: Teardown, play: impl FnOnce(&mut Ends)) {
    let world = ends.server.world_mut();
    let settings = *world.resource::<QdelSettings>();
    world.insert_resource(settings.with_teardown(teardown));
    play(ends);
    ends.server.world_mut().insert_resource(settings);
}

/// Plays while every query sees those that are being deleted.
fn leave_visible(ends: &mut Ends, play: impl FnOnce(&mut Ends) -> usize) -> usize {
    let world = ends.server.world_mut();
    let settings = *world.resource::<QdelSettings>();
    world.insert_resource(settings.with_hiding(Hiding::LeaveVisible));
    let left = play(ends);
    ends.server.world_mut().insert_resource(settings);
    left
}

/// Plays with a budget that is spent by the first look at the clock.
fn within_budget(ends: &mut Ends, play: impl FnOnce(&mut Ends)) {
    let hand = Arc::new(AtomicU64::new(0));
    let clock = WorkClock::new(move || Duration::from_secs(hand.fetch_add(1, Ordering::Relaxed)));
    ends.server.insert_resource(clock);
    with_teardown(ends, Teardown::Budget(Duration::from_millis(1)), play);
    ends.server.world_mut().remove_resource::<WorkClock>();
}

/// Makes known what the ways use.
pub fn prepare(ends: &mut Ends) {
    let server = &mut ends.server;
    server
        .register_destroy::<Answers>()
        .track_references::<Bound>();
}
