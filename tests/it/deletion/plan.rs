//! What a deletion would do, said before it does it.
//!
//! Rule Q10 of the design. In texts, ids are replaced by the part that their entity plays.

use core::any::type_name;
use std::sync::{Arc, Mutex};

use bevy_ecs::{
    entity_disabling::Disabled, prelude::*, query::Allow, resource::IsResource,
    world::DeferredWorld,
};
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, prelude::*};
use qdel::{PlannedDeletion, QdelCounts, QdelError, QdelPlan, Registration, prelude::*};

// Q10: the plan says what the deletion does.

#[test]
fn plan_names_everybody_in_the_order_in_which_they_are_told() {
    let mut world = stage();
    let [ship, mast, flag, hull] = spawn_many(&mut world);
    world.entity_mut(ship).add_children(&[mast, hull]);
    world.entity_mut(flag).insert(LoadedOn(mast));

    let plan = world.plan_qdel(ship).unwrap();

    let members: Vec<_> = plan
        .deletions
        .iter()
        .map(|at| (at.entity, at.cause))
        .collect();
    let expected = [
        (ship, Cause::Qdel),
        (mast, Cause::Owner(ship)),
        (flag, Cause::Owner(mast)),
        (hull, Cause::Owner(ship)),
    ];
    assert_eq!(members, expected);
    assert_eq!((plan.root, plan.answer), (ship, Qdel::Queued));
}

#[test]
fn plan_lists_listeners_in_order_of_registration() {
    let mut world = stage();
    let [goblin, archer, mage] = spawn_many(&mut world);
    world.register_signal(mage, goblin, Herald::hear).unwrap();
    world.register_signal(archer, goblin, Scribe::hear).unwrap();
    world
        .register_signal_once(goblin, goblin, Clerk::hear)
        .unwrap();
    world.register_signal(mage, goblin, Clerk::hear).unwrap();
    world
        .unregister_signal::<Herald, Qdeleting>(mage, goblin)
        .unwrap();
    world.register_signal(mage, goblin, Herald::hear).unwrap();

    let plan = world.plan_qdel(goblin).unwrap();

    let expected = [
        registration::<Scribe>(archer, goblin),
        registration::<Clerk>(goblin, goblin),
        registration::<Clerk>(mage, goblin),
        registration::<Herald>(mage, goblin),
    ];
    assert_eq!(plan.deletions[0].told, expected);
}

#[test]
fn plan_leaves_out_who_listens_for_something_else() {
    let mut world = stage();
    let [goblin, archer] = spawn_many(&mut world);
    world.entity_mut(archer).insert(Ward::open());
    world.register_signal(archer, goblin, Ward::guard).unwrap();
    world
        .register_signal(archer, goblin, Scribe::hear_ping)
        .unwrap();

    let plan = world.plan_qdel(goblin).unwrap();

    assert_eq!(plan.deletions[0].told, []);
}

#[test]
fn plan_leaves_out_listeners_that_left_and_names_those_that_are_deleting() {
    let mut world = stage();
    let [goblin, archer, mage, priest, thief] = spawn_many(&mut world);
    for listener in [archer, mage, priest, thief] {
        world
            .register_signal(listener, goblin, Scribe::hear)
            .unwrap();
    }
    world.despawn(archer);
    world.entity_mut(mage).remove::<Scribe>();
    world.qdel(priest).unwrap();

    let plan = world.plan_qdel(goblin).unwrap();
    world.qdel(goblin).unwrap();

    assert_eq!(plan.deletions[0].told, told_on(&world, goblin));
    assert!(
        plan.deletions[0]
            .told
            .contains(&registration::<Scribe>(thief, goblin))
    );
}

#[test]
fn plan_lists_components_with_destroy_in_order_of_their_registration() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let story = story(&world);
    world
        .entity_mut(goblin)
        .insert((Rope(story.clone()), Lamp(story)));
    let before = world.plan_qdel(goblin).unwrap();
    world.register_destroy::<Rope>().register_destroy::<Lamp>();

    let after = world.plan_qdel(goblin).unwrap();

    assert_eq!(before.deletions[0].destroyed, [""; 0]);
    let expected = [type_name::<Rope>(), type_name::<Lamp>()];
    assert_eq!(after.deletions[0].destroyed, expected);
}

#[test]
fn plan_knows_what_force_means_to_a_veto() {
    let mut world = stage();
    let [king, crown] = spawn_many(&mut world);
    world
        .entity_mut(crown)
        .insert((ChildOf(king), Ward::until_forced()));
    world.register_signal(crown, crown, Ward::guard).unwrap();

    let plans = [world.plan_qdel(king), world.plan_force_qdel(king)];

    let answers = plans.map(|plan| plan.map(|plan| (plan.answer, plan.deletions.len())));
    let expected = [Ok((Qdel::Vetoed { on: crown }, 0)), Ok((Qdel::Queued, 2))];
    assert_eq!(answers, expected);
}

#[test]
fn plan_asks_each_member_once_with_its_root_and_force() {
    for force in [false, true] {
        let mut world = stage();
        let [king, crown] = spawn_many(&mut world);
        world.entity_mut(crown).insert(ChildOf(king));
        let asked = Asked::default();
        let [herald] = spawn_many(&mut world);
        world.entity_mut(herald).insert(asked.clone());
        world.register_signal(herald, king, Asked::note).unwrap();
        world.register_signal(herald, crown, Asked::note).unwrap();

        let _plan = plan(&mut world, king, force);

        let expected = [(king, king, force), (crown, king, force)];
        assert_eq!(*asked.0.lock().unwrap(), expected);
    }
}

#[test]
fn members_of_a_ring_are_torn_down_as_planned_in_some_order() {
    let mut world = stage();
    let [port, ship, sea] = spawn_many(&mut world);
    world.entity_mut(ship).insert(LoadedOn(port));
    world.entity_mut(sea).insert(ChildOf(ship));
    world.entity_mut(port).insert(LoadedOn(sea));

    let plan = world.plan_qdel(port).unwrap();
    world.qdel(port).unwrap();
    world.flush_qdel();

    let mut planned: Vec<_> = reversed(&plan);
    let mut torn_down = torn_down(&world);
    planned.sort_unstable();
    torn_down.sort_unstable();
    assert_eq!(torn_down, planned);
}

#[test]
fn entity_that_lives_on_is_planned_like_before() {
    let mut world = stage();
    let [cat, mouse] = spawn_many(&mut world);
    let story = story(&world);
    world.register_destroy::<Cat>();
    world.entity_mut(cat).insert(Cat { lives: 1, story });
    world.register_signal(mouse, cat, Scribe::hear).unwrap();
    world.register_signal(cat, cat, Clerk::hear).unwrap();
    let first = world.plan_qdel(cat).unwrap();
    assert_eq!(world.qdel(cat), Ok(Qdel::Kept));

    let second = world.plan_qdel(cat).unwrap();

    assert_eq!(second, first);
}

// Q10: without doing it.

#[test]
fn plan_changes_nothing() {
    let mut world = stage();
    let [goblin, purse, archer] = spawn_many(&mut world);
    world.entity_mut(purse).insert(ChildOf(goblin));
    world.register_signal(archer, purse, Herald::hear).unwrap();
    let nobody = world.spawn_empty().id();
    world.qdel(nobody).unwrap();
    let before = facts(&world, &[goblin, purse, archer]);

    let plan = world.plan_qdel(goblin).unwrap();

    assert_eq!(plan.deletions.len(), 2);
    assert_eq!(facts(&world, &[goblin, purse, archer]), before);
    assert_eq!(lines(&world), [Line::Observed(nobody, Cause::Qdel)]);
    assert_eq!(world.flush_qdel(), 1);
}

#[test]
fn plan_adds_no_resource_to_a_world_that_never_heard_of_the_crate() {
    let mut world = World::new();
    let goblin = world.spawn_empty().id();
    let purse = world.spawn(ChildOf(goblin)).id();
    let components = world.components().len();
    let entities = world.entities().count_spawned();

    let plan = world.plan_qdel(goblin).unwrap();

    let members = plan.deletions.iter().map(|at| at.entity);
    assert!(members.eq([goblin, purse]));
    assert_eq!(world.components().len(), components);
    assert_eq!(world.entities().count_spawned(), entities);
    assert!(!world.contains_resource::<QdelCounts>());
}

// Q10: worlds that change.

#[test]
fn plan_knows_a_relationship_that_came_up_after_the_last_deletion() {
    let mut world = stage();
    let [first, ship, sailor] = spawn_many(&mut world);
    world.qdel(first).unwrap();
    world.entity_mut(sailor).insert(SailsOn(ship));

    let plan = world.plan_qdel(ship).unwrap();

    let members = plan.deletions.iter().map(|at| (at.entity, at.cause));
    assert!(members.eq([(ship, Cause::Qdel), (sailor, Cause::Owner(ship))]));
}

#[test]
fn plan_leaves_out_owned_entities_that_are_deleting_already() {
    let mut world = stage();
    let [ship, crate_, nail] = spawn_many(&mut world);
    world.entity_mut(crate_).insert(ChildOf(ship));
    world.qdel(crate_).unwrap();
    world.entity_mut(nail).insert(ChildOf(crate_));

    let plan = world.plan_qdel(ship).unwrap();
    clear(&world);
    world.qdel(ship).unwrap();

    let members: Vec<_> = plan.deletions.iter().map(|at| at.entity).collect();
    assert_eq!(members, observed(&world));
    assert_eq!(members, [ship]);
}

#[test]
fn plan_in_a_command_of_a_handler_is_what_the_deletion_does_afterwards() {
    #[derive(Resource)]
    struct Plan(Option<QdelPlan>);
    #[derive(Component)]
    struct Avenger(Entity);

    let mut world = stage();
    let [goblin, orc, orcling] = spawn_many(&mut world);
    world.entity_mut(orcling).insert(ChildOf(orc));
    world
        .register_signal(goblin, orcling, Scribe::hear)
        .unwrap();
    world.entity_mut(goblin).insert(Avenger(orc));
    world.insert_resource(Plan(None));
    let avenge = |mut world: DeferredWorld, told: Received<Qdeleting, Avenger>| {
        let prey = world.get::<Avenger>(told.listener()).unwrap().0;
        world.commands().queue(move |world: &mut World| {
            let plan = world.plan_qdel(prey).unwrap();
            world.resource_mut::<Plan>().0 = Some(plan);
        });
        world.queue_qdel(prey);
    };
    world.register_signal(goblin, goblin, avenge).unwrap();

    world.qdel(goblin).unwrap();

    let plan = world.resource_mut::<Plan>().0.take().unwrap();
    let mut expected = vec![Line::Observed(goblin, Cause::Qdel)];
    expected.extend(expected_lines(&plan));
    assert_eq!(lines(&world), expected);
}

#[test]
fn plan_in_a_command_of_a_handler_refuses_who_is_told_about() {
    #[derive(Resource, Default)]
    struct Plans(Vec<Result<Qdel, QdelError>>);

    let mut world = stage();
    world.init_resource::<Plans>();
    let [ship, mast] = spawn_many(&mut world);
    world.entity_mut(mast).insert(ChildOf(ship));
    let look = |mut world: DeferredWorld, told: Received<Qdeleting, Herald>| {
        let target = told.entity;
        world.commands().queue(move |world: &mut World| {
            let answer = world.plan_qdel(target).map(|plan| plan.answer);
            world.resource_mut::<Plans>().0.push(answer);
        });
    };
    world.register_signal(mast, ship, look).unwrap();
    world.register_signal(mast, mast, look).unwrap();

    world.qdel(ship).unwrap();

    assert_eq!(world.resource::<Plans>().0, [Ok(Qdel::AlreadyDeleting); 2]);
}

#[test]
fn plan_in_a_command_of_a_destroy_knows_who_would_be_destroyed() {
    #[derive(Resource, Default)]
    struct Plan(Vec<&'static str>);
    #[derive(Component)]
    struct Bomb(Entity);
    impl Destroy for Bomb {
        type Param = Commands<'static, 'static>;

        fn destroy(&mut self, mut going: Destroying<Self::Param>) -> Hint {
            let prey = self.0;
            going.param.queue(move |world: &mut World| {
                let plan = world.plan_qdel(prey).unwrap();
                world.resource_mut::<Plan>().0 = plan.deletions[0].destroyed.clone();
                world.qdel(prey).unwrap();
            });
            Hint::Queue
        }
    }

    let mut world = stage();
    world.register_destroy::<Bomb>().register_destroy::<Rope>();
    world.init_resource::<Plan>();
    let [bridge] = spawn_many(&mut world);
    let story = story(&world);
    world.entity_mut(bridge).insert(Rope(story));
    let bomb = world.spawn(Bomb(bridge)).id();

    world.qdel(bomb).unwrap();

    assert!(lines(&world).contains(&Line::Destroyed(bridge, type_name::<Rope>())));
    assert_eq!(world.resource::<Plan>().0, [type_name::<Rope>()]);
}

#[test]
fn plan_goes_on_with_the_panic_of_a_handler_of_the_question() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let explode = |_: &Herald, _: Received<PreQdel>| -> Verdict { panic!("no plan") };
    world.register_signal(goblin, goblin, explode).unwrap();

    let planned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world.plan_qdel(goblin).ok();
    }));

    assert_eq!(*planned.unwrap_err().downcast::<&str>().unwrap(), "no plan");
    assert_eq!(world.liveness(goblin), Liveness::Alive);
}

// Q10: what people read.

#[test]
fn plan_reads_well() {
    let mut world = stage();
    world.register_destroy::<Rope>().register_destroy::<Lamp>();
    let [ship, mast, flag, archer, gull] = spawn_many(&mut world);
    let story = story(&world);
    world
        .entity_mut(mast)
        .insert((ChildOf(ship), Lamp(story.clone())));
    world.entity_mut(flag).insert(LoadedOn(mast));
    world
        .entity_mut(ship)
        .insert((Rope(story.clone()), Lamp(story)));
    world.register_signal(gull, mast, Scribe::hear).unwrap();
    world.register_signal(archer, mast, Herald::hear).unwrap();
    world.register_signal(flag, flag, Clerk::hear).unwrap();
    let roles = [
        (ship, "[ship]"),
        (mast, "[mast]"),
        (flag, "[flag]"),
        (archer, "[archer]"),
        (gull, "[gull]"),
    ];

    let plans = [ship, flag, gull].map(|root| said(&mut world, root));

    expect("rich_plans", &roles, &plans.join("\n\n"));
}

#[test]
fn refused_plans_read_well() {
    let mut world = stage();
    let [dead, king, crown, ghost, chest] = spawn_many(&mut world);
    world.despawn(dead);
    world
        .entity_mut(crown)
        .insert((ChildOf(king), Ward::strict()));
    world.register_signal(crown, crown, Ward::guard).unwrap();
    world.qdel(ghost).unwrap();
    let weather = world.spawn(Weather).id();
    world.entity_mut(weather).insert(ChildOf(chest));
    let reserved = world.entity_allocator().alloc();
    let foreign = {
        let mut abroad = World::new();
        let crowd = (0..100).map(|_| abroad.spawn_empty().id());
        crowd.last().unwrap()
    };
    let roles = [
        (dead, "[dead]"),
        (king, "[king]"),
        (crown, "[crown]"),
        (ghost, "[ghost]"),
        (chest, "[chest]"),
        (weather, "[weather]"),
        (reserved, "[reserved]"),
        (foreign, "[foreign]"),
    ];
    assert!(world.entity(weather).contains::<IsResource>());

    let roots = [dead, reserved, foreign, weather, chest, king, crown, ghost];
    let plans = roots.map(|root| said(&mut world, root));

    expect("refused_plans", &roles, &plans.join("\n"));
}

/// Returns what the plan of a deletion says, or the error.
fn said(world: &mut World, root: Entity) -> String {
    match world.plan_qdel(root) {
        Ok(plan) => plan.to_string(),
        Err(error) => error.to_string(),
    }
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

// Q10: against the deletion itself.

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
        prop_assert_eq!(&planned.as_ref().map(|plan| plan.answer), &answer.as_ref().copied());
        let Ok(plan) = planned else {
            prop_assert_eq!(lines(&world), []);
            return Ok(());
        };
        if plan.answer != Qdel::Queued {
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
            // What is also owned by somebody who was deleted before goes with that one.
            let place = |entity: Entity| went.iter().position(|at| *at == entity);
            for deletion in &plan.deletions {
                prop_assert!(place(deletion.entity).is_some());
                if let Cause::Owner(owner) = deletion.cause {
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
    /// Tells whether anybody may stand in a ring of owners.
    fn has_rings(&self) -> bool {
        self.deeds.iter().any(|deed| match *deed {
            Deed::Attach(owned, owner) | Deed::Load(owned, owner) => owned < owner,
            _ => false,
        })
    }

    /// Tells whether somebody may be deleting before the planned deletion.
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
    // Who lives on is known only when it is asked, so nobody does any more.
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

// The stage.

#[derive(Component)]
#[relationship(relationship_target = Cargo)]
struct LoadedOn(Entity);

#[derive(Component)]
#[relationship_target(relationship = LoadedOn, linked_spawn)]
struct Cargo(Vec<Entity>);

#[derive(Component)]
#[relationship(relationship_target = Crew)]
struct SailsOn(Entity);

#[derive(Component)]
#[relationship_target(relationship = SailsOn, linked_spawn)]
struct Crew(Vec<Entity>);

/// A resource of the user.
#[derive(Resource)]
struct Weather;

struct Ping;

impl Signal for Ping {
    type Answer = ();
}

/// What happened, in order.
#[derive(Resource, Clone, Default)]
struct Story(Arc<Mutex<Vec<Line>>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Told(Registration, Cause),
    Observed(Entity, Cause),
    Destroyed(Entity, &'static str),
    TornDown(Entity),
}

impl Story {
    fn add(&self, line: Line) {
        self.0.lock().unwrap().push(line);
    }

    fn add_told<C>(&self, told: Received<Qdeleting, impl Sized>) {
        let registration = registration::<C>(told.listener(), told.target());
        self.add(Line::Told(registration, told.cause));
    }
}

#[derive(Component)]
struct Villager;

/// Listens by its fields.
#[derive(Component)]
struct Scribe(Story);

/// Listens by its fields too.
#[derive(Component)]
struct Clerk(Story);

/// Listens by the world.
#[derive(Component)]
struct Herald(Story);

impl Scribe {
    fn hear(&mut self, told: Received<Qdeleting>) {
        self.0.add_told::<Self>(told);
    }

    fn hear_ping(&mut self, _: Received<Ping>) {}
}

impl Clerk {
    fn hear(&mut self, told: Received<Qdeleting>) {
        self.0.add_told::<Self>(told);
    }
}

impl Herald {
    fn hear(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let herald = world.get_mut::<Self>(told.listener()).unwrap();
        herald.0.add_told::<Self>(told);
    }
}

/// Objects to deletions.
#[derive(Component)]
struct Ward {
    yields_to_force: bool,
    is_open: bool,
}

impl Ward {
    fn open() -> Self {
        Self {
            yields_to_force: true,
            is_open: true,
        }
    }

    fn until_forced() -> Self {
        Self {
            yields_to_force: true,
            is_open: false,
        }
    }

    fn strict() -> Self {
        Self {
            yields_to_force: false,
            is_open: false,
        }
    }

    fn guard(&self, asked: Received<PreQdel>) -> Verdict {
        if self.is_open || (asked.force && self.yields_to_force) {
            Verdict::Allow
        } else {
            Verdict::Veto
        }
    }
}

/// Notes what it is asked: the entity, its root, and force.
#[derive(Component, Clone, Default)]
struct Asked(Arc<Mutex<Vec<(Entity, Entity, bool)>>>);

impl Asked {
    fn note(&self, asked: Received<PreQdel>) -> Verdict {
        let mut notes = self.0.lock().unwrap();
        notes.push((asked.entity, asked.root, asked.force));
        Verdict::Allow
    }
}

#[derive(Component)]
struct Rope(Story);

#[derive(Component)]
struct Lamp(Story);

#[derive(Component)]
struct Cat {
    lives: usize,
    story: Story,
}

impl Destroy for Rope {
    type Param = ();

    fn destroy(&mut self, going: Destroying) -> Hint {
        self.0
            .add(Line::Destroyed(going.entity, type_name::<Self>()));
        Hint::Queue
    }
}

impl Destroy for Lamp {
    type Param = ();

    fn destroy(&mut self, going: Destroying) -> Hint {
        self.0
            .add(Line::Destroyed(going.entity, type_name::<Self>()));
        Hint::Queue
    }
}

impl Destroy for Cat {
    type Param = ();

    fn destroy(&mut self, going: Destroying) -> Hint {
        self.story
            .add(Line::Destroyed(going.entity, type_name::<Self>()));
        if self.lives == 0 {
            return Hint::Queue;
        }
        self.lives -= 1;
        Hint::LetMeLive
    }
}

/// Makes a world that writes down what happens.
fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Story>();
    world.add_observer(|told: On<Qdeleting>, story: Res<Story>| {
        story.add(Line::Observed(told.entity, told.cause));
    });
    world.add_observer(|gone: On<Despawn<Villager>>, story: Res<Story>| {
        story.add(Line::TornDown(gone.entity));
    });
    world
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    let story = story(world);
    let scribe = || Scribe(story.clone());
    let clerk = || Clerk(story.clone());
    let herald = || Herald(story.clone());
    [(); N].map(|()| world.spawn((Villager, scribe(), clerk(), herald())).id())
}

fn story(world: &World) -> Story {
    world.resource::<Story>().clone()
}

fn lines(world: &World) -> Vec<Line> {
    story(world).0.lock().unwrap().clone()
}

fn clear(world: &World) {
    story(world).0.lock().unwrap().clear();
}

fn observed(world: &World) -> Vec<Entity> {
    let lines = lines(world).into_iter();
    let observed = lines.filter_map(|line| match line {
        Line::Observed(entity, _) => Some(entity),
        _ => None,
    });
    observed.collect()
}

fn torn_down(world: &World) -> Vec<Entity> {
    let lines = lines(world).into_iter();
    let torn_down = lines.filter_map(|line| match line {
        Line::TornDown(entity) => Some(entity),
        _ => None,
    });
    torn_down.collect()
}

/// Returns who was told about `target`, in order.
fn told_on(world: &World, target: Entity) -> Vec<Registration> {
    let lines = lines(world).into_iter();
    let told = lines.filter_map(|line| match line {
        Line::Told(told, _) if told.target == target => Some(told),
        _ => None,
    });
    told.collect()
}

/// Returns what must happen before the tear-down if `plan` is right.
fn expected_lines(plan: &QdelPlan) -> Vec<Line> {
    let tell = |at: &PlannedDeletion| {
        let cause = at.cause;
        let told = at.told.iter().map(|told| Line::Told(*told, cause));
        let lines = told.chain([Line::Observed(at.entity, cause)]);
        lines.collect::<Vec<_>>()
    };
    let destroy = |at: &PlannedDeletion| {
        let entity = at.entity;
        let destroyed = at.destroyed.iter();
        let lines = destroyed.map(|name| Line::Destroyed(entity, name));
        lines.collect::<Vec<_>>()
    };
    let told = plan.deletions.iter().flat_map(tell);
    told.chain(plan.deletions.iter().flat_map(destroy))
        .collect()
}

/// Returns who would be deleted, last first.
fn reversed(plan: &QdelPlan) -> Vec<Entity> {
    let deletions = plan.deletions.iter().rev();
    deletions.map(|at| at.entity).collect()
}

fn registration<C>(listener: Entity, target: Entity) -> Registration {
    Registration {
        listener,
        component: type_name::<C>(),
        target,
        signal: type_name::<Qdeleting>(),
    }
}

fn plan(world: &mut World, root: Entity, force: bool) -> Result<QdelPlan, QdelError> {
    if force {
        world.plan_force_qdel(root)
    } else {
        world.plan_qdel(root)
    }
}

/// Returns what can be told about a world and a crowd, in words.
fn facts(world: &World, crowd: &[Entity]) -> Vec<String> {
    let of_each = crowd.iter().map(|&entity| {
        let ticks = world.get_entity(entity).ok().map(|at| {
            let ticks = at.get_change_ticks::<Herald>();
            let archetype = at.archetype().id();
            (ticks.map(|ticks| ticks.changed.get()), archetype)
        });
        format!(
            "{:?} {:?} {:?} {:?}",
            world.liveness(entity),
            world.registrations_on(entity),
            world.registrations_of(entity),
            ticks,
        )
    });
    let whole = format!("{:?}", world.signal_footprint());
    of_each.chain([whole]).collect()
}
