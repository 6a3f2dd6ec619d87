//! S11 and Q3: panics of user code.
//! Re-entrancy: the world's own verbs, in commands that handlers queue.

use super::*;

// S11 and Q3: panics of user code.

#[test]
fn panic_in_a_handler_goes_on_after_everybody_was_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    on_death(&mut world, goblin, |_, _| panic!("first"));
    on_death(&mut world, goblin, |world, _| note(world, "told after"));
    let purse = spawn_owned(&mut world, "purse", goblin);
    on_death(&mut world, purse, |_, _| panic!("second"));

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "first");
    assert_eq!(order(&world), ["told goblin", "told after", "told purse"]);
    assert_eq!(observed(&world), [goblin, purse]);
    assert_works_on(&mut world, &[goblin, purse]);
}

#[test]
fn panic_in_an_observer_goes_on_after_everybody_was_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world
        .entity_mut(goblin)
        .observe(|_: On<Qdeleting>| panic!("observer"));

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "observer");
    assert_eq!(order(&world), ["told goblin", "told purse"]);
    assert_works_on(&mut world, &[goblin, purse]);
}

#[test]
fn panic_in_an_observer_of_the_mark_goes_on_after_everybody_was_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let panics = world
        .add_observer(|_: On<Insert<Disabled>>| panic!("mark"))
        .id();

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "mark");
    assert_eq!(order(&world), ["told goblin", "told purse"]);
    let states = [goblin, purse].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Deleting; 2]);
    world.despawn(panics);
    assert_works_on(&mut world, &[goblin, purse]);
}

#[test]
fn panic_in_a_command_of_a_handler_goes_on_after_everybody_was_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    on_death(&mut world, goblin, |world, _| {
        world.commands().queue(|_: &mut World| panic!("command"));
    });
    let purse = spawn_owned(&mut world, "purse", goblin);

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "command");
    assert_eq!(order(&world), ["told goblin", "told purse"]);
    assert_works_on(&mut world, &[goblin, purse]);
}

#[test]
fn panic_in_a_deletion_inside_another_leaves_both_whole() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    on_death(&mut world, goblin, move |world, _| world.qdel(orc));
    let panics =
        move |marked: On<Insert<Disabled>>| assert_ne!(marked.entity, orc, "orc is marked");
    let panics = world.add_observer(panics).id();

    let panicked = panic_of(|| world.qdel(goblin));

    assert!(panicked.contains("orc is marked"), "{panicked}");
    assert_eq!(order(&world), ["told goblin", "told orc"]);
    world.despawn(panics);
    assert_works_on(&mut world, &[goblin, orc]);
}

#[test]
fn panic_in_a_deletion_inside_another_does_not_lose_a_third() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    let troll = spawn(&mut world, "troll");
    on_death(&mut world, goblin, move |world, _| world.qdel(orc));
    on_death(&mut world, goblin, move |world, _| world.qdel(troll));
    let panics =
        move |marked: On<Insert<Disabled>>| assert_ne!(marked.entity, orc, "orc is marked");
    let panics = world.add_observer(panics).id();

    let panicked = panic_of(|| world.qdel(goblin));

    assert!(panicked.contains("orc is marked"), "{panicked}");
    assert_eq!(order(&world), ["told goblin", "told orc", "told troll"]);
    world.despawn(panics);
    assert_works_on(&mut world, &[goblin, orc, troll]);
}

#[test]
fn panic_in_a_handler_under_immediate_goes_on_after_the_tear_down() {
    let mut world = immediate_stage();
    let goblin = spawn(&mut world, "goblin");
    spawn_owned(&mut world, "purse", goblin);
    on_death(&mut world, goblin, |_, _| panic!("handler"));

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "handler");
    let expected = ["told goblin", "told purse", "gone purse", "gone goblin"];
    assert_eq!(order(&world), expected);
}

#[test]
fn panic_in_a_hook_goes_on_after_the_rest_was_torn_down() {
    let mut world = stage();
    let bomb = spawn(&mut world, "bomb");
    world.entity_mut(bomb).insert(Bomb);
    let orc = spawn(&mut world, "orc");
    for entity in [bomb, orc] {
        world.qdel(entity).unwrap();
    }
    world.insert_resource(Charges(1));

    let panicked = panic_of(|| world.flush_qdel());

    assert_eq!(panicked, "boom");
    assert_eq!(world.liveness(orc), Liveness::Gone);
    assert_eq!(world.liveness(bomb), Liveness::Deleting);
}

#[test]
fn entity_whose_hook_panicked_is_torn_down_at_a_later_flush() {
    let mut world = stage();
    let bomb = spawn(&mut world, "bomb");
    world.entity_mut(bomb).insert(Bomb);
    world.qdel(bomb).unwrap();
    world.insert_resource(Charges(2));
    panic_of(|| world.flush_qdel());
    panic_of(|| world.flush_qdel());

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 1);
    assert_eq!(world.liveness(bomb), Liveness::Gone);
    let told: Vec<_> = order(&world)
        .into_iter()
        .filter(|line| line == "told bomb")
        .collect();
    assert_eq!(told.len(), 1);
    assert_eq!(counts_of(&world).torn_down, 1);
}

#[test]
fn panic_in_the_hook_of_an_owned_entity_is_counted_right() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let bomb = spawn_owned(&mut world, "bomb", goblin);
    world.entity_mut(bomb).insert(Bomb);
    world.qdel(goblin).unwrap();
    world.insert_resource(Charges(1));

    panic_of(|| world.flush_qdel());
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(bomb), Liveness::Gone);
    assert_eq!(counts_of(&world).torn_down, 2);
}

#[test]
fn panic_in_a_handler_of_a_plain_despawn_tells_nobody_twice() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    on_death(&mut world, goblin, |_, _| panic!("handler"));
    on_death(&mut world, goblin, |world, _| note(world, "told after"));

    let panicked = panic_of(|| world.despawn(goblin));
    let was = world.liveness(goblin);
    let answer = world.qdel(goblin);
    world.flush_qdel();

    assert_eq!(panicked, "handler");
    assert_eq!((was, answer), (Liveness::Deleting, Ok(QdelOutcome::Queued)));
    let mut told = order(&world);
    told.retain(|line| line.starts_with("told"));
    assert_eq!(told, ["told goblin", "told after"]);
    assert_eq!(world.liveness(goblin), Liveness::Gone);
}

// Re-entrancy: the world's own verbs, in commands that handlers queue.

#[test]
fn qdel_by_a_command_of_a_handler_marks_at_once_and_tells_before_the_outermost_returns() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    on_death(&mut world, goblin, move |world, _| {
        world.commands().queue(move |world: &mut World| {
            let answer = world.qdel(orc);
            let state = world.liveness(orc);
            let line = format!("{answer:?} {state:?}");
            world.resource_mut::<Order<String>>().0.push(line);
        });
    });

    world.qdel(goblin).unwrap();

    let expected = ["told goblin", "Ok(Queued) Deleting", "told orc"];
    assert_eq!(order(&world), expected);
}

#[test]
fn flush_by_a_command_of_a_handler_tears_nothing_down_before_everybody_is_told() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    on_death(&mut world, goblin, move |world, _| {
        world.qdel(orc);
        world.commands().queue(|world: &mut World| {
            let torn_down = world.flush_qdel();
            let line = format!("{torn_down} torn down");
            world.resource_mut::<Order<String>>().0.push(line);
        });
    });

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let expected = [
        "told goblin",
        "0 torn down",
        "told orc",
        "gone goblin",
        "gone orc",
    ];
    assert_eq!(order(&world), expected);
    assert_eq!(counts_of(&world).torn_down, 2);
}

#[test]
fn qdel_inside_a_command_applies_the_commands_behind_it_afterwards() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let write = |world: &mut World| world.resource_mut::<Order<String>>().note("next");

    world.commands().entity(goblin).qdel();
    world.commands().queue(write);
    world.flush();

    assert_eq!(order(&world), ["told goblin", "next"]);
}

// The stage.

/// Panics on its despawn as long as there are [`Charges`].
#[derive(Component)]
#[component(on_despawn = explode)]
struct Bomb;

#[derive(Resource)]
struct Charges(u32);

fn explode(mut world: DeferredWorld, _: HookContext) {
    let mut charges = world.resource_mut::<Charges>();
    if charges.0 > 0 {
        charges.0 -= 1;
        panic!("boom");
    }
}

/// Asserts that `deleted` are torn down by the next flush, and that the world deletes as ever.
fn assert_works_on(world: &mut World, deleted: &[Entity]) {
    assert_eq!(world.flush_qdel(), deleted.len());
    for &entity in deleted {
        assert_eq!(world.liveness(entity), Liveness::Gone);
    }
    world.check_registrations().unwrap();
    world.resource_mut::<Order<String>>().0.clear();
    let next = spawn(world, "next");
    assert_eq!(world.qdel(next), Ok(QdelOutcome::Queued));
    assert_eq!(world.flush_qdel(), 1);
    assert_eq!(order(world), ["told next", "gone next"]);
}
