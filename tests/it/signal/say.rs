//! Who is being deleted has no say in what happens to others.
//!
//! Rules S7, Q2 and Q9 of the design.

use core::time::Duration;

use bevy_ecs::{prelude::*, world::DeferredWorld};
use qdel::{Question, prelude::*};

/// What happened, in order.
#[derive(Resource, Default, Debug, PartialEq, Eq)]
struct Story(Vec<(&'static str, Entity)>);

/// Listens, and notes what it hears in its own field.
#[derive(Component, Default, Debug, PartialEq, Eq)]
struct Ears(Vec<&'static str>);

impl Ears {
    fn veto(&self, _: Received<PreQdel>) -> QdelVerdict {
        QdelVerdict::Veto
    }

    fn hear(&mut self, _: Received<Hit>) -> u32 {
        self.0.push("hit");
        BLOCKED
    }

    fn hear_global(&mut self, _: Received<Dawn>) {
        self.0.push("dawn");
    }

    fn hear_of_the_end(&mut self, _: Received<Qdeleting>) {
        self.0.push("end");
    }

    fn answer(&self, _: Received<MayPass>) -> bool {
        true
    }
}

const BLOCKED: u32 = 1;

struct Hit;

impl Signal for Hit {
    type Answer = u32;
}

struct Dawn;

impl Signal for Dawn {
    type Answer = ();
}

struct MayPass;

impl Question for MayPass {
    type Answer = bool;
}

/// Answers with a hint when it is destroyed.
#[derive(Component)]
struct Says(DestroyHint);

impl Destroy for Says {
    type Param = Commands<'static, 'static>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        let entity = going.entity;
        going.param.queue(move |world: &mut World| {
            world.send_global_signal(Dawn);
            let told = world.registrations_of(entity).len();
            let mut story = world.get_resource_or_init::<Story>();
            let line = if told == 0 { "deaf" } else { "hears" };
            story.0.push((line, entity));
        });
        self.0
    }
}

fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Story>();
    world.register_destroy::<Says>();
    world
}

fn ears(world: &mut World) -> Entity {
    world.spawn(Ears::default()).id()
}

fn heard(world: &World, entity: Entity) -> &[&'static str] {
    &world
        .get::<Ears>(entity)
        .expect("it should still be there")
        .0
}

/// The ways in which an entity is on its way out, and not torn down yet.
fn ways_to_wait() -> [(&'static str, DestroyHint, Teardown); 4] {
    [
        ("end of frame", DestroyHint::Queue, Teardown::EndOfFrame),
        (
            "budget",
            DestroyHint::Queue,
            Teardown::Budget(Duration::ZERO),
        ),
        ("due", DestroyHint::HardDelete, Teardown::EndOfFrame),
        (
            "left alone",
            DestroyHint::IWillHandleIt,
            Teardown::Immediate,
        ),
    ]
}

/// From its mark on, an entity is asked no question about others (S7, Q2).
#[test]
fn deleted_guard_has_no_veto_regression() {
    for (way, hint, teardown) in ways_to_wait() {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_teardown(teardown));
        let king = world.spawn_empty().id();
        let guard = world.spawn((Ears::default(), Says(hint))).id();
        world.register_signal(guard, king, Ears::veto).unwrap();
        assert_eq!(
            world.qdel(king),
            Ok(QdelOutcome::Vetoed { on: king }),
            "{way}"
        );

        world.qdel(guard).unwrap();

        assert!(world.entities().contains_spawned(guard), "{way}");
        assert_eq!(
            world.plan_qdel(king).answer,
            Ok(QdelOutcome::Queued),
            "{way}"
        );
        assert_eq!(world.qdel(king), Ok(QdelOutcome::Queued), "{way}");
    }
}

/// An entity without listeners goes without the stages of a deletion, and is a listener all the
/// same (S7).
#[test]
fn deleted_guard_that_nobody_hears_has_no_veto() {
    let mut world = World::new();
    let [king, guard] = [(), ()].map(|()| ears(&mut world));
    let pawn = world.spawn_empty().id();
    world.register_signal(guard, king, Ears::veto).unwrap();
    world
        .register_global_signal(guard, Ears::hear_global)
        .unwrap();
    world.qdel(pawn).unwrap();

    world.qdel(guard).unwrap();
    world.send_global_signal(Dawn);

    assert_eq!(heard(&world, guard), [""; 0]);
    assert_eq!(world.registrations_of(guard), []);
    assert_eq!(world.qdel(king), Ok(QdelOutcome::Queued));
    assert_eq!(world.check_registrations(), Ok(()));
}

/// Between its mark and the end of its wave an entity is asked nothing, but hears signals (S7).
#[test]
fn marked_entity_is_asked_nothing_and_hears_signals_until_its_wave_ends() {
    fn probe(mut world: DeferredWorld, lost: Received<Qdeleting, Ears>) {
        let king = world.get::<Names>(lost.target()).unwrap().0;
        let may_pass = world.ask_signal(king, &MayPass);
        let answer = world.send_signal(king, Hit);
        let mut story = world.resource_mut::<Story>();
        story
            .0
            .push((if may_pass { "asked" } else { "not asked" }, lost.target()));
        story.0.push((
            if answer == BLOCKED {
                "heard"
            } else {
                "not heard"
            },
            lost.target(),
        ));
    }
    #[derive(Component)]
    struct Names(Entity);

    let mut world = stage();
    let [king, witness] = [(), ()].map(|()| ears(&mut world));
    let guard = world.spawn((Ears::default(), Names(king))).id();
    world.register_signal(guard, king, Ears::answer).unwrap();
    world.register_signal(guard, king, Ears::hear).unwrap();
    world.register_signal(witness, guard, probe).unwrap();
    assert!(world.ask_signal(king, &MayPass));

    world.qdel(guard).unwrap();

    let story = &world.resource::<Story>().0;
    assert_eq!(story[..], [("not asked", guard), ("heard", guard)]);
    assert_eq!(world.send_signal(king, Hit), 0);
    assert_eq!(heard(&world, guard), ["hit"]);
}

/// A question about itself is still answered: it is not about others (S7).
#[test]
fn marked_entity_answers_questions_about_itself_until_its_wave_ends() {
    fn probe(mut world: DeferredWorld, lost: Received<Qdeleting, Ears>) {
        let may_pass = world.ask_signal(lost.target(), &MayPass);
        let line = if may_pass { "asked" } else { "not asked" };
        world.resource_mut::<Story>().0.push((line, lost.target()));
    }
    let mut world = stage();
    let [guard, witness] = [(), ()].map(|()| ears(&mut world));
    world.register_signal(guard, guard, Ears::answer).unwrap();
    world.register_signal(witness, guard, probe).unwrap();

    world.qdel(guard).unwrap();

    assert_eq!(world.resource::<Story>().0, [("asked", guard)]);
    assert!(!world.ask_signal(guard, &MayPass));
}

/// Signals are heard until the destroy stage ends, and then no more, whatever the tear-down and the
/// hints (S7).
#[test]
fn dead_hear_no_signals_regression() {
    for (way, hint, teardown) in ways_to_wait() {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_teardown(teardown));
        let [knight, foe] = [(), ()].map(|()| ears(&mut world));
        let shield = world.spawn((Ears::default(), Says(hint))).id();
        world.register_signal(shield, knight, Ears::hear).unwrap();
        world
            .register_signal(shield, foe, Ears::hear_of_the_end)
            .unwrap();
        world
            .register_global_signal(shield, Ears::hear_global)
            .unwrap();
        assert_eq!(world.send_signal(knight, Hit), BLOCKED);

        world.qdel(shield).unwrap();
        let answer = world.send_signal(knight, Hit);
        world.send_global_signal(Dawn);
        world.qdel(foe).unwrap();

        assert_eq!(answer, 0, "{way}");
        assert_eq!(heard(&world, shield), ["hit"], "{way}");
        assert_eq!(world.registrations_of(shield), [], "{way}");
        assert!(!world.has_listeners::<Hit>(knight), "{way}");
        assert_eq!(world.check_registrations(), Ok(()), "{way}");
    }
}

/// The commands of the destroy stage come after the last that the dead hear (S7).
#[test]
fn commands_of_the_destroy_stage_find_the_dead_deaf() {
    for (way, hint, teardown) in ways_to_wait() {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_teardown(teardown));
        let shield = world.spawn((Ears::default(), Says(hint))).id();
        world
            .register_global_signal(shield, Ears::hear_global)
            .unwrap();

        world.qdel(shield).unwrap();

        assert_eq!(world.resource::<Story>().0, [("deaf", shield)], "{way}");
        assert_eq!(heard(&world, shield), [""; 0], "{way}");
    }
}

/// What goes together is told of each other, in any order, by one call or by owner (S7).
#[test]
fn those_who_go_in_one_wave_are_told_of_each_other() {
    for is_owned in [false, true] {
        let mut world = stage();
        let [orc, elf] = [(), ()].map(|()| ears(&mut world));
        world
            .register_signal(orc, elf, Ears::hear_of_the_end)
            .unwrap();
        world
            .register_signal(elf, orc, Ears::hear_of_the_end)
            .unwrap();

        if is_owned {
            world.entity_mut(elf).insert(ChildOf(orc));
            world.qdel(orc).unwrap();
        } else {
            world.qdel_batch([elf, orc]);
        }

        assert_eq!(heard(&world, orc), ["end"]);
        assert_eq!(heard(&world, elf), ["end"]);
    }
}

/// An entity that lives on keeps its registrations, and so does what is spared with it (S7).
#[test]
fn those_who_live_on_go_on_hearing() {
    let mut world = stage();
    let knight = world.spawn_empty().id();
    let phoenix = world
        .spawn((Ears::default(), Says(DestroyHint::LetMeLive)))
        .id();
    let feather = world.spawn((Ears::default(), ChildOf(phoenix))).id();
    for ears in [phoenix, feather] {
        world.register_signal(ears, knight, Ears::hear).unwrap();
        world
            .register_signal(ears, knight, Ears::hear_of_the_end)
            .unwrap();
    }

    assert_eq!(world.qdel(phoenix), Ok(QdelOutcome::Kept));
    assert_eq!(world.send_signal(knight, Hit), BLOCKED);
    world.qdel(knight).unwrap();

    assert_eq!(heard(&world, phoenix), ["hit", "end"]);
    assert_eq!(heard(&world, feather), ["hit", "end"]);
}

/// A target that lives on gets those back who live on, and not the dead (S7, S10).
#[test]
fn target_that_lives_on_is_not_heard_by_the_dead_of_its_wave() {
    let mut world = stage();
    let phoenix = world.spawn(Says(DestroyHint::LetMeLive)).id();
    let [dead, witness] = [(), ()].map(|()| ears(&mut world));
    for ears in [dead, witness] {
        world
            .register_signal(ears, phoenix, Ears::hear_of_the_end)
            .unwrap();
    }

    world.qdel_batch([phoenix, dead]);

    let listeners: Vec<_> = world
        .registrations_on(phoenix)
        .iter()
        .map(|at| at.listener)
        .collect();
    assert_eq!(listeners, [witness]);
    assert_eq!(world.registrations_of(dead), []);
    assert_eq!(world.check_registrations(), Ok(()));
}

/// Its declared references are released to its end: they are no registrations (S7, R3).
#[test]
fn declared_references_of_the_dead_are_still_released() {
    #[derive(Component, References)]
    struct Hunts {
        #[entities]
        prey: Option<Entity>,
    }
    let mut world = stage();
    world.track_references::<Hunts>();
    let goblin = world.spawn_empty().id();
    let hunter = world
        .spawn((
            Hunts { prey: Some(goblin) },
            Says(DestroyHint::IWillHandleIt),
        ))
        .id();

    world.qdel(hunter).unwrap();
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.get::<Hunts>(hunter).unwrap().prey, None);
}

/// What is heard about a deleting target ends with its tear-down, and not with its mark (S7).
#[test]
fn other_signals_about_a_deleting_target_are_heard_until_its_tear_down() {
    let mut world = stage();
    let [knight, medic] = [(), ()].map(|()| ears(&mut world));
    world.register_signal(medic, knight, Ears::hear).unwrap();
    world.register_signal(medic, knight, Ears::answer).unwrap();

    world.qdel(knight).unwrap();

    assert_eq!(world.send_signal(knight, Hit), BLOCKED);
    assert!(world.ask_signal(knight, &MayPass));
    world.flush_qdel();
    assert_eq!(world.send_signal(knight, Hit), 0);
}

/// A batch of many listeners leaves nothing of theirs in the books (S10).
#[test]
fn many_dead_listeners_leave_the_books_whole() {
    let mut world = stage();
    let knight = world.spawn_empty().id();
    let others: Vec<_> = (0..40).map(|_| world.spawn_empty().id()).collect();
    let crowd: Vec<_> = (0..40).map(|_| ears(&mut world)).collect();
    for &listener in &crowd {
        world.register_signal(listener, knight, Ears::hear).unwrap();
        for &other in &others[..8] {
            world
                .register_signal(listener, other, Ears::hear_of_the_end)
                .unwrap();
        }
    }

    world.qdel_batch(crowd[..30].iter().copied());

    assert_eq!(world.check_registrations(), Ok(()));
    assert_eq!(world.signal_footprint().registrations, 10 * 9);
    world.qdel_batch(others);
    world.flush_qdel();
    assert_eq!(world.check_registrations(), Ok(()));
    assert_eq!(world.signal_footprint().registrations, 10);
}
