//! S12: hooks, observers and handlers, which hold a `DeferredWorld`.

use super::*;
use qdel::{QdelCause, SignalTarget};

/// What a deferred world answered.
#[derive(Resource, Default)]
struct Answers(Vec<Result<Registered, RegisterError>>);

/// A component that listens as soon as it is there.
#[derive(Component)]
#[component(on_insert = Hunter::listen)]
struct Hunter {
    prey: Option<Entity>,
    causes: Vec<QdelCause>,
}

impl Hunter {
    fn of(prey: Entity) -> Self {
        Self {
            prey: Some(prey),
            causes: Vec::new(),
        }
    }

    fn listen(mut world: DeferredWorld, context: HookContext) {
        let prey = world.get::<Hunter>(context.entity).unwrap().prey.unwrap();
        let answer = world.register_signal(context.entity, prey, Hunter::forget);
        world.resource_mut::<Answers>().0.push(answer);
    }

    fn forget(&mut self, gone: Received<Qdeleting>) {
        assert_eq!(self.prey, Some(gone.target()));
        self.prey = None;
        self.causes.push(gone.cause);
    }
}

/// S12.
#[test]
fn hook_registers_by_command_what_needs_a_structural_change() {
    let mut world = World::new();
    world.init_resource::<Answers>();
    let prey = world.spawn_empty().id();

    let hunter = world.spawn(Hunter::of(prey)).id();

    assert_eq!(world.resource::<Answers>().0, [Ok(Registered::Queued)]);
    assert_eq!(registrations(&world, &[prey, hunter]).len(), 1);
    world.despawn(prey);
    assert_eq!(world.get::<Hunter>(hunter).unwrap().prey, None);
}

/// S12.
#[test]
fn hook_registers_at_once_on_a_target_that_is_prepared() {
    let mut world = World::new();
    world.init_resource::<Answers>();
    let prey = world.spawn(SignalTarget).id();
    world.spawn(Hunter::of(prey));
    world.resource_mut::<Answers>().0.clear();

    let hunters: Vec<_> = (0..3).map(|_| world.spawn(Hunter::of(prey)).id()).collect();

    assert_eq!(world.resource::<Answers>().0, [Ok(Registered::Now); 3]);
    assert_eq!(listeners_on(&world, prey)[1..], hunters);
}

/// S12 and S10: the registration of the value before stays.
#[test]
fn hook_of_an_overwritten_component_registers_the_new_one() {
    let mut world = World::new();
    world.init_resource::<Answers>();
    let [first, second] = [(); 2].map(|()| world.spawn(SignalTarget).id());
    let hunter = world.spawn(Hunter::of(first)).id();

    world.entity_mut(hunter).insert(Hunter::of(second));

    assert_eq!(listeners_on(&world, first), [hunter]);
    assert_eq!(listeners_on(&world, second), [hunter]);
    assert_eq!(registrations(&world, &[first, second, hunter]).len(), 2);
}

/// S12.
#[test]
fn queued_registration_of_a_hook_whose_target_dies_first_is_told_at_once() {
    let mut world = World::new();
    world.init_resource::<Answers>();
    let prey = world.spawn_empty().id();
    // The command waits ahead of the one that the hook queues.
    world.commands().entity(prey).despawn();

    let mut deferred_hunter = world.commands();
    let hunter = deferred_hunter.spawn(Hunter::of(prey)).id();
    world.flush();

    let said = world.resource::<Answers>().0.clone();
    assert!(
        matches!(
            said[..],
            [Ok(Registered::Queued) | Err(RegisterError::TargetNotSpawned(_))]
        ),
        "{said:?}"
    );
    if said == [Ok(Registered::Queued)] {
        let hunter = world.get::<Hunter>(hunter).unwrap();
        assert_eq!(hunter.causes, [QdelCause::AlreadyGone]);
    }
}

/// S12: the handler queues the end of the target before it registers on it.
#[test]
fn registration_that_waits_behind_the_end_of_its_target_is_told_at_once() {
    let (mut world, bell, archer) = pair();
    world.init_resource::<Answers>();
    fn aim(mut world: DeferredWorld, ping: Received<Ping, Archer>) -> Vec<&'static str> {
        let victims: Vec<_> = world.resource::<Victims>().0.clone();
        for (victim, end) in victims {
            match end {
                End::Despawn => world.commands().entity(victim).despawn(),
                End::Qdel => world.qdel(victim),
            }
            let answer = world.register_signal(ping.listener(), victim, Archer::note);
            world.resource_mut::<Answers>().0.push(answer);
        }
        vec![]
    }
    #[derive(Clone, Copy)]
    enum End {
        Despawn,
        Qdel,
    }
    #[derive(Resource)]
    struct Victims(Vec<(Entity, End)>);
    let victims = [End::Despawn, End::Qdel].map(|end| (world.spawn_empty().id(), end));
    world.insert_resource(Victims(victims.to_vec()));
    world.register_signal(archer, bell, aim).unwrap();

    world.send_signal(bell, Ping);

    assert_eq!(world.resource::<Answers>().0, [Ok(Registered::Queued); 2]);
    let told = &world.get::<Archer>(archer).unwrap().causes;
    assert_eq!(told, &[QdelCause::AlreadyGone; 2]);
}

/// S12.
#[test]
fn observer_registers_at_once_or_by_command() {
    #[derive(Event)]
    struct Alarm {
        listener: Entity,
        target: Entity,
    }

    let (mut world, target, archer) = pair();
    world.init_resource::<Answers>();
    let second = world.spawn(Archer::default()).id();
    world.add_observer(|alarm: On<Alarm>, mut world: DeferredWorld| {
        let answer = world.register_signal(alarm.listener, alarm.target, Archer::note);
        world.resource_mut::<Answers>().0.push(answer);
    });

    for listener in [archer, second] {
        world.trigger(Alarm { listener, target });
        world.flush();
    }

    assert_eq!(
        world.resource::<Answers>().0,
        [Ok(Registered::Queued), Ok(Registered::Now)]
    );
    assert_eq!(listeners_on(&world, target), [archer, second]);
}

/// S12: the same verbs on a deferred world.
#[test]
fn deferred_world_replaces_unregisters_sends_and_asks() {
    let mut scene = Scene::new(Watch::Hook);
    let (listener, target) = (scene.listener, scene.target);
    let mut world = DeferredWorld::from(&mut scene.world);

    let replaced = world.replace_signal(listener, target, archer_says);
    let is_heard = world.has_listeners::<Ping>(target);
    let said = world.send_signal(target, Ping);
    let said_with = world.send_signal_with(target, || Pong);
    let ended = world.unregister_signal::<Archer, Ping>(listener, target);
    let once = world.register_signal_once(listener, target, archer_says);
    let unprepared = world.replace_signal(target, target, archer_says);

    assert_eq!(replaced, Ok(Registered::Replaced));
    assert!(is_heard);
    assert_eq!(said, ["archer", "guard", "archer", "guard"]);
    assert_eq!(said_with, ["archer: pong", "archer: pong"]);
    assert_eq!((ended, once), (Ok(()), Ok(Registered::Now)));
    assert!(matches!(
        unprepared,
        Err(RegisterError::MissingComponent(_))
    ));
    assert_eq!(scene.registrations().len(), 16);
}

/// S12.
#[test]
fn deferred_world_queues_a_replacement_that_needs_a_structural_change() {
    let (mut world, target, archer) = pair();
    let mut deferred = DeferredWorld::from(&mut world);

    let replaced = deferred.replace_signal(archer, target, archer_says);
    let global = deferred.register_global_signal(archer, archer_answers_pong);
    world.flush();

    assert_eq!(replaced, Ok(Registered::Queued));
    assert_eq!(global, Ok(Registered::Queued));
    assert_eq!(world.send_signal(target, Ping), ["archer"]);
    assert_eq!(world.send_global_signal(Pong), ["archer: pong"]);
}

/// S12: two queued registrations for one key are one registration and one warning.
#[test]
fn second_queued_registration_is_a_warning() {
    let (mut world, target, archer) = pair();
    record_complaints(&mut world);
    let mut deferred = DeferredWorld::from(&mut world);

    let first = deferred.register_signal(archer, target, archer_says);
    let second = deferred.register_signal(archer, target, archer_shouts);
    world.flush();

    assert_eq!(
        (first, second),
        (Ok(Registered::Queued), Ok(Registered::Queued))
    );
    let [(severity, _)] = complaints().try_into().expect("one complaint");
    assert_eq!(severity, Severity::Warning);
    assert_eq!(world.send_signal(target, Ping), ["archer"]);
}
