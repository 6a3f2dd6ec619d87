//! How the answers of several handlers become one.

/// What handlers answer to a signal, merged in the order of the calls.
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
    /// Adds the answer of the next handler to what was answered so far.
    fn merge(&mut self, next: Self);
}

/// Nothing to say: the answer of most signals.
impl Answer for () {
    fn merge(&mut self, (): Self) {}
}

/// Whether anybody said `true`.
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
