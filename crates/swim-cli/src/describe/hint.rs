//! What to change when something does not fit, with the flag to do it.

use std::net::SocketAddr;

use swim_tokio::{DropReason, Error, Failure};

/// What to change when two nodes have one name.
pub(crate) const NAME: &str =
    "give one of them another --name; without it a member has the name of its host";

/// What to change when no member reaches the agent.
pub(crate) const ADDRESS: &str = "set --advertise to the address and port at which members reach \
                                  this agent, and let UDP and TCP through to there; without it \
                                  the agent announces where it listens";

/// What to change when something came in that cannot be used, if it can be told.
pub(crate) fn of_input(reason: DropReason) -> Option<&'static str> {
    Some(match reason {
        DropReason::Memberlist => {
            "if it belongs to this cluster (Serf, Consul, an agent with --wire memberlist), give \
             this agent --wire memberlist too; else it has the wrong address"
        }
        DropReason::Swim => {
            "if it belongs to this cluster, give both agents the same --wire; else it has the \
             wrong address"
        }
        DropReason::LabelMismatch => {
            "if it belongs to this cluster, give both the same --cluster, or --label-also while \
             the cluster gets another label; else it has the wrong address"
        }
        DropReason::Plaintext => {
            "give that member the key of this one (--key-file or SWIM_KEY), without --encryption \
             off; while the cluster is moved to encryption, --encryption off on all others lets it \
             in"
        }
        DropReason::Sealed => "give this agent the cluster's key (--key-file or SWIM_KEY)",
        DropReason::WrongKey => {
            "compare what 'key list' shows on both: each needs the key that the other seals with \
             (--key-file, SWIM_KEY, or the command 'key install FILE'), and the same --cluster"
        }
        DropReason::NotAllowed => {
            "if it belongs to this cluster, add its network with --allow-network"
        }
        DropReason::Http => {
            "a browser, a health check or a scraper of metrics? Point it elsewhere: only members \
             may talk to the port of --bind"
        }
        DropReason::Tls => {
            "a client of https or the like? Point it elsewhere: only members may talk to the port \
             of --bind, and they encrypt with --key-file instead of TLS"
        }
        DropReason::Links => {
            "it runs with --transport tcp: give all members of the cluster the same --transport"
        }
        DropReason::WireVersion => "run the same release of this program on both",
        DropReason::Versions => {
            "compare the versions of both programs, and their --application-versions"
        }
        _ => return None,
    })
}

/// What to change when a command failed, mostly a join: every hint once, those of the first
/// addresses first.
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

const INTERFACE: &str = "a link-local address is dialled through an interface: give that with it, \
                         as in [fe80::1%eth0]:7946";

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
            "the output of the member there tells why it refused; mostly --cluster, --wire, \
             --key-file or --allow-network differ",
        ),
        Failure::BadAnswer { reason: DropReason::Http | DropReason::Tls } => {
            Some("that is a web server: check the port of --join")
        }
        Failure::BadAnswer { reason: DropReason::MergeRefused } => None,
        Failure::BadAnswer { reason } => of_input(*reason),
        Failure::Complained { message } => of_complaint(message),
        _ => None,
    }
}

/// What a peer says of this node, in the words of Go programs or in ours.
fn of_complaint(message: &str) -> Option<&'static str> {
    let message = message.to_lowercase();
    let says = |text: &str| message.contains(text);
    if says("encryption is not configured") || says("this node has no key") {
        Some("give that member the key of this one, or take --key-file and SWIM_KEY from this one")
    } else if says("remote state is not encrypted") || says("not encrypted, as this node requires")
    {
        Some("give this agent the cluster's key (--key-file or SWIM_KEY), and not --encryption off")
    } else if says("decrypt") || says("a key that this node does not have") {
        of_input(DropReason::WrongKey)
    } else {
        None
    }
}
