//! Whether a simulation fits the memory.

use swim_sim::simulation::Plan;

/// What a machine that does not tell is supposed to have free.
const FREE_SUPPOSED: u64 = 8 << 30;

/// Says by how much a plan is too large for this machine.
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
    let has = if available.is_some() { "has free" } else { "is supposed to have" };
    Err(format!(
        "{} nodes: each node has a table of all others, which takes about {} of memory, more \
         than the {} that this machine {has}; up to about {fitting:.0} nodes fit",
        plan.nodes,
        gigabytes(needed),
        gigabytes(free)
    ))
}

fn gigabytes(bytes: u64) -> String {
    let gigabytes = bytes as f64 / 1e9;
    if gigabytes < 100.0 { format!("{gigabytes:.1} GB") } else { format!("{gigabytes:.0} GB") }
}

/// The memory that is free or can be freed, where the system tells.
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
