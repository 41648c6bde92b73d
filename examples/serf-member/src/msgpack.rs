//! As much of MessagePack as Serf's messages take. Serf writes its older form: texts and bytes are
//! the same, and have lengths of 5, 16 or 32 bits.

/// Appends the head of a map with so many entries.
pub(crate) fn put_map(to: &mut Vec<u8>, entries: usize) {
    match u8::try_from(entries) {
        Ok(entries @ 0..16) => to.push(0x80 | entries),
        _ => {
            to.push(0xde);
            to.extend(u16::try_from(entries).expect("it has to fit 512 bytes").to_be_bytes());
        }
    }
}

/// Appends a text.
pub(crate) fn put_text(to: &mut Vec<u8>, text: &str) {
    match u8::try_from(text.len()) {
        Ok(size @ 0..32) => to.push(0xa0 | size),
        _ => {
            to.push(0xda);
            to.extend(u16::try_from(text.len()).expect("it has to fit 512 bytes").to_be_bytes());
        }
    }
    to.extend(text.as_bytes());
}

/// Appends a number.
pub(crate) fn put_number(to: &mut Vec<u8>, number: u64) {
    match u8::try_from(number) {
        Ok(number @ 0..128) => to.push(number),
        _ => {
            to.push(0xcf);
            to.extend(number.to_be_bytes());
        }
    }
}

/// Appends `false`.
pub(crate) fn put_false(to: &mut Vec<u8>) {
    to.push(0xc2);
}

/// The number of this name in a map.
pub(crate) fn number_in_map(bytes: &[u8], name: &str) -> Option<u64> {
    let mut reader = Reader(bytes);
    for _ in 0..reader.map()? {
        if reader.text()? == name.as_bytes() {
            return reader.number();
        }
        reader.skip(DEPTH_MAX)?;
    }
    None
}

/// All entries of a map of texts.
pub(crate) fn texts_in_map(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let mut reader = Reader(bytes);
    let entries = reader.map()?;
    let text = |reader: &mut Reader<'_>| {
        reader.text().map(|text| String::from_utf8_lossy(text).into_owned())
    };
    (0..entries).map(|_| Some((text(&mut reader)?, text(&mut reader)?))).collect()
}

/// Maps and lists within each other. Those of Serf's messages have four.
const DEPTH_MAX: usize = 16;

/// What is left to be read. `None` is the answer to whatever is cut off or something else.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    /// A number of so many bytes.
    fn wide(&mut self, size: usize) -> Option<u64> {
        let bytes = self.take(size)?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn length(&mut self, size: usize) -> Option<usize> {
        usize::try_from(self.wide(size)?).ok()
    }

    fn map(&mut self) -> Option<usize> {
        match self.byte()? {
            head @ 0x80..=0x8f => Some(usize::from(head & 0x0f)),
            0xde => self.length(2),
            0xdf => self.length(4),
            _ => None,
        }
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let size = match self.byte()? {
            head @ 0xa0..=0xbf => usize::from(head & 0x1f),
            0xc4 | 0xd9 => self.length(1)?,
            0xc5 | 0xda => self.length(2)?,
            0xc6 | 0xdb => self.length(4)?,
            _ => return None,
        };
        self.take(size)
    }

    fn number(&mut self) -> Option<u64> {
        match self.byte()? {
            number @ 0..=0x7f => Some(u64::from(number)),
            head @ 0xcc..=0xcf => self.wide(1 << (head - 0xcc)),
            _ => None,
        }
    }

    /// Skips a value of any kind.
    fn skip(&mut self, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let values = match self.0.first()? {
            0x80..=0x8f | 0xde | 0xdf => self.map()?.checked_mul(2)?,
            head @ 0x90..=0x9f => {
                let values = usize::from(head & 0x0f);
                self.byte()?;
                values
            }
            head @ (0xdc | 0xdd) => {
                let size = if *head == 0xdc { 2 } else { 4 };
                self.byte()?;
                self.length(size)?
            }
            0xa0..=0xbf | 0xc4..=0xc6 | 0xd9..=0xdb => return self.text().map(|_| ()),
            _ => return self.skip_scalar(),
        };
        (0..values).try_for_each(|_| self.skip(depth))
    }

    fn skip_scalar(&mut self) -> Option<()> {
        let size = match self.byte()? {
            0..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => 0,
            0xcc | 0xd0 => 1,
            0xcd | 0xd1 => 2,
            0xca | 0xce | 0xd2 => 4,
            0xcb | 0xcf | 0xd3 => 8,
            _ => return None,
        };
        self.take(size).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_behind_values_of_every_kind() {
        let mut map = vec![0x87];
        for value in [
            &b"\x92\x01\x81\xa1a\xc0"[..],
            b"\xda\x00\x02xy",
            b"\xdc\x00\x01\xd3\0\0\0\0\0\0\0\0",
            b"\xcb\0\0\0\0\0\0\0\0",
            b"\xc4\x01z",
            b"\xff",
        ] {
            put_text(&mut map, "other");
            map.extend(value);
        }
        put_text(&mut map, "LTime");
        put_number(&mut map, 300);
        assert_eq!(number_in_map(&map, "LTime"), Some(300));
        assert_eq!(number_in_map(&map, "QueryLTime"), None);
    }

    #[test]
    fn what_is_cut_off_or_too_deep_has_no_number() {
        let mut map = vec![0x81];
        put_text(&mut map, "LTime");
        put_number(&mut map, 1 << 40);
        for size in 0..map.len() {
            assert_eq!(number_in_map(&map[..size], "LTime"), None, "of {size} bytes");
        }
        let mut deep = vec![0x82];
        put_text(&mut deep, "deep");
        deep.extend([0x91; 100]);
        assert_eq!(number_in_map(&deep, "LTime"), None);
    }
}
