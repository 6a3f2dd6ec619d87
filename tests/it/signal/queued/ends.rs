//! S12: its target goes.
//! S12: its listener goes.
//! S12: a panic drops the command.
//! S4: on the dying.

use super::*;
use qdel::{QdelCause, SignalTarget};

// S12: its target goes.

/// S12: by whatever command that is ahead of it, and exactly once.
#[test]
fn queued_registration_is_told_once_of_a_target_that_goes_before_its_command() {
    let ends: [fn(&mut World, Entity); 4] = [
        |world, target| world.commands().entity(target).despawn(),
        |world, target| {
            world.commands().entity(target).qdel();
        },
        |world, target| {
            world.commands().queue(move |world: &mut World| {
                world.qdel(target).unwrap();
                world.flush_qdel();
            });
        },
        |world, target| {
            let owner = world.spawn_empty().id();
            world.entity_mut(target).insert(ChildOf(owner));
            world.commands().entity(owner).qdel();
        },
    ];
    for end in ends {
        for teardown in [Teardown::EndOfFrame, Teardown::Immediate] {
            for is_observed in [false, true] {
                let (mut world, target, [field, whole, other]) = world_with_books();
                let mut settings = QdelSettings::default();
                settings.teardown = teardown;
                world.insert_resource(settings);
                if is_observed {
                    world.add_observer(|_: On<Qdeleting>| ());
                }
                end(&mut world, target);
                let mut deferred = deferred(&mut world);
                deferred.register_signal(field, target, note::<1>).unwrap();
                deferred
                    .register_signal(whole, target, note_by_the_world::<2>)
                    .unwrap();
                deferred.register_signal(other, target, note::<1>).unwrap();
                deferred.register_signal(other, target, says::<1>).unwrap();
                world.flush();
                world.flush_qdel();

                for mob in [field, whole, other] {
                    let lost = lost(&world, mob);
                    assert!(matches!(lost[..], [(at, _)] if at == target), "{lost:?}");
                }
                assert_eq!(listeners_on(&world, target), []);
                assert_eq!(world.signal_footprint().registrations, 0);
                assert_eq!(world.signal_footprint().places, 0);
            }
        }
    }
}

/// S12: and its index is another's by then.
#[test]
fn queued_registration_is_told_though_the_index_of_its_target_is_used_again() {
    let (mut world, target, [mob, other]) = world_with_books();
    world.commands().queue(move |world: &mut World| {
        world.despawn(target);
        let mut spawned = Vec::new();
        let heir = loop {
            let batch: Vec<_> = (0..200).map(|_| world.spawn_empty().id()).collect();
            let same = |heir: &&Entity| heir.index() == target.index();
            if let Some(heir) = batch.iter().find(same) {
                break *heir;
            }
            for entity in batch {
                world.despawn(entity);
            }
            spawned.push(());
        };
        world.register_signal(other, heir, says::<0>).unwrap();
    });
    deferred(&mut world)
        .register_signal(mob, target, note::<1>)
        .unwrap();

    world.flush();

    assert_eq!(lost(&world, mob), [(target, QdelCause::AlreadyGone)]);
    assert_eq!(world.signal_footprint().registrations, 1);
    assert_eq!(world.check_registrations(), Ok(()));
}

/// S12: a target that was marked in the meantime tells by itself.
#[test]
fn queued_registration_hears_of_its_target_as_others_do_once_that_is_marked() {
    let (mut world, target, [mob, other]) = world_with_books();
    world.commands().queue(move |world: &mut World| {
        world.register_signal(other, target, says::<0>).unwrap();
        world.despawn(target);
    });
    deferred(&mut world)
        .register_signal(mob, target, note::<1>)
        .unwrap();

    world.flush();

    assert_eq!(lost(&world, mob), [(target, QdelCause::Despawn)]);
    assert_eq!(world.signal_footprint().registrations, 0);
}

/// S12: a signal that has no words for latecomers ends with a warning.
#[test]
fn queued_registration_for_another_signal_is_a_warning_if_its_target_goes() {
    thread_local! {
        static SAID: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }
    #[expect(
        clippy::needless_pass_by_value,
        reason = "error handlers take errors by value"
    )]
    fn record(error: BevyError, _: ErrorContext) {
        SAID.with_borrow_mut(|said| said.push(error.to_string()));
    }

    let (mut world, target, [mob]) = world_with_books();
    world.insert_resource(FallbackErrorHandler(record));
    world.commands().entity(target).despawn();
    deferred(&mut world)
        .register_signal(mob, target, says::<1>)
        .unwrap();
    world.flush();

    let said = SAID.take();
    assert!(
        matches!(&said[..], [said] if said.contains("is not spawned")),
        "{said:?}"
    );
    assert_eq!(world.signal_footprint().registrations, 0);
}

// S12: its listener goes.

/// S12: no listener is there to be told, of this target or of a later one.
#[test]
fn queued_registration_ends_with_its_listener() {
    let ends: [fn(&mut World, Entity); 3] = [
        |world, mob| world.commands().entity(mob).despawn(),
        |world, mob| {
            world.commands().entity(mob).remove::<Mob>();
        },
        |world, mob| {
            world.commands().entity(mob).remove::<Mob>();
            world.commands().entity(mob).insert(Mob::default());
        },
    ];
    for end in ends {
        for target_goes in [false, true] {
            let (mut world, target, [mob]) = world_with_books();
            if target_goes {
                world.commands().entity(target).despawn();
            }
            end(&mut world, mob);
            let mut deferred = deferred(&mut world);
            deferred.register_signal(mob, target, note::<1>).unwrap();
            deferred.register_signal(mob, target, says::<0>).unwrap();
            world.flush();

            assert_eq!(listeners_on(&world, target), []);
            assert_eq!(world.registrations_of(mob), []);
            assert!(world.get::<Mob>(mob).is_none_or(|mob| mob.lost.is_empty()));
            assert_eq!(world.signal_footprint().registrations, 0);
        }
    }
}

/// S12: a component that never listened before is not watched, and yet its end is noticed.
#[test]
fn queued_registration_of_a_new_kind_ends_with_its_listener() {
    #[derive(Component)]
    struct Newcomer;

    fn say(_: &mut Newcomer, _: Received<Ping>) -> Vec<u32> {
        vec![9]
    }

    let ends: [fn(&mut World, Entity); 2] = [
        |world, mob| world.commands().entity(mob).despawn(),
        |world, mob| {
            world.commands().entity(mob).remove::<Newcomer>();
        },
    ];
    for end in ends {
        let (mut world, target, []) = world_with_books();
        let newcomers = [(); 2].map(|()| world.spawn(Newcomer).id());
        end(&mut world, newcomers[0]);
        let mut deferred = deferred(&mut world);
        for newcomer in newcomers {
            deferred.register_signal(newcomer, target, say).unwrap();
        }
        world.flush();

        assert_eq!(listeners_on(&world, target), [newcomers[1]]);
        world.entity_mut(newcomers[1]).remove::<Newcomer>();
        assert_eq!(world.signal_footprint().registrations, 0);
    }
}

// S12: a panic drops the command.

/// S12: the next flush of deletions completes it, or tells.
#[test]
fn flush_completes_what_a_panic_left() {
    for target_goes in [false, true] {
        let (mut world, target, [mob]) = world_with_books();
        world.commands().queue(|_: &mut World| panic!("on the way"));
        deferred(&mut world)
            .register_signal(mob, target, note::<1>)
            .unwrap();
        catch_unwind(AssertUnwindSafe(|| world.flush())).unwrap_err();
        assert!(!world.entity(target).contains::<SignalTarget>());
        if target_goes {
            world.despawn(target);
        }

        world.flush_qdel();

        if target_goes {
            assert_eq!(lost(&world, mob), [(target, QdelCause::AlreadyGone)]);
        } else {
            world.despawn(target);
            assert_eq!(lost(&world, mob), [(target, QdelCause::Despawn)]);
        }
        assert_eq!(world.signal_footprint().registrations, 0);
    }
}

// S4: on the dying.

/// S4: from whatever handler of the notice, with whatever handler.
#[test]
fn dying_refuses_handlers_that_were_never_used() {
    #[derive(Resource, Default)]
    struct Answers(Vec<Result<Registered, RegisterError>>);

    fn try_all(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
        let (mob, target) = (lost.listener(), lost.target());
        let answers = [
            world.register_signal(mob, target, says::<0>),
            world.register_signal(mob, target, says::<1>),
            world.register_signal(mob, target, note::<1>),
            world.register_signal_once(mob, target, shouts::<1>),
            world.ensure_signal(mob, target, shouts::<2>),
        ];
        world.resource_mut::<Answers>().0.extend(answers);
    }

    let ends: [fn(&mut World, Entity); 2] = [
        |world, target| {
            world.qdel(target).unwrap();
        },
        |world, target| {
            world.despawn(target);
        },
    ];
    for end in ends {
        let (mut world, target, [mob]) = world_with_books();
        world.init_resource::<Answers>();
        world.register_signal(mob, target, try_all).unwrap();

        end(&mut world, target);
        world.flush_qdel();

        let answers = &world.resource::<Answers>().0;
        assert_eq!(answers.len(), 5);
        let is_refused = |answer: &_| matches!(answer, Err(RegisterError::TargetDeleting(_)));
        assert!(answers.iter().all(is_refused), "{answers:?}");
        assert_eq!(lost(&world, mob), []);
    }
}

/// S4: a target without listeners is despawned without a notice, and a listener that registers then
/// is told.
#[test]
fn registration_by_an_observer_of_the_dying_is_told_once() {
    #[derive(Component)]
    struct Prey;

    #[derive(Resource)]
    struct Hunter(Entity);

    let (mut world, _, [mob]) = world_with_books();
    world.insert_resource(Hunter(mob));
    world.add_observer(|removed: On<Remove<Prey>>, mut world: DeferredWorld| {
        let hunter = world.resource::<Hunter>().0;
        let _ = world.register_signal(hunter, removed.entity, note::<1>);
    });
    for end in [
        (|world: &mut World, prey: Entity| {
            world.despawn(prey);
        }) as fn(&mut World, Entity),
        |world, prey| {
            world.qdel(prey).unwrap();
            world.flush_qdel();
        },
    ] {
        world.get_mut::<Mob>(mob).unwrap().lost.clear();
        let prey = world.spawn(Prey).id();

        end(&mut world, prey);

        assert!(lost(&world, mob).len() <= 1);
        assert_eq!(world.signal_footprint().registrations, 0);
        assert_eq!(world.registrations_of(mob), []);
    }
}
