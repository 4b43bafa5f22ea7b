//! Seals a position in an order as an opaque text, and opens it again.
//!
//! A cursor holds every value that its row was sorted by, as JSON, so that the next page needs no
//! counting and survives new versions. It is signed: what comes back is what this server wrote, for
//! this workspace, dataset and order, or it is refused with the reason.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The first byte of every cursor: how the others are laid out.
const FORMAT: u8 = 1;
/// Bytes that stand for a dataset, an order or its types; only the signature has to be strong.
const FINGERPRINT_BYTES: usize = 4;
const HEADER_BYTES: usize = 1 + 3 * FINGERPRINT_BYTES;
/// Half of SHA-256, which RFC 2104 allows.
const TAG_BYTES: usize = 16;

/// What cursors are signed with; derived from a secret of the server.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct CursorKey([u8; 32]);

impl CursorKey {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> CursorKey {
        CursorKey(bytes)
    }
}

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

/// The key that signs cursors, and former ones whose cursors are still taken.
#[derive(Clone, Debug)]
pub struct CursorKeys {
    keys: Vec<CursorKey>,
    fingerprint: [u8; FINGERPRINT_BYTES],
}

impl CursorKeys {
    /// The first key signs. Without any, no cursor is ever taken.
    pub fn new(keys: Vec<CursorKey>) -> CursorKeys {
        let mut fingerprint = [0; FINGERPRINT_BYTES];
        if let Some(key) = keys.first() {
            let digest = keyed(key).chain_update(b"fingerprint").finalize().into_bytes();
            fingerprint.iter_mut().zip(digest).for_each(|(place, byte)| *place = byte);
        }
        CursorKeys { keys, fingerprint }
    }

    /// Tells the signing key from others, and tells nothing else of it.
    pub fn fingerprint(&self) -> [u8; FINGERPRINT_BYTES] {
        self.fingerprint
    }
}

/// Why a cursor is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Not written by this server for this workspace, or changed since.
    #[error("is not a cursor of this server; pass back a cursor from an earlier answer as it was")]
    Foreign,
    /// Of another dataset.
    #[error("is a cursor of another dataset")]
    OtherDataset,
    /// Of another order.
    #[error(
        "was made for another orderBy or distinctOn, or a column of them was renamed since; repeat those of the query that it came from, or start again without a cursor"
    )]
    OtherOrder,
    /// The sort values are of other types now.
    #[error("was made before a column of orderBy changed its type; start again without a cursor")]
    OtherTypes,
}

/// Signs and checks the cursors of one order of one dataset.
#[derive(Clone)]
pub struct CursorSeal {
    /// Each key and the workspace already taken in; the first signs.
    macs: Vec<Hmac<Sha256>>,
    header: [u8; HEADER_BYTES],
    n_values: usize,
}

impl std::fmt::Debug for CursorSeal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CursorSeal").field("header", &self.header).finish_non_exhaustive()
    }
}

impl PartialEq for CursorSeal {
    fn eq(&self, other: &CursorSeal) -> bool {
        self.header == other.header
    }
}

impl Eq for CursorSeal {}

impl CursorSeal {
    /// For a workspace's dataset (their ids' bytes), an order and the types of its values, written
    /// in any unambiguous way; `n_values` are in a cursor.
    pub fn new(
        keys: &CursorKeys,
        workspace: &[u8],
        dataset: &[u8],
        order: &str,
        types: &str,
        n_values: usize,
    ) -> CursorSeal {
        let macs = keys.keys.iter().map(|key| keyed(key).chain_update(workspace)).collect();
        let mut header = [FORMAT; HEADER_BYTES];
        let mut rest = header.iter_mut().skip(1);
        for part in [dataset, order.as_bytes(), types.as_bytes()] {
            let digest = Sha256::digest(part);
            for (place, byte) in rest.by_ref().zip(digest.iter().take(FINGERPRINT_BYTES)) {
                *place = *byte;
            }
        }
        CursorSeal { macs, header, n_values }
    }

    /// Appends the cursor of a row: `values` are its sort values as JSON, with commas between them.
    pub fn write(&self, values: &[u8], out: &mut Vec<u8>) {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + values.len() + TAG_BYTES);
        bytes.extend_from_slice(&self.header);
        bytes.extend_from_slice(values);
        if let Some(mac) = self.macs.first() {
            bytes.extend_from_slice(&tag(mac, &bytes));
        }
        write_base64(&bytes, out);
    }

    /// The sort values of a cursor.
    ///
    /// # Errors
    /// Why it does not fit here.
    pub fn open(&self, cursor: &str) -> Result<Vec<Json>, CursorError> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| CursorError::Foreign)?;
        let signed_length = bytes.len().checked_sub(TAG_BYTES).ok_or(CursorError::Foreign)?;
        let (signed, found) = bytes.split_at_checked(signed_length).ok_or(CursorError::Foreign)?;
        let is_signed_with =
            |mac: &Hmac<Sha256>| bool::from(tag(mac, signed).as_slice().ct_eq(found));
        if !self.macs.iter().any(is_signed_with) {
            return Err(CursorError::Foreign);
        }
        let (header, values) =
            signed.split_first_chunk::<HEADER_BYTES>().ok_or(CursorError::Foreign)?;
        let differs = |part: usize| {
            let range = 1 + part * FINGERPRINT_BYTES..1 + (part + 1) * FINGERPRINT_BYTES;
            header.get(range.clone()) != self.header.get(range)
        };
        if header.first() != self.header.first() {
            return Err(CursorError::Foreign);
        }
        for (part, why) in
            [CursorError::OtherDataset, CursorError::OtherOrder, CursorError::OtherTypes]
                .into_iter()
                .enumerate()
        {
            if differs(part) {
                return Err(why);
            }
        }
        let values = parse_values(values).ok_or(CursorError::Foreign)?;
        if values.len() == self.n_values { Ok(values) } else { Err(CursorError::Foreign) }
    }
}

fn tag(mac: &Hmac<Sha256>, signed: &[u8]) -> [u8; TAG_BYTES] {
    let mut mac = mac.clone();
    mac.update(signed);
    let mut tag = [0; TAG_BYTES];
    for (place, byte) in tag.iter_mut().zip(mac.finalize().into_bytes()) {
        *place = byte;
    }
    tag
}

fn keyed(key: &CursorKey) -> Hmac<Sha256> {
    // A key of 32 bytes is shorter than a block, so this is how HMAC takes it in.
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    for (place, byte) in block.iter_mut().zip(key.0) {
        *place = byte;
    }
    Hmac::new(&block)
}

/// Which sort values of a cursor are missing, a byte each; unsigned, so good for planning only.
pub fn nulls(cursor: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let values = bytes.get(HEADER_BYTES..bytes.len().checked_sub(TAG_BYTES)?)?;
    Some(parse_values(values)?.iter().map(|value| u8::from(value.is_null())).collect())
}

fn parse_values(values: &[u8]) -> Option<Vec<Json>> {
    let mut list = Vec::with_capacity(values.len() + 2);
    list.push(b'[');
    list.extend_from_slice(values);
    list.push(b']');
    serde_json::from_slice(&list).ok()
}

/// Appends bytes as URL-safe base64.
pub fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = match out.get_mut(start..) {
        Some(room) => URL_SAFE_NO_PAD.encode_slice(bytes, room).unwrap_or(0),
        None => 0,
    };
    out.truncate(start + written);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(bytes: &[u8]) -> CursorKeys {
        CursorKeys::new(bytes.iter().map(|byte| CursorKey::new([*byte; 32])).collect())
    }

    fn seal(workspace: &[u8], dataset: &[u8], order: &str, types: &str) -> CursorSeal {
        CursorSeal::new(&keys(&[7]), workspace, dataset, order, types, 2)
    }

    fn cursor(seal: &CursorSeal, values: &str) -> String {
        let mut out = Vec::new();
        seal.write(values.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn cursors_open_where_they_were_made_only() {
        let here = seal(b"w", b"d", "a", "INT");
        let text = cursor(&here, "\"x\\\"é\",null");
        assert_eq!(here.open(&text), Ok(vec![json!("x\"é"), Json::Null]));
        assert_eq!(nulls(&text), Some(vec![0, 1]));
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        for (other, why) in [
            (seal(b"v", b"d", "a", "INT"), CursorError::Foreign),
            (seal(b"w", b"e", "a", "INT"), CursorError::OtherDataset),
            (seal(b"w", b"d", "b", "INT"), CursorError::OtherOrder),
            (seal(b"w", b"d", "a", "STRING"), CursorError::OtherTypes),
            (CursorSeal::new(&keys(&[8]), b"w", b"d", "a", "INT", 2), CursorError::Foreign),
        ] {
            assert_eq!(other.open(&text), Err(why));
        }
        assert_eq!(here.open(&cursor(&here, "1")), Err(CursorError::Foreign), "one value");
    }

    #[test]
    fn cursors_outlive_their_key_where_it_is_listed() {
        let with = |bytes: &[u8]| CursorSeal::new(&keys(bytes), b"w", b"d", "a", "INT", 1);
        let old = cursor(&with(&[1]), "5");
        assert!(with(&[2, 1]).open(&old).is_ok());
        assert!(with(&[3, 2, 1]).open(&old).is_ok());
        assert_eq!(with(&[2]).open(&old), Err(CursorError::Foreign));
        let new = cursor(&with(&[2, 1]), "5");
        assert_eq!(new, cursor(&with(&[2]), "5"), "the first key signs");
        assert_eq!(with(&[1]).open(&new), Err(CursorError::Foreign));
        assert_eq!(with(&[]).open(&cursor(&with(&[]), "5")), Err(CursorError::Foreign));
        assert_ne!(keys(&[1]).fingerprint(), keys(&[2, 1]).fingerprint());
        assert_eq!(keys(&[2]).fingerprint(), keys(&[2, 1]).fingerprint());
    }

    #[test]
    fn no_changed_cursor_opens() {
        let here = seal(b"w", b"d", "a", "INT");
        let text = cursor(&here, "17,4");
        for place in 0..text.len() {
            for with in ["A", "z", "!", ""] {
                let mut changed = text.clone();
                changed.replace_range(place..=place, with);
                if changed != text {
                    assert_eq!(here.open(&changed), Err(CursorError::Foreign), "{changed}");
                }
            }
        }
        for bad in ["", "AQ", "é", &text.repeat(2), &format!("{text}=")] {
            assert_eq!(here.open(bad), Err(CursorError::Foreign), "{bad:?}");
        }
    }
}
