//! A loop around a node, with sockets of the standard library and no runtime: two members on
//! loopback find each other, one pings the other, and one leaves.
//!
//! ```sh
//! cargo run -p swim-core --example own_loop
//! ```

mod member;

use std::error::Error;
use std::thread;
use std::time::Duration;

use member::Member;
use swim_core::{Answer, Config, Failure, Status};

fn main() -> Result<(), Box<dyn Error>> {
    let any = "127.0.0.1:0".parse()?;
    let mut a = Member::start(Config::local("a".parse()?, any), [1; 32])?;
    let mut b = Member::start(Config::local("b".parse()?, any), [2; 32])?;

    let contact = b.node.config().address;
    a.command(|node, now| node.join(now, contact))?;
    run([&mut a, &mut b], |[a, b]| a.node.members_live() + b.node.members_live() == 4);

    a.command(|node, now| node.ping(now, "b"))?;
    run([&mut a, &mut b], |[a, _]| a.answers.iter().any(|(_, result)| is_pong(result)));

    b.command(|node, now| node.leave(now))?;
    run([&mut a, &mut b], |[a, b]| b.node.status() == Status::Left && a.node.members_live() == 1);
    run([&mut a, &mut b], |[a, b]| a.streams() + b.streams() == 0);

    for event in &a.events {
        println!("{event}");
    }
    Ok(())
}

fn is_pong(result: &Result<Answer, Failure>) -> bool {
    matches!(result, Ok(Answer::Pong { .. }))
}

/// Runs turns of both members until the condition holds.
fn run(mut members: [&mut Member; 2], so: impl Fn(&[&mut Member; 2]) -> bool) {
    while !so(&members) {
        members.iter_mut().for_each(|member| member.turn());
        thread::sleep(Duration::from_millis(1));
    }
}
