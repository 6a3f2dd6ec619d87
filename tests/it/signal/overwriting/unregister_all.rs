//! S10: `unregister_all`.

use super::*;

/// S10.
#[test]
fn unregistering_all_ends_every_registration_and_tells_nobody() {
    let mut world = World::new();
    let [target, other] = spawn_targets(&mut world);
    let mobs = [(); 40].map(|()| world.spawn(Mob::default()).id());
    for mob in mobs {
        world.register_signal(mob, target, Mob::clear).unwrap();
        world.register_signal(mob, target, Mob::says).unwrap();
        world.register_signal(mob, other, Mob::clear).unwrap();
    }

    let ended = world.unregister_all(target);

    assert_eq!(ended, 80);
    assert_eq!(listeners_on(&world, target), []);
    assert_eq!(listeners_on(&world, other), mobs);
    world.despawn(target);
    assert!(
        mobs.iter()
            .all(|mob| world.get::<Mob>(*mob).unwrap().lost.is_empty())
    );
}

/// S10 and R3: fields still name it.
#[test]
fn unregistering_all_leaves_declared_references() {
    #[derive(Component, References)]
    struct Aim(#[entities] Option<Entity>);

    let mut world = World::new();
    world.track_references::<Aim>();
    let [target] = spawn_targets(&mut world);
    let holder = world.spawn((Aim(Some(target)), Mob::default())).id();
    world.register_signal(holder, target, Mob::clear).unwrap();

    assert_eq!(world.unregister_all(target), 1);
    world.despawn(target);

    assert_eq!(world.get::<Aim>(holder).unwrap().0, None);
    assert!(world.get::<Mob>(holder).unwrap().lost.is_empty());
}

/// S10 and S7: what is ended in a dispatch is not called.
#[test]
fn handler_ends_all_registrations_on_its_target() {
    fn hush(mut world: DeferredWorld, ping: Received<Ping, Mob>) -> Vec<&'static str> {
        world.unregister_all(ping.target());
        vec!["hush"]
    }

    let mut world = World::new();
    let [target] = spawn_targets(&mut world);
    let mobs = [(); 3].map(|()| world.spawn(Mob::default()).id());
    world.register_signal(mobs[0], target, Mob::says).unwrap();
    world.register_signal(mobs[1], target, hush).unwrap();
    world.register_signal(mobs[2], target, Mob::says).unwrap();

    assert_eq!(world.send_signal(target, Ping), ["mob", "hush"]);
    assert_eq!(listeners_on(&world, target), []);
}

/// S10 and S12.
#[test]
fn everybody_unregisters_all() {
    let mut world = World::new();
    let [target] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::default()).id();
    let ways: [fn(&mut World, Entity); 4] = [
        |world, target| assert_eq!(world.unregister_all(target), 1),
        |world, target| assert_eq!(world.entity_mut(target).unregister_all(), 1),
        |world, target| assert_eq!(DeferredWorld::from(world).unregister_all(target), 1),
        |world, target| {
            world.commands().entity(target).unregister_all();
            world.flush();
        },
    ];
    for end in ways {
        world.register_signal(mob, target, Mob::says).unwrap();
        end(&mut world, target);
        assert_eq!(listeners_on(&world, target), []);
    }
    assert_eq!(world.unregister_all(target), 0);
    world.despawn(target);
    assert_eq!(world.unregister_all(target), 0);
}
