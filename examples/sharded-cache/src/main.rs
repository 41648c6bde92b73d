//! A node of the cache, on tokio.

use std::error::Error;
use std::io::{Write, stderr, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use sharded_cache::{Cache, LINE_SIZE_MAX, Settings};
use swim_tokio::settings::keys_of_file;
use swim_tokio::{Cluster, Departure, Name, Options, Readers};
use tracing_subscriber::filter::LevelFilter;

/// A cache whose keys are spread over the members of a cluster
#[derive(Parser)]
struct Arguments {
    /// Name of this node, unique in the cluster
    #[arg(long)]
    name: Name,
    /// Address to listen on for membership, IP:PORT; port 0 takes a free one
    #[arg(long)]
    bind: SocketAddr,
    /// Port to listen on for clients and peers, announced in the tags; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Member to join through, HOST:PORT; may be given several times
    #[arg(long)]
    join: Vec<String>,
    /// File with the keys of the cluster, as `swim keygen` writes it; encrypts membership
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// Bytes of keys and values that this node holds
    #[arg(long, default_value_t = Settings::default().bytes_max,
          value_parser = at_least(LINE_SIZE_MAX, "the largest value must fit"))]
    bytes_max: usize,
}

/// Parses a number of at least `min`. A smaller one is refused with the reason.
fn at_least(
    min: usize,
    reason: &'static str,
) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse() {
        Ok(number) if number >= min => Ok(number),
        Ok(_) => Err(format!("{reason}: choose at least {min}")),
        Err(_) => Err(format!("write a number of at least {min}")),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(departure) => {
            // The output may be closed already.
            let _ = writeln!(stdout(), "{departure}");
            ExitCode::SUCCESS
        }
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<Departure, Box<dyn Error>> {
    // Log problems such as dead seeds and name conflicts to standard error.
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(stderr).init();
    let stop = swim_tokio::stop_signal()?;
    let settings =
        Settings { port: arguments.port, bytes_max: arguments.bytes_max, ..Settings::default() };
    let mut options = Options::lan(arguments.name);
    options.bind = arguments.bind;
    options.seeds = arguments.join;
    options.config.label = "sharded-cache".into();
    if let Some(file) = arguments.key_file {
        options.config.keyring = keys_of_file(&file, Readers::Owner)?;
    }
    let node = swim_tokio::bind(options).await?;
    node.run(|cluster, _events| async move {
        let cache = Cache::start(cluster.clone(), &settings)?;
        writeln!(
            stdout(),
            "{} listens on {}, for clients on {}",
            cluster.local().name,
            cluster.local_address(),
            cache.local_address()
        )?;
        let telling = tokio::spawn(tell_changes(cluster));
        let departure = cache.run(stop).await;
        telling.abort();
        Ok(departure?)
    })
    .await
}

/// Prints changes of the live members while the output can be written.
async fn tell_changes(cluster: Cluster) {
    let mut watch = cluster.watch();
    while let Some(change) = watch.next().await {
        if writeln!(stdout(), "{change}; {} live", cluster.live_count()).is_err() {
            return;
        }
    }
}
