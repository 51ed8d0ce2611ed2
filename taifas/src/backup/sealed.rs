//! Encryption of what leaves the instance: Argon2id makes a key of the passphrase, each file has a key of
//! its own below it, and AES-256-GCM seals the file in pieces that are numbered and of which the last one
//! says so. A piece that was changed, moved, repeated or cut off is noticed.

use aes_gcm::{
    Aes256Gcm, KeyInit as _, Nonce,
    aead::{Aead as _, Payload},
};
use anyhow::{Context as _, Result, ensure};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufReader, Read, Write},
    sync::{Arc, Mutex, PoisonError},
};

/// What the passphrase costs who guesses it: 64 MiB and three passes a try.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
/// Bounds of what a file may ask of us.
const MOST_MEMORY_KIB: u32 = 1 << 20;
const MOST_PASSES: u32 = 64;

const MAGIC: &[u8] = b"TAIFAS-SEALED-1\n";
/// A head is far shorter.
const LARGEST_HEAD: u64 = 4096;
const PIECE: usize = 64 << 10;
const TAG: usize = 16;

/// What stands before the pieces, readable.
#[derive(Clone, Serialize, Deserialize)]
struct Head {
    kdf: String,
    memory_kib: u32,
    passes: u32,
    salt: String,
    cipher: String,
    /// Whether a passphrase is the right one.
    check: String,
    /// What the key of this file is made with.
    file: String,
}

/// Keys by what they were made with: salt, memory, passes.
type Made = BTreeMap<(Vec<u8>, u32, u32), [u8; 32]>;

/// A passphrase, and the keys that were made of it.
#[derive(Clone)]
pub struct Keys {
    passphrase: Arc<[u8]>,
    own: [u8; 16],
    made: Arc<Mutex<Made>>,
}

impl Keys {
    pub fn new(passphrase: Vec<u8>) -> Self {
        let mut own = [0; 16];
        rand::fill(&mut own);
        Self { passphrase: passphrase.into(), own, made: Arc::default() }
    }

    /// Seals what is written to it.
    pub fn seal<W: Write>(&self, mut out: W) -> Result<Sealing<W>> {
        let key = self.key(&self.own, MEMORY_KIB, PASSES)?;
        let mut file = [0; 16];
        rand::fill(&mut file);
        let head = Head {
            kdf: "argon2id".into(),
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            salt: BASE64_STANDARD.encode(self.own),
            cipher: "aes-256-gcm".into(),
            check: BASE64_STANDARD.encode(&derive(&key, b"check", &[])?[..8]),
            file: BASE64_STANDARD.encode(file),
        };
        let mut head = [MAGIC, &serde_json::to_vec(&head)?].concat();
        head.push(b'\n');
        out.write_all(&head)?;
        let cipher = Aes256Gcm::new(&derive(&key, b"file", &file)?.into());
        Ok(Sealing { out, cipher, head, held: Vec::with_capacity(PIECE), number: 0 })
    }

    fn open<R: Read>(&self, mut source: BufReader<R>) -> Result<Opening<R>> {
        let mut head = Vec::new();
        (&mut source).take(LARGEST_HEAD).read_until(b'\n', &mut head)?;
        let magic = head.len();
        (&mut source).take(LARGEST_HEAD).read_until(b'\n', &mut head)?;
        let said: Head = serde_json::from_slice(&head[magic..]).context("its head cannot be understood")?;
        ensure!(
            said.kdf == "argon2id" && said.cipher == "aes-256-gcm",
            "it is sealed in a way that this program does not know"
        );
        ensure!(
            said.memory_kib <= MOST_MEMORY_KIB && said.passes <= MOST_PASSES,
            "it asks for more memory or time than is sensible"
        );
        let key = self.key(&BASE64_STANDARD.decode(&said.salt)?, said.memory_kib, said.passes)?;
        let check = BASE64_STANDARD.encode(&derive(&key, b"check", &[])?[..8]);
        ensure!(check == said.check, "the passphrase is not the one it was sealed with");
        let cipher = Aes256Gcm::new(&derive(&key, b"file", &BASE64_STANDARD.decode(&said.file)?)?.into());
        Ok(Opening { source, cipher, head, opened: Vec::new(), at: 0, number: 0, ended: false })
    }

    fn key(&self, salt: &[u8], memory_kib: u32, passes: u32) -> Result<[u8; 32]> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = made.get(&(salt.to_vec(), memory_kib, passes)) {
            return Ok(*key);
        }
        let params = Params::new(memory_kib, passes, 1, Some(32)).map_err(|error| anyhow::anyhow!("{error}"))?;
        let mut key = [0; 32];
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_into(&self.passphrase, salt, &mut key).map_err(|error| anyhow::anyhow!("{error}"))?;
        made.insert((salt.to_vec(), memory_kib, passes), key);
        Ok(key)
    }
}

fn derive(key: &[u8], what: &[u8], of: &[u8]) -> Result<[u8; 32]> {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key)?;
    mac.update(what);
    mac.update(of);
    Ok(mac.finalize().into_bytes().into())
}

fn nonce(number: u64, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[0] = last.into();
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce
}

/// A file that is being sealed; [`finish`](Self::finish) ends it.
pub struct Sealing<W> {
    out: W,
    cipher: Aes256Gcm,
    head: Vec<u8>,
    held: Vec<u8>,
    number: u64,
}

impl<W: Write> Sealing<W> {
    fn piece(&mut self, last: bool) -> io::Result<()> {
        let payload = Payload { msg: &self.held, aad: &self.head };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce(self.number, last)), payload);
        self.out.write_all(&sealed.map_err(|_| io::Error::other("it could not be sealed"))?)?;
        self.held.clear();
        self.number += 1;
        Ok(())
    }

    pub fn finish(mut self) -> io::Result<W> {
        self.piece(true)?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // a full piece waits until something follows: the last one says that it is
        if self.held.len() == PIECE {
            self.piece(false)?;
        }
        let taken = bytes.len().min(PIECE - self.held.len());
        self.held.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A sealed file that is being read.
pub struct Opening<R> {
    source: BufReader<R>,
    cipher: Aes256Gcm,
    head: Vec<u8>,
    opened: Vec<u8>,
    at: usize,
    number: u64,
    ended: bool,
}

impl<R: Read> Read for Opening<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.opened.len() && !self.ended {
            let mut sealed = Vec::with_capacity(PIECE + TAG);
            (&mut self.source).take((PIECE + TAG) as u64).read_to_end(&mut sealed)?;
            self.ended = self.source.fill_buf()?.is_empty();
            let payload = Payload { msg: &sealed, aad: &self.head };
            let opened = self.cipher.decrypt(&Nonce::from(nonce(self.number, self.ended)), payload);
            let damaged = |_| io::Error::new(io::ErrorKind::InvalidData, "a sealed piece was changed or cut off");
            (self.opened, self.at) = (opened.map_err(damaged)?, 0);
            self.number += 1;
        }
        let given = buffer.len().min(self.opened.len() - self.at);
        buffer[..given].copy_from_slice(&self.opened[self.at..self.at + given]);
        self.at += given;
        Ok(given)
    }
}

/// Whether a file is sealed, by its beginning.
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// What a file holds, sealed or not.
pub fn open<'r, R: Read + 'r>(source: R, keys: Option<&Keys>) -> Result<Box<dyn Read + 'r>> {
    let mut source = BufReader::new(source);
    if !is_sealed(source.fill_buf()?) {
        return Ok(Box::new(source));
    }
    let keys = keys.context("it is encrypted; give its passphrase with --passphrase-file")?;
    Ok(Box::new(keys.open(source)?))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn sealed(keys: &Keys, text: &[u8]) -> Vec<u8> {
        let mut sealing = keys.seal(Vec::new()).unwrap();
        sealing.write_all(text).unwrap();
        sealing.finish().unwrap()
    }

    pub fn opened(keys: &Keys, sealed: &[u8]) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        open(sealed, Some(keys))?.read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn only_the_passphrase_opens_it() {
        let keys = Keys::new(b"correct horse battery".to_vec());
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE] {
            let text: Vec<u8> = (0..=250).cycle().take(length).collect();
            let made = sealed(&keys, &text);
            assert!(length < 100 || !made.windows(16).any(|some| some == &text[40..56]));
            assert_eq!(opened(&keys, &made).unwrap(), text);
        }
        let made = sealed(&keys, b"abc");
        let other = Keys::new(b"correct horse batterY".to_vec());
        assert!(opened(&other, &made).unwrap_err().to_string().contains("the passphrase is not the one"));
        assert!(open(made.as_slice(), None).err().unwrap().to_string().contains("--passphrase-file"));
        assert_eq!(opened(&keys, b"plain").unwrap(), b"plain");
        // pieces of one file in another, and the last one left out
        let (one, two) = (sealed(&keys, &vec![1; 3 * PIECE]), sealed(&keys, &vec![2; 3 * PIECE]));
        let pieces = |made: &[u8]| made.len() - 3 * (PIECE + TAG);
        let mixed = [&one[..pieces(&one) + PIECE + TAG], &two[pieces(&two) + PIECE + TAG..]].concat();
        assert!(opened(&keys, &mixed).is_err());
        assert!(opened(&keys, &one[..one.len() - PIECE - TAG]).is_err());
        let turned = [&one[..pieces(&one)], &one[pieces(&one) + PIECE + TAG..]].concat();
        assert!(opened(&keys, &turned).is_err());
    }
}
