//! What the worklist has to know of a world before it can begin.

use bevy_ecs::{entity_disabling::Disabled, world::World};

#[cfg(feature = "bevy_reflect")]
use crate::deletion::wishes;
use crate::{
    books::Books,
    deleting::{self, KindId, Visibility},
    deletion::{
        archetype_flags::{FlagTable, Profiles},
        hiding,
        owned::Ownerships,
        queue::Deletions,
        settings::Hiding,
    },
    signal::qdeleting::Qdeleting,
    statistics::counts::QdelCounts,
};

/// Makes sure that the worklist is there and knows all, and names types that were forgotten.
pub(crate) fn get_ready(world: &mut World) {
    #[cfg(feature = "bevy_reflect")]
    wishes::name_forgotten(world);
    prepare(world);
}

/// Makes sure that the worklist is there and knows all relationships and archetypes.
pub(crate) fn prepare(world: &mut World) {
    let deletions = world.get_resource::<Deletions>();
    if !deletions.is_some_and(|deletions| deletions.is_prepared(world)) {
        learn(world);
    }
}

/// Makes the worklist learn what is new, when it is not [prepared](Deletions::is_prepared).
#[cold]
pub(crate) fn learn(world: &mut World) {
    let Some(deletions) = world.get_resource::<Deletions>() else {
        return prepare_anew(world);
    };
    // A spawn applies the commands that wait, which inside a deletion have to. And in a tear-down,
    // some are seen on purpose.
    let is_idle = deletions.work.is_none();
    let may_lack_mark = is_idle && deletions.profiles.may_lack_mark();
    if !deletions.ownerships.are_current(world) {
        prepare_anew(world);
    } else if !deletions.profiles.are_current(world) {
        keep_up(world);
    }
    if may_lack_mark {
        make_mark(world);
    }
    if is_idle && let Err(panicked) = hiding::hide_shown(world) {
        panicked.resume();
    }
}

/// Makes the worklist, if there is none, and makes it learn anew what there is to own and to
/// destroy.
#[cold]
pub(crate) fn prepare_anew(world: &mut World) {
    world.init_resource::<QdelCounts>();
    Deletions::get_or_init(world);
    let everywhere = FlagTable::register(world);
    let event = world.register_event_key::<Qdeleting>();
    let ownerships = Ownerships::of(world);
    let books = world.get_resource::<Books>();
    let targets = books.map_or(Vec::new(), |books| books.marks.kinds().to_vec());
    let mut deletions = world.resource_mut::<Deletions>();
    let destroyed = deletions.destroyers.components();
    let hiding = deletions.settings.hiding;
    deletions.profiles = Profiles::new(&everywhere, &ownerships, &targets, destroyed, hiding);
    deletions.ownerships = ownerships;
    deletions.event = Some(event);
    keep_up(world);
}

/// Makes the worklist, if there is one, know the kinds of targets that are new.
pub(crate) fn know_targets(world: &mut World) {
    if world.contains_resource::<Deletions>() {
        prepare_anew(world);
    }
}

/// Makes the worklist know the archetypes that are new.
pub(crate) fn keep_up(world: &mut World) {
    with_profiles(world, Profiles::keep_up);
}

/// Makes the archetype of a mark alone, if there is none and no hook or observer sees how. From
/// then on, it shows whether marks are observed.
#[cold]
fn make_mark(world: &mut World) {
    if with_profiles(world, Profiles::lacks_mark) {
        let epoch = world.resource::<Deletions>().epoch;
        let mark = deleting::mark(epoch, Visibility::AsItWas, false, false, KindId::OTHERS);
        match world.resource::<Deletions>().settings.hiding {
            Hiding::Hide => world.spawn((mark, Disabled)).despawn(),
            Hiding::LeaveVisible => world.spawn(mark).despawn(),
        }
        keep_up(world);
    }
}

fn with_profiles<T>(world: &mut World, look: impl FnOnce(&mut Profiles, &World) -> T) -> T {
    let mut profiles = core::mem::take(&mut world.resource_mut::<Deletions>().profiles);
    let seen = look(&mut profiles, world);
    world.resource_mut::<Deletions>().profiles = profiles;
    seen
}
