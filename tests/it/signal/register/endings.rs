//! S10, in the middle of the end: hooks and observers that act while a component is on its way out.

use super::*;
use qdel::{QdelCause, SignalTarget};

/// A component whose removal hook listens with the entity's `Archer` once more.
#[derive(Component)]
#[component(on_remove = sign_up_again)]
struct Clinger {
    target: Entity,
}

fn sign_up_again(mut world: DeferredWorld, context: HookContext) {
    let target = world.get::<Clinger>(context.entity).unwrap().target;
    // Refusing and accepting are both fine, as long as nothing is left behind.
    let _ = world.register_signal(context.entity, target, archer_says);
}

/// S10: whatever a hook of the dying listener does, nothing of it stays.
#[test]
fn registration_by_a_hook_of_the_dying_listener_leaves_nothing() {
    for watch in [Watch::Hook, Watch::Observer] {
        let mut scene = Scene::new(watch);
        let (world, target) = (&mut scene.world, scene.target);
        let clinger = world.spawn((Archer::default(), Clinger { target })).id();

        world.despawn(clinger);

        assert!(!listeners_on(world, target).contains(&clinger), "{watch:?}");
        assert_eq!(world.check_registrations(), Ok(()));
    }
}

/// S10: as above, and the index of the dead listener is used again.
#[test]
fn books_stay_whole_when_the_index_of_a_clinging_listener_is_used_again() {
    let mut world = World::new();
    let [target, other] = [(); 2].map(|()| world.spawn_empty().id());
    let archer = world.spawn(Archer::default()).id();
    world.register_signal(archer, target, archer_says).unwrap();
    let clinger = world.spawn((Archer::default(), Clinger { target })).id();
    world.despawn(clinger);

    let heir = respawn_index(&mut world, clinger);
    world.entity_mut(heir).insert(Archer::default());
    world.register_signal(heir, other, archer_says).unwrap();

    assert_eq!(world.check_registrations(), Ok(()));
    assert_eq!(listeners_on(&world, target), [archer]);
}

/// S10: a component that listens from its own `Remove` is gone all the same.
#[test]
fn registration_by_a_removal_observer_of_the_component_leaves_nothing() {
    for watch in [Watch::Hook, Watch::Observer] {
        let mut scene = Scene::new(watch);
        let (world, target) = (&mut scene.world, scene.target);
        world.add_observer(
            move |removed: On<Remove<Archer>>, mut world: DeferredWorld| {
                let _ = world.register_signal(removed.entity, target, archer_says);
            },
        );
        let clinger = world.spawn((Archer::default(), Guard::default())).id();

        world.entity_mut(clinger).remove::<Archer>();

        assert!(!listeners_on(world, target).contains(&clinger), "{watch:?}");
    }
}

/// S10: and no handler is called for a component that returns.
#[test]
fn registration_by_a_removal_observer_does_not_wait_for_the_next_component() {
    let mut scene = Scene::new(Watch::Hook);
    let (world, target) = (&mut scene.world, scene.target);
    world.add_observer(
        move |removed: On<Remove<Archer>>, mut world: DeferredWorld| {
            let _ = world.register_signal(removed.entity, target, archer_shouts);
        },
    );
    world.flush();
    let another = world.spawn(Archer::default()).id();
    let other = scene.other;
    world
        .register_signal(another, other, archer_shouts)
        .unwrap();
    let clinger = world.spawn((Archer::default(), Guard::default())).id();
    world.entity_mut(clinger).remove::<Archer>();

    world.entity_mut(clinger).insert(Archer::default());

    assert!(!world.send_signal(target, Ping).contains(&"ARCHER"));
}

/// Listens on its own entity with the helper's `Archer`, when it is removed.
///
/// Hooks of components in tables run before those in sparse sets.
#[derive(Component)]
#[component(on_remove = call_for_help::<Self>)]
struct Dying {
    helper: Entity,
}

/// The same, after the hooks of this crate, as those of sparse sets run in order of their
/// registration.
#[derive(Component)]
#[component(storage = "SparseSet", on_remove = call_for_help::<Self>)]
struct DyingLast {
    helper: Entity,
}

trait Helped: Component {
    fn with(helper: Entity) -> Self;
    fn helper(&self) -> Entity;
}

impl Helped for Dying {
    fn with(helper: Entity) -> Self {
        Self { helper }
    }
    fn helper(&self) -> Entity {
        self.helper
    }
}

impl Helped for DyingLast {
    fn with(helper: Entity) -> Self {
        Self { helper }
    }
    fn helper(&self) -> Entity {
        self.helper
    }
}

fn call_for_help<C: Helped>(mut world: DeferredWorld, context: HookContext) {
    let helper = world.get::<C>(context.entity).unwrap().helper();
    let registered = world.register_signal(helper, context.entity, archer_says);
    let said = match registered {
        Ok(Registered::Now) => "now",
        Ok(Registered::Replaced) => "replaced",
        Ok(Registered::Queued) => "queued",
        Err(_) => "refused",
    };
    world.resource_mut::<Order>().0.push(said);
}

/// Makes a world with a busy archer and a target whose `C` calls for it.
fn world_with_dying_target<C: Helped>() -> (World, Entity, Entity) {
    let (mut world, target, archer) = pair();
    world.init_resource::<Order>();
    world.register_component::<SignalTarget>();
    world.register_component::<C>();
    let dying = world.spawn((C::with(archer), SignalTarget)).id();
    world.register_signal(archer, target, archer_says).unwrap();
    world.register_signal(archer, dying, archer_says).unwrap();
    world
        .register_signal(archer, dying, archer_answers_pong)
        .unwrap();
    (world, archer, dying)
}

fn registration_by_a_hook_of_the_dying_target_leaves_nothing<C: Helped>() {
    let (mut world, archer, dying) = world_with_dying_target::<C>();

    world.despawn(dying);

    // Refusing and accepting are both fine, as long as nothing is left behind.
    assert_eq!(world.resource::<Order>().0.len(), 1);
    assert_eq!(world.registrations_on(dying), []);
    assert_eq!(world.registrations_of(archer).len(), 1);
    assert_eq!(world.signal_footprint().registrations, 1);
    assert_eq!(world.signal_footprint().crowded_listeners, 0);
    assert_eq!(world.check_registrations(), Ok(()));
}

/// S10 and S4.
#[test]
fn registration_by_an_early_hook_of_the_dying_target_leaves_nothing() {
    registration_by_a_hook_of_the_dying_target_leaves_nothing::<Dying>();
}

/// S10 and S4.
#[test]
fn registration_by_a_late_hook_of_the_dying_target_leaves_nothing() {
    registration_by_a_hook_of_the_dying_target_leaves_nothing::<DyingLast>();
}

fn target_that_is_cleared_can_be_listened_to_again<C: Helped>() {
    let (mut world, archer, cleared) = world_with_dying_target::<C>();
    warm_up(&mut world);
    let second = world.spawn(Archer::default()).id();

    world.entity_mut(cleared).clear();
    world
        .register_signal(second, cleared, Archer::note)
        .unwrap();
    // Whether the hook was refused or not: the books must know, and the end of the target is told.
    let listening = world.registrations_of(archer).len();
    let listened_to = world.registrations_on(cleared).len();
    assert_eq!(listening + 1, listened_to + 1);
    assert_eq!(world.check_registrations(), Ok(()));
    world.despawn(cleared);

    let told = &world.get::<Archer>(second).unwrap().causes;
    assert_eq!(told, &[QdelCause::Despawn]);
    assert_eq!(world.registrations_of(archer).len(), 1);
    assert_eq!(world.signal_footprint().registrations, 1);
    assert_eq!(world.signal_footprint().crowded_listeners, 0);
}

/// S10: a hook that listens to a target that is being cleared leaves it whole.
#[test]
fn target_that_is_cleared_past_an_early_hook_can_be_listened_to_again() {
    target_that_is_cleared_can_be_listened_to_again::<Dying>();
}

/// S10: as above.
#[test]
fn target_that_is_cleared_past_a_late_hook_can_be_listened_to_again() {
    target_that_is_cleared_can_be_listened_to_again::<DyingLast>();
}

/// S10: a listener that is told of its own end can sign up elsewhere, but not beyond that end.
#[test]
fn registration_in_the_notice_of_the_own_despawn_leaves_nothing() {
    fn flee(mut world: DeferredWorld, gone: Received<Qdeleting, Archer>) {
        let refuge = world.resource::<Refuge>().0;
        // Refusing and accepting are both fine, as long as nothing is left behind.
        let _ = world.register_signal(gone.listener(), refuge, archer_says);
        assert_eq!(world.check_registrations(), Ok(()));
    }
    #[derive(Resource)]
    struct Refuge(Entity);
    for watch in [Watch::Hook, Watch::Observer] {
        let mut scene = Scene::new(watch);
        scene.world.insert_resource(Refuge(scene.target));
        let hermit = scene.world.spawn(Archer::default()).id();
        scene.world.register_signal(hermit, hermit, flee).unwrap();

        scene.world.despawn(hermit);

        assert_eq!(scene.registrations().len(), 16);
        assert_eq!(scene.world.registrations_of(hermit), []);
    }
}

/// Spawns until the index of `gone` is in use again.
fn respawn_index(world: &mut World, gone: Entity) -> Entity {
    // Bevy keeps the last freed ids in a buffer of 128 before it gives them out again.
    for _ in 0..10 {
        let batch: Vec<_> = (0..512).map(|_| world.spawn_empty().id()).collect();
        let heir = batch.iter().find(|it| it.index() == gone.index()).copied();
        for entity in batch.into_iter().filter(|it| Some(*it) != heir) {
            world.despawn(entity);
        }
        if let Some(heir) = heir {
            assert_ne!(heir, gone);
            return heir;
        }
    }
    panic!("Bevy should give a freed index out again");
}

/// S10: ids carry a generation.
#[test]
fn new_owner_of_an_index_inherits_no_registrations() {
    for watch in [Watch::Hook, Watch::Observer] {
        let mut scene = Scene::new(watch);
        let world = &mut scene.world;
        world.despawn(scene.listener);
        world.despawn(scene.target);

        let new_listener = respawn_index(world, scene.listener);
        let new_target = respawn_index(world, scene.target);
        world.entity_mut(new_listener).insert(Archer::default());

        assert_eq!(world.registrations_of(new_listener), []);
        assert_eq!(world.registrations_on(new_target), []);
        assert_eq!(world.send_signal(new_target, Ping), [""; 0]);
        let registered = world.register_signal(new_listener, new_target, archer_says);
        assert_eq!(registered, Ok(Registered::Now));
        assert_eq!(registrations(world, &[new_listener, new_target]).len(), 1);
    }
}

/// S10: the index of a target is used again while its listener's books still hold the old one.
#[test]
fn new_owner_of_an_index_is_another_target_for_an_old_listener() {
    let (mut world, target, archer) = pair();
    world.register_signal(archer, target, Archer::note).unwrap();
    world.despawn(target);
    let heir = respawn_index(&mut world, target);

    let registered = world.register_signal(archer, heir, Archer::note);
    let stale = world.unregister_signal::<Archer, Qdeleting>(archer, target);
    world.despawn(heir);

    assert_eq!(registered, Ok(Registered::Now));
    assert!(stale.is_err());
    assert_eq!(
        world.get::<Archer>(archer).unwrap().causes,
        [QdelCause::Despawn; 2]
    );
}
