//! Agents that are asked and changed by other commands.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use crate::common::{Agent, secs, swim};

/// A directory for control sockets, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("swim-rpc-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }

    /// As the settings of an agent have it: its socket is NAME.sock in there.
    fn setting(&self) -> String {
        format!("{}/", self.0.display())
    }

    fn socket(&self, name: &str) -> String {
        self.0.join(format!("{name}.sock")).to_str().unwrap().to_string()
    }

    /// Starts agents with their sockets in here, which know each other.
    fn form(&self, cluster: &str, names: &[&str]) -> Vec<Agent> {
        let setting = self.setting();
        crate::common::form_with(cluster, names, &["--rpc", &setting])
    }

    /// Asks an agent.
    fn ask(&self, name: &str, arguments: &[&str]) -> Output {
        let socket = self.socket(name);
        run(&[arguments, &["--rpc", &socket]].concat())
    }

    /// Asks an agent, which has to do it, and returns what is printed.
    fn done(&self, name: &str, arguments: &[&str]) -> String {
        let output = self.ask(name, arguments);
        let (code, told) = told(&output);
        assert_eq!(code, 0, "{arguments:?}: {told}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same as JSON.
    fn json(&self, name: &str, arguments: &[&str]) -> Value {
        let text = self.done(name, &[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{arguments:?}: {text}"))
    }

    /// The names of the members that an agent lists with these filters.
    fn members(&self, name: &str, filters: &[&str]) -> Vec<String> {
        let text = self.done(name, &[&["members", "--format", "{name}"], filters].concat());
        text.lines().map(String::from).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run(arguments: &[&str]) -> Output {
    swim(arguments).stdin(Stdio::null()).output().unwrap()
}

/// The exit code, and what is on standard error.
fn told(output: &Output) -> (i32, String) {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap_or(-1), told)
}

/// Waits until something is so.
fn eventually<T: std::fmt::Debug + PartialEq>(expected: &T, found: impl Fn() -> T) {
    let deadline = Instant::now() + secs(40);
    loop {
        let now = found();
        if now == *expected {
            return;
        }
        assert!(Instant::now() < deadline, "{now:?}, not {expected:?}");
        // How often it looks, not how long.
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn members_are_listed_filtered_and_followed() {
    let folder = Folder::new("members");
    let agents = folder.form("control-members", &["a", "b", "c"]);
    let text = folder.done("b", &["tags", "--set", "role=cache", "--set", "zone=x"]);
    assert!(text.contains("role  cache"), "{text}");
    let with_tags = || folder.members("a", &["--tag", "role=ca.*", "--tag", "zone=x|y"]);
    eventually(&vec!["b".to_string()], with_tags);
    assert!(folder.members("a", &["--tag", "role=cach"]).is_empty());
    assert_eq!(folder.members("a", &["--name", "[ab]", "--state", "live"]), ["a", "b"]);

    let table = folder.done("a", &["members", "--detailed"]);
    let head = table.lines().next().unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(head[..4], ["name", "address", "state", "incarnation"]);
    assert_eq!(table.lines().count(), 5, "{table}");
    assert!(table.contains(" role=cache,zone=x"), "{table}");
    let lines = folder.done("a", &["members", "--json"]);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&first["name"], &first["local"]), (&"a".into(), &true.into()));
    let lines = folder.done("a", &["members", "--format", "{name} {tag.role} {port}"]);
    let port = agents[1].address.rsplit_once(':').unwrap().1;
    assert_eq!(lines.lines().nth(1), Some(format!("b cache {port}").as_str()));
    // A table fits the terminal.
    let output = swim(&["members", "--rpc", &folder.socket("a")]).env("COLUMNS", "40").output();
    let table = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(table.lines().all(|line| line.chars().count() <= 40), "{table}");

    let watch = Followed::start(&folder.socket("a"), &["members", "--watch", "--state", "left"]);
    watch.wait(|line| line.contains("name") && line.contains("state"));
    agents[2].signal(Signal::TERM);
    watch.wait(|line| line.starts_with(" c ") && line.contains("left"));
}

#[test]
fn an_agent_joins_measures_forgets_and_leaves_when_it_is_told_to() {
    let folder = Folder::new("join");
    let setting = folder.setting();
    let start =
        |name| Agent::start_at("127.0.0.1:0", name, "control-join", &[], &["--rpc", &setting]);
    let (a, mut b) = (start("a"), start("b"));
    assert_eq!(folder.json("b", &["info"])["members"]["alive"], 1);
    let joined = folder.json("b", &["join", &a.address]);
    assert_eq!((&joined["contact"], &joined["members"]), (&a.address.as_str().into(), &2.into()));
    let info = folder.done("a", &["info"]);
    assert!(info.contains(" cluster      control-join\n"), "{info}");
    assert!(folder.done("a", &["ping", "b"]).starts_with("b answered after "));
    assert_eq!(folder.json("a", &["rtt", "b", "--count", "5"])["pings"], 5);
    assert!(folder.done("a", &["stats"]).contains("members live"), "a table");
    assert_eq!(folder.json("a", &["stats"])["members_live"], 2);

    let (code, told_of_live) = told(&folder.ask("a", &["forget", "b"]));
    assert_eq!(code, 1);
    assert!(told_of_live.contains("still alive"), "{told_of_live}");
    assert_eq!(folder.done("b", &["leave"]), "left the cluster\n");
    assert_eq!(b.wait_for_exit(secs(10)).code(), Some(0));
    assert!(!Path::new(&folder.socket("b")).exists());
    eventually(&vec!["b".to_string()], || folder.members("a", &["--state", "left"]));
    folder.done("a", &["forget", "b"]);
    assert_eq!(folder.members("a", &[]), ["a"]);
    let (code, told) = told(&folder.ask("a", &["forget", "b"]));
    assert_eq!(code, 1);
    assert!(told.contains("remembers no member"), "{told}");
}

#[test]
fn which_agent_is_asked_is_clear_or_an_error() {
    let folder = Folder::new("which");
    let directory = folder.0.to_str().unwrap();
    let asked = |variable: &str| {
        let output = swim(&["info", "--json"]).env("SWIM_RPC", variable).output().unwrap();
        (told(&output), String::from_utf8(output.stdout).unwrap())
    };
    std::fs::create_dir(&folder.0).unwrap();
    let ((code, told_of_none), _) = asked(directory);
    assert_eq!(code, 3);
    assert!(told_of_none.contains("no agent serves a socket in"), "{told_of_none}");
    std::fs::remove_dir(&folder.0).unwrap();

    let _a = folder.form("control-which", &["a"]);
    let ((code, told_of_one), info) = asked(directory);
    assert_eq!(code, 0, "{told_of_one}");
    assert!(info.contains("\"name\":\"a\""), "{info}");
    let _b = folder.form("control-which", &["b"]);
    let ((code, told_of_two), _) = asked(directory);
    assert_eq!(code, 3);
    let both = format!("{}, {}", folder.socket("a"), folder.socket("b"));
    assert!(told_of_two.contains(&both), "{told_of_two}");
    assert_eq!(folder.json("b", &["info"])["name"], "b");

    let (code, told_of_gone) = told(&folder.ask("c", &["info"]));
    assert_eq!(code, 3);
    assert!(told_of_gone.contains("start it with 'swim agent'"), "{told_of_gone}");
    let (code, told_of_regex) = told(&folder.ask("a", &["members", "--name", "("]));
    assert_eq!(code, 2, "{told_of_regex}");
    let (code, told_of_field) = told(&folder.ask("a", &["members", "--format", "{x}"]));
    assert_eq!(code, 2);
    assert!(told_of_field.contains("{tag.KEY}"), "{told_of_field}");
}

#[test]
fn two_agents_of_one_name_do_not_share_a_socket() {
    let folder = Folder::new("twice");
    let setting = folder.setting();
    let mut first = folder.form("control-twice", &["a"]).remove(0);
    let again =
        ["agent", "--name", "a", "--cluster", "other", "--bind", "127.0.0.1:0", "--rpc", &setting];
    let output = run(&again);
    let (code, told_of_first) = told(&output);
    assert_eq!(code, 2);
    assert!(told_of_first.contains("is served by another process (pid "), "{told_of_first}");

    // One that was killed leaves its socket behind, which is no obstacle.
    first.signal(Signal::KILL);
    first.wait_for_exit(secs(5));
    assert!(Path::new(&folder.socket("a")).exists());
    let _second = folder.form("control-twice", &["a"]);
    assert_eq!(folder.json("a", &["info"])["name"], "a");

    let long = format!("{setting}{}", "x".repeat(200));
    let mut arguments = again.to_vec();
    arguments[8] = &long;
    let (code, told_of_length) = told(&run(&arguments));
    assert_eq!(code, 2);
    assert!(told_of_length.contains("takes at most 107"), "{told_of_length}");
}

#[test]
fn a_monitor_prints_events_and_connects_again() {
    let folder = Folder::new("monitor");
    let mut agents = folder.form("control-monitor", &["a", "b"]);
    let all = Followed::start(&folder.socket("a"), &["monitor"]);
    let of_b = Followed::start(
        &folder.socket("a"),
        &["monitor", "--kind", "left", "--name", "b", "--count", "1", "--json"],
    );
    all.wait(|line| line.contains("subscribed following a, which lists 2 members"));
    of_b.wait(|line| line.contains("\"subscribed\""));
    agents[1].signal(Signal::TERM);
    all.wait(|line| line.contains(" left ") && line.contains(" b "));
    let left = of_b.wait(|line| line.contains("\"event\":\"left\""));
    assert_eq!(serde_json::from_str::<Value>(&left).unwrap()["name"], "b");
    assert_eq!(of_b.exit_code(), Some(0));

    let address = agents[0].address.clone();
    agents[0].signal(Signal::TERM);
    agents[0].wait_for_exit(secs(10));
    let setting = folder.setting();
    let _again = Agent::start_at(&address, "a", "control-monitor", &[], &["--rpc", &setting]);
    all.wait(|line| line.contains("subscribed following a, which lists 1 member"));
}

#[test]
fn metrics_are_served_on_an_address_of_their_own() {
    let arguments = ["--metrics-listen", "127.0.0.1:0"];
    let agent = Agent::start_at("127.0.0.1:0", "a", "control-metrics", &[], &arguments);
    let control = agent.wait(0, secs(5), "control", |line| line.is("control"));
    let address = control.json["metrics"].as_str().unwrap();
    let ask = |path: &str| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask("/metrics").contains("\nswim_members{state=\"alive\"} 1\n"));
    // A node alone has settled after its first probe interval.
    eventually(&true, || ask("/readyz").starts_with("HTTP/1.1 200 "));
    assert!(ask("/v1/members").starts_with("HTTP/1.1 404 "));
}

#[test]
fn hostile_clients_do_not_disturb_an_agent() {
    let folder = Folder::new("hostile");
    let agents = folder.form("control-hostile", &["a", "b", "c"]);
    let socket = folder.socket("a");
    let connect = || UnixStream::connect(&socket).unwrap();
    let mut open = Vec::new();
    for number in 0..200 {
        let mut stream = connect();
        let request: &[u8] = match number % 4 {
            0 => b"GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n",
            1 => b"POST /v1/join HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n{",
            2 => b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n",
            _ => b"\xff\xfe\x00 HTTP",
        };
        stream.write_all(request).unwrap();
        open.push(stream);
    }
    let mut large = connect();
    // The agent may have answered and closed before all of it was sent.
    let _ = large.write_all(&[b"GET / HTTP/1.1\r\nx: ".to_vec(), vec![b'x'; 1 << 20]].concat());
    let mut answer = String::new();
    let _ = large.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");

    assert_eq!(folder.members("a", &["--state", "alive"]), ["a", "b", "c"]);
    for name in ["a", "b", "c"] {
        let stats = folder.json(name, &["stats"]);
        assert_eq!((&stats["stalls"], &stats["failures_declared"]), (&0.into(), &0.into()));
        assert_eq!(stats["health"], 0, "{stats}");
    }
    for agent in &agents {
        let late = agent.lines_from(0).into_iter().find(|line| line.is("late"));
        assert!(late.is_none(), "{}: {late:?}", agent.name);
    }
}

/// A command that goes on, and what it prints.
struct Followed {
    child: std::cell::RefCell<Child>,
    lines: mpsc::Receiver<String>,
}

impl Followed {
    fn start(socket: &str, arguments: &[&str]) -> Followed {
        let mut command = swim(&[arguments, &["--rpc", socket]].concat());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Followed { child: child.into(), lines }
    }

    /// Waits for a line.
    fn wait(&self, is_it: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + secs(40);
        let mut seen = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if is_it(&line) => return line,
                Ok(line) => seen.push(line),
                Err(error) => panic!("{error}, after {seen:#?}"),
            }
        }
    }

    fn exit_code(&self) -> Option<i32> {
        crate::common::wait_for_exit(&mut self.child.borrow_mut(), secs(10)).code()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.get_mut().kill();
        let _ = self.child.get_mut().wait();
    }
}
