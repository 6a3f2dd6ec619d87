//! S8: answers.
//! S9: no listeners.

use super::*;
use qdel::{Answer, Question};

// S8: answers.

struct Vote(&'static str);

impl Signal for Vote {
    type Answer = Vec<String>;
}

/// S8.
#[test]
fn answers_merge_in_order() {
    let fields = |_: &mut Listener, vote: Received<Vote>| vec![format!("{} by fields", vote.0)];
    let whole = |_: DeferredWorld, vote: Received<Vote, Listener>| {
        vec![format!("{} by world", vote.0), "twice".into()]
    };
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Ping);
    let [first, second, third] = [(); 3].map(|()| crowd.spawn());
    let (world, target) = (&mut crowd.world, crowd.target);
    world.register_signal(first, target, whole).unwrap();
    world.register_signal(second, target, fields).unwrap();
    world.register_signal(third, target, whole).unwrap();

    let answer = world.send_signal(target, Vote("aye"));

    let expected = [
        "aye by world",
        "twice",
        "aye by fields",
        "aye by world",
        "twice",
    ];
    assert_eq!(answer, expected);
}

/// S8: across the end of a batch.
#[test]
fn answers_of_long_lists_merge_in_order() {
    struct Index;
    impl Signal for Index {
        type Answer = Vec<Entity>;
    }
    let name = |_: &mut Listener, index: Received<Index>| vec![index.listener()];
    for size in SIZES {
        let mut crowd = Crowd::new(size, Mix::Fields, Call::Ping);
        for listener in &crowd.listeners {
            crowd
                .world
                .register_signal(*listener, crowd.target, name)
                .unwrap();
        }

        let answer = crowd.world.send_signal(crowd.target, Index);

        assert_eq!(answer, crowd.listeners);
    }
}

/// S8.
#[test]
fn flags_are_united() {
    struct Hit;
    impl Signal for Hit {
        type Answer = u32;
    }
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Ping);
    let [first, second, third] = [(); 3].map(|()| crowd.spawn());
    let (world, target) = (&mut crowd.world, crowd.target);
    let blocked = |_: &mut Listener, _: Received<Hit>| 1;
    let burnt = |_: DeferredWorld, _: Received<Hit, Listener>| 4;
    let nothing = |_: &mut Listener, _: Received<Hit>| 0;
    world.register_signal(first, target, blocked).unwrap();
    world.register_signal(second, target, burnt).unwrap();
    world.register_signal(third, target, nothing).unwrap();

    assert_eq!(world.send_signal(target, Hit), 5);
}

/// S8.
#[test]
fn one_true_makes_the_answer_true() {
    struct IsBlocked;
    impl Signal for IsBlocked {
        type Answer = bool;
    }
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Ping);
    let [first, second] = [(); 2].map(|()| crowd.spawn());
    let (world, target) = (&mut crowd.world, crowd.target);
    let no = |_: &mut Listener, _: Received<IsBlocked>| false;
    let yes = |_: &mut Listener, _: Received<IsBlocked>| true;

    let by_nobody = world.send_signal(target, IsBlocked);
    world.register_signal(first, target, no).unwrap();
    let by_no = world.send_signal(target, IsBlocked);
    world.replace_signal(first, target, yes).unwrap();
    world.register_signal(second, target, no).unwrap();
    let by_yes_and_no = world.send_signal(target, IsBlocked);

    assert_eq!([by_nobody, by_no, by_yes_and_no], [false, false, true]);
}

/// S8: any type that says how.
#[test]
fn answer_of_the_user_merges_as_it_says() {
    #[derive(Default, Debug, PartialEq)]
    struct Cheapest(Option<u32>);
    impl Answer for Cheapest {
        fn merge(&mut self, next: Self) {
            self.0 = [self.0, next.0].into_iter().flatten().min();
        }
    }
    struct Offers;
    impl Signal for Offers {
        type Answer = Cheapest;
    }
    #[derive(Component)]
    struct Price(u32);
    let offer = |price: &mut Price, _: Received<Offers>| Cheapest(Some(price.0));
    let mut world = World::new();
    let market = world.spawn_empty().id();
    for price in [12, 7, 9, 30, 8] {
        let trader = world.spawn(Price(price)).id();
        world.register_signal(trader, market, offer).unwrap();
    }

    assert_eq!(world.send_signal(market, Offers), Cheapest(Some(7)));
}

/// S8: those of a question.
#[test]
fn answers_of_a_question_merge_in_order() {
    struct WhoIsThere;
    impl Question for WhoIsThere {
        type Answer = Vec<Entity>;
    }
    let look = |_: &Listener, who: Received<WhoIsThere>| vec![who.listener()];
    let look_around = |world: &World, who: Received<WhoIsThere, Listener>| {
        assert!(world.get::<Listener>(who.listener()).is_some());
        vec![who.listener()]
    };
    let mut crowd = Crowd::new(70, Mix::Fields, Call::Ping);
    for (index, listener) in crowd.listeners.iter().enumerate() {
        let registered = if index % 3 == 0 {
            crowd.world.register_signal(*listener, crowd.target, look)
        } else {
            crowd
                .world
                .register_signal(*listener, crowd.target, look_around)
        };
        registered.unwrap();
    }

    let answer = crowd.world.ask_signal(crowd.target, &WhoIsThere);

    assert_eq!(answer, crowd.listeners);
}

// S9: no listeners.

/// Sends `Ping` lazily, and tells whether it was built.
fn is_built(world: &mut World, target: Entity) -> bool {
    let mut built = false;
    world.send_signal_with(target, || {
        built = true;
        Ping
    });
    built
}

/// S9.
#[test]
fn payload_is_built_only_if_somebody_listens() {
    let mut crowd = Crowd::new(0, Mix::Fields, Call::Ping);
    let listener = crowd.spawn();
    let (world, target) = (&mut crowd.world, crowd.target);

    let in_silence = is_built(world, target);
    register::<Pong>(world, listener, target, Shape::Fields).unwrap();
    let beside_another_signal = is_built(world, target);
    register::<Ping>(world, listener, target, Shape::Fields).unwrap();
    let heard = is_built(world, target);
    world
        .unregister_signal::<Listener, Ping>(listener, target)
        .unwrap();
    let unregistered = is_built(world, target);

    assert_eq!(
        [in_silence, beside_another_signal, heard, unregistered],
        [false, false, true, false]
    );
}

/// S9.
#[test]
fn payload_is_not_built_when_the_listener_or_the_target_is_gone() {
    let mut crowd = Crowd::new(1, Mix::Fields, Call::Ping);
    let second = crowd.world.spawn_empty().id();
    let listener = crowd.spawn();
    register::<Ping>(&mut crowd.world, listener, second, Shape::Fields).unwrap();

    crowd.world.despawn(crowd.listeners[0]);
    crowd.world.despawn(second);

    assert!(!is_built(&mut crowd.world, crowd.target));
    assert!(!is_built(&mut crowd.world, second));
    assert!(!is_built(&mut World::new(), second));
}

/// S9.
#[test]
fn payload_is_built_once_for_many_listeners() {
    let mut crowd = Crowd::new(200, Mix::Runs, Call::Ping);
    let mut built = 0;

    crowd.world.send_signal_with(crowd.target, || {
        built += 1;
        Ping
    });

    assert_eq!(built, 1);
    assert_eq!(crowd.ledger.take(), crowd.listeners);
}

/// S9.
#[test]
fn sending_to_nobody_is_the_default_answer() {
    let mut world = World::new();
    let gone = world.spawn_empty().id();
    world.despawn(gone);

    assert_eq!(world.send_signal(gone, Vote("aye")), [""; 0]);
    assert_eq!(world.send_signal(Entity::PLACEHOLDER, Vote("aye")), [""; 0]);
}
