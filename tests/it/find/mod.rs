//! Who still holds an entity: places, chains to roots, blind spots, and the two ways to show them.
//!
//! Rule H1 of the design. In texts, ids are replaced by the part that their entity plays.

use std::collections::BTreeMap;

use bevy_ecs::{
    change_detection::DetectChanges, entity_disabling::Disabled, name::Name, prelude::*,
};
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, prelude::*};
use qdel::{
    Blindness, FindReferencesExt, Policy, ReferenceKind, ReferenceReport, ReferenceRoot,
    SEARCH_DEPTH, prelude::*,
};

#[derive(Component, Default, References)]
#[cfg_attr(
    feature = "bevy_reflect",
    derive(bevy_reflect::Reflect),
    reflect(Component)
)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    #[entities]
    friends: Vec<Entity>,
    #[entities]
    squads: Vec<Vec<Entity>>,
    /// Nobody clears it, but reflection sees it.
    #[references(ignore)]
    #[cfg_attr(
        not(feature = "bevy_reflect"),
        expect(dead_code, reason = "only reflection reads it")
    )]
    last_seen: Option<Entity>,
}

/// Never reflected.
#[derive(Component, References)]
enum Errand {
    Fetch {
        #[entities]
        item: Option<Entity>,
    },
    Guard(
        #[references(remove)] Entity,
        #[references] BTreeMap<Entity, u32>,
    ),
}

/// Neither tracked nor reflected.
#[derive(Component)]
struct Secret {
    _accomplice: Entity,
}

#[derive(Component)]
struct Flag;

// H1: declared references.

#[test]
fn target_that_nobody_names_has_no_holders() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.entity_mut(orc).insert(Mob::default());

    let report = world.find_references(goblin);

    assert_eq!(report.holders, []);
    assert_eq!(report.to_string(), format!("{goblin} is named nowhere"));
}

#[test]
fn every_declared_place_is_found_with_its_path() {
    let mut world = stage();
    let [goblin, orc, mob] = spawn_many(&mut world);
    world.entity_mut(mob).insert(Mob {
        target: Some(goblin),
        friends: vec![orc, orc, goblin],
        squads: vec![vec![], vec![orc, goblin]],
        ..Mob::default()
    });

    let report = world.find_references(goblin);

    let expected = ["Mob.target", "Mob.friends[2]", "Mob.squads[1][1]"];
    assert_eq!(places(&report), expected.map(|path| (mob, path.to_owned())));
    assert_eq!(kinds(&report), [ReferenceKind::Declared(Policy::Clear); 3]);
}

#[test]
fn self_reference_is_found() {
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    world.entity_mut(goblin).insert(chasing(goblin));

    let report = world.find_references(goblin);

    assert_eq!(places(&report), [(goblin, "Mob.target".to_owned())]);
}

#[test]
fn variants_of_an_enum_are_part_of_the_path() {
    let mut world = stage();
    let [goblin, fetcher, guard] = spawn_many(&mut world);
    let item = Some(goblin);
    world.entity_mut(fetcher).insert(Errand::Fetch { item });
    let keys = BTreeMap::from([(goblin, 7)]);
    world.entity_mut(guard).insert(Errand::Guard(goblin, keys));

    let report = world.find_references(goblin);

    let expected = [
        (fetcher, "Errand::Fetch.item".to_owned()),
        (guard, "Errand::Guard.0".to_owned()),
        (guard, "Errand::Guard.1[key 0]".to_owned()),
    ];
    assert_eq!(places(&report), expected);
    let policies = [Policy::Clear, Policy::Remove, Policy::Clear];
    assert_eq!(kinds(&report), policies.map(ReferenceKind::Declared));
}

#[test]
fn written_field_is_found_before_the_next_sync() {
    let mut world = stage();
    let [goblin, mob] = spawn_many(&mut world);
    world.entity_mut(mob).insert(Mob::default());
    world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);

    let report = world.find_references(goblin);

    assert_eq!(places(&report), [(mob, "Mob.target".to_owned())]);
}

// H1: whatever state the target and its holders are in.

#[test]
fn target_that_is_gone_is_still_found() {
    let mut world = stage();
    let [goblin, mob] = spawn_many(&mut world);
    world.entity_mut(mob).insert(Mob::default());
    world.despawn(goblin);
    world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);

    let report = world.find_references(goblin);

    assert_eq!(report.target.liveness, Liveness::Gone);
    assert_eq!(places(&report), [(mob, "Mob.target".to_owned())]);
}

#[test]
fn new_tenant_of_an_index_is_somebody_else() {
    let mut world = stage();
    let [goblin, mob] = spawn_many(&mut world);
    world.entity_mut(mob).insert(chasing(goblin));
    let tenant =
        Entity::from_index_and_generation(goblin.index(), goblin.generation().after_versions(1));

    let report = world.find_references(tenant);

    assert_eq!(report.holders, []);
}

#[test]
fn target_that_is_being_deleted_says_so() {
    let mut world = stage();
    let [goblin, mob] = spawn_many(&mut world);
    world.qdel(goblin).unwrap();
    world.entity_mut(mob).insert(Mob::default());
    world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);

    let report = world.find_references(goblin);

    assert_eq!(report.target.liveness, Liveness::Deleting);
    assert_eq!(places(&report), [(mob, "Mob.target".to_owned())]);
}

#[test]
fn hidden_holders_are_found() {
    let mut world = stage();
    let [goblin, hidden] = spawn_many(&mut world);
    world.entity_mut(hidden).insert((chasing(goblin), Disabled));

    let report = world.find_references(goblin);

    assert_eq!(places(&report), [(hidden, "Mob.target".to_owned())]);
}

#[test]
fn holder_that_is_being_deleted_is_found_and_says_so() {
    let mut world = stage();
    let [goblin, dying] = spawn_many(&mut world);
    world.entity_mut(dying).insert(chasing(goblin));
    world.qdel(dying).unwrap();

    let report = world.find_references(goblin);

    assert_eq!(places(&report), [(dying, "Mob.target".to_owned())]);
    assert_eq!(report.holders[0].label.liveness, Liveness::Deleting);
}

#[test]
fn holders_come_by_index() {
    let mut world = stage();
    let crowd: [Entity; 6] = spawn_many(&mut world);
    for at in [4, 1, 5, 2] {
        world.entity_mut(crowd[at]).insert(chasing(crowd[0]));
    }
    world.entity_mut(crowd[2]).insert(Flag);

    let report = world.find_references(crowd[0]);

    let holders: Vec<_> = report.holders.iter().map(|at| at.label.entity).collect();
    assert_eq!(holders, [1, 2, 4, 5].map(|at| crowd[at]));
}

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
    assert_eq!(kinds(&of_hull), [ReferenceKind::Kept]);
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
        true => Blindness::NotRegistered,
        false => Blindness::WithoutReflection,
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

// H1: chains to roots.

#[test]
fn holder_that_is_a_root_needs_no_chain() {
    let mut world = stage();
    let [goblin, player] = spawn_many(&mut world);
    world
        .entity_mut(player)
        .insert((chasing(goblin), ReferenceRoot));

    let report = world.find_references(goblin);

    assert_eq!(report.holders[0].chain.as_deref(), Some(&[][..]));
}

#[test]
fn holder_that_no_root_leads_to_has_no_chain() {
    let mut world = stage();
    let [goblin, mob, player] = spawn_many(&mut world);
    world.entity_mut(mob).insert(chasing(goblin));
    world.entity_mut(player).insert(ReferenceRoot);

    let report = world.find_references(goblin);

    assert_eq!(report.holders[0].chain, None);
}

#[test]
fn chain_is_the_shortest_and_then_the_one_through_the_lowest_ids() {
    let mut world = stage();
    let [goblin, mob, far, near, later, player, other] = spawn_many(&mut world);
    world.entity_mut(mob).insert(chasing(goblin));
    world.entity_mut(far).insert(chasing(near));
    for holder in [near, later] {
        world.entity_mut(holder).insert(chasing(mob));
    }
    for root in [player, other] {
        let friends = vec![far, later, near];
        let befriended = Mob {
            friends,
            ..Mob::default()
        };
        world.entity_mut(root).insert((befriended, ReferenceRoot));
    }

    let report = world.find_references(goblin);

    let expected = [(player, "Mob.friends[2]"), (near, "Mob.target")];
    assert_eq!(chain(&report, 0), named(expected));
}

#[test]
fn rings_do_not_keep_a_chain_from_its_end() {
    let mut world = stage();
    let [goblin, one, two, three, player] = spawn_many(&mut world);
    for (holder, named) in [(one, two), (two, three), (player, one)] {
        world.entity_mut(holder).insert(chasing(named));
    }
    let friends = vec![goblin, one];
    world.entity_mut(three).insert(Mob {
        friends,
        ..Mob::default()
    });
    world.entity_mut(player).insert(ReferenceRoot);

    let report = world.find_references(goblin);

    let expected = [
        (player, "Mob.target"),
        (one, "Mob.target"),
        (two, "Mob.target"),
    ];
    assert_eq!(chain(&report, 0), named(expected));
}

#[test]
fn ring_without_a_root_ends_the_search() {
    let mut world = stage();
    let [goblin, one, two, player] = spawn_many(&mut world);
    let friends = vec![two, goblin];
    world.entity_mut(one).insert(Mob {
        friends,
        ..Mob::default()
    });
    world.entity_mut(two).insert(chasing(one));
    world
        .entity_mut(player)
        .insert((chasing(player), ReferenceRoot));

    let report = world.find_references(goblin);

    assert_eq!(report.holders[0].chain, None);
}

#[test]
fn chains_do_not_lead_by_way_of_the_target() {
    let mut world = stage();
    let [goblin, pet, player] = spawn_many(&mut world);
    world.entity_mut(goblin).insert(chasing(pet));
    world.entity_mut(pet).insert(chasing(goblin));
    world
        .entity_mut(player)
        .insert((chasing(goblin), ReferenceRoot));

    let report = world.find_references(goblin);

    let holders: Vec<_> = report.holders.iter().map(|at| at.label.entity).collect();
    assert_eq!(holders, [pet, player]);
    assert_eq!(report.holders[0].chain, None);
}

#[test]
fn target_that_names_itself_is_reached_by_a_root() {
    let mut world = stage();
    let [goblin, player] = spawn_many(&mut world);
    world.entity_mut(goblin).insert(chasing(goblin));
    world
        .entity_mut(player)
        .insert((chasing(goblin), ReferenceRoot));

    let report = world.find_references(goblin);

    assert_eq!(chain(&report, 0), named([(player, "Mob.target")]));
}

#[test]
fn chain_has_a_longest_length() {
    let mut world = stage();
    let [goblin, player] = spawn_many(&mut world);
    world
        .entity_mut(player)
        .insert((chasing(goblin), ReferenceRoot));
    let mut last = player;
    for _ in 0..=SEARCH_DEPTH {
        let next = world.spawn(chasing(goblin)).id();
        world.get_mut::<Mob>(last).unwrap().friends.push(next);
        last = next;
    }

    let report = world.find_references(goblin);

    let holders = report.holders.iter();
    let lengths = holders.map(|holder| holder.chain.as_ref().map(Vec::len));
    let lengths: Vec<_> = lengths.collect();
    let expected: Vec<_> = (0..=SEARCH_DEPTH).map(Some).chain([None]).collect();
    assert_eq!(lengths, expected);
}

// H1: it reads only, and says the same each time.

#[test]
fn search_marks_nothing_as_changed() {
    let mut world = stage();
    let [goblin, mob, player] = spawn_many(&mut world);
    world.entity_mut(mob).insert(chasing(goblin));
    world
        .entity_mut(player)
        .insert((chasing(mob), ReferenceRoot));
    world.clear_trackers();

    let report = world.find_references(goblin);

    assert_eq!(report.holders.len(), 1);
    let is_changed = [mob, player].map(|at| {
        let mob = world.entity(at).get_ref::<Mob>().unwrap();
        mob.is_changed()
    });
    assert_eq!(is_changed, [false; 2]);
}

#[test]
fn second_search_says_the_same() {
    let mut world = stage();
    let [goblin, mob, thief] = spawn_many(&mut world);
    world
        .entity_mut(mob)
        .insert((chasing(goblin), ReferenceRoot));
    world
        .entity_mut(thief)
        .insert((chasing(goblin), Secret { _accomplice: mob }));
    world.add_observer(|_: On<Qdeleting>| {});

    let [one, other] = [(), ()].map(|()| world.find_references(goblin));

    assert_eq!(one, other);
    assert_eq!(one.to_string(), other.to_string());
    assert_eq!(one.to_dot(), other.to_dot());
}

#[test]
fn order_of_tracking_and_inserting_does_not_show() {
    let mut forwards = World::new();
    forwards
        .track_references::<Mob>()
        .track_references::<Errand>();
    let mut backwards = World::new();
    backwards
        .track_references::<Errand>()
        .track_references::<Mob>();
    let guard = |entity| Errand::Guard(entity, BTreeMap::new());
    let crowds = [&mut forwards, &mut backwards].map(|world| {
        // The resources of the two worlds have taken the same ids.
        let crowd: [Entity; 4] = spawn_many(world);
        crowd
    });
    assert_eq!(crowds[0], crowds[1]);
    let [goblin, one, two, root] = crowds[0];

    forwards.entity_mut(one).insert(chasing(goblin));
    forwards.entity_mut(one).insert(guard(goblin));
    forwards.entity_mut(two).insert(chasing(goblin));
    forwards
        .entity_mut(root)
        .insert((chasing(two), ReferenceRoot));
    backwards
        .entity_mut(root)
        .insert((ReferenceRoot, chasing(two)));
    backwards.entity_mut(two).insert(chasing(goblin));
    backwards.entity_mut(one).insert(guard(goblin));
    backwards.entity_mut(one).insert(chasing(goblin));

    let [forwards, backwards] = [forwards, backwards].map(|world| world.find_references(goblin));
    assert_eq!(forwards.holders, backwards.holders);
    assert_eq!(forwards.to_dot(), backwards.to_dot());
}

// What people read.

#[test]
fn rich_reports_read_well() {
    let mut world = stage();
    let [goblin, archer, captain, king, loner, herald] = spawn_many(&mut world);
    world.entity_mut(goblin).insert(Name::new("goblin"));
    world.entity_mut(archer).insert(Name::new("archer"));
    world.entity_mut(captain).insert(Name::new("captain"));
    let friends = vec![captain, goblin];
    world.entity_mut(archer).insert(Mob {
        friends,
        ..chasing(goblin)
    });
    world.entity_mut(captain).insert(chasing(archer));
    world
        .entity_mut(king)
        .insert((chasing(captain), ReferenceRoot));
    world
        .entity_mut(loner)
        .insert(Errand::Guard(goblin, BTreeMap::new()));
    world.entity_mut(loner).insert(Secret {
        _accomplice: goblin,
    });
    world.entity_mut(herald).insert(Flag);
    world.register_signal(herald, goblin, hear).unwrap();

    let report = world.find_references(goblin);

    let roles = [
        (goblin, "[goblin]"),
        (archer, "[archer]"),
        (captain, "[captain]"),
        (king, "[king]"),
        (loner, "[loner]"),
        (herald, "[herald]"),
    ];
    with_settings!({ filters => pairs(&filters(&roles)), omit_expression => true }, {
        assert_snapshot!(feature_name("rich_report"), report);
        assert_snapshot!("rich_report_dot", report.to_dot());
    });
}

#[test]
fn poor_reports_read_well() {
    let mut world = stage();
    let [gone, dying, mob] = spawn_many(&mut world);
    world.entity_mut(mob).insert(Mob::default());
    world.despawn(gone);
    world.qdel(dying).unwrap();
    world.get_mut::<Mob>(mob).unwrap().friends = vec![gone, dying];
    let of_gone = world.find_references(gone);
    let of_dying = world.find_references(dying);
    world.qdel(mob).unwrap();
    let by_dying = world.find_references(mob);

    let report = [of_gone, of_dying, by_dying].map(|report| report.to_string());

    let roles = [(gone, "[gone]"), (dying, "[dying]"), (mob, "[mob]")];
    with_settings!({ filters => pairs(&filters(&roles)), omit_expression => true }, {
        assert_snapshot!("poor_reports", report.join("\n\n"));
    });
}

#[test]
fn names_cannot_break_out_of_a_line_or_of_the_graph() {
    const NAMES: [&str; 6] = [
        r#"say "hi""#,
        r"back\slash\",
        "two\nlines\r\t",
        "<b>bold</b>",
        r#"\"]; evil [label=""#,
        "{a|b} → ü",
    ];
    let mut world = stage();
    let [goblin] = spawn_many(&mut world);
    let holders = NAMES.map(|name| world.spawn((Name::new(name), chasing(goblin))).id());

    let report = world.find_references(goblin);

    let dot = report.to_dot();
    let labels: Vec<_> = dot.lines().filter_map(node_label).collect();
    let shown = |name: &str| {
        name.replace('\n', r"\n")
            .replace('\r', r"\r")
            .replace('\t', r"\t")
    };
    let names = NAMES.iter().zip(holders);
    let names = names.map(|(name, holder)| format!("{}#{holder}", shown(name)));
    let expected: Vec<_> = [goblin.to_string()].into_iter().chain(names).collect();
    assert_eq!(labels, expected);
    let lines = report.to_string().lines().count();
    assert_eq!(lines, 1 + 2 * NAMES.len());
}

// H1: compared with a naive model.

const CROWD: usize = 7;

/// A mob of the model: whom it names, by their place in the crowd.
type Named = (Option<usize>, Vec<usize>, Option<usize>, Vec<usize>);

fn mob() -> impl Strategy<Value = Named> {
    let anybody = 0..CROWD;
    (
        prop::option::of(anybody.clone()),
        vec(anybody.clone(), 0..3),
        prop::option::of(anybody.clone()),
        vec(anybody, 0..2),
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn search_finds_what_a_naive_model_knows(
        mobs in vec(mob(), CROWD),
        roots in vec(any::<bool>(), CROWD),
        hidden in vec(any::<bool>(), CROWD),
    ) {
        let mut world = stage();
        let crowd: [Entity; CROWD] = spawn_many(&mut world);
        let mut edges = Vec::new();
        for (at, (target, friends, last_seen, fetched)) in mobs.iter().enumerate() {
            let entity_at = |at: &usize| crowd[*at];
            let mut entity = world.entity_mut(crowd[at]);
            if let Some(item) = fetched.first() {
                let item = Some(crowd[*item]);
                edges.push((at, fetched[0], "Errand::Fetch.item".to_owned()));
                entity.insert(Errand::Fetch { item });
            }
            entity.insert(Mob {
                target: target.as_ref().map(entity_at),
                friends: friends.iter().map(entity_at).collect(),
                last_seen: last_seen.as_ref().map(entity_at),
                squads: Vec::new(),
            });
            edges.extend(target.map(|named| (at, named, "Mob.target".to_owned())));
            for (index, named) in friends.iter().enumerate() {
                edges.push((at, *named, format!("Mob.friends[{index}]")));
            }
            if cfg!(feature = "bevy_reflect") {
                edges.extend(last_seen.map(|named| (at, named, "Mob.last_seen".to_owned())));
            }
            if roots[at] {
                entity.insert(ReferenceRoot);
            }
            if hidden[at] {
                entity.insert(Disabled);
            }
        }

        for (target, &entity) in crowd.iter().enumerate() {
            let report = world.find_references(entity);

            let expected: Vec<_> = edges
                .iter()
                .filter(|(_, named, _)| *named == target)
                .map(|(holder, _, path)| (crowd[*holder], path.clone()))
                .collect();
            prop_assert_eq!(places(&report), expected);
            for holder in &report.holders {
                let at = crowd.iter().position(|at| *at == holder.label.entity).unwrap();
                let way = holder.chain.as_ref().map(|chain| {
                    let way = chain.iter().map(|link| link.label.entity);
                    way.map(|link| crowd.iter().position(|at| *at == link).unwrap()).collect()
                });
                prop_assert_eq!(way, naive_way(&edges, &roots, target, at));
            }
        }
    }
}

/// Returns the least of the shortest ways from a root to `holder`, by trying all.
fn naive_way(
    edges: &[(usize, usize, String)],
    roots: &[bool],
    target: usize,
    holder: usize,
) -> Option<Vec<usize>> {
    let roots = (0..CROWD).filter(|at| roots[*at]);
    let mut ways: Vec<Vec<usize>> = roots.map(|root| vec![root]).collect();
    for _ in 0..=CROWD {
        let there = ways.iter().filter(|way| way.last() == Some(&holder));
        if let Some(least) = there.min() {
            return Some(least[..least.len() - 1].to_vec());
        }
        let mut longer = Vec::new();
        for way in ways.iter().filter(|way| way.last() != Some(&target)) {
            for (_, named, _) in edges.iter().filter(|edge| way.last() == Some(&edge.0)) {
                if !way.contains(named) {
                    longer.push(way.iter().copied().chain([*named]).collect());
                }
            }
        }
        longer.sort();
        longer.dedup();
        ways = longer;
    }
    None
}

#[cfg(feature = "bevy_reflect")]
mod reflected;

impl Destroy for Mob {
    type Param = ();

    fn destroy(&mut self, _: Destroying<()>) -> Hint {
        Hint::Queue
    }
}

fn hear(_: &mut Flag, _: Received<Qdeleting>) {}

fn stage() -> World {
    let mut world = World::new();
    world.track_references::<Mob>();
    world.track_references::<Errand>();
    #[cfg(feature = "bevy_reflect")]
    {
        world.init_resource::<AppTypeRegistry>();
        let registry = world.resource::<AppTypeRegistry>();
        registry.write().register::<Mob>();
    }
    world
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| world.spawn_empty().id())
}

fn chasing(target: Entity) -> Mob {
    Mob {
        target: Some(target),
        ..Mob::default()
    }
}

/// Returns all places, each with its holder.
fn places(report: &ReferenceReport) -> Vec<(Entity, String)> {
    let holders = report.holders.iter();
    let places = holders.flat_map(|holder| {
        let places = holder.places.iter();
        places.map(|place| (holder.label.entity, place.to_string()))
    });
    places.collect()
}

fn kinds(report: &ReferenceReport) -> Vec<ReferenceKind> {
    let places = report.holders.iter().flat_map(|holder| &holder.places);
    places.map(|place| place.kind).collect()
}

/// Returns the links of the chain to a holder.
fn chain(report: &ReferenceReport, holder: usize) -> Vec<(Entity, String)> {
    let chain = report.holders[holder].chain.as_ref().unwrap().iter();
    chain
        .map(|link| (link.label.entity, link.place.to_string()))
        .collect()
}

fn named<const N: usize>(links: [(Entity, &str); N]) -> [(Entity, String); N] {
    links.map(|(entity, place)| (entity, place.to_owned()))
}

/// Returns the label in a line that defines a node, as Graphviz reads it.
fn node_label(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("\" [label=\"")?;
    if line.contains("\" -> \"") {
        return None;
    }
    let mut label = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '\\' => label.push(chars.next()?),
            '"' => break,
            char => label.push(char),
        }
    }
    chars.as_str().ends_with("];").then_some(label)
}

/// What a report with blind spots is called: its reasons depend on the features.
fn feature_name(name: &str) -> String {
    match cfg!(feature = "bevy_reflect") {
        true => format!("{name}_reflected"),
        false => name.to_owned(),
    }
}

/// Replaces ids by roles, and the numbers of components, which nobody can foresee.
fn filters(roles: &[(Entity, &'static str)]) -> Vec<(String, &'static str)> {
    let mut filters: Vec<_> = roles
        .iter()
        .map(|(entity, role)| (format!(r"\b{entity}\b"), *role))
        .collect();
    filters.push((r"\b\d+v\d+\b".to_owned(), "[another entity]"));
    filters.push((r"\bcomponent \d+\b".to_owned(), "component [number]"));
    filters
}

fn pairs<'a>(filters: &'a [(String, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let filters = filters.iter();
    filters.map(|(id, role)| (id.as_str(), *role)).collect()
}
