//! Network namespaces.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Error;
use crate::owner::Owner;

/// The folder of `ip netns`.
pub(crate) const FOLDER: &str = "/var/run/netns";

/// A network namespace with nothing but loopback, which is up. Removed when dropped.
///
/// Its name identifies the process that made it. [`remove_leftovers`](Namespace::remove_leftovers)
/// removes the namespaces of killed processes.
///
/// ```no_run
/// # use netlab::Namespace;
/// let namespace = Namespace::new()?;
/// namespace.nft("add table inet wall\n")?;
/// let socket = namespace.inside(|| std::net::UdpSocket::bind("127.0.0.1:0"))??;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Creates a namespace.
    ///
    /// # Errors
    ///
    /// Without the program `ip`, or root.
    pub fn new() -> Result<Self, Error> {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", Owner::this());
        carry_out(host_command("ip").args(["netns", "add", &name]), None)?;
        let namespace = Namespace { name };
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Removes the namespaces of ended processes, and returns their number.
    ///
    /// Kills all processes in them. Namespaces of running processes stay.
    ///
    /// # Errors
    ///
    /// As for [`new`](Namespace::new).
    pub fn remove_leftovers() -> Result<usize, Error> {
        // The folder does not exist before the first namespace.
        let entries = fs::read_dir(FOLDER).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let left = names.filter(|name| Owner::of(name).is_some_and(|owner| owner.has_ended()));
        let left: Vec<String> = left.collect();
        for name in &left {
            let removed = remove_with_processes(name);
            // Another lab that starts now may have removed it.
            if Path::new(FOLDER).join(name).exists() {
                removed?;
            }
        }
        Ok(left.len())
    }

    /// Returns its name, for `ip netns exec NAME`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the file that represents it.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        Path::new(FOLDER).join(&self.name)
    }

    /// Returns a command that runs in this network.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = host_command("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }

    /// Runs `work` in a thread inside this network: sockets that it opens stay there.
    ///
    /// # Errors
    ///
    /// If the thread may not enter.
    ///
    /// # Panics
    ///
    /// If `work` panics.
    #[cfg(target_os = "linux")]
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, Error> {
        use std::os::fd::AsFd;

        use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

        let refused = |error: std::io::Error| {
            Error::refused(&format!("entering {}", self.name), &error.to_string())
        };
        let network = fs::File::open(self.path()).map_err(refused)?;
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
                    .map_err(|error| refused(error.into()))?;
                Ok(work())
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Fails: other systems have no network namespaces.
    ///
    /// # Errors
    ///
    /// Always.
    #[cfg(not(target_os = "linux"))]
    pub fn inside<T: Send>(&self, _: impl FnOnce() -> T + Send) -> Result<T, Error> {
        Err(Error::new("a lab needs the network namespaces of Linux"))
    }

    /// Runs commands of the program `ip`, one a line.
    ///
    /// # Errors
    ///
    /// If a command needs rights or kernel support that is missing.
    pub fn ip(&self, commands: &str) -> Result<(), Error> {
        let mut ip = host_command("ip");
        carry_out(ip.args(["-n", &self.name, "-batch", "-"]), Some(commands)).map(|_| ())
    }

    /// Runs commands of the program `nft`, one a line.
    ///
    /// # Errors
    ///
    /// If `nft` is missing, or a command needs rights or kernel support that is missing.
    pub fn nft(&self, commands: &str) -> Result<(), Error> {
        carry_out(self.command("nft").args(["-f", "-"]), Some(commands)).map(|_| ())
    }

    /// Sets a value below `/proc/sys/net`, such as `ipv4/ip_forward`, for this network.
    ///
    /// # Errors
    ///
    /// If the kernel does not have it.
    pub fn set(&self, key: &str, value: &str) -> Result<(), Error> {
        let script = format!("cat > /proc/sys/net/{key}");
        carry_out(self.command("sh").args(["-c", &script]), Some(value)).map(|_| ())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = host_command("ip").args(["netns", "delete", &self.name]).output();
    }
}

/// Returns the ids of all processes in a namespace.
pub(crate) fn processes_in(name: &str) -> Result<Vec<i32>, Error> {
    let inside = carry_out(host_command("ip").args(["netns", "pids", name]), None)?;
    Ok(inside.split_whitespace().filter_map(|number| number.parse().ok()).collect())
}

fn remove_with_processes(name: &str) -> Result<(), Error> {
    for process in processes_in(name)? {
        // It may just have ended.
        let _ = Pid::from_raw(process).map(|process| kill_process(process, Signal::KILL));
    }
    carry_out(host_command("ip").args(["netns", "delete", name]), None).map(|_| ())
}

/// Returns a command outside any namespace. Also searches the folders of administrators' programs.
fn host_command(program: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

/// Runs a command with this input, and returns its output.
fn carry_out(command: &mut Command, input: Option<&str>) -> Result<String, Error> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let mut what: String = words.map(|word| word.to_string_lossy() + " ").collect();
    what.push_str(input.unwrap_or_default());
    let what = format!("'{}'", what.trim().replace('\n', "; "));
    let missing = |error: std::io::Error| {
        let error = Error::refused(&what, &error.to_string());
        Error::new(format!("{error} (labs use ip and nft: apt-get install iproute2 nftables)"))
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().map_err(missing)?;
    if let Some(mut stdin) = process.stdin.take() {
        // It may fail before it has read everything; then its exit code shows it.
        let _ = stdin.write_all(input.unwrap_or_default().as_bytes());
    }
    let output = process.wait_with_output().map_err(missing)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::refused(&what, said.trim()))
}
