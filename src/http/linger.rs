//! A connection that lets a refused client finish its sentence.
//!
//! When a request is refused before its body has been read, closing at once makes the kernel reset
//! the connection, and many clients lose the answer that says why. After such a refusal the write
//! half is closed and what still arrives is thrown away, within bounds of bytes and time.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;

use super::pulse::Pulse;

const MAX_TIME: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 64 << 20;
const SCRATCH_BYTES: usize = 16 << 10;

/// Told by the requests of a connection whether its client may still be sending.
#[derive(Clone, Debug, Default)]
pub(super) struct Linger(Arc<AtomicBool>);

impl Linger {
    /// Says whether the last answer came before the request was read.
    pub(super) fn set(&self, is_needed: bool) {
        self.0.store(is_needed, Ordering::Relaxed);
    }

    fn is_needed(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A TCP connection that lingers when told to.
pub(super) struct LingeringStream {
    stream: TcpStream,
    linger: Linger,
    pulse: Arc<Pulse>,
    deadline: Option<Pin<Box<Sleep>>>,
    n_discarded: usize,
    /// Its place among the connections that are served at once.
    _place: OwnedSemaphorePermit,
}

impl LingeringStream {
    /// The same connection, listening to `linger`, telling `pulse` what it writes.
    pub(super) fn new(
        stream: TcpStream,
        linger: Linger,
        pulse: Arc<Pulse>,
        place: OwnedSemaphorePermit,
    ) -> LingeringStream {
        LingeringStream { stream, linger, pulse, deadline: None, n_discarded: 0, _place: place }
    }

    /// Ready when the client has closed, or the bounds are reached.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(MAX_TIME)));
        if deadline.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut scratch = [0; SCRATCH_BYTES];
        while self.n_discarded < MAX_BYTES {
            let mut buffer = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => return Poll::Ready(()),
                Poll::Ready(Ok(())) => self.n_discarded += buffer.filled().len(),
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for LingeringStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for LingeringStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.pulse.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.pulse.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.deadline.is_none() {
            std::task::ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            if !self.linger.is_needed() {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_discard(cx).map(Ok)
    }
}
