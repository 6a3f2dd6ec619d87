//! The identity of an object that outlives its entity.

use core::{fmt, num::NonZeroU64, str::FromStr};

use bevy_ecs::component::Component;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use crate::life;

/// The database identity of an object: `#123`.
///
/// It is never used again. An [`Entity`](bevy_ecs::entity::Entity) is a place in one world, which
/// is new each time an object is loaded. A `StableId` is the object itself, resident or not.
///
/// # Examples
///
/// ```
/// use qdel_identity::StableId;
///
/// let sword: StableId = "#123".parse()?;
/// assert_eq!(sword, StableId::new(123)?);
/// assert_eq!(sword.to_string(), "#123");
/// # Ok::<(), qdel_identity::error::StableIdError>(())
/// ```
///
/// As a component, it is on each object that is in a world, by [`Persistent`](crate::Persistent).
/// Do not insert it: an id that was not given is taken away again.
#[derive(Component, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[component(immutable, clone_behavior = Ignore, on_insert = life::carry, on_discard = life::drop_id)]
pub struct StableId(NonZeroU64);

/// Why a number or a text is no [`StableId`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StableIdError {
    /// The number is not between 1 and [`StableId::MAX`].
    #[error("{number} is no stable id; one is between 1 and {}", i64::MAX)]
    OutOfRange {
        /// The number.
        number: u64,
    },
    /// The text is not a number, with or without `#`.
    #[error("`{text}` is no stable id; one is written as `#123`")]
    NotANumber {
        /// The text.
        text: String,
    },
}

impl StableId {
    /// The first id.
    pub const MIN: Self = Self(NonZeroU64::MIN);

    /// The last id. A database that has signed numbers only can hold it.
    pub const MAX: Self = match NonZeroU64::new(i64::MAX as u64) {
        Some(number) => Self(number),
        None => unreachable!(),
    };

    /// Returns the id of that number.
    ///
    /// # Errors
    ///
    /// Returns [`StableIdError::OutOfRange`] for 0, and for numbers above [`StableId::MAX`].
    pub const fn new(number: u64) -> Result<Self, StableIdError> {
        match NonZeroU64::new(number) {
            Some(id) if number <= Self::MAX.get() => Ok(Self(id)),
            _ => Err(StableIdError::OutOfRange { number }),
        }
    }

    /// Returns the number.
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for StableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("#{}", self.0))
    }
}

impl fmt::Debug for StableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for StableId {
    type Err = StableIdError;

    fn from_str(text: &str) -> Result<Self, StableIdError> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        let not_a_number = || StableIdError::NotANumber { text: text.into() };
        // A sign is no digit, though numbers are parsed with one.
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(not_a_number());
        }
        // Too many digits overflow `u64`, which is out of range as well.
        let number = digits.parse().unwrap_or(u64::MAX);
        Self::new(number)
    }
}

impl TryFrom<u64> for StableId {
    type Error = StableIdError;

    fn try_from(number: u64) -> Result<Self, StableIdError> {
        Self::new(number)
    }
}

impl From<StableId> for u64 {
    fn from(id: StableId) -> Self {
        id.get()
    }
}

impl Serialize for StableId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.get())
    }
}

impl<'de> Deserialize<'de> for StableId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        for number in [1, 123, StableId::MAX.get()] {
            let id = StableId::new(number).unwrap();

            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(number.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn what_is_no_id_is_refused_with_the_way_out() {
        let refusal = |text: &str| text.parse::<StableId>().unwrap_err().to_string();

        assert_eq!(
            refusal("#0"),
            "0 is no stable id; one is between 1 and 9223372036854775807"
        );
        assert_eq!(
            refusal("99999999999999999999999"),
            "18446744073709551615 is no stable id; one is between 1 and 9223372036854775807"
        );
        for text in ["", "#", "-1", "+1", "#12a", "##1", "1 "] {
            assert_eq!(
                refusal(text),
                format!("`{text}` is no stable id; one is written as `#123`")
            );
        }
    }

    #[test]
    fn option_of_an_id_takes_no_more_room() {
        assert_eq!(size_of::<Option<StableId>>(), size_of::<StableId>());
    }
}
