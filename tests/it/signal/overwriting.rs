//! A registration belongs to the component of an entity, not to the value of it.
//!
//! The rules are those of the design: S3, S6, S10 and S12.

use bevy_ecs::{entity::EntityCloner, lifecycle::HookContext, prelude::*, world::DeferredWorld};
use qdel::{RegisterError, Registered, RetargetError, prelude::*};

struct Ping;

impl Signal for Ping {
    type Answer = Vec<&'static str>;
}

/// Chases somebody, and says whom it lost.
#[derive(Component, Clone, Default)]
struct Mob {
    target: Option<Entity>,
    lost: Vec<Entity>,
}

impl Mob {
    fn of(target: Entity) -> Self {
        Self {
            target: Some(target),
            lost: Vec::new(),
        }
    }

    fn clear(&mut self, lost: Received<Qdeleting>) {
        self.lost.push(lost.target());
        if self.target == Some(lost.target()) {
            self.target = None;
        }
    }

    fn says(&mut self, _: Received<Ping>) -> Vec<&'static str> {
        vec!["mob"]
    }

    fn shouts(&mut self, _: Received<Ping>) -> Vec<&'static str> {
        vec!["MOB"]
    }

    fn sings(_: DeferredWorld, _: Received<Ping, Self>) -> Vec<&'static str> {
        vec!["la"]
    }
}

/// Cannot be written.
#[derive(Component, Clone)]
#[component(immutable)]
struct Statue(u32);

fn statue_says(_: DeferredWorld, _: Received<Ping, Statue>) -> Vec<&'static str> {
    vec!["statue"]
}

#[derive(Component)]
#[component(storage = "SparseSet")]
struct Ghost(u32);

impl Ghost {
    fn says(&mut self, _: Received<Ping>) -> Vec<&'static str> {
        vec!["ghost"]
    }
}

#[derive(Resource)]
struct Weather;

fn weather_says(_: &mut Weather, _: Received<Ping>) -> Vec<&'static str> {
    vec!["weather"]
}

/// What is done to a component of an entity, by its name.
type Way = (&'static str, fn(&mut World, Entity));

/// How somebody moves its registration from one target to another.
type WayToMove = (&'static str, fn(&mut World, Entity, Entity, Entity));

/// Runs a test with both ways to notice the end of a component: a hook, and an observer.
fn with_each_watch(test: impl Fn(World)) {
    let mut hooked = World::new();
    hooked.register_listener::<Mob>();
    hooked.register_listener::<Statue>();
    hooked.register_listener::<Ghost>();
    test(hooked);
    let mut observed = World::new();
    let used = observed.spawn((Mob::default(), Statue(0), Ghost(0))).id();
    observed.despawn(used);
    test(observed);
}

fn spawn_targets<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| world.spawn_empty().id())
}

fn listeners_on(world: &World, target: Entity) -> Vec<Entity> {
    assert_eq!(world.check_registrations(), Ok(()));
    let on = world.registrations_on(target);
    on.into_iter().map(|on| on.listener).collect()
}

// S10: what stays.

/// S10: the commonest of all: whoever aims registers, and writes its aim by inserting it.
#[test]
fn component_that_is_inserted_after_it_registered_is_told() {
    with_each_watch(|mut world| {
        let [goblin] = spawn_targets(&mut world);
        let mob = world.spawn(Mob::default()).id();
        world.register_signal(mob, goblin, Mob::clear).unwrap();

        world.commands().entity(mob).insert(Mob::of(goblin));
        world.flush();
        world.despawn(goblin);

        let mob = world.get::<Mob>(mob).unwrap();
        assert_eq!((mob.target, &mob.lost[..]), (None, &[goblin][..]));
    });
}

/// S10: each of the ways in which Bevy puts a value in the place of another.
#[test]
fn registration_stays_however_its_component_is_overwritten() {
    let ways: [Way; 8] = [
        ("insert", |world, mob| {
            world.entity_mut(mob).insert(Mob::default());
        }),
        ("with others", |world, mob| {
            world.entity_mut(mob).insert((Mob::default(), Ghost(1)));
        }),
        ("by command", |world, mob| {
            world.commands().entity(mob).insert(Mob::default());
            world.flush();
        }),
        ("in a batch", |world, mob| {
            world.insert_batch([(mob, Mob::default())]);
        }),
        ("in a batch that tries", |world, mob| {
            world.try_insert_batch([(mob, Mob::default())]).unwrap();
        }),
        ("by a clone", |world, mob| {
            let other = world.spawn(Mob::default()).id();
            EntityCloner::build_opt_out(world).clone_entity(other, mob);
        }),
        ("by a component that moves in", |world, mob| {
            let mut other = world.spawn(Mob::default());
            other.move_components::<Mob>(mob);
        }),
        ("with what is new", |world, mob| {
            world
                .entity_mut(mob)
                .insert((Mob::default(), Name::new("mob")));
        }),
    ];
    for (way, overwrite) in ways {
        with_each_watch(|mut world| {
            let [goblin, troll] = spawn_targets(&mut world);
            let mob = world.spawn(Mob::default()).id();
            world.register_signal(mob, goblin, Mob::clear).unwrap();
            world.register_signal(mob, troll, Mob::clear).unwrap();

            overwrite(&mut world, mob);

            assert_eq!(listeners_on(&world, goblin), [mob], "{way}");
            assert_eq!(listeners_on(&world, troll), [mob], "{way}");
            world.despawn(goblin);
            world.qdel(troll).unwrap();
            assert_eq!(
                world.get::<Mob>(mob).unwrap().lost,
                [goblin, troll],
                "{way}"
            );
        });
    }
}

/// S10: the component that is not mutable is written by being overwritten.
#[test]
fn registration_of_an_immutable_component_stays_when_it_is_modified() {
    with_each_watch(|mut world| {
        let [target] = spawn_targets(&mut world);
        let statue = world.spawn(Statue(0)).id();
        world.register_signal(statue, target, statue_says).unwrap();

        world
            .modify_component(statue, |statue: &mut Statue| statue.0 = 1)
            .unwrap();
        world.entity_mut(statue).insert(Statue(2));

        assert_eq!(world.send_signal(target, Ping), ["statue"]);
    });
}

/// S10.
#[test]
fn registration_of_a_sparse_component_stays_when_it_is_overwritten() {
    with_each_watch(|mut world| {
        let [target] = spawn_targets(&mut world);
        let ghost = world.spawn(Ghost(0)).id();
        world.register_signal(ghost, target, Ghost::says).unwrap();

        world.entity_mut(ghost).insert(Ghost(1));

        assert_eq!(world.send_signal(target, Ping), ["ghost"]);
        assert_eq!(world.get::<Ghost>(ghost).unwrap().0, 1);
    });
}

/// S10: a resource is a component.
#[test]
fn registration_of_a_resource_stays_when_it_is_inserted_anew() {
    let mut world = World::new();
    world.insert_resource(Weather);
    let [target] = spawn_targets(&mut world);
    let weather = world.resource_entity::<Weather>().unwrap();
    world
        .register_signal(weather, target, weather_says)
        .unwrap();

    world.insert_resource(Weather);

    assert_eq!(world.send_signal(target, Ping), ["weather"]);
}

/// S10 and S6: the value changes, the place does not.
#[test]
fn overwritten_component_keeps_its_place_in_the_order() {
    with_each_watch(|mut world| {
        let [target] = spawn_targets(&mut world);
        let mobs = [(); 3].map(|()| world.spawn(Mob::default()).id());
        for mob in mobs {
            world.register_signal(mob, target, Mob::says).unwrap();
        }

        world.entity_mut(mobs[0]).insert(Mob::default());

        assert_eq!(listeners_on(&world, target), mobs);
    });
}

/// S10 and S3.
#[test]
fn registration_for_one_call_stays_one_for_one_call_when_its_component_is_overwritten() {
    with_each_watch(|mut world| {
        let [target] = spawn_targets(&mut world);
        let mob = world.spawn(Mob::default()).id();
        world.register_signal_once(mob, target, Mob::says).unwrap();

        world.entity_mut(mob).insert(Mob::default());

        assert_eq!(world.send_signal(target, Ping), ["mob"]);
        assert_eq!(world.send_signal(target, Ping), [""; 0]);
    });
}

/// S10 and S2: it is there, so a second one is refused.
#[test]
fn overwritten_component_is_registered_already() {
    with_each_watch(|mut world| {
        let [target] = spawn_targets(&mut world);
        let mob = world.spawn(Mob::default()).id();
        world.register_signal(mob, target, Mob::says).unwrap();

        world.entity_mut(mob).insert(Mob::default());

        let again = world.register_signal(mob, target, Mob::shouts);
        assert!(matches!(again, Err(RegisterError::AlreadyRegistered(_))));
        assert_eq!(world.send_signal(target, Ping), ["mob"]);
    });
}

/// S10 and S7: also in the middle of a deletion that is taken back.
#[test]
fn overwritten_component_hears_of_a_target_that_lived_on_once_more() {
    #[derive(Component)]
    struct Cat(u32);

    impl Destroy for Cat {
        type Param = ();

        fn destroy(&mut self, _: Destroying) -> Hint {
            self.0 -= 1;
            if self.0 > 0 {
                Hint::LetMeLive
            } else {
                Hint::Queue
            }
        }
    }

    with_each_watch(|mut world| {
        world.register_destroy::<Cat>();
        let cat = world.spawn(Cat(2)).id();
        let mob = world.spawn(Mob::of(cat)).id();
        world.register_signal(mob, cat, overwrite).unwrap();
        world.insert_resource(Heard(0));

        assert_eq!(world.qdel(cat), Ok(Qdel::Kept));
        assert_eq!(listeners_on(&world, cat), [mob]);
        world.qdel(cat).unwrap();

        assert_eq!(world.resource::<Heard>().0, 2);
    });

    #[derive(Resource)]
    struct Heard(u32);

    fn overwrite(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
        world.resource_mut::<Heard>().0 += 1;
        let mob = lost.listener();
        world.commands().entity(mob).insert(Mob::default());
    }
}

/// S10: taken away is taken away, and what comes back is another one.
#[test]
fn registration_ends_however_its_component_is_removed() {
    let ways: [Way; 8] = [
        ("remove", |world, mob| {
            world.entity_mut(mob).remove::<Mob>();
        }),
        ("take", |world, mob| {
            world.entity_mut(mob).take::<Mob>().unwrap();
        }),
        ("by id", |world, mob| {
            let id = world.component_id::<Mob>().unwrap();
            world.entity_mut(mob).remove_by_id(id);
        }),
        ("by ids", |world, mob| {
            let id = world.component_id::<Mob>().unwrap();
            world.entity_mut(mob).remove_by_ids(&[id]);
        }),
        ("with what it requires", |world, mob| {
            world.entity_mut(mob).remove_with_requires::<Mob>();
        }),
        ("retain", |world, mob| {
            world.entity_mut(mob).retain::<Ghost>();
        }),
        ("clear", |world, mob| {
            world.entity_mut(mob).clear();
        }),
        ("move", |world, mob| {
            let heir = world.spawn_empty().id();
            world.entity_mut(mob).move_components::<Mob>(heir);
            assert_eq!(world.registrations_of(heir), []);
        }),
    ];
    for (way, remove) in ways {
        with_each_watch(|mut world| {
            let [target] = spawn_targets(&mut world);
            let mob = world.spawn(Mob::default()).id();
            world.register_signal(mob, target, Mob::says).unwrap();

            remove(&mut world, mob);
            world.entity_mut(mob).insert(Mob::default());

            assert_eq!(listeners_on(&world, target), [], "{way}");
            assert_eq!(world.registrations_of(mob), [], "{way}");
        });
    }
}

/// S10: only what an entity has can be kept.
#[test]
fn skipped_insertion_changes_nothing() {
    let mut world = World::new();
    let [target] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::of(target)).id();
    world.register_signal(mob, target, Mob::clear).unwrap();

    world.entity_mut(mob).insert_if_new(Mob::default());
    world.insert_batch_if_new([(mob, Mob::default())]);

    assert_eq!(world.get::<Mob>(mob).unwrap().target, Some(target));
    assert_eq!(listeners_on(&world, target), [mob]);
}

/// R3: the links of a declared field are those of the value that is there.
#[test]
fn declared_field_that_is_overwritten_names_whom_it_names() {
    #[derive(Component, References)]
    struct Aim(#[entities] Option<Entity>);

    #[derive(Component, References)]
    #[component(immutable)]
    struct Oath(#[entities] Option<Entity>);

    for prepare in [
        |world: &mut World| {
            world.track_references::<Aim>();
            world.track_references::<Oath>();
        },
        |world: &mut World| {
            world.spawn((Aim(None), Oath(None)));
            world.track_references::<Aim>();
            world.track_references::<Oath>();
        },
    ] {
        let mut world = World::new();
        prepare(&mut world);
        let [first, second] = spawn_targets(&mut world);
        let holder = world.spawn((Aim(Some(first)), Oath(Some(first)))).id();

        world
            .entity_mut(holder)
            .insert((Aim(Some(second)), Oath(Some(second))));

        assert_eq!(listeners_on(&world, first), []);
        assert_eq!(listeners_on(&world, second), [holder, holder]);
        world.despawn(first);
        assert_eq!(world.get::<Oath>(holder).unwrap().0, Some(second));
        world.despawn(second);
        assert_eq!(world.get::<Aim>(holder).unwrap().0, None);
        assert_eq!(world.get::<Oath>(holder).unwrap().0, None);
        world
            .modify_component(holder, |oath: &mut Oath| oath.0 = Some(holder))
            .unwrap();
        assert_eq!(listeners_on(&world, holder), [holder]);
    }
}

// S10: `ensure_signal`.

/// Listens in its insert hook, whatever its value is.
#[derive(Component)]
#[component(on_insert = Hunter::listen)]
struct Hunter {
    prey: Entity,
    lost: Vec<Entity>,
}

impl Hunter {
    fn of(prey: Entity) -> Self {
        Self {
            prey,
            lost: Vec::new(),
        }
    }

    fn listen(mut world: DeferredWorld, context: HookContext) {
        let hunter = context.entity;
        let prey = world.get::<Self>(hunter).unwrap().prey;
        world.ensure_signal(hunter, prey, Self::note).unwrap();
    }

    fn note(&mut self, lost: Received<Qdeleting>) {
        if self.prey == lost.target() {
            self.lost.push(lost.target());
        }
    }
}

/// S10 and S12.
#[test]
fn insert_hook_ensures_any_number_of_times() {
    for is_prepared in [false, true] {
        let mut world = World::new();
        let [prey, other] = spawn_targets(&mut world);
        if is_prepared {
            let pupil = world.spawn(Hunter::of(other)).id();
            world.despawn(pupil);
            world.entity_mut(prey).insert(Signals);
        }
        let hunter = world.spawn(Hunter::of(prey)).id();

        for _ in 0..3 {
            world.entity_mut(hunter).insert(Hunter::of(prey));
        }

        assert_eq!(listeners_on(&world, prey), [hunter]);
        world.entity_mut(hunter).insert(Hunter::of(other));
        assert_eq!(listeners_on(&world, other), [hunter]);
        world.despawn(prey);
        world.despawn(other);
        assert_eq!(world.get::<Hunter>(hunter).unwrap().lost, [other]);
    }
}

/// S10: the earlier handler stays, in its place.
#[test]
fn ensuring_what_is_there_keeps_handler_and_place() {
    let mut world = World::new();
    let [target] = spawn_targets(&mut world);
    let [first, second] = [(); 2].map(|()| world.spawn(Mob::default()).id());
    world.register_signal(first, target, Mob::says).unwrap();
    world.register_signal(second, target, Mob::says).unwrap();

    let ensured = world.ensure_signal(first, target, Mob::shouts);

    assert_eq!(ensured, Ok(Registered::Now));
    assert_eq!(listeners_on(&world, target), [first, second]);
    assert_eq!(world.send_signal(target, Ping), ["mob", "mob"]);
}

/// S10.
#[test]
fn ensuring_keeps_a_registration_for_one_call() {
    let mut world = World::new();
    let [target] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::default()).id();
    world.register_signal_once(mob, target, Mob::says).unwrap();

    world.ensure_signal(mob, target, Mob::shouts).unwrap();

    assert_eq!(world.send_signal(target, Ping), ["mob"]);
    assert_eq!(world.send_signal(target, Ping), [""; 0]);
}

/// S10 and S12: the same verb everywhere.
#[test]
fn everybody_ensures() {
    let mut world = World::new();
    let [target] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::default()).id();

    for _ in 0..2 {
        world.ensure_signal(mob, target, Mob::says).unwrap();
        world
            .entity_mut(mob)
            .ensure_signal(target, Mob::shouts)
            .unwrap();
        DeferredWorld::from(&mut world)
            .ensure_signal(mob, target, Mob::sings)
            .unwrap();
        world
            .commands()
            .entity(mob)
            .ensure_signal(target, Mob::shouts);
        world.flush();
    }

    assert_eq!(listeners_on(&world, target), [mob]);
    assert_eq!(world.send_signal(target, Ping), ["mob"]);
}

/// S4: all else is refused as by `register_signal`.
#[test]
fn ensuring_is_refused_where_registering_is() {
    let mut world = World::new();
    let [target, gone] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::default()).id();
    world.despawn(gone);

    let on_gone = world.ensure_signal(mob, gone, Mob::says);
    let without = world.ensure_signal(target, target, Mob::says);

    assert!(matches!(on_gone, Err(RegisterError::TargetNotSpawned(_))));
    assert!(matches!(without, Err(RegisterError::MissingComponent(_))));
}

// S10: `retarget_signal`.

/// S10 and S6.
#[test]
fn retargeting_moves_a_registration_to_the_end_of_another_list() {
    let mut world = World::new();
    let [from, to] = spawn_targets(&mut world);
    let [first, second] = [(); 2].map(|()| world.spawn(Mob::default()).id());
    world.register_signal(first, from, Mob::shouts).unwrap();
    world.register_signal(second, to, Mob::says).unwrap();

    let moved = world.retarget_signal::<Mob, Ping>(first, from, to);

    assert_eq!(moved, Ok(Registered::Now));
    assert_eq!(listeners_on(&world, from), []);
    assert_eq!(listeners_on(&world, to), [second, first]);
    assert_eq!(world.send_signal(to, Ping), ["mob", "MOB"]);
    assert_eq!(world.send_signal(from, Ping), [""; 0]);
}

/// S10: on a target that nobody listened to before, from each kind of world.
#[test]
fn everybody_retargets() {
    let ways: [WayToMove; 4] = [
        ("world", |world, mob, from, to| {
            let moved = world.retarget_signal::<Mob, Qdeleting>(mob, from, to);
            assert_eq!(moved, Ok(Registered::Now));
        }),
        ("entity", |world, mob, from, to| {
            let mut mob = world.entity_mut(mob);
            let moved = mob.retarget_signal::<Mob, Qdeleting>(from, to);
            assert_eq!(moved, Ok(Registered::Now));
        }),
        ("deferred world", |world, mob, from, to| {
            let mut deferred = DeferredWorld::from(&mut *world);
            let moved = deferred.retarget_signal::<Mob, Qdeleting>(mob, from, to);
            assert_eq!(moved, Ok(Registered::Queued));
            assert_eq!(listeners_on(world, to), [mob]);
            world.flush();
        }),
        ("command", |world, mob, from, to| {
            let mut commands = world.commands();
            commands
                .entity(mob)
                .retarget_signal::<Mob, Qdeleting>(from, to);
            world.flush();
        }),
    ];
    for (way, retarget) in ways {
        let mut world = World::new();
        let [from, to] = spawn_targets(&mut world);
        let mob = world.spawn(Mob::of(to)).id();
        world.register_signal(mob, from, Mob::clear).unwrap();

        retarget(&mut world, mob, from, to);

        assert_eq!(listeners_on(&world, from), [], "{way}");
        assert_eq!(listeners_on(&world, to), [mob], "{way}");
        world.despawn(from);
        world.despawn(to);
        assert_eq!(world.get::<Mob>(mob).unwrap().lost, [to], "{way}");
    }
}

/// S10 and S3.
#[test]
fn retargeting_keeps_how_often_a_handler_is_called() {
    let mut world = World::new();
    let [from, to] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::default()).id();
    world.register_signal_once(mob, from, Mob::says).unwrap();

    world.retarget_signal::<Mob, Ping>(mob, from, to).unwrap();

    assert_eq!(world.send_signal(to, Ping), ["mob"]);
    assert_eq!(world.send_signal(to, Ping), [""; 0]);
}

/// S10 and S4: and nothing has changed.
#[test]
fn retargeting_is_refused_with_a_reason_and_changes_nothing() {
    let mut world = World::new();
    let [from, taken, gone, going, nowhere] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::default()).id();
    let other = world.spawn(Mob::default()).id();
    for target in [from, taken, going] {
        world.register_signal(mob, target, Mob::says).unwrap();
        world.register_signal(other, target, Mob::says).unwrap();
    }
    world.despawn(gone);
    world.unregister_signal::<Mob, Ping>(mob, going).unwrap();
    world.qdel(going).unwrap();
    let before = world.registrations_of(mob);

    let mut retarget = |from, to| {
        let refused = world.retarget_signal::<Mob, Ping>(mob, from, to);
        let deferred = DeferredWorld::from(&mut world).retarget_signal::<Mob, Ping>(mob, from, to);
        assert_eq!(refused, deferred);
        refused.unwrap_err()
    };

    use RegisterError::{AlreadyRegistered, TargetDeleting, TargetNotSpawned};
    assert!(matches!(
        retarget(nowhere, from),
        RetargetError::NotRegistered { registration, to } if registration.target == nowhere && to == from
    ));
    for (to, is_expected) in [
        (
            taken,
            (|error| matches!(error, AlreadyRegistered(_))) as fn(RegisterError) -> bool,
        ),
        (from, |error| matches!(error, AlreadyRegistered(_))),
        (gone, |error| matches!(error, TargetNotSpawned(_))),
        (going, |error| matches!(error, TargetDeleting(_))),
    ] {
        let RetargetError::Refused(error) = retarget(from, to) else {
            panic!("{to}");
        };
        assert!(is_expected(error), "{error}");
    }
    assert_eq!(world.registrations_of(mob), before);
    assert_eq!(listeners_on(&world, from), [mob, other]);
}

/// S10 and S12: whoever comes too late hears it, and of nobody else.
#[test]
fn retargeting_by_command_to_a_target_that_is_gone_tells_at_once() {
    for is_gone in [false, true] {
        let mut world = World::new();
        let [from, to] = spawn_targets(&mut world);
        let mob = world.spawn(Mob::of(to)).id();
        world.register_signal(mob, from, Mob::clear).unwrap();
        if is_gone {
            world.despawn(to);
        } else {
            world.qdel(to).unwrap();
        }

        world
            .commands()
            .entity(mob)
            .retarget_signal::<Mob, Qdeleting>(from, to);
        world.flush();

        assert_eq!(world.get::<Mob>(mob).unwrap().target, None);
        assert_eq!(listeners_on(&world, from), []);
        world.despawn(from);
        assert_eq!(world.get::<Mob>(mob).unwrap().lost, [to]);
    }
}

/// S10: an insert hook that knows the value before moves the registration with the aim.
#[test]
fn handler_retargets_in_a_dispatch() {
    fn flee(mut world: DeferredWorld, ping: Received<Ping, Mob>) -> Vec<&'static str> {
        let to = world.get::<Mob>(ping.listener()).unwrap().target.unwrap();
        world
            .retarget_signal::<Mob, Ping>(ping.listener(), ping.target(), to)
            .unwrap();
        vec!["flees"]
    }

    let mut world = World::new();
    let [from, to] = spawn_targets(&mut world);
    let mobs = [(); 3].map(|()| world.spawn(Mob::of(to)).id());
    for mob in mobs {
        world.register_signal(mob, from, flee).unwrap();
    }

    let said = world.send_signal(from, Ping);

    assert_eq!(said, ["flees"; 3]);
    assert_eq!(listeners_on(&world, from), []);
    assert_eq!(listeners_on(&world, to), mobs);
}

// S10: `unregister_all`.

/// S10.
#[test]
fn unregistering_all_ends_every_registration_and_tells_nobody() {
    let mut world = World::new();
    let [target, other] = spawn_targets(&mut world);
    let mobs = [(); 40].map(|()| world.spawn(Mob::default()).id());
    for mob in mobs {
        world.register_signal(mob, target, Mob::clear).unwrap();
        world.register_signal(mob, target, Mob::says).unwrap();
        world.register_signal(mob, other, Mob::clear).unwrap();
    }

    let ended = world.unregister_all(target);

    assert_eq!(ended, 80);
    assert_eq!(listeners_on(&world, target), []);
    assert_eq!(listeners_on(&world, other), mobs);
    world.despawn(target);
    assert!(
        mobs.iter()
            .all(|mob| world.get::<Mob>(*mob).unwrap().lost.is_empty())
    );
}

/// S10 and R3: fields still name it.
#[test]
fn unregistering_all_leaves_declared_references() {
    #[derive(Component, References)]
    struct Aim(#[entities] Option<Entity>);

    let mut world = World::new();
    world.track_references::<Aim>();
    let [target] = spawn_targets(&mut world);
    let holder = world.spawn((Aim(Some(target)), Mob::default())).id();
    world.register_signal(holder, target, Mob::clear).unwrap();

    assert_eq!(world.unregister_all(target), 1);
    world.despawn(target);

    assert_eq!(world.get::<Aim>(holder).unwrap().0, None);
    assert!(world.get::<Mob>(holder).unwrap().lost.is_empty());
}

/// S10 and S7: what is ended in a dispatch is not called.
#[test]
fn handler_ends_all_registrations_on_its_target() {
    fn hush(mut world: DeferredWorld, ping: Received<Ping, Mob>) -> Vec<&'static str> {
        world.unregister_all(ping.target());
        vec!["hush"]
    }

    let mut world = World::new();
    let [target] = spawn_targets(&mut world);
    let mobs = [(); 3].map(|()| world.spawn(Mob::default()).id());
    world.register_signal(mobs[0], target, Mob::says).unwrap();
    world.register_signal(mobs[1], target, hush).unwrap();
    world.register_signal(mobs[2], target, Mob::says).unwrap();

    assert_eq!(world.send_signal(target, Ping), ["mob", "hush"]);
    assert_eq!(listeners_on(&world, target), []);
}

/// S10 and S12.
#[test]
fn everybody_unregisters_all() {
    let mut world = World::new();
    let [target] = spawn_targets(&mut world);
    let mob = world.spawn(Mob::default()).id();
    let ways: [fn(&mut World, Entity); 4] = [
        |world, target| assert_eq!(world.unregister_all(target), 1),
        |world, target| assert_eq!(world.entity_mut(target).unregister_all(), 1),
        |world, target| assert_eq!(DeferredWorld::from(world).unregister_all(target), 1),
        |world, target| {
            world.commands().entity(target).unregister_all();
            world.flush();
        },
    ];
    for end in ways {
        world.register_signal(mob, target, Mob::says).unwrap();
        end(&mut world, target);
        assert_eq!(listeners_on(&world, target), []);
    }
    assert_eq!(world.unregister_all(target), 0);
    world.despawn(target);
    assert_eq!(world.unregister_all(target), 0);
}
