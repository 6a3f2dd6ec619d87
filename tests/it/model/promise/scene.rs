//! The scene: who is in it, and what is done to the world and to the model.

use super::*;

pub(super) const CROWD: usize = 10;

/// What is done to a crowd; its members go by their numbers.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Write(usize, Kind, u8, [usize; 2]),
    /// Marks a component as changed, and changes nothing.
    Touch(usize, Kind),
    Insert(usize, Kind, [usize; 2]),
    Remove(usize, Kind),
    Clone(usize, usize, Kind),
    Swap(usize, usize, Kind),
    Qdel(usize),
    ForceQdel(usize),
    Batch(Vec<usize>),
    Despawn(usize),
    Respawn(usize),
    QdelIn(usize, u64),
    Pass(u64),
    Sync,
    Flush,
    Drain,
    Set(Teardown),
    /// A write that waits for the next time that commands are applied.
    Later(usize, Kind, u8, [usize; 2]),
}

/// When the will of an entity is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Told,
    Observed,
    Destroyed,
}

#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) wills: Vec<(Moment, usize, Deed)>,
    /// What each says when it is destroyed, last first.
    pub(super) hints: Vec<Vec<DestroyHint>>,
    pub(super) teardown: Teardown,
    /// Whether actors are targets of a known kind.
    pub(super) are_known: bool,
    pub(super) deeds: Vec<Deed>,
}

pub(super) fn scene(mischief: Mischief) -> impl Strategy<Value = Scene> {
    let wills = if mischief.wills { 0..20 } else { 0..1 };
    let hints = if mischief.hints { 0..3 } else { 0..1 };
    (
        vec((moment(), 0..CROWD, deed()), wills),
        vec(vec(hint(), hints), CROWD),
        teardown(),
        any::<bool>(),
        vec(deed(), 1..50),
    )
        .prop_map(|(wills, hints, teardown, are_known, deeds)| Scene {
            wills,
            hints,
            teardown,
            are_known,
            deeds,
        })
}

pub(super) fn moment() -> impl Strategy<Value = Moment> {
    prop_oneof![
        Just(Moment::Told),
        Just(Moment::Observed),
        Just(Moment::Destroyed),
    ]
}

pub(super) fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => Just(Kind::Mob),
        2 => Just(Kind::Mood),
        2 => Just(Kind::Leash),
        2 => Just(Kind::Seal),
        2 => Just(Kind::Shadow),
        1 => Just(Kind::Bond),
    ]
}

pub(super) fn hint() -> impl Strategy<Value = DestroyHint> {
    prop_oneof![
        3 => Just(DestroyHint::Queue),
        1 => Just(DestroyHint::HardDelete),
        1 => Just(DestroyHint::HardDeleteNow),
        1 => Just(DestroyHint::IWillHandleIt),
        4 => Just(DestroyHint::LetMeLive),
    ]
}

pub(super) fn teardown() -> impl Strategy<Value = Teardown> {
    prop_oneof![
        3 => Just(Teardown::EndOfFrame),
        1 => Just(Teardown::Budget(Duration::ZERO)),
        2 => Just(Teardown::Immediate),
    ]
}

pub(super) fn deed() -> impl Strategy<Value = Deed> {
    let who = 0..CROWD;
    let two = (who.clone(), who.clone());
    let names = [who.clone(), who.clone()];
    let write = (who.clone(), kind(), any::<u8>(), names.clone()).boxed();
    prop_oneof![
        12 => write.clone().prop_map(|(who, kind, way, names)| Deed::Write(who, kind, way, names)),
        6 => (who.clone(), kind()).prop_map(|(who, kind)| Deed::Touch(who, kind)),
        10 => (who.clone(), kind(), names).prop_map(|(who, kind, names)| Deed::Insert(who, kind, names)),
        2 => (who.clone(), kind()).prop_map(|(who, kind)| Deed::Remove(who, kind)),
        2 => (two.clone(), kind()).prop_map(|((from, to), kind)| Deed::Clone(from, to, kind)),
        2 => (two, kind()).prop_map(|((one, other), kind)| Deed::Swap(one, other, kind)),
        6 => who.clone().prop_map(Deed::Qdel),
        1 => who.clone().prop_map(Deed::ForceQdel),
        2 => vec(who.clone(), 0..5).prop_map(Deed::Batch),
        3 => who.clone().prop_map(Deed::Despawn),
        3 => who.clone().prop_map(Deed::Respawn),
        1 => (who, 0..5u64).prop_map(|(who, seconds)| Deed::QdelIn(who, seconds)),
        1 => (0..5u64).prop_map(Deed::Pass),
        3 => Just(Deed::Sync),
        3 => Just(Deed::Flush),
        1 => Just(Deed::Drain),
        1 => teardown().prop_map(Deed::Set),
        2 => write.prop_map(|(who, kind, way, names)| Deed::Later(who, kind, way, names)),
    ]
}

/// Fills an empty world with the crowd of a scene.
pub(super) fn build(scene: &Scene) -> World {
    let mut world = World::new();
    world.insert_resource(QdelSettings::default().with_teardown(scene.teardown));
    world.insert_resource(Wills(scene.wills.clone()));
    world.insert_resource(Hints(scene.hints.clone()));
    world.register_destroy::<Actor>();
    if scene.are_known {
        world.register_target::<Actor>();
    }
    track::<Mob>(&mut world);
    track::<Mood>(&mut world);
    track::<Leash>(&mut world);
    track::<Seal>(&mut world);
    track::<Shadow>(&mut world);
    track::<Bond>(&mut world);
    world.add_observer(
        |told: On<Qdeleting>, actors: Query<&Actor, Allow<Disabled>>, mut commands: Commands| {
            if let Ok(actor) = actors.get(told.entity) {
                let number = actor.0;
                commands.queue(move |world: &mut World| carry_out(world, Moment::Observed, number));
            }
        },
    );
    let crowd = core::array::from_fn(|number| spawn_actor(&mut world, number));
    world.insert_resource(Crowd(crowd));
    world
}

pub(super) fn track<C: Shape>(world: &mut World) {
    world.insert_resource(Written::<C>(BTreeMap::new()));
    world.track_references::<C>();
}

pub(super) fn spawn_actor(world: &mut World, number: usize) -> Entity {
    let entity = world.spawn(Actor(number)).id();
    world.register_signal(entity, entity, Actor::hear).unwrap();
    entity
}

/// Carries out what is to be done at this moment in the life of a member.
pub(super) fn carry_out(world: &mut World, moment: Moment, number: usize) {
    for deed in world.resource_mut::<Wills>().take(moment, number) {
        apply(world, deed);
    }
}

pub(super) fn apply(world: &mut World, deed: Deed) {
    let crowd = world.resource::<Crowd>().0;
    match deed {
        Deed::Write(who, kind, way, names) => {
            let (holder, names) = (crowd[who], names.map(|who| crowd[who]));
            match kind {
                Kind::Mob => write::<Mob>(&mut world.into(), holder, way, names),
                Kind::Mood => write::<Mood>(&mut world.into(), holder, way, names),
                Kind::Leash => write::<Leash>(&mut world.into(), holder, way, names),
                Kind::Seal => modify::<Seal>(world, holder, way, names),
                Kind::Shadow => write::<Shadow>(&mut world.into(), holder, way, names),
                Kind::Bond => write::<Bond>(&mut world.into(), holder, way, names),
            }
        }
        Deed::Touch(who, kind) => {
            let holder = crowd[who];
            match kind {
                Kind::Mob => touch::<Mob>(world, holder),
                Kind::Mood => touch::<Mood>(world, holder),
                Kind::Leash => touch::<Leash>(world, holder),
                // It cannot be written.
                Kind::Seal => {}
                Kind::Shadow => touch::<Shadow>(world, holder),
                Kind::Bond => touch::<Bond>(world, holder),
            }
        }
        Deed::Insert(who, kind, names) => {
            let (holder, names) = (crowd[who], names.map(|who| crowd[who]));
            match kind {
                Kind::Mob => insert::<Mob>(world, holder, names),
                Kind::Mood => insert::<Mood>(world, holder, names),
                Kind::Leash => insert::<Leash>(world, holder, names),
                Kind::Seal => insert::<Seal>(world, holder, names),
                Kind::Shadow => insert::<Shadow>(world, holder, names),
                Kind::Bond => insert::<Bond>(world, holder, names),
            }
        }
        Deed::Remove(who, kind) => {
            let holder = crowd[who];
            match kind {
                Kind::Mob => remove::<Mob>(world, holder),
                Kind::Mood => remove::<Mood>(world, holder),
                Kind::Leash => remove::<Leash>(world, holder),
                Kind::Seal => remove::<Seal>(world, holder),
                Kind::Shadow => remove::<Shadow>(world, holder),
                Kind::Bond => remove::<Bond>(world, holder),
            }
        }
        Deed::Clone(from, to, kind) => {
            let (from, to) = (crowd[from], crowd[to]);
            match kind {
                Kind::Mob => clone::<Mob>(world, from, to),
                Kind::Mood => clone::<Mood>(world, from, to),
                Kind::Leash => clone::<Leash>(world, from, to),
                Kind::Seal => clone::<Seal>(world, from, to),
                Kind::Shadow => clone::<Shadow>(world, from, to),
                Kind::Bond => clone::<Bond>(world, from, to),
            }
        }
        Deed::Swap(one, other, kind) => {
            let both = [crowd[one], crowd[other]];
            match kind {
                Kind::Mob => swap::<Mob>(world, both),
                Kind::Mood => swap::<Mood>(world, both),
                Kind::Leash => swap::<Leash>(world, both),
                // It cannot be written.
                Kind::Seal => {}
                Kind::Shadow => swap::<Shadow>(world, both),
                Kind::Bond => swap::<Bond>(world, both),
            }
        }
        Deed::Qdel(who) => {
            world.qdel(crowd[who]).ok();
        }
        Deed::ForceQdel(who) => {
            world.force_qdel(crowd[who]).ok();
        }
        Deed::Batch(who) => {
            world.qdel_batch(who.into_iter().map(|who| crowd[who]));
        }
        Deed::Despawn(who) => {
            world.try_despawn(crowd[who]).ok();
        }
        Deed::Respawn(who) => {
            // Who is named by its old id is not this one.
            if world.liveness(crowd[who]) == Liveness::Gone {
                let entity = spawn_actor(world, who);
                world.resource_mut::<Crowd>().0[who] = entity;
            }
        }
        Deed::QdelIn(who, seconds) => {
            world.qdel_in(crowd[who], Duration::from_secs(seconds)).ok();
        }
        Deed::Pass(seconds) => {
            world.advance_qdel_timers(Duration::from_secs(seconds));
        }
        Deed::Sync => world.sync_references(),
        Deed::Flush => {
            world.flush_qdel();
        }
        Deed::Drain => {
            world.drain_qdel();
        }
        Deed::Set(teardown) => {
            world.insert_resource(QdelSettings::default().with_teardown(teardown));
        }
        Deed::Later(who, kind, way, names) => {
            let write = Deed::Write(who, kind, way, names);
            world
                .commands()
                .queue(move |world: &mut World| apply(world, write));
        }
    }
}

/// Does a deed at once where only a field is written, and tells whether it did.
pub(super) fn apply_at_once(world: &mut DeferredWorld, deed: &Deed) -> bool {
    let crowd = world.resource::<Crowd>().0;
    let Deed::Write(who, kind, way, names) = *deed else {
        return false;
    };
    let (holder, names) = (crowd[who], names.map(|who| crowd[who]));
    match kind {
        Kind::Mob => write::<Mob>(world, holder, way, names),
        Kind::Mood => write::<Mood>(world, holder, way, names),
        Kind::Leash => write::<Leash>(world, holder, way, names),
        Kind::Seal => return false,
        Kind::Shadow => write::<Shadow>(world, holder, way, names),
        Kind::Bond => write::<Bond>(world, holder, way, names),
    }
    true
}

// Each of these does the same to the world and to the model, as far as the world lets it.

pub(super) fn write<C: Shape + Component<Mutability = Mutable>>(
    world: &mut DeferredWorld,
    holder: Entity,
    way: u8,
    names: [Entity; 2],
) {
    if let Some(mut component) = world.get_mut::<C>(holder) {
        component.write(way, names);
        let mut written = world.resource_mut::<Written<C>>();
        let written = written.0.get_mut(&holder);
        written
            .expect("what is there was inserted")
            .write(way, names);
    }
}

pub(super) fn touch<C: Shape + Component<Mutability = Mutable>>(world: &mut World, holder: Entity) {
    if let Some(mut component) = world.get_mut::<C>(holder) {
        component.set_changed();
    }
}

pub(super) fn modify<C: Shape>(world: &mut World, holder: Entity, way: u8, names: [Entity; 2]) {
    if world.get::<C>(holder).is_some() {
        let mut written = world.resource_mut::<Written<C>>();
        let written = written.0.get_mut(&holder);
        written
            .expect("what is there was inserted")
            .write(way, names);
        let change = |component: &mut C| component.write(way, names);
        world.modify_component(holder, change).unwrap();
    }
}

pub(super) fn insert<C: Shape>(world: &mut World, holder: Entity, names: [Entity; 2]) {
    if world.get_entity(holder).is_ok() {
        let mut written = world.resource_mut::<Written<C>>();
        written.0.insert(holder, C::of(names));
        world.entity_mut(holder).insert(C::of(names));
    }
}

pub(super) fn remove<C: Shape>(world: &mut World, holder: Entity) {
    if world.get_entity(holder).is_ok() {
        world.resource_mut::<Written<C>>().0.remove(&holder);
        world.entity_mut(holder).remove::<C>();
    }
}

pub(super) fn clone<C: Shape>(world: &mut World, from: Entity, to: Entity) {
    if from != to && world.get::<C>(from).is_some() && world.get_entity(to).is_ok() {
        let mut written = world.resource_mut::<Written<C>>();
        let copy = written.0[&from].clone();
        if copy.names().contains(&from) {
            // Bevy has the copy name the clone, where it maps the field.
            return;
        }
        written.0.insert(to, copy);
        world.entity_mut(from).clone_components::<C>(to);
    }
}

pub(super) fn swap<C: Shape + Component<Mutability = Mutable>>(
    world: &mut World,
    both: [Entity; 2],
) {
    if both[0] == both[1] || both.iter().any(|at| world.get::<C>(*at).is_none()) {
        return;
    }
    let [mut one, mut other] = world.get_entity_mut(both).unwrap();
    let (mut one, mut other) = (one.get_mut::<C>().unwrap(), other.get_mut::<C>().unwrap());
    core::mem::swap(&mut *one, &mut *other);
    let mut written = world.resource_mut::<Written<C>>();
    let [one, other] = both.map(|at| written.0[&at].clone());
    written.0.extend([(both[0], other), (both[1], one)]);
}

/// Who goes by which number.
#[derive(Resource)]
pub(super) struct Crowd(pub(super) [Entity; CROWD]);

/// What is done when an entity of the crowd is deleted: each once.
#[derive(Resource)]
pub(super) struct Wills(pub(super) Vec<(Moment, usize, Deed)>);

impl Wills {
    pub(super) fn take(&mut self, moment: Moment, number: usize) -> Vec<Deed> {
        let due = self
            .0
            .extract_if(.., |will| will.0 == moment && will.1 == number);
        due.map(|will| will.2).collect()
    }
}

#[derive(Resource)]
pub(super) struct Hints(pub(super) Vec<Vec<DestroyHint>>);

/// A member of the crowd, who listens on itself.
#[derive(Component)]
pub(super) struct Actor(pub(super) usize);

impl Actor {
    pub(super) fn hear(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let number = world.get::<Self>(told.listener()).unwrap().0;
        let due = world.resource_mut::<Wills>().take(Moment::Told, number);
        for deed in due {
            if !apply_at_once(&mut world, &deed) {
                world
                    .commands()
                    .queue(move |world: &mut World| apply(world, deed));
            }
        }
    }
}

impl Destroy for Actor {
    type Param = (
        Commands<'static, 'static>,
        ResMut<'static, Hints>,
        ResMut<'static, Wills>,
    );

    fn destroy(&mut self, going: DestroyContext<Self::Param>) -> DestroyHint {
        let (mut commands, mut hints, mut wills) = going.param;
        for deed in wills.take(Moment::Destroyed, self.0) {
            commands.queue(move |world: &mut World| apply(world, deed));
        }
        hints.0[self.0].pop().unwrap_or_default()
    }
}
