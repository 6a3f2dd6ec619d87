//! Inside handlers and observers.

use super::*;

#[test]
fn in_its_handlers_a_target_of_a_qdel_resolves_hard_only() {
    let mut world = stage();
    let [goblin, archer] = [(); 2].map(|()| world.spawn(Mob).id());
    world.register_signal(archer, goblin, look).unwrap();

    world.qdel(goblin).unwrap();

    assert_eq!(world.resource::<Seen>().0, [deleting(goblin)]);
}

#[test]
fn in_its_handlers_a_target_of_a_plain_despawn_resolves_hard_only() {
    let mut world = stage();
    let [goblin, archer] = [(); 2].map(|()| world.spawn(Mob).id());
    world.register_signal(archer, goblin, look).unwrap();

    world.despawn(goblin);

    assert_eq!(world.resource::<Seen>().0, [deleting(goblin)]);
}

#[test]
fn in_the_handlers_of_an_owner_all_it_owns_resolves_hard_only() {
    let mut world = stage();
    let goblin = world.spawn(Mob).id();
    world.spawn((Mob, ChildOf(goblin)));
    let look_at_children = |mut world: DeferredWorld, told: Received<Qdeleting, Mob>| {
        let purse = world.get::<Children>(told.entity).unwrap()[0];
        let seen = see(&world, purse);
        world.resource_mut::<Seen>().0.push(seen);
    };
    world
        .register_signal(goblin, goblin, look_at_children)
        .unwrap();
    let purse = world.get::<Children>(goblin).unwrap()[0];

    world.qdel(goblin).unwrap();

    assert_eq!(world.resource::<Seen>().0, [deleting(purse)]);
}

#[test]
fn in_handlers_of_the_question_the_target_resolves() {
    let mut world = World::new();
    let king = world.spawn(Mob).id();
    let look = |world: &World, asked: Received<PreQdel, Mob>| {
        assert_eq!(see(world, asked.entity), alive(asked.entity));
        QdelVerdict::Allow
    };
    world.register_signal(king, king, look).unwrap();

    let answer = world.qdel(king);

    assert_eq!(answer, Ok(QdelOutcome::Queued));
}

#[test]
fn in_observers_of_the_notice_the_target_resolves_hard_only() {
    let mut world = stage();
    let goblin = world.spawn(Mob).id();
    world.add_observer(
        |told: On<Qdeleting>, liveness: EntityLiveness, mut seen: ResMut<Seen>| {
            seen.0.push(see(&liveness, told.entity));
        },
    );

    world.qdel(goblin).unwrap();

    assert_eq!(world.resource::<Seen>().0, [deleting(goblin)]);
}

#[test]
fn in_observers_of_the_mark_the_target_resolves_hard_only() {
    let mut world = stage();
    let goblin = world.spawn(Mob).id();
    world.add_observer(
        |marked: On<Add<Deleting>>, liveness: EntityLiveness, mut seen: ResMut<Seen>| {
            seen.0.push(see(&liveness, marked.entity));
        },
    );

    world.qdel(goblin).unwrap();

    assert_eq!(world.resource::<Seen>().0, [deleting(goblin)]);
}

#[test]
fn in_observers_of_the_tear_down_the_target_resolves_hard_only() {
    let mut world = stage();
    let goblin = world.spawn(Mob).id();
    world.add_observer(
        |gone: On<Despawn<Mob>>, liveness: EntityLiveness, mut seen: ResMut<Seen>| {
            seen.0.push(see(&liveness, gone.entity));
        },
    );
    world.qdel(goblin).unwrap();

    world.flush_qdel();

    assert_eq!(world.resource::<Seen>().0, [deleting(goblin)]);
}
