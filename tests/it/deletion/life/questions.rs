//! Q2: the question before.

use super::*;

#[test]
fn veto_stops_the_whole_tree_before_anything_is_marked() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let coin = spawn_owned(&mut world, "coin", purse);
    let sword = spawn_owned(&mut world, "sword", goblin);
    let tree = [goblin, purse, coin, sword];
    let listeners = tree.map(|entity| world.registrations_on(entity));
    veto(&mut world, coin);

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(QdelOutcome::Vetoed { on: coin }));
    assert_alive(&world, &tree);
    assert_eq!(order(&world), [""; 0]);
    let qdeleting = |entity| {
        let mut registrations = world.registrations_on(entity);
        registrations.retain(|registration| registration.signal.ends_with("Qdeleting"));
        registrations
    };
    assert_eq!(tree.map(qdeleting), listeners);
    assert_eq!(world.flush_qdel(), 0);
}

#[test]
fn veto_holds_only_as_long_as_it_is_registered() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let guard = veto(&mut world, goblin);
    world.qdel(goblin).unwrap();
    world.despawn(guard);

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(QdelOutcome::Queued));
    assert_eq!(order(&world), ["told goblin"]);
}

#[test]
fn one_veto_among_many_who_allow_is_a_veto() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    for answer in [QdelVerdict::Allow, QdelVerdict::Veto, QdelVerdict::Allow] {
        let guard = world.spawn(Guard(answer)).id();
        world.register_signal(guard, goblin, Guard::judge).unwrap();
    }

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(QdelOutcome::Vetoed { on: goblin }));
}

#[test]
fn everybody_in_the_tree_is_asked_once_and_owner_first() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let coin = spawn_owned(&mut world, "coin", purse);
    let sword = spawn_owned(&mut world, "sword", goblin);
    for entity in [coin, sword, goblin, purse] {
        world
            .register_signal(entity, entity, record_question)
            .unwrap();
    }

    world.qdel(goblin).unwrap();

    let questions = world.resource::<Questions>().0.lock().unwrap();
    let mut asked: Vec<_> = questions.iter().map(|question| question.0).collect();
    let place = |entity| asked.iter().position(|at| *at == entity).unwrap();
    let owners = [(goblin, purse), (goblin, sword), (purse, coin)];
    assert!(
        owners
            .iter()
            .all(|&(owner, owned)| place(owner) < place(owned))
    );
    assert!(place(purse) < place(sword));
    assert!(
        questions
            .iter()
            .all(|&(_, root, force)| root == goblin && !force)
    );
    asked.sort_unstable();
    asked.dedup();
    assert_eq!((asked.len(), questions.len()), (4, 4));
}

#[test]
fn entities_that_are_deleting_already_are_not_asked_again() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world
        .register_signal(purse, purse, record_question)
        .unwrap();
    world.qdel(purse).unwrap();

    world.qdel(purse).unwrap();
    world.qdel(goblin).unwrap();

    assert_eq!(world.resource::<Questions>().0.lock().unwrap().len(), 1);
}

#[test]
fn handler_of_the_question_decides_what_force_means() {
    let mut world = stage();
    let king = spawn(&mut world, "king");
    let god = spawn(&mut world, "god");
    veto(&mut world, god);
    world
        .register_signal(king, king, |_: &Named, asked: Received<PreQdel>| {
            if asked.force {
                QdelVerdict::Allow
            } else {
                QdelVerdict::Veto
            }
        })
        .unwrap();

    let answers = [
        world.qdel(king),
        world.force_qdel(king),
        world.force_qdel(god),
    ];

    let expected = [
        QdelOutcome::Vetoed { on: king },
        QdelOutcome::Queued,
        QdelOutcome::Vetoed { on: god },
    ];
    assert_eq!(answers, expected.map(Ok));
}

#[test]
fn in_a_handler_of_the_question_everybody_is_alive() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    spawn_owned(&mut world, "purse", goblin);
    world
        .register_signal(
            goblin,
            goblin,
            |world: &World, asked: Received<PreQdel, Named>| {
                let mut tree = vec![asked.root];
                tree.extend(world.get::<Children>(asked.root).unwrap().iter());
                assert_alive(world, &tree);
                QdelVerdict::Veto
            },
        )
        .unwrap();

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(QdelOutcome::Vetoed { on: goblin }));
}

#[test]
fn after_a_veto_everybody_can_register_and_is_told_in_the_end() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let guard = veto(&mut world, goblin);
    world.qdel(goblin).unwrap();
    on_death(&mut world, goblin, |world, _| {
        note(world, "told late listener");
    });
    world.despawn(guard);

    world.qdel(goblin).unwrap();

    assert_eq!(order(&world), ["told goblin", "told late listener"]);
}

#[test]
fn qdel_by_a_handler_is_asked_too() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let king = spawn(&mut world, "king");
    veto(&mut world, king);
    on_death(&mut world, goblin, move |world, _| world.qdel(king));

    world.qdel(goblin).unwrap();

    assert_eq!(world.liveness(king), Liveness::Alive);
    assert_eq!(counts_of(&world).vetoed, 1);
}

#[test]
fn panic_in_a_handler_of_the_question_leaves_everything_as_it_was() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    let guard = world.spawn(Guard(QdelVerdict::Allow)).id();
    let panics = |_: &Guard, _: Received<PreQdel>| -> QdelVerdict { panic!("no answer") };
    world.register_signal(guard, purse, panics).unwrap();

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "no answer");
    assert_alive(&world, &[goblin, purse]);
    assert_eq!(order(&world), [""; 0]);
    world.despawn(guard);
    assert_eq!(world.qdel(goblin), Ok(QdelOutcome::Queued));
    assert_eq!(world.flush_qdel(), 2);
}

// The stage.

fn record_question(world: &World, asked: Received<PreQdel, Named>) -> QdelVerdict {
    let mut questions = world.resource::<Questions>().0.lock().unwrap();
    questions.push((asked.entity, asked.root, asked.force));
    QdelVerdict::Allow
}
