//! What becomes of an entity after its components were destroyed.

/// What a [`Destroy`](crate::Destroy) wants done with its entity.
///
/// Where several components of an entity answer, the strongest hint wins. From the weakest to the
/// strongest, as the derived order has it:
///
/// | hint | the entity | and then |
/// | --- | --- | --- |
/// | `Queue` | is torn down in its turn | |
/// | `FindReferencesOnFail` | is torn down in its turn | its leftovers are reported, if any |
/// | `FindReferences` | is torn down in its turn | its holders were reported before |
/// | `HardDelete` | is torn down at the next flush | its leftovers are emptied |
/// | `HardDeleteNow` | is torn down before the outermost `qdel` returns | the same |
/// | `IWillHandleIt` | stays marked and hidden until you despawn it | |
/// | `LetMeLive` | lives on, unless the deletion is forced | |
///
/// A hint that can be made up for later is weaker than one that cannot. A search and a tear-down
/// can be made later. A tear-down that was not wanted cannot be undone.
///
/// Declared references are released with each hint, unless the entity lives on.
/// [`ReferencesFound`](crate::find::ReferencesFound) reports what `FindReferencesOnFail` and
/// `FindReferences` found, and [`SweepFinished`](crate::sweep::SweepFinished) what was swept. One
/// sweep serves all entities that were torn down since the last flush, at the pace of
/// [`QdelSettings::sweep_pace`](crate::QdelSettings::sweep_pace). The sweep of `HardDeleteNow`
/// comes at once.
///
/// With [`Mode::Off`](crate::sweep::Mode::Off) there is no search, and the hints only say when the
/// tear-down comes. There is none either for an entity that is despawned plainly before its
/// tear-down.
///
/// The names are those of Space Station 13: `QDEL_HINT_QUEUE`, `IFFAIL_FINDREFERENCE`,
/// `FINDREFERENCE`, `HARDDEL`, `HARDDEL_NOW`, `IWILLGC` and `LETMELIVE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum DestroyHint {
    /// Tear the entity down in its turn.
    #[doc(alias = "QDEL_HINT_QUEUE")]
    #[default]
    Queue,
    /// Tear the entity down in its turn, then report the fields that still name it.
    ///
    /// They are not emptied. A report takes a
    /// [search](crate::WorldReferencesExt::find_references) for each entity, so a sweep reports the
    /// first eight entities only. The places that name the others are in the report of
    /// [`SweepFinished`](crate::sweep::SweepFinished).
    #[doc(alias = "QDEL_HINT_IFFAIL_FINDREFERENCE")]
    FindReferencesOnFail,
    /// Report what names the entity, and tear it down in its turn.
    ///
    /// That is a [search](crate::WorldReferencesExt::find_references) for each entity.
    #[doc(alias = "QDEL_HINT_FINDREFERENCE")]
    FindReferences,
    /// Tear the entity down at the next flush, without regard to the budget, and empty the fields
    /// that still name it.
    #[doc(alias = "QDEL_HINT_HARDDEL")]
    HardDelete,
    /// Tear the entity down before the outermost deletion returns, and empty the fields that still
    /// name it.
    #[doc(alias = "QDEL_HINT_HARDDEL_NOW")]
    HardDeleteNow,
    /// Do not tear the entity down: you despawn it.
    ///
    /// Until then it stays marked and hidden, hears no signals, and nothing here looks at it again.
    /// It leaves its owner, if that is torn down. What it owns is torn down as if it had no owner.
    #[doc(alias = "QDEL_HINT_IWILLGC")]
    IWillHandleIt,
    /// Take the deletion back, for this entity and for what it owns.
    ///
    /// It is alive as before: queries see it if they did, its weak handles resolve, and its
    /// registrations are given back. What handlers and the [`Destroy`](crate::Destroy) of its own
    /// components did stays done. What it owns is not destroyed. If its owner is torn down, it
    /// leaves that.
    ///
    /// A forced deletion goes on all the same, and
    /// [`QdelCounts::overruled`](crate::statistics::QdelCounts) counts it.
    #[doc(alias = "QDEL_HINT_LETMELIVE")]
    LetMeLive,
}
