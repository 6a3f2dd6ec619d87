//! Q10: the plan says what the deletion does.
//! Q10: without doing it.
//! Q10: worlds that change.

use super::*;
use qdel::QdelCause;

// Q10: the plan says what the deletion does.

#[test]
fn plan_names_everybody_in_the_order_in_which_they_are_told() {
    let mut world = stage();
    let [ship, mast, flag, hull] = spawn_many(&mut world);
    world.entity_mut(ship).add_children(&[mast, hull]);
    world.entity_mut(flag).insert(LoadedOn(mast));

    let plan = world.plan_qdel(ship);

    let members: Vec<_> = plan
        .deletions
        .iter()
        .map(|at| (at.entity, at.cause))
        .collect();
    let expected = [
        (ship, QdelCause::Qdel),
        (mast, QdelCause::Owner(ship)),
        (flag, QdelCause::Owner(mast)),
        (hull, QdelCause::Owner(ship)),
    ];
    assert_eq!(members, expected);
    assert_eq!((plan.root, plan.answer), (ship, Ok(QdelOutcome::Queued)));
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

    let plan = world.plan_qdel(goblin);

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

    let plan = world.plan_qdel(goblin);

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

    let plan = world.plan_qdel(goblin);
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
    let before = world.plan_qdel(goblin);
    world.register_destroy::<Rope>().register_destroy::<Lamp>();

    let after = world.plan_qdel(goblin);

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

    let answers = plans.map(|plan| (plan.answer, plan.deletions.len()));
    let expected = [
        (Ok(QdelOutcome::Vetoed { on: crown }), 0),
        (Ok(QdelOutcome::Queued), 2),
    ];
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

    let plan = world.plan_qdel(port);
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
    let first = world.plan_qdel(cat);
    assert_eq!(world.qdel(cat), Ok(QdelOutcome::Kept));

    let second = world.plan_qdel(cat);

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

    let plan = world.plan_qdel(goblin);

    assert_eq!(plan.deletions.len(), 2);
    assert_eq!(facts(&world, &[goblin, purse, archer]), before);
    assert_eq!(lines(&world), [Line::Observed(nobody, QdelCause::Qdel)]);
    assert_eq!(world.flush_qdel(), 1);
}

#[test]
fn plan_adds_no_resource_to_a_world_that_never_heard_of_the_crate() {
    let mut world = World::new();
    let goblin = world.spawn_empty().id();
    let purse = world.spawn(ChildOf(goblin)).id();
    let components = world.components().len();
    let entities = world.entities().count_spawned();

    let plan = world.plan_qdel(goblin);

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

    let plan = world.plan_qdel(ship);

    let members = plan.deletions.iter().map(|at| (at.entity, at.cause));
    assert!(members.eq([(ship, QdelCause::Qdel), (sailor, QdelCause::Owner(ship))]));
}

#[test]
fn plan_leaves_out_owned_entities_that_are_deleting_already() {
    let mut world = stage();
    let [ship, crate_, nail] = spawn_many(&mut world);
    world.entity_mut(crate_).insert(ChildOf(ship));
    world.qdel(crate_).unwrap();
    world.entity_mut(nail).insert(ChildOf(crate_));

    let plan = world.plan_qdel(ship);
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
            let plan = world.plan_qdel(prey);
            world.resource_mut::<Plan>().0 = Some(plan);
        });
        world.qdel(prey);
    };
    world.register_signal(goblin, goblin, avenge).unwrap();

    world.qdel(goblin).unwrap();

    let plan = world.resource_mut::<Plan>().0.take().unwrap();
    let mut expected = vec![Line::Observed(goblin, QdelCause::Qdel)];
    expected.extend(expected_lines(&plan));
    assert_eq!(lines(&world), expected);
}

#[test]
fn plan_in_a_command_of_a_handler_refuses_who_is_told_about() {
    #[derive(Resource, Default)]
    struct Plans(Vec<Result<QdelOutcome, QdelError>>);

    let mut world = stage();
    world.init_resource::<Plans>();
    let [ship, mast] = spawn_many(&mut world);
    world.entity_mut(mast).insert(ChildOf(ship));
    let look = |mut world: DeferredWorld, told: Received<Qdeleting, Herald>| {
        let target = told.entity;
        world.commands().queue(move |world: &mut World| {
            let answer = world.plan_qdel(target).answer;
            world.resource_mut::<Plans>().0.push(answer);
        });
    };
    world.register_signal(mast, ship, look).unwrap();
    world.register_signal(mast, mast, look).unwrap();

    world.qdel(ship).unwrap();

    assert_eq!(
        world.resource::<Plans>().0,
        [Ok(QdelOutcome::AlreadyDeleting); 2]
    );
}

#[test]
fn plan_in_a_command_of_a_destroy_knows_who_would_be_destroyed() {
    #[derive(Resource, Default)]
    struct Plan(Vec<&'static str>);
    #[derive(Component)]
    struct Bomb(Entity);
    impl Destroy for Bomb {
        type Param = Commands<'static, 'static>;

        fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
            let prey = self.0;
            going.param.queue(move |world: &mut World| {
                let plan = world.plan_qdel(prey);
                world.resource_mut::<Plan>().0 = plan.deletions[0].destroyed.clone();
                world.qdel(prey).unwrap();
            });
            DestroyHint::Queue
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
    let explode = |_: &Herald, _: Received<PreQdel>| -> QdelVerdict { panic!("no plan") };
    world.register_signal(goblin, goblin, explode).unwrap();

    let planned = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        world.plan_qdel(goblin);
    }));

    assert_eq!(*planned.unwrap_err().downcast::<&str>().unwrap(), "no plan");
    assert_eq!(world.liveness(goblin), Liveness::Alive);
}

// The stage.

#[derive(Component)]
#[relationship(relationship_target = Crew)]
struct SailsOn(Entity);

#[derive(Component)]
#[relationship_target(relationship = SailsOn, linked_spawn)]
struct Crew(Vec<Entity>);

/// Notes what it is asked: the entity, its root, and force.
#[derive(Component, Clone, Default)]
struct Asked(Arc<Mutex<Vec<(Entity, Entity, bool)>>>);

impl Asked {
    fn note(&self, asked: Received<PreQdel>) -> QdelVerdict {
        let mut notes = self.0.lock().unwrap();
        notes.push((asked.entity, asked.root, asked.force));
        QdelVerdict::Allow
    }
}

fn observed(world: &World) -> Vec<Entity> {
    let lines = lines(world).into_iter();
    let observed = lines.filter_map(|line| match line {
        Line::Observed(entity, _) => Some(entity),
        _ => None,
    });
    observed.collect()
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
