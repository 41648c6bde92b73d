//! A member of a cluster that prints how its live peers change, and leaves on Ctrl-C.

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use swim_tokio::Options;
use tokio::signal::ctrl_c;

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
        return Err("usage: member NAME BIND [SEED]...".into());
    };
    let mut options = Options::lan(name.parse()?);
    options.bind = bind.parse()?;
    options.seeds = arguments.collect();
    options.config.label = "staging".into();

    let stopped = tokio::spawn(ctrl_c()); // from now on, Ctrl-C asks to leave
    let node = swim_tokio::start(options).await?;
    let cluster = node.cluster();
    println!("{name} listens on {}", cluster.local_address());

    tokio::spawn(async move {
        let mut watch = cluster.watch();
        while let Some(change) = watch.next().await {
            println!("{change}; {} live", cluster.live_count());
        }
    });

    stopped.await??;
    println!("{}", node.shutdown(Duration::from_secs(5)).await?);
    Ok(())
}
