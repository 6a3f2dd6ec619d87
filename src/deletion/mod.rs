//! The life of a deletion.
//!
//! ```text
//! qdel
//!   ask       PreQdel is sent for the entity and all it owns: handlers can only look, and may veto
//!   mark      all of them become `deleting`: hidden from queries, weak handles answer None
//!   tell      Qdeleting is sent for each, owner before owned: handlers, then Bevy's observers
//!             then the commands that handlers queued are applied
//!   destroy   Destroy of each component that has one, owner before owned: their hints decide what
//!             follows
//!             then the commands that they queued are applied
//!   release   declared references let go of those that do not live on
//!   ...                                                  <- end of the frame, or `flush_qdel`
//!   tear down owned before owner, oldest deletion first, until the frame's budget is spent
//! ```
//!
//! What users call is in `ext`. How signals reach handlers is in `signal`, how fields let go in
//! `reference`, and how a sweep looks through a world in `sweep`. This room says when each of that
//! happens.
//!
//! # Invariants
//!
//! 1. In one deletion, each entity is marked once, told once, destroyed once, and despawned once.
//! 2. There is one worklist. A deletion that begins inside another one is asked about and marked at
//!    once, and told and destroyed when the worklist gets to it. Files here name each other one
//!    way. Nothing recurses, however long the chain of handlers or of owners. (The commands that
//!    an observer of the mark queues are Bevy's. It applies those that a command queued inside it.)
//! 3. If user code panics, all that was marked is still told and destroyed, and stays queued for
//!    its tear-down. Then the first panic resumes.
//! 4. An entity is torn down after all were told of it, and after what it owns. So at every pause
//!    of a tear-down, each listener has let go of what is gone.
//! 5. The world may be cleared by user code at any time. Each worklist has an epoch, which tells it
//!    from one that was made after that.
//!
//! Only this room calls Bevy's `despawn`.
//!
//! # Files
//!
//! In the order of a deletion's life:
//!
//! | file | what it does |
//! | --- | --- |
//! | `worklist` | begins the outermost deletion, and works the list off |
//! | `begin` | begins a deletion inside another one |
//! | `fast_path` | deletes what no stage has anything to do with |
//! | `only_heard`, `quiet_tree` | the same for what only listeners hear of; for unheard owners |
//! | `short_ways` | what must be known of a worklist for these |
//! | `prepare` | learns what is new in the world: relationships, archetypes |
//! | `look_before_asking` | reads the fields that may refuse |
//! | `ask`, `owned` | ask for vetoes; find out what goes along |
//! | `batch_claims`, `batch_groups`, `batch_objections` | the same for a batch |
//! | `plain_batch` | marks the part of a batch that goes without a question |
//! | `mark`, `hiding`, `copies` | put the mark on; hide and show; leave the mark out of clones |
//! | `notify` | tells, destroys and queues those that were marked together |
//! | `decide`, `destroy` | call [`Destroy`](crate::Destroy), and turn hints into fates |
//! | `watch_late`, `destroy_late` | notice and destroy components that come late |
//! | `settle` | makes declared references let go, and meets what their policies demand |
//! | `sync_references`, `sync_point` | read fields until nothing is lost; say when that is needed |
//! | `end_of_target`, `track` | the same after a plain despawn; begin to track a type |
//! | `tear_down`, `tear_down_owner`, `despawn` | the order; an owner from a stack; one entity |
//! | `quiet_runs` | tears down a row of entities whose end calls no code |
//! | `budget`, `storage` | how long a tear-down may take; whether it may go on after a panic |
//! | `remembered`, `sweep_in_flush`, `sweep_results` | who is looked for; sweep; tell the result |
//! | `sweep_on_demand`, `shut_down` | sweep when asked to; delete everything |
//! | `timer`, `plan` | delete later; say what a deletion would do |
//! | `counting`, `never_flushed` | count what happens; warn if nothing ever flushes |
//! | `reflected`, `wishes` | types that ask by reflection to be tracked or destroyed |
//!
//! Data, most of it in the one resource of `queue`: `archetype_flags`, `destroyers`, `goal`,
//! `late_components`, `looked`, `notice`, `owner_stack`, `settings`, `tear_down_queue`. What
//! deletions answer: `outcome`, `batch_outcome`.

pub(crate) mod archetype_flags;
pub(crate) mod ask;
pub(crate) mod batch_claims;
pub(crate) mod batch_groups;
pub(crate) mod batch_objections;
pub(crate) mod batch_outcome;
pub(crate) mod begin;
pub(crate) mod budget;
pub(crate) mod copies;
pub(crate) mod counting;
pub(crate) mod decide;
pub(crate) mod despawn;
pub(crate) mod destroy;
pub(crate) mod destroy_late;
pub(crate) mod destroyers;
pub(crate) mod end_of_target;
pub(crate) mod fast_path;
pub(crate) mod goal;
pub(crate) mod hiding;
pub(crate) mod late_components;
pub(crate) mod look_before_asking;
pub(crate) mod looked;
pub(crate) mod mark;
pub(crate) mod never_flushed;
pub(crate) mod notice;
pub(crate) mod notify;
pub(crate) mod only_heard;
pub(crate) mod outcome;
pub(crate) mod owned;
pub(crate) mod owner_stack;
pub(crate) mod plain_batch;
pub(crate) mod plan;
pub(crate) mod prepare;
pub(crate) mod queue;
pub(crate) mod quiet_runs;
pub(crate) mod quiet_tree;
#[cfg(feature = "bevy_reflect")]
pub(crate) mod reflected;
pub(crate) mod remembered;
pub(crate) mod settings;
pub(crate) mod settle;
pub(crate) mod short_ways;
pub(crate) mod shut_down;
pub(crate) mod storage;
pub(crate) mod sweep_in_flush;
pub(crate) mod sweep_on_demand;
pub(crate) mod sweep_results;
#[cfg(feature = "bevy_app")]
pub(crate) mod sync_point;
pub(crate) mod sync_references;
pub(crate) mod tear_down;
pub(crate) mod tear_down_owner;
pub(crate) mod tear_down_queue;
pub(crate) mod timer;
pub(crate) mod track;
pub(crate) mod watch_late;
#[cfg(feature = "bevy_reflect")]
pub(crate) mod wishes;
pub(crate) mod worklist;
