//! Two ends of a network, and connections between them.

use std::future::poll_fn;
use std::io;

use futures_lite::future::{Boxed, block_on, poll_once, zip};
use futures_lite::io::AsyncReadExt;
use swim_driver::{
    ConnectionError, DialPurpose, MemoryNetwork, MemoryStream, MemoryTransport, TlsFault,
    Transport, connection_error,
};
use swim_test_certificates::{Authority, Folder, Issued};
use swim_tls::{Tls, TlsStream};

pub(crate) type Stream = TlsStream<MemoryStream>;

/// The certificates of a node that trusts `trusted`.
pub(crate) fn tls(trusted: &[&Authority], own: &Issued) -> Tls {
    let folder = Folder::new();
    Tls::load(folder.files("node", trusted, own)).unwrap()
}

/// Two ends that trust the same CA.
pub(crate) fn friends() -> (Tls, Tls) {
    let authority = Authority::new("ca");
    let one = |name| tls(&[&authority], &authority.issue(&[name]));
    (one("a"), one("b"))
}

/// Two plain ends of a network.
pub(crate) fn ends() -> (MemoryTransport, MemoryTransport) {
    let network = MemoryNetwork::new();
    let open = |address: &str| network.open(address.parse().unwrap()).unwrap();
    (open("10.0.0.1:1"), open("10.0.0.2:2"))
}

/// Dials from the first to the second, and accepts there.
pub(crate) async fn connect<A: Transport, B: Transport>(
    dialler: &mut A,
    acceptor: &mut B,
) -> (Boxed<io::Result<A::Stream>>, B::Stream) {
    let dialled = dialler.dial(acceptor.local_address(), DialPurpose::Exchange);
    let mut dialling: Boxed<_> = Box::pin(dialled);
    // The connection is made when the future is first polled, or earlier.
    let dialled = poll_once(&mut dialling).await;
    let (accepted, _) = poll_fn(|cx| acceptor.poll_accept(cx)).await.unwrap();
    let dialled = async move {
        match dialled {
            Some(dialled) => dialled,
            None => dialling.await,
        }
    };
    (Box::pin(dialled), accepted)
}

/// The errors of both ends when each talks to the other, the dialler's first.
pub(crate) fn verdicts(dialler: &Tls, acceptor: &Tls) -> [Option<ConnectionError>; 2] {
    let (a, b) = ends();
    let (mut a, mut b) = (dialler.wrap(a), acceptor.wrap(b));
    block_on(async {
        let (dialled, mut accepted) = connect(&mut a, &mut b).await;
        let dialling = async {
            let mut stream = dialled.await?;
            let spoken = talk(&mut stream).await;
            drop(stream);
            spoken
        };
        let accepting = async {
            let spoken = talk(&mut accepted).await;
            drop(accepted);
            spoken
        };
        let (dialled, accepted) = zip(dialling, accepting).await;
        [dialled, accepted].map(|it| it.err().map(|error| connection_error(&error)))
    })
}

/// Sends a word, closes its side, and reads all that the peer sends.
pub(crate) async fn talk(stream: &mut Stream) -> io::Result<Vec<u8>> {
    use futures_lite::io::AsyncWriteExt;
    let mut heard = Vec::new();
    stream.write_all(b"word").await?;
    stream.close().await?;
    stream.read_to_end(&mut heard).await?;
    Ok(heard)
}

pub(crate) fn failed(fault: TlsFault) -> Option<ConnectionError> {
    Some(ConnectionError::Tls(fault))
}
