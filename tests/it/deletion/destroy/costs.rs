//! What a deletion costs.

use core::any::type_name;

use super::*;

use crate::stage::{Ballast, HandClock, Slow, slow};

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
        format!("{}::work_in_the_world", type_name::<Watcher>())
    );
    let of_the_purse = costs(&world, purse);
    assert_eq!(of_the_purse.tell, Duration::from_micros(7));
    assert_eq!(of_the_purse.destroy, Duration::from_micros(3));
    assert_eq!(of_the_purse.slowest.map(|at| at.listener), Some(other));
}

#[test]
fn costs_are_not_measured_unless_somebody_asks_for_them() {
    let (mut world, hand) = measured_stage();
    world.insert_resource(QdelSettings::default().with_measure_costs(false));
    let goblin = world.spawn(slow_part(&hand, 40)).id();
    let watcher = world.spawn(Watcher(slow(&hand, 5))).id();
    world
        .register_signal(watcher, goblin, Watcher::work)
        .unwrap();

    world.qdel(goblin).unwrap();

    assert_eq!(world.get::<Deleting>(goblin).unwrap().costs(), None);
    assert!(!QdelSettings::default().measure_costs);
}

#[test]
fn observers_count_and_commands_do_not() {
    let (mut world, hand) = measured_stage();
    let goblin = world.spawn_empty().id();
    let turn = hand.clone();
    world.add_observer(move |_: On<Qdeleting>, mut commands: Commands| {
        turn.put_forward(11);
        let turn = turn.clone();
        commands.queue(move |_: &mut World| {
            turn.put_forward(1000);
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
    part.1 = DestroyHint::LetMeLive;
    let goblin = world.spawn(part).id();
    let watcher = world.spawn(Watcher(slow(&hand, 5))).id();
    world
        .register_signal_once(watcher, goblin, Watcher::work)
        .unwrap();
    world.qdel(goblin).unwrap();
    world.get_mut::<SlowPart>(goblin).unwrap().1 = DestroyHint::Queue;

    world.qdel(goblin).unwrap();

    let costs = costs(&world, goblin);
    assert_eq!((costs.tell, costs.slowest), (Duration::ZERO, None));
    assert_eq!(costs.destroy, Duration::from_micros(4));
}

#[test]
fn handlers_are_called_in_the_same_order_when_they_are_measured() {
    let calls = [false, true].map(|measures| {
        let mut world = World::new();
        world.insert_resource(QdelSettings::default().with_measure_costs(measures));
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

/// Makes a world in which costs are measured by the hand.
fn measured_stage() -> (World, HandClock) {
    let hand = HandClock::default();
    let mut world = World::new();
    world.insert_resource(hand.work_clock());
    world.insert_resource(QdelSettings::default().with_measure_costs(true));
    world.register_destroy::<SlowPart>();
    world.register_destroy::<Ballast>();
    (world, hand)
}

fn costs(world: &World, entity: Entity) -> EntityCosts {
    let deleting = world.get::<Deleting>(entity).unwrap();
    *deleting.costs().expect("costs should be measured")
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
struct SlowPart(Slow, DestroyHint);

fn slow_part(hand: &HandClock, takes: u64) -> SlowPart {
    SlowPart(slow(hand, takes), DestroyHint::Queue)
}

impl Destroy for SlowPart {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        self.0.work();
        self.1
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
