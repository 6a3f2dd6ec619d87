//! Worlds for what the common [`Scene`](crate::scene::Scene) does not cover.

mod bystanders;
mod chains;
mod fickle;
mod generations;

pub(crate) use self::{
    bystanders::Bystanders,
    chains::Chains,
    fickle::{Fickle, Fickles, Rewatching},
    generations::Generations,
};
