//! One message of each kind, and the messages of full packets.

use swim_core::Incarnation;
use swim_core::wire::{Ack, Claim, IndirectPing, Message, Ping, Update, User};

use crate::coder::Coder;
use crate::names::{INCARNATION, address};

/// The default size of packets.
pub const PACKET_SIZE: usize = 1_400;

const NAME: &str = "n000000001";
const OTHER: &str = "n000000002";

/// Returns one message of each kind, with its title.
#[must_use]
pub fn kinds(coder: &Coder) -> [(&'static str, Message<'static>); 9] {
    let (sequence, asker) = (7_654_321, Some(address(2)));
    let reply_to = asker.filter(|_| coder.says_where_to_answer());
    let ping = Ping { sequence, target: NAME, source: OTHER, reply_to };
    let source = if reply_to.is_some() { OTHER } else { "" };
    let request = IndirectPing::new(sequence, NAME, address(1));
    let about = |claim| Message::Update(Update { name: NAME, incarnation: INCARNATION, claim });
    let versions = coder.versions();
    [
        ("ping", Message::Ping(ping)),
        ("indirect ping", Message::IndirectPing(IndirectPing { source, reply_to, ..request })),
        ("ack", Message::Ack(Ack { sequence, payload: b"", view: 0 })),
        ("nack", Message::Nack { sequence }),
        ("alive", about(Claim::Alive { address: address(1), meta: b"", versions })),
        ("suspect", about(Claim::Suspect { accuser: OTHER })),
        ("failed", about(Claim::Failed { accuser: OTHER })),
        ("left", about(Claim::Left)),
        (
            "user, 100 bytes",
            Message::User(User { from: OTHER, payload: &[b'u'; 100], envelope: None }),
        ),
    ]
}

/// Returns realistic names in a shuffled order: 37 and 200 have no common divisor.
#[must_use]
pub fn cache_names() -> Vec<String> {
    (0..200).map(|number| format!("cache-{:04}", number * 37 % 200)).collect()
}

/// The content of a full packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Members that start.
    Alive,
    /// Accusations by few members.
    Suspect,
    /// Both.
    Mixed,
}

/// Returns the updates of one full packet.
///
/// They are about members of a network of 256 hosts, started some seconds apart.
#[must_use]
pub fn full<'a>(coder: &mut Coder, news: News, names: &'a [String]) -> Vec<Message<'a>> {
    let versions = coder.versions();
    let mut room = coder.per_packet(&Message::Nack { sequence: 0 }, PACKET_SIZE)
        * coder.cost(&Message::Nack { sequence: 0 });
    let mut messages = Vec::new();
    for (number, name) in names.iter().enumerate() {
        // No pattern for a compressor: 97 and 256 have no common divisor.
        let host = number * 97 % 256;
        let started = u32::try_from(number * 7_919 % 86_400).expect("seconds of a day");
        let incarnation = Incarnation(INCARNATION.0 + started);
        let is_alive = match news {
            News::Alive => true,
            News::Suspect => false,
            News::Mixed => number % 2 == 0,
        };
        let claim = if is_alive {
            Claim::Alive { address: address(0x0010_0700 + host), meta: b"", versions }
        } else {
            Claim::Suspect { accuser: &names[number * 31 % 5] }
        };
        let message = Message::Update(Update { name, incarnation, claim });
        match room.checked_sub(coder.cost(&message)) {
            Some(left) => room = left,
            None => break,
        }
        messages.push(message);
    }
    messages
}
