//! A service of a few nodes, and its test: a crash, an assertion, and 100 seeds, or the one that is
//! given: `cargo run --release -p swim-sim --example service -- 42`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use swim_sim::{Cluster, World, WorldOptions, millis, secs};

type Count = Arc<AtomicU64>;

/// A count that only rises: each node asks every other one now and then, and keeps the greatest.
async fn counter(cluster: Cluster, count: Count) {
    let runtime = cluster.runtime();
    let mut listener = runtime.listen(beside(cluster.local_address())).expect("a free port");
    let told = Arc::clone(&count);
    let _answering = runtime.spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            let _ = peer.write_all(&told.load(SeqCst).to_be_bytes()).await;
        }
    });
    loop {
        runtime.sleep(millis(200)).await;
        for member in cluster.peers() {
            let asking = async {
                let mut answer = [0; 8];
                runtime.connect(beside(member.address)).await?.read_exact(&mut answer).await?;
                std::io::Result::Ok(u64::from_be_bytes(answer))
            };
            if let Ok(Ok(theirs)) = runtime.timeout(millis(500), asking).await {
                count.fetch_max(theirs, SeqCst);
            }
        }
    }
}

/// The service has the port behind that of its node.
fn beside(node: SocketAddr) -> SocketAddr {
    SocketAddr::new(node.ip(), node.port() + 1)
}

fn main() {
    let seed = std::env::args().nth(1).map(|seed| seed.parse().expect("a seed, such as 42"));
    for seed in seed.map_or(0..100, |seed: u64| seed..seed + 1) {
        let mut world = WorldOptions::new(seed).loss(0.1).build();
        let counts: Vec<Count> = ["a", "b", "c"].map(|name| start(&mut world, name)).into();
        world.run(secs(3));
        counts[1].store(7, SeqCst); // b counts seven, ...
        world.run_until(secs(10), |_| counts[0].load(SeqCst) == 7);
        world.crash("b"); // ... and is gone as soon as a has heard of it.
        world.run(secs(20));
        world.restart("b");
        world.run(secs(10));
        for count in counts {
            let replay = format!("cargo run -p swim-sim --example service -- {seed}");
            assert_eq!(count.load(SeqCst), 7, "everybody knows what b counted; again: {replay}");
        }
        println!("seed {seed}: digest {:016x}", world.digest());
    }
}

fn start(world: &mut World, name: &str) -> Count {
    let count = Count::default();
    let known = Arc::clone(&count);
    let seeds = |options: &mut swim_sim::Options| options.seeds = vec!["a:7946".into()];
    world.start_application(name, seeds, move |cluster, _events| {
        known.store(0, SeqCst); // In each life it begins with nothing.
        counter(cluster, Arc::clone(&known))
    });
    count
}
