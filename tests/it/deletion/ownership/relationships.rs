//! Which relationships own.
//! In which order.
//! Two owners, rings, oneself.

use super::*;
use qdel::QdelCause;

// Which relationships own.

#[test]
fn children_go_with_their_parent() {
    let mut world = stage();
    let [ship, crate_] = spawn_many(&mut world);
    world.entity_mut(crate_).insert(ChildOf(ship));

    world.qdel(ship).unwrap();

    let expected = [(ship, QdelCause::Qdel), (crate_, QdelCause::Owner(ship))];
    assert_eq!(told(&world), expected);
}

#[test]
fn parent_stays_when_a_child_goes() {
    let mut world = stage();
    let [ship, crate_, other] = spawn_many(&mut world);
    world.entity_mut(ship).add_children(&[crate_, other]);

    world.qdel(crate_).unwrap();
    world.flush_qdel();

    assert_eq!(told(&world), [(crate_, QdelCause::Qdel)]);
    let states = [ship, other].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Alive; 2]);
    assert_eq!(**world.get::<Children>(ship).unwrap(), [other]);
}

#[test]
fn sources_of_a_linked_relationship_of_the_user_go_with_their_target() {
    let mut world = stage();
    let [ship, crate_, box_] = spawn_many(&mut world);
    world.entity_mut(crate_).insert(LoadedOn(ship));
    world.entity_mut(box_).insert(LoadedOn(ship));

    world.qdel(ship).unwrap();

    let expected = [
        (ship, QdelCause::Qdel),
        (crate_, QdelCause::Owner(ship)),
        (box_, QdelCause::Owner(ship)),
    ];
    assert_eq!(told(&world), expected);
}

#[test]
fn relationship_may_collect_its_sources_in_a_set() {
    let mut world = stage();
    let [ship, sailor, cook] = spawn_many(&mut world);
    world.entity_mut(sailor).insert(SailsOn(ship));
    world.entity_mut(cook).insert(SailsOn(ship));

    world.qdel(ship).unwrap();
    let torn_down = world.flush_qdel();

    let mut owned: Vec<_> = told(&world).split_off(1);
    owned.sort_unstable_by_key(|(entity, _)| entity.index());
    let expected = [sailor, cook].map(|entity| (entity, QdelCause::Owner(ship)));
    assert_eq!(owned, expected);
    assert_eq!(torn_down, 3);
}

#[test]
fn relationship_may_be_one_to_one() {
    let mut world = stage();
    let [horse, rider] = spawn_many(&mut world);
    world.entity_mut(rider).insert(Rides(horse));

    world.qdel(horse).unwrap();

    let expected = [(horse, QdelCause::Qdel), (rider, QdelCause::Owner(horse))];
    assert_eq!(told(&world), expected);
}

#[test]
fn relationship_that_is_not_linked_does_not_own() {
    let mut world = stage();
    let [ship, fan] = spawn_many(&mut world);
    world.entity_mut(fan).insert(Admires(ship));

    world.qdel(ship).unwrap();
    world.flush_qdel();

    assert_eq!(told(&world), [(ship, QdelCause::Qdel)]);
    assert_eq!(world.liveness(fan), Liveness::Alive);
    assert!(world.get::<Admires>(fan).is_none());
}

#[test]
fn relationship_that_comes_up_after_the_first_qdel_owns_too() {
    let mut world = stage();
    let [first, ship, sailor, crate_, mast] = spawn_many(&mut world);
    world.qdel(first).unwrap();
    world.entity_mut(sailor).insert(SailsOn(ship));
    world.qdel(sailor).unwrap();
    world.entity_mut(crate_).insert(LoadedOn(ship));
    world.entity_mut(mast).insert(ChildOf(ship));

    world.qdel(ship).unwrap();

    let mut with_ship: Vec<_> = told(&world).split_off(3);
    with_ship.sort_unstable_by_key(|(entity, _)| entity.index());
    let expected = [crate_, mast].map(|entity| (entity, QdelCause::Owner(ship)));
    assert_eq!(with_ship, expected);
}

#[test]
fn all_relationships_of_an_owner_count() {
    let mut world = stage();
    let [ship, mast, crate_, sailor, flag, rider] = spawn_many(&mut world);
    world.entity_mut(mast).insert(ChildOf(ship));
    world.entity_mut(crate_).insert(LoadedOn(ship));
    world.entity_mut(sailor).insert(SailsOn(ship));
    world.entity_mut(flag).insert(LoadedOn(mast));
    world.entity_mut(rider).insert(Rides(crate_));

    world.qdel(ship).unwrap();
    let torn_down = world.flush_qdel();

    let mut causes = told(&world);
    causes.sort_unstable_by_key(|(entity, _)| entity.index());
    let expected = [
        (ship, QdelCause::Qdel),
        (mast, QdelCause::Owner(ship)),
        (crate_, QdelCause::Owner(ship)),
        (sailor, QdelCause::Owner(ship)),
        (flag, QdelCause::Owner(mast)),
        (rider, QdelCause::Owner(crate_)),
    ];
    assert_eq!(causes, expected);
    assert_eq!(torn_down, 6);
}

// In which order.

#[test]
fn owners_are_told_before_owned_and_siblings_in_order() {
    let mut world = stage();
    let [ship, mast, flag, hull, crate_, box_] = spawn_many(&mut world);
    world.entity_mut(ship).add_children(&[mast, hull]);
    world.entity_mut(mast).add_child(flag);
    world.entity_mut(hull).add_children(&[crate_, box_]);

    world.qdel(ship).unwrap();

    let told: Vec<_> = told(&world).into_iter().map(|(entity, _)| entity).collect();
    let place = |entity| told.iter().position(|at| *at == entity).unwrap();
    let owners = [(ship, mast), (ship, hull), (mast, flag), (hull, crate_)];
    assert!(
        owners
            .iter()
            .all(|&(owner, owned)| place(owner) < place(owned))
    );
    assert!(place(mast) < place(hull) && place(crate_) < place(box_));
}

#[test]
fn owned_are_torn_down_before_owners() {
    let mut world = stage();
    let [ship, mast, flag, hull, crate_] = spawn_many(&mut world);
    world.entity_mut(ship).add_children(&[mast, hull]);
    world.entity_mut(mast).add_child(flag);
    world.entity_mut(hull).add_child(crate_);
    world.qdel(ship).unwrap();

    world.flush_qdel();

    let gone = gone(&world);
    let place = |entity| gone.iter().position(|at| *at == entity).unwrap();
    let owners = [(ship, mast), (ship, hull), (mast, flag), (hull, crate_)];
    assert!(
        owners
            .iter()
            .all(|&(owner, owned)| place(owned) < place(owner))
    );
}

/// An entity with two owners has all of them told before it, however deep they stand.
#[test]
fn entity_owned_at_two_depths_is_told_after_both_owners() {
    let mut world = stage();
    let [ship, mast, hull, lamp] = two_depths(&mut world);

    world.qdel(ship).unwrap();

    let told: Vec<_> = told(&world).into_iter().map(|(entity, _)| entity).collect();
    let place = |entity| told.iter().position(|at| *at == entity).unwrap();
    assert!(place(ship) < place(mast) && place(ship) < place(hull));
    assert!(
        place(mast) < place(lamp) && place(hull) < place(lamp),
        "{told:?}"
    );
}

#[test]
fn entity_owned_at_two_depths_is_torn_down_before_both_owners() {
    let mut world = stage();
    let [ship, mast, hull, lamp] = two_depths(&mut world);
    world.qdel(ship).unwrap();

    let torn_down = world.flush_qdel();

    let gone = gone(&world);
    let place = |entity| gone.iter().position(|at| *at == entity).unwrap();
    assert!(
        place(lamp) < place(mast) && place(lamp) < place(hull),
        "{gone:?}"
    );
    assert_eq!(torn_down, 4);
}

/// Returns a ship, a mast that it owns, a hull that the mast owns, and a lamp that ship and hull
/// own.
fn two_depths(world: &mut World) -> [Entity; 4] {
    let [ship, mast, hull, lamp] = spawn_many(world);
    world.entity_mut(mast).insert(ChildOf(ship));
    world.entity_mut(hull).insert(ChildOf(mast));
    world
        .entity_mut(lamp)
        .insert((ChildOf(ship), LoadedOn(hull)));
    [ship, mast, hull, lamp]
}

// Two owners, rings, oneself.

#[test]
fn entity_with_two_owners_goes_with_either_once() {
    for first in [0, 1] {
        let mut world = stage();
        let [ship, port, crate_] = spawn_many(&mut world);
        world
            .entity_mut(crate_)
            .insert((ChildOf(port), LoadedOn(ship)));
        let owners = [ship, port];

        world.qdel(owners[first]).unwrap();
        world.qdel(owners[1 - first]).unwrap();
        let torn_down = world.flush_qdel();

        let expected = [
            (owners[first], QdelCause::Qdel),
            (crate_, QdelCause::Owner(owners[first])),
            (owners[1 - first], QdelCause::Qdel),
        ];
        assert_eq!(told(&world), expected);
        assert_eq!(torn_down, 3);
        assert_gone_once(&world, &[ship, port, crate_]);
    }
}

#[test]
fn entity_owned_twice_by_the_same_goes_once() {
    let mut world = stage();
    let [ship, crate_] = spawn_many(&mut world);
    world
        .entity_mut(crate_)
        .insert((ChildOf(ship), LoadedOn(ship), SailsOn(ship)));

    world.qdel(ship).unwrap();
    let torn_down = world.flush_qdel();

    let expected = [(ship, QdelCause::Qdel), (crate_, QdelCause::Owner(ship))];
    assert_eq!(told(&world), expected);
    assert_eq!(torn_down, 2);
    assert_gone_once(&world, &[ship, crate_]);
}

#[test]
fn ring_of_two_parents_goes_once() {
    let mut world = stage();
    let [snake, ouroboros] = spawn_many(&mut world);
    world.entity_mut(snake).insert(ChildOf(ouroboros));
    world.entity_mut(ouroboros).insert(ChildOf(snake));

    world.qdel(snake).unwrap();
    world.flush_qdel();

    let expected = [
        (snake, QdelCause::Qdel),
        (ouroboros, QdelCause::Owner(snake)),
    ];
    assert_eq!(told(&world), expected);
    assert_gone_once(&world, &[snake, ouroboros]);
}

#[test]
fn ring_of_three_by_two_relationships_goes_once() {
    let mut world = stage();
    let [ship, port, sea] = spawn_many(&mut world);
    world.entity_mut(ship).insert(LoadedOn(port));
    world.entity_mut(port).insert(ChildOf(sea));
    world.entity_mut(sea).insert(LoadedOn(ship));

    world.qdel(port).unwrap();
    world.flush_qdel();

    let expected = [
        (port, QdelCause::Qdel),
        (ship, QdelCause::Owner(port)),
        (sea, QdelCause::Owner(ship)),
    ];
    assert_eq!(told(&world), expected);
    assert_gone_once(&world, &[ship, port, sea]);
}

#[test]
fn flush_counts_everybody_in_a_ring() {
    let mut world = stage();
    let [ship, port, sea] = spawn_many(&mut world);
    world.entity_mut(ship).insert(LoadedOn(port));
    world.entity_mut(port).insert(LoadedOn(sea));
    world.entity_mut(sea).insert(LoadedOn(ship));
    world.qdel(port).unwrap();

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 3);
    assert_eq!(world.resource::<QdelCounts>().torn_down, 3);
}

#[test]
fn entity_that_owns_itself_goes_once() {
    let mut world = stage();
    let [god, angel] = spawn_many(&mut world);
    world.entity_mut(god).insert(CreatedBy(god));
    world.entity_mut(angel).insert(CreatedBy(god));

    world.qdel(god).unwrap();
    let torn_down = world.flush_qdel();

    let expected = [(god, QdelCause::Qdel), (angel, QdelCause::Owner(god))];
    assert_eq!(told(&world), expected);
    assert_eq!(torn_down, 2);
    assert_gone_once(&world, &[god, angel]);
}

#[test]
fn owned_entity_that_owns_itself_goes_once() {
    let mut world = stage();
    let [ship, god] = spawn_many(&mut world);
    world
        .entity_mut(god)
        .insert((CreatedBy(god), ChildOf(ship)));

    world.qdel(ship).unwrap();
    let torn_down = world.flush_qdel();

    let expected = [(ship, QdelCause::Qdel), (god, QdelCause::Owner(ship))];
    assert_eq!(told(&world), expected);
    assert_eq!(torn_down, 2);
}

// The stage.

#[derive(Component)]
#[relationship(relationship_target = Crew)]
struct SailsOn(Entity);

#[derive(Component)]
#[relationship_target(relationship = SailsOn, linked_spawn)]
struct Crew(EntityHashSet);

#[derive(Component)]
#[relationship(relationship_target = Rider)]
struct Rides(Entity);

#[derive(Component)]
#[relationship_target(relationship = Rides, linked_spawn)]
struct Rider(Entity);

#[derive(Component)]
#[relationship(relationship_target = Admirers)]
struct Admires(Entity);

#[derive(Component)]
#[relationship_target(relationship = Admires)]
struct Admirers(Vec<Entity>);

#[derive(Component)]
#[relationship(relationship_target = Creatures, allow_self_referential)]
struct CreatedBy(Entity);

#[derive(Component)]
#[relationship_target(relationship = CreatedBy, linked_spawn)]
struct Creatures(Vec<Entity>);
