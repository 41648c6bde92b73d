//! What a hostile host may do.

use core::fmt;

/// Something that a hostile host does. See [`Hostile`](super::Hostile).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Trick {
    /// Sends a recorded datagram again, to the member that it was for.
    Repeat,
    /// ... to another member.
    Redirect,
    /// ... back to the member that sent it.
    Reflect,
    /// Sends the beginning of a recorded datagram.
    Cut,
    /// Sends a recorded datagram with a bit changed.
    Flip,
    /// Sends the beginning of one recorded datagram and the end of another.
    Mix,
    /// Sends bytes that mean nothing.
    Garbage,
    /// Sends datagrams that unpack to thousands of times their length.
    Bomb,
    /// Declares members suspect, failed or gone.
    Accuse,
    /// Announces members at higher incarnations, with other metadata, or at other addresses.
    Announce,
    /// Announces members that do not exist.
    MakeUp,
    /// Pings, and asks for pings, with a made-up source.
    Ping,
    /// Guesses acks.
    Ack,
    /// Sends messages and broadcasts in the name of members.
    Speak,
    /// Says on a stream of its own what was said on a recorded one.
    RepeatStream,
    /// ... cut, changed, or mixed from two recorded ones.
    MixStream,
    /// Leads a stream of a member to another member than it is for.
    Lead,
    /// Takes a stream in the place of the member that it is for, and says what was said on a
    /// recorded one.
    Answer,
    /// Opens streams and says nothing, or next to nothing.
    Hold,
    /// Says a byte now and then.
    Trickle,
    /// Announces much on a stream, sends some of it, and rests.
    Flood,
    /// Tells members a made-up table on a stream, or asks them for theirs.
    Table,
}

impl Trick {
    /// All of them.
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

    /// What was done, for reports.
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

    /// Whether only a host on the path can do it: it takes recordings, or streams of others.
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

    /// Whether members without keys may be told by it what no member says.
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
