//! The lab itself, without agents.

use std::io::ErrorKind;
use std::net::{IpAddr, TcpListener, TcpStream, UdpSocket};
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use crate::broken::Broken;
use crate::cases::Case;
use crate::error::Error;
use crate::figures::Figures;
use crate::lab::{Host, Lab};
use crate::link::{Link, Mtu};
use crate::setup::Setup;
use crate::stop::Stop;

pub(crate) const LAB: Case = Case {
    name: "lab",
    about: "two hosts without agents, IPv4 and IPv6: delay, loss, a one-way cut, MTU, no UDP",
    oracle: "datagrams take the delay; the set share is lost (4 standard deviations); a cut \
             stops one direction only; packets above the MTU are refused to the sender; TCP \
             passes while UDP is dropped",
    run: lab,
};

const DELAY: Duration = Duration::from_millis(20);
/// The time after which no sent packet arrives any longer, on a busy machine.
const ARRIVED: Duration = Duration::from_secs(1);
const PORT: u16 = 7000;

/// A socket on each of two hosts.
struct Pair<'a> {
    lab: &'a Lab,
    one: UdpSocket,
    other: UdpSocket,
    stop: &'a Stop,
}

fn lab(setup: &Setup) -> Result<Figures, Broken> {
    let mut figures = Figures::default();
    let lab = Lab::new(2, setup.seed)?;
    let (one, other) = (lab.host(0), lab.host(1));
    for (family, a, b) in [("v4", one.v4(), other.v4()), ("v6", one.v6(), other.v6())] {
        let (one, other) = (socket(one, a)?, socket(other, b)?);
        let pair = Pair { lab: &lab, one, other, stop: &setup.stop };
        pair.is_delayed()?;
        figures.count(&format!("lost_of_1000_on_{family}"), pair.loses_some_of_1000()?);
        pair.is_cut_one_way()?;
        pair.is_told_of_large_packets(if family == "v4" { 20 } else { 40 })?;
        pair.is_without_udp()?;
        lab.switch().change_all(|link| *link = Link::default());
    }
    Ok(figures)
}

fn socket(host: &Host, address: IpAddr) -> Result<UdpSocket, Broken> {
    let socket = host.namespace().inside(|| UdpSocket::bind((address, PORT)))?;
    let socket = socket.and_then(|socket| {
        socket.set_read_timeout(Some(ARRIVED))?;
        Ok(socket)
    });
    socket.map_err(refused)
}

fn refused(error: std::io::Error) -> Broken {
    Broken::Lab(Error::refused("a socket in a lab", &error.to_string()))
}

impl Pair<'_> {
    /// Sends `count` datagrams of `size` bytes, and counts those that arrive.
    fn there(&self, count: usize, size: usize) -> Result<usize, Broken> {
        self.exchange(&self.one, &self.other, count, size)
    }

    fn exchange(
        &self,
        from: &UdpSocket,
        to: &UdpSocket,
        count: usize,
        size: usize,
    ) -> Result<usize, Broken> {
        if self.stop.is_asked() {
            return Err(Broken::Interrupted);
        }
        let address = to.local_addr().map_err(refused)?;
        let payload = vec![7; size];
        for _ in 0..count {
            from.send_to(&payload, address).map_err(refused)?;
        }
        // A datagram that is missing after the read timeout is lost.
        let mut arrived = 0;
        while arrived < count && to.recv(&mut [0; 2000]).is_ok() {
            arrived += 1;
        }
        Ok(arrived)
    }

    fn is_delayed(&self) -> Result<(), Broken> {
        self.lab.switch().change_all(|link| link.delay = DELAY);
        let begin = Instant::now();
        let arrived = self.there(1, 10)?;
        let took = begin.elapsed();
        if arrived != 1 || took < DELAY {
            let why = format!("{arrived} of 1 arrived after {took:?}, not after {DELAY:?}");
            return Err(Broken::Oracle(why));
        }
        Ok(())
    }

    fn loses_some_of_1000(&self) -> Result<usize, Broken> {
        // The buffer of a socket holds this many.
        const AT_ONCE: usize = 200;
        self.lab.switch().change_all(|link| link.loss = 0.3);
        let mut arrived = 0;
        for _ in 0..1000 / AT_ONCE {
            arrived += self.there(AT_ONCE, 10)?;
        }
        self.lab.switch().change_all(|link| link.loss = 0.0);
        // The square root of 1000 * 0.3 * 0.7 is 14.5.
        let lost = 1000 - arrived;
        if !(242..=358).contains(&lost) {
            return Err(Broken::oracle(format!("{lost} of 1000 were lost, not 30%")));
        }
        Ok(lost)
    }

    fn is_cut_one_way(&self) -> Result<(), Broken> {
        self.lab.switch().change(0, 1, |link| link.cut = true);
        let there = self.there(1, 10)?;
        let back = self.exchange(&self.other, &self.one, 1, 10)?;
        self.lab.switch().change(0, 1, |link| link.cut = false);
        if (there, back) != (0, 1) {
            let why = format!("{there} of 1 passed the cut, and {back} of 1 came back");
            return Err(Broken::Oracle(why));
        }
        Ok(())
    }

    fn is_told_of_large_packets(&self, ip_header: usize) -> Result<(), Broken> {
        const UDP_HEADER: usize = 8;
        let size = NonZeroU16::new(1280).expect("it is not zero");
        self.lab.switch().change_all(|link| link.mtu = Some(Mtu::silent(size)));
        let fits = usize::from(size.get()) - ip_header - UDP_HEADER;
        let (small, large) = (self.there(1, fits)?, self.there(1, fits + 1)?);
        if (small, large) != (1, 0) {
            let why = format!("of 1 each, {small} of 1280 bytes came, {large} of 1281, not 0");
            return Err(Broken::Oracle(why));
        }
        self.lab.switch().change_all(|link| link.mtu = Some(Mtu::told(size)));
        // The first one is lost and its sender learns the MTU: the kernel fragments the later ones.
        for _ in 0..20 {
            if self.there(1, fits + 1)? == 1 {
                self.lab.switch().change_all(|link| link.mtu = None);
                return Ok(());
            }
        }
        Err(Broken::oracle("the sender never learned that its packets are too big"))
    }

    fn is_without_udp(&self) -> Result<(), Broken> {
        self.lab.switch().change_all(|link| link.udp_dropped = true);
        if self.there(1, 10)? != 0 {
            return Err(Broken::oracle("a datagram passed while UDP was dropped"));
        }
        let address = self.other.local_addr().map_err(refused)?;
        let (one, other) = (self.lab.host(0).namespace(), self.lab.host(1).namespace());
        let listener = other.inside(|| TcpListener::bind(address))?.map_err(refused)?;
        let dialled = one.inside(|| TcpStream::connect_timeout(&address, ARRIVED * 10))?;
        dialled.and_then(|_| listener.accept()).map(|_| ()).map_err(|error| match error.kind() {
            ErrorKind::TimedOut => Broken::oracle("TCP did not pass while UDP was dropped"),
            _ => refused(error),
        })
    }
}
