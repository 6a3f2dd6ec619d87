//! Components that are destroyed and come late: inserted on an entity that is being deleted.
//!
//! Rule Q5 of the design.

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy_ecs::{
    entity_disabling::Disabled, lifecycle::HookContext, prelude::*, world::DeferredWorld,
};
use qdel::{
    Deleting, OnlyDeleting, QdelCause, prelude::*, statistics::QdelCounts, testing::WorkClock,
};

use crate::stage::{Immortal, Says};

// Who inserts it.

#[test]
fn what_is_inserted_before_the_tear_down_is_destroyed_once() {
    for (way, end) in ENDS {
        let mut world = stage();
        let goblin = world.spawn_empty().id();
        world.qdel(goblin).unwrap();

        world.entity_mut(goblin).insert(Socket("late"));
        end(&mut world);

        assert_eq!(order(&world), ["destroyed late", "gone late"], "{way}");
        assert_eq!(world.liveness(goblin), Liveness::Gone, "{way}");
    }
}

#[test]
fn what_is_inserted_by_a_command_of_a_later_system_is_destroyed() {
    let mut world = stage();
    let goblin = world.spawn(Socket("first")).id();
    world.qdel(goblin).unwrap();

    world.commands().entity(goblin).insert(Socket("second"));
    world.flush();
    world.flush_qdel();

    let expected = [
        "destroyed first",
        "gone first",
        "destroyed second",
        "gone second",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn what_is_inserted_in_the_same_deletion_is_destroyed_before_it_returns() {
    let mut world = stage();
    world.register_destroy::<Refill>();
    let goblin = world.spawn((Socket("first"), Refill("second"))).id();

    world.qdel(goblin).unwrap();

    assert_eq!(
        order(&world),
        ["destroyed first", "gone first", "destroyed second"]
    );
}

#[test]
fn what_is_inserted_while_it_is_told_is_destroyed_with_the_others() {
    let mut world = stage();
    world.add_observer(|told: On<Qdeleting>, mut commands: Commands| {
        commands.entity(told.entity).insert(Socket("late"));
    });
    let goblin = world.spawn_empty().id();

    world.qdel(goblin).unwrap();
    assert_eq!(order(&world), ["destroyed late"]);
    world.flush_qdel();

    assert_eq!(order(&world), ["destroyed late", "gone late"]);
}

#[test]
fn what_a_destroyer_of_another_entity_inserts_is_destroyed() {
    let mut world = stage();
    world.register_destroy::<Heir>();
    let orc = world.spawn_empty().id();
    let goblin = world.spawn(Heir(orc)).id();

    world.qdel_batch([orc, goblin]);
    assert_eq!(order(&world), ["destroyed inherited"]);
    world.flush_qdel();

    assert_eq!(order(&world), ["destroyed inherited", "gone inherited"]);
}

#[test]
fn what_observers_of_the_tear_down_insert_on_who_waits_is_destroyed() {
    for teardown in [Teardown::EndOfFrame, Teardown::Immediate] {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_teardown(teardown));
        world.register_destroy::<Heir>();
        let orc = world.spawn_empty().id();
        let goblin = world.spawn(Heirloom(orc)).id();

        world.qdel_batch([goblin, orc]);
        world.flush_qdel();

        assert_eq!(order(&world), ["destroyed heirloom", "gone heirloom"]);
        assert_eq!(world.liveness(orc), Liveness::Gone);
    }
}

#[test]
fn what_is_inserted_when_it_comes_out_of_hiding_is_destroyed() {
    for owner in [false, true] {
        let mut world = stage();
        world.add_observer(|shown: On<Remove<Disabled>>, mut commands: Commands| {
            if let Ok(mut entity) = commands.get_entity(shown.entity) {
                entity.insert_if_new(Socket("late"));
            }
        });
        let goblin = world.spawn_empty().id();
        if owner {
            world.spawn(ChildOf(goblin));
        }

        world.qdel(goblin).unwrap();
        world.flush_qdel();

        let order = order(&world);
        let count = |what| order.iter().filter(|at| **at == what).count();
        let expected = if owner { 2 } else { 1 };
        assert_eq!(count("destroyed late"), expected);
        assert_eq!(count("gone late"), expected);
    }
}

#[test]
fn what_is_inserted_beside_another_is_destroyed_alone() {
    let mut world = stage();
    world.register_destroy::<Refill>();
    let goblin = world.spawn(Socket("first")).id();
    world.qdel(goblin).unwrap();

    world.entity_mut(goblin).insert(Refill("unused"));
    world.flush_qdel();

    // The other was destroyed before, and what came last is destroyed too.
    let expected = [
        "destroyed first",
        "gone first",
        "destroyed unused",
        "gone unused",
    ];
    assert_eq!(order(&world), expected);
}

#[test]
fn what_is_removed_again_is_not_destroyed() {
    let mut world = stage();
    let goblin = world.spawn_empty().id();
    world.qdel(goblin).unwrap();

    world.entity_mut(goblin).insert(Socket("late"));
    world.entity_mut(goblin).remove::<Socket>();
    world.flush_qdel();

    assert_eq!(order(&world), ["gone late"]);
}

#[test]
fn what_is_in_use_already_or_has_a_hook_of_its_own_is_watched_too() {
    let mut world = World::new();
    world.init_resource::<Order>();
    world.spawn(Socket("early"));
    world.register_destroy::<Socket>();
    world.register_destroy::<Hooked>();
    let goblin = world.spawn_empty().id();
    world.qdel(goblin).unwrap();

    world.entity_mut(goblin).insert((Socket("late"), Hooked));
    world.flush_qdel();

    assert_eq!(
        order(&world),
        [
            "inserted hooked",
            "destroyed late",
            "destroyed hooked",
            "gone late"
        ]
    );
}

#[test]
fn insert_on_the_living_destroys_nothing() {
    let mut world = stage();
    let goblin = world.spawn(Socket("first")).id();
    let orc = world.spawn_empty().id();
    world.qdel(orc).unwrap();

    world.entity_mut(goblin).insert(Socket("second"));
    world.flush_qdel();

    assert_eq!(order(&world), ["gone first"]);
}

// Who owns it, and who lives on.

#[test]
fn owned_entities_have_what_came_late_destroyed_for_the_sake_of_their_owner() {
    let mut world = stage();
    let goblin = world.spawn_empty().id();
    let purse = world.spawn(ChildOf(goblin)).id();
    world.force_qdel(goblin).unwrap();

    world.entity_mut(purse).insert(Tell);
    world.flush_qdel();

    assert_eq!(
        world.resource::<Told>().0,
        [(purse, QdelCause::Owner(goblin), true)]
    );
}

#[test]
fn root_has_what_came_late_destroyed_for_its_own_sake() {
    let mut world = stage();
    let goblin = world.spawn_empty().id();
    world.qdel(goblin).unwrap();

    world.entity_mut(goblin).insert(Tell);
    world.flush_qdel();

    assert_eq!(
        world.resource::<Told>().0,
        [(goblin, QdelCause::Qdel, false)]
    );
}

#[test]
fn who_lives_on_keeps_what_came_meanwhile() {
    let mut world = stage();
    world.register_destroy::<Immortal>();
    world.register_destroy::<Heir>();
    let elf = world.spawn(Immortal).id();
    let child = world.spawn(ChildOf(elf)).id();
    let goblin = world.spawn(Heir(elf)).id();
    let orc = world.spawn(Heir(child)).id();

    let batch = world.qdel_batch([goblin, orc, elf]);
    world.flush_qdel();

    assert_eq!(batch.kept, [elf]);
    assert_eq!(order(&world), [""; 0]);
    assert!(world.get::<Socket>(elf).is_some());
    assert!(world.get::<Socket>(child).is_some());
    world.force_qdel(elf).unwrap();
    assert_eq!(
        order(&world),
        ["destroyed inherited", "destroyed inherited"]
    );
}

#[test]
fn who_is_left_alone_has_what_came_late_destroyed_by_the_next_flush() {
    let mut world = stage();
    world.register_destroy::<Says>();
    let goblin = world.spawn(Says(DestroyHint::IWillHandleIt)).id();
    world.qdel(goblin).unwrap();

    world.entity_mut(goblin).insert(Socket("late"));
    world.flush_qdel();

    assert_eq!(order(&world), ["destroyed late"]);
    assert_eq!(world.liveness(goblin), Liveness::Deleting);
}

// Hints.

#[test]
fn wish_to_live_or_to_be_left_alone_comes_too_late() {
    let mut world = stage();
    world.register_destroy::<Immortal>();
    world.register_destroy::<Says>();
    let [goblin, orc] = [(), ()].map(|()| world.spawn_empty().id());
    world.qdel_batch([goblin, orc]);

    world.entity_mut(goblin).insert(Immortal);
    world
        .entity_mut(orc)
        .insert(Says(DestroyHint::IWillHandleIt));
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(orc), Liveness::Gone);
    assert_eq!(world.resource::<QdelCounts>().overruled, 2);
    assert_eq!(world.resource::<QdelCounts>().kept, 0);
    assert_eq!(world.resource::<QdelCounts>().left_alone, 0);
}

#[test]
fn hint_that_can_still_be_heeded_is() {
    let mut world = stage();
    world.register_destroy::<Urgent>();
    world.register_destroy::<Hard>();
    let settings = QdelSettings::default().with_teardown(Teardown::Budget(Duration::ZERO));
    world.insert_resource(settings);
    let before: Vec<_> = (0..100).map(|_| world.spawn_empty().id()).collect();
    let goblin = world.spawn_empty().id();
    let orc = world.spawn_empty().id();
    world.qdel_batch(before);
    world.qdel_batch([goblin, orc]);

    world.entity_mut(goblin).insert(Hard);
    world.entity_mut(orc).insert(Urgent);
    let other = world.spawn(Urgent).id();
    world.qdel(other).unwrap();
    assert_eq!(world.liveness(orc), Liveness::Gone);
    assert_eq!(world.liveness(goblin), Liveness::Deleting);
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert!(
        world
            .query_filtered::<(), OnlyDeleting>()
            .iter(&world)
            .count()
            > 0
    );
}

// Panics, and what never ends.

#[test]
fn panic_of_one_that_came_late_does_not_spare_the_others() {
    let mut world = stage();
    world.register_destroy::<Bomb>();
    let [goblin, orc] = [(), ()].map(|()| world.spawn_empty().id());
    world.qdel_batch([goblin, orc]);
    world.entity_mut(goblin).insert(Bomb);
    world.entity_mut(orc).insert(Socket("late"));

    let flushed = catch_unwind(AssertUnwindSafe(|| world.flush_qdel()));

    assert!(flushed.is_err());
    assert_eq!(order(&world), ["destroyed late", "gone late"]);
    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(world.liveness(orc), Liveness::Gone);
}

#[test]
fn what_comes_back_each_time_ends() {
    let mut world = stage();
    world.register_destroy::<Hydra>();
    let goblin = world.spawn(Hydra).id();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.liveness(goblin), Liveness::Gone);
    assert_eq!(order(&world).len(), 1 + 16);
}

#[test]
fn long_chain_of_inserts_is_followed_to_its_end() {
    let mut world = stage();
    world.register_destroy::<Chain>();
    let mut goblins: Vec<_> = (0..200).map(|_| world.spawn_empty().id()).collect();
    world.qdel_batch(goblins.clone());

    let first = goblins.remove(0);
    world.entity_mut(first).insert(Chain(goblins));
    world.flush_qdel();

    assert_eq!(order(&world), ["destroyed link"; 200]);
}

#[test]
fn what_came_late_costs_too() {
    let mut world = stage();
    world.insert_resource(QdelSettings::default().with_measure_costs(true));
    let ticks = core::sync::atomic::AtomicU64::new(0);
    world.insert_resource(WorkClock::new(move || {
        Duration::from_secs(ticks.fetch_add(1, core::sync::atomic::Ordering::Relaxed))
    }));
    world.register_destroy::<Says>();
    let goblin = world.spawn(Says(DestroyHint::IWillHandleIt)).id();
    world.qdel(goblin).unwrap();
    let cost = |world: &World| {
        let mark = world.get::<Deleting>(goblin).unwrap();
        mark.costs().unwrap().destroy
    };
    let before = cost(&world);

    world.entity_mut(goblin).insert(Socket("late"));
    world.flush_qdel();

    assert_eq!(cost(&world), before + Duration::from_secs(1));
}

#[test]
fn plain_despawn_destroys_nothing_that_came_late() {
    let mut world = stage();
    let goblin = world.spawn_empty().id();
    world.qdel(goblin).unwrap();
    world.entity_mut(goblin).insert(Socket("late"));

    world.despawn(goblin);
    world.flush_qdel();

    assert_eq!(order(&world), ["gone late"]);
}

type End = fn(&mut World);

/// The ways to tear down.
const ENDS: [(&str, End); 6] = [
    ("flush", |world| _ = world.flush_qdel()),
    ("drain", |world| _ = world.drain_qdel()),
    ("budget", |world| {
        let settings = QdelSettings::default().with_teardown(Teardown::Budget(Duration::ZERO));
        world.insert_resource(settings);
        world.flush_qdel();
    }),
    ("another deletion, at once", |world| {
        world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        let orc = world.spawn_empty().id();
        world.qdel(orc).unwrap();
        world.flush_qdel();
    }),
    ("batch, at once", |world| {
        world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        let orcs = [(), ()].map(|()| world.spawn_empty().id());
        world.qdel_batch(orcs);
        world.flush_qdel();
    }),
    ("shutdown", |world| _ = world.shutdown_qdel()),
];

/// Says when it is destroyed, and when it is dropped.
#[derive(Component)]
#[component(on_discard = note_end)]
struct Socket(&'static str);

impl Destroy for Socket {
    type Param = ResMut<'static, Order>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.0.push(format!("destroyed {}", self.0));
        DestroyHint::Queue
    }
}

fn note_end(mut world: DeferredWorld, context: HookContext) {
    let name = world.get::<Socket>(context.entity).unwrap().0;
    world.resource_mut::<Order>().0.push(format!("gone {name}"));
}

/// Inserts a new `Socket` when it is destroyed.
#[derive(Component)]
struct Refill(&'static str);

impl Destroy for Refill {
    type Param = Commands<'static, 'static>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.entity(going.entity).insert(Socket(self.0));
        DestroyHint::Queue
    }
}

/// Gives a `Socket` to an entity when it is destroyed.
#[derive(Component)]
struct Heir(Entity);

impl Destroy for Heir {
    type Param = Commands<'static, 'static>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.entity(self.0).insert(Socket("inherited"));
        DestroyHint::Queue
    }
}

/// Gives a `Socket` to an entity when it is removed.
#[derive(Component)]
#[component(on_remove = leave)]
struct Heirloom(Entity);

fn leave(mut world: DeferredWorld, context: HookContext) {
    let heir = world.get::<Heirloom>(context.entity).unwrap().0;
    world.commands().entity(heir).insert(Socket("heirloom"));
}

#[derive(Component)]
#[component(on_insert = note_insert)]
struct Hooked;

impl Destroy for Hooked {
    type Param = ResMut<'static, Order>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.0.push("destroyed hooked".to_owned());
        DestroyHint::Queue
    }
}

fn note_insert(mut world: DeferredWorld, _: HookContext) {
    world
        .resource_mut::<Order>()
        .0
        .push("inserted hooked".to_owned());
}

/// Says why it is destroyed.
#[derive(Component)]
struct Tell;

impl Destroy for Tell {
    type Param = ResMut<'static, Told>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.0.push((going.entity, going.cause, going.force));
        DestroyHint::Queue
    }
}

#[derive(Component)]
struct Urgent;

impl Destroy for Urgent {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        DestroyHint::HardDeleteNow
    }
}

#[derive(Component)]
struct Hard;

impl Destroy for Hard {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        DestroyHint::HardDelete
    }
}

#[derive(Component)]
struct Bomb;

impl Destroy for Bomb {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        panic!("bomb")
    }
}

/// Is inserted again whenever it is destroyed.
#[derive(Component)]
struct Hydra;

impl Destroy for Hydra {
    type Param = (Commands<'static, 'static>, ResMut<'static, Order>);

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.0.entity(going.entity).insert(Hydra);
        going.param.1.0.push("destroyed hydra".to_owned());
        DestroyHint::Queue
    }
}

/// Goes on to the next when it is destroyed.
#[derive(Component)]
struct Chain(Vec<Entity>);

impl Destroy for Chain {
    type Param = (Commands<'static, 'static>, ResMut<'static, Order>);

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.1.0.push("destroyed link".to_owned());
        let mut rest = core::mem::take(&mut self.0);
        if let Some(next) = rest.pop() {
            going.param.0.entity(next).insert(Chain(rest));
        }
        DestroyHint::Queue
    }
}

#[derive(Resource, Default)]
struct Order(Vec<String>);

#[derive(Resource, Default)]
struct Told(Vec<(Entity, QdelCause, bool)>);

fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Order>();
    world.init_resource::<Told>();
    world.register_destroy::<Socket>();
    world.register_destroy::<Tell>();
    world
}

fn order(world: &World) -> &[String] {
    &world.resource::<Order>().0
}
