//! Worlds for what the common [`Scene`](crate::scene::Scene) does not cover.

mod bystanders;
mod chains;
mod crowded;
mod fickle;
mod generations;
mod mixture;
mod topics;

pub(crate) use self::{
    bystanders::Bystanders,
    chains::Chains,
    crowded::Crowded,
    fickle::{Fickle, Fickles, Rewatching},
    generations::Generations,
    mixture::{Chaser, Mixing, Mixture},
    topics::{Ear, TOPICS, Topic, Topical, Topics},
};
