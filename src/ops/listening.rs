//! Opens the sockets that are served: those that a supervisor passes, else own ones.
//!
//! Passed sockets outlive the process, so that connections wait in them from one process to the
//! next. Own ones can be shared: the processes that listen together each get some of the
//! connections.

use std::io;
use std::net::{SocketAddr, TcpListener as Plain};

use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that the system holds until they are accepted.
const BACKLOG: u32 = 1_024;

/// The sockets that a supervisor passed, by the names that it gave them.
#[derive(Debug, Default)]
pub struct Passed(Vec<(String, Plain)>);

impl Passed {
    /// Takes them off the environment (`sd_listen_fds(3)`); to be called before there are threads.
    ///
    /// # Errors
    /// When something is passed that is no TCP socket that listens.
    pub fn take() -> io::Result<Passed> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut given = ListenFd::from_env();
        let mut sockets = Vec::new();
        for index in 0..given.len() {
            let name = names.next().unwrap_or_default().to_owned();
            if let Some(socket) = given.take_tcp_listener(index)? {
                // What does not listen would fail at each accept, for ever.
                if !rustix::net::sockopt::socket_acceptconn(&socket)? {
                    let reason = format!("the passed socket {name:?} does not listen");
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
                }
                socket.set_nonblocking(true)?;
                sockets.push((name, socket));
            }
        }
        Ok(Passed(sockets))
    }

    /// Takes those of this name.
    fn named(&mut self, name: &str) -> Vec<Plain> {
        let all = std::mem::take(&mut self.0);
        let (named, rest) = all.into_iter().partition(|(its, _)| its == name);
        self.0 = rest;
        named.into_iter().map(|(_, socket)| socket).collect()
    }
}

/// Sockets that connections are accepted from; at least one.
#[derive(Debug)]
pub struct Listening {
    sockets: Vec<TcpListener>,
    is_passed: bool,
}

impl Listening {
    /// The passed sockets of this name.
    ///
    /// # Errors
    /// When one cannot be used by the runtime.
    pub fn passed(passed: &mut Passed, name: &str) -> io::Result<Option<Listening>> {
        let sockets = passed.named(name).into_iter().map(TcpListener::from_std);
        let sockets = sockets.collect::<io::Result<Vec<TcpListener>>>()?;
        let is_any = !sockets.is_empty();
        Ok(is_any.then_some(Listening { sockets, is_passed: true }))
    }

    /// All other passed sockets, whatever they are called.
    ///
    /// # Errors
    /// When one cannot be used by the runtime.
    pub fn rest_of(passed: Passed) -> io::Result<Option<Listening>> {
        let sockets = passed.0.into_iter().map(|(_, socket)| TcpListener::from_std(socket));
        let sockets = sockets.collect::<io::Result<Vec<TcpListener>>>()?;
        let is_any = !sockets.is_empty();
        Ok(is_any.then_some(Listening { sockets, is_passed: true }))
    }

    /// A socket of its own; where it is shared, others may listen at the same address.
    ///
    /// # Errors
    /// When the address is taken, or not this machine's.
    pub fn bind(address: SocketAddr, is_shared: bool) -> io::Result<Listening> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // Connections of a former process that are not quite over do not keep the address.
        socket.set_reuseaddr(true)?;
        if is_shared {
            socket.set_reuseport(true)?;
        }
        socket.bind(address)?;
        Ok(Listening { sockets: vec![socket.listen(BACKLOG)?], is_passed: false })
    }

    /// The address of the first one.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        let first = self.sockets.first().ok_or(io::ErrorKind::NotFound)?;
        first.local_addr()
    }

    /// Whether connections that nobody has accepted are lost when the process ends.
    pub fn loses_what_waits(&self) -> bool {
        !self.is_passed
    }

    /// One connection and its other end.
    ///
    /// # Errors
    /// Those of the system; mostly, that the process may open no more.
    pub async fn accept(&self) -> io::Result<(tokio::net::TcpStream, SocketAddr)> {
        std::future::poll_fn(|cx| {
            for socket in &self.sockets {
                if let ready @ std::task::Poll::Ready(_) = socket.poll_accept(cx) {
                    return ready;
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}
