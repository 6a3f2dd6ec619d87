//! A field with a policy says which entities it names, too.

use qdel::prelude::*;

struct Opaque;

#[derive(References)]
struct Mob {
    #[references(qdel)]
    owner: Opaque,
}

fn main() {}
