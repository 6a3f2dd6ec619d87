//! The model.

use super::*;
use qdel::QdelCause;

/// An entity of the model, by its place in a table: a new one for each spawn.
pub(super) type Id = usize;

#[derive(Clone, Debug)]
pub(super) struct ModelEntity {
    pub(super) real: Entity,
    pub(super) liveness: Liveness,
    /// Its notice has begun.
    pub(super) closed: bool,
    /// Can be listened to without a structural change.
    pub(super) prepared: bool,
    /// Whether it has the component of each kind.
    pub(super) kinds: [bool; 2],
}

impl ModelEntity {
    pub(super) fn is_spawned(&self) -> bool {
        self.liveness != Liveness::Gone
    }

    pub(super) fn is_alive(&self) -> bool {
        self.liveness == Liveness::Alive
    }

    pub(super) fn has(&self, kind: Kind) -> bool {
        self.kinds[kind as usize]
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct ModelRegistration {
    pub(super) serial: u64,
    pub(super) key: Key<Id>,
    pub(super) tag: Tag,
    pub(super) once: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Todo {
    Act(Act<Id>),
    /// Marks the target of what a deferred world registered.
    Complete(Key<Id>),
}

#[derive(Default)]
pub(super) struct Model {
    pub(super) entities: Vec<ModelEntity>,
    pub(super) registrations: Vec<ModelRegistration>,
    pub(super) serial: u64,
    pub(super) journal: Vec<Event>,
    pub(super) script: VecDeque<Act<Id>>,
    /// What heard the end of a target that is still there.
    pub(super) told: Vec<ModelRegistration>,
    /// What was registered by a deferred world and is not complete.
    pub(super) waiting: HashSet<Key<Id>>,
    /// Who was told, and lost the component, so that it depends on what else it does whether the
    /// books know.
    pub(super) vague: HashSet<(Id, Kind)>,
    /// Whether that was asked.
    pub(super) is_unsure: bool,
    /// Whether what was registered last was not there before.
    pub(super) is_new: bool,
    /// What waits to be applied.
    pub(super) commands: Vec<Todo>,
    pub(super) busy: bool,
    pub(super) to_tell: VecDeque<Id>,
    pub(super) to_tear_down: VecDeque<Id>,
}

impl Model {
    pub(super) fn spawn(&mut self, real: Entity, table: bool, sparse: bool, prepared: bool) -> Id {
        self.entities.push(ModelEntity {
            real,
            liveness: Liveness::Alive,
            closed: false,
            prepared,
            kinds: [table, sparse],
        });
        self.entities.len() - 1
    }

    pub(super) fn real_key(&self, key: Key<Id>) -> Key<Entity> {
        Key {
            listener: self.entities[key.listener].real,
            kind: key.kind,
            target: self.entities[key.target].real,
            topic: key.topic,
        }
    }

    /// Does at once what a world does.
    pub(super) fn act(&mut self, act: Act<Id>) {
        match act {
            Act::Register(key, tag, manner) => {
                let registered = self.register(key, tag, manner);
                self.journal.push(Event::Registered(registered));
            }
            Act::Unregister(key) => self.unregister_and_note(key),
            Act::Retarget(key, to) => {
                let moved = self.retarget(key, to);
                if moved.is_ok() {
                    self.entities[to].prepared = true;
                }
                self.journal.push(Event::Registered(moved));
            }
            Act::Send(target, topic) => {
                self.dispatch(target, topic, None);
                self.flush();
            }
            Act::Qdel(entity) => {
                let deleted = self.qdel(entity);
                self.journal.push(Event::Qdel(deleted));
            }
            Act::Despawn(entity) => self.despawn(entity),
            Act::Remove(entity, kind) => self.remove(entity, kind),
            Act::Overwrite(entity, kind) => {
                let entity = &mut self.entities[entity];
                entity.kinds[kind as usize] = entity.is_spawned();
            }
        }
    }

    /// Applies a command.
    pub(super) fn apply(&mut self, todo: Todo) {
        let act = match todo {
            Todo::Act(act) => act,
            Todo::Complete(key) => return self.complete(key),
        };
        match act {
            Act::Register(key, tag, manner) => {
                if self.register(key, tag, manner).is_err() {
                    self.answer(key, tag);
                }
            }
            Act::Unregister(key) => {
                self.unregister(key);
            }
            Act::Retarget(key, to) => {
                if self.retarget(key, to).is_ok() {
                    self.entities[to].prepared = true;
                } else if let Some(place) = self.find(key)
                    && self.is_answered(Key { target: to, ..key })
                {
                    let moved = self.end(place);
                    self.answer(Key { target: to, ..key }, moved.tag);
                }
            }
            Act::Qdel(entity) => {
                self.qdel(entity);
            }
            Act::Send(..) | Act::Despawn(_) | Act::Remove(..) | Act::Overwrite(..) => {
                self.act(act);
            }
        }
    }

    /// Returns `true` if a late listener hears that its target goes or is gone.
    pub(super) fn is_answered(&mut self, key: Key<Id>) -> bool {
        // A listener that is being deleted itself need not know.
        let listener = &self.entities[key.listener];
        let is_late = !self.entities[key.target].is_alive() && key.topic == Topic::Gone;
        if !is_late || !listener.is_alive() || !listener.has(key.kind) {
            return false;
        }
        self.is_unsure |= self.vague.contains(&(key.listener, key.kind));
        // No listener is told twice.
        !self.told.iter().any(|told| told.key == key)
    }

    pub(super) fn answer(&mut self, key: Key<Id>, tag: Tag) {
        if self.is_answered(key) {
            self.call(key, tag, Some(QdelCause::AlreadyGone));
        }
    }

    /// Completes what a deferred world registered.
    pub(super) fn complete(&mut self, key: Key<Id>) {
        if !self.waiting.remove(&key) {
            return;
        }
        let target = &mut self.entities[key.target];
        if target.is_alive() && !target.closed {
            target.prepared = true;
        } else if let Some(place) = self.find(key) {
            let late = self.end(place);
            if key.topic == Topic::Gone {
                self.call(key, late.tag, Some(QdelCause::AlreadyGone));
            }
        }
    }

    /// Applies what waits, in order; what a command queues comes right after it.
    pub(super) fn flush(&mut self) {
        for command in core::mem::take(&mut self.commands) {
            self.apply(command);
            self.flush();
        }
    }

    /// Does in a handler what a deferred world does.
    pub(super) fn act_deferred(&mut self, act: Act<Id>) {
        match act {
            Act::Register(key, tag, manner) => {
                if self.is_going(key.listener) {
                    return;
                }
                let is_prepared = self.entities[key.target].prepared;
                let mut registered = self.register(key, tag, manner);
                self.entities[key.target].prepared = is_prepared;
                if registered.is_ok() && self.is_new && !is_prepared {
                    registered = Ok(self.wait(key));
                }
                self.journal.push(Event::Registered(registered));
            }
            Act::Unregister(key) => self.unregister_and_note(key),
            Act::Retarget(key, to) => {
                if self.is_going(key.listener) {
                    return;
                }
                let mut moved = self.retarget(key, to);
                if moved.is_ok() && !self.entities[to].prepared {
                    moved = Ok(self.wait(Key { target: to, ..key }));
                }
                self.journal.push(Event::Registered(moved));
            }
            Act::Send(target, topic) => self.dispatch(target, topic, None),
            Act::Qdel(_) | Act::Despawn(_) | Act::Remove(..) | Act::Overwrite(..) => {
                self.commands.push(Todo::Act(act));
            }
        }
    }

    /// Returns `true` if an entity is there and going.
    pub(super) fn is_going(&self, entity: Id) -> bool {
        let entity = &self.entities[entity];
        entity.is_spawned() && (!entity.is_alive() || entity.closed)
    }

    /// Has a registration wait for its completion.
    pub(super) fn wait(&mut self, key: Key<Id>) -> Registered {
        self.waiting.insert(key);
        self.commands.push(Todo::Complete(key));
        Registered::Queued
    }

    pub(super) fn find(&self, key: Key<Id>) -> Option<usize> {
        self.registrations.iter().position(|it| it.key == key)
    }

    pub(super) fn may_register(&self, key: Key<Id>) -> bool {
        let target = &self.entities[key.target];
        let listener = &self.entities[key.listener];
        target.is_alive() && !target.closed && listener.is_alive() && listener.has(key.kind)
    }

    pub(super) fn register(
        &mut self,
        key: Key<Id>,
        tag: Tag,
        manner: Manner,
    ) -> Result<Registered, ()> {
        if !self.may_register(key) {
            return Err(());
        }
        self.entities[key.target].prepared = true;
        let once = manner == Manner::Once;
        self.is_new = false;
        if let Some(place) = self.find(key) {
            return match manner {
                Manner::Add | Manner::Once => Err(()),
                Manner::Ensure => Ok(Registered::Now),
                Manner::Replace => {
                    self.registrations[place].tag = tag;
                    Ok(Registered::Replaced)
                }
            };
        }
        self.is_new = true;
        self.serial += 1;
        self.registrations.push(ModelRegistration {
            serial: self.serial,
            key,
            tag,
            once,
        });
        Ok(Registered::Now)
    }

    pub(super) fn retarget(&mut self, key: Key<Id>, to: Id) -> Result<Registered, ()> {
        let Some(place) = self.find(key) else {
            return Err(());
        };
        let key = Key { target: to, ..key };
        if !self.may_register(key) || self.find(key).is_some() {
            return Err(());
        }
        let moved = self.end(place);
        self.serial += 1;
        self.registrations.push(ModelRegistration {
            serial: self.serial,
            key,
            ..moved
        });
        Ok(Registered::Now)
    }

    /// Ends a registration.
    pub(super) fn end(&mut self, place: usize) -> ModelRegistration {
        let ended = self.registrations.remove(place);
        self.waiting.remove(&ended.key);
        ended
    }

    pub(super) fn unregister(&mut self, key: Key<Id>) -> bool {
        if let Some(place) = self.find(key) {
            self.end(place);
            return true;
        }
        let told = self.told.iter().position(|it| it.key == key && !it.once);
        told.map(|told| self.told.remove(told)).is_some()
    }

    pub(super) fn unregister_and_note(&mut self, key: Key<Id>) {
        let is_deleting = self.is_going(key.target);
        let ended = self.unregister(key);
        if !is_deleting {
            self.journal.push(Event::Unregistered(ended));
        }
    }

    /// Calls those who listened when it began and still do. With a cause it is the last they hear.
    pub(super) fn dispatch(&mut self, target: Id, topic: Topic, cause: Option<QdelCause>) {
        let heard = |it: &&ModelRegistration| it.key.target == target && it.key.topic == topic;
        let listeners: Vec<_> = self.registrations.iter().filter(heard).copied().collect();
        for listener in listeners {
            let place = self
                .registrations
                .iter()
                .position(|it| it.serial == listener.serial);
            let Some(place) = place else {
                continue;
            };
            let registration = self.registrations[place];
            if cause.is_some() || registration.once {
                self.end(place);
            }
            if cause.is_some() {
                self.told.push(registration);
            }
            self.call(registration.key, registration.tag, cause);
        }
    }

    pub(super) fn call(&mut self, key: Key<Id>, tag: Tag, cause: Option<QdelCause>) {
        let real = self.real_key(key);
        self.journal.push(Event::Called(real, tag, cause));
        if tag == Tag::Actor
            && let Some(act) = self.script.pop_front()
        {
            self.act_deferred(act);
        }
    }

    /// Tells of the end of `target`, if that was not done before.
    pub(super) fn tell(&mut self, target: Id, cause: QdelCause) {
        if self.entities[target].prepared {
            self.entities[target].closed = true;
            self.dispatch(target, Topic::Gone, Some(cause));
        }
    }

    pub(super) fn despawn(&mut self, entity: Id) {
        if !self.entities[entity].is_spawned() {
            return;
        }
        self.tell(entity, QdelCause::Despawn);
        self.remove(entity, Kind::Table);
        self.remove(entity, Kind::Sparse);
        // What waits is seen to when it is completed.
        let (waiting, is_marked) = (&self.waiting, self.entities[entity].prepared);
        self.registrations
            .retain(|it| it.key.target != entity || !is_marked && waiting.contains(&it.key));
        self.told.retain(|it| it.key.target != entity);
        self.entities[entity].liveness = Liveness::Gone;
        self.flush();
    }

    pub(super) fn remove(&mut self, entity: Id, kind: Kind) {
        let stays = |key: &Key<Id>| key.listener != entity || key.kind != kind;
        self.registrations.retain(|it| stays(&it.key));
        self.waiting.retain(stays);
        if self.told.iter().any(|it| !stays(&it.key)) {
            self.vague.insert((entity, kind));
            self.told.retain(|it| stays(&it.key));
        }
        self.entities[entity].kinds[kind as usize] = false;
    }

    /// Takes the mark of a target off, which comes back if it has a listener.
    pub(super) fn unmark(&mut self, target: Id) {
        let is_heard = self.registrations.iter().any(|it| it.key.target == target);
        self.entities[target].prepared = is_heard;
    }

    pub(super) fn qdel(&mut self, entity: Id) -> Option<QdelOutcome> {
        if !self.entities[entity].is_spawned() {
            return None;
        }
        if !self.entities[entity].is_alive() {
            return Some(QdelOutcome::AlreadyDeleting);
        }
        self.entities[entity].liveness = Liveness::Deleting;
        self.to_tell.push_back(entity);
        self.to_tear_down.push_back(entity);
        self.work(0);
        Some(QdelOutcome::Queued)
    }

    pub(super) fn flush_qdel(&mut self) {
        self.work(self.to_tear_down.len());
    }

    /// Tells of all that are marked, and tears `left` of them down, unless code further out
    /// does.
    pub(super) fn work(&mut self, mut left: usize) {
        if core::mem::replace(&mut self.busy, true) {
            return;
        }
        loop {
            self.tell_all();
            if left == 0 {
                break;
            }
            let Some(entity) = self.to_tear_down.pop_front() else {
                break;
            };
            left -= 1;
            self.despawn(entity);
        }
        self.busy = false;
    }

    pub(super) fn tell_all(&mut self) {
        while !self.to_tell.is_empty() {
            let wave = core::mem::take(&mut self.to_tell);
            for &entity in &wave {
                if self.entities[entity].is_spawned() {
                    self.tell(entity, QdelCause::Qdel);
                }
            }
            self.flush();
            // They hear nothing any more.
            self.registrations
                .retain(|it| !wave.contains(&it.key.listener));
        }
    }

    pub(super) fn described(&self, registration: &ModelRegistration) -> Registration {
        fn names<C: Modelled, S: ModelSignal>() -> (&'static str, &'static str) {
            (core::any::type_name::<C>(), core::any::type_name::<S>())
        }
        let key = self.real_key(registration.key);
        let (component, signal) = typed!(key, names());
        Registration {
            listener: key.listener,
            component,
            target: key.target,
            signal,
        }
    }

    pub(super) fn on(&self, target: Id) -> Vec<Registration> {
        let mut on: Vec<_> = self.registrations.iter().collect();
        on.retain(|it| it.key.target == target);
        on.sort_by_key(|it| it.key.topic);
        on.into_iter().map(|it| self.described(it)).collect()
    }

    /// Returns how many listeners have more than one registration.
    pub(super) fn crowded_listeners(&self) -> usize {
        let listeners: HashMap<Id, usize> =
            self.registrations
                .iter()
                .fold(HashMap::new(), |mut listeners, it| {
                    *listeners.entry(it.key.listener).or_default() += 1;
                    listeners
                });
        listeners.values().filter(|count| **count > 1).count()
    }

    pub(super) fn of(&self, listener: Id) -> Vec<Registration> {
        let of = self.registrations.iter();
        let of = of.filter(|it| it.key.listener == listener);
        of.map(|it| self.described(it)).collect()
    }
}
