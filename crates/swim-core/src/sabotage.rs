//! Rules that a node can be told to break, so that the simulator can show that its checkers see it,
//! and tests of attacks that these succeed then.
//!
//! Without the feature `sabotage` there is nothing to tell it with, and asking whether a rule is
//! broken is `false` at compile time.

/// A rule, named by what a node does that breaks it. Part of no interface: for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "sabotage"),
    expect(unreachable_pub, reason = "public where somebody can choose one")
)]
#[cfg_attr(
    not(feature = "encryption"),
    allow(dead_code, reason = "some rules are about keys alone")
)]
pub enum Sabotage {
    /// Takes over an older announcement of a live member.
    BelievesOldNews,
    /// Takes a failed member back at the incarnation at which it failed.
    Resurrects,
    /// Believes whoever declares it failed.
    BelievesItsDeath,
    /// Changes its metadata without a new incarnation.
    KeepsItsIncarnation,
    /// Queues more updates than it may.
    OverfillsItsQueue,
    /// Writes packets longer than they may be.
    OverfillsPackets,
    /// Never answers a ping command that nobody answered.
    NeverAnswers,
    /// Answers every command twice.
    AnswersTwice,
    /// Counts a command that it answered as open still.
    MiscountsRequests,
    /// Does what is due at the second call only.
    Dawdles,
    /// Tells nobody that a member failed.
    HidesFailures,
    /// Takes a member's metadata over and tells nobody.
    HidesUpdates,
    /// Looks for nobody who failed.
    ForgetsTheLost,
    /// Probes as rarely as its local health says while it hears nobody.
    KeepsItsPaceAlone,
    /// Looks for somebody who failed in each period, however many others do.
    SearchesAlone,
    /// Numbers its pings with few numbers, which can all be guessed.
    GuessableSequences,
    /// Takes an ack for an answer wherever it comes from.
    BelievesAnyAck,
    /// Checks each move of a member that it is told of, and passes on each.
    ChecksEveryMove,
    /// Follows accusations however far they are above what it knows.
    FollowsEveryJump,
    /// Stays in its life when somebody broadcasts in its name.
    KeepsItsLife,
    /// Gives made-up origins and lives of broadcasts the room of members.
    TreatsOriginsAlike,
    /// Lets strangers hold all bytes of streams, and refuses who comes after them.
    KeepsUnprovenBytes,
    /// Gives streams more time for whatever comes on them.
    GivesTimeForAnyBytes,
    /// Lets streams that fell behind keep their places.
    KeepsWhoIsBehind,
    /// Gives a source with many streams as much as it takes.
    SharesUnequally,
    /// Takes each address of an IPv6 network for a source of its own.
    CountsAddressesApart,
    /// Keeps no places for members.
    KeepsNoPlaces,
    /// Forgets streams that are over, and does not say so.
    LeavesStreamsOpen,
    /// Ends streams that have ended.
    EndsStreamsTwice,
    /// Tells everything to whoever asks.
    TellsEverybodyAll,
    /// Reads what was compressed, however much it holds for its length.
    ReadsAllThatIsPacked,
    /// Tries all keys for XChaCha20 on what one of them may have sealed.
    TriesEveryKey,
    /// Takes what comes in the clear although it requires seals.
    TakesPlaintext,
    /// Greets with the same number on every sealed stream.
    GreetsAlike,
    /// Sends and takes messages and states on streams without a greeting of the acceptor.
    WaitsForNoGreeting,
    /// Takes messages and broadcasts from before it was known.
    TakesWhatPredates,
    /// Takes messages in packets as often as they come.
    TakesRepeatedMessages,
    /// Forgets what it has taken, and does not see to it that nothing of it comes again.
    ForgetsAndStays,
    /// Takes messages that are for other members.
    TakesWhatIsForOthers,
    /// Forgets lost members that it heard from before those of whom it only heard.
    MissesAllAlike,
    /// Lets strangers use up what it may tell members.
    TellsAllAlike,
    /// Tells accused members what is held against them, and not what was announced in their names.
    TellsAccusationsAlone,
    /// Announces members at incarnations of which it knows accusations alone.
    MixesIncarnations,
    /// Tells members that they left, and does not let them know who says so.
    TellsWithoutAsking,
    /// Leaves its name for good to whoever announced it once at a higher rank.
    GivesUpItsName,
    /// Claims its name although another node has it, gives it up to nobody, and says that it has
    /// had it for ever.
    StealsNames,
    /// Answers strangers with more bytes than they sent.
    AnswersAtLength,
    /// Gossips to members of whom it only heard.
    GossipsToStrangers,
    /// Leaves it to gossip to tell those of whom it learns by joining.
    IntroducesItselfToNobody,
    /// Believes what members say of others that it holds failed.
    BelievesTheFailed,
    /// Declares members failed whom it has not asked, and follows each verdict at once.
    AsksNobody,
    /// Takes a leave for successful although nobody acknowledged it.
    LeavesUnheard,
    /// Compares no views with members that answer over streams alone.
    TrustsInGossip,
    /// Asks nobody whether it is reached where it is announced.
    AnnouncesBlindly,
    /// Shows members as alive whenever they return, although they never answer.
    ShowsEveryReturn,
}
