//! What becomes of a component that loses what it names: cleared, removed, deleted with it, or the whole deletion denied.
//!
//! Rule R5 of the design. How it is noticed that a field names somebody is the subject of `references.rs`.

use core::any::type_name;
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bevy_ecs::{prelude::*, resource::IsResource, world::DeferredWorld};
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, prelude::*};
use qdel::{Lost, Policy, QdelCounts, QdelError, QdelPlan, References, Registration, prelude::*};

// R5: each policy, by each way to go.

/// What is done to one entity.
type End = fn(&mut World, Entity);

/// Ways in which somebody goes away by an orderly deletion.
const DELETIONS: [(&str, End); 5] = [
    ("qdel", |world, target| {
        world.qdel(target).unwrap();
    }),
    ("forced qdel", |world, target| {
        world.force_qdel(target).unwrap();
    }),
    ("batch", |world, target| {
        let batch = world.qdel_batch([target]);
        assert_eq!(batch.queued, [target]);
    }),
    ("command", |world, target| {
        world.commands().entity(target).qdel();
        world.flush();
    }),
    ("owner", |world, target| {
        let owner = world.spawn_empty().add_child(target).id();
        world.qdel(owner).unwrap();
    }),
];

/// Ways in which it goes away without that.
const DESPAWNS: [(&str, End); 3] = [
    ("despawn", |world, target| {
        world.despawn(target);
    }),
    ("despawn by command", |world, target| {
        world.commands().entity(target).despawn();
        world.flush();
    }),
    ("despawn of the owner", |world, target| {
        let owner = world.spawn_empty().add_child(target).id();
        world.despawn(owner);
    }),
];

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
        ("plan", |world, target| world.plan_qdel(target).err()),
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

        assert_eq!(world.qdel(narcissus), Ok(Qdel::Queued));

        assert_eq!(told(&world, narcissus), [Cause::Qdel]);
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
    assert_eq!(world.qdel(goblin), Ok(Qdel::Queued));
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

    assert_eq!(answer, Ok(Qdel::Queued));
    assert!(!world.contains_resource::<Crown>());
    assert!(world.get_entity(entity).is_ok());
}

// R5: cascades.

#[test]
fn cascade_goes_over_several_levels_and_what_they_own() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let shadow = world.spawn(Shadow(goblin)).id();
    let lantern = world.spawn(ChildOf(shadow)).id();
    let moth = world.spawn(Shadow(lantern)).id();
    let dust = world.spawn((Shadow(moth), ChildOf(moth))).id();
    let bystander = world.spawn(Leash(dust)).id();

    assert_eq!(world.qdel(goblin), Ok(Qdel::Queued));

    let expected = [
        (goblin, Cause::Qdel),
        (shadow, Cause::Reference(goblin)),
        (lantern, Cause::Owner(shadow)),
        (moth, Cause::Reference(lantern)),
    ];
    assert_eq!(world.resource::<Told>().0[..4], expected);
    let [(last, Cause::Reference(why) | Cause::Owner(why))] = world.resource::<Told>().0[4..]
    else {
        panic!("the dust should be told about once");
    };
    assert_eq!((last, why), (dust, moth));
    assert!(!world.entity(bystander).contains::<Leash>());
    assert_eq!(world.flush_qdel(), 5);
    assert_eq!(gone(&world), [dust, moth, lantern, shadow, goblin]);
    check(&world);
}

#[test]
fn members_of_a_cascade_are_asked_and_told_with_the_cause_and_destroyed() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let shadow = world.spawn((Shadow(goblin), Will(Hint::Queue))).id();
    world
        .register_signal(shadow, shadow, Will::write_down)
        .unwrap();

    world.force_qdel(goblin).unwrap();

    assert_eq!(world.resource::<Asked>().0.load(), [(shadow, goblin, true)]);
    assert_eq!(told(&world, shadow), [Cause::Reference(goblin)]);
    assert_eq!(
        world.resource::<Destroyed>().0,
        [(shadow, Cause::Reference(goblin), true)]
    );
}

#[test]
fn late_member_of_a_cascade_is_told_with_the_cause() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let shadow = world.spawn(Shadow(orc)).id();
    world.get_mut::<Shadow>(shadow).unwrap().0 = goblin;

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(told(&world, shadow), [Cause::Reference(goblin)]);
}

#[test]
fn member_of_a_cascade_of_a_plain_despawn_is_told_with_the_cause() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let shadow = world.spawn(Shadow(goblin)).id();

    world.despawn(goblin);

    assert_eq!(told(&world, shadow), [Cause::Reference(goblin)]);
}

#[test]
fn veto_of_a_member_of_a_cascade_stops_all() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let shadow = world.spawn(Shadow(goblin)).id();
    let moth = world.spawn((Shadow(shadow), Ward)).id();
    let clear = world.spawn(Mob::after(goblin)).id();
    world.register_signal(moth, moth, Ward::object).unwrap();
    let before = picture(&world);

    assert_eq!(world.qdel(goblin), Ok(Qdel::Vetoed { on: moth }));

    assert_eq!(picture(&world), before);
    assert_eq!(told(&world, clear), []);
    assert_eq!(counts(&world).vetoed, 1);
}

#[test]
fn veto_of_a_late_member_removes_its_component() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let shadow = world.spawn((Shadow(orc), Ward)).id();
    world.register_signal(shadow, shadow, Ward::object).unwrap();

    world.qdel(goblin).unwrap();
    world.get_mut::<Shadow>(shadow).unwrap().0 = goblin;
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(shadow), Liveness::Alive);
    assert!(!world.entity(shadow).contains::<Shadow>());
    check(&world);
}

#[test]
fn late_member_that_is_denied_loses_its_component() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let shadow = world.spawn(Shadow(orc)).id();
    let bond = world.spawn(Bond::to(shadow)).id();

    world.qdel(goblin).unwrap();
    world.get_mut::<Shadow>(shadow).unwrap().0 = goblin;
    world.flush_qdel();

    assert_eq!(world.liveness(shadow), Liveness::Alive);
    assert!(!world.entity(shadow).contains::<Shadow>());
    assert_eq!(world.get::<Bond>(bond).unwrap().0, [shadow]);
    assert_eq!(links_on(&world, shadow), [bond]);
}

#[test]
fn member_of_a_cascade_that_is_kept_loses_its_component() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let shadow = world.spawn((Shadow(goblin), Will(Hint::LetMeLive))).id();
    let lantern = world.spawn(ChildOf(shadow)).id();
    let moth = world.spawn(Shadow(shadow)).id();

    assert_eq!(world.qdel(goblin), Ok(Qdel::Queued));

    let states = [goblin, shadow, lantern, moth].map(|entity| world.liveness(entity));
    assert_eq!(
        states,
        [
            Liveness::Deleting,
            Liveness::Alive,
            Liveness::Alive,
            Liveness::Alive
        ]
    );
    assert!(!world.entity(shadow).contains::<Shadow>());
    assert_eq!(world.get::<Shadow>(moth), Some(&Shadow(shadow)));
    assert_eq!(links_on(&world, shadow), [moth]);
    assert_eq!(world.flush_qdel(), 1);
    assert_eq!(told(&world, shadow).len(), 1);
    check(&world);
}

#[test]
fn late_member_of_a_cascade_that_is_kept_loses_its_component() {
    for (end, delete) in DELETIONS.into_iter().chain(DESPAWNS) {
        let mut world = stage();
        let [goblin, orc] = spawn_many(&mut world);
        let shadow = world.spawn((Shadow(orc), Will(Hint::LetMeLive))).id();

        delete(&mut world, goblin);
        world.get_mut::<Shadow>(shadow).unwrap().0 = goblin;
        world.flush_qdel();
        world.sync_references();

        assert_eq!(world.liveness(shadow), Liveness::Alive, "{end}");
        assert!(!world.entity(shadow).contains::<Shadow>(), "{end}");
        check(&world);
    }
}

#[test]
fn who_cannot_be_without_one_who_is_kept_lives_on_as_it_was() {
    let mut world = stage();
    let phoenix = world.spawn(Will(Hint::LetMeLive)).id();
    let shadow = world.spawn((Shadow(phoenix), Will(Hint::Queue))).id();

    assert_eq!(world.qdel(phoenix), Ok(Qdel::Kept));

    assert_eq!(world.liveness(shadow), Liveness::Alive);
    assert_eq!(world.get::<Shadow>(shadow), Some(&Shadow(phoenix)));
    assert_eq!(links_on(&world, phoenix), [shadow]);
    assert_eq!(world.resource::<Destroyed>().0.len(), 1);
    assert_eq!(world.force_qdel(phoenix), Ok(Qdel::Queued));
    assert_eq!(world.liveness(shadow), Liveness::Deleting);
    check(&world);
}

/// One of the two is kept, and the other goes.
#[test]
fn who_cannot_be_without_two_goes_with_the_one_that_goes() {
    for order in [[0, 1], [1, 0]] {
        let mut world = stage();
        let two = [
            world.spawn(Will(Hint::LetMeLive)).id(),
            world.spawn(Will(Hint::Queue)).id(),
        ];
        let pair = world.spawn(Pair(two[0], two[1])).id();

        world.qdel_batch(order.map(|at| two[at]));

        assert_eq!(world.liveness(two[0]), Liveness::Alive, "{order:?}");
        assert_eq!(world.liveness(two[1]), Liveness::Deleting, "{order:?}");
        assert_eq!(world.liveness(pair), Liveness::Deleting, "{order:?}");
    }
}

#[test]
fn who_is_owned_by_one_who_is_kept_goes_with_whom_it_cannot_be_without() {
    let mut world = stage();
    let phoenix = world.spawn(Will(Hint::LetMeLive)).id();
    let goblin = world.spawn(Will(Hint::Queue)).id();
    let shadow = world.spawn((ChildOf(phoenix), Shadow(goblin))).id();

    world.qdel_batch([phoenix, goblin]);

    let states = [phoenix, goblin, shadow].map(|entity| world.liveness(entity));
    assert_eq!(
        states,
        [Liveness::Alive, Liveness::Deleting, Liveness::Deleting]
    );
}

/// It was kept in the deletion in whose course the other one is deleted.
#[test]
fn who_was_kept_before_lets_go_of_whom_it_cannot_be_without() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let shadow = world.spawn((Shadow(goblin), Will(Hint::LetMeLive))).id();
    when_told(&mut world, shadow, move |world| world.queue_qdel(goblin));

    world.qdel(shadow).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_no_leftovers(&world);
}

/// As above, and nobody knows yet that it names the other one when that is deleted.
#[test]
fn who_was_kept_before_lets_go_of_whom_it_names_since() {
    let mut world = stage();
    let immediate = QdelSettings::default().with_teardown(Teardown::Immediate);
    world.insert_resource(immediate);
    let [goblin, orc, elf] = spawn_many(&mut world);
    let shadow = world.spawn((Shadow(elf), Will(Hint::LetMeLive))).id();
    when_told(&mut world, shadow, move |world| world.queue_qdel(orc));
    when_told(&mut world, orc, move |world| {
        world.get_mut::<Shadow>(shadow).unwrap().0 = goblin;
        world.queue_qdel(goblin);
    });

    world.qdel(shadow).unwrap();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_no_leftovers(&world);
}

#[test]
fn who_was_left_alone_goes_on_its_own_account() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let corpse = world
        .spawn((Shadow(goblin), Will(Hint::IWillHandleIt)))
        .id();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(corpse), Liveness::Deleting);
    world.despawn(corpse);
    check(&world);
}

// R5: rings.

#[test]
fn two_who_cannot_be_without_each_other_go_together() {
    for (end, delete) in DELETIONS.into_iter().chain(DESPAWNS) {
        let mut world = stage();
        let [first, second] = spawn_many(&mut world);
        world.entity_mut(first).insert(Shadow(second));
        world.entity_mut(second).insert(Shadow(first));

        delete(&mut world, first);
        world.flush_qdel();

        for entity in [first, second] {
            assert_eq!(world.liveness(entity), Liveness::Gone, "{end}");
        }
        assert_eq!(told(&world, second).len(), 1, "{end}");
        check(&world);
    }
}

#[test]
fn two_who_lose_their_components_with_each_other_lose_one() {
    for (end, delete) in DELETIONS.into_iter().chain(DESPAWNS) {
        let mut world = stage();
        let [first, second] = spawn_many(&mut world);
        world.entity_mut(first).insert(Leash(second));
        world.entity_mut(second).insert(Leash(first));

        delete(&mut world, first);
        world.flush_qdel();

        assert_eq!(world.liveness(second), Liveness::Alive, "{end}");
        assert!(!world.entity(second).contains::<Leash>(), "{end}");
        check(&world);
    }
}

#[test]
fn two_who_refuse_to_lose_each_other_stay() {
    let mut world = stage();
    let [first, second] = spawn_many(&mut world);
    world.entity_mut(first).insert(Bond::to(second));
    world.entity_mut(second).insert(Bond::to(first));

    assert_eq!(world.qdel(first), Err(denied(first, first, second)));
    assert_eq!(world.qdel(second), Err(denied(second, second, first)));
    assert_eq!(world.shutdown_qdel(), 2);
}

#[test]
fn ring_under_each_policy_goes_once_whoever_is_deleted() {
    for start in 0..3 {
        let mut world = stage();
        let ring: [Entity; 3] = spawn_many(&mut world);
        for at in 0..3 {
            let target = ring[(at + 1) % 3];
            world
                .entity_mut(ring[at])
                .insert((Shadow(target), Mob::after(target), Leash(target)));
        }

        world.qdel(ring[start]).unwrap();

        let [a, b, c] = [0, 1, 2].map(|at| ring[(start + 3 - at) % 3]);
        let expected = [
            (a, Cause::Qdel),
            (b, Cause::Reference(a)),
            (c, Cause::Reference(b)),
        ];
        assert_eq!(world.resource::<Told>().0, expected);
        assert_eq!(world.flush_qdel(), 3);
        assert_eq!(gone(&world), [c, b, a]);
        check(&world);
    }
}

#[test]
fn chain_of_references_does_not_touch_the_stack() {
    const LINKS: usize = 20_000;
    for is_late in [false, true] {
        let mut world = stage();
        let first = spawn(&mut world);
        let orc = spawn(&mut world);
        let mut last = first;
        for _ in 0..LINKS {
            let shadow = world.spawn(Shadow(orc)).id();
            if is_late {
                world.get_mut::<Shadow>(shadow).unwrap().0 = last;
            } else {
                world.entity_mut(shadow).insert(Shadow(last));
            }
            last = shadow;
        }

        world.qdel(first).unwrap();

        assert_eq!(world.flush_qdel(), LINKS + 1);
        assert_eq!(world.liveness(last), Liveness::Gone);
    }
}

// R5: denials.

#[test]
fn denial_leaves_the_whole_world_untouched() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let purse = world.spawn((ChildOf(goblin), Thing)).id();
    let shadow = world.spawn(Shadow(purse)).id();
    let lantern = world.spawn(ChildOf(shadow)).id();
    let moth = world.spawn(Shadow(lantern)).id();
    let mob = world.spawn(Mob::after(moth)).id();
    let leash = world.spawn(Leash(goblin)).id();
    let bond = world.spawn(Bond(vec![orc, moth])).id();
    world.register_signal(mob, goblin, Mob::hear).unwrap();
    world.register_signal(leash, moth, Leash::hear).unwrap();
    // Somebody deletes something, so that the counts are there.
    let dead = spawn(&mut world);
    world.qdel(dead).unwrap();
    world.flush_qdel();
    let (before, mut expected) = (picture(&world), counts(&world));

    let denied = denied(goblin, moth, bond);
    assert_eq!(world.qdel(goblin), Err(denied));
    assert_eq!(world.force_qdel(goblin), Err(denied));
    assert_eq!(world.qdel_batch([goblin]).refused, [denied]);
    assert_eq!(world.plan_qdel(goblin), Err(denied));
    assert_eq!(world.plan_force_qdel(goblin), Err(denied));
    world.commands().entity(goblin).qdel();
    world.insert_resource(bevy_ecs::error::FallbackErrorHandler(
        bevy_ecs::error::ignore,
    ));
    world.flush();

    assert_eq!(picture(&world), before);
    expected.refused += 4;
    assert_eq!(counts(&world), expected);
    assert_eq!(world.flush_qdel(), 0);
    assert_eq!(world.resource::<Asked>().0.load(), []);
}

#[test]
fn denial_says_who_refuses_and_why() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let purse = world.spawn(ChildOf(goblin)).id();
    let shadow = world.spawn(Shadow(purse)).id();
    let bond = world.spawn(Bond::to(shadow)).id();
    let charter = world.spawn(Charter::Signed { king: orc }).id();
    let elf = spawn(&mut world);
    let oath = world
        .spawn(Oath {
            heard_by: Some(elf),
            sworn_on: Some(elf),
            sworn_to: Some(elf),
        })
        .id();
    let roles = [
        (goblin, "[goblin]"),
        (orc, "[orc]"),
        (shadow, "[shadow]"),
        (bond, "[bond]"),
        (charter, "[charter]"),
        (elf, "[elf]"),
        (oath, "[oath]"),
    ];

    let said = [goblin, shadow, orc, elf].map(|root| world.qdel(root).unwrap_err().to_string());

    expect("denials", &roles, &said.join("\n"));
}

#[test]
fn denier_that_goes_as_well_does_not_deny() {
    type SpawnDenier = fn(&mut World, Entity) -> Entity;
    let deniers: [(&str, SpawnDenier); 4] = [
        ("owned", |world, goblin| {
            world.spawn((Bond::to(goblin), ChildOf(goblin))).id()
        }),
        ("shadow", |world, goblin| {
            world.spawn((Bond::to(goblin), Shadow(goblin))).id()
        }),
        ("owned by a shadow", |world, goblin| {
            let shadow = world.spawn(Shadow(goblin)).id();
            world.spawn((Bond::to(goblin), ChildOf(shadow))).id()
        }),
        ("of another member", |world, goblin| {
            let shadow = world.spawn(Shadow(goblin)).id();
            world.spawn((Bond::to(shadow), ChildOf(goblin))).id()
        }),
    ];
    for (denier, spawn_denier) in deniers {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let bond = spawn_denier(&mut world, goblin);

        assert_eq!(world.qdel(goblin), Ok(Qdel::Queued), "{denier}");

        assert_eq!(world.liveness(bond), Liveness::Deleting, "{denier}");
        assert!(world.entity(bond).contains::<Bond>(), "{denier}");
        world.flush_qdel();
        check(&world);
    }
}

#[test]
fn denier_whose_deletion_has_begun_does_not_deny() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let bond = world.spawn(Bond::to(goblin)).id();
    world.qdel(bond).unwrap();

    assert_eq!(world.qdel(goblin), Ok(Qdel::Queued));
}

#[test]
fn denier_that_goes_as_well_and_is_kept_is_emptied() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let bond = world
        .spawn((Bond::to(goblin), ChildOf(goblin), Will(Hint::LetMeLive)))
        .id();

    assert_eq!(world.qdel(goblin), Ok(Qdel::Queued));

    assert_eq!(world.liveness(bond), Liveness::Alive);
    assert_eq!(world.get::<Bond>(bond).unwrap().0, []);
    world.flush_qdel();
    check(&world);
}

#[test]
fn denial_in_one_root_of_a_batch_saves_that_root_and_no_other() {
    let mut world = stage();
    let [goblin, orc, elf] = spawn_many(&mut world);
    let shadow = world.spawn(Shadow(orc)).id();
    let shared = world.spawn(Pair(orc, elf)).id();
    let bond = world.spawn(Bond::to(shadow)).id();

    let batch = world.qdel_batch([goblin, orc, elf]);

    assert_eq!(batch.queued, [goblin, elf]);
    assert_eq!(batch.refused, [denied(orc, shadow, bond)]);
    let states = [goblin, orc, shadow, bond].map(|entity| world.liveness(entity));
    let [alive, deleting] = [Liveness::Alive, Liveness::Deleting];
    assert_eq!(states, [deleting, alive, alive, alive]);
    // It could not be without the other one either.
    assert_eq!(world.liveness(shared), deleting);
    assert_eq!(told(&world, shared), [Cause::Reference(elf)]);
}

#[test]
fn denier_that_would_have_gone_with_a_refused_root_of_a_batch_denies() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let bond = world.spawn(Bond::to(goblin)).id();
    let child = world.spawn((ChildOf(goblin), Bond::to(orc))).id();

    let batch = world.qdel_batch([goblin, orc]);

    assert_eq!(batch.queued, []);
    let refused = [denied(goblin, goblin, bond), denied(orc, orc, child)];
    assert_eq!(batch.refused, refused);
}

#[test]
fn denier_that_stands_further_up_in_a_batch_does_not_deny() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let bond = world.spawn(Bond::to(goblin)).id();

    let batch = world.qdel_batch([bond, goblin]);

    assert_eq!(batch.queued, [bond, goblin]);
}

/// All in a batch go in one go, so the denier goes as well.
#[test]
fn denier_that_stands_further_down_in_a_batch_does_not_deny() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let bond = world.spawn(Bond::to(goblin)).id();

    let batch = world.qdel_batch([goblin, bond]);

    assert_eq!(batch.queued, [goblin, bond]);
}

// R5: whoever is removed or deleted is looked at again.

#[test]
fn panic_while_a_component_is_removed_keeps_nobody_else_from_letting_go() {
    for (end, delete) in DELETIONS.into_iter().chain(DESPAWNS) {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let first = world.spawn((Leash(goblin), Thing)).id();
        let others = [
            world.spawn(Leash(goblin)).id(),
            world.spawn(Seal(goblin)).id(),
        ];
        world
            .entity_mut(first)
            .observe(|_: On<Remove<Leash>>| panic!("boom"));
        world.sync_references();

        let outcome = catch_unwind(AssertUnwindSafe(|| delete(&mut world, goblin)));
        world.flush_qdel();
        // Whoever could not be removed is tried again.
        let _ = catch_unwind(AssertUnwindSafe(|| world.sync_references()));

        assert!(outcome.is_err(), "{end}");
        assert!(!world.entity(others[0]).contains::<Leash>(), "{end}");
        assert!(!world.entity(others[1]).contains::<Seal>(), "{end}");
        // Bevy keeps the component whose observer panics.
        world.check_registrations().unwrap();
    }
}

/// Bevy drops the commands that wait behind one that panics.
#[test]
fn panic_of_a_listener_of_a_plain_despawn_keeps_nobody_from_letting_go() {
    for (end, despawn) in DESPAWNS {
        let mut world = stage();
        let goblin = spawn(&mut world);
        when_told(&mut world, goblin, |_| panic!("boom"));
        let leash = world.spawn(Leash(goblin)).id();
        let seal = world.spawn(Seal(goblin)).id();
        let shadow = world.spawn(Shadow(goblin)).id();
        world.sync_references();

        let outcome = catch_unwind(AssertUnwindSafe(|| despawn(&mut world, goblin)));
        world.sync_references();

        assert!(outcome.is_err(), "{end}");
        assert!(!world.entity(leash).contains::<Leash>(), "{end}");
        assert!(!world.entity(seal).contains::<Seal>(), "{end}");
        assert_ne!(world.liveness(shadow), Liveness::Alive, "{end}");
    }
}

/// An observer of the despawn is quicker than the removal.
#[test]
fn component_that_was_replaced_before_its_removal_stays() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let leash = world.spawn(Leash(goblin)).id();
    let shadow = world.spawn(Shadow(goblin)).id();
    world
        .entity_mut(goblin)
        .observe(move |_: On<Despawn<Thing>>, mut commands: Commands| {
            commands.entity(leash).insert(Leash(orc));
            commands.entity(shadow).insert(Shadow(orc));
        });

    world.despawn(goblin);

    assert_eq!(world.get::<Leash>(leash), Some(&Leash(orc)));
    assert_eq!(world.liveness(shadow), Liveness::Alive);
    assert_eq!(world.get::<Shadow>(shadow), Some(&Shadow(orc)));
}

/// It is not decided yet whether it lives on, but then it is gone.
#[test]
fn plain_despawn_of_one_who_is_being_deleted_releases_at_once() {
    let mut world = stage();
    let [goblin, other] = spawn_many(&mut world);
    let mob = world.spawn(Mob::after(goblin)).id();
    let leash = world.spawn(Leash(goblin)).id();
    when_told(&mut world, other, move |world| {
        world.commands().queue(move |world: &mut World| {
            world.despawn(goblin);
            let target = world.get::<Mob>(mob).unwrap().target;
            assert_eq!(target, None);
            assert!(!world.entity(leash).contains::<Leash>());
        });
    });

    world.qdel_batch([other, goblin]);

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    check(&world);
}

/// The first of those who lose their component frees the second.
#[test]
fn component_that_another_removal_replaces_stays() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let first = world.spawn(Leash(goblin)).id();
    let second = world.spawn(Leash(goblin)).id();
    world
        .entity_mut(first)
        .observe(move |_: On<Remove<Leash>>, mut commands: Commands| {
            commands.entity(second).insert(Leash(orc));
        });

    world.qdel(goblin).unwrap();

    assert!(!world.entity(first).contains::<Leash>());
    assert_eq!(world.get::<Leash>(second), Some(&Leash(orc)));
}

// R5 with Q10: the plan.

#[test]
fn plans_with_references_read_well() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let purse = world.spawn((ChildOf(goblin), Will(Hint::Queue))).id();
    let shadow = world.spawn((Shadow(purse), Bond::to(goblin))).id();
    let leash = world.spawn((Leash(shadow), Seal(goblin))).id();
    let mob = world
        .spawn(Mob {
            target: Some(goblin),
            friends: vec![orc, shadow, goblin],
            grudges: BTreeMap::from([(orc, vec![purse])]),
        })
        .id();
    let mood = world
        .spawn(Charter::Drafted(vec![Some(orc), Some(goblin)]))
        .id();
    world.register_signal(mob, goblin, Mob::hear).unwrap();
    let roles = [
        (goblin, "[goblin]"),
        (orc, "[orc]"),
        (purse, "[purse]"),
        (shadow, "[shadow]"),
        (leash, "[leash]"),
        (mob, "[mob]"),
        (mood, "[charter]"),
    ];

    let plans = [goblin, orc, mob].map(|root| world.plan_qdel(root).unwrap().to_string());

    expect("plans_with_references", &roles, &plans.join("\n\n"));
}

#[test]
fn plan_that_a_member_of_a_cascade_vetoes_says_why_it_would_go() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let shadow = world.spawn((Shadow(goblin), Ward)).id();
    world.register_signal(shadow, shadow, Ward::object).unwrap();

    let said = world.plan_qdel(goblin).unwrap().to_string();

    assert!(!said.contains("which it owns"), "{said}");
}

#[test]
fn plan_says_what_will_be_released_without_doing_it() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let mob = world
        .spawn(Mob {
            target: Some(orc),
            friends: vec![goblin, orc, goblin],
            grudges: BTreeMap::new(),
        })
        .id();
    let leash = world.spawn(Leash(goblin)).id();
    let before = picture(&world);

    let plan = world.plan_qdel(goblin).unwrap();

    assert_eq!(picture(&world), before);
    let released: Vec<_> = plan.deletions[0]
        .released
        .iter()
        .map(|at| (at.holder, at.component, at.path.as_str(), at.policy))
        .collect();
    let mobs = type_name::<Mob>();
    let expected = [
        (mob, mobs, ".friends[0]", Policy::Clear),
        (mob, mobs, ".friends[2]", Policy::Clear),
        (leash, type_name::<Leash>(), ".0", Policy::Remove),
    ];
    assert_eq!(released, expected);
}

#[test]
fn plan_leaves_out_who_is_being_deleted() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let mob = world.spawn((Mob::after(goblin), ChildOf(orc))).id();
    let other = world.spawn(Mob::after(goblin)).id();
    world.qdel(orc).unwrap();
    assert_eq!(world.liveness(mob), Liveness::Deleting);

    let plan = world.plan_qdel(goblin).unwrap();

    let holders: Vec<_> = plan.deletions[0]
        .released
        .iter()
        .map(|at| at.holder)
        .collect();
    assert_eq!(holders, [other]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn plan_is_what_the_deletion_then_does(
        names in vec((0..CROWD, 0..KINDS, 0..CROWD), 0..30),
        owners in vec((0..CROWD, 0..CROWD), 0..6),
        root in 0..CROWD,
    ) {
        let mut world = stage();
        let crowd: [Entity; CROWD] = spawn_many(&mut world);
        for (owned, owner) in owners {
            if owned < owner {
                world.entity_mut(crowd[owned]).insert(ChildOf(crowd[owner]));
            }
        }
        for (holder, kind, target) in names {
            name(&mut world, crowd[holder], kind, crowd[target]);
        }
        world.sync_references();
        let root = crowd[root];
        let before = picture(&world);
        let counted = counts_or_none(&world);
        let cascade = cascade(&world, &crowd, root);

        let planned = world.plan_qdel(root);
        prop_assert_eq!(&picture(&world), &before);
        prop_assert_eq!(counts_or_none(&world), counted);
        let done = world.qdel(root);

        match planned {
            Err(error) => {
                prop_assert_eq!(done, Err(error));
                prop_assert_eq!(&picture(&world), &before);
                let QdelError::Denied { target, holder, .. } = error else {
                    return Err(TestCaseError::fail(error.to_string()));
                };
                prop_assert!(cascade.contains(&target) && !cascade.contains(&holder));
                prop_assert!(world.get::<Bond>(holder).unwrap().0.contains(&target));
            }
            Ok(plan) => {
                prop_assert_eq!(done, Ok(plan.answer));
                for holder in crowd.iter().filter(|holder| !cascade.contains(holder)) {
                    let bond = &before.fields[holder].bond;
                    prop_assert!(bond.iter().flatten().all(|target| !cascade.contains(target)));
                }
                check_plan(&world, &plan, &before, &cascade, &crowd)?;
                world.flush_qdel();
                assert_no_leftovers(&world);
            }
        }
        world.check_registrations().unwrap();
    }
}

/// Compares what a plan says, and what was done, with what the world was like before.
fn check_plan(
    world: &World,
    plan: &QdelPlan,
    before: &Picture,
    cascade: &BTreeSet<Entity>,
    crowd: &[Entity],
) -> Result<(), TestCaseError> {
    let planned: Vec<_> = plan
        .deletions
        .iter()
        .map(|at| (at.entity, at.cause))
        .collect();
    prop_assert_eq!(&planned, &world.resource::<Told>().0);
    let members: BTreeSet<_> = planned.iter().map(|at| at.0).collect();
    prop_assert_eq!(&members, cascade);
    prop_assert_eq!(members.len(), planned.len());

    // Each place that names somebody who goes is planned, and no other.
    let mut places = BTreeMap::<_, usize>::new();
    for deletion in &plan.deletions {
        for at in &deletion.released {
            let place = (deletion.entity, at.holder, at.component, at.policy);
            *places.entry(place).or_default() += 1;
        }
    }
    let mut expected = BTreeMap::<_, usize>::new();
    for &holder in crowd {
        for (target, component, policy) in before.fields[&holder].names() {
            if cascade.contains(&target) {
                *expected
                    .entry((target, holder, component, policy))
                    .or_default() += 1;
            }
        }
    }
    prop_assert_eq!(places, expected);

    for &holder in crowd {
        let after = fields(world, holder);
        let state = world.liveness(holder);
        if cascade.contains(&holder) {
            prop_assert_eq!(state, Liveness::Deleting);
            continue;
        }
        prop_assert_eq!(state, Liveness::Alive);
        prop_assert_eq!(after, before.fields[&holder].without(cascade));
    }
    Ok(())
}

/// Returns all that go with `root`, by looking at all fields.
fn cascade(world: &World, crowd: &[Entity], root: Entity) -> BTreeSet<Entity> {
    let mut going = BTreeSet::from([root]);
    loop {
        let grows = |entity: &&Entity| {
            let shadow = world.get::<Shadow>(**entity).map(|shadow| shadow.0);
            let owner = world.get::<ChildOf>(**entity).map(ChildOf::parent);
            let mut causes = shadow.into_iter().chain(owner);
            !going.contains(*entity) && causes.any(|cause| going.contains(&cause))
        };
        let Some(next) = crowd.iter().find(grows) else {
            return going;
        };
        going.insert(*next);
    }
}

const CROWD: usize = 9;
const KINDS: usize = 7;

/// Has `holder` name `target` in a field of that `kind`.
fn name(world: &mut World, holder: Entity, kind: usize, target: Entity) {
    let mut at = world.entity_mut(holder);
    match kind {
        0 => {
            at.insert(Leash(target));
        }
        1 => {
            at.insert(Seal(target));
        }
        2 => {
            at.insert(Shadow(target));
        }
        3 => {
            let mut bond = at.get::<Bond>().map_or(Vec::new(), |bond| bond.0.clone());
            bond.push(target);
            // Most would be refused otherwise.
            if bond.len() < 3 && target != holder {
                at.insert(Bond(bond));
            }
        }
        kind => {
            if !at.contains::<Mob>() {
                at.insert(Mob::default());
            }
            let mut mob = at.get_mut::<Mob>().unwrap();
            match kind {
                4 => mob.target = Some(target),
                5 => mob.friends.push(target),
                _ => mob.grudges.entry(target).or_default().push(holder),
            }
        }
    }
}

// The stage.

/// Who was told about, and why, in order.
#[derive(Resource, Default)]
struct Told(Vec<(Entity, Cause)>);

/// Who went, in order.
#[derive(Resource, Default)]
struct Gone(Vec<Entity>);

/// Who was destroyed, why, and whether by force, in order.
#[derive(Resource, Default)]
struct Destroyed(Vec<(Entity, Cause, bool)>);

/// Who was asked about, and for which root, and whether by force, in order.
#[derive(Resource, Default)]
struct Asked(Ledger);

/// A list that can be written by those who can only look.
#[derive(Default)]
struct Ledger(std::sync::Mutex<Vec<(Entity, Entity, bool)>>);

impl Ledger {
    fn note(&self, line: (Entity, Entity, bool)) {
        self.0.lock().unwrap().push(line);
    }

    fn load(&self) -> Vec<(Entity, Entity, bool)> {
        self.0.lock().unwrap().clone()
    }
}

#[derive(Component)]
struct Thing;

/// Lets go.
#[derive(Component, Clone, Debug, Default, PartialEq, References)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    #[entities]
    friends: Vec<Entity>,
    #[references]
    grudges: BTreeMap<Entity, Vec<Entity>>,
}

impl Mob {
    fn after(target: Entity) -> Self {
        Self {
            target: Some(target),
            ..Self::default()
        }
    }

    fn hear(&mut self, _: Received<Qdeleting>) {}
}

/// Is removed.
#[derive(Component, Clone, Copy, Debug, PartialEq, References)]
struct Leash(#[references(remove)] Entity);

impl Leash {
    fn hear(&mut self, _: Received<Qdeleting>) {}
}

/// Is removed, and cannot be changed.
#[derive(Component, Clone, Copy, Debug, PartialEq, References)]
#[component(immutable)]
struct Seal(#[references(remove)] Entity);

/// Goes as well.
#[derive(Component, Clone, Copy, Debug, PartialEq, References)]
struct Shadow(#[references(qdel)] Entity);

/// Cannot be without either.
#[derive(Component, References)]
struct Pair(#[references(qdel)] Entity, #[references(qdel)] Entity);

/// Refuses.
#[derive(Component, Clone, Debug, PartialEq, References)]
struct Bond(#[references(deny)] Vec<Entity>);

impl Bond {
    fn to(target: Entity) -> Self {
        Self(vec![target])
    }
}

/// Refuses by one of its fields.
#[derive(Component, References)]
struct Oath {
    #[references]
    heard_by: Option<Entity>,
    #[references(remove)]
    sworn_on: Option<Entity>,
    #[references(deny)]
    sworn_to: Option<Entity>,
}

/// Refuses once it is signed.
#[derive(Component, References)]
enum Charter {
    Drafted(#[references] Vec<Option<Entity>>),
    Signed {
        #[references(deny)]
        king: Entity,
    },
}

#[derive(Component, References)]
#[references(on_lost = Mixed::mourn)]
struct Mixed {
    #[references]
    clear: Option<Entity>,
    #[references(remove)]
    remove: Entity,
    #[references(qdel)]
    qdel: Entity,
    #[references(ignore)]
    lost: Vec<Vec<Entity>>,
}

impl Mixed {
    fn mourn(&mut self, lost: Lost) {
        self.lost.push(lost.to_vec());
    }
}

#[derive(Resource, References)]
struct Throne(#[references(remove)] Entity);

#[derive(Resource, References)]
struct Crown(#[references(qdel)] Entity);

/// Objects to its deletion.
#[derive(Component)]
struct Ward;

impl Ward {
    fn object(&self, _: Received<PreQdel>) -> Verdict {
        Verdict::Veto
    }
}

/// Says this when it is destroyed.
#[derive(Component)]
struct Will(Hint);

impl Will {
    fn write_down(world: &World, asked: Received<PreQdel, Self>) -> Verdict {
        let line = (asked.entity, asked.root, asked.force);
        world.resource::<Asked>().0.note(line);
        Verdict::Allow
    }
}

impl Destroy for Will {
    type Param = ResMut<'static, Destroyed>;

    fn destroy(&mut self, mut going: Destroying<Self::Param>) -> Hint {
        going.param.0.push((going.entity, going.cause, going.force));
        self.0
    }
}

type Reactive = dyn Fn(&mut DeferredWorld) + Send + Sync;

/// Does something when it is told.
#[derive(Component)]
struct Reaction(Arc<Reactive>);

impl Reaction {
    fn react(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let react = Arc::clone(&world.get::<Self>(told.listener()).unwrap().0);
        react(&mut world);
    }
}

/// Has `reaction` called when `target` goes away.
fn when_told(
    world: &mut World,
    target: Entity,
    reaction: impl Fn(&mut DeferredWorld) + Send + Sync + 'static,
) {
    let listener = world.spawn(Reaction(Arc::new(reaction))).id();
    world
        .register_signal(listener, target, Reaction::react)
        .unwrap();
}

fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Told>();
    world.init_resource::<Gone>();
    world.init_resource::<Destroyed>();
    world.init_resource::<Asked>();
    world.register_destroy::<Will>();
    world.track_references::<Mob>();
    world.track_references::<Leash>();
    world.track_references::<Seal>();
    world.track_references::<Shadow>();
    world.track_references::<Pair>();
    world.track_references::<Bond>();
    world.track_references::<Charter>();
    world.track_references::<Oath>();
    world.track_references::<Mixed>();
    world.add_observer(|told: On<Qdeleting>, mut world: DeferredWorld| {
        let line = (told.entity, told.cause);
        world.resource_mut::<Told>().0.push(line);
    });
    world.add_observer(
        |gone: On<Despawn<qdel::Deleting>>, mut order: ResMut<Gone>| {
            order.0.push(gone.entity);
        },
    );
    world
}

fn spawn(world: &mut World) -> Entity {
    world.spawn(Thing).id()
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| spawn(world))
}

/// Returns why `entity` was told about, each time.
fn told(world: &World, entity: Entity) -> Vec<Cause> {
    let told = world.resource::<Told>().0.iter();
    told.filter(|line| line.0 == entity)
        .map(|line| line.1)
        .collect()
}

fn gone(world: &World) -> Vec<Entity> {
    world.resource::<Gone>().0.clone()
}

fn counts(world: &World) -> QdelCounts {
    *world.resource::<QdelCounts>()
}

fn counts_or_none(world: &World) -> QdelCounts {
    world.get_resource().copied().unwrap_or_default()
}

/// Returns who refuses the deletion of `entity`: the `Bond` of `holder`, for the sake of `target`.
fn denied(entity: Entity, target: Entity, holder: Entity) -> QdelError {
    QdelError::Denied {
        entity,
        target,
        holder,
        component: type_name::<Bond>(),
        field: "0",
    }
}

/// Returns who is known to name `target`.
fn links_on(world: &World, target: Entity) -> Vec<Entity> {
    let on = world.registrations_on(target);
    let links = on.iter().filter(|at| at.signal != type_name::<Qdeleting>());
    links.map(|at| at.listener).collect()
}

/// What can be seen of a world.
#[derive(Debug, Clone, PartialEq)]
struct Picture {
    states: Vec<(Entity, Liveness)>,
    registrations: Vec<Vec<Registration>>,
    fields: BTreeMap<Entity, Fields>,
    told: usize,
    destroyed: usize,
}

/// All declared fields of an entity.
#[derive(Debug, Clone, PartialEq, Default)]
struct Fields {
    mob: Option<Mob>,
    leash: Option<Leash>,
    seal: Option<Seal>,
    shadow: Option<Shadow>,
    bond: Option<Vec<Entity>>,
}

impl Fields {
    /// Returns all places that name somebody.
    fn names(&self) -> Vec<(Entity, &'static str, Policy)> {
        let mut names = Vec::new();
        if let Some(mob) = &self.mob {
            let grudges = mob.grudges.iter();
            let grudges = grudges.flat_map(|(key, values)| [key].into_iter().chain(values));
            let all = mob.target.iter().chain(&mob.friends).chain(grudges);
            names.extend(all.map(|name| (*name, type_name::<Mob>(), Policy::Clear)));
        }
        let leash = self
            .leash
            .map(|at| (at.0, type_name::<Leash>(), Policy::Remove));
        let seal = self
            .seal
            .map(|at| (at.0, type_name::<Seal>(), Policy::Remove));
        let shadow = self
            .shadow
            .map(|at| (at.0, type_name::<Shadow>(), Policy::Qdel));
        names.extend(leash.into_iter().chain(seal).chain(shadow));
        let bond = self.bond.iter().flatten();
        names.extend(bond.map(|name| (*name, type_name::<Bond>(), Policy::Deny)));
        names
    }

    /// Returns the fields of a living entity without those who are `lost`.
    fn without(&self, lost: &BTreeSet<Entity>) -> Self {
        let mut left = self.clone();
        if let Some(mob) = &mut left.mob {
            mob.target = mob.target.filter(|name| !lost.contains(name));
            mob.friends.retain(|name| !lost.contains(name));
            mob.grudges.retain(|key, values| {
                values.retain(|name| !lost.contains(name));
                !lost.contains(key)
            });
        }
        left.leash = left.leash.filter(|at| !lost.contains(&at.0));
        left.seal = left.seal.filter(|at| !lost.contains(&at.0));
        left
    }
}

fn fields(world: &World, entity: Entity) -> Fields {
    Fields {
        mob: world.get::<Mob>(entity).cloned(),
        leash: world.get::<Leash>(entity).copied(),
        seal: world.get::<Seal>(entity).copied(),
        shadow: world.get::<Shadow>(entity).copied(),
        bond: world.get::<Bond>(entity).map(|bond| bond.0.clone()),
    }
}

fn picture(world: &World) -> Picture {
    let mut all: Vec<_> = world.iter_entities().map(|entity| entity.id()).collect();
    all.sort_unstable_by_key(|entity| entity.index());
    // The resources of the crate come with the first deletion.
    all.retain(|entity| !world.entity(*entity).contains::<IsResource>());
    Picture {
        states: all
            .iter()
            .map(|entity| (*entity, world.liveness(*entity)))
            .collect(),
        registrations: all
            .iter()
            .flat_map(|entity| {
                [
                    world.registrations_on(*entity),
                    world.registrations_of(*entity),
                ]
            })
            .collect(),
        fields: all
            .iter()
            .map(|entity| (*entity, fields(world, *entity)))
            .collect(),
        told: world.resource::<Told>().0.len(),
        destroyed: world.resource::<Destroyed>().0.len(),
    }
}

/// Checks that no living entity names one that is gone.
fn assert_no_leftovers(world: &World) {
    for holder in world.iter_entities().map(|entity| entity.id()) {
        if world.liveness(holder) != Liveness::Alive {
            continue;
        }
        for (name, component, _) in fields(world, holder).names() {
            let state = world.liveness(name);
            assert_ne!(state, Liveness::Gone, "{component} of {holder}");
        }
    }
}

fn check(world: &World) {
    world.check_registrations().unwrap();
    assert_no_leftovers(world);
}

/// Compares `said` with the snapshot of this name.
fn expect(name: &str, roles: &[(Entity, &str)], said: &str) {
    let roles: Vec<_> = roles
        .iter()
        .map(|(entity, role)| (format!(r"\b{entity}\b"), *role))
        .collect();
    let mut filters: Vec<_> = roles
        .iter()
        .map(|(id, role)| (id.as_str(), *role))
        .collect();
    filters.push((r"\b\d+v\d+\b", "[another entity]"));
    with_settings!({ filters => filters, omit_expression => true }, {
        assert_snapshot!(name, said);
    });
}
