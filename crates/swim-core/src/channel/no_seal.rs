//! Replaces `seal` without the feature `encryption`: a sealer without keys.

use bytes::BytesMut;

use super::OpenError;
use crate::config::Config;
use crate::fingerprint::Fingerprint;
use crate::wire::SealVersion;

/// Seals nothing and opens nothing.
///
/// The other methods are only called if [`Framing`](super::framing::Framing) has keys, so they
/// never are.
#[derive(Debug)]
pub(super) struct Sealer;

impl Sealer {
    pub(super) const fn of(_config: &Config, _seed: [u8; 32]) -> Self {
        Sealer
    }

    pub(super) const fn follow(&mut self, _config: &Config) {}

    pub(super) const fn follows(&self, _config: &Config) -> bool {
        true
    }

    pub(super) const fn seals(&self) -> u64 {
        0
    }

    pub(super) const fn take_worn(&mut self, _members: usize) -> Option<(Fingerprint, u64)> {
        None
    }

    pub(super) fn seal_memberlist_packet(
        &mut self,
        _version: SealVersion,
        _label: &[u8],
        _out: &mut BytesMut,
        _start: usize,
    ) {
        never()
    }

    pub(super) fn seal_memberlist_stream(
        &mut self,
        _version: SealVersion,
        _label: &[u8],
        _out: &mut BytesMut,
        _start: usize,
    ) {
        never()
    }

    pub(super) fn seal_native(
        &mut self,
        _additional: &[&[u8]],
        _out: &mut BytesMut,
        _start: usize,
    ) {
        never()
    }

    pub(super) const fn open_memberlist_packet_with<'a>(
        &self,
        _last: &mut LastKey,
        _label: &[u8],
        _sealed: &'a mut [u8],
    ) -> Result<&'a [u8], OpenError> {
        Err(OpenError::NoKey)
    }

    pub(super) const fn open_memberlist_stream_with<'a>(
        &self,
        _last: &mut LastKey,
        _label: &[u8],
        _stream: &'a mut [u8],
    ) -> Result<&'a [u8], OpenError> {
        Err(OpenError::NoKey)
    }

    pub(super) const fn open_native_with<'a>(
        &self,
        _last: &mut LastKey,
        _additional: &[&[u8]],
        _sealed: &'a mut [u8],
    ) -> Result<&'a [u8], OpenError> {
        Err(OpenError::NoKey)
    }

    pub(super) fn random<const SIZE: usize>(&mut self) -> [u8; SIZE] {
        never()
    }

    pub(super) fn native_overhead(&self) -> usize {
        never()
    }
}

/// No key ever opened anything.
#[derive(Debug, Default)]
pub(super) struct LastKey(());

/// Reached only by a request to seal.
fn never() -> ! {
    unreachable!("nothing is sealed without a key")
}
