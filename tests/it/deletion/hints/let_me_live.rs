//! Q6: `LetMeLive` gives everything back.

use super::*;

#[test]
fn kept_entity_is_alive_and_its_weak_handles_name_it() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let handle = WeakEntity::new(goblin);

    world.qdel(goblin).unwrap();

    assert_eq!(world.liveness(goblin), Liveness::Alive);
    assert_eq!(handle.resolve(&world), Some(goblin));
    assert!(world.get::<Deleting>(goblin).is_none());
    assert_eq!(world.flush_qdel() + world.drain_qdel(), 0);
    assert_eq!(order(&world), ["told goblin", "destroyed goblin"]);
}

#[test]
fn kept_entities_are_seen_by_queries_as_before() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let purse = spawn_owned(&mut world, "purse", goblin, DestroyHint::Queue);
    let hidden = spawn_owned(&mut world, "hidden", goblin, DestroyHint::Queue);
    world.entity_mut(hidden).insert(Disabled);
    let mut seen = world.query_filtered::<Entity, With<Named>>();

    world.qdel(goblin).unwrap();

    let mut seen: Vec<_> = seen.iter(&world).collect();
    seen.sort_unstable();
    let mut expected = [goblin, purse];
    expected.sort_unstable();
    assert_eq!(seen, expected);
    assert!(world.get::<Disabled>(hidden).is_some());
    let states = [goblin, purse, hidden].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Alive; 3]);
}

#[test]
fn entity_that_was_disabled_stays_disabled_when_it_is_kept() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    world.entity_mut(goblin).insert(Disabled);

    let answers = [world.qdel(goblin), world.qdel(goblin)];

    assert_eq!(answers, [Ok(QdelOutcome::Kept); 2]);
    assert!(world.get::<Disabled>(goblin).is_some());
    assert_eq!(world.liveness(goblin), Liveness::Alive);
}

#[test]
fn kept_entity_has_the_components_that_it_had() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    spawn_owned(&mut world, "purse", goblin, DestroyHint::Queue);
    world.qdel_in(goblin, Duration::from_secs(9)).unwrap();
    let components = |world: &World| world.entity(goblin).archetype().components().to_vec();
    let before = components(&world);

    world.qdel(goblin).unwrap();

    assert_eq!(components(&world), before);
}

#[test]
fn kept_entity_keeps_its_timers() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let timer = world.qdel_in(goblin, Duration::from_secs(9)).unwrap();

    world.qdel(goblin).unwrap();

    let left = Duration::from_secs(9);
    assert_eq!(world.qdel_timers(), [(timer, left)]);
    assert_eq!(world.cancel_qdel(timer), Ok(()));
}

#[test]
fn kept_entity_is_listened_to_as_before_in_order_and_from_both_ends() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let orc = spawn(&mut world, "orc", DestroyHint::LetMeLive);
    let [bow, sling] = [(), ()].map(|()| world.spawn((Ear::<0>, Ear::<1>)).id());
    world.register_signal(bow, goblin, hear::<0>).unwrap();
    world.register_signal(sling, orc, hear_loudly::<1>).unwrap();
    world
        .register_signal(sling, goblin, hear_loudly::<0>)
        .unwrap();
    world.register_signal(bow, goblin, hear::<1>).unwrap();
    world.register_signal(sling, goblin, hear::<1>).unwrap();
    world.register_signal(bow, orc, hear::<0>).unwrap();
    world.register_signal(bow, goblin, hear_ping).unwrap();
    let everybody = [goblin, orc, bow, sling];
    let before = registrations(&world, &everybody);

    world.qdel(goblin).unwrap();

    assert_eq!(registrations(&world, &everybody), before);
    world.check_registrations().unwrap();
}

#[test]
fn kept_entity_is_heard_with_other_signals_as_before() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let bow = world.spawn(Ear::<0>).id();
    world.register_signal(bow, goblin, hear_ping).unwrap();

    world.qdel(goblin).unwrap();
    let heard = world.send_signal(goblin, Ping);

    assert_eq!(heard, 1);
}

#[test]
fn kept_entity_listens_to_others_as_before() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let orc = spawn(&mut world, "orc", DestroyHint::Queue);
    world.entity_mut(goblin).insert((Ear::<0>, Ear::<1>));
    world.register_signal(goblin, orc, hear::<0>).unwrap();
    world.register_signal(goblin, orc, hear_ping).unwrap();
    let before = registrations(&world, &[goblin, orc]);
    world.qdel(goblin).unwrap();
    let after = registrations(&world, &[goblin, orc]);

    world.qdel(orc).unwrap();

    assert_eq!(after, before);
    let expected = [
        "told goblin",
        "destroyed goblin",
        "told orc",
        "heard 0",
        "destroyed orc",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn kept_entity_that_listens_to_itself_does_so_as_before() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    world.entity_mut(goblin).insert((Ear::<0>, Ear::<1>));
    world.register_signal(goblin, goblin, hear::<0>).unwrap();
    world
        .register_signal(goblin, goblin, hear_loudly::<1>)
        .unwrap();
    let before = registrations(&world, &[goblin]);

    world.qdel(goblin).unwrap();

    assert_eq!(registrations(&world, &[goblin]), before);
}

#[test]
fn kept_tree_listens_to_itself_as_before() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let purse = spawn_owned(&mut world, "purse", goblin, DestroyHint::Queue);
    let coin = spawn_owned(&mut world, "coin", purse, DestroyHint::Queue);
    let tree = [goblin, purse, coin];
    for listener in tree {
        world.entity_mut(listener).insert(Ear::<0>);
        for target in tree {
            world.register_signal(listener, target, hear::<0>).unwrap();
        }
    }
    let before = registrations(&world, &tree);

    world.qdel(goblin).unwrap();

    assert_eq!(registrations(&world, &tree), before);
}

#[test]
fn two_that_are_kept_together_listen_to_each_other_as_before() {
    let mut world = stage();
    let both = ["goblin", "orc"].map(|name| spawn(&mut world, name, DestroyHint::LetMeLive));
    for (listener, target) in [(0, 1), (1, 0)] {
        let (listener, target) = (both[listener], both[target]);
        world.entity_mut(listener).insert(Ear::<0>);
        world.register_signal(listener, target, hear::<0>).unwrap();
    }
    let before = registrations(&world, &both);

    world.qdel_batch(both);

    assert_eq!(registrations(&world, &both), before);
}

#[test]
fn listener_that_is_left_alone_does_not_listen_any_more() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let ghost = spawn(&mut world, "ghost", DestroyHint::IWillHandleIt);
    world.entity_mut(ghost).insert(Ear::<0>);
    world.register_signal(ghost, goblin, hear::<0>).unwrap();
    world.qdel(ghost).unwrap();

    world.qdel(goblin).unwrap();
    world.qdel(goblin).unwrap();

    let heard = order(&world);
    let heard = heard.iter().filter(|line| *line == "heard 0").count();
    assert_eq!(heard, 0);
}

#[test]
fn kept_entity_takes_new_registrations() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let unheard = world.spawn(Will::<1>(DestroyHint::LetMeLive)).id();
    let bow = world.spawn((Ear::<0>, Ear::<1>)).id();
    world.register_signal(bow, goblin, hear::<0>).unwrap();
    world.qdel_batch([goblin, unheard]);

    let anew = world.register_signal(bow, goblin, hear::<1>);
    let again = world.register_signal(bow, goblin, hear::<0>);
    let first = world.register_signal(bow, unheard, hear::<0>);

    assert!(anew.is_ok() && again.is_err() && first.is_ok());
    world.check_registrations().unwrap();
}

#[test]
fn listener_can_end_what_it_was_given_back() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let bow = world.spawn(Ear::<0>).id();
    world.register_signal(bow, goblin, hear::<0>).unwrap();
    world.qdel(goblin).unwrap();

    let ended = world.unregister_signal::<Ear<0>, Qdeleting>(bow, goblin);
    world.qdel(goblin).unwrap();

    assert!(ended.is_ok());
    let heard = order(&world);
    let heard = heard.iter().filter(|line| *line == "heard 0").count();
    assert_eq!(heard, 1);
}

#[test]
fn second_deletion_tells_and_destroys_again() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let bow = world.spawn(Ear::<0>).id();
    world.register_signal(bow, goblin, hear::<0>).unwrap();
    world.qdel(goblin).unwrap();
    world.get_mut::<Will<0>>(goblin).unwrap().0 = DestroyHint::Queue;

    let answer = world.qdel(goblin);
    world.flush_qdel();

    assert_eq!(answer, Ok(QdelOutcome::Queued));
    let expected = [
        "told goblin",
        "heard 0",
        "destroyed goblin",
        "told goblin",
        "heard 0",
        "destroyed goblin",
        "gone goblin",
    ];
    assert_eq!(order(&world), expected);
    world.check_registrations().unwrap();
}

#[test]
fn despawn_of_a_kept_entity_tells_again() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    world.qdel(goblin).unwrap();

    world.despawn(goblin);

    let expected = [
        "told goblin",
        "destroyed goblin",
        "gone goblin",
        "told goblin",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn what_handlers_and_destroys_did_stays_done() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let purse = spawn_owned(&mut world, "purse", goblin, DestroyHint::Queue);
    on_death(&mut world, goblin, move |world, _| {
        world.commands().entity(goblin).insert(Marker);
        world.commands().entity(purse).remove::<ChildOf>();
    });

    world.qdel(goblin).unwrap();

    assert!(world.get::<Marker>(goblin).is_some());
    assert!(world.get::<ChildOf>(purse).is_none());
    assert_eq!(world.liveness(purse), Liveness::Alive);
}

#[test]
fn handler_that_was_called_once_is_not_given_back() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let before = registrations(&world, &[goblin]);
    let [bow, sling] = [(), ()].map(|()| world.spawn((Ear::<0>, Ear::<1>)).id());
    world.register_signal_once(bow, goblin, hear::<0>).unwrap();
    world
        .register_signal_once(sling, goblin, hear_loudly::<0>)
        .unwrap();

    world.qdel(goblin).unwrap();

    assert_eq!(registrations(&world, &[goblin]), before);
    let none = registrations(&world, &[bow, sling]);
    assert_eq!(none, [Vec::new(), Vec::new(), Vec::new(), Vec::new()]);
    world.check_registrations().unwrap();
    assert!(world.register_signal(bow, goblin, hear::<0>).is_ok());
}

#[test]
fn listener_that_was_despawned_meanwhile_is_not_given_back() {
    assert_lost(|world, cast| {
        world.commands().entity(cast.listener).despawn();
    });
}

#[test]
fn listener_that_lost_its_component_meanwhile_is_not_given_back() {
    assert_lost(|world, cast| {
        world.commands().entity(cast.listener).remove::<Ear<0>>();
    });
}

#[test]
fn listener_that_overwrote_its_component_meanwhile_has_its_old_target_again() {
    assert_given_back(false, |world, cast| {
        world.commands().entity(cast.listener).insert(Ear::<0>);
    });
}

#[test]
fn listener_that_lost_its_component_and_got_another_meanwhile_is_not_given_back() {
    assert_lost(|world, cast| {
        let mut listener = world.commands();
        let mut listener = listener.entity(cast.listener);
        listener.remove::<Ear<0>>().insert(Ear::<0>);
    });
}

#[test]
fn listener_that_overwrote_its_component_and_moved_on_meanwhile_has_its_old_target_again() {
    assert_given_back(true, |world, cast| {
        world.commands().queue(move |world: &mut World| {
            world.entity_mut(cast.listener).insert(Ear::<0>);
            world
                .register_signal(cast.listener, cast.other, hear::<0>)
                .unwrap();
        });
    });
}

#[test]
fn listener_that_moved_on_and_overwrote_its_component_meanwhile_has_its_old_target_again() {
    assert_given_back(true, |world, cast| {
        world.commands().queue(move |world: &mut World| {
            world
                .register_signal(cast.listener, cast.other, hear::<0>)
                .unwrap();
            world.entity_mut(cast.listener).insert(Ear::<0>);
        });
    });
}

#[test]
fn listener_that_moved_on_meanwhile_keeps_that_and_has_its_old_target_again() {
    assert_given_back(true, |world, cast| {
        world.commands().queue(move |world: &mut World| {
            world
                .register_signal(cast.listener, cast.other, hear::<0>)
                .unwrap();
        });
    });
}

#[test]
fn listener_that_moved_on_and_back_meanwhile_has_its_old_target_again() {
    assert_given_back(false, |world, cast| {
        world.commands().queue(move |world: &mut World| {
            world
                .register_signal(cast.listener, cast.other, hear::<0>)
                .unwrap();
            world
                .unregister_signal::<Ear<0>, Qdeleting>(cast.listener, cast.other)
                .unwrap();
        });
    });
}

#[test]
fn listener_whose_next_target_went_too_has_its_old_target_again() {
    assert_given_back(false, |world, cast| {
        world.commands().queue(move |world: &mut World| {
            world
                .register_signal(cast.listener, cast.other, hear::<0>)
                .unwrap();
            world.despawn(cast.other);
        });
    });
}

#[test]
fn listener_that_heard_something_once_meanwhile_has_its_old_target_again() {
    assert_given_back(false, |world, cast| {
        world.commands().queue(move |world: &mut World| {
            world.entity_mut(cast.listener).insert(Ear::<1>);
            world
                .register_signal_once(
                    cast.listener,
                    cast.other,
                    |_: &mut Ear<1>, _: Received<Ping>| 1,
                )
                .unwrap();
            world.send_signal(cast.other, Ping);
        });
    });
}

#[test]
fn thousand_listeners_are_given_back_in_order() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let orc = spawn(&mut world, "orc", DestroyHint::Queue);
    let mut all = vec![goblin, orc];
    for number in 0..1000 {
        let listener = world.spawn((Ear::<0>, Ear::<1>)).id();
        all.push(listener);
        world.register_signal(listener, goblin, hear::<0>).unwrap();
        if number % 3 == 0 {
            world.register_signal(listener, orc, hear::<0>).unwrap();
        }
        if number % 7 == 0 {
            world
                .register_signal(listener, goblin, hear_loudly::<1>)
                .unwrap();
        }
    }
    let (before, footprint) = (registrations(&world, &all), world.signal_footprint());

    world.qdel(goblin).unwrap();

    assert_eq!(registrations(&world, &all), before);
    assert_eq!(world.signal_footprint(), footprint);
    world.check_registrations().unwrap();
}

#[test]
fn most_of_a_thousand_listeners_that_end_meanwhile_leave_the_rest_in_order() {
    let mut world = stage();
    let goblin = world
        .spawn((Named("goblin"), Will::<0>(DestroyHint::LetMeLive)))
        .id();
    let listeners: Vec<_> = (0..1000)
        .map(|_| {
            let listener = world.spawn(Ear::<0>).id();
            world.register_signal(listener, goblin, hear::<0>).unwrap();
            listener
        })
        .collect();
    let (stay, go): (Vec<_>, Vec<_>) = (0..)
        .zip(listeners)
        .partition(|(number, _)| number % 10 == 0);
    let reaper = on_death(&mut world, goblin, move |world, _| {
        for &(_, listener) in &go {
            world.commands().entity(listener).despawn();
        }
    });

    world.qdel(goblin).unwrap();

    let mut expected: Vec<_> = stay.iter().map(|(_, listener)| *listener).collect();
    expected.push(reaper);
    let registrations = world.registrations_on(goblin);
    let left: Vec<_> = registrations.iter().map(|at| at.listener).collect();
    assert_eq!(left, expected);
    assert!(world.signal_footprint().places < 500);
    world.check_registrations().unwrap();
}

#[test]
fn entity_that_nobody_listens_to_can_be_kept() {
    let mut world = World::new();
    world.init_resource::<Order<String>>();
    world.register_destroy::<Will<0>>();
    let goblin = world
        .spawn((Named("goblin"), Will::<0>(DestroyHint::LetMeLive)))
        .id();

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(QdelOutcome::Kept));
    assert_eq!(world.liveness(goblin), Liveness::Alive);
}

// The stage.

#[derive(Component)]
struct Marker;

struct Ping;

impl Signal for Ping {
    type Answer = u32;
}

fn hear_ping(_: &mut Ear<0>, _: Received<Ping>) -> u32 {
    1
}

/// The entities that meet while one is kept.
#[derive(Clone, Copy)]
struct Cast {
    listener: Entity,
    /// A possible next target.
    other: Entity,
}

/// Who listens besides, so that the books of the listener have every shape.
#[derive(Debug, Clone, Copy)]
enum Besides {
    Nothing,
    AnotherComponentToTheSame,
    AnotherComponentToAnother,
    TheSameToAThird,
    Much,
}

const BESIDES: [Besides; 5] = [
    Besides::Nothing,
    Besides::AnotherComponentToTheSame,
    Besides::AnotherComponentToAnother,
    Besides::TheSameToAThird,
    Besides::Much,
];

/// Deletes an entity that is kept, and lets `meddle` change one of its listeners meanwhile.
///
/// Returns the world, the kept entity and the cast.
fn meddle_with(
    besides: Besides,
    meddle: fn(&mut DeferredWorld, Cast),
) -> (World, Entity, Cast, Vec<Registration>) {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let other = spawn(&mut world, "other", DestroyHint::Queue);
    let third = spawn(&mut world, "third", DestroyHint::Queue);
    let listener = world.spawn((Ear::<0>, Ear::<2>)).id();
    world.register_signal(listener, goblin, hear::<0>).unwrap();
    let targets: &[Entity] = match besides {
        Besides::Nothing | Besides::TheSameToAThird => &[],
        Besides::AnotherComponentToTheSame => &[goblin],
        Besides::AnotherComponentToAnother => &[third],
        Besides::Much => &[goblin, third],
    };
    for target in targets {
        world.register_signal(listener, *target, hear::<2>).unwrap();
    }
    if matches!(besides, Besides::TheSameToAThird | Besides::Much) {
        world.register_signal(listener, third, hear::<0>).unwrap();
    }
    let before = world.registrations_of(listener);
    let cast = Cast { listener, other };
    on_death(&mut world, goblin, move |world, _| meddle(world, cast));

    assert_eq!(world.qdel(goblin), Ok(QdelOutcome::Kept));

    world.check_registrations().unwrap();
    (world, goblin, cast, before)
}

/// Asserts that a listener which `meddle` ended while its target is kept stays ended, and that its
/// other component goes on listening.
fn assert_lost(meddle: fn(&mut DeferredWorld, Cast)) {
    for besides in BESIDES {
        let (world, goblin, cast, before) = meddle_with(besides, meddle);

        let is_lost = |at: &Registration| at.component == core::any::type_name::<Ear<0>>();
        let on = world.registrations_on(goblin);
        let mut on = on.iter().filter(|at| at.listener == cast.listener);
        assert!(!on.any(is_lost), "{besides:?}");
        if world.liveness(cast.listener) == Liveness::Alive {
            let mut kept = world.registrations_of(cast.listener);
            kept.retain(|at| !is_lost(at));
            let mut expected = before;
            expected.retain(|at| !is_lost(at));
            assert_eq!(kept, expected, "{besides:?}");
        }
    }
}

/// Asserts that a listener has what it had before, whatever `meddle` did while one was kept,
/// and also another target, if it `moved_on`.
fn assert_given_back(moved_on: bool, meddle: fn(&mut DeferredWorld, Cast)) {
    for besides in BESIDES {
        let (world, _, cast, before) = meddle_with(besides, meddle);

        let mut after = world.registrations_of(cast.listener);
        let has_next = after.iter().any(|at| at.target == cast.other);
        after.retain(|at| at.target != cast.other);
        let mut sorted = [before, after].map(|registrations| {
            let lines = registrations.iter().map(ToString::to_string);
            lines.collect::<Vec<_>>()
        });
        sorted.iter_mut().for_each(|lines| lines.sort_unstable());
        assert_eq!(sorted[1], sorted[0], "{besides:?}");
        assert_eq!(has_next, moved_on, "{besides:?}");
    }
}
