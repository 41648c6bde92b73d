//! Encodes and decodes updates.

use core::time::Duration;
use std::hint::black_box;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use swim_benches::UPDATES_PER_PACKET;
use swim_benches::names::{INCARNATION, LABEL, name};
use swim_benches::updates::{alive, packet};
use swim_core::wire::{self, Claim, Message, Update};

fn codec(criterion: &mut Criterion) {
    let names: Vec<String> = (1..=UPDATES_PER_PACKET).map(name).collect();
    let alives: Vec<Message<'_>> =
        (1..).zip(&names).map(|(number, name)| Message::Update(alive(number, name))).collect();
    let suspects: Vec<Message<'_>> = names
        .iter()
        .map(|name| {
            Message::Update(Update {
                name,
                incarnation: INCARNATION,
                claim: Claim::Suspect { accuser: &names[0] },
            })
        })
        .collect();

    let mut group = criterion.benchmark_group("wire");
    group.throughput(Throughput::Elements(UPDATES_PER_PACKET as u64));
    for (kind, messages) in [("alive", &alives), ("suspect", &suspects)] {
        let mut out = BytesMut::with_capacity(2_000);
        group.bench_function(format!("encode/{kind}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                for message in black_box(messages) {
                    message.encode(&mut out);
                }
                out.len()
            });
        });
        let datagram = packet(messages.iter());
        group.bench_function(format!("decode/{kind}"), |bencher| {
            bencher.iter(|| {
                let messages = wire::open_packet(black_box(&datagram), LABEL);
                for message in messages.into_iter().flatten() {
                    _ = black_box(message);
                }
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = wire_format;
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = codec
}
criterion_main!(wire_format);
