//! Keeps the answers of statements, so that a question asked again costs nothing and is never stale.
//!
//! The key holds the statement, its values, and table and version of what it reads: a write makes
//! another version, and with it another key, so nothing is ever purged. Statements belong to plans,
//! and plans to what a principal may see. Questions asked at once run once.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use moka::future::Cache;

use crate::catalog::model::StorageId;
use crate::store::run::{Bind, Run};
use crate::store::{Store, StoreError};

/// What an entry costs beside its answer and its values, bytes.
const ENTRY_BYTES: usize = 256;
/// Answers larger than this share of the whole are not kept.
const LARGEST_SHARE: u64 = 16;
/// Answers from this size on make room at once: the cache itself only tidies up now and then.
const LARGE_BYTES: usize = 64 << 10;

/// Everything that an answer depends on.
#[derive(Clone, Debug)]
struct Key {
    statement: u64,
    binds: Vec<Bind>,
    tables: Vec<(StorageId, i64)>,
    /// Whether the answer is known to be of these versions. Otherwise a newer state may have been
    /// read, which had been committed and was not published yet: as good an answer by itself, but
    /// not beside answers to other questions.
    is_of_one_state: bool,
}

impl Key {
    fn of(run: &Run) -> Key {
        Key {
            statement: run.statement.id,
            binds: run.binds.clone(),
            tables: run.tables.iter().cloned().zip(run.versions.iter().copied()).collect(),
            is_of_one_state: false,
        }
    }

    fn of_one_state(run: &Run) -> Key {
        Key { is_of_one_state: true, ..Key::of(run) }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        let same_bind = |(a, b): (&Bind, &Bind)| match (a, b) {
            (Bind::Float(a), Bind::Float(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        };
        self.statement == other.statement
            && self.is_of_one_state == other.is_of_one_state
            && self.tables == other.tables
            && self.binds.len() == other.binds.len()
            && self.binds.iter().zip(&other.binds).all(same_bind)
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.statement.hash(state);
        self.is_of_one_state.hash(state);
        self.tables.hash(state);
        for bind in &self.binds {
            match bind {
                Bind::Null => state.write_u8(0),
                Bind::Boolean(value) => value.hash(state),
                Bind::Int(value) => value.hash(state),
                Bind::Float(value) => value.to_bits().hash(state),
                Bind::Text(value) => value.hash(state),
                Bind::TextList(values) => values.hash(state),
            }
        }
    }
}

/// An answer, and where it came from.
#[derive(Clone, Debug)]
pub struct Found {
    /// The answer.
    pub json: Bytes,
    /// Nothing was run for it: it was kept, or another request just ran the same.
    pub is_hit: bool,
}

/// The kept answers.
#[derive(Debug)]
pub struct AnswerCache {
    answers: Option<Cache<Key, Bytes>>,
    largest: usize,
    n_hits: AtomicU64,
    n_misses: AtomicU64,
}

/// What became of questions since the start, and what is kept now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheFigures {
    /// Answers that were kept.
    pub n_hits: u64,
    /// Answers that had to be read.
    pub n_misses: u64,
    /// Answers that are kept.
    pub n_entries: u64,
    /// Bytes that they count for.
    pub size_bytes: u64,
}

impl AnswerCache {
    /// A cache of so many bytes; 0 keeps nothing.
    pub fn new(capacity_bytes: u64) -> AnswerCache {
        let weigh = |key: &Key, answer: &Bytes| {
            let texts: usize = key
                .binds
                .iter()
                .map(|bind| match bind {
                    Bind::Text(text) => text.len(),
                    Bind::TextList(texts) => texts.iter().map(|text| text.len() + 24).sum(),
                    _ => 0,
                })
                .sum();
            let values = key.binds.len() * size_of::<Bind>() + texts;
            let tables = key.tables.iter().map(|(id, _)| id.as_str().len() + 32).sum::<usize>();
            u32::try_from(ENTRY_BYTES + values + tables + answer.len()).unwrap_or(u32::MAX)
        };
        let answers = (capacity_bytes > 0)
            .then(|| Cache::builder().max_capacity(capacity_bytes).weigher(weigh).build());
        let largest = usize::try_from(capacity_bytes / LARGEST_SHARE).unwrap_or(usize::MAX);
        AnswerCache { answers, largest, n_hits: AtomicU64::new(0), n_misses: AtomicU64::new(0) }
    }

    /// How it is doing.
    pub async fn figures(&self) -> CacheFigures {
        if let Some(answers) = &self.answers {
            // What was just added is counted only then.
            answers.run_pending_tasks().await;
        }
        CacheFigures {
            n_hits: self.n_hits.load(Ordering::Relaxed),
            n_misses: self.n_misses.load(Ordering::Relaxed),
            n_entries: self.answers.as_ref().map_or(0, Cache::entry_count),
            size_bytes: self.answers.as_ref().map_or(0, Cache::weighted_size),
        }
    }

    fn count(&self, is_hit: bool) {
        let counter = if is_hit { &self.n_hits } else { &self.n_misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the answer of a run is kept.
    pub fn holds(&self, run: &Run) -> bool {
        self.answers.as_ref().is_some_and(|answers| {
            [Key::of(run), Key::of_one_state(run)].iter().any(|key| answers.contains_key(key))
        })
    }

    /// The answer of a run, if it was kept by [`AnswerCache::keep_of_one_state`].
    pub async fn kept_of_one_state(&self, run: &Run) -> Option<Bytes> {
        let found = self.answers.as_ref()?.get(&Key::of_one_state(run)).await;
        self.count(found.is_some());
        found
    }

    /// Keeps the answer of a run that was made elsewhere, of the very versions of the run.
    pub async fn keep_of_one_state(&self, run: &Run, json: &Bytes) {
        if let Some(answers) = self.answers.as_ref().filter(|_| json.len() <= self.largest) {
            answers.insert(Key::of_one_state(run), json.clone()).await;
        }
    }

    /// The answer of a run, kept or new.
    ///
    /// # Errors
    /// As [`Store::run`]; a failure is told to all who waited for it, and not kept.
    pub async fn run(&self, store: &Store, run: Run) -> Result<Found, Arc<StoreError>> {
        let found = self.find_or_run(store, run).await?;
        self.count(found.is_hit);
        Ok(found)
    }

    async fn find_or_run(&self, store: &Store, run: Run) -> Result<Found, Arc<StoreError>> {
        let Some(answers) = &self.answers else {
            return Found::new(store, run).await;
        };
        let key = Key::of(&run);
        if let Some(json) = answers.get(&key).await {
            return Ok(Found { json, is_hit: true });
        }
        if run.statement.typical_bytes() > self.largest {
            return Found::new(store, run).await;
        }
        // Without the room that the buffer has left: what is weighed is all that is held.
        let making =
            async { store.run(run).await.map(|json| Bytes::from(json.into_boxed_slice())) };
        // Boxed: large beside the room that a kept answer needs.
        let entry = Box::pin(answers.entry(key).or_try_insert_with(making)).await?;
        let is_hit = !entry.is_fresh();
        let size_bytes = entry.value().len();
        if size_bytes > self.largest {
            answers.invalidate(entry.key()).await;
        }
        if size_bytes >= LARGE_BYTES && !is_hit {
            answers.run_pending_tasks().await;
        }
        Ok(Found { json: entry.into_value(), is_hit })
    }
}

impl Found {
    async fn new(store: &Store, run: Run) -> Result<Found, Arc<StoreError>> {
        let json = store.run(run).await.map(Bytes::from).map_err(Arc::new)?;
        Ok(Found { json, is_hit: false })
    }
}
