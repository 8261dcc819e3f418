//! Asks the processor for memory that will be looked at soon.

/// Starts to bring `column[index]` into the cache; does nothing when there is no such element.
#[inline]
pub(crate) fn prefetch<T>(column: &[T], index: usize) {
    let Some(element) = column.get(index) else { return };
    #[cfg(target_arch = "x86_64")]
    // SAFETY: this is a hint that reads nothing, and the address is that of an element.
    #[allow(unsafe_code)]
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = element;
}
