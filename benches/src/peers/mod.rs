//! This library beside foca, another SWIM library, on the same simulated network.
//!
//! [`Cluster`] is the interface of both. [`Ours`] implements it with a `World`, [`FocaCluster`]
//! with an event loop of the same shape. The scenarios only use that interface, so both do the
//! same. [`MISMATCHES`] lists the differences that remain.

mod cluster;
pub mod crashing;
mod foca_cluster;
mod foca_codec;
mod foca_config;
mod foca_identity;
mod foca_kind;
mod foca_queue;
mod foca_subject;
mod foca_wire;
pub mod joining;
pub mod losing;
mod mismatches;
pub mod operations;
mod ours;
pub mod steady;

pub use cluster::{Cluster, Setting, Volume};
pub use foca_cluster::FocaCluster;
pub use foca_kind::{Lean, Named, Patient};
pub use foca_subject::FocaSubject;
pub use mismatches::MISMATCHES;
pub use ours::{Ours, OursByDatagram, OursWithStreams};

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

/// Converts a number of things in memory.
pub(crate) fn number(count: usize) -> f64 {
    float(count as u64)
}

/// Returns the median; for an even number, the greater of the middle two.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use swim_sim::{millis, secs};

    use super::*;

    fn notices_a_crash_and_a_join<C: Cluster>() {
        let setting = Setting { records: true, expected: 12, ..Setting::new(3, 10) };
        let mut cluster = C::assemble(setting);
        assert!((0..10).all(|node| cluster.live(node) == 10));
        cluster.join(4);
        cluster.run(secs(5));
        assert!((0..11).all(|node| cluster.live(node) == 11), "{}", C::NAME);
        let crash = cluster.now();
        cluster.power_off(7);
        cluster.run(secs(40));
        let known = cluster.held_failed_since(7);
        assert_eq!(known.len(), 10, "{}", C::NAME);
        assert!(known.iter().all(|at| *at > crash + secs(3)));
        assert_eq!(cluster.live(0), 10);
        assert!(cluster.declared() >= 1);
    }

    #[test]
    fn each_cluster_notices_a_crash_and_a_join() {
        notices_a_crash_and_a_join::<OursWithStreams>();
        notices_a_crash_and_a_join::<OursByDatagram>();
        notices_a_crash_and_a_join::<FocaCluster<Lean>>();
        notices_a_crash_and_a_join::<FocaCluster<Named>>();
    }

    fn sent<C: Cluster>(seed: u64) -> Volume {
        let mut cluster = C::assemble(Setting::new(seed, 30));
        cluster.set_loss(0.25);
        for _ in 0..100 {
            cluster.run(millis(1_500));
        }
        cluster.volume()
    }

    #[test]
    fn the_same_seed_is_the_same_run() {
        let first = sent::<FocaCluster<Lean>>(5);
        assert_eq!(first, sent::<FocaCluster<Lean>>(5));
        assert_ne!(first, sent::<FocaCluster<Lean>>(6));
        assert_eq!(sent::<OursWithStreams>(5), sent::<OursWithStreams>(5));
    }

    #[test]
    fn where_everything_is_lost_members_are_declared_down() {
        let mut cluster = FocaCluster::<Lean>::assemble(Setting::new(1, 30));
        cluster.set_loss(1.0);
        cluster.run(secs(30));
        assert!((0..30).all(|node| cluster.live(node) < 30), "nobody is heard any more");
    }
}
