//! The member without a runtime in one cluster with a member on tokio.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops here, helpers included")]

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use swim_tokio::{Event, Notice, Options, start};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// Much longer than any step takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn it_is_joined_by_a_member_on_tokio_and_is_seen_to_leave() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_std-loop"))
        .args(["loop", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let listens = timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
    let address = listens.rsplit(' ').next().unwrap().to_string();

    let mut options = Options::lan("tokio".parse().unwrap());
    options.bind = "127.0.0.1:0".parse().unwrap();
    let mut node = start(options).await.unwrap();
    let (cluster, mut events) = (node.cluster(), node.events());
    assert_eq!(timeout(LIMIT, cluster.join([address])).await.unwrap().unwrap().members, 2);
    // More bytes than one read or one write takes.
    cluster.send_reliable("loop", vec![7; 1 << 20]).await.unwrap();
    cluster.ping("loop").await.unwrap();

    let pid = i32::try_from(program.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    let left = async {
        loop {
            match events.next().await {
                Some(Notice::Event(Event::Left { member, .. })) => break member.name,
                Some(_) => {}
                None => panic!("the node ended"),
            }
        }
    };
    assert_eq!(timeout(LIMIT, left).await.unwrap(), "loop");
    assert!(timeout(LIMIT, program.wait()).await.unwrap().unwrap().success());
}
