//! What the README and the docs say in passing: what Bevy does by itself, what commands do when,
//! who hears of the dying.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bevy_ecs::{
    error::{BevyError, ErrorContext, FallbackErrorHandler},
    lifecycle::Despawn,
    prelude::*,
    world::DeferredWorld,
};
use qdel::{Answer, Question, Registered, prelude::*};

use crate::stage::{Order, Ping};

#[derive(Component, Default)]
struct Mob {
    heard: Vec<&'static str>,
}

/// "How many are you?"
struct Count;

impl Question for Count {
    type Answer = Sum;
}

#[derive(Default, Debug, PartialEq)]
struct Sum(u32);

impl Answer for Sum {
    fn merge(&mut self, next: Self) {
        self.0 += next.0;
    }
}

impl Mob {
    fn hear_ping(&mut self, _: Received<Ping>) {
        self.heard.push("ping");
    }

    fn hear_ping_anew(&mut self, _: Received<Ping>) {
        self.heard.push("ping anew");
    }

    fn hear_end(&mut self, _: Received<Qdeleting>) {
        self.heard.push("end");
    }

    fn count(&self, _: Received<Count>) -> Sum {
        Sum(1)
    }
}

fn heard(world: &World, mob: Entity) -> &[&'static str] {
    &world.get::<Mob>(mob).unwrap().heard
}

fn target_and_mob() -> (World, Entity, Entity) {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let mob = world.spawn(Mob::default()).id();
    (world, target, mob)
}

mod bevy_by_itself {
    //! The README's first paragraph, and what it says of cleared worlds.

    use super::*;

    #[derive(Component)]
    struct Goblin(u32);

    #[derive(Resource, Default)]
    struct Score;

    const CLEARS: [fn(&mut World); 2] = [World::clear_entities, World::clear_all];

    /// Returns with what `work` panics.
    fn panic_of(work: impl FnOnce()) -> Option<String> {
        let panicked = catch_unwind(AssertUnwindSafe(work)).err()?;
        panicked.downcast_ref::<String>().cloned()
    }

    #[test]
    fn observer_of_despawn_is_told_while_the_dying_is_whole() {
        let mut world = World::new();
        world.init_resource::<Order>();
        world.add_observer(
            |dying: On<Despawn<Goblin>>, goblins: Query<&Goblin>, mut order: ResMut<Order>| {
                assert_eq!(goblins.get(dying.entity).unwrap().0, 7);
                order.0.push("told");
            },
        );
        let goblin = world.spawn(Goblin(7)).id();

        world.despawn(goblin);

        assert_eq!(world.resource::<Order>().0, ["told"]);
    }

    #[test]
    fn observer_is_not_told_of_whom_lacks_its_component() {
        let mut world = World::new();
        world.init_resource::<Order>();
        world.add_observer(|_: On<Despawn<Goblin>>, mut order: ResMut<Order>| {
            order.0.push("told");
        });
        let somebody = world.spawn_empty().id();

        world.despawn(somebody);

        assert!(world.resource::<Order>().0.is_empty());
    }

    #[test]
    fn cleared_world_tells_nobody() {
        thread_local! {
            static TOLD: RefCell<u32> = const { RefCell::new(0) };
        }
        for clear in CLEARS {
            let (mut world, target, mob) = target_and_mob();
            let hear =
                |_: &mut Mob, _: Received<Qdeleting>| TOLD.with_borrow_mut(|told| *told += 1);
            world.register_signal(mob, target, hear).unwrap();

            clear(&mut world);
        }

        assert_eq!(TOLD.take(), 0);
    }

    #[test]
    fn cleared_world_panics_when_a_resource_that_it_had_is_inserted_or_removed() {
        let uses: [fn(&mut World); 3] = [
            |world| {
                world.init_resource::<Score>();
            },
            |world| world.insert_resource(Score),
            |world| {
                world.remove_resource::<Score>();
            },
        ];
        for clear in CLEARS {
            for used in uses {
                let mut world = World::new();
                world.init_resource::<Score>();
                clear(&mut world);
                assert!(world.get_resource::<Score>().is_none());

                let panicked = panic_of(|| used(&mut world));

                assert!(panicked.unwrap().starts_with("ResourceCache is in sync"));
            }
        }
    }

    #[test]
    fn cleared_world_puts_a_resource_onto_whoever_has_the_id_by_then() {
        let mut world = World::new();
        world.init_resource::<Score>();
        world.clear_entities();
        let level: Vec<Entity> = (0..100).map(|_| world.spawn(Goblin(1)).id()).collect();

        world.insert_resource(Score);

        let mut with_score = level
            .iter()
            .filter(|entity| world.entity(**entity).contains::<Score>());
        assert!(with_score.next().is_some());
    }

    #[test]
    fn cleared_world_panics_in_a_qdel_as_in_any_use_of_resources() {
        for clear in CLEARS {
            let mut world = World::new();
            let goblin = world.spawn_empty().id();
            world.qdel(goblin).unwrap();
            clear(&mut world);
            let goblin = world.spawn_empty().id();

            let panicked = panic_of(|| {
                let _ = world.qdel(goblin);
            });

            assert!(panicked.unwrap().starts_with("ResourceCache is in sync"));
        }
    }
}

mod commands {
    //! When a command is applied, and where its errors are seen.

    use super::*;

    thread_local! {
        static ERRORS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the type of an error handler"
    )]
    fn note(error: BevyError, _: ErrorContext) {
        ERRORS.with_borrow_mut(|errors| errors.push(error.to_string()));
    }

    fn noting() -> (World, Entity, Entity) {
        let (mut world, target, mob) = target_and_mob();
        world.insert_resource(FallbackErrorHandler(note));
        (world, target, mob)
    }

    #[test]
    fn duplicate_by_command_is_an_error_that_names_both_and_the_first_stays() {
        let (mut world, target, mob) = noting();

        let mut commands = world.commands();
        commands.entity(mob).register_signal(target, Mob::hear_ping);
        commands
            .entity(mob)
            .register_signal(target, Mob::hear_ping_anew);
        world.flush();
        world.send_signal(target, Ping);

        assert_eq!(heard(&world, mob), ["ping"]);
        let errors = ERRORS.take();
        let [error] = &errors[..] else {
            panic!("one error should be seen: {errors:?}")
        };
        for part in [&mob.to_string(), &target.to_string(), "Mob", "Ping"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn replacement_by_command_is_no_error() {
        let (mut world, target, mob) = noting();

        let mut commands = world.commands();
        commands.entity(mob).register_signal(target, Mob::hear_ping);
        commands
            .entity(mob)
            .replace_signal(target, Mob::hear_ping_anew);
        world.flush();
        world.send_signal(target, Ping);

        assert_eq!(heard(&world, mob), ["ping anew"]);
        assert!(ERRORS.take().is_empty());
    }

    #[test]
    fn registration_before_its_component_finds_none() {
        let (mut world, target, _) = noting();
        let mob = world.spawn_empty().id();

        let mut commands = world.commands();
        let mut entity = commands.entity(mob);
        entity.register_signal(target, Mob::hear_ping);
        entity.insert(Mob::default());
        world.flush();

        assert!(world.registrations_on(target).is_empty());
        let errors = ERRORS.take();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].contains("Mob"), "{errors:?}");
    }

    #[test]
    fn registration_before_its_component_is_overwritten_stays() {
        let (mut world, target, mob) = noting();

        let mut commands = world.commands();
        let mut entity = commands.entity(mob);
        entity.register_signal(target, Mob::hear_ping);
        entity.insert(Mob::default());
        world.flush();
        world.send_signal(target, Ping);

        assert_eq!(heard(&world, mob), ["ping"]);
        assert!(ERRORS.take().is_empty());
    }

    #[test]
    fn registration_after_its_component_is_in_force() {
        let (mut world, target, _) = noting();
        let mob = world.spawn_empty().id();

        let mut commands = world.commands();
        let mut entity = commands.entity(mob);
        entity.insert(Mob::default());
        entity.register_signal(target, Mob::hear_ping);
        let spawned = commands.spawn(Mob::default());
        let spawned = { spawned }.register_signal(target, Mob::hear_ping).id();
        world.flush();
        world.send_signal(target, Ping);

        assert_eq!(heard(&world, mob), ["ping"]);
        assert_eq!(heard(&world, spawned), ["ping"]);
        assert!(ERRORS.take().is_empty());
    }

    #[test]
    fn nothing_of_a_command_is_seen_before_it_is_applied() {
        let (mut world, target, mob) = noting();

        let mut commands = world.commands();
        commands.entity(mob).register_signal(target, Mob::hear_ping);
        world.send_signal(target, Ping);
        assert!(heard(&world, mob).is_empty());

        world.flush();
        world.send_signal(target, Ping);
        assert_eq!(heard(&world, mob), ["ping"]);
    }
}

mod deleting_target {
    //! What becomes of other signals about a target that is being deleted (S7).

    use super::*;

    #[derive(Component)]
    struct Cat;

    impl Destroy for Cat {
        type Param = ();

        fn destroy(&mut self, _: DestroyContext<()>) -> DestroyHint {
            DestroyHint::LetMeLive
        }
    }

    #[test]
    fn other_signals_reach_its_listeners_until_the_tear_down() {
        let (mut world, target, mob) = target_and_mob();
        world.register_signal(mob, target, Mob::hear_ping).unwrap();
        world.register_signal(mob, target, Mob::hear_end).unwrap();
        world.register_signal(mob, target, Mob::count).unwrap();

        world.qdel(target).unwrap();
        world.send_signal(target, Ping);
        let answer = world.ask_signal(target, &Count);
        world.flush_qdel();
        world.send_signal(target, Ping);

        assert_eq!(heard(&world, mob), ["end", "ping"]);
        assert_eq!(answer, Sum(1));
        assert_eq!(world.ask_signal(target, &Count), Sum(0));
        assert!(world.registrations_of(mob).is_empty());
    }

    #[test]
    fn other_signals_reach_its_listeners_from_the_handlers_of_its_end() {
        for is_plain in [false, true] {
            let (mut world, target, mob) = target_and_mob();
            let crier = world.spawn(Crier).id();
            world.register_signal(crier, target, cry).unwrap();
            world.register_signal(mob, target, Mob::hear_ping).unwrap();
            world.register_signal(mob, target, Mob::hear_end).unwrap();

            if is_plain {
                world.despawn(target);
            } else {
                world.qdel(target).unwrap();
            }

            assert_eq!(heard(&world, mob), ["ping", "end"]);
        }
    }

    #[derive(Component)]
    struct Crier;

    fn cry(mut world: DeferredWorld, heard: Received<Qdeleting, Crier>) {
        world.send_signal(heard.target(), Ping);
    }

    #[test]
    fn nobody_registers_for_them_any_more_and_anybody_may_stop_listening() {
        let (mut world, target, mob) = target_and_mob();
        let other = world.spawn(Mob::default()).id();
        world.register_signal(mob, target, Mob::hear_ping).unwrap();
        world.qdel(target).unwrap();

        let registered = world.register_signal(other, target, Mob::hear_ping);
        let replaced = world.replace_signal(mob, target, Mob::hear_ping_anew);
        let ended = world.unregister_signal::<Mob, Ping>(mob, target);

        assert!(registered.is_err());
        assert!(replaced.is_err());
        assert_eq!(ended, Ok(()));
        world.send_signal(target, Ping);
        assert!(heard(&world, mob).is_empty());
    }

    #[test]
    fn they_go_on_if_it_lives_on() {
        let (mut world, target, mob) = target_and_mob();
        world.register_destroy::<Cat>();
        world.entity_mut(target).insert(Cat);
        world.register_signal(mob, target, Mob::hear_ping).unwrap();

        assert_eq!(world.qdel(target), Ok(QdelOutcome::Kept));
        world.send_signal(target, Ping);

        assert_eq!(heard(&world, mob), ["ping"]);
    }

    #[test]
    fn notice_of_its_end_cannot_be_sent_by_hand() {
        let (mut world, target, mob) = target_and_mob();
        world.init_resource::<Kept>();
        let keeper = world.spawn(Keeper).id();
        world.register_signal(keeper, target, keep).unwrap();
        world.qdel(target).unwrap();
        let other = world.spawn_empty().id();
        world.register_signal(mob, other, Mob::hear_end).unwrap();

        let notice = world.resource::<Kept>().0.unwrap();
        world.send_signal(other, notice);

        assert!(heard(&world, mob).is_empty());
    }

    #[derive(Component)]
    struct Keeper;

    #[derive(Resource, Default)]
    struct Kept(Option<Qdeleting>);

    fn keep(mut world: DeferredWorld, heard: Received<Qdeleting, Keeper>) {
        let notice = *heard;
        world.resource_mut::<Kept>().0 = Some(notice);
    }
}

mod replaced_in_a_dispatch {
    //! Which handler is called when one is replaced while its signal is being sent (S3, S7).

    use super::*;

    #[derive(Component)]
    struct Swapper {
        of: Entity,
        answers: Vec<Registered>,
    }

    fn swap(mut world: DeferredWorld, heard: Received<Ping, Swapper>) {
        let swapper = heard.listener();
        let of = world.get::<Swapper>(swapper).unwrap().of;
        let answer = world.replace_signal(of, heard.target(), Mob::hear_ping_anew);
        let mut swapper = world.get_mut::<Swapper>(swapper).unwrap();
        swapper.answers.push(answer.unwrap());
    }

    /// Whether the new handler was ever used before: where it was not, it must be entered first.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum New {
        IsKnown,
        IsUnknown,
    }

    /// A world in which a handler replaces that of a mob, before or after which it is called.
    fn swapping(is_before: bool, new: New) -> (World, Entity, Entity) {
        let (mut world, target, mob) = target_and_mob();
        let swapper = Swapper {
            of: mob,
            answers: Vec::new(),
        };
        let swapper = world.spawn(swapper).id();
        if new == New::IsKnown {
            let other = world.spawn_empty().id();
            let used = world.register_signal(mob, other, Mob::hear_ping_anew);
            used.unwrap();
        }
        if is_before {
            world.register_signal(swapper, target, swap).unwrap();
        }
        world.register_signal(mob, target, Mob::hear_ping).unwrap();
        if !is_before {
            world.register_signal(swapper, target, swap).unwrap();
        }
        (world, target, mob)
    }

    #[test]
    fn new_handler_is_called_if_its_turn_is_still_to_come() {
        for new in [New::IsKnown, New::IsUnknown] {
            let (mut world, target, mob) = swapping(true, new);

            world.send_signal(target, Ping);

            assert_eq!(heard(&world, mob), ["ping anew"]);
        }
    }

    #[test]
    fn new_handler_waits_for_the_next_time_if_its_turn_is_over() {
        for new in [New::IsKnown, New::IsUnknown] {
            let (mut world, target, mob) = swapping(false, new);

            world.send_signal(target, Ping);
            assert_eq!(heard(&world, mob), ["ping"]);

            world.send_signal(target, Ping);
            assert_eq!(heard(&world, mob), ["ping", "ping anew"]);
        }
    }

    #[test]
    fn replacement_says_that_there_was_a_handler() {
        let (mut world, target, _) = swapping(true, New::IsKnown);

        world.send_signal(target, Ping);

        let mut swappers = world.query::<&Swapper>();
        let answers = &swappers.single(&world).unwrap().answers;
        assert_eq!(answers[..], [Registered::Replaced]);
    }

    #[test]
    fn handler_of_the_end_cannot_be_replaced_while_that_is_told() {
        let (mut world, target, mob) = target_and_mob();
        let late = world.spawn(Late { of: mob }).id();
        world.register_signal(late, target, swap_end).unwrap();
        world.register_signal(mob, target, Mob::hear_end).unwrap();

        world.qdel(target).unwrap();

        assert_eq!(heard(&world, mob), ["end"]);
    }

    #[derive(Component)]
    struct Late {
        of: Entity,
    }

    fn swap_end(mut world: DeferredWorld, heard: Received<Qdeleting, Late>) {
        let of = world.get::<Late>(heard.listener()).unwrap().of;
        let anew = |mob: &mut Mob, _: Received<Qdeleting>| mob.heard.push("end anew");
        let replaced = world.replace_signal(of, heard.target(), anew);
        assert!(replaced.is_err());
    }
}
