//! The method that is told takes what was lost.

use qdel::{Entity, Lost, prelude::*};

#[derive(References)]
#[references(on_lost = Self::mourn)]
struct Mob {
    #[entities]
    target: Option<Entity>,
}

impl Mob {
    fn mourn(&mut self, _: Vec<Entity>) {}
}

#[derive(References)]
#[references(on_lost = Self::look)]
struct Eye {
    #[entities]
    target: Option<Entity>,
}

impl Eye {
    fn look(self, _: Lost) {}
}

#[derive(References)]
#[references(on_lost = Self::missing)]
struct Nobody {
    #[entities]
    target: Option<Entity>,
}

fn main() {}
