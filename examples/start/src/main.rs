//! The program of `docs/start.md`.

use std::error::Error;
use std::io::stderr;
use std::time::Duration;

use start::follow_leader;
use swim_tokio::Options;
use tracing_subscriber::filter::LevelFilter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(bind)) = (arguments.next(), arguments.next()) else {
        return Err("usage: start NAME IP:PORT [SEED]...".into());
    };
    let mut options = Options::lan(name.parse()?);
    options.bind = bind.parse()?;
    options.seeds = arguments.collect();
    options.config.label = "start".into();

    // Problems, such as a seed that does not answer, are logged to standard error.
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(stderr).init();
    let stop = swim_tokio::stop_signal()?;
    let node = swim_tokio::start(options).await?;
    tokio::select! {
        () = follow_leader(node.cluster(), |leader| println!("{leader} leads")) => {}
        () = stop => {}
    }
    node.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}
