//! Every mixture, against a naive model.

use super::*;
use qdel::SignalTarget;

const MOBS: usize = 4;

const TARGETS: usize = 4;

/// What is done with the registrations for one of two signals.
#[derive(Debug, Clone, Copy)]
enum Act {
    Register(usize, usize, u32),
    Once(usize, usize, u32),
    Replace(usize, usize, u32),
    Ensure(usize, usize, u32),
    Unregister(usize, usize),
    Retarget(usize, usize, usize),
    UnregisterAll(usize),
    Ping(usize),
    /// By commands.
    Despawn(usize),
    Qdel(usize),
}

/// Who does it.
#[derive(Debug, Clone, Copy)]
enum Actor {
    World,
    Handler,
    Hook,
    Observer,
}

thread_local! {
    static SCRIPT: RefCell<Vec<Act>> = const { RefCell::new(Vec::new()) };
    static ANSWERS: RefCell<Vec<Answer>> = const { RefCell::new(Vec::new()) };
}

#[derive(Resource, Clone, Copy)]
struct Cast {
    mobs: [Entity; MOBS],
    targets: [Entity; TARGETS],
}

macro_rules! with_handler {
    ($number:expr, $register:expr) => {
        match $number {
            0 => $register(says::<0>),
            1 => $register(says::<1>),
            2 => $register(says::<2>),
            3 => $register(says::<3>),
            4 => $register(says::<4>),
            5 => $register(says::<5>),
            6 => $register(says::<6>),
            _ => $register(says::<7>),
        }
    };
}

/// Does what the script says, and writes down what comes of it.
fn play<W: WorldSignalExt>(world: &mut W, cast: Cast, end: impl Fn(&mut W, Act)) {
    let Cast { mobs, targets } = cast;
    for act in SCRIPT.take() {
        let answer = match act {
            Act::Register(mob, target, number) => {
                let (mob, target) = (mobs[mob], targets[target]);
                let noted = world.register_signal(mob, target, note::<7>);
                let done = with_handler!(number, |handler| world
                    .register_signal(mob, target, handler)
                    .is_ok());
                Answer::Both(done, noted.is_ok())
            }
            Act::Once(mob, target, number) => Answer::Done(with_handler!(number, |handler| world
                .register_signal_once(mobs[mob], targets[target], handler)
                .is_ok())),
            Act::Replace(mob, target, number) => {
                Answer::Done(with_handler!(number, |handler| world
                    .replace_signal(mobs[mob], targets[target], handler)
                    .is_ok()))
            }
            Act::Ensure(mob, target, number) => {
                Answer::Done(with_handler!(number, |handler| world
                    .ensure_signal(mobs[mob], targets[target], handler)
                    .is_ok()))
            }
            Act::Unregister(mob, target) => {
                let ended = world.unregister_signal::<Mob, Ping>(mobs[mob], targets[target]);
                let note = world.unregister_signal::<Mob, Qdeleting>(mobs[mob], targets[target]);
                Answer::Both(ended.is_ok(), note.is_ok())
            }
            Act::Retarget(mob, from, to) => {
                let (from, to) = (targets[from], targets[to]);
                let moved = world.retarget_signal::<Mob, Ping>(mobs[mob], from, to);
                let note = world.retarget_signal::<Mob, Qdeleting>(mobs[mob], from, to);
                Answer::Both(moved.is_ok(), note.is_ok())
            }
            Act::UnregisterAll(target) => Answer::Ended(world.unregister_all(targets[target])),
            Act::Ping(target) => Answer::Said(world.send_signal(targets[target], Ping)),
            Act::Despawn(_) | Act::Qdel(_) => {
                end(world, act);
                continue;
            }
        };
        let on = |target: &Entity| {
            let on = world.registrations_on(*target).into_iter();
            let ping = on.filter(|on| on.signal.ends_with("Ping"));
            ping.map(|on| mobs.iter().position(|mob| *mob == on.listener).unwrap())
                .collect::<Vec<_>>()
        };
        let listeners = targets.iter().map(on).enumerate().collect();
        assert_eq!(world.check_registrations(), Ok(()));
        ANSWERS.with_borrow_mut(|answers| {
            answers.push(answer);
            answers.push(Answer::Listeners(listeners));
        });
    }
}

fn play_deferred(mut world: DeferredWorld) {
    let cast = *world.resource::<Cast>();
    play(&mut world, cast, |world, act| match act {
        Act::Despawn(target) => world.commands().entity(cast.targets[target]).try_despawn(),
        Act::Qdel(target) => world.qdel(cast.targets[target]),
        _ => unreachable!("the rest is done by `play`"),
    });
}

#[derive(Component)]
#[component(on_insert = Cue::play)]
struct Cue;

impl Cue {
    fn play(world: DeferredWorld, _: HookContext) {
        play_deferred(world);
    }

    fn hear(world: DeferredWorld, _: Received<Other, Self>) {
        play_deferred(world);
    }
}

/// Marks targets of a known kind.
#[derive(Component)]
struct Known;

#[derive(Event)]
struct Stage;

/// A registration for `Ping`.
#[derive(Clone, Copy, PartialEq)]
struct Entry {
    mob: usize,
    target: usize,
    number: u32,
    is_once: bool,
}

#[derive(Default)]
struct Model {
    pings: Vec<Entry>,
    /// Who listens for the end of whom.
    notes: Vec<(usize, usize)>,
    /// Who was told of whose end.
    told: Vec<(usize, usize)>,
    gone: [bool; TARGETS],
}

impl Model {
    fn find(&self, mob: usize, target: usize) -> Option<usize> {
        let mut pings = self.pings.iter();
        pings.position(|entry| entry.mob == mob && entry.target == target)
    }

    fn register(&mut self, mob: usize, target: usize, number: u32, is_once: bool) -> bool {
        let is_new = !self.gone[target] && self.find(mob, target).is_none();
        if is_new {
            self.pings.push(Entry {
                mob,
                target,
                number,
                is_once,
            });
        }
        is_new
    }

    fn act(&mut self, act: Act) -> Option<Answer> {
        let done = match act {
            Act::Register(mob, target, number) => {
                let is_noted = !self.gone[target] && !self.notes.contains(&(mob, target));
                if is_noted {
                    self.notes.push((mob, target));
                }
                let is_registered = self.register(mob, target, number, false);
                return Some(Answer::Both(is_registered, is_noted));
            }
            Act::Once(mob, target, number) => self.register(mob, target, number, true),
            Act::Replace(mob, target, number) => match self.find(mob, target) {
                Some(place) => {
                    self.pings[place].number = number;
                    true
                }
                None => self.register(mob, target, number, false),
            },
            Act::Ensure(mob, target, number) => {
                self.find(mob, target).is_some() || self.register(mob, target, number, false)
            }
            Act::Unregister(mob, target) => {
                let note = self.notes.iter().position(|note| *note == (mob, target));
                let is_unnoted = note.map(|place| self.notes.remove(place)).is_some();
                let place = self.find(mob, target);
                let is_ended = place.map(|place| self.pings.remove(place)).is_some();
                return Some(Answer::Both(is_ended, is_unnoted));
            }
            Act::Retarget(mob, from, to) => {
                let is_open = !self.gone[to];
                let is_note_moved = is_open
                    && self.notes.contains(&(mob, from))
                    && !self.notes.contains(&(mob, to));
                if is_note_moved {
                    self.notes.retain(|note| *note != (mob, from));
                    self.notes.push((mob, to));
                }
                let is_moved = match (self.find(mob, from), self.find(mob, to)) {
                    (Some(place), None) if is_open => {
                        let entry = self.pings.remove(place);
                        self.pings.push(Entry {
                            target: to,
                            ..entry
                        });
                        true
                    }
                    _ => false,
                };
                return Some(Answer::Both(is_moved, is_note_moved));
            }
            Act::UnregisterAll(target) => {
                let before = self.pings.len() + self.notes.len();
                self.pings.retain(|entry| entry.target != target);
                self.notes.retain(|(_, at)| *at != target);
                let ended = before - self.pings.len() - self.notes.len();
                return Some(Answer::Ended(ended));
            }
            Act::Ping(target) => {
                let heard = self.pings.iter().filter(|entry| entry.target == target);
                let said = heard.map(|entry| entry.number).collect();
                self.pings
                    .retain(|entry| entry.target != target || !entry.is_once);
                return Some(Answer::Said(said));
            }
            Act::Despawn(_) | Act::Qdel(_) => return None,
        };
        Some(Answer::Done(done))
    }

    fn end(&mut self, target: usize) {
        self.gone[target] = true;
        self.pings.retain(|entry| entry.target != target);
        let told = self.notes.iter().filter(|(_, at)| *at == target);
        self.told.extend(told);
        self.notes.retain(|(_, at)| *at != target);
    }

    fn listeners(&self) -> Answer {
        let on = |target| {
            let on = self.pings.iter().filter(|entry| entry.target == target);
            (target, on.map(|entry| entry.mob).collect())
        };
        Answer::Listeners((0..TARGETS).map(on).collect())
    }
}

fn act() -> impl Strategy<Value = Act> {
    let (mob, target, number) = (0..MOBS, 0..TARGETS, 0..8_u32);
    let all = (mob.clone(), target.clone(), number);
    prop_oneof![
        6 => all.clone().prop_map(|(mob, target, number)| Act::Register(mob, target, number)),
        1 => all.clone().prop_map(|(mob, target, number)| Act::Once(mob, target, number)),
        2 => all.clone().prop_map(|(mob, target, number)| Act::Replace(mob, target, number)),
        2 => all.prop_map(|(mob, target, number)| Act::Ensure(mob, target, number)),
        3 => (mob.clone(), target.clone()).prop_map(|(mob, target)| Act::Unregister(mob, target)),
        4 => (mob, target.clone(), target.clone())
            .prop_map(|(mob, from, to)| Act::Retarget(mob, from, to)),
        1 => target.clone().prop_map(Act::UnregisterAll),
        2 => target.clone().prop_map(Act::Ping),
        1 => target.clone().prop_map(Act::Despawn),
        1 => target.prop_map(Act::Qdel),
    ]
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        Just(Actor::World),
        Just(Actor::Handler),
        Just(Actor::Hook),
        Just(Actor::Observer)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// S6, S12 and S14: wherever an action comes from, and whatever a command has yet to do.
    #[test]
    fn every_mixture_is_that_of_a_naive_model(
        scenes in prop::collection::vec((actor(), prop::collection::vec(act(), 1..8)), 1..12),
        prepared in prop::collection::vec(0..3, TARGETS),
    ) {
        fn ignore(_: BevyError, _: ErrorContext) {}

        // A case that panicked leaves what it has said.
        SCRIPT.take();
        ANSWERS.take();
        let (mut world, _, mobs) = world_with_books();
        world.register_target::<Known>();
        world.insert_resource(FallbackErrorHandler(ignore));
        let targets = core::array::from_fn(|at| {
            let mut target = world.spawn_empty();
            match prepared[at] {
                0 => {}
                1 => drop(target.insert(SignalTarget)),
                _ => drop(target.insert(Known)),
            }
            target.id()
        });
        let cast = Cast { mobs, targets };
        world.insert_resource(cast);
        let bell = world.spawn_empty().id();
        let actor_entity = world.spawn(Cue).id();
        world.register_signal(actor_entity, bell, Cue::hear).unwrap();
        world.add_observer(|_: On<Stage>, world: DeferredWorld| play_deferred(world));
        let mut model = Model::default();

        for (actor, acts) in scenes {
            SCRIPT.set(acts.clone());
            match actor {
                Actor::World => play(&mut world, cast, |world, act| match act {
                    Act::Despawn(target) => {
                        let _ = world.try_despawn(targets[target]);
                    }
                    Act::Qdel(target) => {
                        let _ = world.qdel(targets[target]);
                        world.flush_qdel();
                    }
                    _ => unreachable!("the rest is done by `play`"),
                }),
                Actor::Handler => world.send_signal(bell, Other),
                Actor::Hook => {
                    world.entity_mut(actor_entity).insert(Cue);
                }
                Actor::Observer => world.trigger(Stage),
            }
            world.flush();
            world.flush_qdel();

            let mut expected = Vec::new();
            let mut ends = Vec::new();
            for act in acts {
                match (act, actor) {
                    (Act::Despawn(target) | Act::Qdel(target), Actor::World) => model.end(target),
                    (Act::Despawn(target) | Act::Qdel(target), _) => ends.push(target),
                    _ => {}
                }
                if let Some(answer) = model.act(act) {
                    expected.push(answer);
                    expected.push(model.listeners());
                }
            }
            for target in ends {
                model.end(target);
            }
            prop_assert_eq!(ANSWERS.take(), expected, "{:?}", actor);
            for (at, target) in targets.into_iter().enumerate() {
                prop_assert_eq!(world.get_entity(target).is_err(), model.gone[at]);
            }
            let registrations = model.pings.len() + model.notes.len() + 1;
            prop_assert_eq!(world.signal_footprint().registrations, registrations);
            for (at, mob) in mobs.into_iter().enumerate() {
                let mut told: Vec<_> = lost(&world, mob).into_iter().map(|(gone, _)| gone).collect();
                let told_in_model = model.told.iter().filter(|(mob, _)| *mob == at);
                let mut expected: Vec<_> = told_in_model.map(|(_, gone)| targets[*gone]).collect();
                told.sort_unstable();
                expected.sort_unstable();
                prop_assert_eq!(told, expected, "who {} lost", at);
            }
        }
    }
}

// The stage.

struct Other;

impl Signal for Other {
    type Answer = ();
}
