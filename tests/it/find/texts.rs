//! H1: it reads only, and says the same each time.
//! What people read.

use super::*;

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

// The stage.

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
