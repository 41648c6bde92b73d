//! The regular operations of a node, at three sizes of the cluster.

use core::time::Duration;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use swim_benches::{CLUSTER_SIZES, OPERATIONS, Operation};

fn operations(criterion: &mut Criterion) {
    for operation in OPERATIONS.iter().filter(|operation| !operation.is_slow_to_prepare) {
        let mut group = criterion.benchmark_group(operation.key);
        group.throughput(Throughput::Elements(operation.per as u64));
        if operation.prepare.is_some() {
            // Preparation takes longer than the measured work, and is not part of this time.
            group.measurement_time(Duration::from_millis(200));
        }
        for members in CLUSTER_SIZES {
            let mut subject = (operation.subject)(swim_benches::names::config(), members);
            group.bench_function(BenchmarkId::from_parameter(members), |bencher| {
                match operation.prepare {
                    None => bencher.iter(|| (operation.work)(&mut subject)),
                    Some(prepare) => {
                        bencher.iter_custom(|times| timed(&mut subject, operation, prepare, times))
                    }
                }
            });
        }
        group.finish();
    }
}

/// Measures without the preparation. Reading the clock, 20 to 50 ns, is included each time.
fn timed(
    subject: &mut swim_benches::Subject,
    operation: &Operation,
    prepare: fn(&mut swim_benches::Subject),
    times: u64,
) -> Duration {
    let mut total = Duration::ZERO;
    for _ in 0..times {
        prepare(subject);
        let start = Instant::now();
        (operation.work)(subject);
        total += start.elapsed();
    }
    total
}

criterion_group! {
    name = node;
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = operations
}
criterion_main!(node);
