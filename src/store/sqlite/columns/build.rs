//! Builds the columns of a table from its rows, in the background, one table at a time.
//!
//! It is for tables that were merged, changed much, restored, or made by an earlier version of
//! Sluice. The rows are those of one moment; whoever asks meanwhile is answered from rows.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use sluice_columnar::block::Block;
use sluice_columnar::write::FileWriter;

use super::super::{quoted, read};
use super::Columns;
use super::changes::{names_in, push_row, state_of};
use super::encode::{new_file, new_path};
use crate::catalog::model::StorageId;
use crate::store::StoreError;
use crate::store::aside::step_aside;
use crate::store::columns::TableColumns;

/// Orders that may wait; further ones are given again by the next question.
const MAX_ORDERS: usize = 1_024;
/// Rows of a block, and its bytes: whatever is first ends it.
const BLOCK_ROWS: usize = 4_096;
const BLOCK_BYTES: usize = 1 << 20;

/// Time before a table is tried again.
pub(super) const REST_AFTER_FAILURE: Duration = Duration::from_secs(60);
/// As loads do, the thread steps aside for everybody.
const NICENESS: i32 = 15;

/// What is to be built.
pub(super) struct Order {
    pub(super) storage: StorageId,
    pub(super) table: Arc<TableColumns>,
}

/// Takes orders.
pub(super) struct Builder {
    orders: Sender<Order>,
    /// Those that wait or are worked at, so that none is given twice; and when others failed.
    ordered: Mutex<HashMap<StorageId, Option<Instant>>>,
}

impl Builder {
    /// A builder, and where its orders arrive.
    pub(super) fn new() -> (Builder, Receiver<Order>) {
        let (orders, arrive) = bounded(MAX_ORDERS);
        (Builder { orders, ordered: Mutex::default() }, arrive)
    }

    /// Takes an order, unless it was given already, or failed a moment ago.
    pub(super) fn order(&self, order: Order) {
        let mut ordered = self.ordered.lock().unwrap_or_else(PoisonError::into_inner);
        let storage = order.storage.clone();
        let is_refused = ordered
            .get(&storage)
            .is_some_and(|failed| failed.is_none_or(|at| at.elapsed() < REST_AFTER_FAILURE));
        if !is_refused && self.orders.try_send(order).is_ok() {
            ordered.insert(storage, None);
        }
    }

    fn is_done(&self, storage: &StorageId, is_built: bool) {
        let mut ordered = self.ordered.lock().unwrap_or_else(PoisonError::into_inner);
        match is_built {
            true => drop(ordered.remove(storage)),
            false => drop(ordered.insert(storage.clone(), Some(Instant::now()))),
        }
    }
}

/// Starts the thread that builds; it ends with the columns.
pub(super) fn start(columns: Weak<Columns>, orders: Receiver<Order>) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("sluice-columns".to_owned());
    thread.spawn(move || {
        step_aside(NICENESS);
        for order in orders {
            let Some(columns) = columns.upgrade() else { return };
            let is_gone = || columns.is_closed();
            let built = build(&columns.folder, &columns.path(&order.storage), &order, &is_gone);
            columns.builder.is_done(&order.storage, built.is_ok());
            match built {
                Ok(()) => columns.forget(&order.storage),
                Err(StoreError::Cancelled) => return,
                Err(error) => tracing::warn!(
                    storage = order.storage.as_str(),
                    cause = crate::error::chain(&error),
                    "columns were not built"
                ),
            }
        }
    })?;
    Ok(())
}

fn build(
    folder: &Path,
    path: &Path,
    order: &Order,
    is_gone: &dyn Fn() -> bool,
) -> Result<(), StoreError> {
    let built = write(folder, path, order, is_gone);
    if built.is_err() {
        // What is not finished is of no use.
        let _ = fs::remove_file(new_path(path));
    }
    built
}

fn write(
    folder: &Path,
    path: &Path,
    order: &Order,
    is_gone: &dyn Fn() -> bool,
) -> Result<(), StoreError> {
    let connection = read::open(folder, std::slice::from_ref(&order.storage))?;
    connection.execute_batch("BEGIN")?;
    let version = state_of(&connection)?;
    let names = names_in(&connection)?;
    let (types, kinds) = (order.table.types(&names), order.table.kinds(&names));
    let mut writer = FileWriter::create(new_file(path)?, &kinds)?;
    let columns: String = names.iter().map(|name| format!(",{}", quoted(name))).collect();
    let mut statement =
        connection.prepare(&format!("SELECT _row{columns} FROM t ORDER BY _row"))?;
    let mut rows = statement.query(())?;
    let mut block = Block::new(&kinds);
    while let Some(row) = rows.next()? {
        push_row(row, &types, &mut block)?;
        if block.n_rows() >= BLOCK_ROWS || block.n_bytes() >= BLOCK_BYTES {
            if is_gone() {
                return Err(StoreError::Cancelled);
            }
            writer.push(&block)?;
            block.clear();
        }
    }
    writer.push(&block)?;
    writer.finish(order.storage.bytes(), version)?;
    fs::rename(new_path(path), path)?;
    if !path.with_extension("db").try_exists()? {
        // The table went meanwhile.
        fs::remove_file(path)?;
    }
    Ok(())
}
