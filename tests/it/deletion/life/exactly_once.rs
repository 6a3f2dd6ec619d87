//! Q3: exactly once, whatever is deleted meanwhile.

use super::*;
use qdel::QdelCause;

use crate::stage::{Cast, on_a_small_stack};

#[test]
fn handler_that_deletes_its_own_target_changes_nothing() {
    assert_exactly_once(|world, cast| world.qdel(cast.target));
}

#[test]
fn handler_that_deletes_the_owner_of_its_target_changes_nothing() {
    assert_exactly_once(|world, cast| world.qdel(cast.owner));
}

#[test]
fn handler_that_deletes_what_its_target_owns_changes_nothing() {
    assert_exactly_once(|world, cast| world.qdel(cast.owned));
}

#[test]
fn handler_that_deletes_a_third_entity_deletes_it_once() {
    assert_exactly_once(|world, cast| world.qdel(cast.other));
}

#[test]
fn handler_that_deletes_everybody_twice_changes_nothing() {
    assert_exactly_once(|world, cast| {
        for entity in cast.all().into_iter().chain(cast.all()) {
            world.force_qdel(entity);
        }
    });
}

#[test]
fn handler_that_despawns_its_own_target_changes_nothing() {
    assert_exactly_once(|world, cast| world.commands().entity(cast.target).try_despawn());
}

#[test]
fn handler_that_despawns_the_owner_of_its_target_changes_nothing() {
    assert_exactly_once(|world, cast| world.commands().entity(cast.owner).try_despawn());
}

#[test]
fn handler_that_despawns_a_member_that_is_not_told_yet_changes_nothing() {
    assert_exactly_once(|world, cast| world.commands().entity(cast.owned).try_despawn());
}

#[test]
fn handler_that_despawns_a_third_entity_has_it_told_once() {
    assert_exactly_once(|world, cast| world.commands().entity(cast.other).try_despawn());
}

#[test]
fn handler_that_despawns_and_deletes_the_same_changes_nothing() {
    assert_exactly_once(|world, cast| {
        for entity in cast.all() {
            world.commands().entity(entity).try_despawn();
            world.qdel(entity);
        }
    });
    assert_exactly_once(|world, cast| {
        for entity in cast.all().into_iter().rev() {
            world.qdel(entity);
            world.commands().entity(entity).try_despawn();
        }
    });
}

#[test]
fn handler_that_gives_its_target_away_changes_nothing() {
    assert_exactly_once(|world, cast| {
        world
            .commands()
            .entity(cast.target)
            .try_insert(ChildOf(cast.other));
        world.commands().entity(cast.owned).try_remove::<ChildOf>();
        world.qdel(cast.other);
    });
}

#[test]
fn handler_that_gives_the_owner_to_a_third_entity_and_deletes_that_changes_nothing() {
    assert_exactly_once(|world, cast| {
        world
            .commands()
            .entity(cast.owner)
            .try_insert(ChildOf(cast.other));
        world.qdel(cast.other);
    });
}

#[test]
fn handler_that_flushes_by_command_changes_nothing() {
    assert_exactly_once(|world, cast| {
        let work = move |world: &mut World| {
            world.flush_qdel();
            world.qdel(cast.other).ok();
            world.flush_qdel();
        };
        world.commands().queue(work);
    });
}

#[test]
fn handler_that_deletes_its_listener_is_called_once() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let archer = spawn(&mut world, "archer");
    let flee = |mut world: DeferredWorld, told: Received<Qdeleting, Named>| {
        note(&mut world, "archer hears");
        world.qdel(told.listener());
    };
    world.register_signal(archer, goblin, flee).unwrap();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let expected = [
        "told goblin",
        "archer hears",
        "told archer",
        "gone goblin",
        "gone archer",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn handler_that_despawns_its_listener_is_called_once() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let archer = spawn(&mut world, "archer");
    let flee = |mut world: DeferredWorld, told: Received<Qdeleting, Named>| {
        note(&mut world, "archer hears");
        world.commands().entity(told.listener()).despawn();
    };
    world.register_signal(archer, goblin, flee).unwrap();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let expected = [
        "told goblin",
        "archer hears",
        "gone archer",
        "told archer",
        "gone goblin",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn two_whose_handlers_delete_each_other_are_told_once_each() {
    let mut world = stage();
    let jack = spawn(&mut world, "jack");
    let jill = spawn(&mut world, "jill");
    on_death(&mut world, jack, move |world, _| world.qdel(jill));
    on_death(&mut world, jill, move |world, _| world.qdel(jack));

    world.qdel(jack).unwrap();
    world.flush_qdel();

    let expected = ["told jack", "told jill", "gone jack", "gone jill"];
    assert_eq!(order(&world), expected);
    assert_eq!(observed(&world), [jack, jill]);
}

#[test]
fn two_whose_handlers_despawn_each_other_are_told_once_each() {
    let mut world = stage();
    let jack = spawn(&mut world, "jack");
    let jill = spawn(&mut world, "jill");
    on_death(&mut world, jack, move |world, _| {
        world.commands().entity(jill).try_despawn();
    });
    on_death(&mut world, jill, move |world, _| {
        world.commands().entity(jack).try_despawn();
    });

    world.qdel(jack).unwrap();
    world.flush_qdel();

    let expected = ["told jack", "told jill", "gone jack", "gone jill"];
    let mut happened = order(&world);
    happened.sort_unstable();
    let mut expected_in_any_order = expected;
    expected_in_any_order.sort_unstable();
    assert_eq!(happened, expected_in_any_order);
}

#[test]
fn despawn_of_a_listener_whose_handler_despawns_its_target_ends() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    on_death(&mut world, goblin, move |world, _| {
        world.commands().entity(goblin).try_despawn();
    });

    world.despawn(goblin);

    assert_eq!(order(&world), ["gone goblin", "told goblin"]);
}

#[test]
fn plain_despawn_of_a_told_entity_tells_nobody_twice() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world.qdel(goblin).unwrap();

    world.despawn(purse);
    world.despawn(goblin);
    let torn_down = world.flush_qdel();

    let expected = ["told goblin", "told purse", "gone purse", "gone goblin"];
    assert_eq!(order(&world), expected);
    assert_eq!(torn_down, 0);
}

#[test]
fn plain_despawn_tells_handlers_and_no_observers() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");

    world.despawn(goblin);

    assert_eq!(order(&world), ["gone goblin", "told goblin"]);
    assert_eq!(observed(&world), []);
}

/// The marks are set one by one, and Bevy runs observers and their commands after each.
#[test]
fn observer_of_the_mark_that_deletes_a_member_not_marked_yet_changes_nothing() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let meddle = move |marked: On<Insert<Disabled>>, mut world: DeferredWorld| {
        if marked.entity == goblin {
            world.qdel(purse);
        }
    };
    world.add_observer(meddle);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let expected = ["told goblin", "told purse", "gone purse", "gone goblin"];
    assert_eq!(order(&world), expected);
    assert_eq!(observed(&world), [goblin, purse]);
    assert_eq!(counts_of(&world).deleted, 2);
}

#[test]
fn observer_of_the_mark_that_despawns_a_member_does_so_when_everybody_is_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let meddle = move |marked: On<Add<Deleting>>, mut commands: Commands| {
        if marked.entity == goblin {
            commands.entity(purse).despawn();
        }
    };
    world.add_observer(meddle);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let expected = ["told goblin", "told purse", "gone purse", "gone goblin"];
    assert_eq!(order(&world), expected);
    assert_eq!(observed(&world), [goblin, purse]);
}

/// Bevy's own lifecycle events are there for who despawns plainly.
#[test]
fn entity_despawned_after_its_mark_and_before_its_notice_is_told_of_a_despawn_once() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    on_death(&mut world, goblin, move |world, _| {
        world.qdel(orc);
        world.commands().entity(orc).despawn();
    });
    let notices = record_notices(&mut world, &[orc]);

    world.qdel(goblin).unwrap();

    assert_eq!(order(&world), ["told goblin", "gone orc", "told orc"]);
    assert_eq!(notices.all(), [(orc, QdelCause::Despawn, false)]);
    assert_eq!(observed(&world), [goblin]);
}

#[test]
fn observer_of_the_mark_that_despawns_the_marked_has_everybody_told_once() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    spawn_owned(&mut world, "purse", goblin);
    let meddle = |marked: On<Add<Deleting>>, mut commands: Commands| {
        commands.entity(marked.entity).try_despawn();
    };
    world.add_observer(meddle);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let mut happened = order(&world);
    happened.sort_unstable();
    let expected = ["gone goblin", "gone purse", "told goblin", "told purse"];
    assert_eq!(happened, expected);
}

/// Code that names `Deleting` can remove it, though the docs say not to.
#[test]
fn entity_whose_mark_was_removed_by_hand_is_torn_down_all_the_same() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.qdel(goblin).unwrap();

    world.entity_mut(goblin).remove::<Deleting>();
    world.flush_qdel();

    assert_eq!(order(&world), ["told goblin", "gone goblin"]);
    assert_eq!(observed(&world), [goblin]);
}

#[test]
fn entity_that_is_deleted_again_without_its_mark_is_told_and_torn_down_once() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.qdel(goblin).unwrap();
    world.entity_mut(goblin).remove::<Deleting>();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(order(&world), ["told goblin", "gone goblin"]);
}

#[test]
fn chain_of_100_000_whose_handlers_delete_the_next_does_not_touch_the_stack() {
    on_a_small_stack(|| {
        let mut world = World::new();
        let links = spawn_links(&mut world);
        for &link in &links {
            let delete_next = |mut world: DeferredWorld, told: Received<Qdeleting, Link>| {
                let link = world.get_mut::<Link>(told.listener()).unwrap();
                let next = link.into_inner().tell();
                next.into_iter().for_each(|next| world.qdel(next));
            };
            world.register_signal(link, link, delete_next).unwrap();
        }

        world.qdel(links[0]).unwrap();

        assert_each_told_once(&world, &links);
        assert_eq!(world.flush_qdel(), links.len());
    });
}

#[test]
fn chain_of_100_000_whose_observers_delete_the_next_does_not_touch_the_stack() {
    on_a_small_stack(|| {
        let mut world = World::new();
        let links = spawn_links(&mut world);
        world.add_observer(|told: On<Qdeleting>, mut world: DeferredWorld| {
            let link = world.get_mut::<Link>(told.entity).unwrap();
            let next = link.into_inner().tell();
            next.into_iter().for_each(|next| world.qdel(next));
        });

        world.qdel(links[0]).unwrap();

        assert_each_told_once(&world, &links);
        assert_eq!(world.flush_qdel(), links.len());
    });
}

#[test]
fn chain_of_100_000_whose_despawns_delete_the_next_does_not_touch_the_stack() {
    on_a_small_stack(|| {
        let mut world = World::new();
        world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        let links = spawn_links(&mut world);
        world.add_observer(|gone: On<Despawn<Link>>, mut world: DeferredWorld| {
            let link = world.get_mut::<Link>(gone.entity).unwrap();
            let next = link.into_inner().tell();
            next.into_iter().for_each(|next| world.qdel(next));
        });

        world.qdel(links[0]).unwrap();

        assert!(
            links
                .iter()
                .all(|&link| world.liveness(link) == Liveness::Gone)
        );
        assert_eq!(counts_of(&world).torn_down, links.len() as u64);
    });
}

/// A world may have commands that wait, of code that held it as a `DeferredWorld`.
#[test]
fn commands_that_wait_when_a_deletion_begins_do_no_harm() {
    let waiting: [fn(&mut Commands, Entity); 3] = [
        |commands, entity| commands.entity(entity).despawn(),
        |commands, entity| {
            commands.entity(entity).qdel();
        },
        |commands, entity| {
            commands.entity(entity).insert(Gold(1)).remove::<ChildOf>();
        },
    ];
    for (queue, victim, is_first) in (0..12).map(|n| (waiting[n % 3], n / 3 % 2, n < 6)) {
        let mut world = stage();
        let goblin = spawn(&mut world, "goblin");
        let purse = spawn_owned(&mut world, "purse", goblin);
        if !is_first {
            let other = world.spawn_empty().id();
            world.qdel(other).unwrap();
        }
        queue(&mut world.commands(), [goblin, purse][victim]);

        world.qdel(goblin).ok();
        world.flush();
        world.qdel(purse).ok();
        world.flush_qdel();

        let mut happened = order(&world);
        happened.sort_unstable();
        let expected = ["gone goblin", "gone purse", "told goblin", "told purse"];
        assert_eq!(happened, expected);
    }
}

// The stage.

/// Meddles with a deletion in its despawn hook.
#[derive(Component)]
#[component(on_despawn = meddle_on_despawn)]
struct Meddling(fn(&mut DeferredWorld, Cast), Cast);

fn meddle_on_despawn(mut world: DeferredWorld, context: HookContext) {
    let &Meddling(meddle, cast) = world.get::<Meddling>(context.entity).unwrap();
    meddle(&mut world, cast);
}

/// Who notices a deletion and meddles with it.
#[derive(Debug, Clone, Copy)]
enum Meddler {
    Handler,
    Observer,
    ObserverOfTheMark,
    Hook,
}

/// Deletes an owner, its target, and what that owns, in several ways, and has `meddle` called in
/// the middle of it.
///
/// Whatever it does: all who go are told once and torn down once, and the three who must go are
/// gone.
fn assert_exactly_once(meddle: fn(&mut DeferredWorld, Cast)) {
    let meddlers = [
        Meddler::Handler,
        Meddler::Observer,
        Meddler::ObserverOfTheMark,
        Meddler::Hook,
    ];
    let teardowns = [Teardown::EndOfFrame, Teardown::Immediate];
    let starts: [fn(&mut World, Entity); 2] = [
        |world, owner| assert_eq!(world.qdel(owner), Ok(QdelOutcome::Queued)),
        |world, owner| world.entity_mut(owner).despawn(),
    ];
    for meddler in meddlers {
        for teardown in teardowns {
            for (number, start) in starts.into_iter().enumerate() {
                let mut world = stage();
                world.insert_resource(QdelSettings::default().with_teardown(teardown));
                let cast = set_stage(&mut world, meddler, meddle);

                start(&mut world, cast.owner);
                world.flush_qdel();
                world.flush_qdel();

                let scene = format!("{meddler:?}, {teardown:?}, start {number}");
                assert_told_and_torn_down_once(&world, cast, &scene);
            }
        }
    }
}

fn set_stage(world: &mut World, meddler: Meddler, meddle: fn(&mut DeferredWorld, Cast)) -> Cast {
    let owner = spawn(world, "owner");
    let target = spawn_owned(world, "target", owner);
    let owned = spawn_owned(world, "owned", target);
    let other = spawn(world, "other");
    let cast = Cast {
        owner,
        target,
        owned,
        other,
    };
    match meddler {
        Meddler::Handler => {
            on_death(world, target, move |world, _| meddle(world, cast));
        }
        Meddler::Observer => {
            let observer = move |_: On<Qdeleting>, mut world: DeferredWorld| {
                meddle(&mut world, cast);
            };
            world.entity_mut(target).observe(observer);
        }
        Meddler::ObserverOfTheMark => {
            let observer = move |_: On<Add<Deleting>>, mut world: DeferredWorld| {
                meddle(&mut world, cast);
            };
            world.entity_mut(target).observe(observer);
        }
        Meddler::Hook => {
            world.entity_mut(target).insert(Meddling(meddle, cast));
        }
    }
    cast
}

fn assert_told_and_torn_down_once(world: &World, cast: Cast, scene: &str) {
    let happened = order(world);
    let count = |line: String| happened.iter().filter(|at| **at == line).count();
    for name in ["owner", "target", "owned"] {
        let counts = (count(format!("told {name}")), count(format!("gone {name}")));
        assert_eq!(counts, (1, 1), "{name}: {scene}: {happened:?}");
    }
    let told = count("told other".to_owned());
    assert!(told <= 1, "{scene}: {happened:?}");
    assert_eq!(
        told,
        count("gone other".to_owned()),
        "{scene}: {happened:?}"
    );
    for entity in cast.all() {
        let notices = observed(world).iter().filter(|at| **at == entity).count();
        assert!(
            notices <= 1,
            "{entity} observed {notices} times: {scene}: {happened:?}"
        );
    }
    for entity in [cast.owner, cast.target, cast.owned] {
        assert_eq!(
            world.liveness(entity),
            Liveness::Gone,
            "{scene}: {happened:?}"
        );
    }
    world.check_registrations().unwrap();
    let counts = counts_of(world);
    assert!(counts.deleted <= 4, "{scene}: {counts:?}");
    assert!(counts.torn_down <= counts.deleted, "{scene}: {counts:?}");
}

/// One of a long chain.
#[derive(Component)]
struct Link {
    next: Option<Entity>,
    told: u32,
}

impl Link {
    fn tell(&mut self) -> Option<Entity> {
        self.told += 1;
        self.next
    }
}

/// Spawns 100,000 links that know the next, the last of which knows the first.
fn spawn_links(world: &mut World) -> Vec<Entity> {
    let link = || Link {
        next: None,
        told: 0,
    };
    let links: Vec<_> = (0..100_000).map(|_| world.spawn(link()).id()).collect();
    for (at, &link) in links.iter().enumerate() {
        let next = links[(at + 1) % links.len()];
        world.get_mut::<Link>(link).unwrap().next = Some(next);
    }
    links
}

fn assert_each_told_once(world: &World, links: &[Entity]) {
    let told = |link: &Entity| world.get::<Link>(*link).unwrap().told;
    assert!(links.iter().all(|link| told(link) == 1));
}
