//! Q3: any hints in any forest.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_the_hints_everybody_is_told_once_and_meets_its_fate(
        owners in vec(0..8_usize, 8),
        others in vec(0..8_usize, 8),
        hints in vec(0..7_usize, 8),
        root in 0..8_usize,
        force in any::<bool>(),
    ) {
        let mut world = stage();
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let hints: Vec<_> = hints.iter().map(|at| FROM_THE_WEAKEST[*at].0).collect();
        let all: Vec<_> = names
            .iter()
            .zip(&hints)
            .map(|(name, hint)| spawn(&mut world, name, *hint))
            .collect();
        // An owner stands before what it owns, but for those who have none.
        for at in 0..8 {
            if owners[at] < at {
                world.entity_mut(all[at]).insert(ChildOf(all[owners[at]]));
            }
            if others[at] < at {
                world.entity_mut(all[at]).insert(HeldBy(all[others[at]]));
            }
        }
        let expected = expected_fates(&owners, &others, &hints, root, force);
        let before = registrations(&world, &all);

        if force {
            world.force_qdel(all[root]).unwrap();
        } else {
            world.qdel(all[root]).unwrap();
        }
        world.flush_qdel();

        let happened = order(&world);
        for at in 0..8 {
            let count = |what: &str| {
                let line = format!("{what} {}", names[at]);
                happened.iter().filter(|at| **at == line).count()
            };
            let (fate, is_destroyed) = expected[at];
            let state = world.liveness(all[at]);
            let is_told = fate.is_some();
            let state_expected = match fate {
                None | Some(Fate::Lives) => Liveness::Alive,
                Some(Fate::StaysMarked) => Liveness::Deleting,
                Some(_) => Liveness::Gone,
            };
            prop_assert_eq!(state, state_expected, "{}: {:?}", names[at], happened);
            prop_assert_eq!(count("told"), usize::from(is_told));
            prop_assert_eq!(count("destroyed"), usize::from(is_destroyed));
            prop_assert_eq!(count("gone"), usize::from(state == Liveness::Gone));
            if state == Liveness::Alive {
                let [on, of] = [world.registrations_on(all[at]), world.registrations_of(all[at])];
                prop_assert_eq!([&on, &of], [&before[2 * at], &before[2 * at + 1]]);
            }
        }
        world.check_registrations().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whoever_is_kept_listens_and_is_listened_to_as_before(
        owners in vec(0..8_usize, 8),
        hints in vec(0..7_usize, 8),
        links in vec((0..8_usize, 0..8_usize, any::<bool>()), 0..24),
        roots in vec(0..8_usize, 1..3),
    ) {
        let mut world = stage();
        let hints = hints.iter().map(|at| FROM_THE_WEAKEST[*at].0);
        let all: Vec<_> = hints.map(|hint| spawn(&mut world, "somebody", hint)).collect();
        for at in 0..8 {
            world.entity_mut(all[at]).insert((Ear::<0>, Ear::<1>));
            if owners[at] < at {
                world.entity_mut(all[at]).insert(ChildOf(all[owners[at]]));
            }
        }
        for (listener, target, is_fields) in links {
            let (listener, target) = (all[listener], all[target]);
            // A second one of the same kind is refused.
            let _ = if is_fields {
                world.register_signal(listener, target, hear_loudly::<1>)
            } else {
                world.register_signal(listener, target, hear::<0>)
            };
        }
        let mut expected = registrations(&world, &all);

        world.qdel_batch(roots.iter().map(|at| all[*at]));
        world.flush_qdel();

        let is_in_force = |registration: &Registration| {
            world.liveness(registration.target) == Liveness::Alive
                && world.liveness(registration.listener) == Liveness::Alive
        };
        expected.iter_mut().for_each(|list| list.retain(is_in_force));
        prop_assert_eq!(registrations(&world, &all), expected);
        world.check_registrations().unwrap();
    }
}

/// Says for each what becomes of it, if it is deleted at all, and whether it is destroyed.
fn expected_fates(
    owners: &[usize],
    others: &[usize],
    hints: &[DestroyHint],
    root: usize,
    force: bool,
) -> Vec<(Option<Fate>, bool)> {
    let mut fates: Vec<(Option<Fate>, bool)> = Vec::new();
    for at in 0..hints.len() {
        let owners = [owners[at], others[at]];
        let mut owners = owners.iter().filter(|owner| **owner < at);
        let owner_fates: Vec<_> = owners
            .by_ref()
            .filter_map(|owner| fates[*owner].0)
            .collect();
        let goes_with = owner_fates.iter().any(|fate| *fate != Fate::Lives);
        let fate = if at != root && owner_fates.is_empty() {
            (None, false)
        } else if at != root && !goes_with {
            (Some(Fate::Lives), false)
        } else {
            let hint = match hints[at] {
                DestroyHint::LetMeLive if force => DestroyHint::Queue,
                hint => hint,
            };
            let by_hint = FROM_THE_WEAKEST.iter().find(|(known, _)| *known == hint);
            (by_hint.map(|(_, fate)| *fate), true)
        };
        fates.push(fate);
    }
    fates
}
