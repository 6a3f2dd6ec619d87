//! S10: `ensure_signal`.

use super::*;
use qdel::SignalTarget;

/// Listens in its insert hook, whatever its value is.
#[derive(Component)]
#[component(on_insert = Hunter::listen)]
struct Hunter {
    prey: Entity,
    lost: Vec<Entity>,
}

impl Hunter {
    fn of(prey: Entity) -> Self {
        Self {
            prey,
            lost: Vec::new(),
        }
    }

    fn listen(mut world: DeferredWorld, context: HookContext) {
        let hunter = context.entity;
        let prey = world.get::<Self>(hunter).unwrap().prey;
        world.ensure_signal(hunter, prey, Self::note).unwrap();
    }

    fn note(&mut self, lost: Received<Qdeleting>) {
        if self.prey == lost.target() {
            self.lost.push(lost.target());
        }
    }
}

/// S10 and S12.
#[test]
fn insert_hook_ensures_any_number_of_times() {
    for is_prepared in [false, true] {
        let mut world = World::new();
        let [prey, other] = spawn_targets(&mut world);
        if is_prepared {
            let pupil = world.spawn(Hunter::of(other)).id();
            world.despawn(pupil);
            world.entity_mut(prey).insert(SignalTarget);
        }
        let hunter = world.spawn(Hunter::of(prey)).id();

        for _ in 0..3 {
            world.entity_mut(hunter).insert(Hunter::of(prey));
        }

        assert_eq!(listeners_on(&world, prey), [hunter]);
        world.entity_mut(hunter).insert(Hunter::of(other));
        assert_eq!(listeners_on(&world, other), [hunter]);
        world.despawn(prey);
        world.despawn(other);
        assert_eq!(world.get::<Hunter>(hunter).unwrap().lost, [other]);
    }
}

/// S10: the earlier handler stays, in its place.
#[test]
fn ensuring_what_is_there_keeps_handler_and_place() {
    let mut world = World::new();
    let [target] = spawn_targets(&mut world);
    let [first, second] = [(); 2].map(|()| world.spawn(Mob::default()).id());
    world.register_signal(first, target, Mob::says).unwrap();
    world.register_signal(second, target, Mob::says).unwrap();

    let ensured = world.ensure_signal(first, target, Mob::shouts);

    assert_eq!(ensured, Ok(Registered::Now));
    assert_eq!(listeners_on(&world, target), [first, second]);
    assert_eq!(world.send_signal(target, Ping), ["mob", "mob"]);
}

/// S10.
#[test]
fn ensuring_keeps_a_registration_for_one_call() {
    let mut world = World::new();
    let [target] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::default()).id();
    world.register_signal_once(mob, target, Mob::says).unwrap();

    world.ensure_signal(mob, target, Mob::shouts).unwrap();

    assert_eq!(world.send_signal(target, Ping), ["mob"]);
    assert_eq!(world.send_signal(target, Ping), [""; 0]);
}

/// S10 and S12: the same verb everywhere.
#[test]
fn everybody_ensures() {
    let mut world = World::new();
    let [target] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::default()).id();

    for _ in 0..2 {
        world.ensure_signal(mob, target, Mob::says).unwrap();
        world
            .entity_mut(mob)
            .ensure_signal(target, Mob::shouts)
            .unwrap();
        DeferredWorld::from(&mut world)
            .ensure_signal(mob, target, Mob::sings)
            .unwrap();
        world
            .commands()
            .entity(mob)
            .ensure_signal(target, Mob::shouts);
        world.flush();
    }

    assert_eq!(listeners_on(&world, target), [mob]);
    assert_eq!(world.send_signal(target, Ping), ["mob"]);
}

/// S4: all else is refused as by `register_signal`.
#[test]
fn ensuring_is_refused_where_registering_is() {
    let mut world = World::new();
    let [target, gone] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::default()).id();
    world.despawn(gone);

    let on_gone = world.ensure_signal(mob, gone, Mob::says);
    let without = world.ensure_signal(target, target, Mob::says);

    assert!(matches!(on_gone, Err(RegisterError::TargetNotSpawned(_))));
    assert!(matches!(without, Err(RegisterError::MissingComponent(_))));
}
