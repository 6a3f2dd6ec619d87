//! R4: what was lost is told.

use super::*;

#[test]
fn on_lost_may_pick_another_dying_one() {
    for teardown in TEARDOWNS {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_teardown(teardown));
        let [goblin, orc, elf] = [(); 3].map(|()| spawn(&mut world));
        let hunter = world.spawn(Hunter::of([goblin, orc, elf])).id();

        world.qdel_batch([goblin, orc]);
        world.flush_qdel();

        let at = world.get::<Hunter>(hunter).unwrap();
        assert_eq!(at.target, Some(elf), "{teardown:?}");
        assert_eq!(at.mourned, [[goblin], [orc]], "{teardown:?}");
        assert_eq!(links_on(&world, elf), [hunter], "{teardown:?}");
        check(&world);
    }
}

/// A mass death, and a mob that always picks another who dies as well.
#[test]
fn on_lost_may_pick_another_dying_one_again_and_again() {
    for teardown in TEARDOWNS {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_teardown(teardown));
        let crowd: Vec<_> = (0..100).map(|_| spawn(&mut world)).collect();
        let hunter = world.spawn(Hunter::of(crowd.clone())).id();

        world.qdel_batch(crowd);
        world.drain_qdel();

        let target = world.get::<Hunter>(hunter).unwrap().target;
        assert_eq!(target, None, "{teardown:?}");
    }
}

#[test]
fn on_lost_may_pick_one_who_is_gone_in_a_sync() {
    let mut world = stage();
    let [goblin, orc, elf] = [(); 3].map(|()| spawn(&mut world));
    let hunter = world.spawn(Hunter::of([goblin, orc, elf])).id();
    world.despawn(orc);
    world.despawn(goblin);

    world.sync_references();

    assert_eq!(world.get::<Hunter>(hunter).unwrap().target, Some(elf));
}

/// All but one of the candidates are gone when the sync begins.
#[test]
fn on_lost_may_pick_those_who_are_gone_again_and_again_in_a_sync() {
    let mut world = stage();
    let crowd: Vec<_> = (0..5).map(|_| spawn(&mut world)).collect();
    let hunter = world.spawn(Hunter::of(crowd.clone())).id();
    for &entity in crowd[..4].iter().rev() {
        world.despawn(entity);
    }

    world.sync_references();

    let target = world.get::<Hunter>(hunter).unwrap().target;
    assert_eq!(target, Some(crowd[4]));
}

/// A game that only despawns plainly never syncs.
#[test]
fn nothing_grows_where_nobody_syncs() {
    #[derive(Component, References)]
    struct Leash(#[references(remove)] Entity);

    let mut world = stage();
    world.track_references::<Leash>();
    let mut bytes = Vec::new();
    for _ in 0..2_000 {
        let goblin = spawn(&mut world);
        let holder = world.spawn(Leash(goblin)).id();
        world.despawn(goblin);
        assert!(!world.entity(holder).contains::<Leash>());
        let orc = spawn(&mut world);
        let holder = world.spawn(Leash(orc)).id();
        world.entity_mut(orc).clear();
        world.despawn(holder);
        world.despawn(orc);
        bytes.push(world.signal_footprint().heap_bytes);
    }

    let (early, late) = bytes.split_at(bytes.len() / 2);
    assert_eq!(late.iter().max(), early.iter().max());
}

#[test]
fn on_lost_is_called_once_with_all_that_was_lost_in_one_deletion() {
    let mut world = stage();
    let [king, crown, goblin, orc] = [(); 4].map(|()| spawn(&mut world));
    world.entity_mut(crown).insert(ChildOf(king));
    let mob = world
        .spawn(Mob {
            target: Some(goblin),
            friends: vec![orc, crown, goblin, king, crown],
            ..Mob::default()
        })
        .id();

    world.qdel_batch([king, goblin]);

    assert_eq!(lost(&world, mob), [[goblin, crown, king]]);
    assert_eq!(named(&world, mob), [orc]);
    world.flush_qdel();
    assert_eq!(lost(&world, mob).len(), 1);
}

#[test]
fn on_lost_sees_who_was_lost_whole_and_its_own_fields_cleared() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let mob = world.spawn(Mob::after(goblin)).id();

    world.qdel(goblin).unwrap();

    let at = world.get::<Mob>(mob).unwrap();
    assert_eq!(at.heard, [(mob, None)]);
    assert_eq!(world.liveness(goblin), Liveness::Deleting);
}

#[test]
fn each_component_of_an_entity_is_told_by_itself() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let both = (
        Mob::after(goblin),
        Oath::to([goblin]),
        Mood::Torn(vec![goblin]),
    );
    let mob = world.spawn(both).id();

    world.qdel(goblin).unwrap();

    assert_eq!(lost(&world, mob), [[goblin]]);
    assert_eq!(world.get::<Oath>(mob).unwrap().mourned, [[goblin]]);
    assert_eq!(*world.get::<Mood>(mob).unwrap(), Mood::Torn(vec![]));
}

#[test]
fn each_of_many_who_are_lost_is_told_once_and_in_order() {
    let mut world = stage();
    let goblins: Vec<Entity> = (0..100).map(|_| spawn(&mut world)).collect();
    let backwards: Vec<Entity> = goblins.iter().rev().copied().collect();
    let twice = [&*backwards, &*goblins].concat();
    let friends = Mob {
        friends: twice.clone(),
        ..Mob::default()
    };
    let mob = world.spawn((friends, Oath::to(twice))).id();

    world.qdel_batch(goblins);

    assert_eq!(named(&world, mob), []);
    assert_eq!(lost(&world, mob), [&*backwards]);
    assert_eq!(world.get::<Oath>(mob).unwrap().mourned, [&*backwards]);
}

#[test]
fn on_lost_that_panics_keeps_nobody_from_letting_go() {
    for (end, delete) in ends() {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let holders = [(); 3].map(|()| {
            let both = (Mob::after(goblin), Coward(Some(goblin)));
            world.spawn(both).id()
        });

        let outcome = catch_unwind(AssertUnwindSafe(|| delete(&mut world, goblin)));

        let said = outcome.unwrap_err();
        assert_eq!(said.downcast_ref::<&str>(), Some(&"boom"), "{end}");
        for holder in holders {
            assert_eq!(named(&world, holder), [], "{end}");
            assert_eq!(world.get::<Coward>(holder).unwrap().0, None, "{end}");
        }
        check(&world);
    }
}

#[test]
fn component_that_panics_when_it_is_read_keeps_nobody_else_from_letting_go() {
    for (end, delete) in ends() {
        let mut world = stage();
        world.track_references::<Smudged>();
        let goblin = spawn(&mut world);
        let holders = [(); 3].map(|()| {
            let smudged = Smudged {
                target: Some(goblin),
                is_legible: true,
            };
            world.spawn((smudged, Mob::after(goblin))).id()
        });
        world.sync_references();
        for holder in holders {
            Smudged::set_legible(&mut world, holder, false);
        }

        let outcome = catch_unwind(AssertUnwindSafe(|| delete(&mut world, goblin)));

        let said = outcome.unwrap_err();
        assert_eq!(said.downcast_ref::<&str>(), Some(&"illegible"), "{end}");
        for holder in holders {
            assert_eq!(named(&world, holder), [], "{end}");
        }
        check(&world);
    }
}

#[test]
fn component_that_panicked_when_it_was_read_lets_go_when_it_can_be() {
    for (end, delete) in ends() {
        let mut world = stage();
        world.track_references::<Smudged>();
        let goblin = spawn(&mut world);
        let smudged = Smudged {
            target: Some(goblin),
            is_legible: true,
        };
        let holder = world.spawn(smudged).id();
        world.sync_references();
        Smudged::set_legible(&mut world, holder, false);
        let outcome = catch_unwind(AssertUnwindSafe(|| delete(&mut world, goblin)));
        assert!(outcome.is_err(), "{end}");
        let in_vain = catch_unwind(AssertUnwindSafe(|| world.sync_references()));
        assert!(in_vain.is_err(), "{end}");

        Smudged::set_legible(&mut world, holder, true);
        world.flush();
        world.sync_references();

        let smudged = world.get::<Smudged>(holder).unwrap();
        assert_eq!(smudged.target, None, "{end}");
        check(&world);
    }
}

/// Each value that it writes is a new component, which has lost an entity as well.
#[test]
fn immutable_component_that_writes_back_what_it_lost_ends_empty_regression() {
    for (end, delete) in ends() {
        let mut world = stage();
        world.track_references::<Stubborn>();
        let goblin = spawn(&mut world);
        let holder = world.spawn(Stubborn::for_ever(goblin)).id();

        delete(&mut world, goblin);
        world.flush_qdel();

        let stubborn = world.get::<Stubborn>(holder).unwrap();
        assert_eq!(stubborn.target, None, "{end}");
        assert!(stubborn.tries <= 20, "{end}: {}", stubborn.tries);
        check(&world);
    }
}

/// An immutable component is released by a command, and Bevy drops the commands behind one that
/// panics.
#[test]
fn immutable_component_lets_go_by_the_next_sync_though_another_one_panics() {
    for (end, delete) in ends() {
        let mut world = stage();
        let goblin = spawn(&mut world);
        let holders = [(); 3].map(|()| {
            let both = (Coward(Some(goblin)), Oath::to([goblin]));
            world.spawn(both).id()
        });
        world.sync_references();

        let outcome = catch_unwind(AssertUnwindSafe(|| delete(&mut world, goblin)));
        world.sync_references();

        assert!(outcome.is_err(), "{end}");
        for holder in holders {
            assert_eq!(world.get::<Oath>(holder).unwrap().lords, [], "{end}");
        }
        check(&world);
    }
}

#[test]
fn immutable_components_let_go_though_one_of_them_panics() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let holders = [(); 3].map(|()| world.spawn(ImmutableCoward(Some(goblin))).id());

    let outcome = catch_unwind(AssertUnwindSafe(|| world.qdel(goblin)));

    assert!(outcome.is_err());
    for holder in holders {
        assert_eq!(world.get::<ImmutableCoward>(holder).unwrap().0, None);
    }
    check(&world);
}

// The stage.

/// Writes back what it lost.
#[derive(Component, References)]
#[component(immutable)]
#[references(on_lost = Stubborn::insist)]
struct Stubborn {
    #[entities]
    target: Option<Entity>,
    #[references(ignore)]
    whom: Entity,
    tries: usize,
}

impl Stubborn {
    fn for_ever(target: Entity) -> Self {
        Self {
            target: Some(target),
            whom: target,
            tries: 0,
        }
    }

    fn insist(&mut self, _: Lost) {
        self.target = Some(self.whom);
        self.tries += 1;
    }
}

/// Panics when it is read, unless it is legible.
#[derive(Component)]
struct Smudged {
    target: Option<Entity>,
    is_legible: bool,
}

impl Smudged {
    /// Changes whether it can be read, unseen by change detection.
    fn set_legible(world: &mut World, holder: Entity, is_legible: bool) {
        let mut smudged = world.get_mut::<Self>(holder).unwrap();
        smudged.bypass_change_detection().is_legible = is_legible;
    }
}

impl References for Smudged {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
        assert!(self.is_legible, "illegible");
        self.target.visit_references(policy, visitor);
    }

    fn release_references(
        &mut self,
        policy: OnLoss,
        is_lost: &mut dyn FnMut(Entity) -> bool,
    ) -> AfterRelease {
        self.target.release_references(policy, is_lost)
    }
}
