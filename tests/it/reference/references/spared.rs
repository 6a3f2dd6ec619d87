//! R3 with Q6: those who live on, and those who are left alone.
//! R3: holders that are being deleted.

use super::*;

// R3 with Q6: those who live on, and those who are left alone.

#[test]
fn reference_to_one_who_is_kept_stays() {
    let mut world = stage();
    let phoenix = spawn_phoenix(&mut world);
    let mob = world.spawn(Mob::after(phoenix)).id();

    assert_eq!(world.qdel(phoenix), Ok(QdelOutcome::Kept));
    world.sync_references();

    assert_eq!(named(&world, mob), [phoenix]);
    assert_eq!(lost(&world, mob).len(), 0);
    assert_eq!(links_on(&world, phoenix), [mob]);
    world.force_qdel(phoenix).unwrap();
    assert_eq!(named(&world, mob), []);
    check(&world);
}

/// The despawn let go of all entities before it panicked, and the deletion then keeps its entity.
#[test]
fn links_to_one_who_outlives_a_despawn_leave_nothing_behind_regression() {
    let mut world = stage();
    let phoenix = spawn_phoenix(&mut world);
    world
        .entity_mut(phoenix)
        .observe(|_: On<Discard<Says>>| panic!("not yet"));
    on_death(&mut world, phoenix, move |world, _| {
        world.commands().entity(phoenix).despawn();
    });
    let mob = world.spawn(Mob::after(phoenix)).id();
    let outcome = catch_unwind(AssertUnwindSafe(|| world.qdel(phoenix)));
    assert!(outcome.is_err());
    assert_eq!(world.liveness(phoenix), Liveness::Alive);
    assert_eq!(lost(&world, mob), [[phoenix]]);
    let before = world.signal_footprint();

    for _ in 0..1_000 {
        write(&mut world, mob, phoenix);
        world.sync_references();
        world.get_mut::<Mob>(mob).unwrap().target = None;
        world.sync_references();
    }

    assert_eq!(world.signal_footprint(), before);
    check(&world);
}

#[test]
fn reference_to_one_who_is_left_alone_is_released() {
    let mut world = stage();
    let corpse = world.spawn(Says(DestroyHint::IWillHandleIt)).id();
    let mob = world.spawn(Mob::after(corpse)).id();
    let late = spawn_mob(&mut world);

    world.qdel(corpse).unwrap();
    assert_eq!(lost(&world, mob), [[corpse]]);
    write(&mut world, late, corpse);
    world.sync_references();

    assert_eq!(world.liveness(corpse), Liveness::Deleting);
    assert_eq!(lost(&world, late), [[corpse]]);
    assert_eq!(named(&world, late), []);
    check(&world);
}

#[test]
fn field_written_to_one_who_is_kept_meanwhile_stays_and_is_known() {
    let mut world = stage();
    let [phoenix, mob] = [spawn_phoenix(&mut world), spawn_mob(&mut world)];
    on_death(&mut world, phoenix, move |world, _| {
        world.commands().entity(mob).insert(Mob::after(phoenix));
    });

    world.qdel(phoenix).unwrap();
    world.sync_references();

    assert_eq!(named(&world, mob), [phoenix]);
    assert_eq!(links_on(&world, phoenix), [mob]);
}

/// It is not decided yet whether it lives on when the sync comes.
#[test]
fn reference_to_one_who_is_kept_stays_though_a_sync_comes_meanwhile() {
    let mut world = stage();
    let [phoenix, mob] = [spawn_phoenix(&mut world), spawn_mob(&mut world)];
    write(&mut world, mob, phoenix);
    on_death(&mut world, phoenix, move |world, _| {
        world.commands().queue(WorldReferencesExt::sync_references);
    });

    assert_eq!(world.qdel(phoenix), Ok(QdelOutcome::Kept));

    assert_eq!(named(&world, mob), [phoenix]);
    world.sync_references();
    assert_eq!(links_on(&world, phoenix), [mob]);
}

#[test]
fn reference_to_one_who_is_kept_stays_though_another_one_is_despawned_meanwhile() {
    let mut world = stage();
    let [phoenix, goblin] = [spawn_phoenix(&mut world), spawn(&mut world)];
    let mob = world
        .spawn(Mob {
            friends: vec![phoenix, goblin],
            ..Mob::default()
        })
        .id();
    on_death(&mut world, phoenix, move |world, _| {
        world.commands().entity(goblin).despawn();
    });

    assert_eq!(world.qdel(phoenix), Ok(QdelOutcome::Kept));

    assert_eq!(named(&world, mob), [phoenix]);
    assert_eq!(lost(&world, mob), [[goblin]]);
}

#[test]
fn reference_to_one_who_is_kept_stays_though_another_deletion_ends_before() {
    let mut world = stage();
    let [phoenix, goblin] = [spawn_phoenix(&mut world), spawn(&mut world)];
    let mob = world
        .spawn(Mob {
            friends: vec![phoenix, goblin],
            ..Mob::default()
        })
        .id();
    on_death(&mut world, goblin, move |world, _| {
        world.qdel(phoenix);
    });

    world.qdel(goblin).unwrap();

    assert_eq!(world.liveness(phoenix), Liveness::Alive);
    assert_eq!(named(&world, mob), [phoenix]);
    assert_eq!(lost(&world, mob), [[goblin]]);
}

/// To link to an entity for the first time takes a command, which looks at the others as well.
#[test]
fn reference_to_one_who_is_kept_stays_though_it_is_inserted_with_another_meanwhile() {
    let mut world = stage();
    let [phoenix, orc, mob] = [
        spawn_phoenix(&mut world),
        spawn(&mut world),
        spawn(&mut world),
    ];
    on_death(&mut world, phoenix, move |world, _| {
        world.commands().entity(mob).insert(Mob {
            friends: vec![phoenix, orc],
            ..Mob::default()
        });
    });

    assert_eq!(world.qdel(phoenix), Ok(QdelOutcome::Kept));

    assert_eq!(named(&world, mob), [phoenix, orc]);
}

/// An entity that may live on is linked to meanwhile, but it is being deleted all the same.
#[test]
fn link_to_one_who_is_deleting_does_not_open_it_to_registrations() {
    #[derive(Resource)]
    struct Answer(Result<Registered, RegisterError>);
    for is_listened_to in [false, true] {
        let mut world = stage();
        let [goblin, orc, other] = [(); 3].map(|()| spawn(&mut world));
        let mob = spawn_mob(&mut world);
        world.register_signal(mob, orc, Mob::count).unwrap();
        if is_listened_to {
            let ear = spawn_mob(&mut world);
            world.register_signal(ear, goblin, Mob::count).unwrap();
        }
        on_death(&mut world, other, move |world, _| {
            world.commands().queue(move |world: &mut World| {
                write(world, mob, goblin);
                world.sync_references();
                let answer = world.register_signal(mob, goblin, Mob::count);
                world.insert_resource(Answer(answer));
            });
        });

        world.qdel_batch([goblin, other]);

        let answer = world.resource::<Answer>().0;
        assert!(
            matches!(answer, Err(RegisterError::TargetDeleting(_))),
            "{answer:?}, listened to: {is_listened_to}"
        );
        check(&world);
    }
}

// R3: holders that are being deleted.

#[test]
fn deleting_holder_lets_go_and_hears_nothing() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = world.spawn(Mob::after(goblin)).id();
    world.qdel(mob).unwrap();

    world.qdel(goblin).unwrap();

    assert_eq!(named(&world, mob), []);
    assert_eq!(lost(&world, mob).len(), 0);
    world.flush_qdel();
    check(&world);
}

#[test]
fn kept_holder_hears_what_was_lost_in_the_same_deletion() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = world
        .spawn((Mob::after(goblin), Says(DestroyHint::LetMeLive)))
        .id();

    world.qdel_batch([mob, goblin]);

    assert_eq!(world.liveness(mob), Liveness::Alive);
    assert_eq!(named(&world, mob), []);
    assert_eq!(lost(&world, mob), [[goblin]]);
    check(&world);
}

#[test]
fn kept_holder_hears_what_was_lost_while_it_was_deleting() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = world
        .spawn((Mob::after(goblin), Says(DestroyHint::LetMeLive)))
        .id();
    on_death(&mut world, goblin, move |world, _| world.qdel(mob));

    world.qdel(goblin).unwrap();

    assert_eq!(world.liveness(mob), Liveness::Alive);
    assert_eq!(named(&world, mob), []);
    assert_eq!(lost(&world, mob), [[goblin]]);
}

#[test]
fn field_that_a_kept_holder_wrote_while_it_was_deleting_is_released() {
    for with_sync in [false, true] {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let mob = world
            .spawn((Mob::default(), Says(DestroyHint::LetMeLive)))
            .id();
        on_death(&mut world, mob, move |world, _| {
            world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);
            if with_sync {
                world.commands().queue(WorldReferencesExt::sync_references);
            }
        });
        assert_eq!(world.qdel(mob), Ok(QdelOutcome::Kept));
        assert_eq!(named(&world, mob), [goblin]);

        world.qdel(goblin).unwrap();
        world.flush_qdel();

        assert_eq!(world.liveness(goblin), Liveness::Gone);
        assert_eq!(named(&world, mob), [], "with sync: {with_sync}");
    }
}

#[test]
fn hidden_holder_is_released() {
    let mut world = stage();
    let [goblin, orc] = [(); 2].map(|()| spawn(&mut world));
    let mob = world.spawn((Mob::after(goblin), Disabled)).id();
    world.get_mut::<Mob>(mob).unwrap().friends.push(orc);

    world.qdel_batch([goblin, orc]);
    world.flush_qdel();

    assert_eq!(named(&world, mob), []);
    assert_eq!(lost(&world, mob), [[goblin, orc]]);
}

// The stage.

/// Spawns an entity that lives on.
fn spawn_phoenix(world: &mut World) -> Entity {
    world.spawn(Says(DestroyHint::LetMeLive)).id()
}
