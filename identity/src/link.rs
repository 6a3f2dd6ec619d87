//! A relationship as it is stored with one object: both of its ends there.

use serde::{Deserialize, Serialize};

use crate::{StableId, error::CodecError};

/// The version in which relationships are stored.
pub(crate) const VERSION: u32 = 1;

/// What an object has of one relationship.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Link {
    /// What it relates to.
    pub(crate) target: Option<StableId>,
    /// If it owns what relates to it: these, in order.
    pub(crate) sources: Vec<StableId>,
}

impl Link {
    /// Returns the link as bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("ids should have an encoding")
    }

    /// Reads a link.
    pub(crate) fn decode(version: u32, bytes: &[u8]) -> Result<Self, CodecError> {
        if version != VERSION {
            return Err(CodecError::Newer {
                found: version,
                known: VERSION,
            });
        }
        postcard::from_bytes(bytes).map_err(|error| CodecError::Refused {
            cause: error.into(),
        })
    }
}
