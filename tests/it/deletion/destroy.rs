//! How components are destroyed: when `Destroy` is called, in which order and with what, what survives it, and what a
//! deletion costs.
//!
//! Rules Q3, Q5 and Q6 of the design. What the hints lead to is the subject of `hints.rs`.

use core::{cell::RefCell, time::Duration};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use bevy_ecs::{
    entity_disabling::Disabled,
    error::{BevyError, ErrorContext, FallbackErrorHandler},
    prelude::*,
    world::DeferredWorld,
};
use insta::{assert_snapshot, with_settings};
use qdel::{Costs, Deleting, DeletionCosts, DestroyError, QdelCounts, WorkClock, prelude::*};

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
    let mut world = bare_stage();
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
    on_death(&mut world, purse, |world| {
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
    let goblin = spawn_meddler(&mut world, "goblin", Hint::Queue, |commands| {
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
    let veto = |_: &Named, _: Received<PreQdel>| Verdict::Veto;
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
    on_death(&mut world, goblin, move |world| {
        world.commands().entity(purse).despawn();
    });

    world.qdel(goblin).unwrap();

    let mut happened = order(&world);
    happened.retain(|line| line.starts_with("destroyed"));
    assert_eq!(happened, ["destroyed goblin", "destroyed sword"]);
}

#[test]
fn components_that_were_not_registered_are_not_destroyed() {
    let mut world = bare_stage();
    world.register_destroy::<Part<1>>();
    let goblin = world.spawn((Named("goblin"), Part::<0>, Part::<1>)).id();
    let orc = world.spawn((Named("orc"), Part::<0>)).id();

    world.qdel_batch([goblin, orc]);

    assert_eq!(order(&world), ["destroyed goblin 1"]);
}

#[test]
fn components_that_were_there_before_the_registration_are_destroyed() {
    let mut world = bare_stage();
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
    on_death(&mut world, goblin, move |world| {
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
    let mut world = bare_stage();
    world.register_destroy::<Witness>();
    let heard = Heard::default();
    let goblin = world.spawn(Witness(heard.clone())).id();
    let purse = world.spawn((Witness(heard.clone()), ChildOf(goblin))).id();
    let orc = world.spawn(Witness(heard.clone())).id();

    world.qdel(goblin).unwrap();
    world.force_qdel(orc).unwrap();

    let expected = [
        (goblin, Cause::Qdel, false),
        (purse, Cause::Owner(goblin), false),
        (orc, Cause::Qdel, true),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[test]
fn hidden_entities_are_destroyed_whatever_hides_them() {
    for is_registered_first in [true, false] {
        let mut world = bare_stage();
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

        let expected = [goblin, orc].map(|entity| (entity, Cause::Qdel, false));
        assert_eq!(*heard.lock().unwrap(), expected);
    }
}

#[test]
fn sparse_component_is_destroyed() {
    let mut world = bare_stage();
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
    let mut world = bare_stage();
    world.register_destroy::<Witness>();
    let heard = Heard::default();
    let orc = world.spawn(Witness(heard.clone())).id();
    let purse = world.spawn(Witness(heard.clone())).id();
    let goblin = world.spawn((Witness(heard.clone()), Disabled)).id();
    world.entity_mut(purse).insert(ChildOf(goblin));

    world.shutdown_qdel();

    let expected = [
        (orc, Cause::Qdel, true),
        (goblin, Cause::Qdel, true),
        (purse, Cause::Owner(goblin), true),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[test]
fn newcomers_to_an_owner_that_is_torn_down_are_destroyed() {
    let mut world = bare_stage();
    world.register_destroy::<Witness>();
    let heard = Heard::default();
    let goblin = world.spawn_empty().id();
    world.qdel(goblin).unwrap();
    let purse = world.spawn((Witness(heard.clone()), ChildOf(goblin))).id();
    let coin = world.spawn((Witness(heard.clone()), ChildOf(purse))).id();

    let torn_down = world.flush_qdel();

    let expected = [
        (purse, Cause::Owner(goblin), false),
        (coin, Cause::Owner(purse), false),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
    assert_eq!(torn_down, 3);
}

#[test]
fn what_a_destroy_writes_can_be_read_until_the_tear_down() {
    let mut world = bare_stage();
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
    let mut world = bare_stage();
    world.register_destroy::<Meddler>();
    let orc = world.spawn((Named("orc"), Part::<0>)).id();
    let goblin = spawn_meddler(&mut world, "goblin", Hint::Queue, move |commands| {
        commands.queue(|world: &mut World| {
            world.register_destroy::<Part<0>>();
            world.register_destroy::<Meddler>();
        });
        commands.entity(orc).qdel();
    });
    world.entity_mut(goblin).insert(Part::<0>);
    let troll = spawn_meddler(&mut world, "troll", Hint::Queue, |_| ());
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

// Q5: what it reaches.

#[test]
fn parameters_reach_other_components_of_the_tree() {
    let mut world = bare_stage();
    world.register_destroy::<Tally>();
    let goblin = world.spawn((Tally(0), Gold(5))).id();
    world.spawn((ChildOf(goblin), Gold(2)));
    world.spawn((ChildOf(goblin), Gold(1)));

    world.qdel(goblin).unwrap();

    assert_eq!(world.get::<Tally>(goblin).unwrap().0, 8);
    assert_eq!(world.get::<Gold>(goblin).unwrap().0, 0);
}

#[test]
fn local_parameters_are_kept_from_call_to_call_and_from_deletion_to_deletion() {
    let mut world = bare_stage();
    world.register_destroy::<Numbered>();
    let [goblin, orc, troll] = [(), (), ()].map(|()| world.spawn(Numbered(0)).id());

    world.qdel_batch([goblin, orc]);
    world.qdel(troll).unwrap();

    let numbers = [goblin, orc, troll].map(|at| world.get::<Numbered>(at).unwrap().0);
    assert_eq!(numbers, [1, 2, 3]);
}

#[test]
fn missing_resource_goes_to_the_error_handler_of_bevy_and_the_deletion_goes_on() {
    let mut world = stage();
    world.register_destroy::<Socket>();
    world.register_destroy::<Part<1>>();
    world.insert_resource(FallbackErrorHandler(record_error));
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world
        .entity_mut(goblin)
        .insert((Socket { port: 80 }, Part::<1>));
    take_errors();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let errors = take_errors();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].0, "Panic in system");
    let expected = [
        "told goblin",
        "told purse",
        "destroyed goblin",
        "destroyed goblin 1",
        "destroyed purse",
        "gone purse",
        "gone goblin",
    ];
    assert_eq!(order(&world), expected);
    assert_eq!(world.liveness(purse), Liveness::Gone);
}

#[test]
fn resource_that_comes_in_time_is_found() {
    let mut world = bare_stage();
    world.register_destroy::<Socket>();
    world.insert_resource(FallbackErrorHandler(|_, _| ()));
    let first = world.spawn(Socket { port: 80 }).id();
    world.qdel(first).unwrap();
    world.insert_resource(Ports(vec![443]));
    let second = world.spawn(Socket { port: 443 }).id();

    world.qdel(second).unwrap();

    assert_eq!(world.get::<Socket>(first).unwrap().port, 80);
    assert_eq!(world.resource::<Ports>().0, [0_u16; 0]);
}

#[test]
fn default_error_handler_panics_when_everybody_else_is_destroyed() {
    let mut world = stage();
    world.register_destroy::<Socket>();
    let goblin = spawn(&mut world, "goblin");
    world.entity_mut(goblin).insert(Socket { port: 80 });
    spawn_owned(&mut world, "purse", goblin);

    let panicked = panic_of(|| world.qdel(goblin));

    assert!(panicked.contains("Socket"), "{panicked}");
    assert_whole_after(&mut world, &["goblin", "purse"]);
}

#[test]
fn destroy_error_names_the_entity_and_the_component() {
    let error = missing_ports();

    let id = format!(r"\b{}\b", error.entity);
    with_settings!({ filters => [(id.as_str(), "[entity]")], omit_expression => true }, {
        assert_snapshot!("destroy_missing_resource", error);
    });
    assert_eq!(error.component, core::any::type_name::<Socket>());
}

/// Bevy only knows the names of parameters with its feature `debug`.
#[test]
fn destroy_error_names_the_parameters_whatever_bevy_knows() {
    let error = missing_ports();

    assert!(error.to_string().contains("Ports"), "{error}");
}

/// The house style of errors: one lower-case sentence, values first, what to do after a semicolon.
#[test]
fn destroy_error_says_what_is_missing_and_what_to_do_in_one_line() {
    let error = missing_ports();

    let said = error.to_string();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(said.matches("; ").count(), 1, "{said}");
    assert_eq!(said.matches("Option").count(), 1, "{said}");
}

/// Returns the error about a missing resource.
fn missing_ports() -> DestroyError {
    let mut world = bare_stage();
    world.register_destroy::<Socket>();
    world.insert_resource(FallbackErrorHandler(record_error));
    let server = world.spawn(Socket { port: 80 }).id();
    take_errors();
    world.qdel(server).unwrap();
    take_errors().remove(0).1
}

// Q3: exactly once, whoever a `Destroy` deletes or despawns.

#[test]
fn destroy_that_deletes_its_own_entity_changes_nothing() {
    assert_exactly_once(|commands, cast, me| {
        commands.entity(cast.all()[me]).qdel();
    });
}

#[test]
fn destroy_that_deletes_the_owner_changes_nothing() {
    assert_exactly_once(|commands, cast, _| {
        commands.entity(cast.owner).qdel().force_qdel();
    });
}

#[test]
fn destroy_that_deletes_what_is_owned_changes_nothing() {
    assert_exactly_once(|commands, cast, _| {
        commands.entity(cast.owned).qdel();
    });
}

#[test]
fn destroy_that_deletes_a_third_entity_deletes_it_once() {
    assert_exactly_once(|commands, cast, _| {
        commands.entity(cast.other).qdel().qdel();
        commands.qdel_batch([cast.other, cast.owner]);
    });
}

#[test]
fn destroys_that_delete_each_other_change_nothing() {
    assert_exactly_once(|commands, cast, _| {
        for entity in cast.all() {
            commands.entity(entity).qdel();
        }
    });
}

#[test]
fn destroy_that_despawns_its_own_entity_changes_nothing() {
    assert_exactly_once(|commands, cast, me| {
        commands.entity(cast.all()[me]).try_despawn();
    });
}

#[test]
fn destroy_that_despawns_the_owner_changes_nothing() {
    assert_exactly_once(|commands, cast, _| commands.entity(cast.owner).try_despawn());
}

#[test]
fn destroy_that_despawns_what_is_owned_and_deletes_a_third_changes_nothing() {
    assert_exactly_once(|commands, cast, _| {
        commands.entity(cast.other).qdel();
        commands.entity(cast.owned).try_despawn();
    });
}

#[test]
fn destroy_that_despawns_a_third_entity_has_it_told_once() {
    assert_exactly_once(|commands, cast, _| commands.entity(cast.other).try_despawn());
}

#[test]
fn destroy_that_flushes_and_drains_changes_nothing() {
    assert_exactly_once(|commands, _, _| {
        commands.queue(|world: &mut World| {
            world.flush_qdel();
            world.drain_qdel();
        });
    });
}

#[test]
fn destroy_that_tears_the_tree_apart_changes_nothing() {
    assert_exactly_once(|commands, cast, _| {
        commands.entity(cast.owned).remove::<ChildOf>();
        commands.entity(cast.target).insert(ChildOf(cast.owned));
        commands.entity(cast.other).insert(ChildOf(cast.target));
    });
}

#[test]
fn destroy_whose_command_clears_the_world_does_no_harm() {
    for teardown in [Teardown::EndOfFrame, Teardown::Immediate] {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_teardown(teardown));
        let boss = spawn_meddler(&mut world, "boss", Hint::HardDeleteNow, |commands| {
            commands.queue(World::clear_entities);
        });
        let orc = spawn_owned(&mut world, "orc", boss);

        world.qdel(boss).unwrap();
        world.flush_qdel();

        let states = [boss, orc].map(|entity| world.liveness(entity));
        assert_eq!(states, [Liveness::Gone; 2]);
    }
}

#[test]
fn long_chain_whose_destroys_delete_the_next_does_not_touch_the_stack() {
    let run = || {
        let mut world = World::new();
        world.register_destroy::<Link>();
        let links: Vec<_> = (0..20_000)
            .map(|_| world.spawn(Link::default()).id())
            .collect();
        for (at, link) in links.iter().enumerate() {
            let next = links[(at + 1) % links.len()];
            world.get_mut::<Link>(*link).unwrap().next = Some(next);
        }

        world.qdel(links[0]).unwrap();

        let calls = |link: &Entity| world.get::<Link>(*link).unwrap().calls;
        assert!(links.iter().all(|link| calls(link) == 1));
        assert_eq!(world.flush_qdel(), links.len());
    };
    let thread = thread::Builder::new().stack_size(512 * 1024).spawn(run);
    thread.unwrap().join().unwrap();
}

// Panics.

#[test]
fn panic_in_a_destroy_goes_on_when_everybody_else_is_told_and_destroyed() {
    let mut world = stage();
    world.register_destroy::<Bomb>();
    world.register_destroy::<Part<2>>();
    let goblin = spawn(&mut world, "goblin");
    world.entity_mut(goblin).insert((Bomb, Part::<2>));
    let purse = spawn_owned(&mut world, "purse", goblin);
    world.entity_mut(purse).insert(Bomb);
    spawn_owned(&mut world, "coin", purse);

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "boom");
    let expected = [
        "told goblin",
        "told purse",
        "told coin",
        "destroyed goblin",
        "destroyed goblin 2",
        "destroyed purse",
        "destroyed coin",
    ];
    assert_eq!(order(&world), expected);
    assert_whole_after(&mut world, &["goblin", "purse", "coin"]);
}

#[test]
fn component_that_panics_counts_as_queue_among_stronger_hints() {
    let mut world = stage();
    world.register_destroy::<Bomb>();
    let goblin = spawn_meddler(&mut world, "goblin", Hint::LetMeLive, |_| ());
    world.entity_mut(goblin).insert(Bomb);

    panic_of(|| world.qdel(goblin));

    assert_eq!(world.liveness(goblin), Liveness::Alive);
    assert_eq!(world.flush_qdel(), 0);
    world.check_registrations().unwrap();
}

#[test]
fn panic_in_a_destroy_under_immediate_goes_on_after_the_tear_down() {
    let mut world = stage();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    world.register_destroy::<Bomb>();
    let goblin = spawn(&mut world, "goblin");
    let purse = spawn_owned(&mut world, "purse", goblin);
    world.entity_mut(purse).insert(Bomb);

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "boom");
    let states = [goblin, purse].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Gone; 2]);
}

#[test]
fn commands_of_others_are_applied_though_a_destroy_panics() {
    let mut world = stage();
    world.register_destroy::<Bomb>();
    let goblin = spawn_meddler(&mut world, "goblin", Hint::Queue, |commands| {
        commands.queue(|world: &mut World| note(world, "command"));
        panic!("boom");
    });
    let orc = spawn_meddler(&mut world, "orc", Hint::Queue, |commands| {
        commands.queue(|world: &mut World| note(world, "command of the orc"));
    });

    panic_of(|| world.qdel_batch([goblin, orc]));

    let happened = order(&world);
    assert_eq!(happened[4..], ["command", "command of the orc"]);
}

/// Bevy drops what waits behind a command that panics in the same queue, and each kind of component has its own.
#[test]
fn commands_of_other_kinds_of_components_are_applied_though_a_command_panics() {
    let mut world = stage();
    world.register_destroy::<Link>();
    let orc = spawn(&mut world, "orc");
    let goblin = spawn_meddler(&mut world, "goblin", Hint::Queue, |commands| {
        commands.queue(|_: &mut World| panic!("boom"));
    });
    let link = Link {
        next: Some(orc),
        calls: 0,
    };
    world.entity_mut(goblin).insert(link);

    let panicked = panic_of(|| world.qdel(goblin));

    assert_eq!(panicked, "boom");
    let expected = [
        "told goblin",
        "destroyed goblin",
        "told orc",
        "destroyed orc",
    ];
    assert_eq!(order(&world), expected);
    assert_whole_after(&mut world, &["goblin", "orc"]);
}

#[test]
fn destroy_works_in_deletions_after_one_that_panicked() {
    let mut world = stage();
    world.register_destroy::<Bomb>();
    let goblin = spawn(&mut world, "goblin");
    world.entity_mut(goblin).insert(Bomb);
    panic_of(|| world.qdel(goblin));
    world.resource_mut::<Order>().0.clear();
    let orc = spawn(&mut world, "orc");
    world.entity_mut(orc).insert(Bomb);

    let panicked = panic_of(|| world.qdel(orc));

    assert_eq!(panicked, "boom");
    assert_eq!(order(&world), ["told orc", "destroyed orc"]);
}

// Q10: a plan that is made while components are being destroyed.

#[test]
fn plan_made_by_a_command_of_a_destroy_names_what_would_be_destroyed() {
    let mut world = stage();
    let orc = spawn(&mut world, "orc");
    let goblin = spawn_meddler(&mut world, "goblin", Hint::Queue, move |commands| {
        commands.queue(move |world: &mut World| {
            let plan = world.plan_qdel(orc).unwrap();
            let destroyed = plan.deletions[0].destroyed.len();
            note(world, &format!("{destroyed} to be destroyed"));
        });
    });

    world.qdel(goblin).unwrap();

    assert_eq!(order(&world)[2], "1 to be destroyed");
}

// What a deletion costs.

#[test]
fn costs_are_exact_and_name_the_slowest_handler() {
    let (mut world, hand) = measured_stage();
    let goblin = world
        .spawn((slow_part(&hand, 40), Ballast(slow(&hand, 2))))
        .id();
    let purse = world.spawn((slow_part(&hand, 3), ChildOf(goblin))).id();
    let [quick, slowest, other] =
        [5, 30, 7].map(|takes| world.spawn(Watcher(slow(&hand, takes))).id());
    world.register_signal(quick, goblin, Watcher::work).unwrap();
    world
        .register_signal(slowest, goblin, Watcher::work_in_the_world)
        .unwrap();
    world.register_signal(other, goblin, Watcher::work).unwrap();
    world.register_signal(other, purse, Watcher::work).unwrap();

    world.qdel(goblin).unwrap();

    let of_the_goblin = costs(&world, goblin);
    assert_eq!(of_the_goblin.tell, Duration::from_micros(42));
    assert_eq!(of_the_goblin.destroy, Duration::from_micros(42));
    let named = of_the_goblin.slowest.unwrap();
    assert_eq!(
        (named.listener, named.time),
        (slowest, Duration::from_micros(30))
    );
    assert_eq!(
        named.handler,
        concat!(module_path!(), "::Watcher::work_in_the_world")
    );
    let of_the_purse = costs(&world, purse);
    assert_eq!(of_the_purse.tell, Duration::from_micros(7));
    assert_eq!(of_the_purse.destroy, Duration::from_micros(3));
    assert_eq!(of_the_purse.slowest.map(|at| at.listener), Some(other));
}

#[test]
fn costs_are_not_measured_unless_somebody_asks_for_them() {
    let (mut world, hand) = measured_stage();
    world.insert_resource(QdelSettings::default().with_costs(Costs::Ignore));
    let goblin = world.spawn(slow_part(&hand, 40)).id();
    let watcher = world.spawn(Watcher(slow(&hand, 5))).id();
    world
        .register_signal(watcher, goblin, Watcher::work)
        .unwrap();

    world.qdel(goblin).unwrap();

    assert_eq!(world.get::<Deleting>(goblin).unwrap().costs(), None);
    assert_eq!(QdelSettings::default().costs, Costs::Ignore);
}

#[test]
fn observers_count_and_commands_do_not() {
    let (mut world, hand) = measured_stage();
    let goblin = world.spawn_empty().id();
    let turn = hand.clone();
    world.add_observer(move |_: On<Qdeleting>, mut commands: Commands| {
        turn.fetch_add(11, Ordering::Relaxed);
        let turn = turn.clone();
        commands.queue(move |_: &mut World| {
            turn.fetch_add(1000, Ordering::Relaxed);
        });
    });

    world.qdel(goblin).unwrap();

    let costs = costs(&world, goblin);
    assert_eq!(costs.tell, Duration::from_micros(11));
    assert_eq!((costs.destroy, costs.slowest), (Duration::ZERO, None));
}

#[test]
fn slowest_among_a_hundred_that_could_be_called_in_one_go_is_named() {
    for slowest in [0, 1, 31, 63, 64, 65, 99] {
        let (mut world, hand) = measured_stage();
        let goblin = world.spawn_empty().id();
        let watchers: Vec<_> = (0..100)
            .map(|at| {
                let takes = if at == slowest { 9 } else { 8 };
                let watcher = world.spawn(Watcher(slow(&hand, takes))).id();
                world
                    .register_signal(watcher, goblin, Watcher::work)
                    .unwrap();
                watcher
            })
            .collect();

        world.qdel(goblin).unwrap();

        let costs = costs(&world, goblin);
        let expected = (watchers[slowest], Duration::from_micros(9));
        assert_eq!(
            costs.slowest.map(|at| (at.listener, at.time)),
            Some(expected)
        );
        assert_eq!(costs.tell, Duration::from_micros(801));
    }
}

#[test]
fn first_of_several_that_take_equally_long_is_named() {
    let (mut world, hand) = measured_stage();
    let goblin = world.spawn_empty().id();
    let watchers = [4, 6, 6].map(|takes| {
        let watcher = world.spawn(Watcher(slow(&hand, takes))).id();
        world
            .register_signal(watcher, goblin, Watcher::work)
            .unwrap();
        watcher
    });

    world.qdel(goblin).unwrap();

    let slowest = costs(&world, goblin).slowest;
    assert_eq!(slowest.map(|at| at.listener), Some(watchers[1]));
}

#[test]
fn handler_that_panics_is_measured() {
    let (mut world, hand) = measured_stage();
    world.register_destroy::<Bomb>();
    let goblin = world.spawn((slow_part(&hand, 4), Bomb)).id();
    let watchers = [5, 50].map(|takes| world.spawn(Watcher(slow(&hand, takes))).id());
    world
        .register_signal(watchers[0], goblin, Watcher::work)
        .unwrap();
    world
        .register_signal(watchers[1], goblin, Watcher::panic)
        .unwrap();

    panic_of(|| world.qdel(goblin));

    let costs = costs(&world, goblin);
    assert_eq!(costs.tell, Duration::from_micros(55));
    assert_eq!(costs.destroy, Duration::from_micros(4));
    assert_eq!(costs.slowest.map(|at| at.listener), Some(watchers[1]));
}

#[test]
fn costs_of_each_deletion_are_its_own() {
    let (mut world, hand) = measured_stage();
    let mut part = slow_part(&hand, 4);
    part.1 = Hint::LetMeLive;
    let goblin = world.spawn(part).id();
    let watcher = world.spawn(Watcher(slow(&hand, 5))).id();
    world
        .register_signal_once(watcher, goblin, Watcher::work)
        .unwrap();
    world.qdel(goblin).unwrap();
    world.get_mut::<SlowPart>(goblin).unwrap().1 = Hint::Queue;

    world.qdel(goblin).unwrap();

    let costs = costs(&world, goblin);
    assert_eq!((costs.tell, costs.slowest), (Duration::ZERO, None));
    assert_eq!(costs.destroy, Duration::from_micros(4));
}

#[test]
fn handlers_are_called_in_the_same_order_when_they_are_measured() {
    let calls = [Costs::Ignore, Costs::Measure].map(|costs| {
        let mut world = World::new();
        world.insert_resource(QdelSettings::default().with_costs(costs));
        let calls = Calls::default();
        let goblin = world.spawn_empty().id();
        for number in 0..200 {
            let listener = world.spawn(Caller(calls.clone(), number)).id();
            // Runs of either kind, short and long ones.
            let registered = match number {
                40..120 => world.register_signal(listener, goblin, Caller::call),
                _ if number % 5 == 0 => world.register_signal_once(listener, goblin, Caller::call),
                _ if number % 3 == 0 => {
                    world.register_signal(listener, goblin, Caller::call_in_the_world)
                }
                _ => world.register_signal(listener, goblin, Caller::call),
            };
            registered.unwrap();
            if number % 17 == 0 {
                world.despawn(listener);
            }
        }
        world.qdel(goblin).unwrap();
        let calls = calls.lock().unwrap();
        calls.clone()
    });

    assert_eq!(calls[0].len(), 188);
    assert_eq!(calls[1], calls[0]);
}

// The stage.

/// What happened, in order.
#[derive(Resource, Default)]
struct Order(Vec<String>);

#[derive(Component)]
struct Named(&'static str);

/// Hides its entity.
#[derive(Component)]
struct Asleep;

/// Writes down that it is destroyed.
#[derive(Component)]
struct Part<const N: usize>;

impl<const N: usize> Destroy for Part<N> {
    type Param = (Names, ResMut<'static, Order>);

    fn destroy(&mut self, going: Destroying<Self::Param>) -> Hint {
        let (names, mut order) = going.param;
        let Named(name) = names.get(going.entity).unwrap();
        order.0.push(match N {
            0 => format!("destroyed {name}"),
            _ => format!("destroyed {name} {N}"),
        });
        Hint::Queue
    }
}

type Names = Query<'static, 'static, &'static Named, Allow<Disabled>>;

/// Does what a test wants when it is destroyed.
#[derive(Component)]
struct Meddler {
    hint: Hint,
    meddle: Box<Meddle>,
}

type Meddle = dyn Fn(&mut Commands) + Send + Sync;

impl Destroy for Meddler {
    type Param = (Names, ResMut<'static, Order>, Commands<'static, 'static>);

    fn destroy(&mut self, going: Destroying<Self::Param>) -> Hint {
        let (names, mut order, mut commands) = going.param;
        let Named(name) = names.get(going.entity).unwrap();
        order.0.push(format!("destroyed {name}"));
        (self.meddle)(&mut commands);
        self.hint
    }
}

/// Remembers what it heard.
#[derive(Component)]
struct Witness(Heard);

type Heard = Arc<Mutex<Vec<(Entity, Cause, bool)>>>;

impl Destroy for Witness {
    type Param = ();

    fn destroy(&mut self, going: Destroying) -> Hint {
        let heard = (going.entity, going.cause, going.force);
        self.0.lock().unwrap().push(heard);
        Hint::Queue
    }
}

#[derive(Component)]
#[component(storage = "SparseSet")]
struct Sparse(Heard);

impl Destroy for Sparse {
    type Param = ();

    fn destroy(&mut self, going: Destroying) -> Hint {
        let heard = (going.entity, going.cause, going.force);
        self.0.lock().unwrap().push(heard);
        Hint::Queue
    }
}

#[derive(Resource)]
struct Ports(Vec<u16>);

#[derive(Component)]
struct Socket {
    port: u16,
}

impl Destroy for Socket {
    type Param = ResMut<'static, Ports>;

    fn destroy(&mut self, mut going: Destroying<Self::Param>) -> Hint {
        going.param.0.retain(|port| *port != self.port);
        self.port = 0;
        Hint::Queue
    }
}

/// Wants itself, or the same thing twice.
#[derive(Component)]
struct Greedy<const ITSELF: bool>;

impl Destroy for Greedy<true> {
    type Param = Query<'static, 'static, &'static Greedy<true>>;

    fn destroy(&mut self, _: Destroying<Self::Param>) -> Hint {
        Hint::Queue
    }
}

impl Destroy for Greedy<false> {
    type Param = (ResMut<'static, Ports>, Res<'static, Ports>);

    fn destroy(&mut self, _: Destroying<Self::Param>) -> Hint {
        Hint::Queue
    }
}

#[derive(Component)]
struct Gold(u32);

/// Counts its gold and that of its children.
#[derive(Component)]
struct Tally(u32);

impl Destroy for Tally {
    type Param = (
        Query<'static, 'static, &'static Children, Allow<Disabled>>,
        Query<'static, 'static, &'static mut Gold, Allow<Disabled>>,
    );

    fn destroy(&mut self, going: Destroying<Self::Param>) -> Hint {
        let (children, mut gold) = going.param;
        let tree = children.iter_descendants(going.entity);
        for entity in [going.entity].into_iter().chain(tree) {
            self.0 += core::mem::take(&mut gold.get_mut(entity).unwrap().0);
        }
        Hint::Queue
    }
}

#[derive(Component)]
struct Numbered(u32);

impl Destroy for Numbered {
    type Param = Local<'static, u32>;

    fn destroy(&mut self, mut going: Destroying<Self::Param>) -> Hint {
        *going.param += 1;
        self.0 = *going.param;
        Hint::Queue
    }
}

#[derive(Component)]
struct Bomb;

impl Destroy for Bomb {
    type Param = ();

    fn destroy(&mut self, _: Destroying) -> Hint {
        panic!("boom");
    }
}

/// One of a long chain.
#[derive(Component, Default)]
struct Link {
    next: Option<Entity>,
    calls: u32,
}

impl Destroy for Link {
    type Param = Commands<'static, 'static>;

    fn destroy(&mut self, mut going: Destroying<Self::Param>) -> Hint {
        self.calls += 1;
        if let Some(next) = self.next {
            going.param.entity(next).qdel();
        }
        Hint::Queue
    }
}

/// Does what a test wants when a target goes away.
#[derive(Component, Clone)]
struct Reaction(Arc<React>);

type React = dyn Fn(&mut DeferredWorld) + Send + Sync;

impl Reaction {
    fn react(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let reaction = world.get::<Self>(told.listener()).unwrap().clone();
        (reaction.0)(&mut world);
    }
}

thread_local! {
    /// What [`record_error`] was given on this thread: an error handler can capture nothing.
    static ERRORS: RefCell<Vec<(String, DestroyError)>> = const { RefCell::new(Vec::new()) };
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "an error handler takes values"
)]
fn record_error(error: BevyError, context: ErrorContext) {
    let place = format!("{:?} in {}", error.severity(), context.kind());
    let error = error.downcast_ref::<DestroyError>();
    let error = error.expect("the error should be ours").clone();
    ERRORS.with_borrow_mut(|errors| errors.push((place, error)));
}

fn take_errors() -> Vec<(String, DestroyError)> {
    ERRORS.take()
}

/// Makes a world that writes down who goes.
fn bare_stage() -> World {
    let mut world = World::new();
    world.init_resource::<Order>();
    world.add_observer(
        |gone: On<Despawn<Named>>,
         names: Query<&Named, Allow<Disabled>>,
         mut order: ResMut<Order>| {
            let Named(name) = names.get(gone.entity).unwrap();
            order.0.push(format!("gone {name}"));
        },
    );
    world
}

/// Makes a world that writes down what happens to whoever is [`Named`].
fn stage() -> World {
    let mut world = bare_stage();
    world.register_destroy::<Meddler>();
    world.register_destroy::<Part<0>>();
    world.register_destroy::<Part<1>>();
    world
}

/// Spawns somebody whose end is written down.
fn spawn(world: &mut World, name: &'static str) -> Entity {
    let entity = world.spawn((Named(name), Part::<0>)).id();
    write_down(world, entity, name);
    entity
}

fn spawn_owned(world: &mut World, name: &'static str, owner: Entity) -> Entity {
    let entity = spawn(world, name);
    world.entity_mut(entity).insert(ChildOf(owner));
    entity
}

/// Spawns somebody who does something when it is destroyed.
fn spawn_meddler(
    world: &mut World,
    name: &'static str,
    hint: Hint,
    meddle: impl Fn(&mut Commands) + Send + Sync + 'static,
) -> Entity {
    let meddle = Box::new(meddle);
    let entity = world.spawn((Named(name), Meddler { hint, meddle })).id();
    write_down(world, entity, name);
    entity
}

fn write_down(world: &mut World, target: Entity, name: &'static str) {
    on_death(world, target, move |world| {
        let mut order = world.resource_mut::<Order>();
        order.0.push(format!("told {name}"));
    });
}

/// Has `reaction` called when `target` goes away.
fn on_death(
    world: &mut World,
    target: Entity,
    reaction: impl Fn(&mut DeferredWorld) + Send + Sync + 'static,
) {
    let listener = world.spawn(Reaction(Arc::new(reaction))).id();
    world
        .register_signal(listener, target, Reaction::react)
        .unwrap();
}

fn note(world: &mut World, line: &str) {
    world.resource_mut::<Order>().0.push(line.to_owned());
}

fn order(world: &World) -> Vec<String> {
    world.resource::<Order>().0.clone()
}

/// Asserts that the books are whole after a panic, and that those `deleted` are torn down by the next flush.
fn assert_whole_after(world: &mut World, deleted: &[&str]) {
    world.check_registrations().unwrap();
    world.resource_mut::<Order>().0.clear();
    assert_eq!(world.flush_qdel(), deleted.len());
    let mut expected: Vec<_> = deleted.iter().map(|name| format!("gone {name}")).collect();
    expected.sort_unstable();
    let mut gone = order(world);
    gone.sort_unstable();
    assert_eq!(gone, expected);
    world.check_registrations().unwrap();
}

/// Runs `work` and returns what it panicked with.
fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(work)) else {
        panic!("it should have panicked");
    };
    match payload.downcast::<&str>() {
        Ok(message) => (*message).to_owned(),
        Err(payload) => *payload
            .downcast::<String>()
            .expect("a panic should have a message"),
    }
}

/// Those who meet in [`assert_exactly_once`].
#[derive(Clone, Copy)]
struct Cast {
    owner: Entity,
    target: Entity,
    owned: Entity,
    other: Entity,
}

impl Cast {
    fn all(self) -> [Entity; 4] {
        [self.owner, self.target, self.owned, self.other]
    }
}

/// Deletes an owner, its target, and what that owns, and has `meddle` called by the `Destroy` of each of them in turn, and
/// of all together. It is given the number of its own entity.
///
/// Whatever it does: all are told once, destroyed once, and torn down once.
fn assert_exactly_once(meddle: fn(&mut Commands, Cast, usize)) {
    let names = ["owner", "target", "owned", "other"];
    for teardown in [Teardown::EndOfFrame, Teardown::Immediate] {
        for hint in [Hint::Queue, Hint::HardDelete, Hint::HardDeleteNow] {
            for meddlers in [0b0001, 0b0010, 0b0100, 0b1111] {
                let mut world = stage();
                world.insert_resource(QdelSettings::default().with_teardown(teardown));
                let [owner, target, owned, other] = names.map(|name| {
                    let entity = world.spawn(Named(name)).id();
                    write_down(&mut world, entity, name);
                    entity
                });
                world.entity_mut(target).insert(ChildOf(owner));
                world.entity_mut(owned).insert(ChildOf(target));
                let cast = Cast {
                    owner,
                    target,
                    owned,
                    other,
                };
                for (at, entity) in cast.all().into_iter().enumerate() {
                    if meddlers & (1 << at) == 0 {
                        world.entity_mut(entity).insert(Part::<0>);
                    } else {
                        let meddle = Box::new(move |commands: &mut Commands| {
                            meddle(commands, cast, at);
                        });
                        world.entity_mut(entity).insert(Meddler { hint, meddle });
                    }
                }

                world.qdel(owner).unwrap();
                world.flush_qdel();
                world.flush_qdel();

                let scene = format!("{teardown:?}, {hint:?}, meddlers {meddlers:b}");
                assert_each_once(&world, cast, names, &scene);
            }
        }
    }
}

fn assert_each_once(world: &World, cast: Cast, names: [&str; 4], scene: &str) {
    let happened = order(world);
    let count = |what: &str, name: &str| {
        let line = format!("{what} {name}");
        happened.iter().filter(|at| **at == line).count()
    };
    for name in &names[..3] {
        let counts = ["told", "destroyed", "gone"].map(|what| count(what, name));
        assert_eq!(counts, [1; 3], "{name}: {scene}: {happened:?}");
    }
    let [told, destroyed, gone] = ["told", "destroyed", "gone"].map(|what| count(what, "other"));
    assert!(told <= 1 && destroyed <= told, "{scene}: {happened:?}");
    assert_eq!(told, gone, "{scene}: {happened:?}");
    for entity in [cast.owner, cast.target, cast.owned] {
        assert_eq!(world.liveness(entity), Liveness::Gone, "{scene}");
    }
    world.check_registrations().unwrap();
    let counts = world.resource::<QdelCounts>();
    assert!(counts.torn_down <= counts.deleted, "{scene}: {counts:?}");
}

/// A clock that is turned by hand, in microseconds.
type Hand = Arc<AtomicU64>;

/// Makes a world in which costs are measured by the hand.
fn measured_stage() -> (World, Hand) {
    let hand = Hand::default();
    let mut world = World::new();
    let reads = hand.clone();
    world.insert_resource(WorkClock::new(move || {
        Duration::from_micros(reads.load(Ordering::Relaxed))
    }));
    world.insert_resource(QdelSettings::default().with_costs(Costs::Measure));
    world.register_destroy::<SlowPart>();
    world.register_destroy::<Ballast>();
    (world, hand)
}

fn costs(world: &World, entity: Entity) -> DeletionCosts {
    let deleting = world.get::<Deleting>(entity).unwrap();
    *deleting.costs().expect("costs should be measured")
}

/// Takes so many microseconds.
struct Slow(Hand, u64);

impl Slow {
    fn work(&self) {
        self.0.fetch_add(self.1, Ordering::Relaxed);
    }
}

fn slow(hand: &Hand, takes: u64) -> Slow {
    Slow(hand.clone(), takes)
}

/// Takes its time when a target goes away.
#[derive(Component)]
struct Watcher(Slow);

impl Watcher {
    fn work(&mut self, _: Received<Qdeleting>) {
        self.0.work();
    }

    fn panic(&mut self, _: Received<Qdeleting>) {
        self.0.work();
        panic!("boom");
    }

    fn work_in_the_world(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        world.get_mut::<Self>(told.listener()).unwrap().0.work();
    }
}

/// Takes its time when it is destroyed.
#[derive(Component)]
struct SlowPart(Slow, Hint);

fn slow_part(hand: &Hand, takes: u64) -> SlowPart {
    SlowPart(slow(hand, takes), Hint::Queue)
}

impl Destroy for SlowPart {
    type Param = ();

    fn destroy(&mut self, _: Destroying) -> Hint {
        self.0.work();
        self.1
    }
}

/// A second component that takes its time.
#[derive(Component)]
struct Ballast(Slow);

impl Destroy for Ballast {
    type Param = ();

    fn destroy(&mut self, _: Destroying) -> Hint {
        self.0.work();
        Hint::Queue
    }
}

/// Writes its number down when a target goes away.
#[derive(Component)]
struct Caller(Calls, u32);

type Calls = Arc<Mutex<Vec<u32>>>;

impl Caller {
    fn call(&mut self, _: Received<Qdeleting>) {
        self.0.lock().unwrap().push(self.1);
    }

    fn call_in_the_world(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let caller = world.get_mut::<Self>(told.listener()).unwrap();
        caller.0.lock().unwrap().push(caller.1);
    }
}
