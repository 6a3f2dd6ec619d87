//! How a component is stored, without its type.

use bevy_ecs::{
    component::Component,
    entity::{Entity, EntityMapper},
    query::Changed,
    world::{EntityRef, EntityWorldMut, World},
};

use crate::{
    StableId, Stored,
    error::CodecError,
    names, panics,
    store::{IndexKey, StoredComponent},
};

/// Puts a component that was read onto its entity.
pub(crate) type Fill = Box<dyn FnOnce(&mut EntityWorldMut<'_>) + Send>;

/// A [`Stored`] without the type of its component.
///
/// Codecs and index functions are not ours. What they panic with comes back as an error.
pub(crate) trait StoredType: Send + Sync {
    /// The name under which it is stored.
    fn name(&self) -> &str;

    /// Encodes the component of `entity`, and adds what it names and where it is found.
    fn encode(
        &self,
        entity: EntityRef<'_>,
        names: &mut Vec<StableId>,
        keys: &mut Vec<IndexKey>,
    ) -> Result<Option<StoredComponent>, CodecError>;

    /// Reads a component.
    fn decode(&self, version: u32, bytes: &[u8]) -> Result<Fill, CodecError>;

    /// Adds the objects whose component has changed since the last change tick of the world.
    fn changed(&self, world: &mut World, found: &mut Vec<StableId>);

    /// Returns `true` if one of the indexes has that name.
    fn has_index(&self, name: &str) -> bool;
}

impl<C: Component> StoredType for Stored<C> {
    fn name(&self) -> &str {
        &self.name
    }

    fn encode(
        &self,
        entity: EntityRef<'_>,
        names: &mut Vec<StableId>,
        keys: &mut Vec<IndexKey>,
    ) -> Result<Option<StoredComponent>, CodecError> {
        let Some(component) = entity.get::<C>() else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        panics::caught(|| {
            names::collect(names, || Stored::encode(self, component, &mut bytes))?;
            // What cannot be read again is noticed now, while nothing is lost yet.
            if may_name_entities::<C>() {
                refuse_entities(&mut Stored::decode(self, self.version, &bytes)?)?;
            }
            for (index, key) in &self.indexes {
                if let Some(key) = key(component) {
                    let index = index.clone();
                    keys.push(IndexKey { index, key });
                }
            }
            Ok(())
        })
        .unwrap_or_else(panicked)?;
        Ok(Some(StoredComponent {
            name: self.name.clone(),
            version: self.version,
            bytes,
        }))
    }

    fn decode(&self, version: u32, bytes: &[u8]) -> Result<Fill, CodecError> {
        panics::caught(|| {
            let mut component = Stored::decode(self, version, bytes)?;
            refuse_entities(&mut component)?;
            let fill: Fill = Box::new(move |entity| {
                entity.insert(component);
            });
            Ok(fill)
        })
        .unwrap_or_else(panicked)
    }

    fn changed(&self, world: &mut World, found: &mut Vec<StableId>) {
        changed::<C>(world, found);
    }

    fn has_index(&self, name: &str) -> bool {
        self.indexes.iter().any(|(index, _)| index == name)
    }
}

/// Adds the objects whose `C` has changed since the last change tick of the world.
pub(crate) fn changed<C: Component>(world: &mut World, found: &mut Vec<StableId>) {
    let mut query = world.query_filtered::<&StableId, Changed<C>>();
    found.extend(query.iter(world));
}

fn panicked<T>(message: String) -> Result<T, CodecError> {
    Err(CodecError::Panicked { message })
}

/// Returns `false` if there is no room for an entity in a `C`.
fn may_name_entities<C>() -> bool {
    size_of::<C>() >= size_of::<Entity>() || core::mem::needs_drop::<C>()
}

/// Fails if a component has entities in fields that Bevy can map.
fn refuse_entities<C: Component>(component: &mut C) -> Result<(), CodecError> {
    let mut seen = Seen(false);
    C::map_entities(component, &mut seen);
    if seen.0 {
        return Err(CodecError::NamesEntities);
    }
    Ok(())
}

/// Notes that an entity was seen, and maps each to itself.
struct Seen(bool);

impl EntityMapper for Seen {
    fn get_mapped(&mut self, source: Entity) -> Entity {
        self.0 = true;
        source
    }

    fn set_mapped(&mut self, _: Entity, _: Entity) {}
}
