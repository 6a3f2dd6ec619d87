//! Registration from systems, and of many at once.
//!
//! The rules are those of the design: S2, S4, S6, S10 and S12.

#![expect(
    clippy::needless_pass_by_value,
    reason = "systems take their parameters by value"
)]

use bevy_ecs::{lifecycle::Remove, prelude::*, system::SystemState, world::DeferredWorld};
use qdel::{QdelCause, RegisterError, Registered, SignalTarget, prelude::*};

use crate::stage::{complaints, listeners_on, record_complaints};

struct Ping;

impl Signal for Ping {
    type Answer = Vec<u32>;
}

#[derive(Component, Default)]
struct Mob {
    target: Option<Entity>,
    lost: Vec<QdelCause>,
}

impl Mob {
    fn note(&mut self, lost: Received<Qdeleting>) {
        self.target = None;
        self.lost.push(lost.cause);
    }
}

fn says<const N: u32>(_: &mut Mob, _: Received<Ping>) -> Vec<u32> {
    vec![N]
}

/// Makes a world with a marked target, which tells about handlers that were used before, and mobs.
fn prepared<const N: usize>() -> (World, Entity, [Entity; N]) {
    let mut world = World::new();
    world.register_listener::<Mob>();
    let pupil = world.spawn(Mob::default()).id();
    world.register_signal(pupil, pupil, Mob::note).unwrap();
    world.register_signal(pupil, pupil, says::<0>).unwrap();
    world.despawn(pupil);
    let target = world.spawn(SignalTarget).id();
    let mobs = [(); N].map(|()| world.spawn(Mob::default()).id());
    (world, target, mobs)
}

/// Registers as a system does, and applies no commands.
fn with_registrar<T>(
    world: &mut World,
    state: &mut SystemState<SignalRegistrar>,
    register: impl FnOnce(SignalRegistrar) -> T,
) -> T {
    register(state.get_mut(world).unwrap())
}

fn lost(world: &World, mob: Entity) -> &[QdelCause] {
    &world.get::<Mob>(mob).unwrap().lost
}

/// S12: where nothing structural has to be done, no command is needed.
#[test]
fn prepared_registration_is_in_force_before_commands_are_applied() {
    let (mut world, target, [mob, other]) = prepared();
    let mut state = SystemState::new(&mut world);

    let registered = with_registrar(&mut world, &mut state, |mut registrar| {
        [
            registrar.register(mob, target, Mob::note),
            registrar.register_once(other, target, says::<0>),
            registrar.replace(other, target, says::<0>),
            registrar.ensure(mob, target, Mob::note),
        ]
    });

    let [now, replaced] = [Registered::Now, Registered::Replaced].map(Ok);
    assert_eq!(registered, [now, now, replaced, now]);
    assert_eq!(listeners_on(&world, target), [mob, other]);
    assert_eq!(world.send_signal(target, Ping), [0]);
    assert!(world.send_signal(target, Ping).is_empty());
    world.despawn(target);
    assert_eq!(lost(&world, mob), [QdelCause::Despawn]);
    state.apply(&mut world);
    assert_eq!(world.signal_footprint().registrations, 0);
}

/// S6 and S12: what needs a command is in the books at once, in its place.
#[test]
fn registration_that_needs_a_command_keeps_its_place_in_the_order() {
    let (mut world, marked, [new, old, late]) = prepared();
    let unmarked = world.spawn_empty().id();
    let mut state = SystemState::new(&mut world);

    let registered = with_registrar(&mut world, &mut state, |mut registrar| {
        [
            registrar.register(new, marked, says::<1>),
            registrar.register(old, marked, says::<0>),
            registrar.register(new, unmarked, Mob::note),
            registrar.register(late, unmarked, Mob::note),
        ]
    });

    let [now, queued] = [Registered::Now, Registered::Queued].map(Ok);
    assert_eq!(registered, [queued, now, queued, queued]);
    assert_eq!(listeners_on(&world, marked), [new, old]);
    assert!(!world.entity(unmarked).contains::<SignalTarget>());
    state.apply(&mut world);
    assert_eq!(world.send_signal(marked, Ping), [1, 0]);
    assert!(world.entity(unmarked).contains::<SignalTarget>());
    world.despawn(unmarked);
    for mob in [new, late] {
        assert_eq!(lost(&world, mob), [QdelCause::Despawn]);
    }
}

/// S12: before the first registration of a world it waits in the command queue.
#[test]
fn first_registration_in_a_world_comes_with_the_commands() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let mob = world.spawn(Mob::default()).id();
    let mut state = SystemState::new(&mut world);

    let registered = with_registrar(&mut world, &mut state, |mut registrar| {
        registrar.register(mob, target, Mob::note)
    });
    assert_eq!(registered, Ok(Registered::Queued));
    assert_eq!(listeners_on(&world, target), []);
    state.apply(&mut world);

    assert_eq!(listeners_on(&world, target), [mob]);
}

/// S12: of an entity that the same system spawns, too.
#[test]
fn entity_that_waits_to_be_spawned_registers_by_command() {
    fn spawn_pair(mut commands: Commands, mut registrar: SignalRegistrar) {
        let target = commands.spawn(Goblin).id();
        let mob = commands.spawn(Mob::default()).id();

        let registered = registrar.register(mob, target, Mob::note);

        assert_eq!(registered, Ok(Registered::Queued));
    }

    #[derive(Component)]
    struct Goblin;

    let (mut world, _, []) = prepared();

    world.run_system_cached(spawn_pair).unwrap();

    let target = world
        .query_filtered::<Entity, With<Goblin>>()
        .single(&world)
        .unwrap();
    let [mob] = listeners_on(&world, target).try_into().unwrap();
    world.despawn(target);
    assert_eq!(lost(&world, mob), [QdelCause::Despawn]);
}

/// S2 and S4: at once, with the reason, and without a trace.
#[test]
fn refusals_are_returned_at_once() {
    let (mut world, target, [mob, doomed, gone]) = prepared();
    record_complaints(&mut world);
    let stone = world.spawn_empty().id();
    world.register_signal(mob, target, Mob::note).unwrap();
    world.qdel(doomed).unwrap();
    world.despawn(gone);
    let mut state = SystemState::new(&mut world);

    let refused = with_registrar(&mut world, &mut state, |mut registrar| {
        [
            (mob, target),
            (stone, target),
            (doomed, target),
            (gone, target),
            (mob, doomed),
            (mob, gone),
        ]
        .map(|(listener, target)| registrar.register(listener, target, Mob::note).unwrap_err())
    });
    state.apply(&mut world);

    assert!(
        matches!(
            refused,
            [
                RegisterError::AlreadyRegistered(_),
                RegisterError::MissingComponent(_),
                RegisterError::ListenerDeleting(_),
                RegisterError::ListenerNotSpawned(_),
                RegisterError::TargetDeleting(_),
                RegisterError::TargetNotSpawned(_),
            ]
        ),
        "{refused:?}"
    );
    assert_eq!(complaints(), []);
    assert_eq!(listeners_on(&world, target), [mob]);
    assert_eq!(lost(&world, mob), []);
}

/// S12: if its target goes before the command, the listener is told once.
#[test]
fn queued_registration_of_a_registrar_is_told_of_a_target_that_goes() {
    let (mut world, _, [mob]) = prepared();
    let target = world.spawn_empty().id();
    let mut state = SystemState::new(&mut world);
    with_registrar(&mut world, &mut state, |mut registrar| {
        registrar.register(mob, target, Mob::note).unwrap();
    });

    world.despawn(target);
    state.apply(&mut world);

    assert_eq!(lost(&world, mob), [QdelCause::AlreadyGone]);
    assert_eq!(world.signal_footprint().registrations, 0);
}

/// S6: many of them are each as one.
#[test]
fn many_register_in_order_and_those_that_are_refused_are_returned() {
    type Way = fn(&mut World, &[(Entity, Entity)]) -> Vec<RegisterError>;

    fn register_all(world: &mut World, pairs: &[(Entity, Entity)]) -> Vec<RegisterError> {
        let mut state = SystemState::<SignalRegistrar>::new(world);
        let pairs = pairs.iter().copied();
        let refused = with_registrar(world, &mut state, |mut registrar| {
            registrar.register_many(pairs, says::<0>)
        });
        state.apply(world);
        refused
    }

    let ways: [Way; 3] = [
        |world, pairs| world.register_signals(pairs.iter().copied(), says::<0>),
        |world, pairs| {
            let pairs = pairs.iter().copied();
            let refused = DeferredWorld::from(&mut *world).register_signals(pairs, says::<0>);
            world.flush();
            refused
        },
        register_all,
    ];
    for register in ways {
        for is_fresh in [false, true] {
            let (mut world, marked, mobs) = if is_fresh {
                let mut world = World::new();
                let target = world.spawn_empty().id();
                let mobs = [(); 3].map(|()| world.spawn(Mob::default()).id());
                (world, target, mobs)
            } else {
                prepared()
            };
            let [one, two, three] = mobs;
            let unmarked = world.spawn_empty().id();
            let gone = world.spawn_empty().id();
            world.despawn(gone);

            let refused = register(
                &mut world,
                &[
                    (three, marked),
                    (two, unmarked),
                    (two, gone),
                    (one, marked),
                    (one, unmarked),
                ],
            );

            assert!(
                matches!(refused[..], [RegisterError::TargetNotSpawned(at)] if at.target == gone),
                "{refused:?}"
            );
            assert_eq!(listeners_on(&world, marked), [three, one]);
            assert_eq!(listeners_on(&world, unmarked), [two, one]);
            assert!(world.entity(unmarked).contains::<SignalTarget>());
        }
    }
}

/// S10: of one that comes in the last moments of its listener, nothing stays.
#[test]
fn registration_by_an_observer_of_the_end_of_its_listener_ends() {
    fn register(removed: On<Remove<Mob>>, prey: Res<Prey>, mut registrar: SignalRegistrar) {
        let _ = registrar.register(removed.entity, prey.0, Mob::note);
    }

    #[derive(Resource)]
    struct Prey(Entity);

    for is_hooked in [false, true] {
        let mut world = World::new();
        if is_hooked {
            world.register_listener::<Mob>();
        }
        let target = world.spawn(SignalTarget).id();
        let mobs = [(); 3].map(|()| world.spawn(Mob::default()).id());
        world.insert_resource(Prey(target));
        world.register_signal(mobs[2], target, Mob::note).unwrap();
        world.add_observer(register);

        world.despawn(mobs[0]);
        world.entity_mut(mobs[1]).remove::<Mob>();
        world.despawn(mobs[2]);

        assert_eq!(listeners_on(&world, target), []);
        assert_eq!(world.registrations_of(mobs[1]), []);
        assert_eq!(world.signal_footprint().registrations, 0);
    }
}

/// S4: of one that comes in the last moments of its target, its listener is told once.
#[test]
fn registration_by_an_observer_of_the_end_of_its_target_is_told_once() {
    fn register(removed: On<Remove<Goblin>>, hunter: Res<Hunter>, mut registrar: SignalRegistrar) {
        let _ = registrar.register(hunter.0, removed.entity, Mob::note);
    }

    #[derive(Component)]
    struct Goblin;

    #[derive(Resource)]
    struct Hunter(Entity);

    for is_marked in [false, true] {
        let (mut world, _, [mob]) = prepared();
        world.insert_resource(Hunter(mob));
        world.add_observer(register);
        for round in 0..3 {
            let goblin = world.spawn(Goblin).id();
            if is_marked {
                world.entity_mut(goblin).insert(SignalTarget);
            }

            world.despawn(goblin);

            assert!(lost(&world, mob).len() <= round + 1);
            assert_eq!(world.signal_footprint().registrations, 0);
        }
    }
}

/// It is known what a registrar touches: no component of the user's, and no structure.
#[test]
fn registrar_keeps_only_those_from_running_that_see_the_books() {
    fn aim(_: SignalRegistrar, _: Query<&mut Mob>) {}
    fn also_aims(_: SignalRegistrar) {}
    fn move_on(_: Query<&mut Body>, _: Commands) {}
    fn count(_: Query<&Mob>) {}
    fn look(_: EntityLiveness) {}

    #[derive(Component)]
    struct Body;

    let (mut world, _, []) = prepared();
    let mut access_of =
        |mut system: Box<dyn System<In = (), Out = ()>>| system.initialize(&mut world);

    let aim = access_of(Box::new(IntoSystem::into_system(aim)));
    let also_aims = access_of(Box::new(IntoSystem::into_system(also_aims)));
    let move_on = access_of(Box::new(IntoSystem::into_system(move_on)));
    let count = access_of(Box::new(IntoSystem::into_system(count)));
    let look = access_of(Box::new(IntoSystem::into_system(look)));

    assert!(aim.is_compatible(&move_on) && also_aims.is_compatible(&count));
    assert!(!aim.is_compatible(&count), "both see the mobs");
    assert!(!aim.is_compatible(&also_aims) && !aim.is_compatible(&look));
}

/// S6: systems of one schedule that register, each after the other or at the same time as others.
#[test]
fn systems_of_a_schedule_register_frame_by_frame() {
    #[derive(Resource)]
    struct Targets(Vec<Entity>);

    #[derive(Component, Default)]
    struct Body(u32);

    fn look(mobs: Query<&Mob>, liveness: EntityLiveness) {
        for target in mobs.iter().filter_map(|mob| mob.target) {
            assert_eq!(liveness.liveness(target), Liveness::Alive);
        }
    }

    fn pick(
        mut mobs: Query<(Entity, &mut Mob)>,
        targets: Res<Targets>,
        mut registrar: SignalRegistrar,
    ) {
        for (at, (entity, mut mob)) in mobs.iter_mut().enumerate() {
            if mob.target.is_none() && !targets.0.is_empty() {
                let target = targets.0[at % targets.0.len()];
                mob.target = Some(target);
                registrar.register(entity, target, Mob::note).unwrap();
            }
        }
    }

    fn kill(mut targets: ResMut<Targets>, mut commands: Commands) {
        let doomed = targets.0.pop();
        if let Some(doomed) = doomed {
            commands.entity(doomed).despawn();
        }
    }

    fn grow(mut bodies: Query<&mut Body>) {
        for mut body in &mut bodies {
            body.0 += 1;
        }
    }

    let (mut world, _, []) = prepared();
    let targets = [(); 4].map(|()| world.spawn(Body::default()).id());
    world.insert_resource(Targets(targets.to_vec()));
    let mobs: Vec<_> = (0..12).map(|_| world.spawn(Mob::default()).id()).collect();
    let mut schedule = Schedule::default();
    schedule.add_systems((grow, look, (pick, kill).chain()));

    for _ in 0..4 {
        schedule.run(&mut world);
        assert_eq!(world.check_registrations(), Ok(()));
    }

    let losses: usize = mobs.iter().map(|mob| lost(&world, *mob).len()).sum();
    // Mobs that have lost their target pick by their number: three, four and five lose one before
    // all lose the last.
    assert_eq!(losses, 3 + 4 + 5 + 12);
    assert_eq!(world.signal_footprint().registrations, 0);
}
