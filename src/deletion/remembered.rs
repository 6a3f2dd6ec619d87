//! Which entities are remembered when they are torn down, because they are looked for after that.

use bevy_ecs::{entity::Entity, name::Name, world::World};

use crate::{
    deleting::{Deleting, KindId},
    deletion::{queue::Deletions, settings::QdelSettings, sweep_results},
    hint::DestroyHint,
    panics::{Panicked, apply_commands},
    sweep::{
        schedule::{self, Corpse, Suspension},
        settings::Mode,
    },
};

/// Which entities are looked for, of those that are torn down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LooksFor {
    Nobody,
    /// Those whose components asked for it.
    Hinted,
    Everybody,
}

impl LooksFor {
    /// Returns which are looked for by `settings`.
    pub(crate) fn of(deletions: &Deletions, settings: &QdelSettings) -> Self {
        match deletions.sweeps.suspension {
            Suspension::None => {}
            Suspension::Remembering(_) => return Self::Everybody,
            Suspension::ShutDown => return Self::Nobody,
        }
        match settings.sweep {
            Mode::EachFlush => Self::Everybody,
            Mode::Sampled(flushes) if deletions.sweeps.is_last_of(flushes.get()) => Self::Everybody,
            Mode::OnDemand | Mode::Sampled(_) if deletions.sweeps.has_hints => Self::Hinted,
            Mode::Off | Mode::OnDemand | Mode::Sampled(_) => Self::Nobody,
        }
    }

    /// Returns what is to be remembered of an entity that is about to be torn down.
    pub(crate) fn corpse(self, world: &World, entity: Entity) -> Option<Corpse> {
        if self == Self::Nobody {
            return None;
        }
        let at = world.get_entity(entity).ok()?;
        let deleting = at.get::<Deleting>();
        let hint = deleting.map_or(DestroyHint::Queue, Deleting::hint);
        let corpse = || Corpse {
            entity,
            name: at.get::<Name>().map(|name| name.as_str().to_owned()),
            kind: deleting.map_or(KindId::OTHERS, Deleting::kind),
            hint,
        };
        (self == Self::Everybody || schedule::is_looked_for(hint)).then(corpse)
    }

    /// Tells of what names an entity that is about to be torn down, if its components asked for
    /// that.
    pub(crate) fn find_references(self, world: &mut World, entity: Entity) -> Result<(), Panicked> {
        if self == Self::Nobody {
            return Ok(());
        }
        let deleting = world.get::<Deleting>(entity);
        let is_asked = deleting.is_some_and(|at| at.hint() == DestroyHint::FindReferences);
        if !is_asked || QdelSettings::of(world).sweep == Mode::Off {
            return Ok(());
        }
        if let Some(mut deleting) = world.get_mut::<Deleting>(entity) {
            // If a hook panics, the tear-down is tried again.
            deleting.set_hint(DestroyHint::Queue);
        }
        let told = sweep_results::tell_references(world, entity, None);
        // An observer of that may despawn it, or give it something to own.
        told.and(apply_commands(world))
    }
}
