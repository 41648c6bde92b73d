//! Binds the frames of a sealed stream of the native wire to one exchange: each side greets with a
//! random nonce, which is authenticated with every frame.

use super::Side;
use crate::stats::DropReason;

/// The greeting of one side, in the clear after its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Greeting([u8; Greeting::SIZE]);

impl Greeting {
    /// The kind and the nonce.
    pub(super) const SIZE: usize = 1 + Greeting::NONCE_SIZE;
    /// Two of 2^32 such nonces are equal with a probability of 2^-65.
    pub(super) const NONCE_SIZE: usize = 16;

    /// The frames follow at once.
    const GOES_ON: u8 = 0;
    /// The frames follow once the other side has greeted, and are bound to that greeting too.
    const WAITS: u8 = 1;

    pub(super) fn new(waits: bool, nonce: [u8; Self::NONCE_SIZE]) -> Self {
        let mut bytes = [if waits { Self::WAITS } else { Self::GOES_ON }; Self::SIZE];
        bytes[1..].copy_from_slice(&nonce);
        Greeting(bytes)
    }

    /// The greeting at the start of these bytes, if it is complete.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, DropReason> {
        match bytes.first() {
            Some(&(Self::GOES_ON | Self::WAITS)) => Ok(bytes.first_chunk().copied().map(Greeting)),
            Some(_) => Err(DropReason::WireVersion),
            None => Ok(None),
        }
    }

    pub(super) fn waits(&self) -> bool {
        self.0[0] == Self::WAITS
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The greetings of both sides, as far as they were sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Greetings {
    dialler: Option<Greeting>,
    acceptor: Option<Greeting>,
}

impl Greetings {
    pub(super) fn of(&self, side: Side) -> Option<&Greeting> {
        match side {
            Side::Dialler => self.dialler.as_ref(),
            Side::Acceptor => self.acceptor.as_ref(),
        }
    }

    pub(super) fn set(&mut self, side: Side, greeting: Greeting) {
        match side {
            Side::Dialler => self.dialler = Some(greeting),
            Side::Acceptor => self.acceptor = Some(greeting),
        }
    }

    /// Whether the dialler's frames wait for the acceptor's greeting.
    pub(super) fn dialler_waits(&self) -> bool {
        self.dialler.is_some_and(|greeting| greeting.waits())
    }

    /// The additional data of a frame that `from` sends after this header, at this place. The
    /// acceptor's frames are bound to the dialler's greeting, so that they answer nothing else.
    pub(super) fn additional<'a>(
        &'a self,
        from: Side,
        header: &'a [u8],
        place: &'a [u8],
    ) -> [&'a [u8]; 4] {
        let counts = from == Side::Acceptor || self.dialler_waits();
        let acceptor = self.acceptor.as_ref().filter(|_| counts);
        let bytes = |greeting: Option<&'a Greeting>| greeting.map_or(&[][..], Greeting::as_bytes);
        [header, bytes(self.dialler.as_ref()), bytes(acceptor), place]
    }
}
