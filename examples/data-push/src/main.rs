//! A service whose members find each other, announce their data port in their tags, and push data
//! to all peers over TCP.

use std::error::Error;
use std::io::{self, Write, stderr, stdin, stdout};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use swim_tokio::{Cluster, Member, Name, Options, Tags};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing_subscriber::filter::LevelFilter;

/// The tag with a member's data port.
const DATA_PORT: &str = "data-port";

/// How long one push may take. A slow or dead member delays the push to its peers no longer.
const PUSH_TIME_MAX: Duration = Duration::from_secs(2);
const PUSH_SIZE_MAX: u64 = 64 << 10;

/// Push each line of standard input to all peers
#[derive(Parser)]
struct Arguments {
    /// This member's name, unique in the cluster
    #[arg(long)]
    name: Name,
    /// Address to listen on, IP:PORT; port 0 chooses a free port
    #[arg(long)]
    bind: SocketAddr,
    /// Port to listen on for data; 0 chooses a free port
    #[arg(long, default_value_t = 0)]
    data_port: u16,
    /// Seed to join through, HOST:PORT; may be given several times
    #[arg(long)]
    join: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    // Warnings, such as unreachable seeds and name conflicts, go to standard error.
    tracing_subscriber::fmt().with_max_level(LevelFilter::WARN).with_writer(stderr).init();
    let stop = swim_tokio::stop_signal()?;
    let data = TcpListener::bind((arguments.bind.ip(), arguments.data_port)).await?;
    let mut options = Options::lan(arguments.name);
    options.bind = arguments.bind;
    options.seeds = arguments.join;
    options.config.label = "data-push".into();
    options.set_tags(&Tags::from([(DATA_PORT, data.local_addr()?.port().to_string())]))?;

    let node = swim_tokio::start(options).await?;
    tokio::spawn(push_lines(node.cluster(), lines()));
    let ended = tokio::select! {
        ended = watch(node.cluster()) => ended,
        ended = receive(data) => ended,
        () = stop => Ok(()),
    };
    // Leaves in any case, so that peers see this member as left, not as failed.
    let departure = node.shutdown(Duration::from_secs(5)).await?;
    ended?;
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

/// Prints the messages that peers push, one per connection.
async fn receive(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let (mut stream, mut message) = (stream.take(PUSH_SIZE_MAX), String::new());
            let whole = stream.read_to_string(&mut message);
            if let Ok(Ok(_)) = timeout(PUSH_TIME_MAX, whole).await {
                // Quoted, since a peer chose the text. A closed output ends `watch`.
                let _ = writeln!(stdout(), "received {message:?}");
            }
        });
    }
}

/// Pushes each line to all live peers, and prints the peers that were not reached.
async fn push_lines(cluster: Cluster, mut lines: mpsc::Receiver<String>) {
    while let Some(line) = lines.recv().await {
        let message = format!("{}: {line}", cluster.local().name);
        let peers = cluster.peers().into_iter();
        let pushes: JoinSet<_> = peers.map(|peer| push(peer, message.clone())).collect();
        pushes.join_all().await;
    }
}

async fn push(peer: Member, message: String) {
    let sent = async {
        let address = data_address(&peer).ok_or("it announces no data port")?;
        TcpStream::connect(address).await?.write_all(message.as_bytes()).await?;
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    };
    match timeout(PUSH_TIME_MAX, sent).await.unwrap_or_else(|elapsed| Err(elapsed.into())) {
        Ok(()) => {}
        Err(e) => eprintln!("{} was not reached: {e}", peer.name),
    }
}

/// The address of a member's data port.
fn data_address(member: &Member) -> Option<SocketAddr> {
    let port = Tags::of(member)?.get(DATA_PORT)?.parse().ok()?;
    Some(SocketAddr::new(member.address.ip(), port))
}

/// The lines of standard input. A separate thread reads them: a thread of tokio would keep the
/// program from ending.
fn lines() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        stdin().lines().map_while(Result::ok).try_for_each(|line| sender.blocking_send(line))
    });
    lines
}
