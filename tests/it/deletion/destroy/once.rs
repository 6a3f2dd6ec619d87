//! Q3: exactly once, whatever a `Destroy` deletes or despawns.

use super::*;

use crate::stage::Cast;

#[test]
fn destroy_that_deletes_its_own_entity_changes_nothing() {
    assert_exactly_once(|commands, cast, me| {
        commands.entity(cast.all()[me]).qdel();
    });
}

#[test]
fn destroy_that_deletes_the_owner_changes_nothing() {
    assert_exactly_once(|commands, cast, _| {
        commands.entity(cast.owner).qdel().force_qdel();
    });
}

#[test]
fn destroy_that_deletes_what_is_owned_changes_nothing() {
    assert_exactly_once(|commands, cast, _| {
        commands.entity(cast.owned).qdel();
    });
}

#[test]
fn destroy_that_deletes_a_third_entity_deletes_it_once() {
    assert_exactly_once(|commands, cast, _| {
        commands.entity(cast.other).qdel().qdel();
        commands.qdel_batch([cast.other, cast.owner]);
    });
}

#[test]
fn destroys_that_delete_each_other_change_nothing() {
    assert_exactly_once(|commands, cast, _| {
        for entity in cast.all() {
            commands.entity(entity).qdel();
        }
    });
}

#[test]
fn destroy_that_despawns_its_own_entity_changes_nothing() {
    assert_exactly_once(|commands, cast, me| {
        commands.entity(cast.all()[me]).try_despawn();
    });
}

#[test]
fn destroy_that_despawns_the_owner_changes_nothing() {
    assert_exactly_once(|commands, cast, _| commands.entity(cast.owner).try_despawn());
}

#[test]
fn destroy_that_despawns_what_is_owned_and_deletes_a_third_changes_nothing() {
    assert_exactly_once(|commands, cast, _| {
        commands.entity(cast.other).qdel();
        commands.entity(cast.owned).try_despawn();
    });
}

#[test]
fn destroy_that_despawns_a_third_entity_has_it_told_once() {
    assert_exactly_once(|commands, cast, _| commands.entity(cast.other).try_despawn());
}

#[test]
fn destroy_that_flushes_and_drains_changes_nothing() {
    assert_exactly_once(|commands, _, _| {
        commands.queue(|world: &mut World| {
            world.flush_qdel();
            world.drain_qdel();
        });
    });
}

#[test]
fn destroy_that_tears_the_tree_apart_changes_nothing() {
    assert_exactly_once(|commands, cast, _| {
        commands.entity(cast.owned).remove::<ChildOf>();
        commands.entity(cast.target).insert(ChildOf(cast.owned));
        commands.entity(cast.other).insert(ChildOf(cast.target));
    });
}

#[test]
fn destroy_whose_command_clears_the_world_does_no_harm() {
    for teardown in [Teardown::EndOfFrame, Teardown::Immediate] {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_teardown(teardown));
        let boss = spawn_meddler(&mut world, "boss", DestroyHint::HardDeleteNow, |commands| {
            commands.queue(World::clear_entities);
        });
        let orc = spawn_owned(&mut world, "orc", boss);

        world.qdel(boss).unwrap();
        world.flush_qdel();

        let states = [boss, orc].map(|entity| world.liveness(entity));
        assert_eq!(states, [Liveness::Gone; 2]);
    }
}

#[test]
fn long_chain_whose_destroys_delete_the_next_does_not_touch_the_stack() {
    let run = || {
        let mut world = World::new();
        world.register_destroy::<Link>();
        let links: Vec<_> = (0..20_000)
            .map(|_| world.spawn(Link::default()).id())
            .collect();
        for (at, link) in links.iter().enumerate() {
            let next = links[(at + 1) % links.len()];
            world.get_mut::<Link>(*link).unwrap().next = Some(next);
        }

        world.qdel(links[0]).unwrap();

        let calls = |link: &Entity| world.get::<Link>(*link).unwrap().calls;
        assert!(links.iter().all(|link| calls(link) == 1));
        assert_eq!(world.flush_qdel(), links.len());
    };
    let thread = thread::Builder::new().stack_size(512 * 1024).spawn(run);
    thread.unwrap().join().unwrap();
}

// The stage.

/// Deletes an owner, its target, and what that owns. The `Destroy` of each in turn, and then of all
/// together, calls `meddle` with the number of its own entity.
///
/// Whatever it does: all are told once, destroyed once, and torn down once.
fn assert_exactly_once(meddle: fn(&mut Commands, Cast, usize)) {
    let names = ["owner", "target", "owned", "other"];
    for teardown in [Teardown::EndOfFrame, Teardown::Immediate] {
        for hint in [
            DestroyHint::Queue,
            DestroyHint::HardDelete,
            DestroyHint::HardDeleteNow,
        ] {
            for meddlers in [0b0001, 0b0010, 0b0100, 0b1111] {
                let mut world = stage();
                world.insert_resource(QdelSettings::default().with_teardown(teardown));
                let [owner, target, owned, other] = names.map(|name| {
                    let entity = world.spawn(Named(name)).id();
                    write_down(&mut world, entity, name);
                    entity
                });
                world.entity_mut(target).insert(ChildOf(owner));
                world.entity_mut(owned).insert(ChildOf(target));
                let cast = Cast {
                    owner,
                    target,
                    owned,
                    other,
                };
                for (at, entity) in cast.all().into_iter().enumerate() {
                    if meddlers & (1 << at) == 0 {
                        world.entity_mut(entity).insert(Part::<0>);
                    } else {
                        let meddle = Box::new(move |commands: &mut Commands| {
                            meddle(commands, cast, at);
                        });
                        world.entity_mut(entity).insert(Meddler { hint, meddle });
                    }
                }

                world.qdel(owner).unwrap();
                world.flush_qdel();
                world.flush_qdel();

                let scene = format!("{teardown:?}, {hint:?}, meddlers {meddlers:b}");
                assert_each_once(&world, cast, names, &scene);
            }
        }
    }
}

fn assert_each_once(world: &World, cast: Cast, names: [&str; 4], scene: &str) {
    let happened = order(world);
    let count = |what: &str, name: &str| {
        let line = format!("{what} {name}");
        happened.iter().filter(|at| **at == line).count()
    };
    for name in &names[..3] {
        let counts = ["told", "destroyed", "gone"].map(|what| count(what, name));
        assert_eq!(counts, [1; 3], "{name}: {scene}: {happened:?}");
    }
    let [told, destroyed, gone] = ["told", "destroyed", "gone"].map(|what| count(what, "other"));
    assert!(told <= 1 && destroyed <= told, "{scene}: {happened:?}");
    assert_eq!(told, gone, "{scene}: {happened:?}");
    for entity in [cast.owner, cast.target, cast.owned] {
        assert_eq!(world.liveness(entity), Liveness::Gone, "{scene}");
    }
    world.check_registrations().unwrap();
    let counts = world.resource::<QdelCounts>();
    assert!(counts.torn_down <= counts.deleted, "{scene}: {counts:?}");
}
