//! Packets for tests.

/// An IP packet under construction.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    header: Vec<u8>,
    payload: Vec<u8>,
}

/// Returns an IPv4 packet from one host to another.
pub(crate) fn v4(from: u8, to: u8) -> Made {
    let mut header = vec![0; 20];
    header[0] = 0x45;
    header[8] = 64;
    header[12..16].copy_from_slice(&[10, 77, 0, from]);
    header[16..20].copy_from_slice(&[10, 77, 0, to]);
    Made { header, payload: Vec::new() }.carrying(17, 8)
}

/// Returns an IPv6 packet from one host to another.
pub(crate) fn v6(from: u8, to: u8) -> Made {
    let mut header = vec![0; 40];
    header[0] = 0x60;
    header[7] = 64;
    for (at, host) in [(8, from), (24, to)] {
        header[at..at + 4].copy_from_slice(&[0xfd, 0x4e, 0, 0x77]);
        header[at + 15] = host;
    }
    Made { header, payload: Vec::new() }.carrying(17, 8)
}

impl Made {
    /// Sets the protocol, and a payload of `size` bytes.
    pub(crate) fn carrying(mut self, protocol: u8, size: usize) -> Self {
        self.payload = vec![7; size];
        let is_v4 = self.header.len() == 20;
        self.header[if is_v4 { 9 } else { 6 }] = protocol;
        let (at, length) = if is_v4 { (2, size + 20) } else { (4, size) };
        let length = u16::try_from(length).expect("a packet");
        self.header[at..at + 2].copy_from_slice(&length.to_be_bytes());
        self
    }

    /// Sets the flag "don't fragment".
    pub(crate) fn whole(mut self) -> Self {
        self.header[6] |= 0x40;
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        [&self.header[..], &self.payload].concat()
    }
}
