//! Encodes and decodes messages and full packets on both wires: plain, sealed and compressed.

use core::time::Duration;
use std::hint::black_box;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use swim_benches::coder::{Coder, FRAMINGS};
use swim_benches::samples::{self, News};

fn messages(criterion: &mut Criterion) {
    let plain = FRAMINGS.iter().filter(|framing| framing.cipher.is_none() && !framing.compression);
    for framing in plain {
        let mut coder = Coder::of(&framing.config());
        let mut group = criterion.benchmark_group(format!("message/{}", framing.key));
        for (title, message) in samples::kinds(&coder) {
            let mut out = BytesMut::with_capacity(2_000);
            group.bench_function(format!("encode/{title}"), |bencher| {
                bencher.iter(|| {
                    out.clear();
                    coder.encode(black_box(&message), &mut out);
                    out.len()
                });
            });
            let packet = coder.packet_of(&message);
            group.bench_function(format!("decode/{title}"), |bencher| {
                bencher.iter(|| coder.read(black_box(&packet), &mut |read| _ = black_box(*read)));
            });
        }
        group.finish();
    }
}

fn packets(criterion: &mut Criterion) {
    let names = samples::cache_names();
    for framing in FRAMINGS {
        let mut coder = Coder::of(&framing.config());
        let messages = samples::full(&mut coder, News::Alive, &names);
        let mut group = criterion.benchmark_group(format!("packet/{}", framing.key));
        group.throughput(Throughput::Elements(messages.len() as u64));
        group.bench_function("encode", |bencher| {
            bencher.iter(|| coder.write(black_box(&messages).iter()));
        });
        let packet = coder.packet(messages.iter());
        group.bench_function("decode", |bencher| {
            bencher.iter(|| coder.read(black_box(&packet), &mut |read| _ = black_box(*read)));
        });
        group.finish();
    }
}

criterion_group! {
    name = wires;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(500));
    targets = messages, packets
}
criterion_main!(wires);
