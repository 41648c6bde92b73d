//! One cluster member that runs this library.
//!
//! It takes the arguments of `go-peer` and speaks the same lines (`interop/go-peer/README.md`), so
//! a test can use either. It also prints more events, under the names of
//! [`Event`](swim_tokio::Event).
#![forbid(unsafe_code)]

mod command;
mod lines;
mod settings;
mod wire;

use std::process::ExitCode;

use swim_tokio::{Cluster, Events};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::command::Command;
use crate::settings::Settings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rust-peer: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::parse(std::env::args().skip(1))?;
    let mut node = swim_tokio::start(settings.options).await?;
    let (cluster, events) = (node.cluster(), node.events());
    cluster.set_user_state(settings.user_state).await?;
    lines::print(&lines::ready(&cluster));
    tokio::select! {
        () = obey(&cluster) => {}
        () = tell(events) => {}
        () = node.stopped() => return Err("the node ended by itself".into()),
    }
    Ok(())
}

/// Runs the commands on standard input, until it ends or one of them is `shutdown`.
async fn obey(cluster: &Cluster) {
    let mut input = read_input();
    while let Some(line) = input.recv().await {
        let command = match Command::parse(&line) {
            Ok(command) => command,
            Err(error) => {
                lines::print(&lines::answer(0, Err(error)));
                continue;
            }
        };
        if command.is("shutdown") {
            return;
        }
        let cluster = cluster.clone();
        // Some take seconds. A sender that needs an order waits for the answers.
        tokio::spawn(async move {
            let id = command.id();
            lines::print(&lines::answer(id, command.run(&cluster).await));
        });
    }
}

async fn tell(mut events: Events) {
    while let Some(notice) = events.next().await {
        lines::print(&lines::notice(&notice));
    }
}

/// Reads standard input in a thread: no other way works for both files and pipes.
fn read_input() -> UnboundedReceiver<String> {
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { break };
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
