//! Whoever asks to be told is told once, or refused, whatever comes in between.
//!
//! Rules S2, S4, S7, S10, S12 and Q6 of the design, held by sums: what a living listener asked for, it has in force, was told, was
//! refused, or has taken back.

use std::{cell::RefCell, collections::BTreeMap};

use bevy_ecs::{
    error::{BevyError, ErrorContext, FallbackErrorHandler},
    prelude::*,
    world::DeferredWorld,
};
use proptest::{collection::vec, prelude::*};
use qdel::{RegisterError, prelude::*};

/// Entities by number.
const ENTITIES: usize = 6;

#[derive(Component)]
struct Ear;

/// What its entity does, one thing for each notice that it hears.
#[derive(Component, Clone, Default)]
struct Script(Vec<Act>);

/// How often its entity lives on.
#[derive(Component)]
struct Lives(usize);

impl Destroy for Lives {
    type Param = ();

    fn destroy(&mut self, going: Destroying<()>) -> Hint {
        if self.0 == 0 {
            return Hint::Queue;
        }
        self.0 -= 1;
        KEPT.with_borrow_mut(|kept| *kept.entry(going.entity).or_default() += 1);
        Hint::LetMeLive
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    Register(usize, usize),
    Unregister(usize, usize),
    Qdel(usize),
    Despawn(usize),
}

#[derive(Debug, Clone)]
enum Step {
    /// Commands that are applied at once.
    Commands(Vec<Act>),
    /// A batch, while commands wait.
    Batch(Vec<Act>, Vec<usize>),
    Flush,
}

/// What became of the requests of a listener about a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    asked: usize,
    told: usize,
    told_too_late: usize,
    refused: usize,
    taken_back: usize,
}

thread_local! {
    /// How often an entity was told about and lives on.
    static KEPT: RefCell<BTreeMap<Entity, usize>> = const { RefCell::new(BTreeMap::new()) };
    static SUMS: RefCell<BTreeMap<(Entity, Entity), Sums>> = const { RefCell::new(BTreeMap::new()) };
}

fn change(listener: Entity, target: Entity, change: impl FnOnce(&mut Sums)) {
    SUMS.with_borrow_mut(|sums| change(sums.entry((listener, target)).or_default()));
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the type of an error handler"
)]
fn note_refusal(error: BevyError, _: ErrorContext) {
    if let Some(RegisterError::AlreadyRegistered(at)) = error.downcast_ref::<RegisterError>() {
        change(at.listener, at.target, |sums| sums.refused += 1);
    }
}

fn hear(mut world: DeferredWorld, lost: Received<Qdeleting, Ear>) {
    change(lost.listener(), lost.target(), |sums| {
        sums.told += 1;
        sums.told_too_late += usize::from(lost.cause == Cause::AlreadyGone);
    });
    let script = world.get_mut::<Script>(lost.listener());
    if let Some(act) = script.and_then(|mut script| script.0.pop()) {
        queue(&mut world.commands(), act);
    }
}

/// Who stands behind the numbers.
#[derive(Resource, Clone, Copy)]
struct Cast([Entity; ENTITIES]);

fn queue(commands: &mut Commands, act: Act) {
    commands.queue(move |world: &mut World| {
        let Cast(cast) = *world.resource();
        match act {
            Act::Register(listener, target) => {
                let (listener, target) = (cast[listener], cast[target]);
                change(listener, target, |sums| sums.asked += 1);
                let mut commands = world.commands();
                commands.entity(listener).register_signal(target, hear);
            }
            Act::Unregister(listener, target) => {
                let (listener, target) = (cast[listener], cast[target]);
                if world
                    .unregister_signal::<Ear, Qdeleting>(listener, target)
                    .is_ok()
                {
                    change(listener, target, |sums| sums.taken_back += 1);
                }
            }
            Act::Qdel(entity) => {
                world.commands().entity(cast[entity]).qdel();
            }
            Act::Despawn(entity) => {
                world.commands().entity(cast[entity]).try_despawn();
            }
        }
    });
}

fn stage(lives: &[usize], scripts: &[Vec<Act>]) -> World {
    let mut world = World::new();
    world.insert_resource(FallbackErrorHandler(note_refusal));
    world.register_destroy::<Lives>();
    let mut at = 0;
    let cast = [(); ENTITIES].map(|()| {
        let entity = world.spawn((Ear, Lives(lives[at]), Script(scripts[at].clone()), Signals));
        at += 1;
        entity.id()
    });
    world.insert_resource(Cast(cast));
    SUMS.take();
    world
}

fn in_force(world: &World, listener: Entity, target: Entity) -> usize {
    let on = world.registrations_on(target);
    on.iter().filter(|at| at.listener == listener).count()
}

fn act() -> impl Strategy<Value = Act> {
    let pair = || (0..ENTITIES, 0..ENTITIES);
    prop_oneof![
        4 => pair().prop_map(|(listener, target)| Act::Register(listener, target)),
        1 => pair().prop_map(|(listener, target)| Act::Unregister(listener, target)),
        2 => (0..ENTITIES).prop_map(Act::Qdel),
        1 => (0..ENTITIES).prop_map(Act::Despawn),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => vec(act(), 1..6).prop_map(Step::Commands),
        3 => (vec(act(), 0..4), vec(0..ENTITIES, 1..4)).prop_map(|(acts, roots)| Step::Batch(acts, roots)),
        1 => Just(Step::Flush),
    ]
}

proptest! {
    /// Nothing that was asked for is lost or told twice (S12, Q6).
    #[test]
    fn all_that_is_asked_for_is_accounted_for(
        lives in vec(0usize..3, ENTITIES),
        scripts in vec(vec(act(), 0..4), ENTITIES),
        steps in vec(step(), 1..10),
    ) {
        let mut world = stage(&lives, &scripts);
        let Cast(cast) = *world.resource();
        for step in &steps {
            let before: Vec<_> = pairs(&cast)
                .map(|(listener, target)| in_force(&world, listener, target))
                .collect();
            SUMS.take();
            KEPT.take();
            run(&mut world, step, &cast);

            prop_assert_eq!(world.check_registrations(), Ok(()));
            for ((listener, target), before) in pairs(&cast).zip(before) {
                if world.liveness(listener) != Liveness::Alive {
                    prop_assert_eq!(in_force(&world, listener, target), 0);
                    continue;
                }
                let sums = SUMS.with_borrow(|sums| sums.get(&(listener, target)).copied());
                let sums = sums.unwrap_or_default();
                let after = in_force(&world, listener, target);
                let kept = KEPT.with_borrow(|kept| kept.get(&target).copied().unwrap_or_default());
                let asked = before + sums.asked;
                let kept_back = after + sums.refused + sums.taken_back;
                let context = format!(
                    "{listener} on {target} after {step:?}: {before} before, {after} after, kept {kept}, {sums:?}"
                );
                if world.liveness(target) == Liveness::Alive {
                    // It may have been told of and live on; but it was never gone.
                    prop_assert_eq!(asked, kept_back, "{}", &context);
                    prop_assert_eq!(sums.told_too_late, 0, "false: {}", &context);
                } else {
                    prop_assert_eq!(after, 0, "{}", &context);
                    prop_assert!(asked <= kept_back + sums.told, "lost: {}", &context);
                    // A registration that was told may be taken back after that, and is told again if its target lived on.
                    prop_assert!(sums.told + sums.refused <= asked + kept, "twice: {}", &context);
                }
            }
        }
    }
}

fn pairs(cast: &[Entity; ENTITIES]) -> impl Iterator<Item = (Entity, Entity)> {
    let listeners = cast.iter();
    listeners.flat_map(|listener| cast.iter().map(|target| (*listener, *target)))
}

fn run(world: &mut World, step: &Step, cast: &[Entity; ENTITIES]) {
    match step {
        Step::Commands(acts) => {
            for act in acts {
                queue(&mut world.commands(), *act);
            }
            world.flush();
        }
        Step::Batch(acts, roots) => {
            for act in acts {
                queue(&mut world.commands(), *act);
            }
            world.qdel_batch(roots.iter().map(|root| cast[*root]));
            world.flush();
        }
        Step::Flush => {
            world.flush_qdel();
        }
    }
}
