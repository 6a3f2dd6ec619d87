//! The bound for fields that Bevy can map, with a helpful error.

use bevy_ecs::entity::MapEntities;

/// A type that Bevy can map. The derive uses it as a bound.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`#[entities]` asks Bevy to map `{Self}`, and it cannot",
    label = "`MapEntities` is not implemented for this type",
    note = "mark the field with `#[references]` instead of `#[entities]`, and derive `References` for what it is made of; \
            or derive or implement `MapEntities` for that, if scenes are to map it as well"
)]
pub trait Mappable {}

#[diagnostic::do_not_recommend]
impl<T: MapEntities> Mappable for T {}
