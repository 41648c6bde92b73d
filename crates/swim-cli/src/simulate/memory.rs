//! Checks whether a simulation fits in memory.

use swim_sim::simulation::Plan;

/// The free memory to assume if the system does not report it.
const FREE_SUPPOSED: u64 = 8 << 30;

/// Fails if a plan is too large for this machine.
pub(crate) fn check(plan: &Plan) -> Result<(), String> {
    check_with(plan, available())
}

fn check_with(plan: &Plan, available: Option<u64>) -> Result<(), String> {
    let (needed, free) = (plan.memory_estimate(), available.unwrap_or(FREE_SUPPOSED));
    if needed <= free {
        return Ok(());
    }
    let fitting = plan.nodes as f64 * (free as f64 / needed as f64).sqrt();
    let fitting = (fitting / 100.0).floor() * 100.0;
    let is = if available.is_some() { "are free" } else { "are assumed to be free" };
    Err(format!(
        "{} nodes need about {} of memory, since each node has a table of all members, but {} {is} \
         on this machine: simulate at most about {fitting:.0} nodes",
        plan.nodes,
        gigabytes(needed),
        gigabytes(free)
    ))
}

fn gigabytes(bytes: u64) -> String {
    let gigabytes = bytes as f64 / 1e9;
    if gigabytes < 100.0 { format!("{gigabytes:.1} GB") } else { format!("{gigabytes:.0} GB") }
}

/// The memory that is free or can be freed, if the system reports it.
fn available() -> Option<u64> {
    let told = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use swim_tokio::Config;

    #[test]
    fn what_does_not_fit_is_told_with_what_does() {
        let config = Config::lan("a".parse().unwrap(), "10.0.0.1:7946".parse().unwrap());
        let plan = |nodes| Plan { nodes, ..Plan::new(config.clone()) };
        assert_eq!(check_with(&plan(1000), Some(1 << 30)), Ok(()));
        let told = check_with(&plan(100_000), Some(1 << 30)).unwrap_err();
        assert!(told.contains("1300 GB") && told.contains("1.1 GB"), "{told}");
        assert!(told.contains("about 2800 nodes"), "{told}");
        assert!(check_with(&plan(100_000), None).is_err());
    }
}
