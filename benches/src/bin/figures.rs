//! Prints the figures of `docs/reports/performance.md` in one run, in less than a minute.
//!
//! ```sh
//! cargo run --release --manifest-path benches/Cargo.toml --bin figures
//! ```

use std::hint::black_box;

use bytes::BytesMut;
use swim_benches::names::{INCARNATION, LABEL, name};
use swim_benches::updates::{alive, packet, per_packet};
use swim_benches::{
    CLUSTER_SIZES, OPERATIONS, Operation, Subject, UPDATES_PER_PACKET, exchange, names, timing,
};
use swim_core::wire::{self, Claim, Message, Scope, Update};
use swim_test_support::counting::{self, Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The number of samples of a median.
const SAMPLES: usize = 2_001;

/// The repetitions of an operation while allocations are counted, and before.
const COUNTED: usize = 10_000;
const WARM_UP: usize = 2_000;

/// The numbers of members for the measurement of memory.
///
/// At the last one, tables that double have twice the room they need.
const MEMORY_SIZES: [usize; 3] = [10_000, 100_000, 131_073];

fn main() {
    print_operations();
    print_codec();
    print_push_pull();
    print_packets();
    print_memory();
}

fn print_operations() {
    println!("Operations of a node with N members: nanoseconds, and allocations each\n");
    print!("{:44}", "");
    for members in CLUSTER_SIZES {
        print!("{:>12}", format!("N={members}"));
    }
    println!("{:>10}{:>14}", "growth", "allocations");
    for operation in OPERATIONS {
        let nanos = CLUSTER_SIZES.map(|members| nanos(&operation, members));
        print!("{:44}", operation.title);
        for nanos in nanos {
            print!("{nanos:>12.1}");
        }
        let growth = nanos[nanos.len() - 1] / nanos[0];
        println!("{growth:>9.2}x{:>14.4}", allocations(&operation));
    }
    println!();
}

fn nanos(operation: &Operation, members: usize) -> f64 {
    let mut subject = (operation.subject)(names::config(), members);
    let samples = if operation.is_slow_to_prepare { SAMPLES / 10 } else { SAMPLES };
    let nanos = match operation.prepare {
        None => timing::repeated(samples, || (operation.work)(&mut subject)),
        Some(prepare) => timing::prepared(samples, &mut subject, prepare, operation.work),
    };
    nanos / count(operation.per)
}

/// Returns the average allocations of an operation, with 1,000 members.
fn allocations(operation: &Operation) -> f64 {
    let mut subject = (operation.subject)(names::config(), 1_000);
    let mut allocations = 0;
    for round in 0..WARM_UP + COUNTED {
        if let Some(prepare) = operation.prepare {
            prepare(&mut subject);
        }
        let before = counting::allocations();
        (operation.work)(&mut subject);
        if round >= WARM_UP {
            allocations += counting::allocations() - before;
        }
    }
    count(allocations) / count(COUNTED)
}

fn print_codec() {
    println!("Codec: nanoseconds per update\n");
    let names: Vec<String> = (1..=UPDATES_PER_PACKET).map(name).collect();
    for (title, updates) in [("alive", alives(&names)), ("suspect", accusations(&names))] {
        let mut out = BytesMut::with_capacity(2_000);
        let encode = timing::repeated(SAMPLES, || {
            out.clear();
            for update in black_box(&updates) {
                update.encode(&mut out);
            }
            black_box(&out);
        });
        let datagram = packet(updates.iter());
        let decode = timing::repeated(SAMPLES, || {
            let messages = wire::open_packet(black_box(&datagram), LABEL);
            for message in messages.into_iter().flatten() {
                _ = black_box(message);
            }
        });
        let each = count(UPDATES_PER_PACKET);
        println!("{title:12} encode {:6.1}   decode {:6.1}", encode / each, decode / each);
    }
    println!();
}

fn alives(names: &[String]) -> Vec<Message<'_>> {
    let numbered = (1..).zip(names);
    numbered.map(|(number, name)| Message::Update(alive(number, name))).collect()
}

fn accusations(names: &[String]) -> Vec<Message<'_>> {
    let accused = names.iter().map(|name| Update {
        name,
        incarnation: INCARNATION,
        claim: Claim::Suspect { accuser: &names[0] },
    });
    accused.map(Message::Update).collect()
}

fn print_push_pull() {
    println!("Push/pull: nanoseconds per member\n");
    for members in [1_000, 10_000] {
        let samples = 200_000 / members + 1;
        let each = count(members);

        let mut subject = Subject::joined(members);
        let lone = exchange::lone_half(1);
        let encode = timing::prepared(
            samples,
            &mut subject,
            |_| {},
            |subject| {
                subject.exchange(&lone);
            },
        );
        let half = exchange::half(Scope::Full, members);
        let both = timing::prepared(
            samples,
            &mut subject,
            |_| {},
            |subject| {
                subject.exchange(&half);
            },
        );
        let join = timing::prepared(
            samples,
            &mut Subject::joining(),
            |joining| *joining = Subject::joining(),
            |(subject, stream)| subject.receive(*stream, &half),
        );
        println!(
            "N={members:<10} encode {:6.1}   merge, all known {:6.1}   \
             merge, all new (a join) {:6.1}",
            encode / each,
            (both - encode) / each,
            join / each
        );
    }
    println!();
}

fn print_packets() {
    println!(
        "Updates in a packet of 1,400 bytes: 10-character names, IPv4, no metadata, label of 8\n"
    );
    let (one, other) = (name(1), name(2));
    let about = |claim| Update { name: &one, incarnation: INCARNATION, claim };
    for (title, update) in [
        ("alive", alive(1, &one)),
        ("suspect", about(Claim::Suspect { accuser: &other })),
        ("failed", about(Claim::Failed { accuser: &other })),
        ("left", about(Claim::Left)),
    ] {
        let (size, fit) = (update.encoded_len(), per_packet(&update, 1_400));
        println!("{title:12} {size} bytes, {fit} per packet");
    }
    println!();
}

fn print_memory() {
    println!("Heap bytes per member, its name of 10 bytes not counted; no metadata\n");
    println!("{:12}{:>16}{:>16}{:>18}", "", "all queued", "after gossip", "peak while adding");
    for members in MEMORY_SIZES {
        let before = counting::live();
        counting::restart_peak();
        let mut subject = Subject::new(names::config());
        subject.add_one_by_one(members);
        let (queued, peak) = (counting::live() - before, counting::peak() - before);
        subject.gossip_until_quiet();
        let quiet = counting::live() - before;
        let each = |bytes: usize| count(bytes) / count(members) - 10.0;
        println!(
            "{:12}{:>16.1}{:>16.1}{:>18.1}",
            format!("N={members}"),
            each(queued),
            each(quiet),
            each(peak)
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn count(number: usize) -> f64 {
    number as f64
}
