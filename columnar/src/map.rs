//! The bytes of a file, mapped or in memory, and what arrays of numbers they are.
//!
//! The only place of the crate where the compiler is asked to trust: that a mapped file does not
//! change, also when parts of it were let go. Casts are checked, their bounds and their alignment.
#![expect(
    unsafe_code,
    reason = "mapping a file is unsafe, since others could change it; so is letting go of it"
)]

use std::fs::File;
use std::io;

use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Bytes that begin at a multiple of eight.
#[derive(Debug)]
pub(crate) enum Bytes {
    Mapped(memmap2::Mmap),
    Owned { words: Vec<u64>, n_bytes: usize },
}

impl Bytes {
    /// Maps a file that is not empty.
    pub(crate) fn map(file: &File) -> io::Result<Bytes> {
        // SAFETY: the map is only read, and so is the file from here on: who writes one gives it
        // its name when it is finished, and it is replaced or removed as a whole, which leaves the
        // bytes of a map as they are. Were somebody to write into it all the same, numbers and
        // texts would change, which any bytes can be read as; were it cut, reading would end the
        // program with a signal, as for every mapped file.
        unsafe { memmap2::Mmap::map(file) }.map(Bytes::Mapped)
    }

    pub(crate) fn copy(bytes: &[u8]) -> Bytes {
        let mut words = vec![0_u64; bytes.len().div_ceil(8)];
        words.as_mut_bytes().iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Bytes::Owned { words, n_bytes: bytes.len() }
    }

    pub(crate) fn all(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Owned { words, n_bytes } => words.as_bytes().get(..*n_bytes).unwrap_or_default(),
        }
    }

    /// Some of the bytes, if there are as many.
    pub(crate) fn get(&self, place: u64, n_bytes: usize) -> Option<&[u8]> {
        let place = usize::try_from(place).ok()?;
        self.all().get(place..place.checked_add(n_bytes)?)
    }

    /// Has the system take bytes out of this program's memory, until they are read again.
    pub(crate) fn forget(&self, place: u64, n_bytes: usize) {
        #[cfg(unix)]
        if let (Bytes::Mapped(map), Ok(place)) = (self, usize::try_from(place)) {
            let advice = memmap2::UncheckedAdvice::DontNeed;
            // SAFETY: the map is of a file and was never written to, so that what is let go is read
            // from the file again, the same bytes, whoever looks at them meanwhile. It is a hint.
            let _ = unsafe { map.unchecked_advise_range(advice, place, n_bytes) };
        }
    }

    /// Has the system read bytes that are needed soon, all at once.
    pub(crate) fn will_need(&self, place: u64, n_bytes: usize) {
        #[cfg(unix)]
        if let (Bytes::Mapped(map), Ok(place)) = (self, usize::try_from(place)) {
            // It is a hint; without it, bytes come when they are read.
            let _ = map.advise_range(memmap2::Advice::WillNeed, place, n_bytes);
        }
    }
}

/// Bytes as numbers; `None` where they do not begin or end as these do.
pub(crate) fn numbers<T: FromBytes + Immutable>(bytes: &[u8]) -> Option<&[T]> {
    <[T]>::ref_from_bytes(bytes).ok()
}

/// Numbers as bytes.
pub(crate) fn bytes<T: IntoBytes + Immutable>(numbers: &[T]) -> &[u8] {
    numbers.as_bytes()
}
