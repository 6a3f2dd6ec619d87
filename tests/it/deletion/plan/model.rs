//! Q10: against the deletion itself.

use super::*;
use qdel::QdelCause;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 4 * ProptestConfig::default().cases,
        ..ProptestConfig::default()
    })]

    #[test]
    fn deletion_does_what_the_plan_says(scene in scene()) {
        let (mut world, crowd) = build(&scene);
        let root = crowd[scene.root];
        let before = facts(&world, &crowd);
        clear(&world);

        let types = world.components().len();
        let planned = plan(&mut world, root, scene.force);
        let again = plan(&mut world, root, scene.force);
        prop_assert_eq!(&planned, &again);
        prop_assert_eq!(world.components().len(), types);
        prop_assert_eq!(facts(&world, &crowd), before.clone());
        prop_assert_eq!(lines(&world), []);

        if scene.immediate {
            world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        }
        let answer = if scene.force { world.force_qdel(root) } else { world.qdel(root) };
        prop_assert_eq!(planned.answer, answer);
        let plan = planned;
        if plan.answer != Ok(QdelOutcome::Queued) {
            prop_assert_eq!(plan.deletions, []);
            prop_assert_eq!(lines(&world), []);
            for (before, after) in before.iter().zip(facts(&world, &crowd)) {
                prop_assert_eq!(before, &after);
            }
            return Ok(());
        }
        let is_late = |line: &Line| matches!(line, Line::TornDown(_));
        let expected = expected_lines(&plan);
        let (_, mut early): (Vec<_>, Vec<_>) = lines(&world).into_iter().partition(is_late);
        if scene.immediate {
            // What waited before is torn down now, and who joined it since is told then.
            early.truncate(expected.len());
        }
        prop_assert_eq!(early, expected);
        prop_assert_eq!(plan.root, root);

        world.flush_qdel();

        let members = reversed(&plan);
        let went: Vec<_> = torn_down(&world).into_iter().filter(|at| members.contains(at)).collect();
        if scene.has_rings() {
            let sort = |mut entities: Vec<Entity>| { entities.sort_unstable(); entities };
            prop_assert_eq!(sort(went), sort(members));
        } else if scene.begins_with_deletions() {
            // What also belongs to an entity that was deleted before goes with that one.
            let place = |entity: Entity| went.iter().position(|at| *at == entity);
            for deletion in &plan.deletions {
                prop_assert!(place(deletion.entity).is_some());
                if let QdelCause::Owner(owner) = deletion.cause {
                    prop_assert!(place(deletion.entity) < place(owner), "{:?}", went);
                }
            }
        } else {
            prop_assert_eq!(went, members);
        }
    }
}

const CROWD: usize = 8;

#[derive(Debug, Clone, Copy)]
enum Deed {
    Attach(usize, usize),
    Load(usize, usize),
    Free(usize),
    Listen(usize, Trade, usize),
    ListenOnce(usize, usize),
    Retire(usize),
    Guard(usize, usize),
    Qdel(usize),
    Despawn(usize),
    Flush,
}

#[derive(Debug, Clone, Copy)]
enum Trade {
    Scribe,
    Clerk,
    Herald,
}

/// What a world is made of, and which deletion is planned in it.
#[derive(Debug, Clone)]
struct Scene {
    /// Who has a rope, a lamp, a cat's lives.
    holdings: Vec<(bool, bool, usize)>,
    /// Which wards only hold until they are forced, and which are open.
    wards: Vec<(bool, bool)>,
    destroyers: Vec<usize>,
    deeds: Vec<Deed>,
    /// Who owns a resource.
    treasurer: Option<usize>,
    root: usize,
    force: bool,
    immediate: bool,
}

impl Scene {
    /// Returns `true` if entities may stand in a ring of owners.
    fn has_rings(&self) -> bool {
        self.deeds.iter().any(|deed| match *deed {
            Deed::Attach(owned, owner) | Deed::Load(owned, owner) => owned < owner,
            _ => false,
        })
    }

    /// Returns `true` if an entity may be deleting before the planned deletion.
    fn begins_with_deletions(&self) -> bool {
        let mut deeds = self.deeds.iter();
        deeds.any(|deed| matches!(deed, Deed::Qdel(_)))
    }
}

fn scene() -> impl Strategy<Value = Scene> {
    let who = 0..CROWD;
    let parts = (
        vec((any::<bool>(), any::<bool>(), 0..3usize), CROWD),
        vec((any::<bool>(), prop::bool::weighted(0.9)), CROWD),
        vec(0..3usize, 0..5),
        vec(deed(), 0..40),
        (any::<bool>(), any::<bool>()),
    );
    let ends = (
        prop::option::weighted(0.1, who.clone()),
        who,
        any::<bool>(),
        any::<bool>(),
    );
    (parts, ends).prop_map(|(parts, (treasurer, root, force, immediate))| {
        let (holdings, wards, destroyers, mut deeds, (is_quiet, is_straight)) = parts;
        if is_quiet {
            deeds.retain(|deed| !matches!(deed, Deed::Qdel(_)));
        }
        if is_straight {
            for deed in &mut deeds {
                if let Deed::Attach(owned, owner) | Deed::Load(owned, owner) = deed
                    && owned < owner
                {
                    core::mem::swap(owned, owner);
                }
            }
        }
        Scene {
            holdings,
            wards,
            destroyers,
            deeds,
            treasurer,
            root: if is_straight { root / 4 } else { root },
            force,
            immediate,
        }
    })
}

fn deed() -> impl Strategy<Value = Deed> {
    let who = 0..CROWD;
    let two = (who.clone(), who.clone());
    let apart = two
        .clone()
        .prop_filter("not oneself", |(one, other)| one != other);
    let trade = prop_oneof![Just(Trade::Scribe), Just(Trade::Clerk), Just(Trade::Herald)];
    prop_oneof![
        6 => apart.clone().prop_map(|(owned, owner)| Deed::Attach(owned, owner)),
        6 => apart.prop_map(|(owned, owner)| Deed::Load(owned, owner)),
        1 => who.clone().prop_map(Deed::Free),
        8 => (who.clone(), trade, who.clone()).prop_map(|(by, trade, on)| Deed::Listen(by, trade, on)),
        2 => two.clone().prop_map(|(by, on)| Deed::ListenOnce(by, on)),
        1 => who.clone().prop_map(Deed::Retire),
        2 => two.prop_map(|(by, on)| Deed::Guard(by, on)),
        1 => who.clone().prop_map(Deed::Qdel),
        1 => who.prop_map(Deed::Despawn),
        1 => Just(Deed::Flush),
    ]
}

/// Makes the world of a scene.
fn build(scene: &Scene) -> (World, [Entity; CROWD]) {
    let mut world = stage();
    let crowd: [Entity; CROWD] = spawn_many(&mut world);
    let story = story(&world);
    for (number, entity) in crowd.into_iter().enumerate() {
        let (has_rope, has_lamp, lives) = scene.holdings[number];
        let mut entity = world.entity_mut(entity);
        if has_rope {
            entity.insert(Rope(story.clone()));
        }
        if has_lamp {
            entity.insert(Lamp(story.clone()));
        }
        if lives > 0 {
            let story = story.clone();
            entity.insert(Cat { lives, story });
        }
        let (yields_to_force, is_open) = scene.wards[number];
        entity.insert(Ward {
            yields_to_force,
            is_open,
        });
    }
    for destroyer in &scene.destroyers {
        match destroyer {
            0 => world.register_destroy::<Rope>(),
            1 => world.register_destroy::<Lamp>(),
            _ => world.register_destroy::<Cat>(),
        };
    }
    for deed in &scene.deeds {
        apply(&mut world, &crowd, *deed);
    }
    // What lives on is known only when it is asked, so nothing does any more.
    let mut cats = world.query_filtered::<&mut Cat, Allow<Disabled>>();
    for mut cat in cats.iter_mut(&mut world) {
        cat.lives = 0;
    }
    if let Some(treasurer) = scene.treasurer
        && world.entities().contains_spawned(crowd[treasurer])
    {
        world.spawn((Weather, ChildOf(crowd[treasurer])));
    }
    (world, crowd)
}

fn apply(world: &mut World, crowd: &[Entity; CROWD], deed: Deed) {
    let is_there = |world: &World, who: usize| world.entities().contains_spawned(crowd[who]);
    match deed {
        Deed::Attach(owned, owner) if is_there(world, owned) && is_there(world, owner) => {
            world.entity_mut(crowd[owned]).insert(ChildOf(crowd[owner]));
        }
        Deed::Load(owned, owner) if is_there(world, owned) && is_there(world, owner) => {
            world
                .entity_mut(crowd[owned])
                .insert(LoadedOn(crowd[owner]));
        }
        Deed::Free(who) if is_there(world, who) => {
            world.entity_mut(crowd[who]).remove::<(ChildOf, LoadedOn)>();
        }
        Deed::Listen(by, trade, on) => {
            let (by, on) = (crowd[by], crowd[on]);
            match trade {
                Trade::Scribe => world.register_signal(by, on, Scribe::hear).ok(),
                Trade::Clerk => world.register_signal(by, on, Clerk::hear).ok(),
                Trade::Herald => world.register_signal(by, on, Herald::hear).ok(),
            };
        }
        Deed::ListenOnce(by, on) => {
            let once = world.register_signal_once(crowd[by], crowd[on], Herald::hear);
            once.ok();
        }
        Deed::Retire(who) if is_there(world, who) => {
            world.entity_mut(crowd[who]).remove::<Clerk>();
        }
        Deed::Guard(by, on) => {
            world
                .register_signal(crowd[by], crowd[on], Ward::guard)
                .ok();
        }
        Deed::Qdel(who) => {
            world.qdel(crowd[who]).ok();
        }
        Deed::Despawn(who) => {
            world.try_despawn(crowd[who]).ok();
        }
        Deed::Flush => {
            world.flush_qdel();
        }
        Deed::Attach(..) | Deed::Load(..) | Deed::Free(_) | Deed::Retire(_) => {}
    }
}
