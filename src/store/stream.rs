//! Runs one SELECT and hands its rows on while they are read, in blocks, however many there are.
//!
//! It exists for answers that are larger than memory. The rows are those of one moment; each run
//! has a connection of its own, so that it takes none from queries. What the rows become is for a
//! [`RowWriter`] to say; nothing here knows a format.

use std::time::Instant;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::json::Cells;
use super::run::Run;
use super::{Store, StoreError};
use crate::error::{Code, Error, Result};

/// Bytes that are handed on at once.
const BLOCK_BYTES: usize = 64 << 10;

/// Turns rows into bytes.
pub trait RowWriter: Send {
    /// Appends a row to what is handed on.
    ///
    /// # Errors
    /// When the row cannot be written in this form; nothing more is read then.
    fn write<R: Cells>(&mut self, row: &R, out: &mut Vec<u8>) -> Result<()>;
}

/// Where blocks go, until nobody takes them any more or the time is over.
pub struct Outlet {
    sender: mpsc::Sender<Bytes>,
    deadline: Instant,
    /// What is not handed on yet.
    pub out: Vec<u8>,
}

impl Outlet {
    /// Hands blocks to this channel, whose length bounds what is held.
    pub fn new(sender: mpsc::Sender<Bytes>, deadline: Instant) -> Outlet {
        Outlet { sender, deadline, out: Vec::with_capacity(BLOCK_BYTES + BLOCK_BYTES / 4) }
    }

    /// When to give up.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Tells, wherever it is asked, whether to stop.
    pub(super) fn watch(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let (sender, deadline) = (self.sender.clone(), self.deadline);
        move || sender.is_closed() || Instant::now() >= deadline
    }

    /// Whether there is a whole block.
    pub fn is_full(&self) -> bool {
        self.out.len() >= BLOCK_BYTES
    }

    /// Hands on what there is, in blocks; an empty one tells that the moment of the rows is settled.
    ///
    /// # Errors
    /// When nobody takes it, or not before the deadline.
    pub async fn send(&mut self) -> Result<()> {
        let room = BLOCK_BYTES + BLOCK_BYTES / 4;
        let mut rest = Bytes::from(std::mem::replace(&mut self.out, Vec::with_capacity(room)));
        loop {
            // Some writers make much at once; it leaves as slowly as it is taken.
            let block = rest.split_to(rest.len().min(room));
            let sending = self.sender.send(block);
            match tokio::time::timeout_at(self.deadline.into(), sending).await {
                Ok(Ok(())) if rest.is_empty() => return Ok(()),
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(StoreError::Cancelled.into()),
                Err(_) => return Err(too_long()),
            }
        }
    }

    /// Why a run was stopped that was [watched](Outlet::watch).
    pub(super) fn why_stopped(&self) -> Error {
        if Instant::now() >= self.deadline { too_long() } else { StoreError::Cancelled.into() }
    }
}

fn too_long() -> Error {
    Error::new(
        Code::Timeout,
        "The export took longer than the setting export.timeout allows. Ask for fewer rows.",
    )
}

impl Store {
    /// Runs a SELECT of a list and writes its rows; blocks the calling thread, which must be one
    /// for blocking work.
    ///
    /// # Errors
    /// TIMEOUT after the outlet's deadline; when nobody takes the rows any more, the database
    /// refuses or is away; as the writer.
    pub fn stream(
        &self,
        run: &Run,
        writer: &mut impl RowWriter,
        outlet: &mut Outlet,
    ) -> Result<()> {
        match self {
            Store::Sqlite(store) => store.stream(run, writer, outlet),
            Store::Postgres(store) => store.runtime().block_on(store.stream(run, writer, outlet)),
        }
    }
}
