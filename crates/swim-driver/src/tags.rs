//! Metadata as named values, in the encoding of HashiCorp Serf.

use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::io;

use bytes::Bytes;
use rmp::Marker;
use swim_core::Member;
use swim_core::text::escape;

/// The first byte of metadata with tags. The rest is one MessagePack map.
const MAGIC: u8 = 0xff;

/// Named values in a member's metadata, such as `role=cache`.
///
/// Encoded like the tags of HashiCorp Serf, so that `serf members` shows them: a byte 0xff, then a
/// MessagePack map from texts to texts. At most
/// [`Config::meta_size_max`](crate::Config::meta_size_max) bytes together, 512 by default. For
/// metadata of another form, set [`Config::meta`](crate::Config::meta).
///
/// ```
/// # use swim_driver::{Options, Tags};
/// let tags = Tags::from([("role", "cache"), ("zone", "a")]);
/// let mut options = Options::lan("cache-7".parse()?);
/// options.set_tags(&tags)?;
///
/// let seen_by_others = Tags::decode(&options.config.meta).unwrap_or_default();
/// assert_eq!(seen_by_others.get("role"), Some("cache"));
/// assert_eq!(seen_by_others.to_string(), "role=cache,zone=a");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// No tags.
    #[must_use]
    pub fn new() -> Self {
        Tags::default()
    }

    /// Reads texts of the form `key=value`. The value may contain further `=`.
    ///
    /// # Errors
    ///
    /// [`TagsError::NoValue`] for a text without `=` or without a key, [`TagsError::Twice`] for a
    /// repeated key.
    ///
    /// ```
    /// # use swim_driver::Tags;
    /// let tags = Tags::parse(["role=cache", "zone=a"])?;
    /// assert_eq!(tags.get("zone"), Some("a"));
    /// assert!(Tags::parse(["role"]).is_err());
    /// # Ok::<(), swim_driver::TagsError>(())
    /// ```
    pub fn parse<I, S>(texts: I) -> Result<Self, TagsError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let mut tags = Tags::new();
        for text in texts {
            let (key, value) = match text.as_ref().split_once('=') {
                Some((key, value)) if !key.is_empty() => (key, value),
                _ => return Err(TagsError::NoValue { text: text.as_ref().to_owned() }),
            };
            if tags.insert(key, value).is_some() {
                return Err(TagsError::Twice { key: key.to_owned() });
            }
        }
        Ok(tags)
    }

    /// The tags of a member. `None` if its metadata is empty or has another form.
    #[must_use]
    pub fn of(member: &Member) -> Option<Self> {
        Tags::decode(&member.meta)
    }

    /// Sets a tag. Returns its earlier value.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) -> Option<String> {
        self.0.insert(key.into(), value.into())
    }

    /// Removes a tag. Returns its value.
    pub fn remove(&mut self, key: &str) -> Option<String> {
        self.0.remove(key)
    }

    /// The value of a tag.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// How many tags there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no tags.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tags in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Encodes the tags as metadata.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut meta = vec![MAGIC];
        self.write(&mut meta)
            .expect("a vector takes everything, and a map fewer than 2^32 entries");
        meta.into()
    }

    /// Decodes metadata. `None` if it has another form.
    #[must_use]
    pub fn decode(meta: &[u8]) -> Option<Self> {
        let (magic, mut map) = meta.split_first()?;
        if *magic != MAGIC {
            return None;
        }
        let entries = rmp::decode::read_map_len(&mut map).ok()?;
        (0..entries).map(|_| Some((text(&mut map)?, text(&mut map)?))).collect()
    }

    fn write(&self, to: &mut Vec<u8>) -> io::Result<()> {
        rmp::encode::write_map_len(to, u32::try_from(self.len()).map_err(io::Error::other)?)?;
        self.0.iter().flat_map(|(key, value)| [key, value]).try_for_each(|text| put(to, text))
    }
}

/// Appends a text in the older form of MessagePack, without 8-bit lengths. Serf writes it, and
/// every version of Serf reads it.
fn put(to: &mut Vec<u8>, text: &str) -> io::Result<()> {
    match u8::try_from(text.len()) {
        Ok(size @ 32..) => {
            to.push(Marker::Str16.to_u8());
            to.extend(u16::from(size).to_be_bytes());
            to.extend(text.as_bytes());
            Ok(())
        }
        _ => Ok(rmp::encode::write_str(to, text)?),
    }
}

fn text(from: &mut &[u8]) -> Option<String> {
    let size = rmp::decode::read_str_len(from).ok()?;
    let (text, rest) = from.split_at_checked(usize::try_from(size).ok()?)?;
    *from = rest;
    // Other programs may put any bytes there; the rest is still useful.
    Some(String::from_utf8_lossy(text).into_owned())
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Tags {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(tags: I) -> Self {
        Tags(tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

impl<K: Into<String>, V: Into<String>, const N: usize> From<[(K, V); N]> for Tags {
    fn from(tags: [(K, V); N]) -> Self {
        tags.into_iter().collect()
    }
}

impl IntoIterator for Tags {
    type Item = (String, String);
    type IntoIter = btree_map::IntoIter<String, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// `key=value`, separated by commas. Control characters are escaped.
impl fmt::Display for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, value)) in self.iter().enumerate() {
            let separator = if at == 0 { "" } else { "," };
            write!(f, "{separator}{}={}", escape(key), escape(value))?;
        }
        Ok(())
    }
}

/// Why tags cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TagsError {
    /// A text is not written as `key=value`.
    NoValue {
        /// The text.
        text: String,
    },
    /// A key is given twice, so one of its values would be lost.
    #[non_exhaustive]
    Twice {
        /// The key.
        key: String,
    },
    /// The tags have too many bytes.
    TooLarge {
        /// Their encoded size in bytes.
        size: usize,
        /// The limit in bytes.
        max: usize,
    },
}

impl fmt::Display for TagsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TagsError::NoValue { text } => {
                write!(f, "'{}' is not a tag: write key=value", escape(text))
            }
            TagsError::Twice { key } => {
                write!(f, "the tag '{}' is set twice: remove one of them", escape(key))
            }
            TagsError::TooLarge { size, max } => write!(
                f,
                "the tags have {size} bytes, more than the {max} of meta_size_max: shorten them, \
                 or raise it on every node"
            ),
        }
    }
}

impl std::error::Error for TagsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_a_map_behind_a_magic_byte() {
        let tags = Tags::parse(["role=cache", "zone=a=b"]).unwrap();
        assert_eq!(tags.encode()[..], *b"\xff\x82\xa4role\xa5cache\xa4zone\xa3a=b");
        assert_eq!(Tags::new().encode()[..], *b"\xff\x80");
    }

    #[test]
    fn a_tag_that_is_given_twice_is_refused() {
        let error = Tags::parse(["a=1", "b=1", "a=2"]).unwrap_err();
        assert_eq!(error, TagsError::Twice { key: "a".into() });
    }

    #[test]
    fn texts_of_every_length_come_back() {
        for (size, head) in [
            (31, &[0xbf][..]),
            (32, &[0xda, 0, 32]),
            (255, &[0xda, 0, 255]),
            (300, &[0xda, 1, 44]),
            (70_000, &[0xdb, 0, 1, 0x11, 0x70]),
        ] {
            let tags = Tags::from([("k", "v".repeat(size))]);
            let encoded = tags.encode();
            assert_eq!(encoded[4..4 + head.len()], *head);
            assert_eq!(Tags::decode(&encoded), Some(tags));
        }
        let many: Tags = (0..100).map(|key| (key.to_string(), "v")).collect();
        assert_eq!(Tags::decode(&many.encode()), Some(many));
    }

    #[test]
    fn texts_with_lengths_of_8_bits_are_read_too() {
        let tags = Tags::decode(b"\xff\x81\xd9\x01k\xd9\x01v").unwrap();
        assert_eq!(tags.get("k"), Some("v"));
    }

    #[test]
    fn what_are_no_tags_or_is_cut_off_is_none() {
        let whole = Tags::from([("role", "cache")]).encode();
        for size in 0..whole.len() {
            assert_eq!(Tags::decode(&whole[..size]), None, "of {size} bytes");
        }
        assert_eq!(Tags::decode(b"role=cache"), None);
        assert_eq!(Tags::decode(b"\xff\xdf\xff\xff\xff\xff"), None, "a map that claims too much");
    }

    #[test]
    fn tags_of_others_cannot_forge_lines() {
        assert_eq!(Tags::from([("a", "b\nc")]).to_string(), "a=b\\nc");
    }
}
