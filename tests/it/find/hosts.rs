//! H1: what Bevy keeps, and who listens.
//! H1: blind spots.

use super::*;

// H1: what Bevy keeps, and who listens.

#[test]
fn relationships_are_found_at_both_ends() {
    let mut world = stage();
    let [ship, mast, hull] = spawn_many(&mut world);
    world.entity_mut(ship).add_children(&[mast, hull]);

    let of_ship = world.find_references(ship);
    let of_hull = world.find_references(hull);

    let holders = of_ship.holders.iter().map(|at| at.label.entity);
    assert_eq!(holders.collect::<Vec<_>>(), [mast, hull]);
    assert!(places(&of_ship)[0].1.starts_with("ChildOf"));
    assert_eq!(of_hull.holders[0].label.entity, ship);
    assert!(places(&of_hull)[0].1.starts_with("Children"));
    assert!(places(&of_hull)[0].1.ends_with("[1]"));
    assert_eq!(kinds(&of_hull), [PlaceKind::Kept]);
}

#[test]
fn observers_and_what_they_watch_hold_each_other() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let observer = Observer::new(|_: On<Qdeleting>| {}).with_entity(goblin);
    let observer = world.spawn(observer).id();

    let of_goblin = world.find_references(goblin);
    let of_observer = world.find_references(observer);

    assert_eq!(places(&of_goblin), [(observer, "Observer[0]".to_owned())]);
    assert_eq!(places(&of_observer), [(goblin, "ObservedBy[0]".to_owned())]);
}

#[test]
fn listeners_are_listed_and_hold_nothing() {
    let mut world = stage();
    let [goblin, archer] = spawn_many(&mut world);
    world.entity_mut(archer).insert(Flag);
    world.register_signal(archer, goblin, hear).unwrap();

    let report = world.find_references(goblin);

    assert_eq!(report.holders, []);
    assert_eq!(report.registrations, world.registrations_on(goblin));
    assert_eq!(report.registrations.len(), 1);
}

// H1: blind spots.

#[test]
fn type_that_nobody_knows_is_a_blind_spot() {
    let mut world = stage();
    let [goblin, thief, spy] = spawn_many(&mut world);
    for holder in [thief, spy] {
        world.entity_mut(holder).insert((
            Secret {
                _accomplice: goblin,
            },
            Flag,
        ));
    }

    let report = world.find_references(goblin);

    assert_eq!(report.holders, []);
    let reason = match cfg!(feature = "bevy_reflect") {
        true => BlindReason::NotRegistered,
        false => BlindReason::WithoutReflection,
    };
    let spots = report.blind_spots.into_iter();
    let spots: Vec<_> = spots.map(|spot| (spot.entities, spot.reason)).collect();
    assert_eq!(spots, [(2, reason)]);
}

#[test]
fn what_can_hold_nothing_is_no_blind_spot() {
    let mut world = stage();
    let [goblin, orc, archer] = spawn_many(&mut world);
    world.entity_mut(goblin).insert((Name::new("goblin"), Flag));
    world.entity_mut(archer).insert((Flag, ReferenceRoot));
    world.register_signal(archer, goblin, hear).unwrap();
    world.register_destroy::<Mob>();
    world.qdel_in(goblin, core::time::Duration::MAX).unwrap();
    world.insert_resource(QdelSettings::default());
    world.insert_resource(Schedules::new());
    world.entity_mut(archer).insert(ChildOf(orc));
    world.qdel(orc).unwrap();

    let report = world.find_references(goblin);

    assert_eq!(report.blind_spots, []);
}
