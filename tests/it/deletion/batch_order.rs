//! In a batch the order decides nothing.
//!
//! Rules Q2, Q9 and R5 of the design, for `qdel_batch`.

use std::sync::atomic::{AtomicUsize, Ordering};

use bevy_ecs::{entity::EntityHashSet, prelude::*};
use proptest::{collection::vec, prelude::*};
use qdel::{QdelBatchOutcome, QdelError, prelude::*};

use crate::stage::Guard;

/// Refuses to lose the entity that it names.
#[derive(Component, References, Default)]
struct Needs {
    #[references(deny)]
    others: Vec<Entity>,
}

/// Goes with the entity that it names.
#[derive(Component, References, Default)]
struct Follows {
    #[references(qdel)]
    others: Vec<Entity>,
}

fn stage() -> World {
    let mut world = World::new();
    world.track_references::<Needs>();
    world.track_references::<Follows>();
    world
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| world.spawn(Guard(QdelVerdict::Veto)).id())
}

/// All orders of some entities.
fn orders(entities: &[Entity]) -> Vec<Vec<Entity>> {
    if entities.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for at in 0..entities.len() {
        let mut others = entities.to_vec();
        let first = others.remove(at);
        for mut order in orders(&others) {
            order.insert(0, first);
            all.push(order);
        }
    }
    all
}

/// Asserts that of `entities`, given in any order, just those `staying` are alive afterwards.
fn assert_stay<const N: usize, const S: usize>(
    arrange: impl Fn(&mut World, [Entity; N]),
    batch: impl Fn([Entity; N]) -> Vec<Entity>,
    staying: impl Fn([Entity; N]) -> [Entity; S],
) {
    let mut probe = stage();
    let all = spawn_many::<N>(&mut probe);
    for order in orders(&batch(all)) {
        let mut world = stage();
        let entities = spawn_many::<N>(&mut world);
        assert_eq!(entities, all);
        arrange(&mut world, entities);
        world.sync_references();

        world.qdel_batch(order.iter().copied());

        let alive: Vec<_> = entities
            .into_iter()
            .filter(|entity| world.liveness(*entity) == Liveness::Alive)
            .collect();
        assert_eq!(alive, staying(entities), "{order:?} of {entities:?}");
        assert_eq!(world.check_registrations(), Ok(()));
    }
}

fn veto(world: &mut World, by: Entity, on: Entity) {
    world.register_signal(by, on, Guard::judge).unwrap();
}

fn deny(world: &mut World, by: Entity, on: Entity) {
    let mut by = world.entity_mut(by);
    by.entry::<Needs>().or_default().get_mut().others.push(on);
}

/// What goes in the same batch has no veto (Q2).
#[test]
fn guard_that_goes_too_has_no_veto_in_any_order_regression() {
    assert_stay(
        |world, [king, guard, ..]: [_; 3]| veto(world, guard, king),
        |[king, guard, other]| vec![king, guard, other],
        |_| [],
    );
}

/// One that stays for another reason keeps its veto (Q2).
#[test]
fn guard_that_stays_keeps_its_veto_in_any_order() {
    assert_stay(
        |world, [king, guard, outsider]: [_; 3]| {
            veto(world, guard, king);
            veto(world, outsider, guard);
        },
        |[king, guard, _]| vec![king, guard],
        |[king, guard, outsider]| [king, guard, outsider],
    );
}

/// A veto of one's own tree holds, also where a part of the tree is given by itself (Q2).
#[test]
fn own_tree_keeps_its_veto_in_any_order() {
    assert_stay(
        |world, [king, crown, other]: [_; 3]| {
            world.entity_mut(crown).insert(ChildOf(king));
            veto(world, king, crown);
            veto(world, crown, other);
        },
        |[king, crown, other]| vec![king, crown, other],
        |[king, crown, other]| [king, crown, other],
    );
}

/// What is owned has a veto over its owner, and goes by itself if there is no veto (Q2).
#[test]
fn what_is_owned_keeps_its_veto_over_its_owner_in_any_order() {
    assert_stay(
        |world, [king, crown]: [_; 2]| {
            world.entity_mut(crown).insert(ChildOf(king));
            veto(world, crown, king);
        },
        |[king, crown]| vec![king, crown],
        |[king, _]| [king],
    );
}

/// A ring of guards goes if all of them go, and stays if one of them stays (Q2).
#[test]
fn ring_of_guards_goes_as_a_whole() {
    let ring = |world: &mut World, [a, b, c, _]: [Entity; 4]| {
        veto(world, a, b);
        veto(world, b, c);
        veto(world, c, a);
    };
    assert_stay(ring, |[a, b, c, _]| vec![a, b, c], |[.., d]| [d]);
    assert_stay(
        |world, [a, b, c, d]: [_; 4]| {
            ring(world, [a, b, c, d]);
            veto(world, d, b);
        },
        |[a, b, c, _]| vec![a, b, c],
        |all| all,
    );
}

/// A denial by an entity that goes in the same batch is none, in any order (R5).
#[test]
fn holder_that_goes_too_denies_nothing_in_any_order() {
    assert_stay(
        |world, [a, b, c, d]: [_; 4]| {
            deny(world, a, b);
            deny(world, b, c);
            deny(world, c, a);
            deny(world, d, d);
        },
        |[a, b, c, d]| vec![a, b, c, d],
        |_| [],
    );
    assert_stay(
        |world, [a, b, c, d]: [_; 4]| {
            deny(world, a, b);
            deny(world, b, c);
            veto(world, d, a);
        },
        |[a, b, c, _]| vec![a, b, c],
        |all| all,
    );
}

/// Where an owner stays, what it owns may go by itself, and what another one owns goes with that
/// (Q2).
#[test]
fn shared_members_go_with_whoever_goes_in_any_order() {
    assert_stay(
        |world, [a, b, shared, outsider]: [_; 4]| {
            world
                .entity_mut(shared)
                .insert(Follows { others: vec![a, b] });
            veto(world, outsider, a);
        },
        |[a, b, ..]| vec![a, b],
        |[a, _, _, outsider]| [a, outsider],
    );
}

/// Each is asked about once, however often it is given and whatever it would go with (Q9).
#[test]
fn each_is_asked_about_once() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    fn count(_: &Guard, _: Received<PreQdel>) -> QdelVerdict {
        ASKED.fetch_add(1, Ordering::Relaxed);
        QdelVerdict::Allow
    }
    let mut world = stage();
    let [king, crown, guard, prince, outsider] = spawn_many(&mut world);
    world.entity_mut(crown).insert(ChildOf(king));
    for on in [king, crown, guard, prince] {
        world.register_signal(outsider, on, count).unwrap();
    }
    veto(&mut world, guard, prince);
    veto(&mut world, crown, guard);

    let batch = world.qdel_batch([crown, prince, king, guard, prince]);

    assert_eq!(batch.queued, [crown, prince, king, guard]);
    assert_eq!(batch.already_deleting, [prince]);
    assert_eq!(ASKED.load(Ordering::Relaxed), 4);
}

/// The answer says what a deletion by itself says first: a resource, then a denial, then a veto
/// (Q9).
#[test]
fn refusals_are_answered_as_by_a_deletion_of_its_own() {
    let mut world = stage();
    let [king, denied, guard] = spawn_many(&mut world);
    veto(&mut world, guard, king);
    veto(&mut world, guard, denied);
    deny(&mut world, guard, denied);
    world.sync_references();

    let batch = world.qdel_batch([king, denied]);

    assert_eq!(batch.vetoed, [king]);
    assert!(matches!(
        batch.refused[..],
        [QdelError::Denied { entity, holder, .. }] if entity == denied && holder == guard
    ));
}

/// A chain of holders of which each denies the loss of the next is looked at once, whichever comes
/// first (R5).
#[test]
fn chain_of_denials_is_linear_regression() {
    static LOOKS: AtomicUsize = AtomicUsize::new(0);
    #[derive(Component)]
    struct Counts(Entity);
    impl References for Counts {
        const CASCADES: bool = true;

        fn visit_references<V: qdel::reference::ReferenceVisitor>(
            &self,
            _: qdel::reference::OnLoss,
            visitor: &mut V,
        ) {
            LOOKS.fetch_add(1, Ordering::Relaxed);
            visitor.reference(self.0, qdel::reference::OnLoss::Deny);
        }

        fn release_references(
            &mut self,
            _: qdel::reference::OnLoss,
            _: &mut dyn FnMut(Entity) -> bool,
        ) -> qdel::reference::AfterRelease {
            qdel::reference::AfterRelease::Valid
        }
    }
    let looks = |links: usize, is_outsider: bool| {
        let mut world = World::new();
        world.track_references::<Counts>();
        let mut chain = vec![world.spawn_empty().id()];
        for at in 0..links {
            let next = world.spawn(Counts(chain[at])).id();
            chain.push(next);
        }
        let last = if is_outsider { chain.pop() } else { None };
        let roots = chain.clone();
        world.sync_references();
        LOOKS.store(0, Ordering::Relaxed);
        let batch = world.qdel_batch(roots.iter().copied());
        let goes = if last.is_some() { 0 } else { roots.len() };
        assert_eq!(batch.queued.len(), goes);
        LOOKS.load(Ordering::Relaxed)
    };
    for is_outsider in [false, true] {
        let few = looks(100, is_outsider);
        let many = looks(400, is_outsider);
        assert!(many <= few * 4 + 16, "{few} looks at 100, {many} at 400");
    }
}

proptest! {
    /// As a naive judge says who tries all there is until nothing changes, in any order (Q2, R5).
    #[test]
    fn batch_deletes_whom_a_naive_judge_lets_go(
        owners in vec((0usize..10, 0usize..10), 0..7),
        vetoes in vec((0usize..12, 0usize..10), 0..8),
        denials in vec((0usize..12, 0usize..10), 0..8),
        follows in vec((0usize..10, 0usize..10), 0..4),
        roots in vec(0usize..10, 1..8),
        seed in 0usize..1000,
    ) {
        let mut answers = Vec::new();
        for turn in 0..2 {
            let mut world = stage();
            let all = spawn_many::<12>(&mut world);
            let mut takes = vec![Vec::new(); 12];
            for &(owned, owner) in &owners {
                // A second owner would take the place of the first.
                if owned > owner && world.get::<ChildOf>(all[owned]).is_none() {
                    world.entity_mut(all[owned]).insert(ChildOf(all[owner]));
                    takes[owner].push(owned);
                }
            }
            for &(follower, leader) in &follows {
                let mut at = world.entity_mut(all[follower]);
                at.entry::<Follows>().or_default().get_mut().others.push(all[leader]);
                takes[leader].push(follower);
            }
            let mut objections = Vec::new();
            for &(by, on) in &vetoes {
                if world.register_signal(all[by], all[on], Guard::judge).is_ok() {
                    objections.push((by, on, true));
                }
            }
            for &(by, on) in &denials {
                deny(&mut world, all[by], all[on]);
                objections.push((by, on, false));
            }
            world.sync_references();
            let mut roots = roots.clone();
            if turn == 1 {
                roots.reverse();
                let middle = seed % roots.len();
                roots.rotate_left(middle);
            }

            let batch = world.qdel_batch(roots.iter().map(|root| all[*root]));

            let gone: Vec<_> = (0..12).filter(|at| world.liveness(all[*at]) != Liveness::Alive).collect();
            prop_assert_eq!(&gone, &naive(&takes, &objections, &roots));
            prop_assert_eq!(told(&batch), roots.len());
            answers.push(gone);
        }
        prop_assert_eq!(&answers[0], &answers[1]);
    }
}

/// Returns how many entities stand in the lists.
fn told(batch: &QdelBatchOutcome) -> usize {
    batch.queued.len()
        + batch.kept.len()
        + batch.vetoed.len()
        + batch.already_deleting.len()
        + batch.refused.len()
}

/// Returns all that `root` takes along, and itself.
fn tree(takes: &[Vec<usize>], root: usize) -> Vec<usize> {
    let mut tree = vec![root];
    let mut next = 0;
    while next < tree.len() {
        for &taken in &takes[tree[next]] {
            if !tree.contains(&taken) {
                tree.push(taken);
            }
        }
        next += 1;
    }
    tree
}

/// Who goes, by the words of the rule: a root stays that is vetoed by its own tree, or refused by
/// an entity that stays.
fn naive(takes: &[Vec<usize>], objections: &[(usize, usize, bool)], roots: &[usize]) -> Vec<usize> {
    let mut going = roots.to_vec();
    loop {
        let goes: Vec<_> = going.iter().flat_map(|root| tree(takes, *root)).collect();
        let before = going.len();
        going.retain(|root| {
            let own = tree(takes, *root);
            !objections.iter().any(|&(by, on, is_veto)| {
                own.contains(&on) && (is_veto && own.contains(&by) || !goes.contains(&by))
            })
        });
        if going.len() == before {
            let mut gone: Vec<_> = going.iter().flat_map(|root| tree(takes, *root)).collect();
            gone.sort_unstable();
            gone.dedup();
            return gone;
        }
    }
}

/// No entity is left that is told twice or not at all.
#[test]
fn members_are_marked_once() {
    let mut world = stage();
    let [a, b, shared] = spawn_many(&mut world);
    world
        .entity_mut(shared)
        .insert(Follows { others: vec![a, b] });
    world.sync_references();

    world.qdel_batch([a, shared, b]);

    let mut waiting = EntityHashSet::default();
    waiting.extend([a, b, shared]);
    assert_eq!(world.flush_qdel(), waiting.len());
}
