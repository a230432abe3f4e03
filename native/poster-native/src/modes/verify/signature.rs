//! Signatures of chain messages: secp256k1 and BLS, as Filecoin defines them.

use blake2b_simd::Params;
use blst::min_pk::{PublicKey, Signature as BlsSignature};
use blst::BLST_ERROR;
use frames::limits::SIGNED_BYTES_MAX;
use k256::ecdsa::{RecoveryId, Signature as EcdsaSignature, VerifyingKey};

use crate::job_error::{Code, JobError};

/// Domain separation of BLS signatures on the chain: min-pk, basic scheme.
const BLS_TAG: &[u8] = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_";

/// A signer, a signature and what was signed. The lengths follow from the type.
pub enum SignedBytes {
    /// Type 1.
    Secp256k1 {
        /// BLAKE2b-160 of the uncompressed public key: the payload of an f1 address.
        address: [u8; 20],
        /// r ‖ s ‖ recovery id.
        signature: [u8; 65],
        /// For a message the bytes of its CID.
        message: Vec<u8>,
    },
    /// Type 2.
    Bls {
        /// Compressed public key: the payload of an f3 address.
        key: [u8; 48],
        /// Compressed point of G2.
        signature: [u8; 96],
        /// For a message the bytes of its CID.
        message: Vec<u8>,
    },
}

impl SignedBytes {
    /// Parses signer ‖ signature ‖ signed bytes.
    pub fn parse(kind: u64, body: &[u8]) -> Result<Self, JobError> {
        match kind {
            1 => {
                let (address, signature, message) = split(body)?;
                Ok(Self::Secp256k1 {
                    address,
                    signature,
                    message,
                })
            }
            2 => {
                let (key, signature, message) = split(body)?;
                Ok(Self::Bls {
                    key,
                    signature,
                    message,
                })
            }
            _ => {
                let reason = format!("sigType {kind} is neither 1 (secp256k1) nor 2 (BLS)");
                Err(JobError::new(Code::BadRequest, reason))
            }
        }
    }
}

type Parts<const K: usize, const S: usize> = ([u8; K], [u8; S], Vec<u8>);

fn split<const K: usize, const S: usize>(body: &[u8]) -> Result<Parts<K, S>, JobError> {
    let parts = body.split_first_chunk::<K>().and_then(|(signer, rest)| {
        let (signature, message) = rest.split_first_chunk::<S>()?;
        (1..=SIGNED_BYTES_MAX)
            .contains(&message.len())
            .then(|| (*signer, *signature, message.to_vec()))
    });
    parts.ok_or_else(|| {
        let reason = format!(
            "{} bytes are not a signer of {K}, a signature of {S} and 1 to {SIGNED_BYTES_MAX} signed bytes",
            body.len()
        );
        JobError::new(Code::BadRequest, reason)
    })
}

/// The reason if the signature is not valid.
pub fn verify_signature(signed: &SignedBytes) -> Result<(), String> {
    match signed {
        SignedBytes::Secp256k1 {
            address,
            signature,
            message,
        } => verify_secp256k1(address, signature, message),
        SignedBytes::Bls {
            key,
            signature,
            message,
        } => verify_bls(key, signature, message),
    }
}

/// Recovers the public key and compares its address, as go-state-types and the virtual machine do.
fn verify_secp256k1(
    address: &[u8; 20],
    signature: &[u8; 65],
    message: &[u8],
) -> Result<(), String> {
    let (compact, recovery) = (&signature[..64], signature[64]);
    let mut parsed =
        EcdsaSignature::from_slice(compact).map_err(|_| "r or s is out of range".to_string())?;
    let mut recovery =
        RecoveryId::from_byte(recovery).ok_or_else(|| "v is not 0..3".to_string())?;
    // The chain takes a high s too; k256 does not. (r, n - s) with the other parity recovers the same key.
    if let Some(normalized) = parsed.normalize_s() {
        parsed = normalized;
        recovery = RecoveryId::new(!recovery.is_y_odd(), recovery.is_x_reduced());
    }
    let digest = blake2b(32, message);
    let key = VerifyingKey::recover_from_prehash(&digest, &parsed, recovery)
        .map_err(|_| "no public key fits the signature".to_string())?;
    if address_payload(&key) == address {
        Ok(())
    } else {
        Err("the signature is of another address".to_string())
    }
}

/// BLAKE2b-160 of the uncompressed public key.
fn address_payload(key: &VerifyingKey) -> Vec<u8> {
    blake2b(20, key.to_encoded_point(false).as_bytes())
}

fn verify_bls(key: &[u8; 48], signature: &[u8; 96], message: &[u8]) -> Result<(), String> {
    let key = PublicKey::key_validate(key)
        .map_err(|error| format!("the public key is not valid: {error:?}"))?;
    let signature = BlsSignature::from_bytes(signature)
        .map_err(|error| format!("the signature is no point: {error:?}"))?;
    // The key was validated above; the signature's group is checked here.
    match signature.verify(true, message, BLS_TAG, &[], &key, false) {
        BLST_ERROR::BLST_SUCCESS => Ok(()),
        error => Err(format!("the signature does not verify: {error:?}")),
    }
}

fn blake2b(length: usize, bytes: &[u8]) -> Vec<u8> {
    Params::new()
        .hash_length(length)
        .hash(bytes)
        .as_bytes()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use blst::min_pk::SecretKey;
    use frames::from_hex;
    use k256::ecdsa::SigningKey;

    fn secp256k1() -> SignedBytes {
        let key = SigningKey::from_slice(&[7; 32]).unwrap();
        let message = b"a message".to_vec();
        let (parsed, recovery) = key
            .sign_prehash_recoverable(&blake2b(32, &message))
            .unwrap();
        let mut signature = [0; 65];
        signature[..64].copy_from_slice(&parsed.to_bytes());
        signature[64] = recovery.to_byte();
        let point = key.verifying_key().to_encoded_point(false);
        SignedBytes::Secp256k1 {
            address: blake2b(20, point.as_bytes()).try_into().unwrap(),
            signature,
            message,
        }
    }

    fn bls() -> SignedBytes {
        let key = SecretKey::key_gen(&[7; 32], &[]).unwrap();
        let message = b"a message".to_vec();
        SignedBytes::Bls {
            key: key.sk_to_pk().to_bytes(),
            signature: key.sign(&message, BLS_TAG, &[]).to_bytes(),
            message,
        }
    }

    fn body(signed: &SignedBytes) -> (u64, Vec<u8>) {
        match signed {
            SignedBytes::Secp256k1 {
                address,
                signature,
                message,
            } => (1, [&address[..], signature, message].concat()),
            SignedBytes::Bls {
                key,
                signature,
                message,
            } => (2, [&key[..], signature, message].concat()),
        }
    }

    #[test]
    fn good_signatures_verify() {
        assert_eq!(verify_signature(&secp256k1()), Ok(()));
        assert_eq!(verify_signature(&bls()), Ok(()));
    }

    #[test]
    fn every_flipped_byte_is_noticed() {
        for signed in [secp256k1(), bls()] {
            let (kind, bytes) = body(&signed);
            for position in 0..bytes.len() {
                let mut wrong = bytes.clone();
                wrong[position] ^= 1;
                let wrong = SignedBytes::parse(kind, &wrong).unwrap();
                assert!(
                    verify_signature(&wrong).is_err(),
                    "type {kind}, byte {position}"
                );
            }
        }
    }

    #[test]
    fn a_high_s_verifies_as_on_the_chain() {
        let SignedBytes::Secp256k1 {
            address,
            mut signature,
            message,
        } = secp256k1()
        else {
            unreachable!()
        };
        let low = EcdsaSignature::from_slice(&signature[..64]).unwrap();
        let (r, s) = low.split_scalars();
        let high = EcdsaSignature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
        assert!(high.normalize_s().is_some());
        signature[..64].copy_from_slice(&high.to_bytes());
        signature[64] ^= 1;
        assert_eq!(verify_secp256k1(&address, &signature, &message), Ok(()));
    }

    /// A vector of go-address: the public key of f15ihq5ibzwki2b4ep2f46avlkrqzhpqgtga7pdrq.
    #[test]
    fn addresses_are_those_of_the_chain() {
        let key: [u8; 65] = from_hex(
            "049402fac37e6432a416a3a0ca5426b5185ab3b24f6134efa25ce487c82d2e4e13bf452511e0d2245421f8613bc10d72fa216666a96c3bc13920d3ff233fd0bc05",
        )
        .unwrap();
        let key = VerifyingKey::from_sec1_bytes(&key).unwrap();
        let payload: [u8; 20] = from_hex("ea0f0ea039b291a0f08fd179e0556a8c3277c0d3").unwrap();
        assert_eq!(address_payload(&key), payload);
    }

    #[test]
    fn lengths_are_demanded() {
        for (kind, length) in [(1, 85), (1, 0), (2, 144), (3, 200), (0, 200)] {
            assert!(SignedBytes::parse(kind, &vec![1; length]).is_err());
        }
        assert!(SignedBytes::parse(1, &vec![1; 85 + SIGNED_BYTES_MAX + 1]).is_err());
    }
}
