//! The marks of targets, and which targets are being despawned.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::{archetype::Archetype, component::ComponentId, entity::Entity};
use fixedbitset::FixedBitSet;
use smallvec::{SmallVec, smallvec};

/// The marks of targets: which components they are, and their state.
#[derive(Debug)]
pub(crate) struct TargetMarks {
    /// The components that mark targets: [`SignalTarget`](crate::SignalTarget) first, and those of
    /// kinds that were made known.
    components: SmallVec<[ComponentId; 4]>,
    /// The same, by the index of the component.
    are_marks: FixedBitSet,
    /// Components of which a removal hook of this crate ends the registrations, by their index.
    are_listening: FixedBitSet,
    /// The target that is being despawned right now. Registrations on it that were told do not come
    /// back.
    despawned: Option<Entity>,
    /// The targets that are still there because a panic cut their despawn short.
    stuck: SmallVec<[Entity; 2]>,
    /// Whether lists were closed since a target was last told. Their targets may not be marked as
    /// deleting yet.
    pub(crate) is_closing: bool,
    /// The targets that are being marked.
    pub(crate) under_way: SmallVec<[Entity; 2]>,
    /// Whether a warning has said that marks are being removed.
    pub(crate) is_reported: bool,
}

impl TargetMarks {
    /// Returns the state before any target is marked, with a component that marks targets.
    pub(crate) fn new(mark: ComponentId) -> Self {
        let mut marks = Self {
            components: smallvec![],
            are_marks: FixedBitSet::new(),
            are_listening: FixedBitSet::new(),
            despawned: None,
            stuck: smallvec![],
            is_closing: false,
            under_way: smallvec![],
            is_reported: false,
        };
        marks.add(mark);
        marks
    }

    /// Makes a component mark targets. Its hooks must be there.
    pub(crate) fn add(&mut self, component: ComponentId) {
        self.are_marks.grow_and_insert(component.index());
        self.components.push(component);
    }

    /// Returns the components that mark targets of kinds that were made known.
    pub(crate) fn kinds(&self) -> &[ComponentId] {
        &self.components[1..]
    }

    /// Returns `true` if a component marks targets.
    #[inline]
    pub(crate) fn is_mark(&self, component: ComponentId) -> bool {
        self.are_marks.contains(component.index())
    }

    /// Returns `true` if entities of an archetype are marked as targets.
    #[inline]
    pub(crate) fn are_in(&self, archetype: &Archetype) -> bool {
        let mut components = self.components.iter();
        components.any(|component| archetype.contains(*component))
    }

    /// Notes that a removal hook of this crate ends the registrations of a component.
    pub(crate) fn set_listening(&mut self, component: ComponentId) {
        self.are_listening.grow_and_insert(component.index());
    }

    /// Returns `true` if a removal hook of this crate ends the registrations of a component.
    #[inline]
    pub(crate) fn is_listening(&self, component: ComponentId) -> bool {
        self.are_listening.contains(component.index())
    }

    /// Begins the despawn of a target that is marked by `component`.
    ///
    /// Returns `false` if it has begun already, because of another mark. Or if the component is
    /// none: the hooks of a mark stay when a world is cleared, and its new books may not know it.
    pub(crate) fn begin_despawn(&mut self, target: Entity, component: ComponentId) -> bool {
        if !self.is_mark(component) {
            return false;
        }
        let earlier = self.despawned.replace(target);
        if earlier == Some(target) {
            return false;
        }
        if let Some(stuck) = earlier {
            // Bevy leaves it alive.
            self.keep_stuck(stuck);
        }
        true
    }

    /// Ends the despawn of a target. Returns `false` if it is not being despawned.
    pub(crate) fn end_despawn(&mut self, target: Entity) -> bool {
        let ends = self.despawned == Some(target);
        if ends {
            self.forget(target);
        }
        ends
    }

    /// Notes that a panic cuts the despawn of a target short, which stays alive.
    #[cold]
    pub(crate) fn cut_short(&mut self, target: Entity) {
        if self.despawned.take_if(|at| *at == target).is_some() {
            self.keep_stuck(target);
        }
    }

    /// Returns `true` if the despawn of an entity has begun.
    #[inline]
    pub(crate) fn is_despawned(&self, entity: Entity) -> bool {
        self.despawned == Some(entity) || !self.stuck.is_empty() && self.stuck.contains(&entity)
    }

    /// Forgets that the despawn of a target has begun.
    #[inline]
    pub(crate) fn forget(&mut self, target: Entity) {
        self.despawned.take_if(|at| *at == target);
        if !self.stuck.is_empty() {
            self.stuck.retain(|at| *at != target);
        }
    }

    #[cold]
    fn keep_stuck(&mut self, target: Entity) {
        if !self.stuck.contains(&target) {
            self.stuck.push(target);
        }
    }
}
