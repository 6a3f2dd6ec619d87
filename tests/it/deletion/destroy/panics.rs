//! Panics.

use super::*;

#[test]
fn panic_in_a_destroy_goes_on_when_everybody_else_is_told_and_destroyed() {
    let mut world = stage();
    world.register_destroy::<Bomb>();
    world.register_destroy::<Part<2>>();
    let goblin = spawn(&mut world, "goblin");
    world.entity_mut(goblin).insert((Bomb, Part::<2>));
    let purse = spawn_owned(&mut world, "purse", goblin);
    world.entity_mut(purse).insert(Bomb);
    spawn_owned(&mut world, "coin", purse);

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "boom");
    let expected = [
        "told goblin",
        "told purse",
        "told coin",
        "destroyed goblin",
        "destroyed goblin 2",
        "destroyed purse",
        "destroyed coin",
    ];
    assert_eq!(order(&world), expected);
    assert_whole_after(&mut world, &["goblin", "purse", "coin"]);
}

#[test]
fn component_that_panics_counts_as_queue_among_stronger_hints() {
    let mut world = stage();
    world.register_destroy::<Bomb>();
    let goblin = spawn_meddler(&mut world, "goblin", DestroyHint::LetMeLive, |_| ());
    world.entity_mut(goblin).insert(Bomb);

    panic_of(|| world.qdel(goblin));

    assert_eq!(world.liveness(goblin), Liveness::Alive);
    assert_eq!(world.flush_qdel(), 0);
    world.check_registrations().unwrap();
}

#[test]
fn panic_in_a_destroy_under_immediate_goes_on_after_the_tear_down() {
    let mut world = stage();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    world.register_destroy::<Bomb>();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world.entity_mut(purse).insert(Bomb);

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "boom");
    let states = [goblin, purse].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Gone; 2]);
}

#[test]
fn commands_of_others_are_applied_though_a_destroy_panics() {
    let mut world = stage();
    world.register_destroy::<Bomb>();
    let goblin = spawn_meddler(&mut world, "goblin", DestroyHint::Queue, |commands| {
        commands.queue(|world: &mut World| note(world, "command"));
        panic!("boom");
    });
    let orc = spawn_meddler(&mut world, "orc", DestroyHint::Queue, |commands| {
        commands.queue(|world: &mut World| note(world, "command of the orc"));
    });

    panic_of(|| world.qdel_batch([goblin, orc]));

    let happened = order(&world);
    assert_eq!(happened[4..], ["command", "command of the orc"]);
}

/// Bevy drops what waits behind a command that panics in the same queue, and each kind of component
/// has its own.
#[test]
fn commands_of_other_kinds_of_components_are_applied_though_a_command_panics() {
    let mut world = stage();
    world.register_destroy::<Link>();
    let orc = spawn(&mut world, "orc");
    let goblin = spawn_meddler(&mut world, "goblin", DestroyHint::Queue, |commands| {
        commands.queue(|_: &mut World| panic!("boom"));
    });
    let link = Link {
        next: Some(orc),
        calls: 0,
    };
    world.entity_mut(goblin).insert(link);

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "boom");
    let expected = [
        "told goblin",
        "destroyed goblin",
        "told orc",
        "destroyed orc",
    ];
    assert_eq!(order(&world), expected);
    assert_whole_after(&mut world, &["goblin", "orc"]);
}

#[test]
fn destroy_works_in_deletions_after_one_that_panicked() {
    let mut world = stage();
    world.register_destroy::<Bomb>();
    let goblin = spawn(&mut world, "goblin");
    world.entity_mut(goblin).insert(Bomb);
    panic_of(|| world.qdel(goblin));
    world.resource_mut::<Order<String>>().0.clear();
    let orc = spawn(&mut world, "orc");
    world.entity_mut(orc).insert(Bomb);

    let panicked = panic_of(|| world.qdel(orc));

    assert_eq!(panicked, "boom");
    assert_eq!(order(&world), ["told orc", "destroyed orc"]);
}
