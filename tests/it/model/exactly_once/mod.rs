//! Everything at once: whatever deletes whatever, at whatever moment, each deletion happens once.
//!
//! Rule Q3 of the design in the large, with the hints of Q6 and the timers of Q9.

mod crowd;
mod owned;
mod stack;

use crate::stage::{LoadedOn, in_a_process_of_its_own};
use bevy_ecs::{prelude::*, world::DeferredWorld};
use core::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use proptest::{collection::vec, prelude::*};
use qdel::{Deleting, QdelCause, prelude::*, statistics::QdelCounts, testing::WorkClock};
use std::sync::Arc;

/// Where an entity stands in its life, by what was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Alive,
    Deleting(Heard),
    /// It is despawned this moment.
    Leaving(Heard),
    Gone,
}

/// How often what happened in one deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Heard {
    told: [u8; 2],
    observed: u8,
    destroyed: u8,
    is_forced: bool,
}

/// Returns the stage of a life after `event`, if that may happen in it.
fn next(stage: Stage, event: Event) -> Option<Stage> {
    match (stage, event) {
        (Stage::Alive, Event::Marked) => Some(Stage::Deleting(Heard::default())),
        (Stage::Alive, Event::Leaving) => Some(Stage::Leaving(Heard::default())),
        (Stage::Deleting(mut heard), event) => match event {
            Event::Told {
                by,
                cause,
                is_forced,
            } if heard.destroyed == 0 && cause != QdelCause::Despawn => {
                heard.is_forced = is_forced;
                heard.told[by] += 1;
                (heard.told[by] == 1).then_some(Stage::Deleting(heard))
            }
            Event::Observed if heard.destroyed == 0 && heard.told == [1, 1] => {
                heard.observed += 1;
                (heard.observed == 1).then_some(Stage::Deleting(heard))
            }
            Event::Destroyed(_) if heard.told == [1, 1] && heard.observed == 1 => {
                heard.destroyed += 1;
                (heard.destroyed == 1).then_some(Stage::Deleting(heard))
            }
            Event::Unmarked if !heard.is_forced => {
                (heard.told == [1, 1] && heard.observed == 1).then_some(Stage::Alive)
            }
            Event::Leaving => Some(Stage::Leaving(heard)),
            _ => None,
        },
        (Stage::Leaving(mut heard), event) => match event {
            // It was marked and not told about, or not even marked.
            Event::Told {
                by,
                cause: QdelCause::Despawn,
                ..
            } => {
                heard.told[by] += 1;
                (heard.told[by] == 1).then_some(Stage::Leaving(heard))
            }
            Event::Unmarked => Some(stage),
            Event::Left => (heard.told == [1, 1]).then_some(Stage::Gone),
            _ => None,
        },
        (Stage::Gone, Event::Unmarked) => Some(Stage::Gone),
        _ => None,
    }
}

fn hint() -> impl Strategy<Value = DestroyHint> {
    prop_oneof![
        2 => Just(DestroyHint::Queue),
        1 => Just(DestroyHint::FindReferencesOnFail),
        1 => Just(DestroyHint::FindReferences),
        1 => Just(DestroyHint::HardDelete),
        1 => Just(DestroyHint::HardDeleteNow),
        1 => Just(DestroyHint::IWillHandleIt),
        3 => Just(DestroyHint::LetMeLive),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Marked,
    /// By itself, or by the chronicler.
    Told {
        by: usize,
        cause: QdelCause,
        is_forced: bool,
    },
    Observed,
    Destroyed(DestroyHint),
    Unmarked,
    Leaving,
    Left,
}

impl Event {
    fn told(by: usize, told: &Qdeleting) -> Self {
        Self::Told {
            by,
            cause: told.cause,
            is_forced: told.force,
        }
    }
}

/// Hears of others.
#[derive(Component)]
struct Ear;

/// Who went, in order.
#[derive(Resource, Default)]
struct Gone(Vec<Entity>);
