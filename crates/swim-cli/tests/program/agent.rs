//! One agent from outside: its commands, its output, its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use rustix::process::Signal;

use crate::common::{Agent, Line, form, secs, swim, wait_for_exit};

/// Two agents that know each other.
fn pair(cluster: &str) -> (Agent, Agent) {
    let mut agents = form(cluster, &["a", "b"]).into_iter();
    (agents.next().unwrap(), agents.next().unwrap())
}

#[test]
fn members_talk_to_each_other() {
    let (mut a, b) = pair("talk");
    let heard = |what: &str, is_it: fn(&Line) -> bool| b.wait(0, secs(10), what, is_it).json;

    assert_eq!(a.ask("broadcast good  morning", "done")["command"], "broadcast");
    let broadcast = heard("broadcast", |line| line.is("broadcast"));
    assert_eq!(broadcast["origin"], "a");
    assert_eq!(broadcast["payload"], "good  morning");

    assert_eq!(a.ask("send b a datagram", "done")["command"], "send");
    let message = heard("message", |line| line.is("message"));
    assert_eq!(message["from"], "a");
    assert_eq!(message["payload"], "a datagram");
    assert_eq!(message["reliable"], false);

    assert_eq!(a.ask("send-reliable b a letter", "done")["name"], "b");
    let letter = heard("letter", |line| line.is("message") && line.json["reliable"] == true);
    assert_eq!(letter["payload"], "a letter");

    assert_eq!(a.ask("meta role=db", "done")["command"], "meta");
    let updated = heard("updated", |line| line.is_about("updated", "a"));
    assert_eq!(updated["meta"], "role=db");

    let pong = a.ask("ping b", "pong");
    assert_eq!(pong["name"], "b");
    assert!(pong["round_trip_ms"].as_f64().unwrap() < 1000.0);
}

#[test]
fn an_agent_tells_about_itself() {
    let (mut a, _b) = pair("self");
    assert_eq!(a.ask("health", "health")["health"], 0);
    let stats = a.ask("stats", "stats");
    assert!(stats["push_pulls"].as_u64().unwrap() > 0);
    assert_eq!(stats["members_live"], 2);
    assert!(a.ask("help", "help")["commands"].as_array().unwrap().len() >= 10);
    let alive = |name: &str| (name.to_string(), "alive".to_string());
    assert_eq!(a.members(), [alive("a"), alive("b")]);
}

#[test]
fn commands_that_cannot_be_carried_out_say_why() {
    let (mut a, _b) = pair("refused");
    for (line, expected) in [
        ("frobnicate", "the commands are members, broadcast TEXT, send NAME TEXT"),
        ("send b", "send NAME TEXT"),
        ("send nobody hello", "no live member of that name"),
        ("ping nobody", "no live member of that name"),
        ("forget nobody", "no failed or departed member has that name"),
        ("forget a", "own name"),
        ("remove-seed 10.0.0.1", "10.0.0.1:7946 is not a seed"),
        (&format!("send b {}", "x".repeat(5000)), "at most"),
        (&format!("broadcast {}", "x".repeat(5000)), "at most"),
        (&format!("meta {}", "x".repeat(513)), "512"),
    ] {
        let told = a.ask(line, "error")["message"].as_str().unwrap().to_string();
        assert!(told.contains(expected), "{line}: {told}");
    }
}

#[test]
fn seeds_come_and_go_on_command() {
    let other = Agent::start("other", "seeds-change", &[]);
    let mut agent = Agent::start("agent", "seeds-change", &[]);
    let added = agent.ask(&format!("add-seed {}", other.address), "done");
    assert_eq!(added["command"], "add-seed");
    assert_eq!(added["seed"], other.address);
    agent.wait(0, secs(10), "other joined", |line| line.is_about("joined", "other"));
    let removed = agent.ask(&format!("remove-seed {}", other.address), "done");
    assert_eq!(removed["seed"], other.address);
    let told = agent.ask(&format!("remove-seed {}", other.address), "error");
    assert_eq!(told["message"], format!("{} is not a seed", other.address));
}

#[test]
fn a_member_that_left_is_forgotten_on_command() {
    let (mut a, mut b) = pair("forget");
    let told = a.ask("forget b", "error")["message"].as_str().unwrap().to_string();
    assert!(told.contains("still alive"), "{told}");
    b.signal(Signal::TERM);
    b.wait_for_exit(secs(10));
    a.wait(0, secs(10), "b left", |line| line.is_about("left", "b"));
    let done = a.ask("forget b", "done");
    assert_eq!(done["command"], "forget");
    assert_eq!(done["name"], "b");
    a.wait(0, secs(1), "b unlisted", |line| line.is_about("unlisted", "b"));
    assert_eq!(a.members(), [("a".to_string(), "alive".to_string())]);
}

#[test]
fn leave_is_a_command_and_the_end_of_input_is_none() {
    let (mut a, mut b) = pair("leave");
    b.close_stdin();
    // Messages sent before the leave still arrive.
    a.type_line("broadcast last words");
    a.type_line("leave");
    assert_eq!(a.wait_for_exit(secs(10)).code(), Some(0));
    let stopped = a.wait(0, secs(1), "stopped", |line| line.is("stopped")).json;
    assert_eq!(stopped["left"], true);
    b.wait(0, secs(10), "last words", |line| line.json["payload"] == "last words");
    b.wait(0, secs(10), "a left", |line| line.is_about("left", "a"));
    b.signal(Signal::INT);
    assert_eq!(b.wait_for_exit(secs(10)).code(), Some(0));
}

#[test]
fn s71_an_agent_whose_leave_nobody_hears_exits_1_and_says_what_to_do() {
    let other = Agent::start("other", "unheard", &[]);
    let arguments = ["agent", "--name", "leaver", "--cluster", "unheard", "--bind", "127.0.0.1:0"];
    let mut leaver = swim(&arguments)
        .args(["--profile", "local", "--join", &other.address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    other.wait(0, secs(10), "leaver joined", |line| line.is_about("joined", "leaver"));
    // Its sockets stay open and accept input, so nothing is refused.
    other.signal(Signal::STOP);
    writeln!(leaver.stdin.as_mut().unwrap(), "leave").unwrap();
    let status = wait_for_exit(&mut leaver, secs(10));
    let (mut told, mut complaints) = (String::new(), String::new());
    leaver.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    leaver.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    assert_eq!(status.code(), Some(1), "{told}{complaints}");
    assert!(complaints.starts_with("swim: no peer acknowledged the leave: "), "{complaints}");
    assert!(complaints.contains("'forget NAME'"), "{complaints}");
    assert!(told.ends_with("the leave is incomplete\n"), "{told}");
}

#[test]
fn hangup_leaves_too() {
    let mut alone = Agent::start("alone", "hangup", &[]);
    alone.signal(Signal::HUP);
    assert_eq!(alone.wait_for_exit(secs(10)).code(), Some(0));
}

#[test]
fn a_second_signal_quits_at_once() {
    // On this profile the leave takes some ticks of gossip, 0.5 s each.
    let wan = ["--profile", "wan"];
    let first = Agent::start_at("127.0.0.1:0", "first", "twice", &[], &wan);
    let mut second = Agent::start_at("127.0.0.1:0", "second", "twice", &[&first.address], &wan);
    second.wait(0, secs(10), "joined", |line| line.is_about("joined", "first"));
    second.signal(Signal::TERM);
    second.wait(0, secs(10), "leaving", |line| line.is("leaving"));
    // After this time a second signal counts; the leave takes seconds.
    std::thread::sleep(std::time::Duration::from_millis(300));
    second.signal(Signal::INT);
    assert_eq!(second.wait_for_exit(secs(1)).code(), Some(130));
    assert!(!second.lines_from(0).iter().any(|line| line.is("stopped")));
}

#[test]
fn two_signals_at_once_are_one_as_timeout_of_the_coreutils_sends_them() {
    let wan = ["--profile", "wan"];
    let first = Agent::start_at("127.0.0.1:0", "first", "timeout", &[], &wan);
    let mut second = Agent::start_at("127.0.0.1:0", "second", "timeout", &[&first.address], &wan);
    second.wait(0, secs(10), "joined", |line| line.is_about("joined", "first"));
    second.signal(Signal::TERM);
    second.signal(Signal::INT);
    assert_eq!(second.wait_for_exit(secs(20)).code(), Some(0));
    second.wait(0, secs(1), "stopped", |line| line.is("stopped"));
}

#[test]
fn a_signal_ends_the_start_also_while_a_file_is_waited_for() {
    let path = std::env::temp_dir().join(format!("swim-pipe-{}", std::process::id()));
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).unwrap();
    let arguments = ["agent", "--name", "a", "--cluster", "c", "--bind", "127.0.0.1:0"];
    let mut child = swim(&arguments)
        .args(["--key-file", path.to_str().unwrap(), "-vvv"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    // Opening the other end blocks until the agent reads its keys. By then it catches signals.
    let writer = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
    rustix::process::kill_process(pid, Signal::INT).unwrap();
    assert_eq!(wait_for_exit(&mut child, secs(10)).code(), Some(130));
    drop(writer);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn a_join_that_goes_on_failing_is_told_again_with_its_reason() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let alone = Agent::start("alone", "again", &[&address]);
    let is_failed = |line: &Line| line.is("join_failed");
    let first = alone.wait(0, secs(10), "join_failed", is_failed);
    let mark = alone.mark();
    let again = alone.wait(mark, secs(20), "join_failed again", is_failed);
    let expected = format!("{address}: the connection was refused: nothing listens there");
    assert!(again.json["message"].as_str().unwrap().contains(&expected), "{}", again.json);
    assert!(again.at - first.at >= secs(4), "{:?}", again.at - first.at);
}

#[test]
fn a_seed_that_does_not_answer_is_asked_again() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let early = Agent::start("early", "seeds", &[&address]);
    let failed = early.wait(0, secs(10), "join_failed", |line| line.is("join_failed")).json;
    assert!(failed["message"].as_str().unwrap().contains(&address), "{failed}");
    let _late = Agent::start_at(&address, "late", "seeds", &[], &[]);
    early.wait(0, secs(40), "late joined", |line| line.is_about("joined", "late"));
}

#[test]
fn s82_an_agent_whose_reader_is_gone_leaves_and_exits_other_than_0() {
    let watcher = Agent::start("watcher", "pipe", &[]);
    let arguments = ["agent", "--name", "mute", "--cluster", "pipe", "--bind", "127.0.0.1:0"];
    let mut mute = swim(&arguments)
        .args(["--profile", "local", "--join", &watcher.address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(mute.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    watcher.wait(0, secs(10), "mute joined", |line| line.is_about("joined", "mute"));
    drop(stdout);
    // The agent notices at the next line that it prints.
    writeln!(mute.stdin.as_mut().unwrap(), "members").unwrap();
    let status = wait_for_exit(&mut mute, secs(30));
    let mut complaints = String::new();
    mute.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    assert_eq!(status.code(), Some(1), "{complaints}");
    let expected = "swim: the reader of standard output is gone, so this member left the cluster\n";
    assert_eq!(complaints, expected);
    watcher.wait(0, secs(10), "mute left", |line| line.is_about("left", "mute"));
}

#[test]
fn lines_for_people() {
    let mut agent = swim(&["agent", "--name", "new line", "--cluster", "people"])
        .args(["--bind", "127.0.0.1:0", "--meta", "\u{1b}[31m", "--profile", "local"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = agent.stdin.take().unwrap();
    write!(stdin, "members\nhealth\nleave\n").unwrap();
    let output = agent.wait_with_output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(!told.contains(['\u{1b}', '\r']), "{told:?}");
    let first = told.lines().next().unwrap();
    assert!(first.contains(" started    new line listens on 127.0.0.1:"), "{told}");
    assert!(told.contains("incarnation"), "{told}");
    assert!(told.contains("alive"), "{told}");
    assert!(told.contains("\"\\u{1b}[31m\""), "{told}");
    assert!(told.contains("0: healthy"), "{told}");
    assert!(told.ends_with("left the cluster\n"), "{told}");
}

#[test]
fn two_members_of_one_name_are_told_of_it_with_what_to_do() {
    let first = Agent::start("a", "namesakes", &[]);
    let second = Agent::start("a", "namesakes", &[&first.address]);
    for (agent, other) in [(&first, &second), (&second, &first)] {
        let told = agent.wait(0, secs(30), "name_taken", |line| line.is("name_taken")).json;
        assert_eq!(told["address"], other.address);
        assert!(told["hint"].as_str().unwrap().contains("another --name"), "{told}");
    }
}
