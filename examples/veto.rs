//! A thief wants to burn a chest, but the crown inside does not burn before its quest is over.
//!
//! Shows: asking before a deletion, a veto from deep inside a tree, and what `force` means to its
//! handler.

use bevy_ecs::prelude::*;
use qdel::prelude::*;

#[derive(Component)]
struct QuestItem {
    is_delivered: bool,
}

impl QuestItem {
    /// Can only look: nothing changes while it is asked.
    fn must_stay(&self, asked: Received<PreQdel>) -> QdelVerdict {
        if self.is_delivered || asked.force {
            QdelVerdict::Allow
        } else {
            QdelVerdict::Veto
        }
    }
}

/// Spawns a chest with a coin and a crown in it, and returns the three.
fn spawn_chest(world: &mut World) -> Result<[Entity; 3]> {
    let chest = world.spawn_empty().id();
    let coin = world.spawn(ChildOf(chest)).id();
    let quest = QuestItem {
        is_delivered: false,
    };
    let crown = world.spawn((quest, ChildOf(chest))).id();
    world.register_signal(crown, crown, QuestItem::must_stay)?;
    Ok([chest, coin, crown])
}

fn main() -> Result {
    let mut world = World::new();
    let tree @ [chest, coin, crown] = spawn_chest(&mut world)?;

    // One veto stops the whole tree, and nothing has happened.
    assert_eq!(world.qdel(chest)?, QdelOutcome::Vetoed { on: crown });
    assert!(
        tree.iter()
            .all(|entity| world.liveness(*entity) == Liveness::Alive)
    );

    // What the crown does not own may go.
    assert_eq!(world.qdel(coin)?, QdelOutcome::Queued);

    // A crown that was delivered is a piece of metal.
    let mut quest = world
        .get_mut::<QuestItem>(crown)
        .ok_or("the crown should be there")?;
    quest.is_delivered = true;
    assert_eq!(world.qdel(chest)?, QdelOutcome::Queued);
    assert_eq!(world.flush_qdel(), 3);

    // An admin's word is a word that this handler listens to; another need not.
    let [chest, _, crown] = spawn_chest(&mut world)?;
    assert_eq!(world.force_qdel(chest)?, QdelOutcome::Queued);
    assert_eq!(world.liveness(crown), Liveness::Deleting);
    Ok(())
}
