//! R5: denials.
//! R5: what is removed or deleted is looked at again.

use super::*;
use qdel::QdelCause;

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
    // The first deletion makes the counts.
    let dead = spawn(&mut world);
    world.qdel(dead).unwrap();
    world.flush_qdel();
    let (before, mut expected) = (picture(&world), counts(&world));

    let denied = denied(goblin, moth, bond);
    assert_eq!(world.qdel(goblin), Err(denied));
    assert_eq!(world.force_qdel(goblin), Err(denied));
    assert_eq!(world.qdel_batch([goblin]).refused, [denied]);
    assert_eq!(world.plan_qdel(goblin).answer, Err(denied));
    assert_eq!(world.plan_force_qdel(goblin).answer, Err(denied));
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

        assert_eq!(world.qdel(goblin), Ok(QdelOutcome::Queued), "{denier}");

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

    assert_eq!(world.qdel(goblin), Ok(QdelOutcome::Queued));
}

#[test]
fn denier_that_goes_as_well_and_is_kept_is_emptied() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let bond = world
        .spawn((
            Bond::to(goblin),
            ChildOf(goblin),
            Will(DestroyHint::LetMeLive),
        ))
        .id();

    assert_eq!(world.qdel(goblin), Ok(QdelOutcome::Queued));

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
    assert_eq!(told(&world, shared), [QdelCause::Reference(elf)]);
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

// R5: what is removed or deleted is looked at again.

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
        // What could not be removed is tried again.
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
        on_death(&mut world, goblin, |_, _| panic!("boom"));
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
    on_death(&mut world, other, move |world, _| {
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
