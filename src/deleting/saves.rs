//! How marks are loaded from saves: no entity that is loaded is being deleted.

use bevy_ecs::{
    component::Component,
    entity_disabling::Disabled,
    reflect::{ReflectComponent, ReflectComponentFns},
    world::EntityWorldMut,
};
use bevy_reflect::{
    CreateTypeData, PartialReflect, Reflect, ReflectRef, TypePath, TypeRegistration,
};

/// Takes an entity out of hiding when a mark is inserted or applied by reflection.
///
/// The mark has a field `visibility`, which says whether its entity was hidden by the deletion.
#[derive(Clone)]
pub(super) struct ReflectSaved;

impl<Mark: Component + Reflect + TypePath> CreateTypeData<Mark> for ReflectSaved {
    fn create_type_data((): ()) -> Self {
        Self
    }

    fn insert_dependencies(registration: &mut TypeRegistration) {
        let usual = <ReflectComponent as CreateTypeData<Mark>>::create_type_data(());
        registration.insert(ReflectComponent::new(ReflectComponentFns {
            insert: |entity, mark, _| load::<Mark>(entity, mark),
            apply: |_, _| {},
            apply_or_insert_mapped: |entity, mark, _, _, _| load::<Mark>(entity, mark),
            copy: |from, to, source, target, _| {
                if let Some(mark) = from.get::<Mark>(source) {
                    load::<Mark>(&mut to.entity_mut(target), mark);
                }
            },
            ..usual.fn_pointers().clone()
        }));
    }
}

/// Takes an entity out of hiding if its deletion hid it when it was saved. An entity that is being
/// deleted now stays hidden.
fn load<Mark: Component>(entity: &mut EntityWorldMut, mark: &dyn PartialReflect) {
    if was_hidden(mark) && !entity.contains::<Mark>() {
        entity.remove::<Disabled>();
    }
}

fn was_hidden(mark: &dyn PartialReflect) -> bool {
    let ReflectRef::Struct(mark) = mark.reflect_ref() else {
        return false;
    };
    let visibility = mark.field("visibility").map(PartialReflect::reflect_ref);
    let Some(ReflectRef::Enum(visibility)) = visibility else {
        return false;
    };
    visibility.variant_name() == "Hidden"
}
