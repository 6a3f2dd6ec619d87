//! Q5: when it is called.
//! Q5: registering.

use super::*;
use qdel::QdelCause;

// Q5: when it is called.

#[test]
fn everybody_is_told_before_the_first_is_destroyed_and_owners_come_before_what_they_own() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    spawn_owned(&mut world, "coin", purse);
    spawn_owned(&mut world, "sword", goblin);

    world.qdel(goblin).unwrap();

    let expected = [
        "told goblin",
        "told purse",
        "told coin",
        "told sword",
        "destroyed goblin",
        "destroyed purse",
        "destroyed coin",
        "destroyed sword",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn components_are_destroyed_in_the_order_of_their_registration() {
    let mut world = noting_world();
    world.register_destroy::<Part<2>>();
    world.register_destroy::<Part<0>>();
    world.register_destroy::<Part<1>>();
    let goblin = world
        .spawn((Named("goblin"), Part::<0>, Part::<1>, Part::<2>))
        .id();

    world.qdel(goblin).unwrap();

    let expected = [
        "destroyed goblin 2",
        "destroyed goblin",
        "destroyed goblin 1",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn destroy_is_called_once_a_deletion_and_not_by_the_tear_down() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");

    world.qdel(goblin).unwrap();
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let expected = ["told goblin", "destroyed goblin", "gone goblin"];
    assert_eq!(order(&world), expected);
}

#[test]
fn commands_of_handlers_and_observers_are_applied_before_the_first_is_destroyed() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    on_death(&mut world, purse, |world, _| {
        world
            .commands()
            .queue(|world: &mut World| note(world, "command"));
    });
    world.add_observer(|_: On<Qdeleting>, mut commands: Commands| {
        commands.queue(|world: &mut World| note(world, "command of an observer"));
    });

    world.qdel(goblin).unwrap();

    let expected = [
        "told goblin",
        "told purse",
        "command of an observer",
        "command",
        "command of an observer",
        "destroyed goblin",
        "destroyed purse",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn commands_of_a_destroy_are_applied_when_all_that_was_marked_together_is_destroyed() {
    let mut world = stage();
    let goblin = spawn_meddler(&mut world, "goblin", DestroyHint::Queue, |commands| {
        commands.queue(|world: &mut World| note(world, "command"));
    });
    spawn_owned(&mut world, "purse", goblin);

    world.qdel(goblin).unwrap();

    let expected = [
        "told goblin",
        "told purse",
        "destroyed goblin",
        "destroyed purse",
        "command",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn vetoed_entities_are_not_destroyed() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let veto = |_: &Named, _: Received<PreQdel>| QdelVerdict::Veto;
    world.register_signal(goblin, goblin, veto).unwrap();

    world.qdel(goblin).unwrap();

    assert_eq!(order(&world), [""; 0]);
}

#[test]
fn plain_despawn_destroys_nothing() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    spawn_owned(&mut world, "purse", goblin);

    world.despawn(goblin);
    world.flush_qdel();

    let mut happened = order(&world);
    happened.retain(|line| line.starts_with("destroyed"));
    assert_eq!(happened, [""; 0]);
}

#[test]
fn entity_that_a_handlers_command_despawns_is_not_destroyed_and_the_others_are() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    spawn_owned(&mut world, "sword", goblin);
    on_death(&mut world, goblin, move |world, _| {
        world.commands().entity(purse).despawn();
    });

    world.qdel(goblin).unwrap();

    let mut happened = order(&world);
    happened.retain(|line| line.starts_with("destroyed"));
    assert_eq!(happened, ["destroyed goblin", "destroyed sword"]);
}

#[test]
fn components_that_were_not_registered_are_not_destroyed() {
    let mut world = noting_world();
    world.register_destroy::<Part<1>>();
    let goblin = world.spawn((Named("goblin"), Part::<0>, Part::<1>)).id();
    let orc = world.spawn((Named("orc"), Part::<0>)).id();

    world.qdel_batch([goblin, orc]);

    assert_eq!(order(&world), ["destroyed goblin 1"]);
}

#[test]
fn components_that_were_there_before_the_registration_are_destroyed() {
    let mut world = noting_world();
    let goblin = world.spawn((Named("goblin"), Part::<0>, Part::<1>)).id();
    world
        .register_destroy::<Part<1>>()
        .register_destroy::<Part<0>>();

    world.qdel(goblin).unwrap();

    assert_eq!(order(&world), ["destroyed goblin 1", "destroyed goblin"]);
}

#[test]
fn component_that_a_handler_inserts_is_destroyed_and_one_that_it_removes_is_not() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    on_death(&mut world, goblin, move |world, _| {
        world
            .commands()
            .entity(goblin)
            .remove::<Part<0>>()
            .insert(Part::<1>);
    });

    world.qdel(goblin).unwrap();

    assert_eq!(order(&world), ["told goblin", "destroyed goblin 1"]);
}

#[test]
fn destroy_hears_why_and_whether_it_is_forced() {
    let mut world = noting_world();
    world.register_destroy::<Witness>();
    let heard = Heard::default();
    let goblin = world.spawn(Witness(heard.clone())).id();
    let purse = world.spawn((Witness(heard.clone()), ChildOf(goblin))).id();
    let orc = world.spawn(Witness(heard.clone())).id();

    world.qdel(goblin).unwrap();
    world.force_qdel(orc).unwrap();

    let expected = [
        (goblin, QdelCause::Qdel, false),
        (purse, QdelCause::Owner(goblin), false),
        (orc, QdelCause::Qdel, true),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[test]
fn hidden_entities_are_destroyed_whatever_hides_them() {
    for is_registered_first in [true, false] {
        let mut world = noting_world();
        let hide = |world: &mut World| {
            world.register_disabling_component::<Asleep>();
        };
        if is_registered_first {
            world.register_destroy::<Witness>();
            hide(&mut world);
        } else {
            hide(&mut world);
            world.register_destroy::<Witness>();
        }
        let heard = Heard::default();
        let goblin = world.spawn((Witness(heard.clone()), Disabled)).id();
        let orc = world.spawn((Witness(heard.clone()), Asleep)).id();

        world.qdel_batch([goblin, orc]);

        let expected = [goblin, orc].map(|entity| (entity, QdelCause::Qdel, false));
        assert_eq!(*heard.lock().unwrap(), expected);
    }
}

#[test]
fn sparse_component_is_destroyed() {
    let mut world = noting_world();
    world.register_destroy::<Sparse>();
    let heard = Heard::default();
    let goblin = world.spawn(Sparse(heard.clone())).id();

    world.qdel(goblin).unwrap();

    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[test]
fn batch_is_told_whole_before_the_first_is_destroyed() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    let orc = spawn(&mut world, "orc");
    spawn_owned(&mut world, "purse", orc);

    world.qdel_batch([orc, goblin]);

    let expected = [
        "told orc",
        "told purse",
        "told goblin",
        "destroyed orc",
        "destroyed purse",
        "destroyed goblin",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn shutdown_destroys_everybody_by_force_owner_before_owned() {
    let mut world = noting_world();
    world.register_destroy::<Witness>();
    let heard = Heard::default();
    let orc = world.spawn(Witness(heard.clone())).id();
    let purse = world.spawn(Witness(heard.clone())).id();
    let goblin = world.spawn((Witness(heard.clone()), Disabled)).id();
    world.entity_mut(purse).insert(ChildOf(goblin));

    world.shutdown_qdel();

    let expected = [
        (orc, QdelCause::Qdel, true),
        (goblin, QdelCause::Qdel, true),
        (purse, QdelCause::Owner(goblin), true),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[test]
fn newcomers_to_an_owner_that_is_torn_down_are_destroyed() {
    let mut world = noting_world();
    world.register_destroy::<Witness>();
    let heard = Heard::default();
    let goblin = world.spawn_empty().id();
    world.qdel(goblin).unwrap();
    let purse = world.spawn((Witness(heard.clone()), ChildOf(goblin))).id();
    let coin = world.spawn((Witness(heard.clone()), ChildOf(purse))).id();

    let torn_down = world.flush_qdel();

    let expected = [
        (purse, QdelCause::Owner(goblin), false),
        (coin, QdelCause::Owner(purse), false),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
    assert_eq!(torn_down, 3);
}

#[test]
fn what_a_destroy_writes_can_be_read_until_the_tear_down() {
    let mut world = noting_world();
    world.register_destroy::<Socket>();
    world.insert_resource(Ports(vec![80, 443]));
    let server = world.spawn(Socket { port: 80 }).id();

    world.qdel(server).unwrap();

    assert_eq!(world.get::<Socket>(server).unwrap().port, 0);
    assert_eq!(world.resource::<Ports>().0, [443]);
}

// Q5: registering.

#[test]
fn registering_twice_does_no_harm() {
    let mut world = stage();
    world
        .register_destroy::<Part<0>>()
        .register_destroy::<Part<0>>();
    let goblin = spawn(&mut world, "goblin");

    world.qdel(goblin).unwrap();

    assert_eq!(order(&world), ["told goblin", "destroyed goblin"]);
}

#[test]
fn registering_by_a_command_of_a_destroy_holds_from_the_next_on() {
    let mut world = noting_world();
    world.register_destroy::<Meddler>();
    let orc = world.spawn((Named("orc"), Part::<0>)).id();
    let goblin = spawn_meddler(&mut world, "goblin", DestroyHint::Queue, move |commands| {
        commands.queue(|world: &mut World| {
            world.register_destroy::<Part<0>>();
            world.register_destroy::<Meddler>();
        });
        commands.entity(orc).qdel();
    });
    world.entity_mut(goblin).insert(Part::<0>);
    let troll = spawn_meddler(&mut world, "troll", DestroyHint::Queue, |_| ());
    world.entity_mut(troll).insert(Part::<0>);

    world.qdel(goblin).unwrap();
    world.qdel(troll).unwrap();

    let expected = [
        "told goblin",
        "destroyed goblin",
        "destroyed orc",
        "told troll",
        "destroyed troll",
        "destroyed troll",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
#[should_panic(expected = "conflicts with a previous system parameter")]
fn parameters_that_access_the_component_itself_are_refused_at_the_registration() {
    World::new().register_destroy::<Greedy<true>>();
}

#[test]
#[should_panic(expected = "conflicts with a previous")]
fn parameters_that_contradict_each_other_are_refused_at_the_registration() {
    World::new().register_destroy::<Greedy<false>>();
}

#[test]
fn refused_registration_leaves_the_others_as_they_are() {
    let mut world = stage();
    let goblin = spawn(&mut world, "goblin");
    world.entity_mut(goblin).insert(Greedy::<true>);

    panic_of(|| {
        world.register_destroy::<Greedy<true>>();
    });
    world.qdel(goblin).unwrap();

    assert_eq!(order(&world), ["told goblin", "destroyed goblin"]);
}

#[cfg(feature = "bevy_app")]
#[test]
fn registration_on_an_app_is_one_on_its_world() {
    let mut app = bevy_app::App::new();
    app.add_plugins(QdelPlugin::default())
        .register_destroy::<Witness>();
    let heard = Heard::default();
    let goblin = app.world_mut().spawn(Witness(heard.clone())).id();

    app.world_mut().qdel(goblin).unwrap();

    assert_eq!(heard.lock().unwrap().len(), 1);
}

// The stage.

/// Hides its entity.
#[derive(Component)]
struct Asleep;

/// Remembers what it heard.
#[derive(Component)]
struct Witness(Heard);

type Heard = Arc<Mutex<Vec<(Entity, QdelCause, bool)>>>;

impl Destroy for Witness {
    type Param = ();

    fn destroy(&mut self, going: DestroyContext) -> DestroyHint {
        let heard = (going.entity, going.cause, going.force);
        self.0.lock().unwrap().push(heard);
        DestroyHint::Queue
    }
}

#[derive(Component)]
#[component(storage = "SparseSet")]
struct Sparse(Heard);

impl Destroy for Sparse {
    type Param = ();

    fn destroy(&mut self, going: DestroyContext) -> DestroyHint {
        let heard = (going.entity, going.cause, going.force);
        self.0.lock().unwrap().push(heard);
        DestroyHint::Queue
    }
}

/// Wants itself, or the same thing twice.
#[derive(Component)]
struct Greedy<const ITSELF: bool>;

impl Destroy for Greedy<true> {
    type Param = Query<'static, 'static, &'static Greedy<true>>;

    fn destroy(&mut self, _: DestroyContext<Self::Param>) -> DestroyHint {
        DestroyHint::Queue
    }
}

impl Destroy for Greedy<false> {
    type Param = (ResMut<'static, Ports>, Res<'static, Ports>);

    fn destroy(&mut self, _: DestroyContext<Self::Param>) -> DestroyHint {
        DestroyHint::Queue
    }
}
