//! Frames: each packet after its length in two bytes, big-endian.

/// The size of a length.
const LENGTH_SIZE: usize = 2;

/// Appends a frame. Drops a packet that is too long, which cannot happen:
/// [`Config::packet_size_max`](crate::Config::packet_size_max) is lower.
pub(super) fn append(out: &mut Vec<u8>, packet: &[u8]) {
    if let Ok(length) = u16::try_from(packet.len()) {
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(packet);
    }
}

/// Takes packets out of a connection's bytes, which arrive in pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// The beginning of an unfinished frame: at most 64 KiB, and never more than arrived.
    partial: Vec<u8>,
}

impl Reader {
    /// A reader that already has these bytes.
    pub(super) fn starting_with(bytes: &[u8]) -> Self {
        Reader { partial: bytes.to_vec() }
    }

    /// Takes bytes, and hands out each complete packet.
    pub(super) fn read(&mut self, mut bytes: &[u8], mut packet: impl FnMut(&[u8])) {
        if self.is_complete() {
            // Only the initial bytes may hold whole frames.
            let held = std::mem::take(&mut self.partial);
            let mut rest = &held[..];
            hand_out(&mut rest, &mut packet);
            self.partial = rest.to_vec();
        }
        if !self.partial.is_empty() {
            // Copies each byte once, even if they arrive one by one.
            if !self.complete(&mut bytes) {
                return;
            }
            hand_out(&mut &self.partial[..], &mut packet);
        }
        hand_out(&mut bytes, &mut packet);
        // A new vector, to free the memory of a long frame.
        self.partial = bytes.to_vec();
    }

    /// Adds the missing bytes of an unfinished frame. False if it is still unfinished.
    fn complete(&mut self, bytes: &mut &[u8]) -> bool {
        while !self.is_complete() {
            if bytes.is_empty() {
                return false;
            }
            let size = frame_size(&self.partial).unwrap_or(LENGTH_SIZE);
            let missing = size - self.partial.len();
            let (now, later) = bytes.split_at(missing.min(bytes.len()));
            self.partial.extend_from_slice(now);
            *bytes = later;
        }
        true
    }

    fn is_complete(&self) -> bool {
        frame_size(&self.partial).is_some_and(|size| self.partial.len() >= size)
    }

    /// How many bytes wait for the rest of their frame.
    pub(super) fn held(&self) -> usize {
        self.partial.len()
    }
}

/// Hands out the complete packets at the front of `bytes`. Skips empty packets.
fn hand_out(bytes: &mut &[u8], packet: &mut impl FnMut(&[u8])) {
    while let Some(size) = frame_size(bytes).filter(|&size| bytes.len() >= size) {
        let (frame, rest) = bytes.split_at(size);
        if size > LENGTH_SIZE {
            packet(&frame[LENGTH_SIZE..]);
        }
        *bytes = rest;
    }
}

/// The size of the first frame with its length, if that length is complete.
fn frame_size(bytes: &[u8]) -> Option<usize> {
    let [high, low] = bytes.first_chunk::<LENGTH_SIZE>()?;
    Some(LENGTH_SIZE + usize::from(u16::from_be_bytes([*high, *low])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_out_whole_and_in_order_however_the_bytes_are_cut() {
        let packets = [&b"p"[..], b"", b"packet", &[0; 300], b"last"];
        let mut bytes = Vec::new();
        packets.iter().for_each(|packet| append(&mut bytes, packet));
        let whole: Vec<_> = packets.into_iter().filter(|packet| !packet.is_empty()).collect();
        for early in 0..bytes.len().min(20) {
            for piece in 1..bytes.len() {
                let (mut reader, mut read) = (Reader::starting_with(&bytes[..early]), Vec::new());
                reader.read(&[], |packet| read.push(packet.to_vec()));
                for piece in bytes[early..].chunks(piece) {
                    reader.read(piece, |packet| read.push(packet.to_vec()));
                }
                assert_eq!(read, whole, "{early} bytes, then pieces of {piece}");
                assert_eq!(reader.held(), 0);
            }
        }
    }

    #[test]
    fn a_frame_that_never_ends_holds_no_more_than_came() {
        let mut reader = Reader::default();
        reader.read(&[0xFF, 0xFF, 1, 2, 3], |_| panic!("it is not complete"));
        assert_eq!(reader.held(), 5);
    }
}
