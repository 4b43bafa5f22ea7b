//! Turns bytes in any encoding that the web knows into UTF-8, as a stream, and finds out which encoding it is.
//! It exists because spreadsheets on half of the world's desks still write their local code page.
//! It never replaces a byte without counting it and remembering where.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    Decoder, DecoderResult, Encoding, ISO_8859_15, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252,
};

use crate::error::SchemaError;

/// UTF-8 as it should be.
pub(crate) const PLAIN_UTF8: &str = "UTF-8";
/// UTF-8 with some bytes that are not.
pub(crate) const BROKEN_UTF8: &str = "UTF-8 with undecodable bytes";

const CHUNK_BYTES: usize = 64 * 1024;

/// Bytes that could not be decoded, and characters that no store takes.
#[derive(Debug)]
pub(crate) struct Faults {
    count: AtomicU64,
    first_byte: AtomicU64,
    n_nuls: AtomicU64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            count: AtomicU64::new(0),
            first_byte: AtomicU64::new(u64::MAX),
            n_nuls: AtomicU64::new(0),
        }
    }
}

impl Faults {
    fn add(&self, at_byte: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.first_byte.fetch_min(at_byte, Ordering::Relaxed);
    }

    /// Counts characters of text that are NUL.
    pub(crate) fn add_nuls(&self, count: u64) {
        self.n_nuls.fetch_add(count, Ordering::Relaxed);
    }

    /// Whether anything became U+FFFD.
    pub(crate) fn any(&self) -> bool {
        self.get().is_some() || self.n_nuls.load(Ordering::Relaxed) > 0
    }

    /// Returns how many and the first one's byte in the file.
    pub(crate) fn get(&self) -> Option<(u64, u64)> {
        let count = self.count.load(Ordering::Relaxed);
        (count > 0).then(|| (count, self.first_byte.load(Ordering::Relaxed)))
    }
}

/// Returns the encoding by its name in a plan or an option.
pub(crate) fn encoding_named(name: &str) -> Option<&'static Encoding> {
    if name == BROKEN_UTF8 { Some(UTF_8) } else { Encoding::for_label(name.as_bytes()) }
}

/// Returns the encoding that the first bytes prove: a mark, or the zeros of UTF-16.
pub(crate) fn encoding_of_head(head: &[u8]) -> Option<&'static Encoding> {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return (encoding != UTF_8).then_some(encoding);
    }
    let sample = head.get(..head.len().min(4_096)).unwrap_or_default();
    let (mut even, mut odd) = (0_usize, 0_usize);
    for (place, byte) in sample.iter().enumerate() {
        if *byte == 0 {
            if place % 2 == 0 { even += 1 } else { odd += 1 }
        }
    }
    // ASCII in UTF-16 has a zero in every second place and none in the others. Of Cyrillic or Chinese text only the
    // delimiters and line ends are ASCII: what is decoded must then be text.
    let encoding = match (even, odd) {
        (1.., 0) => UTF_16BE,
        (0, 1..) => UTF_16LE,
        _ => return None,
    };
    let whole = sample.get(..sample.len() & !1).unwrap_or_default();
    let text = encoding.decode_without_bom_handling(whole).0;
    // The sample may end inside a character.
    let is_text = |char: char| !char.is_control() || char.is_ascii_whitespace();
    let n_odd = text.chars().rev().skip(1).filter(|char| *char == '\u{FFFD}' || !is_text(*char));
    let has_line_or_is_ascii = text.contains(['\n', '\r']) || (even + odd) * 3 >= whole.len() / 2;
    (n_odd.count() == 0 && has_line_or_is_ascii).then_some(encoding)
}

/// What tells ISO 8859-15 from Windows-1252, which differ in eight characters only.
#[derive(Default)]
struct LatinMarks {
    before: u8,
    /// Bytes that only Windows-1252 has.
    has_windows_bytes: bool,
    /// Signs of euros, and letters between letters, where Windows-1252 has odd signs and fractions.
    n_latin9: u64,
}

impl LatinMarks {
    fn feed(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.has_windows_bytes |= (0x80..=0x9F).contains(&byte);
            let is_after_ligature =
                matches!(self.before, 0xBC | 0xBD) && byte.is_ascii_alphabetic();
            self.n_latin9 += u64::from(byte == 0xA4 || is_after_ligature);
            self.before = byte;
        }
    }

    fn is_latin9(&self) -> bool {
        !self.has_windows_bytes && self.n_latin9 > 0
    }
}

/// Judges a text that is not valid UTF-8 over all its bytes; returns the name for the plan.
pub(crate) fn detect(mut source: impl Read) -> Result<&'static str, SchemaError> {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    let mut utf8 = UTF_8.new_decoder_with_bom_removal();
    let mut latin = LatinMarks::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut decoded = vec![0; CHUNK_BYTES * 3];
    let (mut n_faults, mut n_foreign) = (0_u64, 0_u64);
    loop {
        let n_read = source.read(&mut chunk).map_err(crate::blocks::unwrap_schema_error)?;
        let bytes = chunk.get(..n_read).unwrap_or_default();
        let last = n_read == 0;
        detector.feed(bytes, last);
        latin.feed(bytes);
        let mut rest = bytes;
        loop {
            let (result, n_used, n_written) =
                utf8.decode_to_utf8_without_replacement(rest, &mut decoded, last);
            let written = decoded.get(..n_written).unwrap_or_default();
            // Each character beyond ASCII has one leading byte.
            n_foreign +=
                u64::try_from(written.iter().filter(|byte| **byte >= 0xC0).count()).unwrap_or(0);
            rest = rest.get(n_used..).unwrap_or_default();
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => n_faults += 1,
            }
        }
        if last {
            break;
        }
    }
    // Four valid characters for each fault do not happen by chance: it is UTF-8, damaged.
    if n_foreign >= 4 * n_faults {
        return Ok(BROKEN_UTF8);
    }
    let guess = detector.guess(None, Utf8Detection::Deny);
    Ok(if guess == WINDOWS_1252 && latin.is_latin9() { ISO_8859_15 } else { guess }.name())
}

/// Gives UTF-8 while reading another encoding.
pub(crate) struct DecodingReader<R> {
    source: R,
    decoder: Decoder,
    input: Vec<u8>,
    input_at: usize,
    input_end: usize,
    output: Vec<u8>,
    output_at: usize,
    /// Bytes of the source before `input`.
    n_before: u64,
    ended: bool,
    faults: Option<Arc<Faults>>,
}

impl<R: Read> DecodingReader<R> {
    pub(crate) fn new(source: R, encoding: &'static Encoding, faults: Option<Arc<Faults>>) -> Self {
        Self {
            source,
            decoder: encoding.new_decoder_with_bom_removal(),
            input: vec![0; CHUNK_BYTES],
            input_at: 0,
            input_end: 0,
            output: Vec::with_capacity(CHUNK_BYTES * 3 + 16),
            output_at: 0,
            n_before: 0,
            ended: false,
            faults,
        }
    }

    fn fill(&mut self) -> std::io::Result<()> {
        self.output.clear();
        self.output_at = 0;
        while self.output.is_empty() && !self.ended {
            if self.input_at == self.input_end {
                self.n_before += u64::try_from(self.input_end).unwrap_or_default();
                self.input_at = 0;
                self.input_end = self.source.read(&mut self.input)?;
                self.ended = self.input_end == 0;
            }
            self.decode();
        }
        Ok(())
    }

    fn decode(&mut self) {
        let mut space = vec![0; CHUNK_BYTES * 3];
        loop {
            let rest = self.input.get(self.input_at..self.input_end).unwrap_or_default();
            let (result, n_used, n_written) =
                self.decoder.decode_to_utf8_without_replacement(rest, &mut space, self.ended);
            self.input_at += n_used;
            self.output.extend_from_slice(space.get(..n_written).unwrap_or_default());
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(length, after) => {
                    let back = u64::from(length) + u64::from(after);
                    let at = self.n_before + u64::try_from(self.input_at).unwrap_or_default();
                    if let Some(faults) = &self.faults {
                        faults.add(at.saturating_sub(back));
                    }
                    self.output.extend_from_slice("\u{FFFD}".as_bytes());
                }
            }
        }
    }
}

impl<R: Read> Read for DecodingReader<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.output_at == self.output.len() {
            self.fill()?;
        }
        let ready = self.output.get(self.output_at..).unwrap_or_default();
        let n = ready.len().min(out.len());
        if let (Some(out), Some(ready)) = (out.get_mut(..n), ready.get(..n)) {
            out.copy_from_slice(ready);
        }
        self.output_at += n;
        Ok(n)
    }
}
