//! Agents on the hosts of a lab.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::agent::{Agent, LOOK};
use crate::bounds::Bounds;
use crate::broken::Broken;
use crate::error::Error;
use crate::lab::Lab;
use crate::namespace::Namespace;
use crate::setup::Setup;
use crate::switch::Port;

/// The port of all agents.
pub(crate) const PORT: u16 = 7946;

/// A lab with an agent on some of its hosts. The agent of host 0 is named n0, and so on.
#[derive(Debug)]
pub(crate) struct Cluster<'a> {
    case: &'static str,
    setup: &'a Setup,
    // Dropped before the lab they run in.
    agents: BTreeMap<Port, Agent>,
    lab: Lab,
    over_v6: bool,
    /// Additional environment variables of all agents.
    variables: Vec<(&'static str, String)>,
}

/// Returns the name of the agent on a host.
pub(crate) fn name(port: Port) -> String {
    format!("n{port}")
}

impl<'a> Cluster<'a> {
    /// Creates a lab of `hosts` hosts without agents.
    pub(crate) fn new(case: &'static str, setup: &'a Setup, hosts: usize) -> Result<Self, Broken> {
        let lab = Lab::new(hosts, setup.seed)?;
        Ok(Cluster { case, setup, agents: BTreeMap::new(), lab, over_v6: false, variables: vec![] })
    }

    /// Makes the agents use IPv6.
    pub(crate) fn over_v6(mut self) -> Self {
        self.over_v6 = true;
        self
    }

    /// Adds a variable to the agents' environment.
    pub(crate) fn with_variable(mut self, variable: &'static str, value: &str) -> Self {
        self.variables.push((variable, value.into()));
        self
    }

    pub(crate) fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Returns the address that the agent of a host listens on.
    pub(crate) fn address(&self, port: Port) -> SocketAddr {
        let host = self.lab.host(port);
        SocketAddr::new(if self.over_v6 { host.v6() } else { host.v4() }, PORT)
    }

    /// Starts an agent on each of `hosts` hosts.
    ///
    /// They join through the first. Waits until all know each other.
    pub(crate) fn form(&mut self, hosts: usize, arguments: &[&str]) -> Result<Duration, Broken> {
        let begin = Instant::now();
        let seed = self.address(0).to_string();
        for port in 0..hosts {
            let join = if port == 0 { vec![] } else { vec!["--join", &seed] };
            self.start(port, &[&join, arguments].concat())?;
        }
        let ports: Vec<Port> = (0..hosts).collect();
        let limit = Bounds::new(hosts).forming();
        self.eventually("all know each other", limit, |it| it.are_live(&ports, &ports))?;
        Ok(begin.elapsed())
    }

    /// Starts the agent of a host with additional arguments, and waits until it listens.
    pub(crate) fn start(&mut self, port: Port, arguments: &[&str]) -> Result<(), Broken> {
        self.start_on(port, self.address(port).ip(), arguments)
    }

    /// Starts the agent of a host on this address, like [`start`](Cluster::start).
    pub(crate) fn start_on(
        &mut self,
        port: Port,
        bind: IpAddr,
        arguments: &[&str],
    ) -> Result<(), Broken> {
        let bind = SocketAddr::new(bind, PORT);
        let namespace = self.lab.host(port).namespace();
        let agent = self.spawn(namespace, port, bind, arguments)?;
        self.adopt(port, agent)
    }

    /// Starts the agent of a host in another namespace.
    pub(crate) fn start_in(
        &mut self,
        port: Port,
        namespace: &Namespace,
        bind: IpAddr,
        arguments: &[&str],
    ) -> Result<(), Broken> {
        let bind = SocketAddr::new(bind, PORT);
        let agent = self.spawn(namespace, port, bind, arguments)?;
        self.adopt(port, agent)
    }

    fn spawn(
        &self,
        namespace: &Namespace,
        port: Port,
        bind: SocketAddr,
        arguments: &[&str],
    ) -> Result<Agent, Error> {
        let name = name(port);
        let mut command = namespace.command(&self.setup.swim);
        command.args(["agent", "--json", "--cluster", "netlab", "--profile", "lan"]);
        command.args(["--name", &name, "--bind", &bind.to_string()]);
        command.args(arguments).args(&self.setup.arguments);
        // Variables of the user's own agents would change these.
        for (variable, _) in std::env::vars_os() {
            if variable.to_string_lossy().starts_with("SWIM_") || variable == "RUST_LOG" {
                command.env_remove(variable);
            }
        }
        // Agents in different namespaces have one name and one /run.
        command.env("SWIM_AGENT_RPC", "off");
        command.envs(self.variables.iter().map(|(variable, value)| (variable, value)));
        Agent::start(&name, command)
    }

    fn adopt(&mut self, port: Port, agent: Agent) -> Result<(), Broken> {
        self.agents.insert(port, agent);
        self.eventually("the agent listens", Bounds::BUSY * 2, |it| {
            it.has_line(port, 0, |line| line["event"] == "started")
        })?;
        Ok(())
    }

    /// Kills the agent of a host.
    pub(crate) fn kill(&mut self, port: Port) {
        self.agent_mut(port).kill();
    }

    /// Returns the agent of a host.
    ///
    /// # Panics
    ///
    /// If none was started there.
    pub(crate) fn agent(&self, port: Port) -> &Agent {
        &self.agents[&port]
    }

    pub(crate) fn agent_mut(&mut self, port: Port) -> &mut Agent {
        self.agents.get_mut(&port).expect("the case has started it")
    }

    /// Types a command to an agent, and waits for its result.
    pub(crate) fn ask(
        &mut self,
        port: Port,
        command: &str,
        limit: Duration,
    ) -> Result<Value, Broken> {
        let word = command.split(' ').next().unwrap_or_default().to_owned();
        let mark = self.agent(port).mark();
        self.agent_mut(port).type_line(command);
        let answers = |line: &Value| {
            line["command"] == *word && (line["event"] == "done" || line["event"] == "error")
        };
        self.eventually(&format!("'{word}' is answered"), limit, |it| {
            it.has_line(port, mark, answers)
        })?;
        Ok(self.agent(port).lines(mark, answers).remove(0))
    }

    /// Makes all agents forget their seeds, so that they do not rejoin through them.
    pub(crate) fn remove_seeds(&mut self) -> Result<(), Broken> {
        let seed = self.address(0);
        let ports: Vec<Port> = self.agents.keys().copied().filter(|&port| port != 0).collect();
        for port in ports {
            let answer = self.ask(port, &format!("remove-seed {seed}"), Bounds::BUSY)?;
            if answer["event"] != "done" {
                return Err(Broken::oracle(format!("{}: {answer}", name(port))));
            }
        }
        Ok(())
    }

    /// Returns a mark in each agent's output.
    pub(crate) fn marks(&self) -> BTreeMap<Port, usize> {
        self.agents.iter().map(|(&port, agent)| (port, agent.mark())).collect()
    }

    /// Waits until `attempt` succeeds, and returns the time it took.
    pub(crate) fn eventually(
        &self,
        what: &str,
        limit: Duration,
        attempt: impl FnMut(&Self) -> Result<(), String>,
    ) -> Result<Duration, Broken> {
        self.eventually_while(|_| Ok(()), what, limit, attempt)
    }

    /// Like [`eventually`](Cluster::eventually), but fails as soon as `holds` does.
    pub(crate) fn eventually_while(
        &self,
        holds: impl Fn(&Self) -> Result<(), String>,
        what: &str,
        limit: Duration,
        mut attempt: impl FnMut(&Self) -> Result<(), String>,
    ) -> Result<Duration, Broken> {
        let begin = Instant::now();
        loop {
            let took = begin.elapsed();
            holds(self)?;
            match attempt(self) {
                Ok(()) => return Ok(took),
                Err(lacking) if took >= limit => {
                    let why = format!("not within {limit:.0?}: {what}; {lacking}");
                    return Err(Broken::Oracle(why));
                }
                Err(_) => self.pause()?,
            }
        }
    }

    /// Waits for `time`, and fails as soon as `check` does.
    pub(crate) fn throughout(
        &self,
        time: Duration,
        check: impl Fn(&Self) -> Result<(), String>,
    ) -> Result<(), Broken> {
        let begin = Instant::now();
        while begin.elapsed() < time {
            check(self)?;
            self.pause()?;
        }
        Ok(check(self)?)
    }

    fn pause(&self) -> Result<(), Broken> {
        if self.setup.stop.is_asked() {
            return Err(Broken::Interrupted);
        }
        std::thread::sleep(LOOK);
        Ok(())
    }

    /// Checks that all observers see all subjects as alive or suspect.
    pub(crate) fn are_live(&self, observers: &[Port], subjects: &[Port]) -> Result<(), String> {
        self.are(observers, subjects, "live", |seen| seen.is_some_and(|seen| seen.is_live()))
    }

    /// Checks that all observers see all subjects as failed.
    pub(crate) fn are_failed(&self, observers: &[Port], subjects: &[Port]) -> Result<(), String> {
        self.are(observers, subjects, "failed", |seen| {
            seen.is_some_and(|seen| seen.state == "failed")
        })
    }

    /// Checks that all observers see all subjects as departed.
    pub(crate) fn are_left(&self, observers: &[Port], subjects: &[Port]) -> Result<(), String> {
        self.are(observers, subjects, "left", |seen| seen.is_some_and(|seen| seen.state == "left"))
    }

    fn are(
        &self,
        observers: &[Port],
        subjects: &[Port],
        what: &str,
        is: impl Fn(Option<crate::agent::Seen>) -> bool,
    ) -> Result<(), String> {
        for &observer in observers {
            for &subject in subjects.iter().filter(|&&subject| subject != observer) {
                let seen = self.agent(observer).seen(&name(subject));
                if !is(seen.clone()) {
                    let state = seen.map_or("unknown".into(), |seen| seen.state);
                    let (observer, subject) = (name(observer), name(subject));
                    return Err(format!("{observer} sees {subject} as {state}, not {what}"));
                }
            }
        }
        Ok(())
    }

    /// Counts the reports by observers that one of the subjects failed, since `marks`.
    pub(crate) fn failures(
        &self,
        marks: &BTreeMap<Port, usize>,
        observers: &[Port],
        subjects: &[Port],
    ) -> usize {
        let of = |observer: &Port| -> usize {
            let (agent, mark) = (self.agent(*observer), marks.get(observer).copied());
            let events =
                |&subject: &Port| agent.events(mark.unwrap_or_default(), "failed", &name(subject));
            subjects.iter().map(events).sum()
        };
        observers.iter().map(of).sum()
    }

    /// Checks that no observer reported a subject as failed since `marks`, not even briefly.
    pub(crate) fn none_failed(
        &self,
        marks: &BTreeMap<Port, usize>,
        observers: &[Port],
        subjects: &[Port],
    ) -> Result<(), String> {
        for &observer in observers {
            let mark = marks.get(&observer).copied().unwrap_or_default();
            for &subject in subjects {
                if self.agent(observer).events(mark, "failed", &name(subject)) > 0 {
                    let (observer, subject) = (name(observer), name(subject));
                    return Err(format!("{observer} declared {subject} failed, but it runs"));
                }
            }
        }
        Ok(())
    }

    /// Counts the suspicions that an observer reported since `marks`.
    pub(crate) fn suspicions(&self, marks: &BTreeMap<Port, usize>, observer: Port) -> usize {
        let mark = marks.get(&observer).copied().unwrap_or_default();
        self.agent(observer).lines(mark, |line| line["event"] == "suspected").len()
    }

    /// Checks that an observer reported blocked datagrams to a member.
    pub(crate) fn is_told_of_blocked_datagrams(
        &self,
        observer: Port,
        subject: Port,
    ) -> Result<(), String> {
        let (agent, subject) = (self.agent(observer), name(subject));
        if agent.events(0, "datagrams_blocked", &subject) > 0 {
            return Ok(());
        }
        Err(format!("{} does not report blocked datagrams to {subject}", agent.name()))
    }

    /// Checks that an agent has printed such a line since `mark`.
    pub(crate) fn has_line(
        &self,
        port: Port,
        mark: usize,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<(), String> {
        let agent = self.agent(port);
        if !agent.lines(mark, wanted).is_empty() {
            return Ok(());
        }
        let last = agent.lines(mark, |_| true).pop();
        let last = last.map_or("nothing".into(), |line| line.to_string());
        Err(format!("the last line of {} is {last}", agent.name()))
    }

    fn write_logs(&self) -> Result<(), Error> {
        let Some(folder) = &self.setup.logs else { return Ok(()) };
        let folder = folder.join(self.case);
        let failed = |error: std::io::Error| {
            Error::new(format!("cannot write the logs to {}: {error}", folder.display()))
        };
        fs::create_dir_all(&folder).map_err(failed)?;
        for agent in self.agents.values() {
            let path = folder.join(format!("{}.jsonl", agent.name()));
            fs::write(path, agent.transcript()).map_err(failed)?;
        }
        let tallies = format!("{:#?}\n", self.lab.switch().tallies());
        fs::write(folder.join("switch"), tallies).map_err(failed)
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.write_logs() {
            eprintln!("netlab: {error}");
        }
    }
}
