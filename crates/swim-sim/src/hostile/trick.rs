//! The tricks of a hostile host.

use core::fmt;

/// One kind of attack. See [`Hostile`](super::Hostile).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Trick {
    /// Sends a recorded datagram again, to its receiver.
    Repeat,
    /// ... to another member.
    Redirect,
    /// ... back to its sender.
    Reflect,
    /// Sends the beginning of a recorded datagram.
    Cut,
    /// Sends a recorded datagram with a bit changed.
    Flip,
    /// Sends the beginning of one recorded datagram and the end of another.
    Mix,
    /// Sends meaningless bytes.
    Garbage,
    /// Sends datagrams that unpack to thousands of times their length.
    Bomb,
    /// Declares members suspect, failed or departed.
    Accuse,
    /// Announces members at higher incarnations, with other metadata, or at other addresses.
    Announce,
    /// Announces members that do not exist.
    MakeUp,
    /// Pings, and asks for pings, with a forged source.
    Ping,
    /// Guesses acks.
    Ack,
    /// Sends messages and broadcasts in the name of members.
    Speak,
    /// Repeats a recorded stream on a stream of its own.
    RepeatStream,
    /// ... cut, changed, or mixed from two recorded ones.
    MixStream,
    /// Leads a member's stream to the wrong member.
    Lead,
    /// Takes a stream in place of its receiver, and repeats a recorded one.
    Answer,
    /// Opens streams and sends nothing, or next to nothing.
    Hold,
    /// Sends a byte now and then.
    Trickle,
    /// Announces much on a stream, sends a part, and stops.
    Flood,
    /// Sends members a forged table on a stream, or asks for theirs.
    Table,
}

impl Trick {
    /// All tricks.
    pub const ALL: [Trick; 22] = [
        Trick::Repeat,
        Trick::Redirect,
        Trick::Reflect,
        Trick::Cut,
        Trick::Flip,
        Trick::Mix,
        Trick::Garbage,
        Trick::Bomb,
        Trick::Accuse,
        Trick::Announce,
        Trick::MakeUp,
        Trick::Ping,
        Trick::Ack,
        Trick::Speak,
        Trick::RepeatStream,
        Trick::MixStream,
        Trick::Lead,
        Trick::Answer,
        Trick::Hold,
        Trick::Trickle,
        Trick::Flood,
        Trick::Table,
    ];

    /// The name of the trick's count in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Trick::Repeat => "hostile: datagrams repeated",
            Trick::Redirect => "hostile: datagrams redirected",
            Trick::Reflect => "hostile: datagrams reflected",
            Trick::Cut => "hostile: datagrams cut",
            Trick::Flip => "hostile: datagrams changed",
            Trick::Mix => "hostile: datagrams mixed",
            Trick::Garbage => "hostile: garbage",
            Trick::Bomb => "hostile: bombs",
            Trick::Accuse => "hostile: accusations",
            Trick::Announce => "hostile: announcements",
            Trick::MakeUp => "hostile: members made up",
            Trick::Ping => "hostile: pings",
            Trick::Ack => "hostile: acks",
            Trick::Speak => "hostile: messages",
            Trick::RepeatStream => "hostile: streams repeated",
            Trick::MixStream => "hostile: streams mixed",
            Trick::Lead => "hostile: streams led elsewhere",
            Trick::Answer => "hostile: streams answered",
            Trick::Hold => "hostile: streams held",
            Trick::Trickle => "hostile: streams that trickle",
            Trick::Flood => "hostile: streams flooded",
            Trick::Table => "hostile: tables",
        }
    }

    /// Whether it needs a host on the path, for recordings or for streams of members.
    #[must_use]
    pub const fn needs_path(self) -> bool {
        matches!(
            self,
            Trick::Repeat
                | Trick::Redirect
                | Trick::Reflect
                | Trick::Cut
                | Trick::Flip
                | Trick::Mix
                | Trick::RepeatStream
                | Trick::MixStream
                | Trick::Lead
                | Trick::Answer
        )
    }

    /// Whether it can forge news for members without keys.
    pub(crate) const fn makes_up(self) -> bool {
        matches!(
            self,
            Trick::Cut
                | Trick::Flip
                | Trick::Mix
                | Trick::Garbage
                | Trick::Accuse
                | Trick::Announce
                | Trick::MakeUp
                | Trick::Ping
                | Trick::Ack
                | Trick::Speak
                | Trick::MixStream
                | Trick::Answer
                | Trick::Table
        )
    }

    /// Whether it waits for a member to open a stream.
    pub(crate) const fn lies_in_wait(self) -> bool {
        matches!(self, Trick::Lead | Trick::Answer)
    }
}

impl fmt::Display for Trick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
