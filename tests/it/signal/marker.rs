//! What is known of a target stays known, whatever takes its mark off.
//!
//! The rules are those of the design: S4, S10 and R3.

use bevy_ecs::{
    entity::EntityCloner,
    error::{BevyError, ErrorContext, FallbackErrorHandler},
    lifecycle::{Add, HookContext, Insert, Remove},
    prelude::*,
    world::DeferredWorld,
};
use qdel::{
    QdelCause, QdelError, RegisterError, Registered, SignalTarget, error::RetargetError, prelude::*,
};

use crate::stage::{record_log, take_log};

pub(super) struct Ping;

impl Signal for Ping {
    type Answer = Vec<&'static str>;
}

#[derive(Component, Default)]
pub(super) struct Mob {
    pub(super) lost: Vec<QdelCause>,
}

impl Mob {
    pub(super) fn note(&mut self, lost: Received<Qdeleting>) {
        self.lost.push(lost.cause);
    }

    pub(super) fn says(&mut self, _: Received<Ping>) -> Vec<&'static str> {
        vec!["mob"]
    }
}

#[derive(Component, References)]
struct Aim(#[entities] Option<Entity>);

#[derive(Component, References)]
struct Guard(
    #[entities]
    #[references(deny)]
    Option<Entity>,
);

/// What a target has besides.
#[derive(Component, Default)]
struct Body;

#[derive(Component, Default)]
#[require(SignalTarget)]
struct Prey;

struct Scene {
    world: World,
    target: Entity,
    mob: Entity,
    holder: Entity,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        world.track_references::<Aim>();
        world.track_references::<Guard>();
        let target = world.spawn((Body, Prey)).id();
        let mob = world.spawn(Mob::default()).id();
        world.register_signal(mob, target, Mob::note).unwrap();
        world.register_signal(mob, target, Mob::says).unwrap();
        let holder = world.spawn(Aim(Some(target))).id();
        Self {
            world,
            target,
            mob,
            holder,
        }
    }

    fn lost(&self) -> &[QdelCause] {
        &self.world.get::<Mob>(self.mob).unwrap().lost
    }

    fn aim(&self) -> Option<Entity> {
        self.world.get::<Aim>(self.holder).unwrap().0
    }

    fn is_marked(&self) -> bool {
        self.world.entity(self.target).contains::<SignalTarget>()
    }

    fn registered(&self) -> usize {
        assert_eq!(self.world.check_registrations(), Ok(()));
        self.world.registrations_on(self.target).len()
    }
}

type Way = (&'static str, fn(&mut World, Entity));

/// Each way in which Bevy takes a component off that lives on.
const WAYS: [Way; 14] = [
    ("remove", |world, target| {
        world.entity_mut(target).remove::<SignalTarget>();
    }),
    ("take", |world, target| {
        world.entity_mut(target).take::<SignalTarget>().unwrap();
    }),
    ("remove by id", |world, target| {
        let id = world.component_id::<SignalTarget>().unwrap();
        world.entity_mut(target).remove_by_id(id);
    }),
    ("remove by ids", |world, target| {
        let ids = [
            world.component_id::<Body>().unwrap(),
            world.component_id::<SignalTarget>().unwrap(),
        ];
        world.entity_mut(target).remove_by_ids(&ids);
    }),
    ("remove with others", |world, target| {
        world.entity_mut(target).remove::<(Body, SignalTarget)>();
    }),
    ("remove with requires", |world, target| {
        world.entity_mut(target).remove_with_requires::<Prey>();
    }),
    ("retain", |world, target| {
        world.entity_mut(target).retain::<Body>();
    }),
    ("retain nothing", |world, target| {
        world.entity_mut(target).retain::<()>();
    }),
    ("clear", |world, target| {
        world.entity_mut(target).clear();
    }),
    ("move", |world, target| {
        let heir = world.spawn_empty().id();
        world
            .entity_mut(target)
            .move_components::<SignalTarget>(heir);
    }),
    ("move all", |world, target| {
        let heir = world.spawn_empty().id();
        let mut cloner = EntityCloner::build_opt_out(world);
        cloner.move_components(true);
        cloner.clone_entity(target, heir);
    }),
    ("remove by command", |world, target| {
        world.commands().entity(target).remove::<SignalTarget>();
        world.flush();
    }),
    ("clear by command", |world, target| {
        world.commands().entity(target).clear();
        world.flush();
    }),
    ("retain by command", |world, target| {
        world.commands().entity(target).retain::<Body>();
        world.flush();
    }),
];

/// S10: registrations and links are as before, and so is the mark.
#[test]
fn mark_comes_back_however_it_is_taken_off() {
    for (way, take_off) in WAYS {
        let mut scene = Scene::new();

        for _ in 0..3 {
            if scene.world.entity(scene.target).contains::<Prey>() {
                take_off(&mut scene.world, scene.target);
            }
            assert!(scene.is_marked(), "{way}");
            assert_eq!(scene.registered(), 3, "{way}");
        }
        assert_eq!(
            scene.world.send_signal(scene.target, Ping),
            ["mob"],
            "{way}"
        );
    }
}

/// S10 and R3: the end is told, and no known field dangles.
#[test]
fn plain_despawn_tells_and_releases_however_the_mark_was_taken_off() {
    for (way, take_off) in WAYS {
        let mut scene = Scene::new();

        take_off(&mut scene.world, scene.target);
        scene.world.despawn(scene.target);

        assert_eq!(scene.lost(), [QdelCause::Despawn], "{way}");
        assert_eq!(scene.aim(), None, "{way}");
        assert_eq!(scene.world.signal_footprint().registrations, 0, "{way}");
    }
}

/// S10 and R3.
#[test]
fn qdel_tells_and_releases_however_the_mark_was_taken_off() {
    for (way, take_off) in WAYS {
        for teardown in [Teardown::EndOfFrame, Teardown::Immediate] {
            let mut scene = Scene::new();
            let mut settings = QdelSettings::default();
            settings.teardown = teardown;
            scene.world.insert_resource(settings);

            take_off(&mut scene.world, scene.target);
            scene.world.qdel(scene.target).unwrap();
            scene.world.flush_qdel();

            assert_eq!(scene.lost(), [QdelCause::Qdel], "{way}");
            assert_eq!(scene.aim(), None, "{way}");
            assert_eq!(scene.world.signal_footprint().registrations, 0, "{way}");
            assert_eq!(scene.world.signal_footprint().places, 0, "{way}");
        }
    }
}

/// R5.
#[test]
fn deny_still_denies_however_the_mark_was_taken_off() {
    for (way, take_off) in WAYS {
        let mut scene = Scene::new();
        let guard = scene.world.spawn(Guard(Some(scene.target))).id();

        take_off(&mut scene.world, scene.target);
        let denied = scene.world.qdel(scene.target);

        assert!(
            matches!(denied, Err(QdelError::Denied { holder, .. }) if holder == guard),
            "{way}: {denied:?}"
        );
    }
}

/// S10: of a target that is being deleted, too: no listener is told twice, and all is given back in
/// the end.
#[test]
fn deleting_target_whose_mark_was_taken_off_tells_nobody_twice() {
    for (way, take_off) in WAYS {
        let mut scene = Scene::new();
        scene.world.qdel(scene.target).unwrap();

        take_off(&mut scene.world, scene.target);

        let again = scene
            .world
            .register_signal(scene.mob, scene.target, Mob::note);
        assert!(
            matches!(again, Err(RegisterError::TargetDeleting(_))),
            "{way}: {again:?}"
        );
        scene.world.flush_qdel();
        assert_eq!(scene.lost(), [QdelCause::Qdel], "{way}");
        assert_eq!(scene.aim(), None, "{way}");
        assert_eq!(scene.world.signal_footprint().places, 0, "{way}");
    }
}

/// S10: the handlers of its end may do it by command.
#[test]
fn handler_of_the_notice_takes_the_mark_off() {
    fn strip(mut world: DeferredWorld, lost: Received<Qdeleting, Body>) {
        world
            .commands()
            .entity(lost.target())
            .remove::<SignalTarget>();
        world.commands().entity(lost.target()).clear();
    }

    for is_qdel in [false, true] {
        let mut scene = Scene::new();
        let stripper = scene.world.spawn(Body).id();
        scene
            .world
            .insert_resource(FallbackErrorHandler(|_: BevyError, _: ErrorContext| ()));
        scene
            .world
            .register_signal(stripper, scene.target, strip)
            .unwrap();

        if is_qdel {
            scene.world.qdel(scene.target).unwrap();
            scene.world.flush_qdel();
        } else {
            scene.world.despawn(scene.target);
        }

        assert_eq!(scene.lost().len(), 1);
        assert_eq!(scene.aim(), None);
        assert_eq!(scene.world.signal_footprint().places, 0);
    }
}

/// S10: in a dispatch of another signal.
#[test]
fn handler_takes_the_mark_of_its_target_off() {
    fn strip(mut world: DeferredWorld, ping: Received<Ping, Body>) -> Vec<&'static str> {
        world
            .commands()
            .entity(ping.target())
            .remove::<SignalTarget>();
        vec!["strips"]
    }

    let mut scene = Scene::new();
    let stripper = scene.world.spawn(Body).id();
    scene
        .world
        .register_signal(stripper, scene.target, strip)
        .unwrap();

    assert_eq!(
        scene.world.send_signal(scene.target, Ping),
        ["mob", "strips"]
    );
    assert_eq!(scene.registered(), 4);
    scene.world.despawn(scene.target);
    assert_eq!(scene.lost(), [QdelCause::Despawn]);
}

/// S10: a listener's own mark matters only to its own listeners.
#[test]
fn listener_that_is_a_target_keeps_both_sides() {
    for (way, take_off) in WAYS {
        let mut scene = Scene::new();
        scene.world.entity_mut(scene.mob).insert((Body, Prey));
        let other = scene.world.spawn(Mob::default()).id();
        scene
            .world
            .register_signal(other, scene.mob, Mob::note)
            .unwrap();

        take_off(&mut scene.world, scene.mob);
        take_off(&mut scene.world, scene.target);

        let still_listens = scene.world.get::<Mob>(scene.mob).is_some();
        assert_eq!(
            scene.registered(),
            1 + 2 * usize::from(still_listens),
            "{way}"
        );
        scene.world.despawn(scene.mob);
        let other = scene.world.get::<Mob>(other).unwrap();
        assert_eq!(other.lost, [QdelCause::Despawn], "{way}");
        assert_eq!(scene.registered(), 1, "{way}");
    }
}

/// S10: nothing is left to be told of where there are no listeners, so the mark stays off, and
/// nothing stays.
#[test]
fn mark_that_marks_nothing_stays_off() {
    let mut scene = Scene::new();
    scene.world.unregister_all(scene.target);
    scene.world.despawn(scene.holder);

    scene
        .world
        .entity_mut(scene.target)
        .remove::<SignalTarget>();

    assert!(!scene.is_marked());
    let registered = scene
        .world
        .register_signal(scene.mob, scene.target, Mob::note);
    assert_eq!(registered, Ok(Registered::Now));
    assert!(scene.is_marked());
}

/// S10: its end is told though it comes before the mark is back.
#[test]
fn target_that_is_despawned_before_its_mark_is_back_is_told_of() {
    let mut scene = Scene::new();
    scene.world.add_observer(
        |removed: On<Remove<SignalTarget>>, mut commands: Commands| {
            commands.entity(removed.entity).try_despawn();
        },
    );

    scene
        .world
        .entity_mut(scene.target)
        .remove::<SignalTarget>();

    assert!(scene.world.get_entity(scene.target).is_err());
    assert_eq!(scene.lost(), [QdelCause::AlreadyGone]);
    assert_eq!(scene.aim(), None);
    assert_eq!(scene.world.signal_footprint().registrations, 0);
    assert_eq!(scene.world.signal_footprint().places, 0);
}

// S10: an observer takes it off each time.

/// Takes the mark off as it comes.
fn forbid(world: &mut World) {
    world.add_observer(|added: On<Add<SignalTarget>>, mut commands: Commands| {
        commands.entity(added.entity).remove::<SignalTarget>();
    });
}

/// S10 and S4: nothing hangs, and the error names all there is to name.
#[test]
fn registering_where_the_mark_does_not_stay_is_refused() {
    let mut world = World::new();
    forbid(&mut world);
    let target = world.spawn_empty().id();
    let mob = world.spawn(Mob::default()).id();

    let refused = world.register_signal(mob, target, Mob::note);
    let ensured = world.ensure_signal(mob, target, Mob::says);
    let by_entity = world.entity_mut(mob).register_signal(target, Mob::says);

    let Err(error @ RegisterError::MarkRemoved(registration)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((registration.listener, registration.target), (mob, target));
    assert!(error.to_string().contains("unregister_all"));
    assert!(matches!(ensured, Err(RegisterError::MarkRemoved(_))));
    assert!(matches!(by_entity, Err(RegisterError::MarkRemoved(_))));
    assert_eq!(world.signal_footprint().registrations, 0);
    assert_eq!(world.signal_footprint().places, 0);
}

/// S10: it is said once in a world, however often it happens.
#[test]
fn mark_that_does_not_stay_is_reported_once() {
    let mut world = World::new();
    forbid(&mut world);
    let mob = world.spawn(Mob::default()).id();
    let targets = [(); 3].map(|()| world.spawn_empty().id());
    record_log();

    for target in targets {
        world.register_signal(mob, target, Mob::note).unwrap_err();
    }

    let [said] = take_log().try_into().expect("it should be said once");
    assert!(said.contains(&targets[0].to_string()) && said.contains("unregister_all"));
}

/// S10 and S12: by command, and by a deferred world.
#[test]
fn late_registration_where_the_mark_does_not_stay_ends() {
    let mut world = World::new();
    world.insert_resource(FallbackErrorHandler(|_: BevyError, _: ErrorContext| ()));
    let pupil = world.spawn(Mob::default()).id();
    world.register_signal(pupil, pupil, Mob::note).unwrap();
    forbid(&mut world);
    let target = world.spawn_empty().id();

    world
        .commands()
        .entity(pupil)
        .register_signal(target, Mob::note);
    world.flush();
    assert_eq!(world.registrations_on(target), []);
    let queued = DeferredWorld::from(&mut world).register_signal(pupil, target, Mob::says);
    assert_eq!(queued, Ok(Registered::Queued));
    world.flush();

    assert_eq!(world.registrations_on(target), []);
    assert_eq!(world.registrations_of(pupil).len(), 1);
    let moved = world.retarget_signal::<Mob, Qdeleting>(pupil, pupil, target);
    assert!(matches!(
        moved,
        Err(RetargetError::Refused(RegisterError::MarkRemoved(_)))
    ));
    assert_eq!(world.registrations_of(pupil).len(), 1);
}

/// S10: each of the ways to do so: by a hook, by an observer of inserts, and with all else.
#[test]
fn whoever_takes_the_mark_off_at_once_hangs_nobody() {
    #[derive(Component)]
    #[component(on_add = strip)]
    struct Stripper;

    fn strip(mut world: DeferredWorld, context: HookContext) {
        world
            .commands()
            .entity(context.entity)
            .remove::<SignalTarget>();
    }

    let ways: [fn(&mut World); 4] = [
        |world| {
            world.add_observer(|added: On<Add<SignalTarget>>, mut commands: Commands| {
                commands.entity(added.entity).clear();
            });
        },
        |world| {
            world.add_observer(
                |inserted: On<Insert<SignalTarget>>, mut commands: Commands| {
                    commands.entity(inserted.entity).insert(Stripper);
                },
            );
        },
        |world| {
            world.add_observer(|added: On<Add<SignalTarget>>, mut commands: Commands| {
                commands.entity(added.entity).remove::<SignalTarget>();
                commands.entity(added.entity).insert(Body);
            });
        },
        |world| {
            world.add_observer(|added: On<Add<SignalTarget>>, mut commands: Commands| {
                commands.entity(added.entity).despawn();
            });
        },
    ];
    for (at, prepare) in ways.into_iter().enumerate() {
        let mut world = World::new();
        prepare(&mut world);
        let target = world.spawn_empty().id();
        let mob = world.spawn(Mob::default()).id();

        let refused = world.register_signal(mob, target, Mob::note);

        let is_refused = match at {
            3 => matches!(refused, Err(RegisterError::TargetNotSpawned(_))),
            _ => matches!(refused, Err(RegisterError::MarkRemoved(_))),
        };
        assert!(is_refused, "{at}: {refused:?}");
        assert_eq!(world.signal_footprint().places, 0);
    }
}

/// S10 and R3: what was known before ends, and what names the target is read again by the next
/// sync.
#[test]
fn what_was_known_ends_where_the_mark_does_not_come_back() {
    let mut scene = Scene::new();
    forbid(&mut scene.world);

    scene
        .world
        .entity_mut(scene.target)
        .remove::<SignalTarget>();

    assert!(!scene.is_marked());
    assert_eq!(scene.registered(), 0);
    assert_eq!(scene.world.signal_footprint().places, 0);
    scene.world.despawn(scene.target);
    assert_eq!(scene.lost(), []);
    scene.world.sync_references();
    assert_eq!(scene.aim(), None);
}

/// S10: one that does it once for each frame is put right each time.
#[test]
fn mark_that_is_taken_off_again_and_again_comes_back_each_time() {
    let mut scene = Scene::new();

    for _ in 0..100 {
        scene
            .world
            .entity_mut(scene.target)
            .remove::<SignalTarget>();
    }
    scene.world.despawn(scene.target);

    assert_eq!(scene.lost(), [QdelCause::Despawn]);
}

/// S10: a panic of a despawn leaves its target alive; its mark is taken off and comes back.
#[test]
fn target_whose_despawn_panicked_keeps_what_was_not_told() {
    fn panics(_: &mut Body, _: Received<Qdeleting>) {
        panic!("in its last notice");
    }

    let mut scene = Scene::new();
    let witness = scene.world.spawn(Body).id();
    scene
        .world
        .register_signal(witness, scene.target, panics)
        .unwrap();
    let despawn = std::panic::AssertUnwindSafe(|| scene.world.despawn(scene.target));
    std::panic::catch_unwind(despawn).unwrap_err();

    scene
        .world
        .entity_mut(scene.target)
        .remove::<SignalTarget>();

    assert!(scene.is_marked());
    assert_eq!(scene.world.send_signal(scene.target, Ping), ["mob"]);
    scene.world.despawn(scene.target);
    assert_eq!(scene.lost(), [QdelCause::Despawn]);
    assert_eq!(scene.world.signal_footprint().places, 0);
}

/// S10: a clone of a target is not listened to, whatever is taken off of which.
#[test]
fn clone_of_a_target_has_no_part_in_its_mark() {
    let mut scene = Scene::new();
    let clone = scene.world.entity_mut(scene.target).clone_and_spawn();

    scene.world.entity_mut(clone).remove::<SignalTarget>();

    assert!(!scene.world.entity(clone).contains::<SignalTarget>());
    assert_eq!(scene.registered(), 3);
    scene.world.despawn(clone);
    assert_eq!(scene.lost(), []);
}
