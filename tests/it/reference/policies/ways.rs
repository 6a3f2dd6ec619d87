//! R5: each policy, by each way to go.
//! R5: resources as holders.

use super::*;
use qdel::QdelCause;

// R5: each policy, by each way to go.

#[test]
fn known_reference_with_remove_takes_the_component_along() {
    for (end, delete) in DELETIONS.into_iter().chain(DESPAWNS) {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let mob = world.spawn((Leash(goblin), Thing)).id();
        let frozen = world.spawn((Seal(goblin), Thing)).id();

        delete(&mut world, goblin);

        assert!(!world.entity(mob).contains::<Leash>(), "{end}");
        assert!(!world.entity(frozen).contains::<Seal>(), "{end}");
        assert!(world.entity(mob).contains::<Thing>(), "{end}");
        assert_eq!(world.liveness(mob), Liveness::Alive, "{end}");
        check(&world);
    }
}

#[test]
fn late_reference_with_remove_takes_the_component_along() {
    for (end, delete) in DELETIONS.into_iter().chain(DESPAWNS) {
        let mut world = stage();
        let [goblin, orc] = spawn_many(&mut world);
        let mob = world.spawn(Leash(orc)).id();
        *world.get_mut::<Leash>(mob).unwrap() = Leash(goblin);

        delete(&mut world, goblin);
        assert!(world.entity(mob).contains::<Leash>(), "{end}");
        world.sync_references();

        assert!(!world.entity(mob).contains::<Leash>(), "{end}");
        assert_eq!(world.liveness(mob), Liveness::Alive, "{end}");
        check(&world);
    }
}

#[test]
fn known_reference_with_qdel_takes_its_entity_along() {
    for (end, delete) in DELETIONS.into_iter().chain(DESPAWNS) {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let shadow = world.spawn(Shadow(goblin)).id();

        delete(&mut world, goblin);

        assert_eq!(world.liveness(shadow), Liveness::Deleting, "{end}");
        assert_eq!(told(&world, shadow).len(), 1, "{end}");
        world.flush_qdel();
        assert_eq!(world.liveness(shadow), Liveness::Gone, "{end}");
        check(&world);
    }
}

#[test]
fn late_reference_with_qdel_takes_its_entity_along() {
    for (end, delete) in DELETIONS.into_iter().chain(DESPAWNS) {
        let mut world = stage();
        let [goblin, orc] = spawn_many(&mut world);
        let shadow = world.spawn(Shadow(orc)).id();

        delete(&mut world, goblin);
        world.get_mut::<Shadow>(shadow).unwrap().0 = goblin;
        assert_eq!(world.liveness(shadow), Liveness::Alive, "{end}");
        world.sync_references();

        assert_eq!(world.liveness(shadow), Liveness::Deleting, "{end}");
        world.flush_qdel();
        assert_eq!(world.liveness(shadow), Liveness::Gone, "{end}");
        check(&world);
    }
}

#[test]
fn late_reference_with_qdel_goes_with_the_flush_that_tears_down_what_it_names() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let shadow = world.spawn(Shadow(orc)).id();
    world.qdel(goblin).unwrap();
    world.get_mut::<Shadow>(shadow).unwrap().0 = goblin;

    assert_eq!(world.flush_qdel(), 2);

    assert_eq!(world.liveness(shadow), Liveness::Gone);
}

#[test]
fn known_reference_with_deny_refuses_every_orderly_deletion() {
    type Attempt = fn(&mut World, Entity) -> Option<QdelError>;
    let attempts: [(&str, Attempt); 5] = [
        ("qdel", |world, target| world.qdel(target).err()),
        ("forced qdel", |world, target| {
            world.force_qdel(target).err()
        }),
        ("batch", |world, target| {
            world.qdel_batch([target]).refused.pop()
        }),
        ("forced batch", |world, target| {
            world.force_qdel_batch([target]).refused.pop()
        }),
        ("plan", |world, target| world.plan_qdel(target).answer.err()),
    ];
    for (attempt, delete) in attempts {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let bond = world.spawn(Bond::to(goblin)).id();

        let error = delete(&mut world, goblin);

        assert_eq!(error, Some(denied(goblin, goblin, bond)), "{attempt}");
        assert_eq!(world.liveness(goblin), Liveness::Alive, "{attempt}");
        check(&world);
    }
}

#[test]
fn late_or_passed_over_reference_with_deny_is_emptied() {
    for (end, delete) in DELETIONS {
        let mut world = stage();
        let [goblin, orc] = spawn_many(&mut world);
        let bond = world.spawn(Bond::to(orc)).id();

        delete(&mut world, goblin);
        world.get_mut::<Bond>(bond).unwrap().0 = vec![goblin, orc];
        world.flush_qdel();

        assert_eq!(world.get::<Bond>(bond).unwrap().0, [orc], "{end}");
    }
    for (end, delete) in DESPAWNS {
        let mut world = stage();
        let [goblin, orc] = spawn_many(&mut world);
        let bond = world.spawn(Bond(vec![goblin, orc])).id();

        delete(&mut world, goblin);

        assert_eq!(world.get::<Bond>(bond).unwrap().0, [orc], "{end}");
        check(&world);
    }
}

#[test]
fn shutdown_passes_over_every_policy() {
    for is_late in [false, true] {
        let mut world = stage();
        let [goblin, orc] = spawn_many(&mut world);
        let holders = [
            world.spawn(Leash(orc)).id(),
            world.spawn(Shadow(orc)).id(),
            world.spawn(Bond::to(orc)).id(),
        ];
        if is_late {
            *world.get_mut::<Leash>(holders[0]).unwrap() = Leash(goblin);
            world.get_mut::<Shadow>(holders[1]).unwrap().0 = goblin;
            world.get_mut::<Bond>(holders[2]).unwrap().0 = vec![goblin];
        }

        assert_eq!(world.shutdown_qdel(), 5);

        for holder in holders {
            assert_eq!(told(&world, holder).len(), 1);
        }
        assert_eq!(world.signal_footprint().registrations, 0);
        check(&world);
    }
}

#[test]
fn entity_that_names_itself_goes_once_under_each_policy() {
    for insert in [
        |world: &mut World, at: Entity| {
            world.entity_mut(at).insert(Leash(at));
        },
        |world: &mut World, at: Entity| {
            world.entity_mut(at).insert(Shadow(at));
        },
        |world: &mut World, at: Entity| {
            world.entity_mut(at).insert(Bond::to(at));
        },
    ] {
        let mut world = stage();
        let narcissus = spawn(&mut world);
        insert(&mut world, narcissus);

        assert_eq!(world.qdel(narcissus), Ok(QdelOutcome::Queued));

        assert_eq!(told(&world, narcissus), [QdelCause::Qdel]);
        assert_eq!(world.flush_qdel(), 1);
        check(&world);
    }
}

#[test]
fn component_with_several_policies_follows_the_strongest_that_lost_something() {
    let spawn_mixed = |world: &mut World, [clear, remove, qdel]: [Entity; 3]| {
        let mixed = Mixed {
            clear: Some(clear),
            remove,
            qdel,
            lost: Vec::new(),
        };
        world.spawn(mixed).id()
    };
    let mut world = stage();
    let [first, second, third] = spawn_many(&mut world);
    let mixed = spawn_mixed(&mut world, [first, second, third]);
    world.qdel(first).unwrap();
    let at = world.get::<Mixed>(mixed).unwrap();
    assert_eq!((at.clear, &*at.lost), (None, &[vec![first]][..]));

    world.qdel(second).unwrap();

    assert!(!world.entity(mixed).contains::<Mixed>());
    assert_eq!(world.liveness(mixed), Liveness::Alive);
    let [first, second, third] = spawn_many(&mut world);
    let mixed = spawn_mixed(&mut world, [first, second, third]);
    world.qdel_batch([first, second, third]);
    assert_eq!(world.liveness(mixed), Liveness::Deleting);
    assert_eq!(world.get::<Mixed>(mixed).unwrap().lost.len(), 0);
    check(&world);
}

#[test]
fn late_component_with_several_policies_follows_the_strongest_that_lost_something() {
    for (is_with_qdel, expected) in [(true, Liveness::Gone), (false, Liveness::Alive)] {
        let mut world = stage();
        let [goblin, orc, elf] = spawn_many(&mut world);
        let mixed = Mixed {
            clear: None,
            remove: orc,
            qdel: orc,
            lost: Vec::new(),
        };
        let mixed = world.spawn(mixed).id();
        let mut at = world.get_mut::<Mixed>(mixed).unwrap();
        (at.clear, at.remove) = (Some(goblin), goblin);
        at.qdel = if is_with_qdel { goblin } else { elf };

        world.qdel(goblin).unwrap();
        world.flush_qdel();

        assert_eq!(world.liveness(mixed), expected);
        assert!(world.get::<Mixed>(mixed).is_none());
        check(&world);
    }
}

#[test]
fn policy_of_a_field_goes_for_all_its_entries() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let bond = world.spawn(Bond(vec![orc, goblin])).id();

    assert_eq!(world.qdel(goblin), Err(denied(goblin, goblin, bond)));
    assert_eq!(world.qdel(orc), Err(denied(orc, orc, bond)));
    world.get_mut::<Bond>(bond).unwrap().0.pop();

    // The link of the one that it does not name any more does not refuse.
    assert_eq!(world.qdel(goblin), Ok(QdelOutcome::Queued));
    assert_eq!(world.qdel(orc), Err(denied(orc, orc, bond)));
}

// R5: resources as holders.

#[test]
fn resource_with_remove_is_removed() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    world.track_references::<Throne>();
    world.insert_resource(Throne(goblin));
    let entity = world.resource_entity::<Throne>().unwrap();

    world.qdel(goblin).unwrap();

    assert!(!world.contains_resource::<Throne>());
    assert!(world.get_entity(entity).is_ok());
    world.insert_resource(Throne(entity));
    assert!(world.contains_resource::<Throne>());
}

/// A resource cannot go with its target, so its component does.
#[test]
fn resource_that_cannot_be_without_somebody_is_removed() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    world.track_references::<Crown>();
    world.insert_resource(Crown(goblin));
    let entity = world.resource_entity::<Crown>().unwrap();
    assert!(world.entity(entity).contains::<IsResource>());

    let answer = world.qdel(goblin);

    assert_eq!(answer, Ok(QdelOutcome::Queued));
    assert!(!world.contains_resource::<Crown>());
    assert!(world.get_entity(entity).is_ok());
}

// The stage.

#[derive(Resource, References)]
struct Throne(#[references(remove)] Entity);

#[derive(Resource, References)]
struct Crown(#[references(qdel)] Entity);
