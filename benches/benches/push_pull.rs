//! Full push/pulls, per member.

use core::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use swim_benches::{Subject, exchange};
use swim_core::wire::Scope;

fn push_pull(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("push_pull");
    for members in [1_000, 10_000] {
        group.throughput(Throughput::Elements(members as u64));
        let mut subject = Subject::joined(members);
        let lone = exchange::lone_half(1);
        let half = exchange::half(Scope::Full, members);
        group.bench_function(BenchmarkId::new("encode", members), |bencher| {
            bencher.iter(|| subject.exchange(&lone));
        });
        group.bench_function(BenchmarkId::new("encode_and_merge_known", members), |bencher| {
            bencher.iter(|| subject.exchange(&half));
        });
        group.bench_function(BenchmarkId::new("merge_new", members), |bencher| {
            bencher.iter_batched_ref(
                Subject::joining,
                |(subject, stream)| subject.receive(*stream, &half),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = exchanges;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    targets = push_pull
}
criterion_main!(exchanges);
