//! Against a model.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Forests with two relationships, in which some take others with them by their handlers.
    #[test]
    fn everybody_goes_exactly_once_in_any_forest(
        last_wills in vec((0..CROWD, 0..CROWD), 0..6),
        deeds in vec(deed(), 1..30),
        immediate in any::<bool>(),
    ) {
        let mut model = Model::new(&last_wills);
        let mut world = stage();
        if immediate {
            world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        }
        let crowd: [Entity; CROWD] = spawn_many(&mut world);
        for &(dies, follows) in &last_wills {
            let mut dying = world.get_mut::<Item>(crowd[dies]).unwrap();
            dying.takes_along.push(crowd[follows]);
        }

        for deed in deeds {
            model.apply(deed);
            if immediate {
                model.flush();
            }
            apply(&mut world, &crowd, deed);
            world.check_registrations().unwrap();

            let states = crowd.map(|entity| world.liveness(entity));
            prop_assert_eq!(&states, &model.states, "after {:?}", deed);
            for (number, entity) in crowd.into_iter().enumerate() {
                let times_told = told(&world).iter().filter(|(at, _)| *at == entity).count();
                let times_gone = gone(&world).iter().filter(|at| **at == entity).count();
                let is_told = model.states[number] != Liveness::Alive;
                let is_gone = model.states[number] == Liveness::Gone;
                prop_assert_eq!(times_told, usize::from(is_told), "{} after {:?}", number, deed);
                prop_assert_eq!(times_gone, usize::from(is_gone), "{} after {:?}", number, deed);
            }
            let observed = &world.resource::<Story>().observed;
            let once: EntityHashSet = observed.iter().copied().collect();
            prop_assert_eq!(observed.len(), once.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 4 * ProptestConfig::default().cases,
        ..ProptestConfig::default()
    })]

    /// No model here: deletions, despawns, flushes and changes of owners from inside of handlers,
    /// observers and hooks, and what must hold when the dust has settled.
    #[test]
    fn nobody_is_left_behind_whatever_handlers_do(
        wills in vec((moment(), 0..CROWD, deed()), 0..12),
        deeds in vec(deed(), 1..20),
        immediate in any::<bool>(),
    ) {
        let mut world = stage();
        if immediate {
            world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
        }
        let crowd: [Entity; CROWD] = spawn_many(&mut world);
        world.insert_resource(Wills { crowd, wills });
        world.add_observer(|told: On<Qdeleting>, world: DeferredWorld| {
            execute_will(world, Moment::Observed, told.entity);
        });
        world.add_observer(|gone: On<Despawn<Item>>, world: DeferredWorld| {
            execute_will(world, Moment::TornDown, gone.entity);
        });

        for deed in deeds {
            apply(&mut world, &crowd, deed);
            world.check_registrations().unwrap();
        }
        // Each will is executed once, so that many flushes settle everything.
        for _ in 0..20 {
            world.flush_qdel();
        }

        for (number, entity) in crowd.into_iter().enumerate() {
            let count = |entities: &[Entity]| entities.iter().filter(|at| **at == entity).count();
            let story = world.resource::<Story>();
            let told: Vec<_> = story.told.iter().map(|(entity, _)| *entity).collect();
            let state = world.liveness(entity);
            prop_assert_ne!(state, Liveness::Deleting, "{} is left behind", number);
            let expected = usize::from(state == Liveness::Gone);
            prop_assert_eq!(count(&told), expected, "{} was told", number);
            prop_assert_eq!(count(&story.gone), expected, "{} went", number);
            prop_assert!(count(&story.observed) <= expected, "{} was observed", number);
        }
        world.check_registrations().unwrap();
        let alive = crowd.iter().filter(|at| world.liveness(**at) == Liveness::Alive).count();
        prop_assert_eq!(world.signal_footprint().registrations, alive);
    }
}

/// Who must be in which state, worked out without any order.
struct Model {
    states: [Liveness; CROWD],
    owners: [[Option<usize>; 2]; CROWD],
    last_wills: Vec<(usize, usize)>,
}

impl Model {
    fn new(last_wills: &[(usize, usize)]) -> Self {
        Self {
            states: [Liveness::Alive; CROWD],
            owners: [[None; 2]; CROWD],
            last_wills: last_wills.to_vec(),
        }
    }

    fn apply(&mut self, deed: Deed) {
        match deed {
            Deed::Qdel(who) => self.qdel(who),
            Deed::Despawn(who) => self.despawn(&[who]),
            Deed::Attach(owned, owner) => self.attach(owned, owner, 0),
            Deed::Load(owned, owner) => self.attach(owned, owner, 1),
            Deed::Free(who) => self.owners[who] = [None; 2],
            Deed::Flush => self.flush(),
        }
    }

    fn attach(&mut self, owned: usize, owner: usize, by: usize) {
        let is_there = |who: usize| self.states[who] != Liveness::Gone;
        if owned != owner && is_there(owned) && is_there(owner) {
            self.owners[owned][by] = Some(owner);
        }
    }

    fn qdel(&mut self, root: usize) {
        let mut waiting = vec![root];
        while let Some(who) = waiting.pop() {
            if self.states[who] == Liveness::Alive {
                self.states[who] = Liveness::Deleting;
                waiting.extend(self.owned_by(who));
                waiting.extend(self.taken_along_by(who));
            }
        }
    }

    fn flush(&mut self) {
        let is_deleting = |who: &usize| self.states[*who] == Liveness::Deleting;
        let deleting: Vec<_> = (0..CROWD).filter(is_deleting).collect();
        self.despawn(&deleting);
    }

    fn despawn(&mut self, roots: &[usize]) {
        let mut waiting = roots.to_vec();
        let mut just_told = Vec::new();
        while let Some(who) = waiting.pop() {
            if self.states[who] == Liveness::Gone {
                continue;
            }
            if self.states[who] == Liveness::Alive {
                just_told.push(who);
            }
            self.states[who] = Liveness::Gone;
            waiting.extend(self.owned_by(who));
        }
        for who in just_told {
            for follows in self.taken_along_by(who) {
                self.qdel(follows);
            }
        }
    }

    fn owned_by(&self, owner: usize) -> Vec<usize> {
        let is_owned = |who: &usize| self.owners[*who].contains(&Some(owner));
        (0..CROWD).filter(is_owned).collect()
    }

    fn taken_along_by(&self, dies: usize) -> Vec<usize> {
        let wills = self.last_wills.iter();
        wills
            .filter(|will| will.0 == dies)
            .map(|will| will.1)
            .collect()
    }
}
