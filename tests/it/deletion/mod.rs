//! Deletions: what they answer, in which order they go, and what they survive.

mod asked;
mod batch;
mod batch_order;
mod broken_drop;
mod budget;
mod cleared;
mod company;
mod copies;
mod destroy;
mod fields;
mod hiding;
mod hints;
mod late_destroy;
mod life;
mod ownership;
mod plan;
mod timers;
mod unnoticed;
