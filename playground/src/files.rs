//! The built app, embedded.

use crate::Asset;
use crate::encoding::Encoding;
use std::io::Read as _;
use std::sync::OnceLock;

/// A file of the app in two encodings. Plain bytes would double the binary's growth, and hardly a
/// client asks for them: they are unpacked when one does, once.
#[derive(Debug)]
pub(crate) struct EmbeddedFile {
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) immutable: bool,
    /// Of the brotli, the gzip and the plain bytes.
    pub(crate) etags: [&'static str; 3],
    pub(crate) brotli: &'static [u8],
    pub(crate) gzip: &'static [u8],
    pub(crate) plain: OnceLock<Vec<u8>>,
}

// `FILES`, sorted by path, as `scripts/embed.mjs` wrote it.
include!(concat!(env!("OUT_DIR"), "/files.rs"));

pub(crate) fn find(path: &str) -> Option<&'static EmbeddedFile> {
    let index = FILES.binary_search_by(|file| file.path.cmp(path)).ok()?;
    FILES.get(index)
}

impl EmbeddedFile {
    pub(crate) fn encoded(&'static self, encoding: Encoding) -> Asset {
        let [etag_of_brotli, etag_of_gzip, etag_of_plain] = self.etags;
        let (body, content_encoding, etag) = match encoding {
            Encoding::Brotli => (self.brotli, Some("br"), etag_of_brotli),
            Encoding::Gzip => (self.gzip, Some("gzip"), etag_of_gzip),
            Encoding::Plain => (self.plain(), None, etag_of_plain),
        };
        Asset {
            body,
            content_type: self.content_type,
            content_encoding,
            etag,
            immutable: self.immutable,
        }
    }

    fn plain(&'static self) -> &'static [u8] {
        self.plain.get_or_init(|| {
            let mut body = Vec::new();
            // The bytes are ours and a test unpacks them all, so this cannot fail; a short body
            // would be seen by the client as the broken script that it is.
            let _ = flate2::read::GzDecoder::new(self.gzip).read_to_end(&mut body);
            body
        })
    }
}
