//! Plans and their reports.

use std::ops::ControlFlow;

use swim_core::{Config, Key, Keyring};
use swim_sim::simulation::{Fault, Plan, PlanError, Report, Start};
use swim_sim::{Latency, Loss, NetworkOptions, bounds, millis, secs};

fn plan(nodes: usize) -> Plan {
    let name = "any".parse().expect("a name");
    let settings = Config::lan(name, "10.0.0.1:7946".parse().expect("an address"));
    Plan { nodes, ..Plan::new(settings) }
}

fn report(plan: &Plan) -> Report {
    plan.run(|_| ControlFlow::Continue(())).expect("a plan that can be carried out")
}

#[test]
fn crashes_are_noticed_within_the_bounds_and_nobody_else_is_blamed() {
    let faults = vec![Fault::Crash { nodes: 2, at: secs(10) }];
    let plan = Plan { faults, runs: 5, ..plan(10) };
    let report = report(&plan);
    assert_eq!((report.runs, report.crashes, report.interrupted), (5, 10, false));
    assert_eq!((report.first_declared.len(), report.known_everywhere.len()), (10, 10));
    let (first, last) = (report.first_declared.max(), report.known_everywhere.max());
    assert!(first <= last && last <= Some(bounds::detection(&plan.config, 10)));
    let shortest = bounds::suspicion_min(&plan.config, 10);
    assert!(report.first_declared.quantile(0) >= Some(shortest));
    assert_eq!((report.false_failures.events, report.false_suspicions.events), (0, 0));
    assert_eq!(report.simulated, secs(5 * 120));
    assert_eq!(report.rates.node_time, secs(5 * (10 * 120 - 2 * 110)));
    // A ping and an ack for every second and node, and indirect pings of the crashed ones.
    assert!((2.0..5.0).contains(&report.rates.packets), "{:?}", report.rates);
    // Two minutes, with one in 30 s for each of ten nodes.
    assert!((5 * 20..=5 * 60).contains(&report.push_pulls), "{}", report.push_pulls);
}

#[test]
fn a_plan_is_carried_out_on_either_wire_sealed_or_not() {
    for memberlist in [false, true] {
        for sealed in [false, true] {
            let mut plan = plan(12);
            if memberlist {
                plan.config = plan.config.memberlist();
            }
            if sealed {
                let key = Key::aes(&[7; 32]).expect("a size of a key");
                plan.config.keyring = Keyring::new(key);
            }
            plan.faults = vec![Fault::Crash { nodes: 1, at: secs(10) }];
            let report = report(&plan);
            let found =
                (report.crashes, report.known_everywhere.len(), report.false_failures.events);
            let runs = plan.runs as usize;
            assert_eq!(found, (runs, runs, 0), "memberlist {memberlist}, sealed {sealed}");
        }
    }
}

#[test]
fn the_same_plan_gives_the_same_report_and_another_seed_another() {
    let faults = vec![
        Fault::Crash { nodes: 1, at: secs(10) },
        Fault::Loss { loss: Loss::bursts(0.3, millis(500)), at: secs(20), length: secs(10) },
    ];
    let plan = Plan { faults, runs: 2, duration: secs(60), ..plan(8) };
    assert_eq!(report(&plan), report(&plan));
    assert_ne!(report(&plan), report(&Plan { seed: 7, ..plan.clone() }));
}

#[test]
fn the_second_run_is_that_of_the_next_seed() {
    let faults = vec![Fault::Crash { nodes: 1, at: secs(5) }];
    let plan = Plan { faults, duration: secs(60), ..plan(8) };
    let both = report(&Plan { runs: 2, seed: 5, ..plan.clone() });
    let second = report(&Plan { seed: 6, ..plan });
    assert!(both.first_declared.iter().any(|time| Some(time) == second.first_declared.max()));
}

#[test]
fn a_partition_blames_nobody_falsely_and_heals() {
    let faults = vec![Fault::Partition { share: 0.3, at: secs(5), length: secs(60) }];
    let report = report(&Plan { faults, duration: secs(180), ..plan(10) });
    assert_eq!((report.partitions, report.healed.len()), (1, 1));
    assert_eq!(report.separated_failures.members, 10, "each side declares the other failed");
    assert!(report.separated_failures.events >= 2 * 3 * 7);
    assert_eq!((report.false_failures.events, report.false_suspicions.events), (0, 0));
}

#[test]
fn failures_of_a_stalled_member_are_counted_apart() {
    let faults = vec![Fault::Stall { nodes: 1, at: secs(10), length: secs(40) }];
    let report = report(&Plan { faults, duration: secs(120), ..plan(10) });
    // All peers declare it failed, and it declares some of them failed, since it hears nothing.
    assert!(report.stalled_failures.events >= 9, "{:?}", report.stalled_failures);
}

#[test]
fn round_trips_above_the_timeout_bring_false_suspicions() {
    let latency = Latency::Uniform(millis(200), millis(600));
    let mut plan = plan(10);
    plan.network = NetworkOptions { latency, ..NetworkOptions::default() };
    plan.config.probe_timeout = millis(100);
    plan.config.probe_interval = millis(200);
    assert_eq!(plan.warnings()[0].setting, "probe_timeout");
    let report = report(&plan);
    assert!(report.false_suspicions.members >= 5, "{:?}", report.false_suspicions);
}

#[test]
fn a_cluster_that_joins_tells_when_all_knew_all() {
    let report = report(&Plan { start: Start::Joining, duration: secs(30), runs: 2, ..plan(30) });
    assert_eq!(report.formed.len(), 2);
    assert!(report.formed.max() < Some(secs(10)), "{:?}", report.formed);
}

#[test]
fn one_that_is_broken_off_reports_what_was_done_until_then() {
    let faults = vec![Fault::Crash { nodes: 1, at: secs(10) }];
    let plan = Plan { faults, runs: 3, duration: secs(60), ..plan(5) };
    let report = plan
        .run(|progress| match (progress.run, progress.elapsed >= secs(30)) {
            (1, true) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        })
        .unwrap();
    assert!(report.interrupted);
    assert_eq!((report.runs, report.crashes, report.simulated), (1, 2, secs(90)));
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    let refused = |plan: Plan| plan.run(|_| panic!("nothing is simulated")).unwrap_err();
    let with = |faults: &[Fault]| Plan { faults: faults.to_vec(), ..plan(5) };
    let crash = |nodes| Fault::Crash { nodes, at: secs(1) };
    let stall = Fault::Stall { nodes: 2, at: secs(1), length: secs(1) };
    let cut = |share, at| Fault::Partition { share, at: secs(at), length: secs(10) };

    let error = refused(with(&[crash(2), crash(usize::MAX)]));
    assert!(matches!(error, PlanError::Victims { nodes: 5, .. }), "{error:?}");
    assert!(matches!(refused(with(&[crash(3), stall])), PlanError::Victims { stalled: 2, .. }));
    for share in [0.0, 0.05, 0.95, 1.0, -1.0, f64::NAN] {
        assert!(matches!(refused(with(&[cut(share, 1)])), PlanError::Share { .. }), "{share}");
    }
    assert!(matches!(refused(with(&[cut(0.5, 5), cut(0.5, 1)])), PlanError::Overlap { .. }));
    assert!(matches!(refused(plan(1)), PlanError::Nodes { nodes: 1 }));
    assert_eq!(refused(Plan { runs: 0, ..plan(5) }), PlanError::Runs);
    for duration in [secs(0), secs(u64::MAX)] {
        assert_eq!(refused(Plan { duration, ..plan(5) }), PlanError::Duration { duration });
    }
    let mut small = plan(5);
    small.config.members_max = 4;
    assert!(matches!(refused(small), PlanError::MembersMax { .. }));
    let mut odd = plan(5);
    odd.config.probe_timeout = secs(2);
    assert!(refused(odd).to_string().contains("probe_timeout"));
    for loss in [Loss::Independent(1.5), Loss::Independent(f64::NAN)] {
        let network = NetworkOptions { loss, ..NetworkOptions::default() };
        assert!(matches!(refused(Plan { network, ..plan(5) }), PlanError::Network { .. }));
    }
    let latency = Latency::LogNormal { median: millis(9), p99: millis(1) };
    let network = NetworkOptions { latency, ..NetworkOptions::default() };
    assert!(matches!(refused(Plan { network, ..plan(5) }), PlanError::Network { .. }));
}
