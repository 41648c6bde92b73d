//! Scripts of the hostile host's streams: recorded, forged, or next to nothing.

use core::time::Duration;
use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use swim_core::wire::{self, Scope, Wire, memberlist};
use swim_core::{Config, Instant, MemberRef, State};

use super::attacker::{Attacker, Deed, own_address};
use super::forging::Known;
use super::tape::TapedTalk;
use super::trick::Trick;
use crate::connection::{ConnectionId, Side};
use crate::contents;
use crate::host::Host;
use crate::time::{millis, secs};

/// The most streams that it has open at once.
const TALKS_MAX: usize = 12;

/// The longest time that a stream stays open.
const LASTS_MAX: Duration = secs(20);

/// The content of a stream, and its pace.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(super) pieces: VecDeque<Bytes>,
    pub(super) pace: Pace,
    /// Whether it ends the stream in order after the last piece. Otherwise it keeps the stream
    /// open.
    pub(super) finishes: bool,
    /// The time after which it breaks the stream off.
    pub(super) lasts: Duration,
}

/// When the next piece is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// All pieces at once.
    AtOnce,
    /// The first piece, and the rest once the other side has answered.
    Answered,
    /// One piece per interval.
    Every(Duration),
}

/// A stream of the hostile host.
#[derive(Debug)]
pub(crate) struct Talk {
    pub(super) id: ConnectionId,
    /// The end that is its own.
    pub(super) side: Side,
    pub(super) script: Script,
    /// When it breaks the stream off.
    pub(super) until: Instant,
    pub(super) open: bool,
}

impl Attacker {
    /// Opens streams.
    pub(super) fn open(&mut self, trick: Trick, hosts: &[Host], seed: u64) -> Vec<Deed> {
        let streams = match trick {
            Trick::Hold | Trick::Trickle => self.dice.between(1, 4),
            _ => 1,
        };
        let to = self.victim(hosts);
        let mut deeds = Vec::new();
        for _ in 0..streams.min(TALKS_MAX.saturating_sub(self.talks.len())) {
            let config = self.forgers_config(&hosts[to as usize]);
            let (to, script) = match trick {
                Trick::RepeatStream | Trick::MixStream => {
                    let Some(talk) = self.tape.talk(&mut self.dice) else { break };
                    let to = match self.dice.below(3) {
                        0 => talk.acceptor,
                        1 => talk.dialler,
                        _ => to,
                    };
                    let mixed = trick == Trick::MixStream;
                    (to, self.repeated(&talk, Side::Dialler, mixed))
                }
                Trick::Hold => (to, self.next_to_nothing(&config)),
                Trick::Trickle => (to, self.trickle(&config)),
                Trick::Flood => (to, self.flood(&config)),
                _ => (to, self.table(&config, hosts, seed)),
            };
            deeds.push(Deed::Talk { to, from: own_address(), script });
        }
        deeds
    }

    /// An answer in place of a member that is dialled.
    pub(super) fn false_answer(&mut self) -> Option<Script> {
        let talk = self.tape.talk(&mut self.dice)?;
        let side = if self.dice.one_in(4) { Side::Dialler } else { Side::Acceptor };
        let mixed = self.dice.one_in(4);
        Some(self.repeated(&talk, side, mixed))
    }

    /// One side of a recorded stream, or its beginning and the end of another.
    fn repeated(&mut self, talk: &TapedTalk, side: Side, mixed: bool) -> Script {
        let mut pieces: VecDeque<Bytes> = talk.by(side).iter().cloned().collect();
        if mixed {
            self.mix_pieces(&mut pieces, side);
        }
        let pace = match self.dice.below(3) {
            0 => Pace::Answered,
            1 => Pace::Every(millis(1 + self.dice.bits() % 50)),
            _ => Pace::AtOnce,
        };
        Script { pieces, pace, finishes: !self.dice.one_in(4), lasts: self.lasts() }
    }

    fn mix_pieces(&mut self, pieces: &mut VecDeque<Bytes>, side: Side) {
        let other = self.tape.talk(&mut self.dice);
        let other = other.map(|talk| talk.by(side).to_vec()).unwrap_or_default();
        match self.dice.below(4) {
            // The greeting of one, and what followed the other's greeting.
            0 => {
                pieces.truncate(1);
                pieces.extend(other.into_iter().skip(1));
            }
            1 => {
                let (one, other) = (pieces.make_contiguous().concat(), other.concat());
                let mixed = self.mix(&one, &other);
                pieces.clear();
                pieces.push_back(mixed);
            }
            2 => {
                let all = pieces.make_contiguous().concat();
                let cut = self.dice.below(all.len().max(1));
                pieces.clear();
                pieces.push_back(Bytes::from(all).slice(..cut));
            }
            _ => {
                let mut all = pieces.make_contiguous().concat();
                let place = self.dice.below(all.len().max(1));
                all.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= 1);
                pieces.clear();
                pieces.push_back(all.into());
            }
        }
    }

    fn lasts(&mut self) -> Duration {
        self.dice.time(LASTS_MAX)
    }

    fn next_to_nothing(&mut self, config: &Config) -> Script {
        let beginning = beginning(config);
        let said = beginning.slice(..self.dice.below(3).min(beginning.len()));
        let pieces = if said.is_empty() { VecDeque::new() } else { [said].into() };
        Script { pieces, pace: Pace::AtOnce, finishes: false, lasts: self.lasts() }
    }

    fn trickle(&mut self, config: &Config) -> Script {
        const BYTES_MAX: usize = 40;
        let beginning = beginning(config);
        let single = |at: usize| beginning.slice(at..=at);
        let pieces = (0..beginning.len().min(BYTES_MAX)).map(single).collect();
        let pace = Pace::Every(millis(50 + self.dice.bits() % 1000));
        Script { pieces, pace, finishes: false, lasts: self.lasts() }
    }

    fn flood(&mut self, config: &Config) -> Script {
        const PIECE: usize = 16 << 10;
        let piece = Bytes::from(vec![0; PIECE]);
        let pieces = [beginning(config)].into_iter();
        let pieces = pieces.chain(std::iter::repeat_n(piece, self.dice.between(1, 12))).collect();
        let pace = if self.dice.one_in(2) { Pace::AtOnce } else { Pace::Every(millis(100)) };
        Script { pieces, pace, finishes: false, lasts: self.lasts() }
    }

    /// A push/pull with some members, existing or made up, or none.
    fn table(&mut self, config: &Config, hosts: &[Host], seed: u64) -> Script {
        let mut known = Vec::new();
        for _ in 0..self.dice.below(4) {
            let someone = match self.dice.one_in(2) {
                true => self.somebody_made_up(hosts),
                false => Some(self.somebody(hosts)),
            };
            let state = self.dice.pick(&[State::Alive, State::Suspect, State::Failed, State::Left]);
            known.extend(someone.map(|someone| (someone, state)));
        }
        let members = known.iter().map(|(someone, state)| member(someone, *state, config));
        let join = self.dice.one_in(2);
        let mut plain = BytesMut::new();
        match config.wire {
            Wire::Swim => {
                let scope = if join { Scope::Join } else { Scope::Full };
                wire::encode_push_pull(scope, 0, members, b"", &mut plain);
            }
            Wire::Memberlist => memberlist::encode_push_pull(join, members, b"", &mut plain),
        }
        let pieces = [contents::stream(config, &plain, seed)].into();
        let finishes = !self.dice.one_in(4);
        Script { pieces, pace: Pace::AtOnce, finishes, lasts: self.lasts() }
    }
}

/// The beginning of a stream to a node with this configuration: it announces a megabyte.
fn beginning(config: &Config) -> Bytes {
    const ANNOUNCED: u32 = 1 << 20;
    let mut bytes = BytesMut::new();
    match config.wire {
        Wire::Swim if config.keyring.is_empty() => {
            wire::begin_packet(&config.label, &mut bytes);
            bytes.extend_from_slice(&ANNOUNCED.to_be_bytes());
        }
        Wire::Swim => {
            // Sealed, with a greeting that does not wait for the peer's.
            wire::begin_packet(&config.label, &mut bytes);
            bytes[1] |= 0x5;
            bytes.extend_from_slice(&[0; 17]);
            bytes.extend_from_slice(&ANNOUNCED.to_be_bytes());
        }
        Wire::Memberlist => {
            if !config.label.is_empty() {
                memberlist::put_label(&config.label, &mut bytes, 0);
            }
            if config.keyring.is_empty() {
                bytes.extend_from_slice(b"\x08\x81\xaaUserMsgLen\xd2\x00\x10\x00\x00");
            } else {
                bytes.extend_from_slice(&[memberlist::SEALED]);
                bytes.extend_from_slice(&ANNOUNCED.to_be_bytes());
            }
        }
    }
    bytes.freeze()
}

fn member<'a>(known: &'a Known, state: State, config: &Config) -> MemberRef<'a> {
    let Known { name, address, incarnation } = known;
    let (address, incarnation) = (*address, *incarnation);
    MemberRef { name, address, state, incarnation, meta: b"", versions: config.versions }
}
