//! A message bus over HTTP, as a program.

use std::error::Error;
use std::io::{Write, stderr, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use http_bus::{Service, Settings};
use swim_tokio::settings::{Readers, keys_of_file};
use swim_tokio::{Cluster, Name, Options, Tags};
use tracing_subscriber::filter::LevelFilter;

/// Pass messages to all members of a cluster, over HTTP
#[derive(Parser)]
struct Arguments {
    /// This member's name, unique in the cluster
    #[arg(long)]
    name: Name,
    /// Address to listen on for the cluster, IP:PORT; port 0 takes a free one
    #[arg(long)]
    bind: SocketAddr,
    /// Address announced to peers, IP:PORT (NAT, containers)
    #[arg(long)]
    advertise: Option<SocketAddr>,
    /// A member to join through, HOST:PORT; may be given several times
    #[arg(long)]
    join: Vec<String>,
    /// Port to listen on for HTTP, at the address of --bind; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    http_port: u16,
    /// Seconds to keep a message, for readers and for members that join or come back
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    keep: u64,
    /// Messages of this node's own clients to keep; when full, /publish answers 503
    #[arg(long, value_name = "NUMBER", default_value_t = 1024)]
    published_max: usize,
    /// Messages to keep in all
    #[arg(long, value_name = "NUMBER", default_value_t = 16_384)]
    kept_max: usize,
    /// Bytes of messages to keep in all
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 20)]
    kept_bytes_max: usize,
    /// Readers of /messages at a time
    #[arg(long, value_name = "NUMBER", default_value_t = 128)]
    readers_max: usize,
    /// Readers of /messages at a time from one address
    #[arg(long, value_name = "NUMBER", default_value_t = 64)]
    readers_per_address_max: usize,
    /// Encrypt membership traffic with the keys in this file; HTTP stays unencrypted
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let service = Service::new(settings(&arguments)).unwrap_or_else(|error| {
        Arguments::command().error(ErrorKind::ValueValidation, error).exit()
    });
    match run(arguments, service).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments, service: Service) -> Result<(), Box<dyn Error>> {
    // Log warnings, such as dead seeds and name conflicts, to standard error.
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(stderr).init();
    let stop = swim_tokio::stop_signal()?; // from now on Ctrl-C and SIGTERM ask to leave
    let bound = swim_tokio::bind(options(arguments)?).await?;
    let ended = bound.run(|cluster, events| async move {
        let telling = tokio::spawn(tell(cluster.clone()));
        let ended = service.run(cluster, events, stop).await;
        telling.abort();
        ended
    });
    let ended = ended.await?;
    if !ended.handed_on {
        eprintln!("warning: some messages were not handed on, and may be lost");
    }
    writeln!(stdout(), "{}", ended.departure)?;
    Ok(())
}

fn settings(arguments: &Arguments) -> Settings {
    let mut settings = Settings::default();
    settings.http_port = arguments.http_port;
    settings.keep = Duration::from_secs(arguments.keep);
    settings.published_max = arguments.published_max;
    settings.kept_max = arguments.kept_max;
    settings.kept_bytes_max = arguments.kept_bytes_max;
    settings.readers_max = arguments.readers_max;
    settings.readers_per_address_max = arguments.readers_per_address_max;
    settings
}

fn options(arguments: Arguments) -> Result<Options, Box<dyn Error>> {
    let mut options = Options::lan(arguments.name);
    options.bind = arguments.bind;
    options.advertise = arguments.advertise;
    options.seeds = arguments.join;
    options.config.label = "http-bus".into();
    if let Some(file) = arguments.key_file {
        options.config.keyring = keys_of_file(&file, Readers::Owner)?;
    }
    Ok(options)
}

/// Prints where the node listens, and changes of the live members, while the output can be written.
async fn tell(cluster: Cluster) -> std::io::Result<()> {
    let mut watch = cluster.watch();
    writeln!(stdout(), "{} listens on {}", cluster.local().name, cluster.local_address())?;
    let port = loop {
        let tags = Tags::of(&cluster.local()).unwrap_or_default();
        if let Some(port) = tags.get("http-port") {
            break port.to_owned();
        }
        cluster.runtime().sleep(Duration::from_millis(20)).await;
    };
    writeln!(stdout(), "HTTP on {}:{port}", cluster.local_address().ip())?;
    while let Some(change) = watch.next().await {
        writeln!(stdout(), "{change}; {} live", cluster.live_count())?;
    }
    Ok(())
}
