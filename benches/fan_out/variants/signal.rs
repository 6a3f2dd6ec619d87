//! This crate: mobs register for `Qdeleting` on their target.

use std::marker::PhantomData;

use bevy_ecs::{prelude::*, world::DeferredWorld};
use qdel::{RegisterError, SignalTarget, prelude::*};

use super::{Alarming, Variant};
use crate::{
    scene::{Goblin, Mob, Position},
    stages::{Chaser, Ear, Fickle, Mixing, Rewatching, Topic, Topical},
};

/// Mobs that listen to their target, in the way of `W`.
pub(crate) struct Listening<W>(PhantomData<W>);

/// What one user of the crate does differently from another.
pub(crate) trait Way {
    /// Prepares a world without entities.
    fn setup(_world: &mut World) {}

    /// Spawns an entity that mobs may chase.
    fn spawn_target(world: &mut World) -> Entity {
        world.spawn((Goblin::default(), Position::default())).id()
    }

    /// Lets each mob chase the target beside it.
    fn register_all(world: &mut World, pairs: &[(Entity, Entity)])
    where
        Self: Sized,
    {
        for &(mob, target) in pairs {
            Listening::<Self>::register(world, mob, target);
        }
    }

    /// Registers a mob whose field is set already.
    fn register(world: &mut World, mob: Entity, target: Entity) -> Result<(), RegisterError> {
        world.register_signal(mob, target, lose_target)?;
        Ok(())
    }

    /// Registers a mob whose field is set already, for alarms.
    fn watch(world: &mut World, mob: Entity, target: Entity) -> Result<(), RegisterError> {
        world.register_signal(mob, target, hear)?;
        Ok(())
    }

    /// Deletes targets.
    fn delete(world: &mut World, targets: &[Entity]) {
        for &target in targets {
            world.despawn(target);
        }
    }
}

/// The usual way: a handler for the component's own fields, targets that are despawned, nothing
/// prepared.
pub(crate) struct FieldHandler;

impl Way for FieldHandler {}

/// A handler that reaches the world.
pub(crate) struct WorldHandler;

impl Way for WorldHandler {
    fn register(world: &mut World, mob: Entity, target: Entity) -> Result<(), RegisterError> {
        world.register_signal(mob, target, lose_target_by_id)?;
        Ok(())
    }

    fn watch(world: &mut World, mob: Entity, target: Entity) -> Result<(), RegisterError> {
        world.register_signal(mob, target, hear_by_id)?;
        Ok(())
    }
}

/// Both ends announced: targets have their list from spawn, and a hook in place of an observer
/// watches the mobs.
pub(crate) struct Announced;

/// A target that says that it will be listened to.
#[derive(Component, Default)]
#[require(SignalTarget)]
struct Announcement;

impl Way for Announced {
    fn setup(world: &mut World) {
        world.register_listener::<Mob>();
    }

    fn spawn_target(world: &mut World) -> Entity {
        let target = (Goblin::default(), Position::default(), Announcement);
        world.spawn(target).id()
    }
}

/// Both ends announced, each by hooks of its own component.
pub(crate) struct KnownKinds;

impl Way for KnownKinds {
    fn setup(world: &mut World) {
        world.register_target::<Goblin>().register_listener::<Mob>();
    }
}

/// Both ends announced, and mobs that a system registers.
pub(crate) struct Registrar;

impl Way for Registrar {
    fn setup(world: &mut World) {
        KnownKinds::setup(world);
    }

    fn register_all(world: &mut World, pairs: &[(Entity, Entity)]) {
        world
            .run_system_cached_with(aim_all, pairs)
            .expect("a system without conditions should run");
    }
}

fn aim_all(
    InRef(pairs): InRef<[(Entity, Entity)]>,
    mut mobs: Query<&mut Mob>,
    mut registrar: SignalRegistrar,
) {
    for &(mob, target) in pairs {
        if let Ok(mut mob) = mobs.get_mut(mob) {
            mob.target = Some(target);
        }
        registrar
            .register(mob, target, lose_target)
            .expect("a mob should have one target at a time");
    }
}

/// Orderly deletions, each finished within the call.
pub(crate) struct Immediate;

impl Way for Immediate {
    fn setup(world: &mut World) {
        world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        delete_one(world);
    }

    fn delete(world: &mut World, targets: &[Entity]) {
        for &target in targets {
            qdel(world, target);
        }
    }
}

/// Orderly deletions, all finished at the end of the frame.
pub(crate) struct EndOfFrame;

impl Way for EndOfFrame {
    fn setup(world: &mut World) {
        delete_one(world);
    }

    fn delete(world: &mut World, targets: &[Entity]) {
        for &target in targets {
            qdel(world, target);
        }
        world.flush_qdel();
    }
}

/// One orderly deletion of all, finished at the end of the frame.
pub(crate) struct Batch;

impl Way for Batch {
    fn setup(world: &mut World) {
        delete_one(world);
    }

    fn delete(world: &mut World, targets: &[Entity]) {
        let batch = world.qdel_batch(targets.iter().copied());
        assert_eq!(
            batch.queued.len(),
            targets.len(),
            "nothing should refuse the deletion of a batch"
        );
        world.flush_qdel();
    }
}

/// One orderly deletion of all, finished within the call.
pub(crate) struct ImmediateBatch;

impl Way for ImmediateBatch {
    fn setup(world: &mut World) {
        Immediate::setup(world);
    }

    fn delete(world: &mut World, targets: &[Entity]) {
        Batch::delete(world, targets);
    }
}

impl<W: Way> Variant for Listening<W> {
    fn setup(world: &mut World) {
        W::setup(world);
    }

    fn spawn_target(world: &mut World) -> Entity {
        W::spawn_target(world)
    }

    fn register(world: &mut World, mob: Entity, target: Entity) {
        if let Some(mut mob) = world.get_mut::<Mob>(mob) {
            mob.target = Some(target);
        }
        W::register(world, mob, target).expect("a mob should have one target at a time");
    }

    fn register_all(world: &mut World, pairs: &[(Entity, Entity)]) {
        W::register_all(world, pairs);
    }

    fn retarget(world: &mut World, mob: Entity, target: Entity) {
        let old = world
            .get_mut::<Mob>(mob)
            .and_then(|mut mob| mob.target.take());
        if let Some(old) = old {
            world
                .unregister_signal::<Mob, Qdeleting>(mob, old)
                .expect("a mob should listen to its target");
        }
        Self::register(world, mob, target);
    }

    fn delete_targets(world: &mut World, targets: &[Entity]) {
        W::delete(world, targets);
    }

    fn registrations(world: &World, targets: &[Entity]) -> usize {
        registrations(world, targets)
    }
}

/// Something that happens to a target that lives on.
struct Alarm;

impl Signal for Alarm {
    type Answer = ();
}

impl<W: Way> Alarming for Listening<W> {
    fn watch(world: &mut World, mob: Entity, target: Entity) {
        if let Some(mut mob) = world.get_mut::<Mob>(mob) {
            mob.target = Some(target);
        }
        W::watch(world, mob, target).expect("a mob should have one target at a time");
    }

    fn alarm(world: &mut World, target: Entity) {
        world.send_signal(target, Alarm);
    }
}

impl Rewatching for Listening<WorldHandler> {
    fn setup(_world: &mut World) {}

    fn spawn_target(world: &mut World) -> Entity {
        WorldHandler::spawn_target(world)
    }

    fn watch(world: &mut World, fickle: Entity, target: Entity) {
        world
            .register_signal(fickle, target, change_targets)
            .expect("a mob should watch two different targets");
    }

    fn delete(world: &mut World, target: Entity) {
        world.despawn(target);
    }

    fn watchers(world: &World, targets: &[Entity]) -> usize {
        registrations(world, targets)
    }
}

impl Mixing for Listening<FieldHandler> {
    fn setup(_world: &mut World) {}

    fn spawn_target(world: &mut World) -> Entity {
        FieldHandler::spawn_target(world)
    }

    fn watch<C: Chaser>(world: &mut World, mob: Entity, target: Entity) {
        let lose = |mob: &mut C, _: Received<Qdeleting>| mob.lose_target();
        world
            .register_signal(mob, target, lose)
            .expect("a mob should have one target");
    }

    fn delete(world: &mut World, target: Entity) {
        world.despawn(target);
    }
}

impl<const N: usize> Signal for Topic<N> {
    type Answer = ();
}

impl Topical for Listening<FieldHandler> {
    fn setup(_world: &mut World) {}

    fn watch<const N: usize>(world: &mut World, ear: Entity, target: Entity) {
        let hear = |ear: &mut Ear, _: Received<Topic<N>>| ear.hear();
        world
            .register_signal(ear, target, hear)
            .expect("it should hear one signal");
    }

    fn send<const N: usize>(world: &mut World, target: Entity) {
        world.send_signal(target, Topic::<N>);
    }
}

/// Counts all registrations, on any target: none may be left behind.
pub(super) fn registrations(world: &World, _targets: &[Entity]) -> usize {
    world
        .check_registrations()
        .expect("the books of both ends should agree");
    world.signal_footprint().registrations
}

/// Deletes an entity, because the first deletion in a world looks through all types and archetypes.
pub(super) fn delete_one(world: &mut World) {
    let entity = world.spawn_empty().id();
    qdel(world, entity);
    world.flush_qdel();
}

/// Deletes `target`, which is not refused.
pub(super) fn qdel(world: &mut World, target: Entity) {
    let answer = world.qdel(target);
    assert_eq!(
        answer,
        Ok(QdelOutcome::Queued),
        "nothing should refuse the deletion of {target}"
    );
}

fn lose_target(mob: &mut Mob, _: Received<Qdeleting>) {
    mob.lose_target();
}

fn lose_target_by_id(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
    if let Some(mut mob) = world.get_mut::<Mob>(lost.listener()) {
        mob.lose_target();
    }
}

fn hear(mob: &mut Mob, _: Received<Alarm>) {
    mob.hear();
}

fn hear_by_id(mut world: DeferredWorld, alarm: Received<Alarm, Mob>) {
    if let Some(mut mob) = world.get_mut::<Mob>(alarm.listener()) {
        mob.hear();
    }
}

fn change_targets(mut world: DeferredWorld, lost: Received<Qdeleting, Fickle>) {
    let fickle = lost.listener();
    let Some(mut mob) = world.get_mut::<Fickle>(fickle) else {
        return;
    };
    let wishes = mob.lose(lost.target());
    if let Some(other) = wishes.unwatch {
        world
            .unregister_signal::<Fickle, Qdeleting>(fickle, other)
            .expect("a mob should listen to what it watches");
    }
    if let Some(next) = wishes.watch
        && world.entities().contains_spawned(next)
    {
        world
            .register_signal(fickle, next, change_targets)
            .expect("a mob should watch its third target once");
    }
}
