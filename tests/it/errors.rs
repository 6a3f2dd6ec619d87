//! What errors say, made by the mistakes that they are about.
//!
//! Ids are replaced by the part that their entity plays, so a snapshot also shows that the right
//! one is named.

use core::fmt::Display;

use bevy_ecs::{lifecycle::Add, prelude::*, resource::IsResource};
use insta::{assert_snapshot, with_settings};
use qdel::{
    QdelError, RegisterError, SignalTarget,
    error::{BrokenBooks, UnregisterError},
    prelude::*,
    signal::Registration,
    statistics::QdelCounts,
};

use crate::stage::Ping;

#[derive(Component)]
struct Archer;

/// A resource of the user.
#[derive(Resource)]
struct Weather;

fn hear(_: &mut Archer, _: Received<Ping>) {}

/// A world with the two ends of a registration.
struct Scene {
    world: World,
    listener: Entity,
    target: Entity,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        let target = world.spawn_empty().id();
        let listener = world.spawn(Archer).id();
        Self {
            world,
            listener,
            target,
        }
    }

    /// Registers, which must fail.
    fn refused(&mut self) -> RegisterError {
        let error = self
            .world
            .register_signal(self.listener, self.target, hear)
            .unwrap_err();
        assert_eq!(error.registration(), self.registration());
        error
    }

    /// Returns the registration that all tests are about.
    fn registration(&self) -> Registration {
        Registration {
            listener: self.listener,
            component: core::any::type_name::<Archer>(),
            target: self.target,
            signal: core::any::type_name::<Ping>(),
        }
    }

    /// Compares what `said` says with the snapshot of this name.
    fn expect(&self, name: &str, said: &impl Display) {
        let listener = format!(r"\b{}\b", self.listener);
        let target = format!(r"\b{}\b", self.target);
        let filters = [
            (listener.as_str(), "[listener]"),
            (target.as_str(), "[target]"),
            (r"\b\d+v\d+\b", "[another entity]"),
        ];
        with_settings!({ filters => filters, omit_expression => true }, {
            assert_snapshot!(name, said);
        });
    }
}

#[test]
fn second_registration_names_both_ends_and_says_what_to_do() {
    let mut scene = Scene::new();
    let (listener, target) = (scene.listener, scene.target);
    scene.world.register_signal(listener, target, hear).unwrap();

    let error = scene.refused();

    assert!(matches!(error, RegisterError::AlreadyRegistered(_)));
    scene.expect("already_registered", &error);
}

#[test]
fn listener_that_is_not_spawned_is_named() {
    let mut scene = Scene::new();
    scene.world.despawn(scene.listener);

    let error = scene.refused();

    assert!(matches!(error, RegisterError::ListenerNotSpawned(_)));
    scene.expect("listener_not_spawned", &error);
}

#[test]
fn target_that_is_not_spawned_is_named() {
    let mut scene = Scene::new();
    scene.world.despawn(scene.target);

    let error = scene.refused();

    assert!(matches!(error, RegisterError::TargetNotSpawned(_)));
    scene.expect("target_not_spawned", &error);
}

#[test]
fn target_whose_mark_does_not_stay_is_named() {
    let mut scene = Scene::new();
    let strip = |added: On<Add<SignalTarget>>, mut commands: Commands| {
        commands.entity(added.entity).remove::<SignalTarget>();
    };
    scene.world.add_observer(strip);

    let error = scene.refused();

    assert!(matches!(error, RegisterError::MarkRemoved(_)));
    scene.expect("mark_removed", &error);
}

#[test]
fn registration_that_cannot_be_moved_names_where_it_was_to_go() {
    let mut scene = Scene::new();
    let (listener, target) = (scene.listener, scene.target);
    let to = scene.world.spawn_empty().id();

    let moved = scene
        .world
        .retarget_signal::<Archer, Ping>(listener, target, to);

    scene.expect("not_registered_to_move", &moved.unwrap_err());
}

#[test]
fn registration_that_is_moved_to_who_is_gone_says_what_registering_says() {
    let mut scene = Scene::new();
    let (listener, target) = (scene.listener, scene.target);
    let from = scene.world.spawn_empty().id();
    scene.world.register_signal(listener, from, hear).unwrap();
    scene.world.despawn(target);

    let moved = scene
        .world
        .retarget_signal::<Archer, Ping>(listener, from, target);

    scene.expect("target_not_spawned", &moved.unwrap_err());
}

#[test]
fn deleting_listener_is_named() {
    let mut scene = Scene::new();
    scene.world.qdel(scene.listener).unwrap();

    let error = scene.refused();

    assert!(matches!(error, RegisterError::ListenerDeleting(_)));
    scene.expect("listener_deleting", &error);
}

#[test]
fn deleting_target_is_named() {
    let mut scene = Scene::new();
    scene.world.qdel(scene.target).unwrap();

    let error = scene.refused();

    assert!(matches!(error, RegisterError::TargetDeleting(_)));
    scene.expect("target_deleting", &error);
}

#[test]
fn missing_component_is_named() {
    let mut scene = Scene::new();
    scene.world.entity_mut(scene.listener).remove::<Archer>();

    let error = scene.refused();

    assert!(matches!(error, RegisterError::MissingComponent(_)));
    scene.expect("missing_component", &error);
}

#[test]
fn resource_of_this_crate_as_target_is_named() {
    let mut scene = Scene::new();
    scene.world.init_resource::<QdelCounts>();
    scene.target = scene.world.resource_entity::<QdelCounts>().unwrap();

    let error = scene.refused();

    assert!(matches!(error, RegisterError::ReservedTarget(_)));
    scene.expect("reserved_target", &error);
}

#[test]
fn unregistering_nothing_names_what_there_is_not() {
    let mut scene = Scene::new();

    let error = scene
        .world
        .unregister_signal::<Archer, Ping>(scene.listener, scene.target)
        .unwrap_err();

    assert_eq!(error, UnregisterError::NotRegistered(scene.registration()));
    scene.expect("not_registered", &error);
}

#[test]
fn unregistering_a_global_signal_that_nobody_registered_for_names_the_listener() {
    let mut scene = Scene::new();

    let error = scene
        .world
        .unregister_global_signal::<Archer, Ping>(scene.listener)
        .unwrap_err();

    scene.expect("not_registered_global", &error);
}

#[test]
fn deleting_what_is_gone_names_it() {
    let mut scene = Scene::new();
    scene.world.despawn(scene.target);

    let error = scene.world.qdel(scene.target).unwrap_err();

    let entity = scene.target;
    assert_eq!(error, QdelError::NotSpawned { entity });
    scene.expect("qdel_not_spawned", &error);
}

#[test]
fn deleting_a_resource_names_it() {
    let mut scene = Scene::new();
    scene.world.insert_resource(Weather);
    scene.target = scene.world.resource_entity::<Weather>().unwrap();

    let error = scene.world.qdel(scene.target).unwrap_err();

    scene.expect("qdel_resource", &error);
}

#[test]
fn deleting_the_owner_of_a_resource_names_both() {
    let mut scene = Scene::new();
    scene.world.insert_resource(Weather);
    let weather = scene.world.resource_entity::<Weather>().unwrap();
    assert!(scene.world.get::<IsResource>(weather).is_some());
    scene
        .world
        .entity_mut(weather)
        .insert(ChildOf(scene.target));

    let error = scene.world.qdel(scene.target).unwrap_err();

    let expected = QdelError::Resource {
        entity: scene.target,
        resource: weather,
    };
    assert_eq!(error, expected);
    scene.expect("qdel_owned_resource", &error);
}

#[test]
fn registration_is_a_sentence() {
    let mut scene = Scene::new();
    let (listener, target) = (scene.listener, scene.target);
    scene.world.register_signal(listener, target, hear).unwrap();

    let registration = scene.world.registrations_on(target)[0];

    assert_eq!(registration, scene.registration());
    scene.expect("registration", &registration);
}

#[test]
fn broken_books_name_the_registration() {
    let scene = Scene::new();
    let registration = scene.registration();

    scene.expect(
        "broken_unknown_to_listener",
        &BrokenBooks::UnknownToListener(registration),
    );
    scene.expect("broken_twice", &BrokenBooks::Twice(registration));
}

#[test]
fn miscounted_books_name_the_target() {
    let scene = Scene::new();

    let error = BrokenBooks::Miscounted {
        target: scene.target,
        counted: 3,
        listed: 2,
    };

    scene.expect("broken_miscounted", &error);
}

/// The house style of errors: one lower-case sentence, values first, what to do after a semicolon.
#[test]
fn errors_of_callers_say_what_to_do() {
    let scene = Scene::new();
    let (registration, entity) = (scene.registration(), scene.target);
    let errors: [Box<dyn core::error::Error>; 10] = [
        Box::new(RegisterError::AlreadyRegistered(registration)),
        Box::new(RegisterError::ListenerNotSpawned(registration)),
        Box::new(RegisterError::TargetNotSpawned(registration)),
        Box::new(RegisterError::ListenerDeleting(registration)),
        Box::new(RegisterError::TargetDeleting(registration)),
        Box::new(RegisterError::MissingComponent(registration)),
        Box::new(RegisterError::ReservedTarget(registration)),
        Box::new(UnregisterError::NotRegistered(registration)),
        Box::new(QdelError::NotSpawned { entity }),
        Box::new(QdelError::Resource {
            entity,
            resource: entity,
        }),
    ];

    for error in errors {
        let said = error.to_string();
        let (fact, advice) = said.split_once("; ").expect("a fact and an advice");
        assert!(!fact.is_empty() && !advice.is_empty(), "{said}");
        assert!(!said.ends_with('.') && !said.contains("  "), "{said}");
        assert!(!said.starts_with(char::is_uppercase), "{said}");
    }
}
