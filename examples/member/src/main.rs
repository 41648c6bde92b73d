//! A cluster member that prints changes of its live peers, and leaves when asked to stop.

use std::error::Error;
use std::io::{self, Write, stderr, stdout};
use std::process::ExitCode;
use std::time::Duration;

use swim_tokio::{Cluster, Options};
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(bind)) = (arguments.next(), arguments.next()) else {
        return Err("usage: member NAME IP:PORT [SEED]...".into());
    };
    let mut options = Options::lan(name.parse()?);
    options.bind = bind.parse().map_err(|e| format!("{bind}: {e}"))?;
    options.seeds = arguments.collect();
    options.config.label = "staging".into();

    // Warnings, such as unreachable seeds and name conflicts, go to standard error.
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(stderr).init();
    let stop = swim_tokio::stop_signal()?; // from now on Ctrl-C and SIGTERM ask to leave
    let node = swim_tokio::start(options).await?;
    let watched = tokio::select! {
        watched = watch(node.cluster()) => watched,
        () = stop => Ok(()),
    };
    // Leaves in any case, so that peers see this member as left, not as failed.
    let departure = node.shutdown(Duration::from_secs(5)).await?;
    watched?;
    writeln!(stdout(), "{departure}")?;
    Ok(())
}

/// Prints changes of the live peers, as long as the output can be written.
async fn watch(cluster: Cluster) -> io::Result<()> {
    writeln!(stdout(), "{} listens on {}", cluster.local().name, cluster.local_address())?;
    let mut watch = cluster.watch();
    while let Some(change) = watch.next().await {
        writeln!(stdout(), "{change}; {} live", cluster.live_count())?;
    }
    Ok(())
}
