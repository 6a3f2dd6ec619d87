//! Counts the heap bytes that a piece of work leaves behind.
//!
//! Counting is off except inside [`bytes_left_by`], so that the timed scenarios pay one predictable
//! branch an allocation. (Counters that are always on cost two locked additions for each
//! allocation, which would slow down exactly those variants that allocate.)
#![expect(unsafe_code, reason = "a global allocator cannot be written without")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicIsize, Ordering::Relaxed},
};

#[global_allocator]
static ALLOCATOR: Counting = Counting {
    on: AtomicBool::new(false),
    live: AtomicIsize::new(0),
};

/// Runs `work` and returns how many more heap bytes are allocated after it than before.
pub(crate) fn bytes_left_by(work: impl FnOnce()) -> isize {
    ALLOCATOR.live.store(0, Relaxed);
    ALLOCATOR.on.store(true, Relaxed);
    work();
    ALLOCATOR.on.store(false, Relaxed);
    ALLOCATOR.live.load(Relaxed)
}

/// The system's allocator, with a count of live bytes that can be switched on.
struct Counting {
    on: AtomicBool,
    live: AtomicIsize,
}

impl Counting {
    /// Notes that `after` bytes are live where `before` bytes were.
    #[inline]
    fn note(&self, before: usize, after: usize) {
        if self.on.load(Relaxed) {
            self.live
                .fetch_add(after.wrapping_sub(before).cast_signed(), Relaxed);
        }
    }
}

// SAFETY: every call is handed on unchanged to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.note(0, layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.note(0, layout.size());
        // SAFETY: the caller keeps the contract of `alloc_zeroed`, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        self.note(layout.size(), 0);
        // SAFETY: `block` came from `System` with this layout, as all blocks do.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        self.note(layout.size(), new_size);
        // SAFETY: `block` came from `System` with this layout, and the caller answers for
        // `new_size`.
        unsafe { System.realloc(block, layout, new_size) }
    }
}
