//! Decides which streams give way when places or bytes run short.
//!
//! Sources share both. A source is an IPv4 address, or an IPv6 /64 network. Streams that are proven
//! (a frame opened under a key) and addresses of live members come first. Among the rest, streams
//! that keep up and need little come first.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::net::IpAddr;
use core::time::Duration;

use ipnet::{IpNet, Ipv6Net};

use super::Exchange;
use super::pace::{FIRST_MESSAGE_TIME, YOUNG_TIME};
use super::table::{Caller, Stream};
use crate::config::Config;
use crate::context::Context;
use crate::error::Refused;
use crate::output::{Event, Failure, StreamId, StreamResource, StreamSource};
use crate::sabotage::Sabotage;
use crate::stats::DropReason;
use crate::time::Instant;
use crate::wire;

/// A quarter of `streams_max` is reserved for addresses of live members, which would otherwise
/// compete with strangers for every ping and push/pull. Strangers get most places, because members
/// need one for only a few round trips.
const KEPT_ONE_IN: usize = 4;

/// Streams that hold at most this much are small. A stranger's first bytes are shorter, and so is a
/// join, ping or push/pull up to its first opened frame. With small streams, all places together
/// hold 16 MiB.
const SMALL: usize = wire::PUSH_PULL_FRAME_SIZE_MAX;

/// How long the same shortage is not reported again. Its cause may last for hours.
const QUIET: Duration = Duration::from_secs(60);

/// How many sources a report names. More would not help an operator.
const SOURCES_NAMED_MAX: usize = 8;

/// Until when no further report is made.
#[derive(Debug, Default)]
pub(super) struct Reports {
    places: Option<Instant>,
    bytes: Option<Instant>,
}

impl Exchange {
    /// Makes a place for one more stream from this address.
    pub(super) fn make_place(
        &mut self,
        cx: &mut Context,
        from: IpAddr,
        known: bool,
    ) -> Result<Caller, Refused> {
        let keeps_up_until = cx.now() + FIRST_MESSAGE_TIME;
        let caller = Caller { source: source(&cx.config, from), known, keeps_up_until };
        let (config, now) = (&cx.config, cx.now());
        let (mut all, mut mine) = (0, 0);
        for (_, _, other) in self.table.callers() {
            all += 1;
            mine += usize::from(other.source == caller.source);
        }
        let (victim, refused) = if mine >= config.streams_per_source_max {
            (self.behind_of(caller.source, now), Refused::TooManyFromSource)
        } else if all >= config.streams_max {
            (self.place_to_free(config, now, caller, mine), Refused::TooManyStreams)
        } else {
            return Ok(caller);
        };
        if refused == Refused::TooManyStreams {
            self.report(cx, StreamResource::Places);
        }
        cx.drop_quietly(DropReason::StreamRefused);
        self.abort(cx, victim.ok_or(refused)?);
        Ok(caller)
    }

    /// Makes room for this many more bytes on this stream. Returns `false` if the stream itself had
    /// to end.
    pub(super) fn make_room(&mut self, cx: &mut Context, grown: StreamId, more: usize) -> bool {
        while let Some(victim) = self.room_to_free(&cx.config, grown, more) {
            if victim == grown {
                // If no other stream holds bytes, this is not a shortage: the message is too large.
                let alone = self.table.get(grown).map_or(0, Stream::held) == self.table.buffered();
                if !alone {
                    self.report(cx, StreamResource::Bytes);
                }
                self.reject(cx, grown, DropReason::TooLarge);
                return false;
            }
            self.report(cx, StreamResource::Bytes);
            cx.drop_quietly(DropReason::StreamRefused);
            self.fail(cx, victim, Failure::BadAnswer { reason: DropReason::TooLarge });
        }
        true
    }

    // Places.

    /// The stream that gives way when its source has reached its limit and opens another.
    fn behind_of(&self, source: IpNet, now: Instant) -> Option<StreamId> {
        let own = self.table.callers().filter(|&(_, stream, caller)| {
            caller.source == source && !stream.is_proven() && is_behind(caller, now)
        });
        own.min_by_key(|&(id, _, caller)| (caller.keeps_up_until, id)).map(|(id, ..)| id)
    }

    /// The stream that gives way to a newcomer whose source has `mine`, when all places are taken.
    ///
    /// It is the one furthest behind of the source with the most streams, if that source will still
    /// have more than the newcomer's. Among equals, it is the stream furthest behind, if any is
    /// behind.
    fn place_to_free(
        &self,
        config: &Config,
        now: Instant,
        newcomer: Caller,
        mine: usize,
    ) -> Option<StreamId> {
        if config.breaks(Sabotage::KeepsWhoIsBehind) {
            let silent = self.table.callers().find(|(_, stream, _)| stream.received() == 0);
            return silent.map(|(id, ..)| id);
        }
        let kept = config.streams_max / KEPT_ONE_IN;
        let kept = if config.breaks(Sabotage::KeepsNoPlaces) { 0 } else { kept };
        let known = self.table.callers().filter(|(_, _, caller)| caller.known).count();
        let protected = |caller: Caller| caller.known && known <= kept;
        let takes_kept = newcomer.known && known < kept;

        let mut counts: BTreeMap<IpNet, usize> = BTreeMap::new();
        let mut candidates: Vec<(StreamId, Caller, bool)> = Vec::new();
        for (id, stream, caller) in self.table.callers() {
            if !stream.is_proven() && !protected(caller) {
                *counts.entry(caller.source).or_default() += 1;
                candidates.push((id, caller, stream.received() > 0));
            }
        }
        let count = |caller: Caller| counts[&caller.source];
        let shares = !config.breaks(Sabotage::SharesUnequally);
        let may_go = |caller: Caller| {
            let has_more = shares && count(caller) > mine + 1;
            let is_equal = (!shares || count(caller) >= mine) && is_behind(caller, now);
            takes_kept || has_more || is_equal
        };
        let candidates = candidates.into_iter().filter(|&(_, caller, _)| may_go(caller));
        let first = candidates.min_by_key(|&(id, caller, spoke)| {
            let most = if shares { count(caller) } else { 0 };
            (Reverse(most), caller.keeps_up_until, spoke, id)
        });
        first.map(|(id, ..)| id)
    }

    // Bytes.

    /// Whether this many more bytes fit, from any sender.
    pub(super) fn has_room(&self, config: &Config, more: usize) -> bool {
        self.table.buffered() + more <= unproven_max(config)
    }

    /// The stream to end when `grown` is about to hold `more` bytes, if there is no room for them.
    fn room_to_free(&self, config: &Config, grown: StreamId, more: usize) -> Option<StreamId> {
        let (total, unproven_max) = (self.table.buffered() + more, unproven_max(config));
        let is_over = total > config.stream_buffer_max;
        if config.breaks(Sabotage::KeepsUnprovenBytes) {
            return is_over.then_some(grown);
        }
        if self.has_room(config, more) {
            return None;
        }
        let held = |id, stream: &Stream| stream.held() + if id == grown { more } else { 0 };
        let held = self.table.iter().map(|(id, stream)| (id, stream, held(id, stream)));
        let is_strange = |stream: &Stream| {
            !stream.is_proven() && stream.caller().is_some_and(|caller| !caller.known)
        };
        let strange = held.clone().filter(|&(_, s, bytes)| is_strange(s) && bytes > SMALL);
        let strange_bytes: usize = strange.clone().map(|(.., bytes)| bytes).sum();
        if !is_over && strange_bytes <= unproven_max {
            return None;
        }
        let unproven = held.clone().filter(|(_, s, _)| s.caller().is_some() && !s.is_proven());
        let largest = |victim: Option<StreamId>| victim.filter(|_| is_over);
        greatest(config, strange)
            .or_else(|| largest(greatest(config, unproven)))
            .or_else(|| largest(greatest(config, held)))
    }

    // Reports.

    /// Reports the sources that use most of a scarce resource, unless that was reported lately.
    fn report(&mut self, cx: &mut Context, resource: StreamResource) {
        let until = match resource {
            StreamResource::Places => &mut self.reports.places,
            StreamResource::Bytes => &mut self.reports.bytes,
        };
        let now = cx.now();
        if until.is_some_and(|until| now < until) {
            return;
        }
        *until = Some(now + QUIET);
        let mut sums: BTreeMap<IpNet, (usize, usize)> = BTreeMap::new();
        for (_, stream, caller) in self.table.callers() {
            let (streams, bytes) = sums.entry(caller.source).or_default();
            *streams += 1;
            *bytes += stream.held();
        }
        let source = |(network, (streams, bytes))| StreamSource { network, streams, bytes };
        let mut sources: Vec<StreamSource> = sums.into_iter().map(source).collect();
        sources.sort_by_key(|source| match resource {
            StreamResource::Places => Reverse((source.streams, source.bytes)),
            StreamResource::Bytes => Reverse((source.bytes, source.streams)),
        });
        sources.truncate(SOURCES_NAMED_MAX);
        cx.emit(Event::StreamsShort { resource, sources });
    }
}

/// The bytes that large streams of strangers may hold together before anything opens: as much as
/// the longest message, so that one such message gets through.
fn unproven_max(config: &Config) -> usize {
    let longest = config.reliable_size_max.max(config.user_state_size_max) + SMALL;
    longest.min(config.stream_buffer_max)
}

/// The source of an address. An IPv6 network counts as one, because its owner has all of its 2^64
/// addresses.
fn source(config: &Config, from: IpAddr) -> IpNet {
    const NETWORK: u8 = 64;
    match from {
        IpAddr::V6(v6) if !config.breaks(Sabotage::CountsAddressesApart) => {
            Ipv6Net::new_assert(v6, NETWORK).trunc().into()
        }
        _ => from.into(),
    }
}

/// Whether the stream has been too slow for long enough to give way.
fn is_behind(caller: Caller, now: Instant) -> bool {
    caller.keeps_up_until <= now + (FIRST_MESSAGE_TIME - YOUNG_TIME)
}

/// The largest stream of the source that holds most. A stream of this node has no source, and
/// counts alone.
fn greatest<'a>(
    config: &Config,
    streams: impl Iterator<Item = (StreamId, &'a Stream, usize)> + Clone,
) -> Option<StreamId> {
    let mut sums: BTreeMap<IpNet, usize> = BTreeMap::new();
    for (_, stream, bytes) in streams.clone() {
        if let Some(caller) = stream.caller() {
            *sums.entry(caller.source).or_default() += bytes;
        }
    }
    let shares = !config.breaks(Sabotage::SharesUnequally);
    let of_source = |stream: &Stream, bytes| match stream.caller() {
        Some(caller) if shares => sums[&caller.source],
        _ => bytes,
    };
    let most = streams.max_by_key(|&(id, stream, bytes)| (of_source(stream, bytes), bytes, id));
    most.map(|(id, ..)| id)
}
