//! The lab itself, without any agent.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use crate::broken::Broken;
use crate::cases::Case;
use crate::error::Error;
use crate::figures::Figures;
use crate::lab::{Host, Lab};
use crate::link::Mtu;
use crate::setup::Setup;

pub(crate) const LAB: Case = Case {
    name: "lab",
    about: "two hosts without agents, IPv4 and IPv6: delay, loss, a one-way cut, MTU, no UDP",
    oracle: "datagrams take the delay, the stated share is lost (4 standard deviations), a cut \
             stops one direction alone, larger packets than the MTU are refused to the sender, \
             and TCP passes where UDP is dropped",
    run: lab,
};

const DELAY: Duration = Duration::from_millis(20);
/// By when what was sent has arrived or will not, on a busy machine.
const ARRIVED: Duration = Duration::from_secs(2);
const PORT: u16 = 7000;

fn lab(setup: &Setup) -> Result<Figures, Broken> {
    let mut figures = Figures::default();
    let lab = Lab::new(2, setup.seed)?;
    let (one, two) = (lab.host(0), lab.host(1));
    for (a, b) in [(one.v4(), two.v4()), (one.v6(), two.v6())] {
        let (from, to) = (socket(one, a)?, socket(two, b)?);
        delayed(&lab, &from, &to)?;
        lossy(&lab, &from, &to, &mut figures)?;
        cut_one_way(&lab, &from, &to)?;
        too_large(&lab, &from, &to)?;
        without_udp(&lab, &from, &to, (one, two, b))?;
        lab.switch().change_all(|link| *link = crate::link::Link::default());
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

/// Sends so many datagrams of that size, and counts those that arrive.
fn exchange(from: &UdpSocket, to: &UdpSocket, count: u32, size: usize) -> Result<u32, Broken> {
    let address = to.local_addr().map_err(refused)?;
    let mut arrived = 0;
    // A few at a time, because receive buffers are small.
    for burst in (0..count).step_by(50) {
        for _ in burst..count.min(burst + 50) {
            from.send_to(&vec![7; size], address).map_err(refused)?;
        }
        // The last one sent may be lost: what is missing after a while does not come.
        while arrived < count && to.recv(&mut [0; 2000]).is_ok() {
            arrived += 1;
            let rest = if arrived >= burst + 50 { Duration::from_millis(1) } else { DELAY * 10 };
            to.set_read_timeout(Some(rest)).map_err(refused)?;
        }
        to.set_read_timeout(Some(DELAY * 10)).map_err(refused)?;
    }
    to.set_read_timeout(Some(ARRIVED)).map_err(refused)?;
    Ok(arrived)
}

fn delayed(lab: &Lab, from: &UdpSocket, to: &UdpSocket) -> Result<(), Broken> {
    lab.switch().change_all(|link| link.delay = DELAY);
    let begin = Instant::now();
    let arrived = exchange(from, to, 1, 10)?;
    let took = begin.elapsed();
    match (arrived, took >= DELAY) {
        (1, true) => Ok(()),
        _ => Err(Broken::oracle(format!("{arrived} of 1 arrived after {took:?}, not {DELAY:?}"))),
    }
}

fn lossy(lab: &Lab, from: &UdpSocket, to: &UdpSocket, figures: &mut Figures) -> Result<(), Broken> {
    const SENT: u32 = 1000;
    lab.switch().change_all(|link| link.loss = 0.3);
    let before = lab.switch().tallies().lost;
    let arrived = exchange(from, to, SENT, 10)?;
    let lost = lab.switch().tallies().lost - before;
    figures.count("lost_of_1000", usize::try_from(lost).unwrap_or(usize::MAX));
    lab.switch().change_all(|link| link.loss = 0.0);
    // The square root of 1000 * 0.3 * 0.7 is 14.5.
    if !(242..=358).contains(&lost) || u64::from(arrived) + lost > u64::from(SENT) || arrived == 0 {
        let why = format!("of {SENT}, {lost} were lost and {arrived} arrived, not 30% and 70%");
        return Err(Broken::Oracle(why));
    }
    Ok(())
}

fn cut_one_way(lab: &Lab, from: &UdpSocket, to: &UdpSocket) -> Result<(), Broken> {
    lab.switch().change(0, 1, |link| link.cut = true);
    let (there, back) = (exchange(from, to, 1, 10)?, exchange(to, from, 1, 10)?);
    lab.switch().change(0, 1, |link| link.cut = false);
    match (there, back) {
        (0, 1) => Ok(()),
        _ => Err(Broken::oracle(format!("{there} went through the cut, and {back} back"))),
    }
}

fn too_large(lab: &Lab, from: &UdpSocket, to: &UdpSocket) -> Result<(), Broken> {
    let size = NonZeroU16::new(1280).expect("it is not zero");
    lab.switch().change_all(|link| link.mtu = Some(Mtu::silent(size)));
    let fits = if lab.host(0).v4() == from.local_addr().map_err(refused)?.ip() { 28 } else { 48 };
    let (small, large) = (exchange(from, to, 1, 1280 - fits)?, exchange(from, to, 1, 1400)?);
    if (small, large) != (1, 0) {
        let why = format!("of 1280 bytes {small} of 1 arrived, of more {large} of none");
        return Err(Broken::Oracle(why));
    }
    lab.switch().change_all(|link| link.mtu = Some(Mtu::told(size)));
    // The first one is lost and its sender is told: it cuts the later ones to the size.
    let begin = Instant::now();
    while exchange(from, to, 1, 1400)? == 0 {
        if begin.elapsed() > ARRIVED * 10 {
            return Err(Broken::oracle("the sender was never told that its packets are too big"));
        }
    }
    lab.switch().change_all(|link| link.mtu = None);
    Ok(())
}

fn without_udp(
    lab: &Lab,
    from: &UdpSocket,
    to: &UdpSocket,
    (one, two, address): (&Host, &Host, IpAddr),
) -> Result<(), Broken> {
    lab.switch().change_all(|link| link.udp_dropped = true);
    if exchange(from, to, 1, 10)? != 0 {
        return Err(Broken::oracle("a datagram went through where UDP is dropped"));
    }
    let address = SocketAddr::new(address, PORT);
    let listener = two.namespace().inside(|| TcpListener::bind(address))?.map_err(refused)?;
    let dial = || TcpStream::connect_timeout(&address, ARRIVED * 5);
    let dialled = one.namespace().inside(dial)?;
    dialled.and_then(|_| listener.accept()).map(|_| ()).map_err(|error| match error.kind() {
        ErrorKind::TimedOut => Broken::oracle("TCP does not go through where UDP is dropped"),
        _ => refused(error),
    })
}
