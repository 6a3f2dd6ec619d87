//! What happens to registrations that come too late, when it is decided that their target goes.

use bevy_ecs::{
    change_detection::DetectChangesMut,
    error::{BevyError, Severity},
    world::{DeferredWorld, World},
};

use crate::{
    books::{
        Books,
        call::Call,
        enter::OnDuplicate,
        ids::{Entry, HandlerId, KeyId},
        pending::ToldLate,
    },
    error::RegisterError,
    panics::catch,
};

/// How deep the calls may nest that tell a listener of a target on which it registers again. A
/// listener that always does so would go on for ever.
const DEEPEST: u32 = 16;

/// Answers a registration that was refused when its command was applied. If the target is going or
/// gone, the listener is told at once.
///
/// `handler` returns the key and the handler of the registration.
pub(crate) fn refuse(
    world: &mut World,
    error: RegisterError,
    on_duplicate: OnDuplicate,
    handler: impl FnOnce(&mut World) -> (KeyId, HandlerId),
) -> Result<(), BevyError> {
    let severity = match error {
        RegisterError::TargetNotSpawned(registration)
        | RegisterError::TargetDeleting(registration) => {
            let (key, handler) = handler(world);
            let entry = Entry {
                listener: registration.listener,
                target: registration.target,
                key,
            };
            return answer(world, entry, handler, error, on_duplicate);
        }
        // The listener is gone.
        RegisterError::ListenerNotSpawned(_) | RegisterError::ListenerDeleting(_) => {
            Severity::Debug
        }
        RegisterError::AlreadyRegistered(_)
        | RegisterError::MissingComponent(_)
        | RegisterError::ReservedTarget(_)
        | RegisterError::MarkRemoved(_) => Severity::Warning,
    };
    Err(BevyError::from(error).with_severity(severity))
}

/// Tells the listener of a registration that its target is going or gone, unless it was told
/// before.
fn answer(
    world: &mut World,
    entry: Entry,
    handler: HandlerId,
    error: RegisterError,
    on_duplicate: OnDuplicate,
) -> Result<(), BevyError> {
    let mut books = world.resource_mut::<Books>();
    let books = books.bypass_change_detection();
    let call = books.table.call(handler);
    if books.was_told(entry) {
        if on_duplicate == OnDuplicate::Ensure {
            return Ok(());
        }
        // It is still in the books until its target is gone.
        let error = RegisterError::AlreadyRegistered(error.registration());
        return Err(BevyError::from(error).with_severity(Severity::Warning));
    }
    let depth = books.told_late.entry(entry).or_default();
    if *depth == DEEPEST {
        let registration = error.registration();
        log::warn!(
            "{registration} again and again, each time that it is told that it comes too late: it was told {DEEPEST} times, and is not \
             any more; skip targets that are not `Liveness::Alive`"
        );
        return Err(BevyError::from(error).with_severity(Severity::Debug));
    }
    *depth += 1;
    let told = catch(|| {
        let told = call.tell_missed(
            &mut DeferredWorld::from(&mut *world),
            entry.listener,
            entry.target,
        );
        if let Call::World(_) = call {
            // So that calls caused by these commands are counted.
            world.flush();
        }
        told
    });
    ascend(world, entry);
    match told {
        Ok(true) => Ok(()),
        Ok(false) => Err(BevyError::from(error).with_severity(Severity::Warning)),
        Err(panicked) => panicked.resume(),
    }
}

/// Ends a call that [`answer`] has counted.
fn ascend(world: &mut World, entry: Entry) {
    // The world may have been cleared.
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return;
    };
    let nested = &mut books.bypass_change_detection().told_late;
    if let Some(depth) = nested.get_mut(&entry) {
        *depth -= 1;
        if *depth == 0 {
            nested.remove(&entry);
        }
    }
    if nested.is_empty() && nested.capacity() > 64 {
        *nested = ToldLate::default();
    }
}
