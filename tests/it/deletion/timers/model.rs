//! Against a model.

use super::*;
use qdel::QdelTimer;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn timers_are_those_of_a_naive_list(deeds in vec(deed(), 1..60)) {
        let mut world = stage();
        let crowd: [Entity; CROWD] = spawn_many(&mut world);
        let mut model = Model::default();

        for deed in deeds {
            match deed {
                Deed::Start(who, delay) => {
                    let started = world.qdel_in(crowd[who], delay);
                    let is_there = world.liveness(crowd[who]) != Liveness::Gone;
                    prop_assert_eq!(started.is_ok(), is_there);
                    if let Ok(timer) = started {
                        model.timers.push((timer, model.now + delay));
                        model.ever.push(timer);
                    }
                }
                Deed::Cancel(number) => {
                    let Some(&timer) = model.ever.get(number) else {
                        continue;
                    };
                    let is_running = model.timers.iter().any(|(at, _)| *at == timer);
                    model.timers.retain(|(at, _)| *at != timer);
                    prop_assert_eq!(world.cancel_qdel(timer).is_ok(), is_running);
                }
                Deed::Advance(time) => {
                    model.now += time;
                    let (mut due, running): (Vec<_>, Vec<_>) =
                        model.timers.iter().partition(|(_, due)| *due <= model.now);
                    model.timers = running;
                    due.sort_by_key(|(_, due)| *due);
                    let mut expected = Vec::new();
                    for (timer, _) in due {
                        let entity = timer.entity();
                        let is_alive = world.liveness(entity) == Liveness::Alive;
                        if is_alive && !expected.contains(&entity) {
                            expected.push(entity);
                        }
                    }
                    prop_assert_eq!(world.advance_qdel_timers(time).queued, expected);
                }
                Deed::Qdel(who) => {
                    world.qdel(crowd[who]).ok();
                }
                Deed::Despawn(who) => {
                    world.try_despawn(crowd[who]).ok();
                }
                Deed::Flush => {
                    world.flush_qdel();
                }
            }
            model.timers.retain(|(timer, _)| world.liveness(timer.entity()) != Liveness::Gone);

            let mut expected = model.timers.clone();
            expected.sort_by_key(|(_, due)| *due);
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(timer, due)| (timer, due - model.now))
                .collect();
            prop_assert_eq!(world.qdel_timers(), expected, "after {:?}", deed);
        }
    }
}

const CROWD: usize = 6;

#[derive(Debug, Clone, Copy)]
enum Deed {
    Start(usize, Duration),
    Cancel(usize),
    Advance(Duration),
    Qdel(usize),
    Despawn(usize),
    Flush,
}

fn deed() -> impl Strategy<Value = Deed> {
    let time = (0..10_u64).prop_map(Duration::from_secs);
    prop_oneof![
        6 => (0..CROWD, time.clone()).prop_map(|(who, delay)| Deed::Start(who, delay)),
        3 => (0..20_usize).prop_map(Deed::Cancel),
        3 => time.prop_map(Deed::Advance),
        1 => (0..CROWD).prop_map(Deed::Qdel),
        1 => (0..CROWD).prop_map(Deed::Despawn),
        1 => Just(Deed::Flush),
    ]
}

/// All timers that should be running, in order of age, each with its time.
#[derive(Default)]
struct Model {
    now: Duration,
    timers: Vec<(QdelTimer, Duration)>,
    ever: Vec<QdelTimer>,
}
