//! What the test of everything finds.

use core::fmt;

use bevy_ecs::entity::Entity;

use crate::{
    error::QdelError, hint::DestroyHint, panics::Panicked, sweep::report::SweepReport,
    text::Counted,
};

/// What [`CreateAndDestroy`](super::CreateAndDestroy) found.
///
/// Its `Display` and its `Debug` are the same list, so that a test may return it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub struct Error {
    /// How many spawners were tried.
    pub spawners: usize,
    /// What went wrong, in the order of the spawners.
    pub failures: Vec<Failure>,
}

/// Something that did not go as it should with the entity of a spawner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The spawner returned an entity that is not alive.
    #[error(
        "{spawner}: {entity} was returned, which is not alive; return the entity that was spawned"
    )]
    NotSpawned {
        /// The name of the spawner.
        spawner: String,
        /// What it returned.
        entity: Entity,
    },
    /// The deletion was refused though it was forced.
    #[error("{spawner}: {error}")]
    Refused {
        /// The name of the spawner.
        spawner: String,
        /// Why it was refused.
        error: QdelError,
    },
    /// A handler of [`PreQdel`](crate::PreQdel) objected though it was forced.
    #[error("{spawner}: a veto on {on} in spite of force; check `PreQdel::force` first")]
    Vetoed {
        /// The name of the spawner.
        spawner: String,
        /// The entity whose handler it was, or one that would go with the spawned one.
        on: Entity,
    },
    /// A component answered [`DestroyHint::LetMeLive`] to a forced deletion.
    #[error(
        "{spawner}: a `Destroy` answers force with `LetMeLive`; check `DestroyContext::force` first"
    )]
    IgnoresForce {
        /// The name of the spawner.
        spawner: String,
    },
    /// The entity is still there after everything was torn down.
    #[error(
        "{spawner}: {entity} is still there, because of `{hint:?}`; \
         despawn it, or leave it to its tear-down"
    )]
    StillThere {
        /// The name of the spawner.
        spawner: String,
        /// What is still there.
        entity: Entity,
        /// What its components said.
        hint: DestroyHint,
    },
    /// A field names what is gone.
    #[error("{spawner}: {report}")]
    Leftovers {
        /// The name of the spawner.
        spawner: String,
        /// The leftovers. Blind spots are left out.
        report: SweepReport,
    },
    /// There was a panic.
    #[error("{spawner}: a panic while it was {step}: {message}")]
    Panicked {
        /// The name of the spawner.
        spawner: String,
        /// The step that panicked.
        step: Stage,
        /// The message of the panic.
        message: String,
    },
}

/// A step in the life of an entity under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Its spawner is called.
    Spawn,
    /// It is deleted.
    Qdel,
    /// It is torn down.
    TearDown,
    /// Leftovers are looked for.
    Look,
}

impl Failure {
    pub(crate) fn panicked(spawner: String, step: Stage, panicked: &Panicked) -> Self {
        let text = panicked.message();
        Self::Panicked {
            spawner,
            step,
            message: text.unwrap_or("it does not say why").to_owned(),
        }
    }

    /// Returns the name of the spawner.
    pub fn spawner(&self) -> &str {
        match self {
            Self::NotSpawned { spawner, .. }
            | Self::Refused { spawner, .. }
            | Self::Vetoed { spawner, .. }
            | Self::IgnoresForce { spawner }
            | Self::StillThere { spawner, .. }
            | Self::Leftovers { spawner, .. }
            | Self::Panicked { spawner, .. } => spawner,
        }
    }

    /// Returns `true` if it is the same failure for another entity.
    pub(crate) fn repeats(&self, known: &Self) -> bool {
        let is_same_kind = core::mem::discriminant(self) == core::mem::discriminant(known);
        let is_same = match (self, known) {
            (
                Self::Panicked { step, message, .. },
                Self::Panicked {
                    step: known_step,
                    message: known_message,
                    ..
                },
            ) => step == known_step && message == known_message,
            _ => true,
        };
        is_same_kind && is_same && self.spawner() == known.spawner()
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spawn => "spawned",
            Self::Qdel => "deleted",
            Self::TearDown => "torn down",
            Self::Look => "looked for",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut failed: Vec<_> = self.failures.iter().map(Failure::spawner).collect();
        failed.dedup();
        let failures = Counted(self.failures.len(), "failure", "failures");
        write!(
            f,
            "{} of {} failed, with {failures}",
            failed.len(),
            Counted(self.spawners, "spawner", "spawners")
        )?;
        for failure in &self.failures {
            write!(f, "\n- {failure}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
