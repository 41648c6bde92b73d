//! Prints the cost of both wires: plain, sealed and compressed, in nanoseconds and bytes.
//!
//! Fails if an operation of a warmed-up node allocates memory.
//!
//! ```sh
//! cargo run --release --manifest-path benches/Cargo.toml --bin wires
//! ```
//!
//! `--bytes` prints only the bytes, as the tables of the docs, and measures nothing.

use std::hint::black_box;

use bytes::BytesMut;
use swim_benches::coder::{Coder, FRAMINGS, Framing};
use swim_benches::samples::{self, News, PACKET_SIZE};
use swim_benches::{OPERATIONS, Operation, timing};
use swim_core::wire::memberlist::Lzw;
use swim_test_support::counting::{self, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The number of samples of a median.
const SAMPLES: usize = 301;

/// The repetitions of an operation while allocations are counted, and before.
const COUNTED: usize = 2_000;
const WARM_UP: usize = 1_000;

/// The number of members that the nodes know.
const MEMBERS: usize = 1_000;

/// The measured operations of a node, by key.
const OF_A_NODE: [&str; 5] = ["ping/hot", "ack", "known/hot", "tick/probe/hot", "tick/gossip"];

fn main() {
    if std::env::args().nth(1).as_deref() == Some("--bytes") {
        tabulate_messages();
        tabulate_updates();
        return;
    }
    print_messages();
    print_updates();
    print_packets();
    print_operations();
    print_compression();
}

/// Prints the bytes of each message on both wires, as Markdown.
fn tabulate_messages() {
    let [native, memberlist] = ["swim/plain", "memberlist/plain"].map(coder).map(|coder| {
        samples::kinds(&coder).map(|(title, message)| {
            let mut out = BytesMut::with_capacity(PACKET_SIZE);
            coder.encode(&message, &mut out);
            (title, out.len())
        })
    });
    println!("| message, bytes | native | memberlist |\n|---|---|---|");
    for ((title, native), (_, memberlist)) in native.into_iter().zip(memberlist) {
        println!("| {title} | {native} | {memberlist} |");
    }
    println!();
}

/// Prints the number of updates that fit into a packet, as Markdown.
fn tabulate_updates() {
    println!("| updates in 1,400 bytes | alive | suspect, failed | left |\n|---|---|---|---|");
    for (title, cells) in updates() {
        println!(
            "| {title} | {} |",
            cells.map(|(bytes, count)| format!("{count} of {bytes}")).join(" | ")
        );
    }
}

fn print_messages() {
    println!("One message: bytes, nanoseconds to write and to read it, without framing\n");
    println!("{:18}{:>24}{:>24}", "", "native", "memberlist");
    let [native, memberlist] = ["swim/plain", "memberlist/plain"].map(coder);
    let columns = [native, memberlist].map(|mut coder| {
        samples::kinds(&coder).map(|(title, message)| {
            let mut out = BytesMut::with_capacity(PACKET_SIZE);
            let write = timing::repeated(SAMPLES, || {
                out.clear();
                coder.encode(black_box(&message), &mut out);
                black_box(&out);
            });
            let size = out.len();
            let packet = coder.packet_of(&message);
            let read = timing::repeated(SAMPLES, || read(&mut coder, &packet));
            (title, size, write, read)
        })
    });
    let [native, memberlist] = columns;
    for ((title, a, a_write, a_read), (_, b, b_write, b_read)) in native.into_iter().zip(memberlist)
    {
        print!("{title:18}{a:>8}{a_write:>8.0}{a_read:>8.0}");
        println!("{b:>8}{b_write:>8.0}{b_read:>8.0}");
    }
    println!("\nReading includes label and checksum of a packet with only this message.\n");
}

fn print_updates() {
    println!("Updates in a packet of 1,400 bytes: names of 10 characters, IPv4, no metadata\n");
    println!("{:28}{:>12}{:>18}{:>12}", "", "alive", "suspect, failed", "left");
    for (title, cells) in updates() {
        let [alive, suspect, left] = cells.map(|(bytes, count)| format!("{count} of {bytes} B"));
        println!("{title:28}{alive:>12}{suspect:>18}{left:>12}");
    }
    println!();
}

/// Returns update sizes and counts per packet, for each framing without compression.
///
/// They are the bytes of an alive, a suspect and a left, and how many of them a packet holds.
fn updates() -> impl Iterator<Item = (&'static str, [(usize, usize); 3])> {
    let plain = FRAMINGS.iter().filter(|framing| !framing.compression);
    plain.map(|framing| {
        let mut coder = Coder::of(&framing.config());
        let [.., alive, suspect, _, left, _] = samples::kinds(&coder)
            .map(|(_, message)| (coder.cost(&message), coder.per_packet(&message, PACKET_SIZE)));
        (framing.title, [alive, suspect, left])
    })
}

fn print_packets() {
    println!(
        "A full packet of alives: messages, bytes, nanoseconds to write and read, allocations\n"
    );
    let names = samples::cache_names();
    for framing in FRAMINGS {
        let mut coder = Coder::of(&framing.config());
        let messages = samples::full(&mut coder, News::Alive, &names);
        let mut write = || drop(black_box(coder.write(black_box(&messages).iter())));
        let written = timing::repeated(SAMPLES, &mut write);
        let mut allocations = allocated(&mut write);
        let packet = coder.packet(messages.iter());
        let read_in = timing::repeated(SAMPLES, || read(&mut coder, &packet));
        allocations += allocated(&mut || read(&mut coder, &packet));
        println!(
            "{:28}{:>6}{:>8}{written:>10.0}{read_in:>10.0}{allocations:>8}",
            framing.title,
            messages.len(),
            packet.len()
        );
    }
    println!();
}

fn print_operations() {
    println!("Operations of a node with {MEMBERS} members: nanoseconds; no allocations\n");
    let operations: Vec<&Operation> = OF_A_NODE
        .iter()
        .filter_map(|key| OPERATIONS.iter().find(|operation| operation.key == *key))
        .collect();
    print!("{:28}", "");
    for operation in &operations {
        print!("{:>16}", operation.key);
    }
    println!();
    for framing in FRAMINGS {
        print!("{:28}", framing.title);
        for operation in &operations {
            let (nanos, allocations) = operation_cost(operation, &framing);
            assert_eq!(allocations, 0, "{}: {}", framing.title, operation.title);
            print!("{nanos:>16.0}");
        }
        println!();
    }
    println!();
}

fn operation_cost(operation: &Operation, framing: &Framing) -> (f64, usize) {
    let mut subject = (operation.subject)(framing.config(), MEMBERS);
    let (warm_up, counted) =
        if operation.is_slow_to_prepare { (50, 100) } else { (WARM_UP, COUNTED) };
    let mut allocations = 0;
    for round in 0..warm_up + counted {
        if let Some(prepare) = operation.prepare {
            prepare(&mut subject);
        }
        let before = counting::allocations();
        (operation.work)(&mut subject);
        if round >= warm_up {
            allocations += counting::allocations() - before;
        }
    }
    let samples = if operation.is_slow_to_prepare { SAMPLES / 5 } else { SAMPLES };
    let nanos = match operation.prepare {
        None => timing::repeated(samples, || (operation.work)(&mut subject)),
        Some(prepare) => timing::prepared(samples, &mut subject, prepare, operation.work),
    };
    (nanos / count(operation.per), allocations)
}

/// Prints the savings of compression on both wires.
fn print_compression() {
    println!("Compressing full packets: bytes before, after, and nanoseconds there and back\n");
    let names = samples::cache_names();
    for wire in ["swim/plain", "memberlist/plain"] {
        for news in [News::Alive, News::Suspect, News::Mixed] {
            let mut coder = coder(wire);
            let messages = samples::full(&mut coder, news, &names);
            let packet = coder.packet(messages.iter());
            let title = format!("{wire}, {news:?}");
            lz4(&title, &packet);
            lzw(&title, &packet);
        }
    }
}

fn lz4(title: &str, text: &[u8]) {
    let mut packed = vec![0; lz4_flex::block::get_maximum_output_size(text.len())];
    let mut size = 0;
    let there = timing::repeated(SAMPLES, || {
        let written = lz4_flex::block::compress_into(black_box(text), &mut packed);
        size = written.expect("room for the largest");
    });
    let mut unpacked = vec![0; text.len()];
    let back = timing::repeated(SAMPLES, || {
        let written = lz4_flex::block::decompress_into(black_box(&packed[..size]), &mut unpacked);
        assert!(written.is_ok());
    });
    print_saving(title, "lz4", text.len(), size, there, back);
}

fn lzw(title: &str, text: &[u8]) {
    let (mut lzw, mut packed, mut unpacked) = (Lzw::default(), Vec::new(), Vec::new());
    let there = timing::repeated(SAMPLES, || lzw.compress(black_box(text), &mut packed));
    let back = timing::repeated(SAMPLES, || {
        let result = lzw.decompress(black_box(&packed), &mut unpacked, text.len());
        assert_eq!(result, Ok(()));
    });
    print_saving(title, "LZW", text.len(), packed.len(), there, back);
}

fn print_saving(title: &str, how: &str, before: usize, after: usize, there: f64, back: f64) {
    let saved = 100.0 - 100.0 * count(after) / count(before);
    println!("{title:28}{how:>6}{before:>7}{after:>7}{saved:>7.1} %{there:>9.0}{back:>9.0}");
}

fn coder(key: &str) -> Coder {
    let framing = FRAMINGS.iter().find(|framing| framing.key == key);
    Coder::of(&framing.expect("one of the keys").config())
}

fn read(coder: &mut Coder, packet: &[u8]) {
    coder.read(black_box(packet), &mut |message| _ = black_box(*message));
}

/// Counts the allocations of warm repetitions.
fn allocated(work: &mut impl FnMut()) -> usize {
    let before = counting::allocations();
    (0..COUNTED).for_each(|_| work());
    counting::allocations() - before
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn count(number: usize) -> f64 {
    number as f64
}
