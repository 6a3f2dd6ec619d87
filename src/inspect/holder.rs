//! Places that name an entity, and the entities that hold them.

use core::fmt;

use disqualified::ShortName;

use crate::{inspect::label::EntityLabel, reference::policy::OnLoss};

/// An entity with components that name the target, or with a resource that does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The holder itself.
    pub label: EntityLabel,
    /// The places that name the target: components in the order of their names, and places in the
    /// order of their fields.
    pub places: Vec<Place>,
    /// The shortest way from a root to the holder. The root comes first, and the entity that names
    /// the holder comes last. Empty if the holder is a root itself. `None` if no root leads to it
    /// within [`MAX_DEPTH`](crate::find::MAX_DEPTH) steps without the target.
    ///
    /// Among ways of the same length, it is the one through the entities with the lowest index and
    /// generation.
    pub chain: Option<Vec<ChainLink>>,
}

/// A place in a component that names an entity.
///
/// Its `Display` is `Mob.friends[3]`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The type name of the component, with its path.
    pub component: String,
    /// The path in the component: `.friends[3]`. The number of an entry of a hash map or set is its
    /// place in the present order of the map.
    pub path: String,
    /// The kind of the place.
    pub kind: PlaceKind,
}

impl Place {
    /// Returns the type name of the component without its path.
    pub(crate) fn short_component(&self) -> String {
        ShortName(&self.component).to_string()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", ShortName(&self.component), self.path)
    }
}

/// The kind of a place that names an entity, which says whether it may dangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PlaceKind {
    /// A declared reference of a tracked type, which is released when the entity goes.
    Declared(OnLoss),
    /// A plain `Entity`, which is only cleared by your code.
    Plain,
    /// A [`Weak`](crate::WeakEntity) handle, which does no harm when the entity is gone.
    Weak,
    /// A relationship or an observer, which Bevy keeps and clears.
    Kept,
}

impl PlaceKind {
    /// Returns the remark of a report on a place of this kind.
    pub(crate) fn remark(self) -> &'static str {
        match self {
            Self::Declared(OnLoss::Clear) => "declared",
            Self::Declared(OnLoss::Remove) => "declared: remove",
            Self::Declared(OnLoss::Qdel) => "declared: qdel",
            Self::Declared(OnLoss::Deny) => "declared: deny",
            Self::Plain => "not declared",
            Self::Weak => "weak",
            Self::Kept => "kept by Bevy",
        }
    }
}

/// Whether a place holds an entity or only knows its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    Strong,
    #[cfg_attr(
        not(feature = "bevy_reflect"),
        expect(dead_code, reason = "handles are found by reflection")
    )]
    Weak,
}

/// A step of a chain: an entity that names the next one, or the holder.
///
/// Its `Display` is `Score.best of resource Score`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChainLink {
    /// The entity of this step.
    pub label: EntityLabel,
    /// The first place that names the next entity.
    pub place: Place,
}

impl fmt::Display for ChainLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.place, self.label)
    }
}
