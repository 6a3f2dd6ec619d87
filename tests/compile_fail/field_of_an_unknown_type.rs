//! A marked field says which entities it names.

use std::sync::Arc;

use qdel::{Entity, prelude::*};

struct Opaque;

#[derive(References)]
struct Mob {
    #[references]
    opaque: Opaque,
    #[references]
    list: Vec<Opaque>,
    #[entities]
    shared: Arc<Option<Entity>>,
}

fn main() {}
