//! R5: cascades.
//! R5: rings.

use super::*;
use qdel::QdelCause;

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

    assert_eq!(world.qdel(goblin), Ok(QdelOutcome::Queued));

    let expected = [
        (goblin, QdelCause::Qdel),
        (shadow, QdelCause::Reference(goblin)),
        (lantern, QdelCause::Owner(shadow)),
        (moth, QdelCause::Reference(lantern)),
    ];
    assert_eq!(world.resource::<Told>().0[..4], expected);
    let [(last, QdelCause::Reference(why) | QdelCause::Owner(why))] =
        world.resource::<Told>().0[4..]
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
    let shadow = world.spawn((Shadow(goblin), Will(DestroyHint::Queue))).id();
    world
        .register_signal(shadow, shadow, Will::write_down)
        .unwrap();

    world.force_qdel(goblin).unwrap();

    assert_eq!(world.resource::<Asked>().0.load(), [(shadow, goblin, true)]);
    assert_eq!(told(&world, shadow), [QdelCause::Reference(goblin)]);
    assert_eq!(
        world.resource::<Destroyed>().0,
        [(shadow, QdelCause::Reference(goblin), true)]
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

    assert_eq!(told(&world, shadow), [QdelCause::Reference(goblin)]);
}

#[test]
fn member_of_a_cascade_of_a_plain_despawn_is_told_with_the_cause() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let shadow = world.spawn(Shadow(goblin)).id();

    world.despawn(goblin);

    assert_eq!(told(&world, shadow), [QdelCause::Reference(goblin)]);
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

    assert_eq!(world.qdel(goblin), Ok(QdelOutcome::Vetoed { on: moth }));

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
    let shadow = world
        .spawn((Shadow(goblin), Will(DestroyHint::LetMeLive)))
        .id();
    let lantern = world.spawn(ChildOf(shadow)).id();
    let moth = world.spawn(Shadow(shadow)).id();

    assert_eq!(world.qdel(goblin), Ok(QdelOutcome::Queued));

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
        let shadow = world
            .spawn((Shadow(orc), Will(DestroyHint::LetMeLive)))
            .id();

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
    let phoenix = world.spawn(Will(DestroyHint::LetMeLive)).id();
    let shadow = world
        .spawn((Shadow(phoenix), Will(DestroyHint::Queue)))
        .id();

    assert_eq!(world.qdel(phoenix), Ok(QdelOutcome::Kept));

    assert_eq!(world.liveness(shadow), Liveness::Alive);
    assert_eq!(world.get::<Shadow>(shadow), Some(&Shadow(phoenix)));
    assert_eq!(links_on(&world, phoenix), [shadow]);
    assert_eq!(world.resource::<Destroyed>().0.len(), 1);
    assert_eq!(world.force_qdel(phoenix), Ok(QdelOutcome::Queued));
    assert_eq!(world.liveness(shadow), Liveness::Deleting);
    check(&world);
}

/// One of the two is kept, and the other goes.
#[test]
fn who_cannot_be_without_two_goes_with_the_one_that_goes() {
    for order in [[0, 1], [1, 0]] {
        let mut world = stage();
        let two = [
            world.spawn(Will(DestroyHint::LetMeLive)).id(),
            world.spawn(Will(DestroyHint::Queue)).id(),
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
    let phoenix = world.spawn(Will(DestroyHint::LetMeLive)).id();
    let goblin = world.spawn(Will(DestroyHint::Queue)).id();
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
    let shadow = world
        .spawn((Shadow(goblin), Will(DestroyHint::LetMeLive)))
        .id();
    on_death(&mut world, shadow, move |world, _| world.qdel(goblin));

    world.qdel(shadow).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_no_leftovers(&world);
}

/// As above, and it is not known yet that it names the other one when that is deleted.
#[test]
fn who_was_kept_before_lets_go_of_whom_it_names_since() {
    let mut world = stage();
    let immediate = QdelSettings::default().with_teardown(Teardown::Immediate);
    world.insert_resource(immediate);
    let [goblin, orc, elf] = spawn_many(&mut world);
    let shadow = world
        .spawn((Shadow(elf), Will(DestroyHint::LetMeLive)))
        .id();
    on_death(&mut world, shadow, move |world, _| world.qdel(orc));
    on_death(&mut world, orc, move |world, _| {
        world.get_mut::<Shadow>(shadow).unwrap().0 = goblin;
        world.qdel(goblin);
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
        .spawn((Shadow(goblin), Will(DestroyHint::IWillHandleIt)))
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
            (a, QdelCause::Qdel),
            (b, QdelCause::Reference(a)),
            (c, QdelCause::Reference(b)),
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

// The stage.

/// Returns who is known to name `target`.
fn links_on(world: &World, target: Entity) -> Vec<Entity> {
    let on = world.registrations_on(target);
    let links = on.iter().filter(|at| at.signal != type_name::<Qdeleting>());
    links.map(|at| at.listener).collect()
}
