//! Seals compared with recorded ones, opened with other keys, and changed at every place.

use alloc::string::String;
use alloc::vec;

use proptest::collection::vec as bytes_of;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::random::Random;

const VERSIONS: [SealVersion; 2] = [SealVersion::V0, SealVersion::V1];
const LABEL: &[u8] = b"blue";

/// A key of each cipher.
fn keys() -> [Key; 4] {
    let aes = |size| Key::aes(&[7; 32][..size]).unwrap();
    [aes(16), aes(24), aes(32), Key::xchacha([7; 32])]
}

fn sealer(keys: &[Key]) -> Sealer {
    Sealer::new(Keyring::with_keys(keys.iter().cloned()).unwrap(), [1; 32])
}

/// The output of `seal` for this text.
fn sealed(text: &[u8], seal: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
    let mut out = BytesMut::from(text);
    seal(&mut out);
    out.to_vec()
}

fn packet(sealer: &mut Sealer, version: SealVersion, text: &[u8]) -> Vec<u8> {
    sealed(text, |out| sealer.seal_memberlist_packet(version, LABEL, out, 0))
}

fn stream(sealer: &mut Sealer, version: SealVersion, text: &[u8]) -> Vec<u8> {
    sealed(text, |out| sealer.seal_memberlist_stream(version, LABEL, out, 0))
}

fn native(sealer: &mut Sealer, text: &[u8]) -> Vec<u8> {
    sealed(text, |out| sealer.seal_native(&[b"head", LABEL], out, 0))
}

fn open_packet(sealer: &Sealer, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    sealer.open_memberlist_packet(LABEL, &mut sealed.to_vec()).map(<[u8]>::to_vec)
}

fn open_stream(sealer: &Sealer, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    sealer.open_memberlist_stream(LABEL, &mut sealed.to_vec()).map(<[u8]>::to_vec)
}

fn open_native(sealer: &Sealer, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    sealer.open_native(&[b"head", LABEL], &mut sealed.to_vec()).map(<[u8]>::to_vec)
}

fn unhex(hex: &str) -> Vec<u8> {
    base16ct::lower::decode_vec(hex).unwrap()
}

/// The recorded vectors of a file.
fn vectors(file: &str) -> Vec<Value> {
    let mut file: Value = serde_json::from_str(file).unwrap();
    serde_json::from_value(file["vectors"].take()).unwrap()
}

fn text_of<'a>(vector: &'a Value, field: &str) -> Option<&'a str> {
    vector.get(field).and_then(Value::as_str)
}

fn hex_of(vector: &Value, field: &str) -> Option<Vec<u8>> {
    text_of(vector, field).map(unhex)
}

/// The first plaintext bytes of a dialler or of a packet.
fn label_header(label: &[u8]) -> Vec<u8> {
    match u8::try_from(label.len()).unwrap() {
        0 => vec![],
        size => [&[244, size], label].concat(),
    }
}

#[test]
fn recorded_packets_open_and_are_sealed_to_the_same_bytes() {
    let mut seen = 0;
    for vector in vectors(include_str!("../../../tests/vectors/packets.json")) {
        let Some(key) = hex_of(&vector, "key") else { continue };
        let case = text_of(&vector, "case").unwrap();
        let label = text_of(&vector, "label").unwrap().as_bytes();
        let text = hex_of(&vector, "plaintext").unwrap();
        let datagram = hex_of(&vector, "hex").unwrap();
        let sealer = Sealer::new(Keyring::new(Key::aes(&key).unwrap()), [1; 32]);

        let start = label_header(label).len();
        let mut received = datagram[start..].to_vec();
        let opened = sealer.open_memberlist_packet(label, &mut received);
        assert_eq!(opened, Ok(&text[..]), "{case}");

        let nonce = hex_of(&vector, "nonce").unwrap().try_into().unwrap();
        let version = VERSIONS[usize::from(datagram[start])];
        let mut out = BytesMut::from(&label_header(label)[..]);
        out.extend_from_slice(&text);
        sealer.seal_packet_with(&nonce, version, label, &mut out, start);
        assert_eq!(out, datagram, "{case}");
        seen += 1;
    }
    assert_eq!(seen, 9);
}

#[test]
fn recorded_streams_open_and_are_sealed_to_the_same_bytes() {
    let mut seen = 0;
    for vector in vectors(include_str!("../../../tests/vectors/streams.json")) {
        let Some(key) = hex_of(&vector, "key") else { continue };
        let case = text_of(&vector, "case").unwrap();
        let label = text_of(&vector, "label").unwrap().as_bytes();
        let sealer = Sealer::new(Keyring::new(Key::aes(&key).unwrap()), [1; 32]);
        let directions = [
            ("client_to_server", "client_plaintext", label_header(label)),
            // Answers carry no label, but their seal covers it.
            ("server_to_client", "server_plaintext", vec![]),
        ];
        for (bytes, text, header) in directions {
            let Some(text) = hex_of(&vector, text) else { continue };
            let stream = hex_of(&vector, bytes).unwrap();
            let body = &stream[header.len()..];
            let opened =
                sealer.open_memberlist_stream(label, &mut body.to_vec()).map(<[u8]>::to_vec);
            assert_eq!(opened.as_ref(), Ok(&text), "{case} {bytes}");

            let nonce = body[6..18].try_into().unwrap();
            let version = VERSIONS[usize::from(body[5])];
            let mut out = BytesMut::from(&header[..]);
            out.extend_from_slice(&text);
            sealer.seal_stream_with(&nonce, version, label, &mut out, header.len());
            assert_eq!(out, stream, "{case} {bytes}");
            seen += 1;
        }
    }
    assert_eq!(seen, 20);
}

#[test]
fn recorded_streams_between_nodes_without_a_common_key_open_with_their_own() {
    let mut seen = 0;
    for vector in vectors(include_str!("../../../tests/vectors/streams.json")) {
        let case = text_of(&vector, "case").unwrap();
        let sides = [("client_key", "client_to_server", 6), ("server_key", "server_to_client", 13)];
        for (key, bytes, kind) in sides {
            let Some(key) = hex_of(&vector, key) else { continue };
            let sealer = Sealer::new(Keyring::new(Key::aes(&key).unwrap()), [1; 32]);
            let mut stream = hex_of(&vector, bytes).unwrap();
            let text = sealer.open_memberlist_stream(b"", &mut stream).unwrap();
            assert_eq!(text[0], kind, "{case} {bytes}");
            seen += 1;
        }
        let keys = (hex_of(&vector, "client_key"), hex_of(&vector, "server_key"));
        if let (Some(_), Some(key)) = keys {
            let server = Sealer::new(Keyring::new(Key::aes(&key).unwrap()), [1; 32]);
            let mut stream = hex_of(&vector, "client_to_server").unwrap();
            let opened = server.open_memberlist_stream(b"", &mut stream);
            assert_eq!(opened, Err(OpenError::NoKey), "{case}");
        }
    }
    assert_eq!(seen, 4);
}

/// Section A.3.1 of draft-irtf-cfrg-xchacha-03.
#[test]
fn xchacha20_poly1305_gives_the_bytes_of_its_specification() {
    let key: Vec<u8> = (0x80..=0x9f).collect();
    let nonce: Vec<u8> = (0x40..=0x57).collect();
    let text = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for \
                the future, sunscreen would be it.";
    let expected = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa\
                    6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982\
                    c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e\
                    c0875924c1c7987947deafd8780acf49";
    let sealer = sealer(&[Key::xchacha(key.try_into().unwrap())]);
    let additional = unhex("50515253c0c1c2c3c4c5c6c7");
    let out = sealed(text.as_bytes(), |out| {
        sealer.seal_with(&nonce, &[], &[&additional], out, 0);
    });
    assert_eq!(out, [nonce, unhex(expected)].concat());
}

#[test]
fn what_is_sealed_opens_and_has_the_announced_length() {
    for size in 0..=50 {
        let text = vec![0xA5; size];
        for key in &keys() {
            let mut sealer = sealer(core::slice::from_ref(key));
            let sealed = native(&mut sealer, &text);
            assert_eq!(sealed.len(), size + sealer.native_overhead());
            assert_eq!(open_native(&sealer, &sealed).as_ref(), Ok(&text));
        }
        for key in &keys()[..3] {
            let mut sealer = sealer(core::slice::from_ref(key));
            for version in VERSIONS {
                let sealed = packet(&mut sealer, version, &text);
                assert!(sealed.len() <= size + version.overhead());
                assert_eq!(open_packet(&sealer, &sealed).as_ref(), Ok(&text));
                if size > 0 {
                    let sealed = stream(&mut sealer, version, &text);
                    assert_eq!(open_stream(&sealer, &sealed).as_ref(), Ok(&text));
                }
            }
        }
    }
}

#[test]
fn version_0_fills_whole_blocks_and_version_1_adds_nothing() {
    let mut sealer = sealer(&keys()[..1]);
    for (size, padded) in [(0, 16), (1, 16), (15, 16), (16, 32), (17, 32), (32, 48)] {
        let text = vec![1; size];
        assert_eq!(packet(&mut sealer, SealVersion::V0, &text).len(), padded + 29);
        assert_eq!(packet(&mut sealer, SealVersion::V1, &text).len(), size + 29);
    }
}

#[test]
fn of_the_padding_only_the_last_byte_counts() {
    let mut sealer = sealer(&keys()[..1]);
    let mut opened = |last: u8, size: usize| {
        let mut text = vec![9; size];
        text[size - 1] = last;
        let mut sealed = packet(&mut sealer, SealVersion::V1, &text);
        // The version is not authenticated.
        sealed[0] = 0;
        open_packet(&sealer, &sealed).map(|text| text.len())
    };
    assert_eq!(opened(0, 16), Ok(16));
    assert_eq!(opened(1, 16), Ok(15));
    assert_eq!(opened(16, 16), Ok(0));
    assert_eq!(opened(17, 16), Err(OpenError::Padding));
    assert_eq!(opened(255, 254), Err(OpenError::Padding));
    assert_eq!(opened(255, 255), Ok(0));
    // Not a whole number of blocks, which memberlist does not check.
    assert_eq!(opened(3, 17), Ok(14));
}

#[test]
fn what_is_too_short_or_of_another_version_is_refused() {
    let mut sealer = sealer(&keys());
    assert_eq!(open_packet(&sealer, &[]), Err(OpenError::Empty));
    assert_eq!(open_native(&sealer, &[]), Err(OpenError::Empty));
    for version in VERSIONS {
        let least = packet(&mut sealer, version, &[]);
        assert_eq!(least.len(), version.overhead());
        for size in 1..least.len() {
            let opened = open_packet(&sealer, &least[..size]);
            assert_eq!(opened, Err(OpenError::TooShort), "{version:?} {size}");
        }
    }
    for version in 2..=255 {
        let opened = open_packet(&sealer, &[version; 100]);
        assert_eq!(opened, Err(OpenError::Version));
    }
    assert_eq!(open_native(&sealer, &[0; 27]), Err(OpenError::TooShort));
    assert_eq!(open_native(&sealer, &[0; 28]), Err(OpenError::NoKey));
}

#[test]
fn a_stream_is_as_long_as_it_says_and_has_a_text() {
    let mut sealer = sealer(&keys());
    let whole = stream(&mut sealer, SealVersion::V1, b"text");
    for size in 0..whole.len() {
        assert_eq!(open_stream(&sealer, &whole[..size]), Err(OpenError::TooShort));
    }
    let longer = [&whole[..], &[0]].concat();
    assert_eq!(open_stream(&sealer, &longer), Err(OpenError::TooShort));

    let head = [memberlist::SEALED, 0, 0, 0, 29, 1];
    let empty = sealed(b"", |out| {
        sealer.seal_with(&[0; 12], &head, &[&head[..5], LABEL], out, 0);
    });
    assert_eq!(open_stream(&sealer, &empty), Err(OpenError::Empty));
}

#[test]
#[should_panic(expected = "an empty stream is never sealed")]
fn an_empty_stream_is_never_sealed() {
    stream(&mut sealer(&keys()), SealVersion::V0, &[]);
}

#[test]
fn a_flipped_bit_anywhere_opens_nothing() {
    /// Flips each bit of `sealed` that is not in the byte `except`.
    fn flip(sealed: &[u8], except: Option<usize>, open: impl Fn(&[u8]) -> bool) {
        for bit in (0..sealed.len() * 8).filter(|bit| Some(bit / 8) != except) {
            let mut flipped = sealed.to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!open(&flipped), "bit {bit}");
        }
        assert!(open(sealed));
    }
    let text = b"a text of more than one block";
    for key in &keys() {
        let mut sealer = sealer(core::slice::from_ref(key));
        let whole = native(&mut sealer, text);
        flip(&whole, None, |bytes| open_native(&sealer, bytes).is_ok());
        flip(b"headblue", None, |bytes| sealer.open_native(&[bytes], &mut whole.clone()).is_ok());
    }
    for version in VERSIONS {
        let mut sealer = sealer(&keys()[..1]);
        let whole = packet(&mut sealer, version, text);
        // All but the version, which neither version authenticates.
        flip(&whole, Some(0), |bytes| open_packet(&sealer, bytes).is_ok());
        flip(LABEL, None, |label| sealer.open_memberlist_packet(label, &mut whole.clone()).is_ok());
        let whole = stream(&mut sealer, version, text);
        let version_at = Some(memberlist::SEAL_HEADER_LEN);
        flip(&whole, version_at, |bytes| open_stream(&sealer, bytes).is_ok());
        flip(LABEL, None, |label| sealer.open_memberlist_stream(label, &mut whole.clone()).is_ok());
    }
}

#[test]
fn any_of_the_keys_opens_and_the_first_seals() {
    let everyone = keys();
    for key in &everyone {
        let whole = native(&mut sealer(core::slice::from_ref(key)), b"text");
        let others: Vec<Key> = everyone.iter().filter(|&other| other != key).cloned().collect();
        let mut receiver = sealer(&others);
        assert_eq!(open_native(&receiver, &whole), Err(OpenError::NoKey));
        receiver.change(|ring| ring.install(key.clone())).unwrap();
        assert_eq!(open_native(&receiver, &whole), Ok(b"text".to_vec()));
        // The receiver still seals with its own key.
        let answer = native(&mut receiver, b"answer");
        assert_eq!(open_native(&sealer(&others[..1]), &answer), Ok(b"answer".to_vec()));
    }
    let mut without = sealer(&[]);
    let whole = native(&mut sealer(&everyone), b"text");
    assert_eq!(open_native(&without, &whole), Err(OpenError::TooShort));
    without.change(|ring| ring.install(everyone[0].clone())).unwrap();
    assert_eq!(open_native(&without, &whole), Ok(b"text".to_vec()));
}

#[test]
fn a_key_that_memberlist_does_not_know_is_passed_over_on_its_wire() {
    let everyone = keys();
    let mut sender = sealer(&everyone[..1]);
    let receiver = sealer(&[everyone[3].clone(), everyone[0].clone()]);
    for version in VERSIONS {
        let whole = packet(&mut sender, version, b"text");
        assert_eq!(open_packet(&receiver, &whole), Ok(b"text".to_vec()));
    }
}

#[test]
fn nobody_is_cut_off_while_a_key_is_replaced() {
    let (old, new) = (keys()[0].clone(), keys()[3].clone());
    let mut nodes = [sealer(&keys()[..1]), sealer(&keys()[..1]), sealer(&keys()[..1])];
    let all_hear_each_other = |nodes: &mut [Sealer; 3]| {
        for sender in 0..3 {
            let whole = native(&mut nodes[sender], b"text");
            assert!(nodes.iter().all(|node| open_native(node, &whole).is_ok()));
        }
    };
    for node in 0..3 {
        nodes[node].change(|ring| ring.install(new.clone())).unwrap();
        all_hear_each_other(&mut nodes);
    }
    for node in 0..3 {
        nodes[node].change(|ring| ring.use_key(&new)).unwrap();
        all_hear_each_other(&mut nodes);
    }
    for node in 0..3 {
        nodes[node].change(|ring| ring.remove(&old)).unwrap();
        all_hear_each_other(&mut nodes);
    }
    let late = native(&mut sealer(&[old]), b"text");
    assert!(nodes.iter().all(|node| open_native(node, &late).is_err()));
}

#[test]
fn no_nonce_comes_twice_and_none_tells_of_the_protocols_chance() {
    let mut sealer = sealer(&keys()[3..]);
    let mut nonces: Vec<Vec<u8>> =
        (0..1_000).map(|_| native(&mut sealer, b"")[..24].to_vec()).collect();
    let mut random = Random::new([1; 32]);
    let drawn: Vec<u8> = (0..3).flat_map(|_| random.next_u64().to_le_bytes()).collect();
    assert_ne!(nonces[0], drawn);
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 1_000);
}

#[test]
fn s94_only_the_key_that_a_nonce_names_is_tried() {
    let ring: Vec<Key> = (0..16).map(|number| Key::xchacha([number; 32])).collect();
    let mut receiver = sealer(&ring);
    for key in &ring {
        let packet = native(&mut sealer(core::slice::from_ref(key)), b"text");
        assert_eq!(packet[23], key.fingerprint().to_bytes()[0]);
        assert_eq!(open_native(&receiver, &packet), Ok(b"text".to_vec()));

        // The same, sealed as if the nonce named no key.
        let nobody = (0..=255).find(|hint| receiver.ready.iter().all(|key| key.hint != *hint));
        let mut nonce = packet[..24].to_vec();
        nonce[23] = nobody.unwrap();
        let unnamed = sealed(b"text", |out| {
            let sealer = sealer(core::slice::from_ref(key));
            sealer.seal_with(&nonce, &[], &[b"head", LABEL], out, 0);
        });
        assert_eq!(open_native(&receiver, &unnamed), Err(OpenError::NoKey));
        receiver.tries_every_key = true;
        assert_eq!(open_native(&receiver, &unnamed), Ok(b"text".to_vec()));
        receiver.tries_every_key = false;
    }
}

#[test]
fn an_aes_key_wears_out_once_when_all_members_may_have_sealed_half_of_what_it_is_good_for() {
    let [aes, _, other, xchacha] = keys();
    let mut sealer = sealer(&[aes.clone(), other.clone(), xchacha.clone()]);
    native(&mut sealer, b"text");
    assert_eq!((sealer.seals(), sealer.take_worn(1 << 30)), (1, None));
    packet(&mut sealer, SealVersion::V1, b"text");
    assert_eq!(sealer.take_worn((1 << 30) - 1), None);
    assert_eq!(sealer.take_worn(1 << 30), Some((aes.fingerprint(), 2)));
    assert_eq!(sealer.take_worn(usize::MAX), None, "told once");

    // Another key is counted separately, and each keeps its count.
    sealer.change(|ring| ring.use_key(&other)).unwrap();
    assert_eq!(sealer.take_worn(usize::MAX), None);
    stream(&mut sealer, SealVersion::V1, b"text");
    assert_eq!(sealer.take_worn(1 << 31), Some((other.fingerprint(), 1)));
    sealer.change(|ring| ring.use_key(&aes)).unwrap();
    assert_eq!(sealer.take_worn(usize::MAX), None, "told before");
    sealer.change(|ring| ring.use_key(&xchacha)).unwrap();
    native(&mut sealer, b"text");
    assert_eq!(sealer.take_worn(usize::MAX), None, "it does not wear out");
    assert_eq!(sealer.seals(), 4);
}

#[test]
fn sealing_leaves_what_stands_before_and_takes_no_memory() {
    let mut sealer = sealer(&keys()[..1]);
    let mut out = BytesMut::with_capacity(1_500);
    out.extend_from_slice(b"before");
    out.resize(1_400, 7);
    let place = out.as_ptr();
    sealer.seal_memberlist_packet(SealVersion::V0, LABEL, &mut out, 6);
    sealer.seal_native(&[LABEL], &mut out, 6);
    assert_eq!(out.as_ptr(), place);
    assert_eq!(&out[..6], b"before");
    let text = sealer.open_native(&[LABEL], &mut out[6..]).unwrap();
    assert_eq!(open_packet(&sealer, text), Ok(vec![7; 1_394]));
}

#[test]
fn debug_tells_no_key() {
    let sealer = sealer(&[Key::aes(b"0123456789abcdef").unwrap()]);
    let shown: String = alloc::format!("{sealer:?}");
    assert!(!shown.contains("48") && !shown.contains("0x30") && !shown.contains("0123"), "{shown}");
}

proptest! {
    #[test]
    fn no_bytes_make_opening_panic(
        start in prop::sample::select(vec![&[][..], &[0], &[1], &[10], &[10, 0, 0, 0]]),
        rest in bytes_of(any::<u8>(), 0..100),
        label in bytes_of(any::<u8>(), 0..=255),
    ) {
        let sealer = sealer(&keys());
        let bytes = [start, &rest].concat();
        let mut tried = bytes.clone();
        prop_assert!(sealer.open_memberlist_packet(&label, &mut tried).is_err());
        prop_assert!(sealer.open_memberlist_stream(&label, &mut tried).is_err());
        prop_assert!(sealer.open_native(&[&label, &[0; 33]], &mut tried).is_err());
        // So that it can still be read as plaintext.
        prop_assert_eq!(tried, bytes);
    }

    #[test]
    fn any_text_survives_sealing(text in bytes_of(any::<u8>(), 1..2_000)) {
        for key in &keys() {
            let mut sealer = sealer(core::slice::from_ref(key));
            let whole = native(&mut sealer, &text);
            prop_assert_eq!(open_native(&sealer, &whole), Ok(text.clone()));
            if !key.cipher().is_aes() {
                continue;
            }
            for version in VERSIONS {
                let whole = packet(&mut sealer, version, &text);
                prop_assert_eq!(open_packet(&sealer, &whole), Ok(text.clone()));
                let whole = stream(&mut sealer, version, &text);
                prop_assert_eq!(open_stream(&sealer, &whole), Ok(text.clone()));
            }
        }
    }
}

#[test]
fn the_key_that_opened_last_is_tried_first_and_the_others_after_it() {
    let ring = keys();
    let receiver = sealer(&ring);
    let mut last = LastKey::default();
    let mut open = |receiver: &Sealer, mut sealed: Vec<u8>| {
        let opened = receiver.open_native_with(&mut last, &[b"head", LABEL], &mut sealed);
        (opened.map(<[u8]>::to_vec), last.0)
    };
    for place in [2, 2, 0, 3, 1, 3] {
        let packet = native(&mut sealer(&ring[place..=place]), b"text");
        assert_eq!(open(&receiver, packet), (Ok(b"text".to_vec()), place));
    }
    assert_eq!(open(&receiver, vec![7; 60]), (Err(OpenError::NoKey), 3));
    // Of a ring that has lost keys since.
    let packet = native(&mut sealer(&ring[..1]), b"text");
    assert_eq!(open(&sealer(&ring[..2]), packet), (Ok(b"text".to_vec()), 0));
}
