//! A unit that was read and is decoded, before anything of it is in the world.

use std::collections::{HashMap, VecDeque};

use crate::{
    StableId,
    error::{CodecError, LoadError},
    hash::hash_of,
    link::Link,
    load::carried::CarriedAlong,
    map::{IdentityMap, Saved},
    registry::{Classes, Named, stored_type::Fill},
    store::{Record, StoredComponent, Unit},
};

/// A member of a unit, decoded.
pub(super) struct Member {
    pub(super) id: StableId,
    pub(super) owner: Option<StableId>,
    /// Its relationships, by number.
    pub(super) links: Vec<(usize, Link)>,
    /// Its components.
    pub(super) fills: Vec<Fill>,
    pub(super) carried: Option<CarriedAlong>,
    /// What it names, its owner apart.
    pub(super) names: Vec<StableId>,
    /// What the store has of it.
    pub(super) saved: Saved,
}

/// Decodes a unit. Its members come owners first, and those of one owner in the order of ids.
pub(super) fn decode(
    unit: Unit,
    classes: &Classes,
    map: &IdentityMap,
) -> Result<Vec<Member>, LoadError> {
    let root = unit.root;
    let mut members = Vec::with_capacity(unit.members.len());
    for (id, record) in unit.members {
        // It is deleted, and the store does not know yet.
        if map.is_deleted(id) {
            continue;
        }
        if map.entity(id).is_some() {
            let member = id;
            return Err(LoadError::Overlaps { id: root, member });
        }
        let record = record.map_err(|damage| LoadError::Damaged { id: root, damage })?;
        members.push(decode_record(id, record, classes)?);
    }
    Ok(owners_first(members))
}

fn decode_record(id: StableId, record: Record, classes: &Classes) -> Result<Member, LoadError> {
    let mut member = Member {
        id,
        owner: record.owner,
        links: Vec::new(),
        fills: Vec::with_capacity(record.components.len()),
        carried: None,
        saved: Saved::hash(hash_of(&record)),
        names: Vec::new(),
    };
    let mut unknown = Vec::new();
    for component in record.components {
        let StoredComponent {
            name,
            version,
            bytes,
        } = component;
        match classes.named(&name) {
            Some(Named::Component(stored)) => match stored.decode(version, &bytes) {
                Ok(fill) => member.fills.push(fill),
                Err(cause) => return Err(codec_error(id, name, cause)),
            },
            Some(Named::Relationship(number)) => match Link::decode(version, &bytes) {
                Ok(link) => member.links.push((*number, link)),
                Err(cause) => return Err(codec_error(id, name, cause)),
            },
            None => unknown.push(StoredComponent {
                name,
                version,
                bytes,
            }),
        }
    }
    if !unknown.is_empty() {
        let is_unknown = |index: &str| !classes.stored().any(|stored| stored.has_index(index));
        let mut keys = record.keys;
        keys.retain(|key| is_unknown(&key.index));
        member.carried = Some(CarriedAlong {
            components: unknown,
            names: record.names.clone(),
            keys,
        });
    }
    member.names = record.names;
    Ok(member)
}

fn codec_error(id: StableId, component: String, cause: CodecError) -> LoadError {
    LoadError::Codec {
        id,
        component,
        cause,
    }
}

/// Puts each member after its owner.
fn owners_first(members: Vec<Member>) -> Vec<Member> {
    let places: HashMap<_, _> = members
        .iter()
        .zip(0..)
        .map(|(it, at)| (it.id, at))
        .collect();
    let mut owned = vec![Vec::new(); members.len()];
    let mut next = VecDeque::new();
    for (at, member) in members.iter().enumerate() {
        match member.owner.and_then(|owner| places.get(&owner)) {
            Some(&owner) => {
                let owner: usize = owner;
                owned[owner].push(at);
            }
            None => next.push_back(at),
        }
    }
    let mut members: Vec<_> = members.into_iter().map(Some).collect();
    let mut sorted = Vec::with_capacity(members.len());
    while let Some(at) = next.pop_front() {
        sorted.extend(members[at].take());
        next.extend(&owned[at]);
    }
    // Who owns each other in a circle has no first.
    sorted.extend(members.into_iter().flatten());
    sorted
}
