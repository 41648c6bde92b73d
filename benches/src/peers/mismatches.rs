//! What could not be made alike.

/// How the two differ where they are compared.
pub const MISMATCHES: [&str; 11] = [
    "Names: a member of ours has a name (here of 2 to 5 characters) in every update about it. foca \
     leaves the identity to its user; here it is an IPv4 address, a port and a count of returns, 8 \
     bytes. \"foca, with names\" sends 6 bytes more with each identity.",
    "Encoding: ours is tagged, for versions to come, and starts with magic, version and label. \
     foca leaves it to its user; here it is the shortest of fixed width, with none of these.",
    "Suspicion: ours starts with 6 times the shortest time and shrinks with each further accuser \
     (Lifeguard); foca has the one time, which is our shortest. \"foca, patient\" has our longest.",
    "Streams: ours pings over a stream, too, and asks a suspect over one before it declares it \
     failed. foca knows no streams. \"ours, no stream pings\" does neither.",
    "Local health: ours probes slower while its own probes fail (Lifeguard), and does not count \
     time in which it did not run. foca has neither.",
    "Repair: ours exchanges what differs with one member each 30 s (180 s at N = 1,000), over a \
     stream. foca announces itself to one member each 30 s, whatever N is, and is told of as many \
     random members as fit one packet, here 125.",
    "Join: ours is told everything over a stream by its contact. foca is told of 125 members, and \
     hears of the others by gossip and later announces.",
    "Transmissions of an update: ours 4 x log10(N + 1) with the logarithm rounded up, 16 at \
     N = 1,000; foca with the product rounded down, 12.",
    "The dead: ours gossips to a failed member for 30 s and looks for lost ones now and then. foca \
     tells a member that it declares it down, and announces itself to 2 that are down each 65 s.",
    "Return: a member that was wrongly declared failed comes back with a higher incarnation in \
     ours, with another identity in foca.",
    "Harness: the World of ours carries streams, clocks, stalls and faults besides; the event loop \
     for foca datagrams and timers alone. ours draws from ChaCha8, foca from SmallRng. The first \
     timers of an assembled foca cluster are spread at random; those of ours are by themselves.",
];
