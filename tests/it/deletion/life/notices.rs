//! Q4: what a notice says, and what its handlers can reach.

use super::*;
use qdel::QdelCause;

#[test]
fn cause_says_how_each_entity_came_to_be_deleted() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let coin = spawn_owned(&mut world, "coin", purse);
    let orc = spawn(&mut world, "orc");
    let notices = record_notices(&mut world, &[goblin, purse, coin, orc]);

    world.qdel(goblin).unwrap();
    world.despawn(orc);

    let expected = [
        (goblin, QdelCause::Qdel, false),
        (purse, QdelCause::Owner(goblin), false),
        (coin, QdelCause::Owner(purse), false),
        (orc, QdelCause::Despawn, false),
    ];
    assert_eq!(notices.all(), expected);
}

#[test]
fn force_is_told_to_the_whole_tree() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let notices = record_notices(&mut world, &[goblin, purse]);

    world.force_qdel(goblin).unwrap();

    let expected = [
        (goblin, QdelCause::Qdel, true),
        (purse, QdelCause::Owner(goblin), true),
    ];
    assert_eq!(notices.all(), expected);
}

#[test]
fn observers_hear_what_handlers_heard_after_them() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world.add_observer(|told: On<Qdeleting>, mut order: ResMut<Order<String>>| {
        order
            .0
            .push(format!("observed {:?} {}", told.cause, told.force));
    });

    world.force_qdel(purse).unwrap();
    world.qdel(goblin).unwrap();

    let expected = [
        "told purse",
        "observed Qdel true",
        "told goblin",
        "observed Qdel false",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn member_despawned_by_a_handlers_command_was_told_with_its_owner() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    on_death(&mut world, goblin, move |world, _| {
        world.commands().entity(purse).despawn();
    });
    let notices = record_notices(&mut world, &[purse]);

    world.qdel(goblin).unwrap();

    assert_eq!(notices.all(), [(purse, QdelCause::Owner(goblin), false)]);
    assert_eq!(world.liveness(purse), Liveness::Gone);
}

#[test]
fn handlers_read_and_write_every_component_of_the_tree() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let coin = spawn_owned(&mut world, "coin", purse);
    let tree = [goblin, purse, coin];
    for entity in tree {
        world.entity_mut(entity).insert((Gold(0), Weight(0)));
    }
    for entity in tree {
        on_death(&mut world, entity, move |world, _| {
            for other in tree {
                world.get_mut::<Gold>(other).unwrap().0 += 1;
                world.get_mut::<Weight>(other).unwrap().0 += 1;
            }
            assert_eq!(world.get::<ChildOf>(coin).unwrap().parent(), purse);
            assert!(world.get::<Children>(purse).unwrap().contains(&coin));
        });
    }

    world.qdel(goblin).unwrap();

    let gold = tree.map(|entity| world.get::<Gold>(entity).unwrap().0);
    let weight = tree.map(|entity| world.get::<Weight>(entity).unwrap().0);
    assert_eq!((gold, weight), ([3; 3], [3; 3]));
}

#[test]
fn observers_read_and_write_every_component_of_the_tree() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    for entity in [goblin, purse] {
        world.entity_mut(entity).insert((Gold(0), Weight(0)));
    }
    world.add_observer(
        move |_: On<Qdeleting>, mut tree: Query<(&mut Gold, &mut Weight), Allow<Disabled>>| {
            for entity in [goblin, purse] {
                let (mut gold, mut weight) = tree.get_mut(entity).unwrap();
                gold.0 += 1;
                weight.0 += 1;
            }
        },
    );

    world.qdel(goblin).unwrap();

    let gold = [goblin, purse].map(|entity| world.get::<Gold>(entity).unwrap().0);
    assert_eq!(gold, [2, 2]);
}

#[test]
fn handlers_of_a_plain_despawn_read_and_write_every_component_of_the_target() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.entity_mut(goblin).insert((Gold(7), Weight(5)));
    on_death(&mut world, goblin, move |world, _| {
        world.get_mut::<Gold>(goblin).unwrap().0 += 1;
        let carried = (
            world.get::<Gold>(goblin).unwrap().0,
            world.get::<Weight>(goblin).unwrap().0,
        );
        assert_eq!(carried, (8, 5));
    });

    world.despawn(goblin);

    assert_eq!(world.liveness(goblin), Liveness::Gone);
}

#[test]
fn commands_of_handlers_are_applied_when_everybody_is_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let write = |world: &mut World| world.resource_mut::<Order<String>>().note("command");
    for entity in [goblin, purse] {
        on_death(&mut world, entity, move |world, _| {
            world.commands().queue(write);
        });
    }
    world.add_observer(move |_: On<Qdeleting>, mut commands: Commands| commands.queue(write));

    world.qdel(goblin).unwrap();

    let expected = [
        "told goblin",
        "told purse",
        "command",
        "command",
        "command",
        "command",
    ];
    assert_eq!(order(&world), expected);
}

/// Bevy runs observers of `Remove` after the hook that tells of a despawn: who registers there
/// comes too late.
#[test]
fn registering_in_the_last_moments_of_a_plain_despawn_is_refused() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let archer = world.spawn(Guard(QdelVerdict::Allow)).id();
    let look_away = |_: &mut Guard, _: Received<Qdeleting>| ();
    let other = spawn(&mut world, "other");
    world.register_signal(archer, other, look_away).unwrap();
    world.add_observer(
        move |removed: On<Remove<Named>>, mut world: DeferredWorld| {
            let answer = world.register_signal(archer, removed.entity, look_away);
            let line = match answer {
                Err(RegisterError::TargetDeleting(_)) => "refused".to_owned(),
                answer => format!("{answer:?}"),
            };
            note(&mut world, &line);
        },
    );

    world.despawn(goblin);

    assert_eq!(order(&world), ["gone goblin", "told goblin", "refused"]);
    assert_eq!(world.registrations_of(archer).len(), 1);
}

// The stage.

#[derive(Component)]
#[component(storage = "SparseSet")]
struct Weight(u32);
