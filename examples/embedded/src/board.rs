//! A board with a Cortex-M4 and a memory-mapped network chip.

extern crate alloc;

use alloc::format;
use core::alloc::{GlobalAlloc, Layout};
use core::net::{Ipv4Addr, SocketAddr};
use core::panic::PanicInfo;
use core::ptr::{null_mut, read_volatile, write_volatile};
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;

use embedded::{Member, Network, Settings};
use swim_core::{ConnectionError, Event, Instant, Name, StreamId, StreamInput, StreamOp};

/// The address of the registers.
const REGISTERS: usize = 0x4000_0000;
/// The address of the settings, which were written before the board was installed.
const FLASHED: usize = 0x080f_f000;
/// The commands of the chip.
const SEND: u32 = 1;
const OPEN: u32 = 2;
const WRITE: u32 = 3;
const FINISH: u32 = 4;
const CLOSE: u32 = 5;
const ABORT: u32 = 6;
const REFUSE: u32 = 7;

/// The first function that runs.
#[unsafe(no_mangle)]
extern "C" fn start() -> ! {
    let now = clock();
    let seed = core::array::from_fn(|_| register(7).to_le_bytes()[0]);
    let mut member = Member::start(settings(), seed, now, Chip).expect("the settings work");
    _ = member.join(now, flashed_address(2));
    let mut buffer = [0; 1500];
    loop {
        take_in(&mut member, &mut buffer);
        member.tick(clock());
    }
}

/// Passes an input of the chip to the member, if there is one.
fn take_in(member: &mut Member<Chip>, buffer: &mut [u8; 1500]) {
    let (kind, socket) = (register(0), StreamId(register(4).into()));
    let from = SocketAddr::new(Ipv4Addr::from(register(2)).into(), low_half(register(3)));
    let size = (register(1) as usize).min(buffer.len());
    let bytes = &mut buffer[..size];
    bytes.iter_mut().for_each(|byte| *byte = register(8).to_le_bytes()[0]);
    let now = clock();
    match kind {
        1 => member.receive(now, from, bytes),
        2 => match member.accept(now, from) {
            Ok(id) => tell(OPEN, low_word(id), &[]),
            Err(_) => tell(REFUSE, 0, &[]),
        },
        3 => member.receive_on(now, socket, StreamInput::Opened),
        4 => member.receive_on(now, socket, StreamInput::Data(bytes)),
        5 => member.receive_on(now, socket, StreamInput::Finished),
        6 => {
            member.receive_on(now, socket, StreamInput::Failed(ConnectionError::Reset));
        }
        _ => {}
    }
}

fn settings() -> Settings {
    let name = Name::new(&format!("sensor-{}", flashed(0))).expect("a short name");
    #[cfg_attr(
        not(any(feature = "compression", feature = "encryption", feature = "memberlist")),
        expect(unused_mut, reason = "nothing more to set")
    )]
    let mut settings = Settings::new(name, flashed_address(1));
    #[cfg(feature = "compression")]
    {
        settings.compression = flashed(8) == 1;
    }
    #[cfg(feature = "encryption")]
    if flashed(9) == 1 {
        settings.key = Some(core::array::from_fn(|place| flashed(10 + place).to_le_bytes()[0]));
    }
    #[cfg(feature = "memberlist")]
    {
        settings.memberlist = flashed(26) == 1;
    }
    settings
}

/// The network chip.
struct Chip;

impl Network for Chip {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        address(to);
        tell(SEND, 0, datagram);
    }

    fn stream(&mut self, id: StreamId, op: StreamOp) {
        let socket = low_word(id);
        match op {
            StreamOp::Open { to } => {
                address(to);
                tell(OPEN, socket, &[]);
            }
            StreamOp::Send(bytes) => tell(WRITE, socket, &bytes),
            StreamOp::Finish => tell(FINISH, socket, &[]),
            StreamOp::Close => tell(CLOSE, socket, &[]),
            StreamOp::Abort => tell(ABORT, socket, &[]),
        }
    }

    fn show(&mut self, event: &Event) {
        // A lamp that is lit after a failure.
        let failed = matches!(event, Event::Failed { .. });
        set(6, u32::from(failed));
    }
}

fn address(to: SocketAddr) {
    if let SocketAddr::V4(to) = to {
        set(2, to.ip().to_bits());
        set(3, to.port().into());
    }
}

fn tell(what: u32, socket: u32, bytes: &[u8]) {
    set(4, socket);
    bytes.iter().for_each(|byte| set(8, (*byte).into()));
    set(0, what);
}

fn clock() -> Instant {
    Instant::ORIGIN + Duration::from_millis(register(5).into())
}

fn flashed_address(number: usize) -> SocketAddr {
    let ip = Ipv4Addr::from(flashed(2 * number));
    SocketAddr::new(ip.into(), low_half(flashed(2 * number + 1)))
}

fn low_half(word: u32) -> u16 {
    let [low, high, ..] = word.to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// Streams are numbered from 1, and no board opens 2^32.
fn low_word(id: StreamId) -> u32 {
    u32::try_from(id.0).unwrap_or_default()
}

fn flashed(number: usize) -> u32 {
    // SAFETY: the address is in the flash, behind the program.
    unsafe { read_volatile((FLASHED as *const u32).add(number)) }
}

fn register(number: usize) -> u32 {
    // SAFETY: the registers of the chip may be read at any time.
    unsafe { read_volatile((REGISTERS as *const u32).add(number)) }
}

fn set(number: usize, value: u32) {
    // SAFETY: the registers of the chip may be written at any time.
    unsafe { write_volatile((REGISTERS as *mut u32).add(number), value) };
}

/// A minimal allocator that never frees memory, in place of a real one.
struct Heap;

const HEAP_SIZE: usize = 128 << 10;

#[repr(align(8))]
struct Memory(core::cell::UnsafeCell<[u8; HEAP_SIZE]>);

// SAFETY: each byte is handed out once.
unsafe impl Sync for Memory {}

#[unsafe(link_section = ".heap")]
static MEMORY: Memory = Memory(core::cell::UnsafeCell::new([0; HEAP_SIZE]));
static TAKEN: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static HEAP: Heap = Heap;

// SAFETY: each allocation is aligned, inside the memory, and handed out once.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let taken = TAKEN.load(Ordering::Relaxed);
        let start = taken.next_multiple_of(layout.align());
        match start.checked_add(layout.size()) {
            // SAFETY: the end is inside the memory.
            Some(end) if end <= HEAP_SIZE && layout.align() <= 8 => {
                TAKEN.store(end, Ordering::Relaxed);
                unsafe { MEMORY.0.get().cast::<u8>().add(start) }
            }
            _ => null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
