//! Bytes as hexadecimal digits, as people compare sums and keys.

/// Two small digits a byte.
#[must_use]
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Their bytes; nothing when they are none.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().as_chunks::<2>();
    pairs.1.is_empty().then_some(())?;
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    pairs.0.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        assert_eq!(unhex(&hex([0, 255, 16])), Some(vec![0, 255, 16]));
        assert!(unhex("0").is_none() && unhex("zz").is_none() && unhex("+1").is_none());
    }
}
