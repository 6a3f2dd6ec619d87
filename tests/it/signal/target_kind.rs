//! Kinds of targets that were made known: their own component is the mark.
//!
//! The rules are those of the design: S4, S10, S11, S12 and R3.

use bevy_ecs::{
    entity::EntityCloner,
    lifecycle::{HookContext, Remove},
    prelude::*,
    world::DeferredWorld,
};
use qdel::{QdelCause, QdelError, Registered, SignalTarget, prelude::*};

use super::marker::{Mob, Ping};
use crate::stage::{listeners_on, panics, record_log, take_log};

#[derive(Component, Clone, Default)]
struct Goblin;

#[derive(Component, Clone)]
#[component(storage = "SparseSet")]
struct Boss;

#[derive(Component, Clone)]
struct Body;

#[derive(Component, References)]
struct Aim(#[entities] Option<Entity>);

#[derive(Component, References)]
struct Guard(
    #[entities]
    #[references(deny)]
    Option<Entity>,
);

fn stage() -> World {
    let mut world = World::new();
    world.register_target::<Goblin>().register_target::<Boss>();
    world
}

fn lost(world: &World, mob: Entity) -> &[QdelCause] {
    &world.get::<Mob>(mob).unwrap().lost
}

fn is_marked(world: &World, target: Entity) -> bool {
    world.entity(target).contains::<SignalTarget>()
}

/// S12: from a deferred world, at once, and without a structural change.
#[test]
fn entity_of_a_known_kind_takes_its_first_registration_as_it_is() {
    let mut world = stage();
    let pupil = world.spawn((Mob::default(), Goblin)).id();
    world.register_signal(pupil, pupil, Mob::note).unwrap();
    let mob = world.spawn(Mob::default()).id();
    let target = world.spawn((Body, Goblin)).id();
    let before = world.entity(target).archetype().id();

    let registered = DeferredWorld::from(&mut world).register_signal(mob, target, Mob::note);

    assert_eq!(registered, Ok(Registered::Now));
    world.flush();
    assert_eq!(world.entity(target).archetype().id(), before);
    assert_eq!(listeners_on(&world, target), [mob]);
}

/// S10 and S11: however it goes, once, whatever marks it has.
#[test]
fn end_of_a_target_is_told_once_whatever_marks_it() {
    type End = fn(&mut World, Entity);
    let ends: [(QdelCause, End); 5] = [
        (QdelCause::Despawn, |world, target| {
            world.despawn(target);
        }),
        (QdelCause::Qdel, |world, target| {
            world.qdel(target).unwrap();
            assert_eq!(world.liveness(target), Liveness::Deleting);
            world.flush_qdel();
        }),
        (QdelCause::Qdel, |world, target| {
            world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
            world.qdel(target).unwrap();
        }),
        (QdelCause::Qdel, |world, target| {
            let other = world.spawn(Goblin).id();
            assert_eq!(world.qdel_batch([other, target]).refused, []);
            world.flush_qdel();
        }),
        (QdelCause::Despawn, |world, target| {
            let owner = world.spawn_empty().id();
            world.entity_mut(target).insert(ChildOf(owner));
            world.despawn(owner);
        }),
    ];
    let marks: [fn(&mut EntityWorldMut); 5] = [
        |target| {
            target.insert(Goblin);
        },
        |target| {
            target.insert(Boss);
        },
        |target| {
            target.insert((Goblin, Boss));
        },
        |target| {
            target.insert((Boss, SignalTarget));
        },
        |target| {
            target.insert((Goblin, Boss, SignalTarget));
        },
    ];
    for (cause, end) in ends {
        for is_prepared in [false, true] {
            for mark in marks {
                let mut world = stage();
                if is_prepared {
                    let first = world.spawn_empty().id();
                    world.qdel(first).unwrap();
                    world.flush_qdel();
                }
                let mob = world.spawn(Mob::default()).id();
                let mut target = world.spawn(Body);
                mark(&mut target);
                let target = target.id();
                world.register_signal(mob, target, Mob::note).unwrap();
                world.register_signal(mob, target, Mob::says).unwrap();

                end(&mut world, target);

                assert!(world.get_entity(target).is_err());
                assert_eq!(lost(&world, mob), [cause]);
                assert_eq!(world.signal_footprint().registrations, 0);
                assert_eq!(world.signal_footprint().places, 0);
            }
        }
    }
}

/// S10: it takes the mark then, which stays as any mark does.
#[test]
fn target_that_loses_what_marks_it_keeps_its_registrations() {
    type Way = fn(&mut World, Entity);
    let ways: [Way; 6] = [
        |world, target| {
            world.entity_mut(target).remove::<Goblin>();
        },
        |world, target| {
            world.entity_mut(target).take::<Goblin>().unwrap();
        },
        |world, target| {
            world.entity_mut(target).retain::<Body>();
        },
        |world, target| {
            world.entity_mut(target).clear();
        },
        |world, target| {
            let heir = world.spawn_empty().id();
            let mut cloner = EntityCloner::build_opt_out(world);
            cloner.move_components(true);
            cloner.clone_entity(target, heir);
        },
        |world, target| {
            world.commands().entity(target).remove::<Goblin>();
            world.flush();
        },
    ];
    for take_off in ways {
        let mut world = stage();
        world.track_references::<Aim>();
        let target = world.spawn((Body, Goblin)).id();
        let mob = world.spawn(Mob::default()).id();
        world.register_signal(mob, target, Mob::note).unwrap();
        let holder = world.spawn(Aim(Some(target))).id();
        assert!(!is_marked(&world, target));

        take_off(&mut world, target);
        assert!(is_marked(&world, target));
        world.entity_mut(target).remove::<SignalTarget>();
        assert!(is_marked(&world, target));
        world.entity_mut(target).insert(Goblin);
        world.entity_mut(target).remove::<SignalTarget>();
        assert!(!is_marked(&world, target));

        assert_eq!(world.registrations_on(target).len(), 2);
        world.despawn(target);
        assert_eq!(lost(&world, mob), [QdelCause::Despawn]);
        assert_eq!(world.get::<Aim>(holder).unwrap().0, None);
        assert_eq!(world.signal_footprint().places, 0);
    }
}

/// S10: nothing is put in its place where nothing is known of its entity.
#[test]
fn entity_without_listeners_takes_no_mark_when_it_loses_its_own() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();

    world.entity_mut(goblin).remove::<Goblin>();

    assert!(!is_marked(&world, goblin));
}

/// A kind that is known too late, or has hooks of its own, is as any other.
#[test]
fn kind_whose_hooks_cannot_be_added_is_marked_and_said_to_be() {
    #[derive(Component)]
    struct InUse;

    #[derive(Component)]
    #[component(on_despawn = nothing)]
    struct HooksDespawn;

    #[derive(Component)]
    #[component(on_remove = nothing)]
    struct HooksRemove;

    #[derive(Component)]
    #[component(on_discard = nothing)]
    struct HooksDiscard;

    fn nothing(_: DeferredWorld, _: HookContext) {}

    fn check<C: Component>(kind: C) {
        let mut world = World::new();
        world.spawn(InUse);
        record_log();

        world.register_target::<C>();
        let [said] = take_log().try_into().expect("it should be said");
        let target = world.spawn(kind).id();
        let mob = world.spawn(Mob::default()).id();
        world.register_signal(mob, target, Mob::note).unwrap();

        assert!(said.contains("register_target"), "{said}");
        assert!(is_marked(&world, target));
        world.despawn(target);
        assert_eq!(lost(&world, mob), [QdelCause::Despawn]);
    }

    check(InUse);
    check(HooksDespawn);
    check(HooksRemove);
    check(HooksDiscard);
}

/// It is said once, and a second call is none.
#[test]
fn kind_may_be_made_known_again() {
    let mut world = stage();
    world.spawn(Goblin);
    record_log();

    world.register_target::<Goblin>();

    assert!(take_log().is_empty());
}

/// S10: a component can be both, in whatever order it is said to be.
#[test]
fn kind_of_targets_that_listens_ends_its_registrations() {
    let orders: [fn(&mut World); 3] = [
        |world| {
            world.register_listener::<Mob>().register_target::<Mob>();
        },
        |world| {
            world.register_target::<Mob>().register_listener::<Mob>();
        },
        |world| {
            world.register_target::<Mob>();
        },
    ];
    for prepare in orders {
        let mut world = World::new();
        prepare(&mut world);
        let [one, two, three] = [(); 3].map(|()| world.spawn(Mob::default()).id());
        for (listener, target) in [(one, two), (two, three), (three, one)] {
            world.register_signal(listener, target, Mob::note).unwrap();
        }
        assert!(!is_marked(&world, one));

        world.despawn(two);
        assert_eq!(lost(&world, one), [QdelCause::Despawn]);
        assert_eq!(world.registrations_on(three), []);
        world.entity_mut(three).remove::<Mob>();

        assert_eq!(world.registrations_on(one), []);
        assert_eq!(world.signal_footprint().registrations, 0);
        assert_eq!(world.check_registrations(), Ok(()));
    }
}

/// S7: it hears nothing any more from the end of its wave on, also before its tear-down.
#[test]
fn deleted_target_that_listens_is_deaf_before_its_tear_down() {
    for is_heard in [false, true] {
        let mut world = World::new();
        world.register_target::<Mob>().register_listener::<Mob>();
        let [mob, target, other] = [(); 3].map(|()| world.spawn(Mob::default()).id());
        world.register_signal(mob, target, Mob::says).unwrap();
        if is_heard {
            world.register_signal(other, mob, Mob::note).unwrap();
        }

        world.qdel(mob).unwrap();

        assert_eq!(world.registrations_on(target), []);
        assert!(world.send_signal(target, Ping).is_empty());
        world.flush_qdel();
        assert_eq!(world.signal_footprint().registrations, 0);
        assert_eq!(lost(&world, other).len(), usize::from(is_heard));
    }
}

/// S10: a clone is of the kind, and is not listened to.
#[test]
fn clone_of_a_target_of_a_known_kind_is_not_listened_to() {
    let mut world = stage();
    let target = world.spawn((Body, Goblin)).id();
    let mob = world.spawn(Mob::default()).id();
    world.register_signal(mob, target, Mob::note).unwrap();

    let clone = world.entity_mut(target).clone_and_spawn();
    assert_eq!(world.registrations_on(clone), []);
    world.despawn(clone);
    assert_eq!(lost(&world, mob), []);

    world.despawn(target);
    assert_eq!(lost(&world, mob), [QdelCause::Despawn]);
}

/// The hooks of a kind stay where the books are cleared away, and the new ones do not know it.
#[test]
fn known_kind_of_a_world_whose_resources_were_cleared_is_marked_and_told_once() {
    let mut world = stage();
    for _ in 0..2 {
        let target = world.spawn(Goblin).id();
        let mob = world.spawn(Mob::default()).id();
        world.register_signal(mob, target, Mob::note).unwrap();
        world.clear_resources();
    }
    let [first, second] = [(); 2].map(|()| world.spawn(Goblin).id());
    let mob = world.spawn(Mob::default()).id();
    world.register_signal(mob, first, Mob::note).unwrap();
    world.register_signal(mob, second, Mob::note).unwrap();

    world.entity_mut(first).remove::<Goblin>();
    world.despawn(first);
    world.despawn(second);

    assert_eq!(lost(&world, mob), [QdelCause::Despawn; 2]);
    assert_eq!(world.signal_footprint().places, 0);
}

/// S11: it stays alive, is closed, and no listener is told twice.
#[test]
fn panic_in_the_despawn_of_a_known_kind_leaves_it_alive() {
    fn panics_once(_: &mut Body, _: Received<Qdeleting>) {
        panic!("in its last notice");
    }

    #[derive(Component)]
    #[component(on_remove = panic_now)]
    struct Mine;

    fn panic_now(mut world: DeferredWorld, context: HookContext) {
        let is_armed = world
            .get_resource_mut::<Armed>()
            .is_some_and(|mut armed| core::mem::take(&mut armed.0));
        assert!(!is_armed, "in the hook of {}", context.entity);
    }

    #[derive(Resource)]
    struct Armed(bool);

    for by_handler in [false, true] {
        let mut world = stage();
        let mob = world.spawn(Mob::default()).id();
        let target = world.spawn((Goblin, Boss)).id();
        world.register_signal(mob, target, Mob::note).unwrap();
        if by_handler {
            let witness = world.spawn(Body).id();
            world.register_signal(witness, target, panics_once).unwrap();
        } else {
            world.insert_resource(Armed(true));
            world.entity_mut(target).insert(Mine);
        }

        panics(|| world.despawn(target));
        let bystander = world.spawn(Goblin).id();
        world.despawn(bystander);

        assert_eq!(lost(&world, mob), [QdelCause::Despawn]);
        let again = world.register_signal(mob, target, Mob::says);
        if by_handler {
            assert!(again.is_err());
            assert_eq!(world.liveness(target), Liveness::Deleting);
        }
        world.despawn(target);
        assert!(world.get_entity(target).is_err());
        assert_eq!(lost(&world, mob), [QdelCause::Despawn]);
        assert_eq!(world.signal_footprint().registrations, 0);
        assert_eq!(world.signal_footprint().places, 0);
    }
}

/// R3 and R5: links need no mark either.
#[test]
fn declared_references_link_to_a_known_kind_as_it_is() {
    let mut world = stage();
    world.track_references::<Aim>().track_references::<Guard>();
    let [written, inserted, denied] = [(); 3].map(|()| world.spawn(Goblin).id());
    let holder = world.spawn(Aim(None)).id();
    world.get_mut::<Aim>(holder).unwrap().0 = Some(written);
    world.sync_references();
    let other = world.spawn(Aim(Some(inserted))).id();
    let guard = world.spawn(Guard(Some(denied))).id();

    for target in [written, inserted, denied] {
        assert!(!is_marked(&world, target));
        assert_eq!(world.registrations_on(target).len(), 1);
    }
    let refused = world.qdel(denied);
    assert!(matches!(refused, Err(QdelError::Denied { holder, .. }) if holder == guard));
    world.despawn(written);
    assert_eq!(world.get::<Aim>(holder).unwrap().0, None);
    assert_eq!(world.plan_qdel(inserted).deletions[0].released.len(), 1);
    world.qdel(inserted).unwrap();
    assert_eq!(world.get::<Aim>(other).unwrap().0, None);
    world.flush_qdel();
    assert_eq!(world.signal_footprint().registrations, 1);
}

/// S4: from its first moment on, whether it is listened to or not.
#[test]
fn target_is_deleting_while_it_is_despawned() {
    #[derive(Resource, Default)]
    struct Seen(Vec<(Liveness, bool)>);

    #[derive(Resource)]
    struct Ear(Entity);

    let mut world = stage();
    world.init_resource::<Seen>();
    let mob = world.spawn(Mob::default()).id();
    world.insert_resource(Ear(mob));
    world.add_observer(|removed: On<Remove<Body>>, mut world: DeferredWorld| {
        let (mob, target) = (world.resource::<Ear>().0, removed.entity);
        let liveness = world.liveness(target);
        let is_refused = world.register_signal(mob, target, Mob::note).is_err();
        world.resource_mut::<Seen>().0.push((liveness, is_refused));
    });
    let heard = world.spawn((Body, Goblin)).id();
    world.register_signal(mob, heard, Mob::note).unwrap();
    let marked = world.spawn((Body, SignalTarget)).id();
    let known = world.spawn((Body, Goblin)).id();

    for target in [heard, marked, known] {
        world.despawn(target);
    }

    assert_eq!(world.resource::<Seen>().0, [(Liveness::Deleting, true); 3]);
    assert_eq!(lost(&world, mob), [QdelCause::Despawn]);
}
