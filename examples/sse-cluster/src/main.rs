//! A broker of server-sent events, as a program.

use std::error::Error;
use std::io::{Write, stderr, stdout};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser};
use hkdf::Hkdf;
use sha2::Sha256;
use sse_cluster::{Settings, SseCluster};
use swim_tokio::settings::{Readers, keys_of_file};
use swim_tokio::{Departure, Key, Keyring, Name, Options};
use tracing_subscriber::filter::LevelFilter;

/// Stream events to browsers from any node of a cluster
///
/// Each setting is an option and an environment variable. An empty variable counts as unset.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// This node's name, unique in the cluster [default: the name of the host]
    #[arg(long, env = "NODE_NAME")]
    name: Option<Name>,
    /// Address to listen on, for gossip and for HTTP
    #[arg(long, env = "BIND_ADDRESS", default_value_t = Ipv4Addr::UNSPECIFIED.into())]
    bind: IpAddr,
    /// Address announced to other nodes, IP:PORT (NAT, containers)
    #[arg(long, env = "ADVERTISE")]
    advertise: Option<SocketAddr>,
    /// Port to listen on for gossip, UDP and TCP; 0 takes a free one
    #[arg(long = "gossip.port", env = "GOSSIP_PORT", default_value_t = 7946)]
    gossip_port: u16,
    /// Nodes to join through, HOST:PORT, separated by commas
    #[arg(long = "gossip.hosts", env = "GOSSIP_HOSTS", value_delimiter = ',')]
    gossip_hosts: Vec<String>,
    /// Key that encrypts gossip and events between nodes, in base64; see also --key-file
    #[arg(long = "gossip.secretKey", env = "GOSSIP_SECRET_KEY", hide_env_values = true)]
    gossip_secret_key: Option<Key>,
    /// File with that key; other users of the machine must not be able to read it
    #[arg(long, env = "KEY_FILE", conflicts_with = "gossip_secret_key")]
    key_file: Option<PathBuf>,
    /// Accept a key file that other users can read, such as a secret mounted for a group
    #[arg(long, env = "ALLOW_SHARED_KEY_FILE", requires = "key_file")]
    allow_shared_key_file: bool,
    /// Seconds to wait for another node to answer a request
    #[arg(long = "http.client.timeout", env = "HTTP_CLIENT_TIMEOUT", default_value = "10s",
          value_parser = seconds)]
    client_timeout: Duration,
    /// Port to listen on for HTTP; 0 takes a free one
    #[arg(long = "http.server.port", env = "HTTP_SERVER_PORT", default_value_t = 8080)]
    http_port: u16,
    /// Let browsers use this node from pages of other sites
    #[arg(long = "http.server.cors.enabled", env = "HTTP_SERVER_ENABLE_CORS",
          num_args = 0..=1, require_equals = true, default_missing_value = "true",
          default_value_t = false, action = clap::ArgAction::Set)]
    cors: bool,
    /// Token that clients must send to listen, to publish and to see the status
    #[arg(long, env = "TOKEN", hide_env_values = true, value_parser = token)]
    token: Option<String>,
    /// Clients that may listen at a time
    #[arg(long, env = "CLIENTS_MAX", default_value_t = 1024, value_parser = clients)]
    clients_max: usize,
}

/// Parses a time such as "10s" or "10".
fn seconds(text: &str) -> Result<Duration, String> {
    let number = text.strip_suffix('s').unwrap_or(text);
    let seconds: u32 = number.parse().map_err(|_| "write a number of seconds, as in 10s")?;
    if seconds == 0 { Err("at least 1s".into()) } else { Ok(Duration::from_secs(seconds.into())) }
}

/// Parses a token.
fn token(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("an empty token protects nothing: choose another, or leave it unset".into());
    }
    Ok(text.to_owned())
}

/// Parses a number of clients.
fn clients(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("no client could listen: choose at least 1".into()),
        Ok(number) => Ok(number),
        Err(_) => Err("write a number of at least 1".into()),
    }
}

/// Reads the settings. Empty environment variables are ignored: compose files and manifests often
/// leave variables empty that should be unset.
fn arguments() -> Arguments {
    let command = Arguments::command().mut_args(|argument| {
        let value = argument.get_env().and_then(std::env::var_os);
        if value.is_some_and(|value| value.is_empty()) { argument.env(None) } else { argument }
    });
    Arguments::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(arguments()).await {
        Ok(departure) => {
            // The output may be closed already.
            let _ = writeln!(stdout(), "{departure}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<Departure, Box<dyn Error>> {
    // Log problems, such as dead seeds and name conflicts, to standard error.
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(stderr).init();
    let stop = swim_tokio::stop_signal()?; // from now on Ctrl-C and SIGTERM ask to leave
    let keyring = keyring(&arguments)?;
    let settings = settings(&arguments, keyring.primary());
    let http = settings.http;
    let bound = swim_tokio::bind(options(arguments, keyring)?).await?;
    let ended = bound.run(async |cluster, _events| {
        let service = SseCluster::open(&cluster, settings).map_err(|error| {
            format!("cannot listen on {http} for HTTP: {error}; choose another --http.server.port")
        })?;
        let name = cluster.local().name;
        writeln!(stdout(), "{name} gossips on {}", cluster.local_address())?;
        writeln!(stdout(), "HTTP on {}", service.address())?;
        Ok(service.run(stop).await?)
    });
    ended.await
}

fn keyring(arguments: &Arguments) -> Result<Keyring, Box<dyn Error>> {
    Ok(match (&arguments.gossip_secret_key, &arguments.key_file) {
        (Some(key), _) => Keyring::new(key.clone()),
        (None, Some(file)) => {
            let shared = arguments.allow_shared_key_file;
            keys_of_file(file, if shared { Readers::Anybody } else { Readers::Owner })?
        }
        (None, None) => Keyring::default(),
    })
}

fn settings(arguments: &Arguments, key: Option<&Key>) -> Settings {
    let mut settings = Settings::new(SocketAddr::new(arguments.bind, arguments.http_port));
    settings.cors = arguments.cors;
    settings.token = arguments.token.clone();
    settings.client_timeout = arguments.client_timeout;
    settings.clients_max = arguments.clients_max;
    settings.has_seeds = !arguments.gossip_hosts.is_empty();
    settings.key = key.map(passing_key);
    settings
}

/// Derives the key for events between nodes from the one for gossip: two ciphers must not share a
/// key.
fn passing_key(key: &Key) -> [u8; 32] {
    let mut derived = [0; 32];
    let expanded =
        Hkdf::<Sha256>::new(None, key.as_bytes()).expand(b"sse-cluster, events", &mut derived);
    expanded.expect("32 bytes are not too many");
    derived
}

fn options(arguments: Arguments, keyring: Keyring) -> Result<Options, Box<dyn Error>> {
    let name = match arguments.name {
        Some(name) => name,
        None => {
            let host = gethostname::gethostname();
            let host = host.to_str().ok_or("the name of this host is not UTF-8: set --name")?;
            host.parse().map_err(|error| format!("{host:?} is not a name: {error}; set --name"))?
        }
    };
    let mut options = Options::lan(name);
    options.bind = SocketAddr::new(arguments.bind, arguments.gossip_port);
    options.advertise = arguments.advertise;
    options.seeds = arguments.gossip_hosts;
    options.config.label = "sse-cluster".into();
    options.config.keyring = keyring;
    Ok(options)
}
