//! The compression, compared with texts that Go made.

use bytes::BytesMut;
use serde_json::Value;
use swim_core::DropReason;
use swim_core::wire::memberlist::{Lzw, compress_packet, compress_stream, unpack_stream};

use super::vectors::{self, bytes, case};

/// Incompressible bytes, as in the vectors.
pub fn noise(size: usize) -> Vec<u8> {
    let next = |x: &u32| Some(x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    let numbers = std::iter::successors(Some(1), next).skip(1);
    numbers.map(|x: u32| x.to_be_bytes()[0]).take(size).collect()
}

fn input(vector: &Value) -> Vec<u8> {
    let size = usize::try_from(vector["input_len"].as_u64().unwrap()).unwrap();
    let input = match case(vector) {
        name if name.starts_with("lcg_") => noise(size),
        name if name.starts_with("zeros") => vec![0; size],
        _ => bytes(&vector["input"]),
    };
    assert_eq!(input.len(), size, "{vector}");
    assert_eq!(u64::from(crc32fast::hash(&input)), vector["input_crc32"], "{vector}");
    input
}

/// Reads as Go's `compress/lzw` does: the same rules, one code at a time and without any care for
/// speed. Panics where Go reports an error.
fn go_reads(packed: &[u8]) -> Vec<u8> {
    const CLEAR: usize = 256;
    const END: usize = 257;
    let mut bits =
        packed.iter().flat_map(|byte| (0..8).map(move |bit| usize::from(byte >> bit & 1)));
    let mut out: Vec<u8> = vec![];
    // The text of each code from 258 on: a place in `out`, and a length.
    let mut table: Vec<(usize, usize)> = vec![];
    // The previous code, as a place and a length; the highest code assigned; the width.
    let (mut last, mut highest, mut width) = (None, END, 9);
    loop {
        let code = (0..width).fold(0, |code, bit| code | bits.next().unwrap() << bit);
        if code == CLEAR {
            (last, highest, width) = (None, END, 9);
            table.clear();
            continue;
        }
        if code == END {
            return out;
        }
        let start = out.len();
        let entry = (code > END).then(|| table.get(code - END - 1).copied());
        match (entry, last) {
            (None, _) => out.push(u8::try_from(code).unwrap()),
            (Some(Some((place, size))), _) => {
                (0..size).for_each(|byte| out.push(out[place + byte]))
            }
            // The code that is completed by itself: the previous text, and its first byte again.
            (Some(None), Some((place, size))) if code == highest => {
                (0..=size).for_each(|byte| {
                    out.push(out[if byte == size { place } else { place + byte }])
                });
            }
            _ => panic!("invalid code {code}, the highest is {highest}"),
        }
        if let Some((place, size)) = last {
            table.push((place, size + 1));
        }
        (last, highest) = (Some((start, out.len() - start)), highest + 1);
        if highest >= 1 << width {
            assert_eq!(highest, 1 << width);
            if width == 12 {
                (last, highest) = (None, highest - 1);
            } else {
                width += 1;
            }
        }
    }
}

/// Texts that are compressed to other bytes than by Go, and why.
const DIFFERENCES: &[(&str, &str)] = &[
    ("lcg_4096", "the table is used for one code more before it is cleared"),
    ("lcg_6000", "the table is used for one code more before it is cleared"),
    ("lcg_100000", "the table is used for one code more before it is cleared"),
];

#[test]
fn texts_are_compressed_byte_for_byte_as_by_go() {
    let mut lzw = Lzw::default();
    let (mut packed, mut differences) = (vec![], vec![]);
    let vectors = vectors::read("lzw.json");
    for vector in &vectors {
        lzw.compress(&input(vector), &mut packed);
        let checksum = u64::from(crc32fast::hash(&packed));
        if (&vector["output_len"], &vector["output_crc32"])
            != (&packed.len().into(), &checksum.into())
        {
            differences.push(case(vector));
        }
    }
    vectors::check_differences(&differences, DIFFERENCES);
}

#[test]
fn go_reads_what_is_compressed() {
    for vector in vectors::read("lzw.json") {
        if let Value::String(_) = &vector["output"] {
            assert!(go_reads(&bytes(&vector["output"])) == input(&vector), "the test's own reader");
        }
        let mut packed = vec![];
        let input = input(&vector);
        Lzw::default().compress(&input, &mut packed);
        assert!(go_reads(&packed) == input, "{}", case(&vector));
    }
    let mut lzw = Lzw::default();
    let mut packed = vec![];
    // Sizes across every change of a code's width, and across the table's end.
    for size in (0..9000).filter(|size| size % 101 == 0 || (3800..3900).contains(size)) {
        lzw.compress(&noise(size), &mut packed);
        assert!(go_reads(&packed) == noise(size), "{size}");
    }
}

#[test]
fn texts_of_go_are_decompressed() {
    let mut lzw = Lzw::default();
    let (mut packed, mut text) = (vec![], vec![]);
    for vector in vectors::read("lzw.json") {
        let input = input(&vector);
        if vector["output"].is_null() {
            // Mostly the same bytes, as the test above shows.
            lzw.compress(&input, &mut packed);
        } else {
            packed = bytes(&vector["output"]);
        }
        // Bytes after the end are ignored, and the limit is met exactly.
        packed.extend_from_slice(b"more");
        assert_eq!(lzw.decompress(&packed, &mut text, input.len()), Ok(()), "{}", case(&vector));
        assert!(text == input, "{}", case(&vector));
    }
}

#[test]
fn a_text_that_is_cut_is_no_text() {
    let mut lzw = Lzw::default();
    let (mut packed, mut text) = (vec![], vec![]);
    lzw.compress(&noise(6000), &mut packed);
    for size in 0..packed.len() {
        let outcome = lzw.decompress(&packed[..size], &mut text, 10_000);
        assert_eq!(outcome, Err(DropReason::Malformed), "{size} of {}", packed.len());
        assert!(noise(6000).starts_with(&text));
    }
}

#[test]
fn codes_may_start_without_a_clear_code_and_go_on_when_the_table_is_full() {
    let mut lzw = Lzw::default();
    let mut text = vec![];
    // 'a', end: nine bits each.
    assert_eq!(lzw.decompress(&[0x61, 0x02, 0x02], &mut text, 10), Ok(()));
    assert_eq!(text, b"a");
    // No clear code at all: 3838 codes fill the table, the rest have 12 bits.
    let (mut bits, mut size, mut packed) = (0_u64, 0, vec![]);
    let mut put = |code: u64, width: u32| {
        bits |= code << size;
        size += width;
        while size >= 8 {
            packed.push(bits.to_le_bytes()[0]);
            bits >>= 8;
            size -= 8;
        }
    };
    put(256, 9);
    for index in 0..10_000_u32 {
        let next = 257 + index.min(4095);
        put(97, (32 - next.leading_zeros()).clamp(9, 12));
    }
    put(257, 12);
    put(0, 7);
    assert_eq!(lzw.decompress(&packed, &mut text, 10_000), Ok(()));
    assert_eq!(text, [b'a'; 10_000]);
}

#[test]
fn a_packet_is_compressed_only_if_that_makes_it_shorter() {
    let mut lzw = Lzw::default();
    for size in 0..600 {
        for text in [noise(size), vec![b'a'; size]] {
            let mut packet = BytesMut::from(&b"label"[..]);
            packet.extend_from_slice(&text);
            if compress_packet(&mut packet, 5, &mut lzw) {
                assert!(packet.len() < 5 + size);
                let mut unpacked = vec![];
                unpack_stream(&packet[5..], 600, &mut lzw, &mut unpacked).unwrap();
                assert_eq!(unpacked, text);
            } else {
                assert_eq!(packet[5..], text);
                compress_stream(&mut packet, 5, &mut lzw);
                assert!(packet.len() >= 5 + size, "{size}: {}", packet.len());
            }
            assert_eq!(packet[..5], *b"label");
        }
    }
}
