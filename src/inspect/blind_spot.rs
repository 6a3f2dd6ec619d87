//! Components that a search could not look into.

use core::fmt;

use bevy_ecs::{component::ComponentId, entity::Entity};
use disqualified::ShortName;

use crate::{
    hash::HashMap,
    inspect::label::order,
    text::{Counted, write_first},
};

/// A type of components in the world that a search could not look into, or only in part.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlindSpot {
    /// The type name of the component. It is `component 12` if Bevy was built without its feature
    /// `debug` and the name is not known otherwise.
    pub component: String,
    /// How many entities have it. For [`BlindReason::TooDeep`], how many have one that is too deep.
    pub entities: usize,
    /// Why it could not be looked into.
    pub reason: BlindReason,
}

impl BlindSpot {
    /// Returns `true` if the name of the type is not known.
    pub(crate) fn is_nameless(&self) -> bool {
        self.component.starts_with(NAMELESS)
    }
}

/// The beginning of the name of a type whose name is not known. Its number follows.
pub(crate) const NAMELESS: &str = "component ";

/// Why a search could not look into a component.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum BlindReason {
    /// This crate was built without its feature `bevy_reflect`, and the type is not tracked.
    WithoutReflection,
    /// The type is not in the world's `AppTypeRegistry`.
    NotRegistered,
    /// The type is registered, but without `#[reflect(Component)]` or `#[reflect(Resource)]`.
    NotReflected,
    /// A part of it is opaque to reflection, and may hold anything.
    Opaque {
        /// The first place of it: `.inner`, or `.list[..].inner` for each element of a list.
        path: String,
        /// The path of the opaque type.
        type_path: &'static str,
    },
    /// A value is nested more than [`MAX_DEPTH`](crate::find::MAX_DEPTH) steps deep.
    TooDeep {
        /// The first place that was not looked at.
        path: String,
    },
    /// Sweeps leave it as it is, because of
    /// [`exclude_from_sweeps`](crate::WorldReferencesExt::exclude_from_sweeps).
    LeftOut,
}

impl fmt::Display for BlindSpot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entities = Counted(self.entities, "entity", "entities");
        let component = ShortName(&self.component);
        write!(f, "{component} of {entities}: {}", self.reason)
    }
}

impl fmt::Display for BlindReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WithoutReflection => {
                write!(
                    f,
                    "it is not tracked, and the feature `bevy_reflect` is off"
                )
            }
            Self::NotRegistered => write!(f, "the type is not in the `AppTypeRegistry`"),
            Self::NotReflected => {
                write!(
                    f,
                    "the type is registered without `#[reflect(Component)]` or `#[reflect(Resource)]`"
                )
            }
            Self::Opaque { path, type_path } => {
                write!(f, "opaque `{}` at `{path}`", ShortName(type_path))
            }
            Self::TooDeep { path } if path.len() > LONGEST_PATH => {
                let end = (LONGEST_PATH..).find(|at| path.is_char_boundary(*at));
                let start = &path[..end.unwrap_or(path.len())];
                write!(f, "too deep at `{start}...`")
            }
            Self::TooDeep { path } => write!(f, "too deep at `{path}`"),
            Self::LeftOut => write!(f, "left out on request"),
        }
    }
}

/// Values that were nested too deeply, by the types of their components.
#[derive(Debug, Default)]
pub(crate) struct TooDeep(HashMap<ComponentId, (usize, Entity, String)>);

impl TooDeep {
    /// Notes that a component of `holder` is nested too deeply at `path`.
    pub(crate) fn note(&mut self, component: ComponentId, holder: Entity, path: String) {
        match self.0.get_mut(&component) {
            None => {
                self.0.insert(component, (1, holder, path));
            }
            Some((count, first, first_path)) => {
                *count += 1;
                if order(holder) < order(*first) {
                    (*first, *first_path) = (holder, path);
                }
            }
        }
    }

    /// Returns for each type how many components were too deep, and the path in the first of their
    /// holders.
    pub(crate) fn into_iter(self) -> impl Iterator<Item = (ComponentId, usize, String)> {
        let all = self.0.into_iter();
        all.map(|(component, (count, _, path))| (component, count, path))
    }
}

/// Writes how many blind spots there are, and the first of them.
pub(crate) fn write_blind_spots(
    f: &mut fmt::Formatter<'_>,
    spots: &[BlindSpot],
    shown: usize,
) -> fmt::Result {
    if spots.is_empty() {
        return Ok(());
    }
    let count = Counted(spots.len(), "blind spot", "blind spots");
    write!(f, "\n{count}, where there may be more")?;
    write_first(f, spots, shown)
}

/// The longest part of a path that is shown.
const LONGEST_PATH: usize = 60;
