//! Hints: how to correct a problem, with the flag that does it.

use std::net::SocketAddr;

use swim_tokio::{DropReason, Error, Failure};

/// The hint for two nodes with one name.
pub(crate) const NAME: &str =
    "give one of them another --name; the default is the name of the host";

/// The hint for an agent that no member reaches.
pub(crate) const ADDRESS: &str = "set --advertise to the address and port at which members can \
                                  reach this agent, and let UDP and TCP through to it; without \
                                  --advertise the agent announces the address of --bind";

/// The hint for unusable input, if there is one.
pub(crate) fn of_input(reason: DropReason) -> Option<&'static str> {
    Some(match reason {
        DropReason::Memberlist => {
            "if the sender belongs to this cluster (Serf, Consul, an agent with --wire \
             memberlist), start this agent with --wire memberlist too; otherwise correct the \
             address that the sender dials"
        }
        DropReason::Swim => {
            "if the sender belongs to this cluster, start both agents with the same --wire; \
             otherwise correct the address that the sender dials"
        }
        DropReason::LabelMismatch => {
            "if the sender belongs to this cluster, give both the same --cluster, or use \
             --label-also while the cluster changes its label; otherwise correct the address that \
             the sender dials"
        }
        DropReason::Plaintext => {
            "give that member the key of this one (--key-file or SWIM_KEY), without --encryption \
             off; while the cluster starts to encrypt, --encryption off on all members with the \
             key admits it"
        }
        DropReason::Sealed => "give this agent the cluster's key (--key-file or SWIM_KEY)",
        DropReason::WrongKey => {
            "compare the output of 'key list' on both: each needs the other's primary key \
             (--key-file, SWIM_KEY, or the command 'key install FILE'), and the same --cluster"
        }
        DropReason::NotAllowed => {
            "if the sender belongs to this cluster, add its network with --allow-network"
        }
        DropReason::Http => {
            "is it a browser, a health check or a metrics scraper? Point it elsewhere: the port of \
             --bind is for members only"
        }
        DropReason::Tls => {
            "is it an HTTPS client? Point it elsewhere: the port of --bind is for members only, \
             and this agent does not use TLS (it encrypts with --key-file)"
        }
        DropReason::Links => {
            "the sender runs with --transport tcp: give all members the same --transport"
        }
        DropReason::WireVersion => "run the same release of this program on both hosts",
        DropReason::Versions => {
            "compare the releases of both programs, and their --application-versions"
        }
        _ => return None,
    })
}

/// The hints for a failed command, mostly a join: each hint once, in the order of the addresses.
pub(crate) fn of_error(error: &Error) -> Option<String> {
    let mut hints = Vec::new();
    match error {
        Error::Failure(failure) => collect(failure, &mut hints),
        Error::NoneJoined { attempts } | Error::NotResolved { attempts, .. } => {
            for (address, failure) in attempts {
                collect(failure, &mut hints);
                let failed = matches!(failure, Failure::Connection(_));
                if failed && lacks_interface(*address) && !hints.contains(&INTERFACE) {
                    hints.push(INTERFACE);
                }
            }
        }
        _ => {}
    }
    (!hints.is_empty()).then(|| hints.join("; "))
}

const INTERFACE: &str = "a link-local address needs its interface: write it as \
                         [fe80::1%eth0]:7946";

fn lacks_interface(address: SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0)
}

fn collect(failure: &Failure, hints: &mut Vec<&'static str>) {
    if let Some(hint) = of_failure(failure)
        && !hints.contains(&hint)
    {
        hints.push(hint);
    }
}

fn of_failure(failure: &Failure) -> Option<&'static str> {
    match failure {
        Failure::Refused => Some(
            "the output of that member has the reason; usually --cluster, --wire, --key-file or \
             --allow-network differ",
        ),
        Failure::BadAnswer { reason: DropReason::Http | DropReason::Tls } => {
            Some("a web server answered: check the port of --join")
        }
        Failure::BadAnswer { reason: DropReason::MergeRefused } => None,
        Failure::BadAnswer { reason } => of_input(*reason),
        Failure::Complained { message } => of_complaint(message),
        _ => None,
    }
}

/// The hint for a peer's error message, from Go programs or from ours.
fn of_complaint(message: &str) -> Option<&'static str> {
    let message = message.to_lowercase();
    let says = |text: &str| message.contains(text);
    if says("encryption is not configured") || says("this node has no key") {
        Some(
            "give that member the key of this one, or start this agent without --key-file and \
             SWIM_KEY",
        )
    } else if says("remote state is not encrypted") || says("not encrypted, as this node requires")
    {
        Some("give this agent the cluster's key (--key-file or SWIM_KEY), without --encryption off")
    } else if says("decrypt") || says("a key that this node does not have") {
        of_input(DropReason::WrongKey)
    } else {
        None
    }
}
