//! Q6: `LetMeLive` and ownership.
//! Q3: who is kept, and deleted again by a `Destroy`.

use super::*;

// Q6: `LetMeLive` and ownership.

#[test]
fn kept_owner_keeps_what_it_owns_which_is_told_and_not_destroyed() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let purse = spawn_owned(&mut world, "purse", goblin, DestroyHint::Queue);
    let coin = spawn_owned(&mut world, "coin", purse, DestroyHint::HardDeleteNow);
    let sword = spawn_owned(&mut world, "sword", goblin, DestroyHint::IWillHandleIt);

    let answer = world.qdel(goblin);
    let torn_down = world.flush_qdel();

    assert_eq!((answer, torn_down), (Ok(QdelOutcome::Kept), 0));
    let expected = [
        "told goblin",
        "told purse",
        "told coin",
        "told sword",
        "destroyed goblin",
    ];
    assert_eq!(order(&world), expected);
    assert_eq!(children_of(&world, goblin), [purse, sword]);
    assert_eq!(children_of(&world, purse), [coin]);
    let states = [goblin, purse, coin, sword].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Alive; 4]);
    assert_eq!(counts(&world).kept, 4);
}

#[test]
fn kept_entity_leaves_the_owner_that_goes_and_keeps_what_it_owns() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
    let [hat, purse, sword] = ["hat", "purse", "sword"].map(|name| {
        let hint = match name {
            "purse" => DestroyHint::LetMeLive,
            _ => DestroyHint::Queue,
        };
        spawn_owned(&mut world, name, goblin, hint)
    });
    let coin = spawn_owned(&mut world, "coin", purse, DestroyHint::Queue);

    world.qdel(goblin).unwrap();

    assert_eq!(children_of(&world, goblin), [hat, sword]);
    assert!(world.get::<ChildOf>(purse).is_none());
    assert_eq!(children_of(&world, purse), [coin]);
    assert_eq!(world.flush_qdel(), 3);
    let states = [purse, coin].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Alive; 2]);
    let expected = [
        "told goblin",
        "told hat",
        "told purse",
        "told coin",
        "told sword",
        "destroyed goblin",
        "destroyed hat",
        "destroyed purse",
        "destroyed sword",
        "gone sword",
        "gone hat",
        "gone goblin",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn kept_entity_stays_with_an_owner_that_was_not_to_go() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
    let [hat, purse, sword] = ["hat", "purse", "sword"]
        .map(|name| spawn_owned(&mut world, name, goblin, DestroyHint::LetMeLive));

    world.qdel(purse).unwrap();

    assert_eq!(children_of(&world, goblin), [hat, purse, sword]);
}

#[test]
fn kept_entity_leaves_all_owners_that_go_and_no_other() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
    let orc = spawn(&mut world, "orc", DestroyHint::Queue);
    let chest = spawn(&mut world, "chest", DestroyHint::Queue);
    let purse = spawn_owned(&mut world, "purse", goblin, DestroyHint::LetMeLive);
    world
        .entity_mut(purse)
        .insert((HeldBy(orc), StoredIn(chest)));

    world.qdel_batch([goblin, orc]);
    world.flush_qdel();

    assert_eq!(world.liveness(purse), Liveness::Alive);
    assert!(world.get::<ChildOf>(purse).is_none() && world.get::<HeldBy>(purse).is_none());
    assert_eq!(world.get::<StoredIn>(purse).map(|at| at.0), Some(chest));
}

#[test]
fn entity_owned_by_one_that_lives_and_by_one_that_goes_goes() {
    for (first, second) in [
        (DestroyHint::LetMeLive, DestroyHint::Queue),
        (DestroyHint::Queue, DestroyHint::LetMeLive),
    ] {
        let mut world = stage();
        let camp = spawn(&mut world, "camp", DestroyHint::Queue);
        let goblin = spawn_owned(&mut world, "goblin", camp, first);
        let orc = spawn_owned(&mut world, "orc", camp, second);
        let purse = spawn_owned(&mut world, "purse", goblin, DestroyHint::Queue);
        world.entity_mut(purse).insert(HeldBy(orc));

        world.qdel(camp).unwrap();
        world.flush_qdel();

        assert_eq!(world.liveness(purse), Liveness::Gone, "{first:?}");
        let happened = order(&world);
        for line in ["told purse", "destroyed purse", "gone purse"] {
            assert_eq!(happened.iter().filter(|at| *at == line).count(), 1);
        }
        assert_eq!(counts(&world).kept, 1);
    }
}

/// The owner that goes is decided after what it owns, because that belongs to the first of the
/// batch too.
#[test]
fn entity_owned_by_one_that_lives_and_by_a_later_one_of_a_batch_that_goes_goes_at_once() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let orc = spawn(&mut world, "orc", DestroyHint::Queue);
    let purse = spawn_owned(&mut world, "purse", goblin, DestroyHint::Queue);
    world.entity_mut(purse).insert(HeldBy(orc));

    world.qdel_batch([goblin, orc]);
    let before_the_flush = world.liveness(purse);
    world.flush_qdel();

    let expected = [
        "told goblin",
        "told purse",
        "told orc",
        "destroyed goblin",
        "destroyed orc",
        "destroyed purse",
    ];
    let mut happened = order(&world);
    happened.retain(|line| !line.starts_with("gone"));
    happened[3..].sort_unstable();
    assert_eq!(happened, expected);
    assert_eq!(before_the_flush, Liveness::Deleting);
    assert_eq!(world.liveness(purse), Liveness::Gone);
}

#[test]
fn owned_entity_that_is_kept_is_told_and_destroyed_once_wherever_its_owner_stands_in_the_batch() {
    for is_owner_first in [true, false] {
        let mut world = stage();
        let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
        let purse = spawn_owned(&mut world, "purse", goblin, DestroyHint::LetMeLive);
        let batch = if is_owner_first {
            [goblin, purse]
        } else {
            [purse, goblin]
        };

        world.qdel_batch(batch);
        world.flush_qdel();

        let mut happened = order(&world);
        happened.retain(|line| line.ends_with("purse"));
        assert_eq!(happened, ["told purse", "destroyed purse"]);
        assert_eq!(world.liveness(purse), Liveness::Alive);
        assert_eq!(counts(&world).kept, 1);
    }
}

#[test]
fn owned_entity_that_was_deleted_before_goes_though_its_owner_lives() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let purse = spawn_owned(&mut world, "purse", goblin, DestroyHint::Queue);
    world.qdel(purse).unwrap();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Alive);
    assert_eq!(world.liveness(purse), Liveness::Gone);
}

#[test]
fn owned_entity_that_stands_before_its_owner_in_a_batch_goes_though_that_lives() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::LetMeLive);
    let purse = spawn_owned(&mut world, "purse", goblin, DestroyHint::Queue);

    let batch = world.qdel_batch([purse, goblin]);

    assert_eq!((batch.queued, batch.kept), (vec![purse], vec![goblin]));
    assert_eq!(world.liveness(purse), Liveness::Deleting);
}

#[test]
fn newcomer_that_is_kept_leaves_the_owner_that_is_torn_down() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin", DestroyHint::Queue);
    world.qdel(goblin).unwrap();
    let purse = spawn_owned(&mut world, "purse", goblin, DestroyHint::LetMeLive);
    let coin = spawn_owned(&mut world, "coin", purse, DestroyHint::Queue);

    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    let states = [purse, coin].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Alive; 2]);
    assert!(world.get::<ChildOf>(purse).is_none());
}

#[test]
fn ring_whose_root_is_kept_lives_on_whole() {
    let mut world = stage();
    let ring = ring(
        &mut world,
        [
            DestroyHint::LetMeLive,
            DestroyHint::Queue,
            DestroyHint::Queue,
        ],
    );

    let answer = world.qdel(ring[0]);
    let torn_down = world.flush_qdel();

    assert_eq!((answer, torn_down), (Ok(QdelOutcome::Kept), 0));
    let states = ring.map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Alive; 3]);
    let expected = ["told first", "told second", "told third", "destroyed first"];
    assert_eq!(order(&world), expected);
    for at in 0..3 {
        assert_eq!(children_of(&world, ring[at]), [ring[(at + 1) % 3]]);
    }
}

#[test]
fn entity_of_a_ring_that_is_kept_keeps_what_comes_behind_it() {
    let mut world = stage();
    let ring = ring(
        &mut world,
        [
            DestroyHint::Queue,
            DestroyHint::LetMeLive,
            DestroyHint::Queue,
        ],
    );

    world.qdel(ring[0]).unwrap();
    world.flush_qdel();

    let states = ring.map(|entity| world.liveness(entity));
    let expected = [Liveness::Gone, Liveness::Alive, Liveness::Alive];
    assert_eq!(states, expected);
    assert_eq!(children_of(&world, ring[1]), [ring[2]]);
    assert_eq!(children_of(&world, ring[2]), []);
    let expected = [
        "told first",
        "told second",
        "told third",
        "destroyed first",
        "destroyed second",
        "gone first",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn mutual_owners_of_which_one_is_kept_are_told_and_destroyed_once() {
    for hints in [
        [DestroyHint::LetMeLive, DestroyHint::LetMeLive],
        [DestroyHint::Queue, DestroyHint::LetMeLive],
        [DestroyHint::HardDeleteNow, DestroyHint::LetMeLive],
        [DestroyHint::IWillHandleIt, DestroyHint::LetMeLive],
        [DestroyHint::Queue, DestroyHint::IWillHandleIt],
    ] {
        let mut world = stage();
        let goblin = spawn(&mut world, "goblin", hints[0]);
        let orc = spawn_owned(&mut world, "orc", goblin, hints[1]);
        world.entity_mut(goblin).insert(ChildOf(orc));

        world.qdel(goblin).unwrap();
        world.flush_qdel();
        world.drain_qdel();

        for (entity, name, hint) in [(goblin, "goblin", hints[0]), (orc, "orc", hints[1])] {
            let expected = match hint {
                DestroyHint::LetMeLive => Liveness::Alive,
                DestroyHint::IWillHandleIt => Liveness::Deleting,
                _ => Liveness::Gone,
            };
            assert_eq!(world.liveness(entity), expected, "{name} by {hints:?}");
            let happened = order(&world);
            let count = |what: &str| {
                let line = format!("{what} {name}");
                happened.iter().filter(|at| **at == line).count()
            };
            assert_eq!(count("told"), 1, "{name} by {hints:?}");
            assert!(count("destroyed") <= 1, "{name} by {hints:?}");
        }
        world.check_registrations().unwrap();
    }
}

#[test]
fn chain_of_kept_and_not_kept_is_cut_where_somebody_goes() {
    let mut world = stage();
    let hints = [
        ("first", DestroyHint::Queue),
        ("second", DestroyHint::LetMeLive),
        ("third", DestroyHint::HardDeleteNow),
        ("fourth", DestroyHint::Queue),
    ];
    let mut chain: Vec<Entity> = Vec::new();
    for (name, hint) in hints {
        let entity = spawn(&mut world, name, hint);
        if let Some(owner) = chain.last() {
            world.entity_mut(entity).insert(ChildOf(*owner));
        }
        chain.push(entity);
    }

    world.qdel(chain[0]).unwrap();
    world.flush_qdel();

    let states: Vec<_> = chain.iter().map(|at| world.liveness(*at)).collect();
    let expected = [
        Liveness::Gone,
        Liveness::Alive,
        Liveness::Alive,
        Liveness::Alive,
    ];
    assert_eq!(states, expected);
}

// Q3: who is kept, and deleted again by a `Destroy`.

/// A deletion that goes round for ever would not end: so it is counted, and given in to.
#[test]
fn kept_entity_that_deletes_itself_by_a_command_of_its_destroy_is_destroyed_once() {
    let mut world = noting_world();
    world.register_destroy::<Stubborn>();
    let goblin = world.spawn_empty().id();
    let victims = vec![goblin];
    world
        .entity_mut(goblin)
        .insert(Stubborn { calls: 0, victims });

    world.qdel(goblin).unwrap();

    assert_eq!(world.get::<Stubborn>(goblin).unwrap().calls, 1);
    assert_eq!(world.liveness(goblin), Liveness::Alive);
}

#[test]
fn two_kept_entities_that_delete_each_other_by_commands_are_destroyed_once() {
    let mut world = noting_world();
    world.register_destroy::<Stubborn>();
    let both = [(), ()].map(|()| world.spawn_empty().id());
    for (entity, victim) in [(both[0], both[1]), (both[1], both[0])] {
        let victims = vec![victim];
        world
            .entity_mut(entity)
            .insert(Stubborn { calls: 0, victims });
    }

    world.qdel(both[0]).unwrap();

    let calls = both.map(|entity| world.get::<Stubborn>(entity).unwrap().calls);
    assert_eq!(calls, [1; 2]);
}

/// Says that it wants to live, and deletes `victims`. It gives in after a while.
#[derive(Component)]
struct Stubborn {
    calls: u32,
    victims: Vec<Entity>,
}

impl Destroy for Stubborn {
    type Param = Commands<'static, 'static>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        self.calls += 1;
        if self.calls >= 5 {
            return DestroyHint::LetMeLive;
        }
        for victim in &self.victims {
            going.param.entity(*victim).qdel();
        }
        DestroyHint::LetMeLive
    }
}

// The stage.

/// A third one.
#[derive(Component)]
#[relationship(relationship_target = Stores)]
struct StoredIn(Entity);

#[derive(Component)]
#[relationship_target(relationship = StoredIn, linked_spawn)]
struct Stores(Vec<Entity>);

/// Spawns three of whom each owns the next, and the last the first.
fn ring(world: &mut World, hints: [DestroyHint; 3]) -> [Entity; 3] {
    let first = spawn(world, "first", hints[0]);
    let second = spawn_owned(world, "second", first, hints[1]);
    let third = spawn_owned(world, "third", second, hints[2]);
    world.entity_mut(first).insert(ChildOf(third));
    [first, second, third]
}
