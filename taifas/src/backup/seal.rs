//! The secrets in a backup: Argon2id makes a key of the passphrase, AES-256-GCM seals them with it.

use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce, aead::Aead as _};
use anyhow::{Context as _, Result, ensure};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the passphrase costs who guesses it: 64 MiB and three passes a try.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
/// Bounds of what a file may ask of us.
const MOST_MEMORY_KIB: u32 = 1 << 20;
const MOST_PASSES: u32 = 64;

#[derive(Serialize, Deserialize)]
struct Sealed {
    kdf: String,
    memory_kib: u32,
    passes: u32,
    salt: String,
    cipher: String,
    nonce: String,
    sealed: String,
}

pub fn seal(passphrase: &[u8], secrets: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>> {
    let (mut salt, mut nonce) = ([0; 16], [0; 12]);
    rand::fill(&mut salt);
    rand::fill(&mut nonce);
    let encoded: BTreeMap<_, _> = secrets.iter().map(|(name, bytes)| (name, BASE64_STANDARD.encode(bytes))).collect();
    let cipher = cipher(passphrase, &salt, MEMORY_KIB, PASSES)?;
    let sealed = cipher.encrypt(&Nonce::from(nonce), serde_json::to_vec(&encoded)?.as_slice());
    let sealed = sealed.map_err(|_| anyhow::anyhow!("the secrets could not be sealed"))?;
    Ok(serde_json::to_vec_pretty(&Sealed {
        kdf: "argon2id".into(),
        memory_kib: MEMORY_KIB,
        passes: PASSES,
        salt: BASE64_STANDARD.encode(salt),
        cipher: "aes-256-gcm".into(),
        nonce: BASE64_STANDARD.encode(nonce),
        sealed: BASE64_STANDARD.encode(sealed),
    })?)
}

pub fn open(passphrase: &[u8], text: &[u8]) -> Result<BTreeMap<String, Vec<u8>>> {
    let sealed: Sealed = serde_json::from_slice(text).context("the sealed secrets cannot be understood")?;
    ensure!(
        sealed.kdf == "argon2id" && sealed.cipher == "aes-256-gcm",
        "the secrets are sealed in a way that this program does not know"
    );
    ensure!(
        sealed.memory_kib <= MOST_MEMORY_KIB && sealed.passes <= MOST_PASSES,
        "the sealed secrets ask for more memory or time than is sensible"
    );
    let nonce: [u8; 12] = BASE64_STANDARD.decode(sealed.nonce)?.try_into().ok().context("a nonce of another length")?;
    let cipher = cipher(passphrase, &BASE64_STANDARD.decode(sealed.salt)?, sealed.memory_kib, sealed.passes)?;
    let opened = cipher.decrypt(&Nonce::from(nonce), BASE64_STANDARD.decode(sealed.sealed)?.as_slice());
    let opened = opened.map_err(|_| anyhow::anyhow!("the passphrase is not the one the secrets were sealed with"))?;
    let encoded: BTreeMap<String, String> = serde_json::from_slice(&opened)?;
    encoded.into_iter().map(|(name, text)| Ok((name, BASE64_STANDARD.decode(text)?))).collect()
}

fn cipher(passphrase: &[u8], salt: &[u8], memory_kib: u32, passes: u32) -> Result<Aes256Gcm> {
    let params = Params::new(memory_kib, passes, 1, Some(32)).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut key = [0; 32];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(passphrase, salt, &mut key).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(Aes256Gcm::new(&key.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_passphrase_opens_it_and_any_change_is_noticed() {
        let secrets = BTreeMap::from([("principal-key".to_owned(), vec![7; 40])]);
        let sealed = seal(b"correct horse battery", &secrets).unwrap();
        assert_eq!(open(b"correct horse battery", &sealed).unwrap(), secrets);
        assert!(open(b"correct horse batterY", &sealed).unwrap_err().to_string().contains("passphrase"));
        let mut changed: Sealed = serde_json::from_slice(&sealed).unwrap();
        let mut bytes = BASE64_STANDARD.decode(&changed.sealed).unwrap();
        bytes[3] ^= 1;
        changed.sealed = BASE64_STANDARD.encode(bytes);
        assert!(open(b"correct horse battery", &serde_json::to_vec(&changed).unwrap()).is_err());
        changed.memory_kib = u32::MAX;
        assert!(open(b"correct horse battery", &serde_json::to_vec(&changed).unwrap()).is_err());
    }
}
