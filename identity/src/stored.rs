//! How a type of component is stored.

use core::{any::type_name, fmt, marker::PhantomData};
use std::collections::BTreeMap;

use bevy_ecs::component::Component;
use serde::{Serialize, de::DeserializeOwned};

use crate::error::CodecError;

type Encode<C> = Box<dyn Fn(&C, &mut Vec<u8>) -> Result<(), CodecError> + Send + Sync>;
type Decode<C> = Box<dyn Fn(&[u8]) -> Result<C, CodecError> + Send + Sync>;
type Key<C> = Box<dyn Fn(&C) -> Option<Vec<u8>> + Send + Sync>;
type HeapSize<C> = Box<dyn Fn(&C) -> usize + Send + Sync>;

/// How the components `C` are stored: under which name and version, by which codec, and in which
/// indexes.
///
/// The name is yours, and stays when the type is renamed or moves. The version is written with each
/// value. A value of an older version is read by the upgrade from it.
///
/// # Examples
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel_identity::Stored;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Component, Serialize, Deserialize, PartialEq, Debug)]
/// struct Health { left: u32, most: u32 }
///
/// // In version 1 it was a number.
/// let stored = Stored::<Health>::new("Health")
///     .with_version(2)
///     .with_upgrade(1, |left: u32| Health { left, most: 100 });
///
/// let old = postcard::to_stdvec(&40_u32)?;
/// assert_eq!(stored.decode(1, &old)?, Health { left: 40, most: 100 });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Stored<C> {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) indexes: Vec<(String, Key<C>)>,
    pub(crate) heap_size: Option<HeapSize<C>>,
    encode: Encode<C>,
    decode: Decode<C>,
    upgrades: BTreeMap<u32, Decode<C>>,
    component: PhantomData<fn() -> C>,
}

impl<C: Component + Serialize + DeserializeOwned> Stored<C> {
    /// Stores under `name` what serde writes, in version 1.
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_codec(name, encode_by_serde, |bytes| decode_by_serde(bytes))
    }
}

impl<C: Component> Stored<C> {
    /// Stores under `name` what `encode` writes and `decode` reads, in version 1.
    ///
    /// What `encode` appends must not depend on anything but the component: a component is written
    /// again when its bytes have changed.
    pub fn with_codec(
        name: impl Into<String>,
        encode: impl Fn(&C, &mut Vec<u8>) -> Result<(), CodecError> + Send + Sync + 'static,
        decode: impl Fn(&[u8]) -> Result<C, CodecError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            version: 1,
            indexes: Vec::new(),
            heap_size: None,
            encode: Box::new(encode),
            decode: Box::new(decode),
            upgrades: BTreeMap::new(),
            component: PhantomData,
        }
    }

    /// Writes this version, and reads it.
    #[must_use]
    pub fn with_version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Reads values of the version `from` as an `Old`, and makes a `C` of each.
    #[must_use]
    pub fn with_upgrade<Old: DeserializeOwned>(
        self,
        from: u32,
        upgrade: impl Fn(Old) -> C + Send + Sync + 'static,
    ) -> Self {
        self.with_decoder(from, move |bytes| decode_by_serde(bytes).map(&upgrade))
    }

    /// Reads values of the version `from` by `decode`.
    #[must_use]
    pub fn with_decoder(
        mut self,
        from: u32,
        decode: impl Fn(&[u8]) -> Result<C, CodecError> + Send + Sync + 'static,
    ) -> Self {
        self.upgrades.insert(from, Box::new(decode));
        self
    }

    /// Lets objects be found under the `key` of their `C` in the index `name`, also while they are
    /// not resident. An object without a key is not found.
    #[must_use]
    pub fn with_index<K: Into<Vec<u8>>>(
        mut self,
        name: impl Into<String>,
        key: impl Fn(&C) -> Option<K> + Send + Sync + 'static,
    ) -> Self {
        let key = move |component: &C| key(component).map(Into::into);
        self.indexes.push((name.into(), Box::new(key)));
        self
    }

    /// Counts `bytes` of each component on the heap, beside those of the component itself.
    #[must_use]
    pub fn with_heap_size(mut self, bytes: impl Fn(&C) -> usize + Send + Sync + 'static) -> Self {
        self.heap_size = Some(Box::new(bytes));
        self
    }

    /// Returns the latest version from which an upgrade leads.
    pub(crate) fn last_upgrade(&self) -> Option<u32> {
        self.upgrades.keys().next_back().copied()
    }

    /// Appends the encoded component to `bytes`.
    ///
    /// # Errors
    ///
    /// Returns [`CodecError::Refused`] if the codec refuses it.
    pub fn encode(&self, component: &C, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
        (self.encode)(component, bytes)
    }

    /// Reads a component that was written in `version`.
    ///
    /// # Errors
    ///
    /// Returns [`CodecError::Newer`] for a later version, [`CodecError::NoUpgrade`] for an earlier
    /// one without an upgrade, and [`CodecError::Refused`] if the bytes do not make one.
    pub fn decode(&self, version: u32, bytes: &[u8]) -> Result<C, CodecError> {
        if version == self.version {
            return (self.decode)(bytes);
        }
        match self.upgrades.get(&version) {
            Some(decode) => decode(bytes),
            None if version > self.version => Err(CodecError::Newer {
                found: version,
                known: self.version,
            }),
            None => Err(CodecError::NoUpgrade {
                found: version,
                known: self.version,
            }),
        }
    }
}

impl<C> fmt::Debug for Stored<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("component", &type_name::<C>())
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

fn encode_by_serde<C: Serialize>(component: &C, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
    *bytes = postcard::to_extend(component, core::mem::take(bytes)).map_err(refused)?;
    Ok(())
}

fn decode_by_serde<C: DeserializeOwned>(bytes: &[u8]) -> Result<C, CodecError> {
    let (component, rest) = postcard::take_from_bytes(bytes).map_err(refused)?;
    if rest.is_empty() {
        Ok(component)
    } else {
        Err(CodecError::Refused {
            cause: format!("{} bytes are left over", rest.len()).into(),
        })
    }
}

fn refused(error: postcard::Error) -> CodecError {
    CodecError::Refused {
        cause: error.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Component, Serialize, Deserialize, Debug, PartialEq)]
    struct Title(String);

    #[test]
    fn component_is_read_as_it_was_written() {
        let stored = Stored::<Title>::new("Title");
        let mut bytes = vec![7];

        stored.encode(&Title("King".into()), &mut bytes).unwrap();

        assert_eq!(bytes[0], 7);
        assert_eq!(stored.decode(1, &bytes[1..]).unwrap(), Title("King".into()));
    }

    /// I6, I15: a value of another version is upgraded, or refused with the way out.
    #[test]
    fn versions_are_told_apart() {
        let stored = Stored::<Title>::new("Title")
            .with_version(3)
            .with_upgrade(2, |number: u8| Title(format!("number {number}")));

        assert_eq!(stored.decode(2, &[9]).unwrap(), Title("number 9".into()));
        assert_eq!(
            stored.decode(1, &[]).unwrap_err().to_string(),
            "it was written in version 1, and there is no upgrade from it to 3; add one by `Stored::with_upgrade`"
        );
        assert_eq!(
            stored.decode(4, &[]).unwrap_err().to_string(),
            "it was written in version 4, and this program knows 3; use the program that wrote it"
        );
    }

    #[test]
    fn bytes_that_are_left_over_are_refused() {
        let stored = Stored::<Title>::new("Title");
        let mut bytes = Vec::new();
        stored.encode(&Title("King".into()), &mut bytes).unwrap();
        bytes.push(0);

        let refused = stored.decode(1, &bytes).unwrap_err();

        assert_eq!(
            refused.to_string(),
            "its codec refuses it: 1 bytes are left over"
        );
    }
}
