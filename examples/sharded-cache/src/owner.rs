//! The member that owns a key.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// The keys of the hash. They are arbitrary, but must be the same on every node and in every
/// version: other keys would move every cache entry.
const SEED: (u64, u64) = (0x7377_696d_2d63_6163, 0x6865_2d6b_6579_7331);

/// Returns the member that owns a key, or `None` without members.
///
/// It is the member with the greatest hash of its name and the key: rendezvous hashing, with
/// SipHash-1-3. A new member takes a share of each member's keys. The keys of a member that goes
/// are spread over all remaining members. No other key moves.
///
/// ```
/// let owner = |members: &[&'static str]| sharded_cache::owner("key-7", members.iter().copied());
/// let of_three = owner(&["a", "b", "c"]).expect("there are members");
/// let others: Vec<_> = ["a", "b", "c"].into_iter().filter(|it| *it != of_three).collect();
/// assert_eq!(owner(&[of_three, others[0]]), Some(of_three), "one that goes moves only its own");
/// assert_ne!(owner(&others), Some(of_three));
/// ```
pub fn owner<'a>(key: &str, members: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    members.max_by_key(|member| (weight(member, key), *member))
}

fn weight(member: &str, key: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(SEED.0, SEED.1);
    // Hash the length first, so that no other pair of name and key gives the same bytes.
    hasher.write(&(member.len() as u64).to_le_bytes());
    hasher.write(member.as_bytes());
    hasher.write(key.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: [&str; 5] = ["a", "b", "c", "d", "e"];

    fn key(number: u32) -> String {
        format!("key-{number}")
    }

    #[test]
    fn the_hash_is_the_same_in_every_version() {
        let owners: Vec<_> =
            (0..12).filter_map(|it| owner(&key(it), MEMBERS.into_iter())).collect();
        assert_eq!(owners.concat(), "cdbcdedccded");
        assert_eq!(owner("key", [].into_iter()), None);
    }

    #[test]
    fn each_member_owns_its_share() {
        for member in MEMBERS {
            let keys = (0..5000).filter(|it| owner(&key(*it), MEMBERS.into_iter()) == Some(member));
            let share = keys.count();
            assert!((850..1150).contains(&share), "{member} owns {share} of 5000");
        }
    }

    #[test]
    fn a_member_that_comes_takes_keys_and_moves_no_other() {
        let mut moved = 0;
        for number in 0..5000 {
            let before = owner(&key(number), MEMBERS.into_iter().skip(1));
            let after = owner(&key(number), MEMBERS.into_iter());
            assert!(before == after || after == Some("a"));
            moved += usize::from(before != after);
        }
        assert!((850..1150).contains(&moved), "{moved} of 5000 moved");
    }
}
