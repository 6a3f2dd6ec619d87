//! What a store keeps of one object.

use crc32fast::hash as crc32;
use serde::{Deserialize, Serialize};

use crate::{
    StableId,
    error::{Damage, DamageKind},
};

/// The layout of encoded records that this version writes, and the newest that it reads.
const FORMAT: u8 = 1;

/// Bytes of the checksum at the end of an encoded record.
const CHECKSUM: usize = 4;

/// What a store keeps of one object.
///
/// All but the components is there for the store: it can find the members of a unit, and what an
/// object names, without knowing a single type of the game.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Record {
    /// The topmost owner: the object itself, if nothing owns it.
    pub root: StableId,
    /// The object that owns it.
    pub owner: Option<StableId>,
    /// The objects that it names, its owner apart: each once, in order.
    pub names: Vec<StableId>,
    /// Under what it is found: each once, in order.
    pub keys: Vec<IndexKey>,
    /// Its components, by name.
    pub components: Vec<StoredComponent>,
}

/// An entry of an index: the object is found under `key`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IndexKey {
    /// The name of the index.
    pub index: String,
    /// The key, as bytes.
    pub key: Vec<u8>,
}

/// A component as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StoredComponent {
    /// The name that it was registered by.
    pub name: String,
    /// The version that it was written in.
    pub version: u32,
    /// Its value, as its codec wrote it.
    pub bytes: Vec<u8>,
}

impl Record {
    /// Returns a record of an object that nothing owns, without components.
    pub fn new(id: StableId) -> Self {
        Self {
            root: id,
            owner: None,
            names: Vec::new(),
            keys: Vec::new(),
            components: Vec::new(),
        }
    }

    /// Returns the record as bytes: the layout's number, the record, and a checksum of both.
    ///
    /// # Panics
    ///
    /// Never: each type in a record has an encoding.
    ///
    /// # Examples
    ///
    /// ```
    /// use qdel_identity::{StableId, store::Record};
    ///
    /// let id = StableId::new(7)?;
    /// let bytes = Record::new(id).encode();
    /// assert_eq!(Record::decode(id, &bytes).unwrap(), Record::new(id));
    /// # Ok::<(), qdel_identity::error::StableIdError>(())
    /// ```
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = postcard::to_extend(self, vec![FORMAT])
            .expect("each type in a record should have an encoding");
        let checksum = crc32(&bytes);
        bytes.extend(checksum.to_le_bytes());
        bytes
    }

    /// Reads the record of `id` from the bytes that [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    ///
    /// Returns [`Damage`] if the bytes are cut, were changed, or are of a later version of this
    /// crate.
    pub fn decode(id: StableId, bytes: &[u8]) -> Result<Self, Damage> {
        let damaged = |kind| Damage { id, kind };
        let Some((body, checksum)) = bytes.split_last_chunk::<CHECKSUM>() else {
            return Err(damaged(DamageKind::Cut { bytes: bytes.len() }));
        };
        let [wanted, found] = [u32::from_le_bytes(*checksum), crc32(body)];
        if wanted != found {
            return Err(damaged(DamageKind::Checksum { wanted, found }));
        }
        let Some((&format, body)) = body.split_first() else {
            return Err(damaged(DamageKind::Cut { bytes: bytes.len() }));
        };
        if format != FORMAT {
            return Err(damaged(DamageKind::Format {
                found: format,
                known: FORMAT,
            }));
        }
        match postcard::take_from_bytes(body) {
            Ok((record, [])) => Ok(record),
            Ok(_) | Err(_) => Err(damaged(DamageKind::Undecodable)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sword() -> (StableId, Record) {
        let [room, sword, smith] = [3, 40, 500].map(|number| StableId::new(number).unwrap());
        let record = Record {
            root: room,
            owner: Some(room),
            names: vec![smith],
            keys: vec![IndexKey {
                index: "name".into(),
                key: b"Excalibur".to_vec(),
            }],
            components: vec![StoredComponent {
                name: "Sharp".into(),
                version: 2,
                bytes: vec![0, 255, 7],
            }],
        };
        (sword, record)
    }

    /// I15: a byte that was changed, anywhere, is noticed.
    #[test]
    fn record_with_any_bit_flipped_is_damaged() {
        let (id, record) = sword();
        let bytes = record.encode();
        assert_eq!(Record::decode(id, &bytes), Ok(record));

        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << bit;

                let damage = Record::decode(id, &bytes).unwrap_err();

                assert_eq!(damage.id, id);
                assert!(matches!(damage.kind, DamageKind::Checksum { .. }));
            }
        }
    }

    /// I15: a record that was cut, anywhere, is noticed.
    #[test]
    fn record_that_is_cut_is_damaged() {
        let (id, record) = sword();
        let bytes = record.encode();

        for length in 0..bytes.len() {
            assert!(Record::decode(id, &bytes[..length]).is_err());
        }
    }

    /// I15: a record of a later version is told apart from one that was damaged.
    #[test]
    fn record_of_the_future_is_refused_as_such() {
        let (id, record) = sword();
        let mut bytes = record.encode();
        bytes.truncate(bytes.len() - CHECKSUM);
        bytes[0] = FORMAT + 1;
        let checksum = crc32(&bytes);
        bytes.extend(checksum.to_le_bytes());

        let damage = Record::decode(id, &bytes).unwrap_err();

        assert_eq!(
            damage.kind,
            DamageKind::Format {
                found: FORMAT + 1,
                known: FORMAT
            }
        );
    }
}
