//! How this process's own memory is allocated.

/// Blocks of this many bytes or more get a mapping of their own.
#[cfg(target_env = "gnu")]
const LARGE: i32 = 1 << 20;

/// Makes the allocator give large blocks back to the system as soon as they are freed.
///
/// glibc learns from each block that is freed, and soon keeps blocks of up to 32 MiB for reuse. A heap's columns have
/// that size, live for a stage each, and fit nobody's place but their own: kept, they made a sixth of the peak.
pub fn return_large_blocks() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: mallopt takes two integers and may be called at any time; a refusal changes nothing.
        #[allow(unsafe_code)]
        unsafe {
            nix::libc::mallopt(nix::libc::M_MMAP_THRESHOLD, LARGE);
        }
    }
}

/// Gives back to the system what small blocks were freed. A stage that makes many of them leaves their room behind, where
/// the large ones of the next do not fit.
pub fn return_free_memory() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: malloc_trim takes an integer and may be called at any time; it touches no block that is in use.
        #[allow(unsafe_code)]
        unsafe {
            nix::libc::malloc_trim(0);
        }
    }
}
