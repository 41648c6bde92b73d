//! A running `serf agent`.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;

use crate::child::Child;
use crate::lines::Lines;
use crate::missing::Missing;
use crate::subnet::Subnet;
use crate::wait::eventually;

/// A running `serf agent`, with the timing of its local profile. Killed when dropped.
#[derive(Debug)]
pub struct Serf {
    /// Its name.
    pub name: String,
    /// The address for cluster traffic.
    pub address: SocketAddr,
    /// Its whole log.
    pub lines: Lines,
    control: SocketAddr,
    _child: Child,
}

impl Serf {
    /// Checks that Serf is installed.
    ///
    /// # Errors
    ///
    /// [`Missing`] if it is not.
    pub fn is_there() -> Result<(), Missing> {
        match Command::new("serf").arg("version").output() {
            Ok(_) => Ok(()),
            Err(error) => {
                Err(Missing::new(format!("Serf ({error})"), "Install it: apt-get install serf"))
            }
        }
    }

    /// Starts one, and waits until it runs and has joined.
    ///
    /// # Panics
    ///
    /// If it does not run in time.
    #[must_use]
    pub fn start(subnet: &Subnet, name: &str, join: Option<&Serf>) -> Self {
        let (address, control) = (subnet.address(), subnet.address_of_another_port());
        let mut command = Command::new("serf");
        command.args(["agent", "-profile=local", "-log-level=debug"]);
        command.args([format!("-node={name}"), format!("-bind={address}")]);
        command.arg(format!("-rpc-addr={control}"));
        command.args(join.map(|contact| format!("-join={}", contact.address)));
        let child = Child::start(command);
        let lines = child.lines.clone();
        let mut serf = Serf { name: name.into(), address, lines, control, _child: child };
        eventually(&format!("{name} runs"), || match serf.status(name) {
            Some(status) if status == "alive" => Ok(()),
            _ => Err(serf.lines.transcript()),
        });
        serf
    }

    /// Returns its entry of a member, as `serf members` prints it, in JSON.
    pub fn member(&mut self, name: &str) -> Option<Value> {
        let mut command = Command::new("serf");
        command.args(["members", "-format=json", &format!("-rpc-addr={}", self.control)]);
        let output = command.output().expect("it ran before");
        let answer: Value = serde_json::from_slice(&output.stdout).ok()?;
        let members = answer["members"].as_array()?;
        members.iter().find(|member| member["name"] == name).cloned()
    }

    /// Returns the status of a member: `alive`, `leaving`, `left` or `failed`.
    pub fn status(&mut self, name: &str) -> Option<String> {
        Some(self.member(name)?["status"].as_str()?.to_string())
    }

    /// Returns the lines of its log that contain any of these texts.
    #[must_use]
    pub fn said(&self, any: &[&str]) -> Vec<String> {
        let found =
            self.lines.all(0, |line| any.iter().any(|text| line.text("text").contains(text)));
        found.iter().map(|line| format!("{}: {}", self.name, line.text("text").trim())).collect()
    }
}
