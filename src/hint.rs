//! What is to become of an entity whose components were destroyed.

/// What a [`Destroy`](crate::Destroy) wants done with its entity.
///
/// Where several components of an entity answer, the strongest hint wins. From the weakest to the
/// strongest, as the derived order has it:
///
/// | hint | the entity | |
/// | --- | --- | --- |
/// | `Queue` | is torn down in its turn | |
/// | `FindReferencesOnFail` | is torn down in its turn | and who names it is looked for if somebody still does then |
/// | `FindReferences` | is torn down in its turn | and who names it is looked for |
/// | `HardDelete` | is torn down at the next flush, whatever the budget | and swept out of all that still names it |
/// | `HardDeleteNow` | is torn down before the outermost `qdel` returns | and swept out of all that still names it |
/// | `IWillHandleIt` | stays marked and hidden until you despawn it | |
/// | `LetMeLive` | lives on | unless the deletion is forced |
///
/// The order follows the damage that is done if a hint is passed over: a search can be made up for,
/// a tear-down that came late too, and one that came at all cannot.
///
/// Declared references are cleared whatever the hint. What is found by the second and the third is
/// told by [`ReferencesFound`](crate::find::ReferencesFound), and what is swept by
/// [`SweepFinished`](crate::sweep::SweepFinished). One sweep serves all who were torn down since
/// the last flush, in slices if [`QdelSettings::sweep_pace`](crate::QdelSettings::sweep_pace) says
/// so; that of `HardDeleteNow` comes at once. With [`Mode::Off`](crate::sweep::Mode::Off) nothing
/// is looked for, and the hints only say when the tear-down comes. Whoever is despawned plainly
/// before its tear-down is not looked for.
///
/// The names are those of Space Station 13: `QDEL_HINT_QUEUE`, `IFFAIL_FINDREFERENCE`,
/// `FINDREFERENCE`, `HARDDEL`, `HARDDEL_NOW`, `IWILLGC` and `LETMELIVE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum DestroyHint {
    /// Nothing special: tear it down in its turn.
    #[doc(alias = "QDEL_HINT_QUEUE")]
    #[default]
    Queue,
    /// Tear it down in its turn, sweep for who names it still, and tell of them if there are any;
    /// they are not cleared.
    ///
    /// Telling takes a [search](crate::WorldReferencesExt::find_references) for each, so no more
    /// than the first eight of a sweep are told of; the places that name the others are in the
    /// report of [`SweepFinished`](crate::sweep::SweepFinished).
    #[doc(alias = "QDEL_HINT_IFFAIL_FINDREFERENCE")]
    FindReferencesOnFail,
    /// Tear it down in its turn, and before that look for who names it.
    ///
    /// That is a [search](crate::WorldReferencesExt::find_references) for each of them.
    #[doc(alias = "QDEL_HINT_FINDREFERENCE")]
    FindReferences,
    /// Tear it down at the next flush, whatever the budget, and sweep for who names it still.
    #[doc(alias = "QDEL_HINT_HARDDEL")]
    HardDelete,
    /// Tear it down before the outermost deletion returns, and sweep for who names it still.
    #[doc(alias = "QDEL_HINT_HARDDEL_NOW")]
    HardDeleteNow,
    /// Do not tear it down: whoever says so despawns it.
    ///
    /// Until then it stays marked and hidden, hears no signals, and nothing here looks at it again.
    /// It leaves what owns it, if that is torn down, and what it owns is torn down on its own
    /// account.
    #[doc(alias = "QDEL_HINT_IWILLGC")]
    IWillHandleIt,
    /// Take the deletion back, for this entity and for what it owns.
    ///
    /// It is alive as it was before: seen by queries if it was, named by its weak handles, and
    /// listened to by whoever still can. What handlers and the [`Destroy`](crate::Destroy) of its
    /// own components did stays done. What it owns is not destroyed at all. If its owner is torn
    /// down, it leaves that.
    ///
    /// A forced deletion goes on all the same, and
    /// [`QdelCounts::overruled`](crate::statistics::QdelCounts) counts it.
    #[doc(alias = "QDEL_HINT_LETMELIVE")]
    LetMeLive,
}
