//! The tags of a member of a Serf cluster: its metadata.

use std::collections::BTreeMap;

use crate::msgpack;

/// Says that tags follow. Before version 3 of Serf's protocol the metadata was the role alone.
const MAGIC: u8 = 255;

/// Reads `tag=value`, one each.
pub(crate) fn parse(texts: &[String]) -> Result<BTreeMap<String, String>, String> {
    let parse = |text: &String| match text.split_once('=') {
        Some((tag, value)) => Ok((tag.to_string(), value.to_string())),
        None => Err(format!("{text} is not TAG=VALUE")),
    };
    texts.iter().map(parse).collect()
}

/// Tags as metadata, of which memberlist takes 512 bytes.
pub(crate) fn encode(tags: &BTreeMap<String, String>) -> Vec<u8> {
    let mut meta = vec![MAGIC];
    msgpack::put_map(&mut meta, tags.len());
    for (tag, value) in tags {
        msgpack::put_text(&mut meta, tag);
        msgpack::put_text(&mut meta, value);
    }
    meta
}

/// Metadata as tags, to be read by people.
pub(crate) fn decode(meta: &[u8]) -> String {
    let tags = meta.split_first().filter(|(magic, _)| **magic == MAGIC);
    match tags.and_then(|(_, map)| msgpack::texts_in_map(map)) {
        Some(tags) => {
            let tags: Vec<_> = tags.iter().map(|(tag, value)| format!("{tag}={value}")).collect();
            tags.join(",")
        }
        None => format!("with metadata that are no tags: {meta:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_a_map_behind_a_magic_byte() {
        let tags = parse(&["role=cache".into(), "zone=a=b".into()]).unwrap();
        let meta = encode(&tags);
        assert_eq!(meta, b"\xff\x82\xa4role\xa5cache\xa4zone\xa3a=b");
        assert_eq!(decode(&meta), "role=cache,zone=a=b");
        assert_eq!(decode(&encode(&BTreeMap::new())), "");
    }

    #[test]
    fn a_long_value_has_a_long_length() {
        let tags = parse(&[format!("k={}", "v".repeat(300))]).unwrap();
        assert_eq!(encode(&tags)[4..7], [0xda, 1, 44]);
        assert_eq!(decode(&encode(&tags)), format!("k={}", "v".repeat(300)));
    }

    #[test]
    fn what_are_no_tags_is_shown_as_it_is() {
        assert!(decode(b"cache").contains("no tags"));
        assert!(decode(b"\xff\x81\xa4ro").contains("no tags"));
        assert!(parse(&["role".into()]).is_err());
    }
}
