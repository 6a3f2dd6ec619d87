//! What it takes to track or destroy a type that says so by reflection.

use core::any::type_name;

use bevy_reflect::CreateTypeData;
use disqualified::ShortName;

use crate::{
    deletion::{
        destroy::{self, Destroy},
        track,
        wishes::{ReflectDestroy, ReflectReferences, Wish},
    },
    reference::{self, reach::TrackedComponent},
};

impl<C> CreateTypeData<C> for ReflectReferences
where
    C: TrackedComponent,
{
    fn create_type_data((): ()) -> Self {
        Self(Wish {
            name: type_name::<C>(),
            is_fulfilled: |world| {
                let component = world.components().component_id::<C>();
                component.is_some_and(|component| reference::tracked::is_tracked(world, component))
            },
            fulfil: |world| {
                track::track::<C>(world);
            },
            warn: |name| {
                let name = ShortName(name);
                log::warn!(
                    "passing over `{name}`, which derives `References` and is not tracked: nobody has its fields let go; write \
                     `world.track_references::<{name}>()`, or add `QdelPlugin`"
                );
            },
        })
    }
}

impl<C: Destroy> CreateTypeData<C> for ReflectDestroy {
    fn create_type_data((): ()) -> Self {
        Self(Wish {
            name: type_name::<C>(),
            is_fulfilled: destroy::is_registered::<C>,
            fulfil: |world| {
                destroy::register::<C>(world);
            },
            warn: |name| {
                let name = ShortName(name);
                log::warn!(
                    "passing over `{name}`, which has a `Destroy` and is not registered: nobody calls it; write \
                     `world.register_destroy::<{name}>()`, or add `QdelPlugin`"
                );
            },
        })
    }
}
