//! Rules that a node can break on purpose. The simulator breaks them to show that its checkers
//! notice, and tests of attacks to show that the attack then succeeds.
//!
//! Without the feature `sabotage` no rule can be broken, and the check is `false` at compile time.

/// A rule, named after the way in which a node breaks it. Only for tests; not part of any
/// interface.
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
    /// Accepts an older announcement of a live member.
    BelievesOldNews,
    /// Accepts a failed member as alive at the incarnation at which it failed.
    Resurrects,
    /// Believes any declaration that it failed itself.
    BelievesItsDeath,
    /// Changes its metadata without a new incarnation.
    KeepsItsIncarnation,
    /// Queues more updates than the limit.
    OverfillsItsQueue,
    /// Writes packets above the maximum length.
    OverfillsPackets,
    /// Never answers a ping command without a reply.
    NeverAnswers,
    /// Answers every command twice.
    AnswersTwice,
    /// Counts an answered command as still open.
    MiscountsRequests,
    /// Carries out due work only at the second call.
    Dawdles,
    /// Does not report failed members.
    HidesFailures,
    /// Accepts a member's new metadata without reporting it.
    HidesUpdates,
    /// Does not look for failed members.
    ForgetsTheLost,
    /// Probes at the pace of its local health while it hears from no member.
    KeepsItsPaceAlone,
    /// Looks for a failed member in every period, instead of sharing the search with its peers.
    SearchesAlone,
    /// Numbers its pings from a range small enough to guess.
    GuessableSequences,
    /// Accepts an ack from any address.
    BelievesAnyAck,
    /// Checks each reported move of a member, and passes on each.
    ChecksEveryMove,
    /// Follows accusations no matter how far they exceed the known incarnation.
    FollowsEveryJump,
    /// Keeps its life when somebody broadcasts in its name.
    KeepsItsLife,
    /// Gives made-up origins and lives of broadcasts the places of members.
    TreatsOriginsAlike,
    /// Lets strangers hold all bytes of streams, and refuses later streams.
    KeepsUnprovenBytes,
    /// Gives streams more time for any bytes.
    GivesTimeForAnyBytes,
    /// Lets slow streams keep their places.
    KeepsWhoIsBehind,
    /// Does not limit a source with many streams.
    SharesUnequally,
    /// Counts each address of an IPv6 network as a source of its own.
    CountsAddressesApart,
    /// Reserves no places for members.
    KeepsNoPlaces,
    /// Forgets finished streams without closing them.
    LeavesStreamsOpen,
    /// Ends streams twice.
    EndsStreamsTwice,
    /// Sends the whole member table on every request.
    TellsEverybodyAll,
    /// Reads compressed text regardless of how much it holds for its length.
    ReadsAllThatIsPacked,
    /// Tries all XChaCha20 keys on input that only one of them may have sealed.
    TriesEveryKey,
    /// Accepts plaintext although it requires seals.
    TakesPlaintext,
    /// Greets with the same nonce on every sealed stream.
    GreetsAlike,
    /// Sends and accepts messages and states on streams without the acceptor's greeting.
    WaitsForNoGreeting,
    /// Accepts messages and broadcasts from before it was known.
    TakesWhatPredates,
    /// Accepts repeated messages in packets.
    TakesRepeatedMessages,
    /// Forgets which messages it took, without a new incarnation against repetitions.
    ForgetsAndStays,
    /// Accepts messages for other members.
    TakesWhatIsForOthers,
    /// Forgets lost members regardless of whether it ever heard from them directly.
    MissesAllAlike,
    /// Counts the notices to strangers and to members against the same budget.
    TellsAllAlike,
    /// Sends accused members the accusation, but not what was announced in their names.
    TellsAccusationsAlone,
    /// Announces members at incarnations that it knows only from accusations.
    MixesIncarnations,
    /// Sends members the news that they left, without a ping that they can answer.
    TellsWithoutAsking,
    /// Gives up its name for good to any node that announced it once at a higher rank.
    GivesUpItsName,
    /// Claims its name although another node has it, never gives it up, and claims to have had it
    /// for ever.
    StealsNames,
    /// Answers strangers with more bytes than they sent.
    AnswersAtLength,
    /// Gossips to members that never answered it.
    GossipsToStrangers,
    /// Leaves it to gossip to reach the members that it learns of in a join.
    IntroducesItselfToNobody,
    /// Believes accusations by members that it believes failed.
    BelievesTheFailed,
    /// Declares members failed without asking them, and follows each verdict at once.
    AsksNobody,
    /// Treats a leave as successful without an acknowledgement.
    LeavesUnheard,
    /// Does not compare views with members that answer only over streams.
    TrustsInGossip,
    /// Does not check that it can be reached at its announced address.
    AnnouncesBlindly,
    /// Reports members as alive whenever they return, even if they never answer.
    ShowsEveryReturn,
}
