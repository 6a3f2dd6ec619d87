//! One method is told.

use qdel::{Entity, Lost, prelude::*};

#[derive(References)]
#[references(on_lost = Self::mourn)]
#[references(on_lost = Self::cheer)]
struct Mob {
    #[entities]
    target: Option<Entity>,
}

impl Mob {
    fn mourn(&mut self, _: Lost) {}

    fn cheer(&mut self, _: Lost) {}
}

fn main() {}
