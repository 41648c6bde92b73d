//! The reason why a lab cannot run.

use std::fmt;

/// A requirement of a lab that this machine does not meet, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Error(what.into())
    }

    /// Describes a failed step by the message of the operating system or program.
    ///
    /// Adds the remedy if rights or a kernel module seem to be missing.
    pub(crate) fn refused(what: &str, said: &str) -> Self {
        const RIGHTS: [&str; 3] = ["not permitted", "Permission denied", "Read-only file system"];
        let remedy = if RIGHTS.iter().any(|words| said.contains(words)) {
            ": a lab makes network namespaces and TUN devices, which needs root (CAP_SYS_ADMIN and \
             CAP_NET_ADMIN); run it with sudo, or in a container with --privileged; \
             docs/how-to/netlab.md explains how to run without root"
        } else if said.contains("/dev/net/tun") || said.contains("No such device") {
            ": TUN devices need the kernel's module tun; load it with 'modprobe tun', or give the \
             container --device /dev/net/tun"
        } else if said.contains("exec of \"nft\" failed") {
            ": apt-get install nftables"
        } else {
            ""
        };
        Error(format!("{what} failed: {said}{remedy}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
