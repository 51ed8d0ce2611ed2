//! Files that belong to messages: what may be one, found out by looking at its first bytes. Nothing
//! is decoded, so a picture that unfolds to gigabytes costs nothing here.

use platform::{
    Error, Result,
    db::{FromRow, Row},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct File {
    pub id: Uuid,
    pub name: String,
    /// `image/png`, `image/jpeg`, `image/webp` or `image/gif`.
    #[serde(rename = "type")]
    pub kind: String,
    /// In bytes.
    pub size: i64,
    /// In pixels.
    pub width: Option<i64>,
    pub height: Option<i64>,
}

impl FromRow for File {
    const COLUMNS: &'static [&'static str] = &["id", "name", "type", "size", "width", "height"];

    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            kind: row.get(2)?,
            size: row.get(3)?,
            width: row.get(4)?,
            height: row.get(5)?,
        })
    }
}

/// How much of a file must be at hand to look into it: a photograph may carry its description before
/// its size.
pub const HEAD: usize = 1 << 20;

/// The largest picture, in pixels: 16,384 squared is more than any model looks at.
const PIXELS: u64 = 1 << 28;
const SIDE: u32 = 32_768;

/// What a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    pub kind: &'static str,
    pub width: u32,
    pub height: u32,
}

/// The kind that the first bytes say, and only they.
#[must_use]
pub fn sniff(head: &[u8]) -> Option<&'static str> {
    match head {
        [0x89, b'P', b'N', b'G', 13, 10, 26, 10, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        _ => None,
    }
}

/// Looks into a picture. `declared` is what its sender says it is.
///
/// # Errors
/// `invalid` for what is no picture, or another kind than declared, or has no size or too large a one.
pub fn look(head: &[u8], declared: Option<&str>) -> Result<Picture> {
    let kind = sniff(head).ok_or_else(|| {
        Error::invalid("file", "is not a picture; PNG, JPEG, WebP and GIF are possible, whatever the name says")
    })?;
    if let Some(declared) = declared.filter(|declared| declared.starts_with("image/") && *declared != kind) {
        return Err(Error::invalid("file", format!("is {kind}, and was sent as {declared}; send it as what it is")));
    }
    let size = match kind {
        "image/png" => png(head),
        "image/jpeg" => jpeg(head),
        "image/webp" => webp(head),
        _ => gif(head),
    };
    let (width, height) = size
        .filter(|(width, height)| *width > 0 && *height > 0)
        .ok_or_else(|| Error::invalid("file", "begins like a picture and says no size; it may be damaged"))?;
    if width > SIDE || height > SIDE || u64::from(width) * u64::from(height) > PIXELS {
        return Err(Error::invalid("file", format!("has {width} × {height} pixels; make it smaller")));
    }
    Ok(Picture { kind, width, height })
}

fn be16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn le16(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    Some(le16(bytes, at)? | u32::from(*bytes.get(at + 2)?) << 16)
}

/// PNG (ISO/IEC 15948), 11.2.2: IHDR comes first.
fn png(head: &[u8]) -> Option<(u32, u32)> {
    (head.get(12..16)? == b"IHDR").then_some((be32(head, 16)?, be32(head, 20)?))
}

/// GIF89a, 18: the logical screen.
fn gif(head: &[u8]) -> Option<(u32, u32)> {
    Some((le16(head, 6)?, le16(head, 8)?))
}

/// WebP (RFC 9649), 2.5 to 2.7: lossy, lossless, or extended.
fn webp(head: &[u8]) -> Option<(u32, u32)> {
    match head.get(12..16)? {
        b"VP8 " if head.get(23..26)? == [0x9d, 1, 0x2a] => Some((le16(head, 26)? & 0x3fff, le16(head, 28)? & 0x3fff)),
        b"VP8L" if *head.get(20)? == 0x2f => {
            let bits = u32::from_le_bytes(head.get(21..25)?.try_into().ok()?);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => Some((le24(head, 24)? + 1, le24(head, 27)? + 1)),
        _ => None,
    }
}

/// JPEG (ITU-T T.81), B.2.2: segment after segment until the one of the frame.
fn jpeg(head: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        if *head.get(at)? != 0xff {
            return None;
        }
        match *head.get(at + 1)? {
            // fill bytes
            0xff => at += 1,
            // without a length
            0x01 | 0xd0..=0xd7 => at += 2,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Some((be16(head, at + 7)?, be16(head, at + 5)?));
            }
            // the picture begins, or ends, without a frame
            0xd8..=0xda => return None,
            _ => at += 2 + usize::try_from(be16(head, at + 2)?).ok()?.max(2),
        }
    }
}

/// A file's name as it is shown: one line without paths, at most 200 characters.
#[must_use]
pub fn file_name(name: &str, kind: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean = super::texts::one_line(last);
    // marks that turn the direction of writing hide what a name ends with
    let shown: String = clean
        .chars()
        .filter(
            |c| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'),
        )
        .take(200)
        .collect();
    let shown = shown.trim().trim_matches('.');
    if shown.is_empty() { format!("image.{}", kind.rsplit('/').next().unwrap_or_default()) } else { shown.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_of(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = vec![0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13];
        bytes.extend(b"IHDR");
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes
    }

    fn webp_of(chunk: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [b"RIFF\0\0\0\0WEBP".as_slice(), chunk, &[0; 4], body].concat()
    }

    #[test]
    fn the_size_stands_where_each_kind_says() {
        let size = |bytes: &[u8]| look(bytes, None).map(|p| (p.kind, p.width, p.height)).ok();
        assert_eq!(size(&png_of(640, 480)), Some(("image/png", 640, 480)));
        assert_eq!(size(b"GIF89a\x40\x01\xf0\x00"), Some(("image/gif", 320, 240)));
        let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc2, 0, 17, 8, 1, 0x2c, 2, 0x58];
        assert_eq!(size(&jpeg), Some(("image/jpeg", 600, 300)));
        assert_eq!(
            size(&webp_of(b"VP8 ", &[0, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0])),
            Some(("image/webp", 320, 240))
        );
        assert_eq!(size(&webp_of(b"VP8L", &[0x2f, 0x3f, 0xc1, 0x3b, 0])), Some(("image/webp", 320, 240)));
        assert_eq!(size(&webp_of(b"VP8X", &[0, 0, 0, 0, 0x3f, 1, 0, 0xef, 0, 0])), Some(("image/webp", 320, 240)));
    }

    #[test]
    fn what_is_no_picture_is_refused_wherever_it_is_cut() {
        for bytes in [&b"<svg xmlns=x>"[..], b"<html>", b"%PDF-1.7", b"MZ", b"", b"BM", b"GIF88a", b"\x89PNG\r\n\x1a\n"]
        {
            assert!(look(bytes, None).is_err(), "{bytes:?}");
        }
        assert!(look(&png_of(0, 5), None).is_err() && look(&png_of(100_000, 100_000), None).is_err());
        assert!(look(&png_of(20_000, 20_000), None).is_err(), "a bomb of pixels");
        assert!(look(&png_of(5, 5), Some("image/jpeg")).is_err(), "it lies about its kind");
        assert!(
            look(&png_of(5, 5), Some("image/png")).is_ok()
                && look(&png_of(5, 5), Some("application/octet-stream")).is_ok()
        );
        let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc2, 0, 17, 8, 1, 0x2c, 2, 0x58];
        for end in 0..jpeg.len() {
            assert!(look(&jpeg[..end], None).is_err(), "{end}");
        }
        // segments of no length do not go round for ever
        assert!(look(&[&[0xff, 0xd8, 0xff, 0xe0][..], &[0; 1000]].concat(), None).is_err());
    }

    #[test]
    fn a_name_is_one_plain_line() {
        assert_eq!(file_name("a/b\\c\r\nd.png", "image/png"), "c d.png");
        assert_eq!(file_name("photo\u{202e}gnp.exe", "image/png"), "photognp.exe");
        assert_eq!(file_name("../..", "image/webp"), "image.webp");
        assert_eq!(file_name(&"ș".repeat(300), "image/gif").chars().count(), 200);
    }
}
