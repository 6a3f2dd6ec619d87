//! H1: compared with a naive model.

use super::*;

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
