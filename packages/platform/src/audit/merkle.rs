//! The root of a Merkle tree as RFC 9162 makes it: leaves and branches are told apart by a byte before.

use sha2::{Digest as _, Sha256};

/// The root of leaves in their order; that of none is the sum of nothing.
#[must_use]
pub fn root<L: AsRef<[u8]>>(leaves: &[L]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => of(0, leaf.as_ref(), &[]),
        _ => {
            let middle = leaves.len().next_power_of_two() / 2;
            let (left, right) = leaves.split_at(middle);
            of(1, &root(left), &root(right))
        }
    }
}

fn of(kind: u8, one: &[u8], two: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update([kind]);
    digest.update(one);
    digest.update(two);
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known roots of RFC 6962's reference tests.
    #[test]
    fn the_roots_are_those_that_are_known() {
        let leaves: [&[u8]; 8] = [
            &[],
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
        ];
        for (count, known) in [
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ] {
            assert_eq!(super::super::hex(root(&leaves[..count])), known, "{count}");
        }
    }
}
