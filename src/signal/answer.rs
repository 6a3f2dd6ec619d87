//! How the answers of several handlers become one.

/// The answer of handlers to a signal, merged in the order of the calls.
///
/// The first answer is merged into the default, so the default must change nothing.
///
/// ```
/// use qdel::Answer;
///
/// /// The cheapest offer wins.
/// #[derive(Default, Debug, PartialEq)]
/// struct Offer(Option<u32>);
///
/// impl Answer for Offer {
///     fn merge(&mut self, next: Self) {
///         self.0 = [self.0, next.0].into_iter().flatten().min();
///     }
/// }
///
/// let mut best = Offer::default();
/// best.merge(Offer(Some(12)));
/// best.merge(Offer(Some(7)));
/// best.merge(Offer(None));
/// assert_eq!(best, Offer(Some(7)));
/// ```
#[doc(alias = "collect")]
pub trait Answer: Default + 'static {
    /// Merges the answer of the next handler into the answers so far.
    fn merge(&mut self, next: Self);
}

/// No answer, as for most signals.
impl Answer for () {
    fn merge(&mut self, (): Self) {}
}

/// Whether any handler answered `true`.
impl Answer for bool {
    fn merge(&mut self, next: Self) {
        *self |= next;
    }
}

/// Bit flags, united.
impl Answer for u32 {
    fn merge(&mut self, next: Self) {
        *self |= next;
    }
}

/// Bit flags, united.
impl Answer for u64 {
    fn merge(&mut self, next: Self) {
        *self |= next;
    }
}

/// All answers, in order.
impl<T: 'static> Answer for Vec<T> {
    fn merge(&mut self, next: Self) {
        self.extend(next);
    }
}
