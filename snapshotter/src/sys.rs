//! System calls that need `unsafe`, each behind a safe function. Nothing else in this crate may.
#![expect(
    unsafe_code,
    reason = "the only place for it: see each block's SAFETY note"
)]

pub(crate) mod mmap;
