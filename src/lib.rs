//! Deletion notifications for `bevy_ecs`.
