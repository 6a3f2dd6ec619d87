//! A listener that asks to be told is told once, or refused, whatever comes in between.
//!
//! Rules S2, S4, S7, S10, S11, S12 and Q6 of the design, held by sums: what a living listener asked
//! for, it has in force, was told, was refused, or has taken back. Handlers panic, and so do what
//! they panicked with; hints let entities live.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    mem,
    panic::{AssertUnwindSafe, catch_unwind, panic_any, set_hook, take_hook},
    sync::Once,
    time::Duration,
};

use bevy_ecs::{
    error::{BevyError, ErrorContext, FallbackErrorHandler},
    prelude::*,
    world::DeferredWorld,
};
use proptest::{collection::vec, prelude::*};
use qdel::{QdelCause, RegisterError, SignalTarget, prelude::*};

/// Entities by number.
const ENTITIES: usize = 5;

/// Listens with handlers that reach the world.
#[derive(Component)]
struct Ear;

/// Listens with handlers of its fields, which panic that often.
#[derive(Component)]
struct Eye(Vec<Panic>);

impl Eye {
    fn see(&mut self, lost: Received<Qdeleting>) {
        note(Sense::Eye, lost.listener(), lost.target(), lost.cause);
        if let Some(panic) = self.0.pop() {
            panic.start();
        }
    }
}

/// Which component of a listener a registration is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sense {
    Ear,
    Eye,
}

/// What its entity does, one thing for each notice that it hears.
#[derive(Component, Clone, Default)]
struct Script(Vec<Act>);

/// How often its entity lives on, and what it does each time that it is destroyed.
#[derive(Component)]
struct Lives {
    left: usize,
    last: DestroyHint,
    script: Vec<Act>,
}

impl Destroy for Lives {
    type Param = Commands<'static, 'static>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        if let Some(act) = self.script.pop() {
            queue(&mut going.param, act);
        }
        if self.left == 0 {
            return self.last;
        }
        self.left -= 1;
        KEPT.with_borrow_mut(|kept| *kept.entry(going.entity).or_default() += 1);
        DestroyHint::LetMeLive
    }
}

#[derive(Debug, Clone, Copy)]
enum Panic {
    Plain,
    /// What it panics with panics when it is dropped.
    Evil,
}

/// What a handler panics with.
struct Thrown;

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic_any(Thrown)
    }
}

impl Panic {
    fn start(self) -> ! {
        match self {
            Self::Plain => panic_any(Thrown),
            Self::Evil => panic_any(Bomb),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Act {
    /// Registers by a command.
    Register(Sense, usize, usize),
    /// Registers by whatever the actor has: a `World`, or a `DeferredWorld`.
    RegisterNow(Sense, usize, usize),
    /// Ensures by whatever the actor has.
    Ensure(Sense, usize, usize),
    EnsureLate(Sense, usize, usize),
    Unregister(Sense, usize, usize),
    UnregisterAll(usize),
    Retarget(Sense, usize, usize, usize),
    RetargetLate(Sense, usize, usize, usize),
    Qdel(usize),
    ForceQdel(usize),
    Despawn(usize),
    /// Takes the marker of targets off.
    Unmark(usize),
    /// Takes the listening component off, and puts it on again.
    Deafen(Sense, usize),
    Panic(Panic),
}

#[derive(Debug, Clone)]
enum Step {
    /// Commands that are applied at once.
    Commands(Vec<Act>),
    /// A batch, while commands wait.
    Batch(Vec<Act>, Vec<usize>),
    /// A plain despawn, while commands wait.
    Despawn(Vec<Act>, usize),
    /// A plain despawn of one whose marker was taken off, and is not back yet.
    DespawnUnmarked(usize),
    Flush,
    /// Others stand in for those who are gone.
    Respawn,
}

/// What became of the requests of a listener about a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    asked: usize,
    /// What may have been asked for.
    perhaps_asked: usize,
    told: usize,
    told_too_late: usize,
    told_of_despawn: usize,
    refused: usize,
    taken_back: usize,
    /// What may have been taken back.
    perhaps_taken_back: usize,
}

type Pair = (Sense, Entity, Entity);

thread_local! {
    /// How often an entity was told about and lives on.
    static KEPT: RefCell<BTreeMap<Entity, usize>> = const { RefCell::new(BTreeMap::new()) };
    static SUMS: RefCell<BTreeMap<Pair, Sums>> = const { RefCell::new(BTreeMap::new()) };
}

fn change(pair: Pair, change: impl FnOnce(&mut Sums)) {
    SUMS.with_borrow_mut(|sums| change(sums.entry(pair).or_default()));
}

fn note(sense: Sense, listener: Entity, target: Entity, cause: QdelCause) {
    change((sense, listener, target), |sums| {
        sums.told += 1;
        sums.told_too_late += usize::from(cause == QdelCause::AlreadyGone);
        sums.told_of_despawn += usize::from(cause == QdelCause::Despawn);
    });
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the type of an error handler"
)]
fn note_refusal(error: BevyError, _: ErrorContext) {
    use RegisterError::{AlreadyRegistered, MarkRemoved, MissingComponent};
    if let Some(AlreadyRegistered(at) | MarkRemoved(at) | MissingComponent(at)) =
        error.downcast_ref()
    {
        let sense = if at.component.ends_with("Ear") {
            Sense::Ear
        } else {
            Sense::Eye
        };
        change((sense, at.listener, at.target), |sums| sums.refused += 1);
    }
}

fn hear(mut world: DeferredWorld, lost: Received<Qdeleting, Ear>) {
    note(Sense::Ear, lost.listener(), lost.target(), lost.cause);
    let script = world.get_mut::<Script>(lost.listener());
    if let Some(act) = script.and_then(|mut script| script.0.pop())
        && !at_once(&mut world, act)
    {
        queue(&mut world.commands(), act);
    }
}

/// Who stands behind the numbers.
#[derive(Resource, Clone, Copy)]
struct Cast([Entity; ENTITIES]);

/// Does what takes no command, and tells whether that is all.
fn at_once(world: &mut (impl WorldSignalExt + AsWorld), act: Act) -> bool {
    let Cast(cast) = *world.as_world().resource::<Cast>();
    match act {
        Act::RegisterNow(sense, listener, target) => {
            let (listener, target) = (cast[listener], cast[target]);
            let registered = match sense {
                Sense::Ear => world.register_signal(listener, target, hear),
                Sense::Eye => world.register_signal(listener, target, Eye::see),
            };
            if registered.is_ok() {
                change((sense, listener, target), |sums| sums.asked += 1);
            }
        }
        Act::Ensure(sense, listener, target) => {
            let (listener, target) = (cast[listener], cast[target]);
            let is_there = in_force(world, (sense, listener, target)) == 1;
            let ensured = match sense {
                Sense::Ear => world.ensure_signal(listener, target, hear),
                Sense::Eye => world.ensure_signal(listener, target, Eye::see),
            };
            if ensured.is_ok() && !is_there {
                // Commands that wait may bring it about in between.
                change((sense, listener, target), |sums| sums.perhaps_asked += 1);
            }
        }
        Act::Unregister(sense, listener, target) => {
            let (listener, target) = (cast[listener], cast[target]);
            let unregistered = match sense {
                Sense::Ear => world.unregister_signal::<Ear, Qdeleting>(listener, target),
                Sense::Eye => world.unregister_signal::<Eye, Qdeleting>(listener, target),
            };
            if unregistered.is_ok() {
                // It takes back what is in force and what waits at once.
                change((sense, listener, target), |sums| {
                    sums.taken_back += 1;
                    sums.perhaps_taken_back += 1;
                });
            }
        }
        Act::UnregisterAll(target) => {
            let target = cast[target];
            world.unregister_all(target);
            for pair in pairs(&cast).filter(|pair| pair.2 == target) {
                change(pair, |sums| sums.perhaps_taken_back += 2);
            }
        }
        Act::Retarget(sense, listener, from, to) => {
            let (listener, from, to) = (cast[listener], cast[from], cast[to]);
            let moved = match sense {
                Sense::Ear => world.retarget_signal::<Ear, Qdeleting>(listener, from, to),
                Sense::Eye => world.retarget_signal::<Eye, Qdeleting>(listener, from, to),
            };
            if moved.is_ok() {
                change((sense, listener, from), |sums| sums.taken_back += 1);
                change((sense, listener, to), |sums| sums.asked += 1);
            }
        }
        Act::Panic(panic) => panic.start(),
        _ => return false,
    }
    true
}

/// A world that can be read.
trait AsWorld {
    fn as_world(&self) -> &World;
}

impl AsWorld for World {
    fn as_world(&self) -> &World {
        self
    }
}

impl AsWorld for DeferredWorld<'_> {
    fn as_world(&self) -> &World {
        self
    }
}

fn queue(commands: &mut Commands, act: Act) {
    commands.queue(move |world: &mut World| {
        if at_once(world, act) {
            return;
        }
        let Cast(cast) = *world.resource();
        match act {
            Act::Register(sense, listener, target) => {
                let (listener, target) = (cast[listener], cast[target]);
                let pair = (sense, listener, target);
                // Bevy drops the commands that wait if it drops what panics then.
                change(pair, |sums| sums.perhaps_asked += 1);
                let mut commands = world.commands();
                let Ok(mut listener) = commands.get_entity(listener) else {
                    return;
                };
                match sense {
                    Sense::Ear => listener.register_signal(target, hear),
                    Sense::Eye => listener.register_signal(target, Eye::see),
                };
                commands.queue(move |_: &mut World| {
                    change(pair, |sums| {
                        sums.asked += 1;
                        sums.perhaps_asked -= 1;
                    });
                });
            }
            Act::EnsureLate(sense, listener, target) => {
                let (listener, target) = (cast[listener], cast[target]);
                change((sense, listener, target), |sums| sums.perhaps_asked += 1);
                let mut commands = world.commands();
                let Ok(mut listener) = commands.get_entity(listener) else {
                    return;
                };
                match sense {
                    Sense::Ear => listener.ensure_signal(target, hear),
                    Sense::Eye => listener.ensure_signal(target, Eye::see),
                };
            }
            Act::RetargetLate(sense, listener, from, to) => {
                let (listener, from, to) = (cast[listener], cast[from], cast[to]);
                change((sense, listener, from), |sums| sums.perhaps_taken_back += 1);
                change((sense, listener, to), |sums| sums.perhaps_asked += 1);
                let mut commands = world.commands();
                let Ok(mut listener) = commands.get_entity(listener) else {
                    return;
                };
                match sense {
                    Sense::Ear => listener.retarget_signal::<Ear, Qdeleting>(from, to),
                    Sense::Eye => listener.retarget_signal::<Eye, Qdeleting>(from, to),
                };
            }
            Act::Qdel(entity) => {
                world.commands().entity(cast[entity]).qdel();
            }
            Act::ForceQdel(entity) => {
                world.commands().entity(cast[entity]).force_qdel();
            }
            Act::Despawn(entity) => {
                world.commands().entity(cast[entity]).try_despawn();
            }
            Act::Unmark(entity) => {
                world
                    .commands()
                    .entity(cast[entity])
                    .try_remove::<SignalTarget>();
            }
            Act::Deafen(sense, entity) => {
                let entity = cast[entity];
                for pair in pairs(&cast).filter(|pair| (pair.0, pair.1) == (sense, entity)) {
                    change(pair, |sums| sums.perhaps_taken_back += 2);
                }
                let mut commands = world.commands();
                let Ok(mut entity) = commands.get_entity(entity) else {
                    return;
                };
                match sense {
                    Sense::Ear => entity.try_remove::<Ear>().try_insert(Ear),
                    Sense::Eye => entity.try_remove::<Eye>().try_insert(Eye(Vec::new())),
                };
            }
            _ => unreachable!("it was done at once"),
        }
    });
}

/// What an entity of the cast is made of.
#[derive(Debug, Clone)]
struct Role {
    lives: usize,
    last: DestroyHint,
    on_notice: Vec<Act>,
    on_destroy: Vec<Act>,
    panics: Vec<Panic>,
    is_marked: bool,
}

impl Role {
    fn spawn(&self, world: &mut World) -> Entity {
        let lives = Lives {
            left: self.lives,
            last: self.last,
            script: self.on_destroy.clone(),
        };
        let script = Script(self.on_notice.clone());
        let mut entity = world.spawn((Ear, Eye(self.panics.clone()), lives, script));
        if self.is_marked {
            entity.insert(SignalTarget);
        }
        entity.id()
    }
}

/// How much a world knows before the first registration.
#[derive(Debug, Clone, Copy)]
enum Experience {
    Nothing,
    Books,
    Handlers,
}

fn stage(experience: Experience, teardown: Teardown, roles: &[Role]) -> World {
    let mut world = World::new();
    world.insert_resource(FallbackErrorHandler(note_refusal));
    world.insert_resource(QdelSettings::default().with_teardown(teardown));
    world.register_destroy::<Lives>();
    let cast = core::array::from_fn(|at| roles[at].spawn(&mut world));
    match experience {
        Experience::Nothing => {}
        Experience::Books => {
            let _ =
                world.register_signal(cast[0], cast[1], |_: &mut Lives, _: Received<Qdeleting>| {});
            world
                .unregister_signal::<Lives, Qdeleting>(cast[0], cast[1])
                .unwrap();
        }
        Experience::Handlers => {
            world.register_signal(cast[0], cast[1], hear).unwrap();
            world
                .unregister_signal::<Ear, Qdeleting>(cast[0], cast[1])
                .unwrap();
            world.register_signal(cast[0], cast[1], Eye::see).unwrap();
            world
                .unregister_signal::<Eye, Qdeleting>(cast[0], cast[1])
                .unwrap();
        }
    }
    world.insert_resource(Cast(cast));
    SUMS.take();
    world
}

fn in_force(world: &impl WorldSignalExt, (sense, listener, target): Pair) -> usize {
    let component = match sense {
        Sense::Ear => "Ear",
        Sense::Eye => "Eye",
    };
    let on = world.registrations_on(target);
    let is_it = |at: &&qdel::signal::Registration| {
        at.listener == listener && at.component.ends_with(component)
    };
    on.iter().filter(is_it).count()
}

fn sense() -> impl Strategy<Value = Sense> + Clone {
    prop_oneof![Just(Sense::Ear), Just(Sense::Eye)]
}

fn panic() -> impl Strategy<Value = Panic> + Clone {
    prop_oneof![Just(Panic::Plain), Just(Panic::Evil)]
}

fn act() -> impl Strategy<Value = Act> {
    let one = || 0..ENTITIES;
    let pair = || (sense(), one(), one());
    let three = || (sense(), one(), one(), one());
    prop_oneof![
        4 => pair().prop_map(|(sense, listener, target)| Act::Register(sense, listener, target)),
        4 => pair().prop_map(|(sense, listener, target)| Act::RegisterNow(sense, listener, target)),
        1 => pair().prop_map(|(sense, listener, target)| Act::Ensure(sense, listener, target)),
        1 => pair().prop_map(|(sense, listener, target)| Act::EnsureLate(sense, listener, target)),
        1 => pair().prop_map(|(sense, listener, target)| Act::Unregister(sense, listener, target)),
        1 => one().prop_map(Act::UnregisterAll),
        1 => three().prop_map(|(sense, listener, from, to)| Act::Retarget(sense, listener, from, to)),
        1 => three().prop_map(|(sense, listener, from, to)| Act::RetargetLate(sense, listener, from, to)),
        3 => one().prop_map(Act::Qdel),
        1 => one().prop_map(Act::ForceQdel),
        1 => one().prop_map(Act::Despawn),
        1 => one().prop_map(Act::Unmark),
        1 => (sense(), one()).prop_map(|(sense, listener)| Act::Deafen(sense, listener)),
        1 => panic().prop_map(Act::Panic),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => vec(act(), 1..6).prop_map(Step::Commands),
        4 => (vec(act(), 0..4), vec(0..ENTITIES, 1..4)).prop_map(|(acts, roots)| Step::Batch(acts, roots)),
        1 => (vec(act(), 0..4), 0..ENTITIES).prop_map(|(acts, root)| Step::Despawn(acts, root)),
        1 => (0..ENTITIES).prop_map(Step::DespawnUnmarked),
        1 => Just(Step::Flush),
        1 => Just(Step::Respawn),
    ]
}

fn role() -> impl Strategy<Value = Role> {
    (
        0usize..3,
        prop_oneof![4 => Just(DestroyHint::Queue), 1 => Just(DestroyHint::IWillHandleIt)],
        vec(act(), 0..4),
        vec(act(), 0..3),
        vec(panic(), 0..2),
        any::<bool>(),
    )
        .prop_map(
            |(lives, last, on_notice, on_destroy, panics, is_marked)| Role {
                lives,
                last,
                on_notice,
                on_destroy,
                panics,
                is_marked,
            },
        )
}

fn experience() -> impl Strategy<Value = Experience> {
    prop_oneof![
        Just(Experience::Nothing),
        Just(Experience::Books),
        Just(Experience::Handlers)
    ]
}

fn teardown() -> impl Strategy<Value = Teardown> {
    prop_oneof![
        Just(QdelSettings::default().teardown),
        Just(Teardown::Immediate),
        Just(Teardown::Budget(Duration::ZERO))
    ]
}

proptest! {
    /// Nothing that was asked for is lost or told twice (S12, Q6).
    #[test]
    fn all_that_is_asked_for_is_accounted_for(
        experience in experience(),
        teardown in teardown(),
        roles in vec(role(), ENTITIES),
        steps in vec(step(), 1..10),
    ) {
        keep_quiet();
        let mut world = stage(experience, teardown, &roles);
        for step in &steps {
            let Cast(cast) = *world.resource();
            let before: Vec<_> = pairs(&cast).map(|pair| in_force(&world, pair)).collect();
            SUMS.take();
            KEPT.take();
            run(&mut world, step, &roles);

            prop_assert_eq!(world.check_registrations(), Ok(()));
            for (pair, before) in pairs(&cast).zip(before) {
                let (_, listener, target) = pair;
                if world.liveness(listener) != Liveness::Alive {
                    prop_assert_eq!(in_force(&world, pair), 0);
                    continue;
                }
                let sums = SUMS.with_borrow(|sums| sums.get(&pair).copied());
                let sums = sums.unwrap_or_default();
                let after = in_force(&world, pair);
                let kept = KEPT.with_borrow(|kept| kept.get(&target).copied().unwrap_or_default());
                let asked = before + sums.asked;
                let kept_back = after + sums.refused + sums.taken_back;
                let context = format!(
                    "{pair:?} after {step:?}: {before} before, {after} after, kept {kept}, {sums:?}"
                );
                if world.liveness(target) == Liveness::Alive {
                    // It may have been told of and live on; but it was never gone.
                    prop_assert!(asked <= kept_back + sums.perhaps_taken_back, "lost: {}", &context);
                    prop_assert!(kept_back <= asked + sums.perhaps_asked + sums.perhaps_taken_back, "twice: {}", &context);
                    prop_assert_eq!(sums.told_too_late, 0, "false: {}", &context);
                    prop_assert!(sums.told <= kept, "of the living: {}", &context);
                } else {
                    prop_assert_eq!(after, 0, "{}", &context);
                    prop_assert!(asked <= kept_back + sums.told + sums.perhaps_taken_back, "lost: {}", &context);
                    // A registration that was told may be taken back after that, and is told again
                    // if its target lived on.
                    prop_assert!(sums.told + sums.refused <= asked + sums.perhaps_asked + kept, "twice: {}", &context);
                }
            }
        }
    }
}

fn pairs(cast: &[Entity; ENTITIES]) -> impl Iterator<Item = Pair> {
    let senses = [Sense::Ear, Sense::Eye].into_iter();
    senses.flat_map(move |sense| {
        let listeners = cast.iter();
        listeners
            .flat_map(move |listener| cast.iter().map(move |target| (sense, *listener, *target)))
    })
}

/// Has panics that are meant print nothing.
fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = take_hook();
        set_hook(Box::new(move |info| {
            if !info.payload().is::<Thrown>() && !info.payload().is::<Bomb>() {
                hook(info);
            }
        }));
    });
}

/// Calls `f`, and tells whether it came to its end. What handlers panic with is kept from being
/// dropped.
fn survive(world: &mut World, f: impl FnOnce(&mut World)) -> bool {
    let outcome = catch_unwind(AssertUnwindSafe(|| f(world)));
    match outcome {
        Ok(()) => true,
        Err(payload) => {
            let is_ours = payload.is::<Thrown>() || payload.is::<Bomb>();
            assert!(is_ours, "nobody but the handlers should panic");
            mem::forget(payload);
            false
        }
    }
}

fn run(world: &mut World, step: &Step, roles: &[Role]) {
    let Cast(mut cast) = *world.resource();
    survive(world, |world| match step {
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
        Step::Despawn(acts, root) => {
            for act in acts {
                queue(&mut world.commands(), *act);
            }
            world.despawn(cast[*root]);
        }
        Step::DespawnUnmarked(root) => {
            let root = cast[*root];
            world.commands().queue(move |world: &mut World| {
                world.commands().entity(root).try_remove::<SignalTarget>();
                world.commands().entity(root).try_despawn();
            });
            world.flush();
        }
        Step::Flush => {
            world.flush_qdel();
        }
        Step::Respawn => {
            for (at, role) in roles.iter().enumerate() {
                if world.liveness(cast[at]) == Liveness::Gone {
                    cast[at] = role.spawn(world);
                }
            }
            world.insert_resource(Cast(cast));
        }
    });
    // A panic leaves commands that wait, and registrations whose commands were dropped.
    while !survive(world, |world| world.flush()) {}
    finish(world, &cast);
}

/// Despawns those again whose despawn a handler has cut short.
fn finish(world: &mut World, cast: &[Entity; ENTITIES]) {
    loop {
        let is_cut_short = |target: &&Entity| {
            let told = SUMS.with_borrow(|sums| {
                let mut sums = sums.iter().filter(|(pair, _)| pair.2 == **target);
                sums.any(|(_, sums)| sums.told_of_despawn > 0)
            });
            told && world.entities().contains_spawned(**target)
        };
        let Some(target) = cast.iter().find(is_cut_short).copied() else {
            return;
        };
        survive(world, |world| {
            world.despawn(target);
        });
        while !survive(world, |world| world.flush()) {}
    }
}
