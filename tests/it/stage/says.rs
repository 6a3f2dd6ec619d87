//! Components that answer with a hint.

use bevy_ecs::component::Component;
use qdel::{Destroy, DestroyContext, DestroyHint};

/// Answers with its hint when it is destroyed.
#[derive(Component)]
pub(crate) struct Says(pub(crate) DestroyHint);

impl Destroy for Says {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        self.0
    }
}

/// Lives on. It is of another type than [`Says`], so a test can register it later.
#[derive(Component)]
pub(crate) struct Immortal;

impl Destroy for Immortal {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        DestroyHint::LetMeLive
    }
}
