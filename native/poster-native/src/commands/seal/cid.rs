//! The CID of a sealed sector.

use frames::Word;

/// CIDv1, codec fil-commitment-sealed (0xf102), multihash poseidon-bls12_381-a2-fc1 (0xb401), base32.
pub fn sealed_cid(comm_r: &Word) -> String {
    let mut bytes = vec![0x01, 0x82, 0xe2, 0x03, 0x81, 0xe8, 0x02, 0x20];
    bytes.extend_from_slice(comm_r);
    let mut text = "b".to_string();
    let (mut buffer, mut bits) = (0u32, 0);
    for byte in bytes {
        buffer = buffer << 8 | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(base32_digit(buffer >> bits & 31));
        }
    }
    if bits > 0 {
        text.push(base32_digit(buffer << (5 - bits) & 31));
    }
    text
}

fn base32_digit(value: u32) -> char {
    char::from(b"abcdefghijklmnopqrstuvwxyz234567"[value as usize])
}

#[cfg(test)]
mod tests {
    use super::*;
    use frames::from_hex;

    #[test]
    fn cids_are_those_of_lotus() {
        let comm_r =
            from_hex("ec3609a25230ea94957f2f6990209b90e56ea25090c4341d87c5e882be45243f").unwrap();
        assert_eq!(
            sealed_cid(&comm_r),
            "bagboea4b5abcb3bwbgrfemhksskx6l3jsaqjxehfn2rfbegegqoyprpiqk7ekjb7"
        );
    }
}
