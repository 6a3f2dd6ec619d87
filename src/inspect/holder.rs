//! Whoever names an entity, and where.

use core::fmt;

use disqualified::ShortName;

use crate::{inspect::label::EntityLabel, reference::policy::OnLoss};

/// An entity whose components name the target, or a resource that does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// Who it is.
    pub label: EntityLabel,
    /// Where it names the target: component by component in the order of their names, and within
    /// one in the order of its fields.
    pub places: Vec<Place>,
    /// The shortest way from a root to the holder: the root first, and last whoever names the
    /// holder. Empty if the holder is a root itself; `None` if no root leads to it within
    /// [`MAX_DEPTH`](crate::find::MAX_DEPTH) steps, but by way of the target.
    ///
    /// Among ways of the same length it is the one through the entities with the lowest index and
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
    /// Where in the component it is: `.friends[3]`. The number of an entry of a hash map or set is
    /// its place in the order that the map has at present.
    pub path: String,
    /// What kind of a place it is.
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

/// What kind of a place names an entity: whether somebody sees to it that it does not dangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PlaceKind {
    /// A declared reference of a tracked type, which is released when the entity goes.
    Declared(OnLoss),
    /// A plain `Entity`, which nobody clears but whoever wrote it.
    Plain,
    /// A [`Weak`](crate::WeakEntity) handle, which does no harm when the entity is gone.
    Weak,
    /// What Bevy keeps and clears: a relationship, or an observer.
    Kept,
}

impl PlaceKind {
    /// Returns what a report says of a place of this kind.
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

/// Whether a place holds an entity or merely knows it.
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
    /// Who it is.
    pub label: EntityLabel,
    /// Where it names the next: the first of the places, if there are several.
    pub place: Place,
}

impl fmt::Display for ChainLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.place, self.label)
    }
}
