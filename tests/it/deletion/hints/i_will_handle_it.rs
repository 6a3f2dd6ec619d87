//! Q6: `IWillHandleIt`.

use super::*;

#[test]
fn entity_left_alone_stays_marked_and_hidden_however_often_is_flushed() {
    let mut world = stage();
    let ghost = spawn(&mut world, "ghost", DestroyHint::IWillHandleIt);
    world.qdel(ghost).unwrap();

    let torn_down: usize = (0..10).map(|_| world.flush_qdel()).sum();
    let drained = world.drain_qdel();

    assert_eq!((torn_down, drained, counts(&world).torn_down), (0, 0, 0));
    assert_eq!(world.liveness(ghost), Liveness::Deleting);
    assert!(world.get::<Disabled>(ghost).is_some());
    assert_eq!(world.qdel(ghost), Ok(QdelOutcome::AlreadyDeleting));
    assert_eq!(order(&world), ["told ghost", "destroyed ghost"]);
}

#[test]
fn entity_left_alone_can_be_despawned_by_hand() {
    let mut world = stage();
    let ghost = spawn(&mut world, "ghost", DestroyHint::IWillHandleIt);
    world.qdel(ghost).unwrap();

    world.despawn(ghost);
    world.flush_qdel();

    assert_eq!(
        order(&world),
        ["told ghost", "destroyed ghost", "gone ghost"]
    );
    assert_eq!(counts(&world).torn_down, 0);
    world.check_registrations().unwrap();
}

#[test]
fn entity_left_alone_does_not_go_with_its_owner() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
    let ghost = spawn_owned(&mut world, "ghost", goblin, DestroyHint::IWillHandleIt);
    let sheet = spawn_owned(&mut world, "sheet", ghost, DestroyHint::Queue);

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(ghost), Liveness::Deleting);
    assert_eq!(world.liveness(sheet), Liveness::Gone);
    assert!(world.get::<ChildOf>(ghost).is_none());
}

#[test]
fn what_an_entity_left_alone_owns_is_torn_down_on_its_own_account() {
    let mut world = stage();
    let ghost = spawn(&mut world, "ghost", DestroyHint::IWillHandleIt);
    let sheet = spawn_owned(&mut world, "sheet", ghost, DestroyHint::Queue);
    let chain = spawn_owned(&mut world, "chain", ghost, DestroyHint::LetMeLive);

    world.qdel(ghost).unwrap();
    world.flush_qdel();

    let states = [ghost, sheet, chain].map(|entity| world.liveness(entity));
    let expected = [Liveness::Deleting, Liveness::Gone, Liveness::Alive];
    assert_eq!(states, expected);
    world.despawn(ghost);
    assert_eq!(world.liveness(chain), Liveness::Alive);
}

/// Its owner was alive when it was left alone, so it had no reason to leave that.
#[test]
fn entity_left_alone_does_not_go_with_an_owner_that_is_deleted_later() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
    let ghost = spawn_owned(&mut world, "ghost", goblin, DestroyHint::IWillHandleIt);
    world.qdel(ghost).unwrap();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(ghost), Liveness::Deleting);
    assert_eq!(counts(&world).torn_down, 1);
}

#[test]
fn entity_left_alone_keeps_an_owner_that_lives() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
    let ghost = spawn_owned(&mut world, "ghost", goblin, DestroyHint::IWillHandleIt);

    world.qdel(ghost).unwrap();
    world.flush_qdel();

    assert_eq!(children_of(&world, goblin), [ghost]);
}
