//! A running `prometheus-alertmanager`.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::child::Child;
use crate::http;
use crate::lines::Lines;
use crate::missing::Missing;
use crate::subnet::Subnet;
use crate::wait::eventually;

/// A running `prometheus-alertmanager` with no receivers for alerts. Killed when dropped.
#[derive(Debug)]
pub struct Alertmanager {
    /// The address for cluster traffic.
    pub address: SocketAddr,
    /// Its whole log.
    pub lines: Lines,
    web: SocketAddr,
    _child: Child,
    _folder: TempDir,
}

const CONFIGURATION: &str = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";

impl Alertmanager {
    const PROGRAM: &'static str = "prometheus-alertmanager";

    /// Checks that Alertmanager is installed.
    ///
    /// # Errors
    ///
    /// [`Missing`] if it is not.
    pub fn is_there() -> Result<(), Missing> {
        match Command::new(Alertmanager::PROGRAM).arg("--version").output() {
            Ok(_) => Ok(()),
            Err(error) => Err(Missing::new(
                format!("Alertmanager ({error})"),
                "Install it: apt-get install prometheus-alertmanager",
            )),
        }
    }

    /// Starts one, and waits until it runs.
    ///
    /// # Panics
    ///
    /// If it does not run in time.
    #[must_use]
    pub fn start(subnet: &Subnet, join: Option<&Alertmanager>) -> Self {
        let (address, web) = (subnet.address(), subnet.address_of_another_port());
        let folder = tempfile::tempdir().expect("a folder for a moment");
        let file = folder.path().join("alertmanager.yml");
        std::fs::write(&file, CONFIGURATION).expect("the folder is ours");
        let mut command = Command::new(Alertmanager::PROGRAM);
        command.arg("--log.level=debug");
        command.arg("--config.file").arg(&file).arg("--storage.path").arg(folder.path());
        command.arg(format!("--web.listen-address={web}"));
        command.arg(format!("--cluster.listen-address={address}"));
        // Several exchanges of state fit into a test.
        command.arg("--cluster.pushpull-interval=2s");
        command.args(join.map(|contact| format!("--cluster.peer={}", contact.address)));
        let child = Child::start(command);
        let lines = child.lines.clone();
        let alertmanager = Alertmanager { address, lines, web, _child: child, _folder: folder };
        eventually("Alertmanager runs", || alertmanager.peers());
        alertmanager
    }

    /// Returns the name and address of each member in its cluster, sorted.
    ///
    /// # Errors
    ///
    /// If its status page cannot be read yet.
    pub fn peers(&self) -> Result<Vec<(String, String)>, String> {
        let body = http::get(self.web, "/api/v2/status")?;
        let status: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        let peers = status["cluster"]["peers"].as_array().ok_or(body)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let peers = peers.iter().map(|peer| (text(&peer["name"]), text(&peer["address"])));
        let mut peers: Vec<_> = peers.collect();
        peers.sort();
        Ok(peers)
    }

    /// Returns the lines of its log that contain any of these texts.
    #[must_use]
    pub fn said(&self, any: &[&str]) -> Vec<String> {
        let found =
            self.lines.all(0, |line| any.iter().any(|text| line.text("text").contains(text)));
        found.iter().map(|line| line.text("text").to_string()).collect()
    }
}
