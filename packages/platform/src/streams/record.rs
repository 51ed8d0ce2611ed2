//! The bytes of the streams log: one header per segment, then records. The layout is a contract
//! with the files on people's disks; a change needs a new `VERSION`.

use uuid::Uuid;

const MAGIC: &[u8; 8] = b"tstreams";
const VERSION: u32 = 1;

/// Length of a segment's header in bytes.
pub const HEADER: usize = 8 + 4 + 16 + 8 + 4;
/// What a record costs beside its payload: length, checksum, kind, stream, attempt, number.
pub const OVERHEAD: usize = 4 + 4 + BODY;
const BODY: usize = 1 + 16 + 4 + 8;
/// The largest payload of a record in bytes, so that a torn length is known as one.
pub const PAYLOAD_MAX: usize = 256 * 1024;

/// What stands at the start of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The kernel's boot at the time of writing.
    pub boot: Uuid,
    /// Mixed into the epoch of every stream.
    pub salt: u64,
}

impl Header {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(self.boot.as_bytes());
        out.extend_from_slice(&self.salt.to_le_bytes());
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// `None` when these are not the bytes of a whole header of this version.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (fields, crc) = bytes.get(..HEADER)?.split_at(HEADER - 4);
        let sound = fields.starts_with(MAGIC)
            && fields[8..12] == VERSION.to_le_bytes()
            && crc == crc32fast::hash(fields).to_le_bytes();
        if !sound {
            return None;
        }
        Some(Self {
            boot: Uuid::from_slice(&fields[12..28]).ok()?,
            salt: u64::from_le_bytes(fields[28..36].try_into().ok()?),
        })
    }
}

/// Whether the bytes start a segment of another version than this program writes.
pub fn is_of_another_version(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC) && bytes.get(8..12).is_some_and(|version| version != VERSION.to_le_bytes())
}

/// One fact in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact<'a> {
    /// A stream begins with its first seq at `base`; `nonce` tells it from an earlier one of the same
    /// id. Met again with the same nonce it is a copy and changes nothing.
    Created {
        attempt: u32,
        base: u64,
        nonce: u64,
    },
    /// The fence was raised; a released stream is live again.
    Fenced {
        attempt: u32,
    },
    Appended {
        attempt: u32,
        seq: u64,
        bytes: &'a [u8],
    },
    /// Released at this time (milliseconds of the Unix epoch).
    Released {
        at: u64,
    },
}

/// Appends the bytes of a record to `out`. A payload must not exceed [`PAYLOAD_MAX`].
pub fn encode(out: &mut Vec<u8>, stream: Uuid, fact: Fact<'_>) {
    let nonce_bytes;
    let (kind, attempt, number, payload): (u8, u32, u64, &[u8]) = match fact {
        Fact::Created { attempt, base, nonce } => {
            nonce_bytes = nonce.to_le_bytes();
            (1, attempt, base, &nonce_bytes)
        }
        Fact::Fenced { attempt } => (2, attempt, 0, &[]),
        Fact::Appended { attempt, seq, bytes } => (3, attempt, seq, bytes),
        Fact::Released { at } => (4, 0, at, &[]),
    };
    let start = out.len();
    let length = u32::try_from(BODY + payload.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.push(kind);
    out.extend_from_slice(stream.as_bytes());
    out.extend_from_slice(&attempt.to_le_bytes());
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(payload);
    let crc = crc32fast::hash(&out[start + 8..]);
    out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

/// What stands at some place of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A sound record and its length in bytes.
    Record(Uuid, Fact<'a>, usize),
    /// The bytes end inside a record: what a process leaves that is killed while it writes. Nothing
    /// of it was ever shown.
    Cut,
    /// Bytes that nobody wrote: the disk lost or changed something.
    Damaged,
}

/// Reads the record at the start of `bytes`, which must not be empty.
pub fn decode(bytes: &[u8]) -> Found<'_> {
    let Some(length) = bytes.first_chunk::<4>() else { return Found::Cut };
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if !(BODY..=BODY + PAYLOAD_MAX).contains(&length) {
        return Found::Damaged;
    }
    let (Some(crc), Some(body)) = (bytes.get(4..8), bytes.get(8..8 + length)) else { return Found::Cut };
    if crc != crc32fast::hash(body).to_le_bytes() {
        return Found::Damaged;
    }
    match fact(body) {
        Some((stream, fact)) => Found::Record(stream, fact, 8 + length),
        None => Found::Damaged,
    }
}

fn fact(body: &[u8]) -> Option<(Uuid, Fact<'_>)> {
    let stream = Uuid::from_slice(&body[1..17]).ok()?;
    let attempt = u32::from_le_bytes(body[17..21].try_into().ok()?);
    let number = u64::from_le_bytes(body[21..29].try_into().ok()?);
    let payload = &body[BODY..];
    let fact = match body[0] {
        1 => Fact::Created { attempt, base: number, nonce: u64::from_le_bytes(payload.try_into().ok()?) },
        2 => Fact::Fenced { attempt },
        3 => Fact::Appended { attempt, seq: number, bytes: payload },
        4 => Fact::Released { at: number },
        _ => return None,
    };
    Some((stream, fact))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_comes_back_and_no_cut_or_flipped_one_does() {
        let facts = [
            Fact::Created { attempt: 1, base: 7, nonce: 9 },
            Fact::Fenced { attempt: 2 },
            Fact::Appended { attempt: 2, seq: 7, bytes: b"chunk" },
            Fact::Released { at: 1 },
        ];
        let stream = Uuid::from_u128(5);
        for fact in facts {
            let mut bytes = Vec::new();
            encode(&mut bytes, stream, fact);
            assert_eq!(decode(&bytes), Found::Record(stream, fact, bytes.len()));
            for cut in 1..bytes.len() {
                assert_eq!(decode(&bytes[..cut]), Found::Cut);
                let mut flipped = bytes.clone();
                flipped[cut] ^= 1;
                assert!(!matches!(decode(&flipped), Found::Record(..)));
            }
        }
    }

    #[test]
    fn a_header_comes_back_and_a_foreign_one_does_not() {
        let header = Header { boot: Uuid::from_u128(3), salt: 4 };
        let mut bytes = header.encode();
        assert_eq!(bytes.len(), HEADER);
        assert_eq!(Header::decode(&bytes), Some(header));
        bytes[9] ^= 1;
        assert_eq!(Header::decode(&bytes), None);
        assert_eq!(Header::decode(&bytes[..HEADER - 1]), None);
    }
}
