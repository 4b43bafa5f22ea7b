//! Writes what names a row among all rows of all datasets: the `nodeId` of GraphQL's `Node`.
//!
//! It holds the dataset's id, which column is its key, and the key, so that it stays the same from
//! version to version. It is opaque but no secret: it opens nothing that a key would not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The first byte of every node id: how the others are laid out.
const FORMAT: u8 = 1;
/// Bytes that stand for the key column.
const KEY_COLUMN_BYTES: usize = 2;
const ID_BYTES: usize = 16;
/// Bytes before the key's value.
pub const HEAD_BYTES: usize = 1 + ID_BYTES + KEY_COLUMN_BYTES;

/// What the node ids of a dataset begin with, where this column is its key.
///
/// Once another column is the key, its old ids name no row any more instead of a wrong one.
pub fn head(dataset: Uuid, key_column: &str) -> [u8; HEAD_BYTES] {
    let mut head = [FORMAT; HEAD_BYTES];
    let column = Sha256::digest(key_column.as_bytes());
    let bytes = dataset.as_bytes().iter().chain(column.iter().take(KEY_COLUMN_BYTES));
    for (place, byte) in head.iter_mut().skip(1).zip(bytes) {
        *place = *byte;
    }
    head
}

/// The head of a node id; `None` if the text is none.
pub fn read_head(node_id: &str) -> Option<[u8; HEAD_BYTES]> {
    read(node_id).map(|(head, _)| head)
}

/// The dataset of a head.
pub fn dataset_of(head: &[u8; HEAD_BYTES]) -> Option<Uuid> {
    head.get(1..=ID_BYTES).and_then(|bytes| Uuid::from_slice(bytes).ok())
}

/// The key of a node id.
pub fn read_key(node_id: &str) -> Option<Json> {
    read(node_id).map(|(_, key)| key)
}

fn read(node_id: &str) -> Option<([u8; HEAD_BYTES], Json)> {
    let bytes = URL_SAFE_NO_PAD.decode(node_id).ok()?;
    let (head, key) = bytes.split_first_chunk::<HEAD_BYTES>()?;
    let key: Json = serde_json::from_slice(key).ok()?;
    (head.first() == Some(&FORMAT)).then_some((*head, key))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::cursor::write_base64;

    #[test]
    fn node_ids_come_back() {
        let dataset = Uuid::from_u128(0x0190_b3a8_7d2e_7c44_9c1d_2f5e_8a7b_6c3d);
        let mut bytes = head(dataset, "id").to_vec();
        bytes.extend_from_slice(b"\"a\\\"b\"");
        let mut text = Vec::new();
        write_base64(&bytes, &mut text);
        let text = String::from_utf8(text).unwrap();
        assert_eq!(read_head(&text), Some(head(dataset, "id")));
        assert_ne!(read_head(&text), Some(head(dataset, "code")));
        assert_eq!(dataset_of(&head(dataset, "id")), Some(dataset));
        assert_eq!(read_key(&text), Some(json!("a\"b")));
        for bad in ["", "5", "orders:5", "AQ", "é"] {
            assert_eq!(read_head(bad), None, "{bad}");
        }
    }
}
