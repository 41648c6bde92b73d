//! The thread that serves the TUN devices of all namespaces.

use std::fs::File;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::sync::{Notify, oneshot};
use tokio::task::LocalSet;
use tokio::time::Instant;
use tokio_tun::Tun;

use crate::error::Error;
use crate::namespace::Namespace;
use crate::packet::V4_HEADER;
use crate::switch::{Port, Switch};
use crate::wires::{DEVICE, lock};

/// The largest packet that hosts send, in bytes: Ethernet's MTU.
const DEVICE_MTU: i32 = 1500;
/// More than any IP packet.
const BUFFER: usize = 1 << 16;

/// The thread. Ends when dropped.
#[derive(Debug)]
pub(crate) struct Carrier {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Carrier {
    /// Opens a device in each namespace, and starts to carry packets.
    pub(crate) fn start(
        switch: Arc<Mutex<Switch>>,
        namespaces: &[&Namespace],
    ) -> Result<Self, Error> {
        let open = |namespace: &&Namespace| {
            let path = namespace.path();
            let refused = |error: std::io::Error| {
                Error::refused(&format!("opening {}", path.display()), &error.to_string())
            };
            File::open(&path).map_err(refused)
        };
        let networks: Vec<File> = namespaces.iter().map(open).collect::<Result<_, _>>()?;
        let (stop, stopped) = oneshot::channel();
        let (begun, beginning) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("netlab-switch".into())
            .spawn(move || carry_on(&networks, switch, &begun, stopped))
            .map_err(|error| Error::refused("starting a thread", &error.to_string()))?;
        let carrier = Carrier { stop: Some(stop), thread: Some(thread) };
        match beginning.recv() {
            Ok(result) => result.map(|()| carrier),
            Err(_) => Err(Error::new("the thread of the switch ended at once")),
        }
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // At this point a panic of the thread cannot be reported.
            let _ = thread.join();
        }
    }
}

/// The thread's main function. It enters one namespace after another and stays in the last.
fn carry_on(
    networks: &[File],
    switch: Arc<Mutex<Switch>>,
    begun: &mpsc::Sender<Result<(), Error>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = begun.send(Err(Error::refused("starting a runtime", &error.to_string())));
            return;
        }
    };
    let devices = {
        let _inside = runtime.enter();
        networks.iter().map(device_in).collect::<Result<Vec<Tun>, Error>>()
    };
    let devices = match devices {
        Ok(devices) => Rc::new(devices),
        Err(error) => {
            let _ = begun.send(Err(error));
            return;
        }
    };
    if begun.send(Ok(())).is_ok() {
        LocalSet::new().block_on(&runtime, carry(devices, switch, stopped));
    }
}

fn device_in(network: &File) -> Result<Tun, Error> {
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| Error::refused("entering a network namespace", &error.to_string()))?;
    let refused =
        |error: String| Error::refused(&format!("making a TUN device ({DEVICE})"), &error);
    let device = Tun::builder().name(DEVICE).mtu(DEVICE_MTU).close_on_exec().build();
    let mut devices = device.map_err(|error| refused(error.to_string()))?;
    devices.pop().ok_or_else(|| refused("there is none".into()))
}

async fn carry(
    devices: Rc<Vec<Tun>>,
    switch: Arc<Mutex<Switch>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let start = Instant::now();
    let changed = Rc::new(Notify::new());
    for port in 0..devices.len() {
        let (devices, switch) = (Rc::clone(&devices), Arc::clone(&switch));
        let changed = Rc::clone(&changed);
        tokio::task::spawn_local(take_from(devices, port, switch, start, changed));
    }
    loop {
        let due = {
            let mut switch = lock(&switch);
            while let Some((port, packet)) = switch.poll_packet(start.elapsed()) {
                // A host that does not read loses packets, as real hosts do.
                let _ = devices[port].try_send(&packet);
            }
            switch.poll_timeout()
        };
        let wait = async {
            match due {
                Some(due) => tokio::time::sleep_until(start + due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = &mut stopped => return,
            () = changed.notified() => {}
            () = wait => {}
        }
    }
}

/// Hands the packets of a host to the switch, until its device is gone.
async fn take_from(
    devices: Rc<Vec<Tun>>,
    port: Port,
    switch: Arc<Mutex<Switch>>,
    start: Instant,
    changed: Rc<Notify>,
) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(length) = devices[port].recv(&mut buffer).await {
        if length >= V4_HEADER {
            lock(&switch).handle_packet(start.elapsed(), port, &buffer[..length]);
            changed.notify_one();
        }
    }
}
