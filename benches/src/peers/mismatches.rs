//! The differences that remain between the two libraries.

/// The differences between the two in this comparison.
pub const MISMATCHES: [&str; 11] = [
    "Names: a member of this library has a name (here of 2 to 5 characters) in every update about \
     it. foca leaves the identity to its user: here it is an IPv4 address, a port and a count of \
     returns, 8 bytes. \"foca, with names\" sends 6 bytes more with each identity.",
    "Encoding: ours is tagged, for later versions, and starts with magic, version and label. foca \
     leaves it to its user: here it is the shortest of fixed width, without these.",
    "Suspicion: ours starts with 6 times the shortest time and shrinks with each accuser \
     (Lifeguard). foca has one time, which is our shortest. \"foca, patient\" has our longest.",
    "Streams: ours also pings over a stream, and asks a suspect over one before it declares it \
     failed. foca has no streams. \"ours, no stream pings\" does neither.",
    "Local health: ours probes more slowly while its own probes fail (Lifeguard), and does not \
     count time in which it did not run. foca has neither.",
    "Repair: ours exchanges differences with one member every 30 s (180 s at N = 1,000), over a \
     stream. foca announces itself to one member every 30 s, at any N, and receives as many random \
     members as fit one packet, here 125.",
    "Join: ours receives all members over a stream from its contact. foca receives 125 members, \
     and learns of the rest by gossip and later announces.",
    "Transmissions of an update: ours 4 x log10(N + 1) with the logarithm rounded up, 16 at N = \
     1,000; foca with the product rounded down, 12.",
    "Failed members: ours gossips to one for 30 s, and tries lost ones from time to time. foca \
     notifies a member that it declares down, and announces itself to 2 that are down every 65 s.",
    "Return: after a false positive, a member comes back with a higher incarnation in ours, and \
     with another identity in foca.",
    "Harness: our World also has streams, clocks, stalls and faults; foca's event loop has only \
     datagrams and timers. Ours draws from ChaCha8, foca from SmallRng. The first timers of an \
     assembled foca cluster are spread at random; ours spread by themselves.",
];
