//! A request as it came: its members in their order, their values untouched. What is passed on is not taken apart and put together
//! again, so members this program does not know arrive as they were written.

use platform::{Error, Result};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap as _,
};
use serde_json::value::RawValue;
use std::fmt;

/// Members one request may have.
const MOST: usize = 100;
/// Members that choose a server, a key or headers in other programs of this kind. Nothing of the sort reaches a provider.
const DIRECTIONS: [&str; 16] = [
    "api_base",
    "api_key",
    "api_version",
    "azure_endpoint",
    "base_model",
    "base_url",
    "custom_llm_provider",
    "endpoint",
    "extra_headers",
    "fallbacks",
    "headers",
    "host",
    "model_list",
    "proxy",
    "url",
    "webhook",
];

/// The members of a JSON object.
#[derive(Clone, Debug)]
pub struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// # Errors
    /// `invalid` for what is no object, names a member twice, or tries to direct the request elsewhere.
    pub fn read(body: &[u8]) -> Result<Self> {
        let fields: Self = serde_json::from_slice(body)
            .map_err(|error| Error::malformed(format!("the body is not a JSON object: {error}")))?;
        if fields.0.len() > MOST {
            return Err(Error::malformed(format!("the body has more than {MOST} members")));
        }
        for (at, (name, _)) in fields.0.iter().enumerate() {
            if fields.0[..at].iter().any(|(before, _)| before == name) {
                return Err(Error::malformed(format!("the body names {name} twice")).with("field", name));
            }
            if DIRECTIONS.contains(&name.to_ascii_lowercase().as_str()) {
                let why = "is not taken here: which server answers is decided by administrators alone";
                return Err(Error::malformed(format!("{name} {why}")).with("field", name));
            }
        }
        Ok(fields)
    }

    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.get())
    }

    /// The value of a member; none when it is absent or null.
    ///
    /// # Errors
    /// `invalid` with the member's name when it has another type.
    pub fn get<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Result<Option<T>> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw)
            .map_err(|error| Error::malformed(format!("{name} cannot be read: {error}")).with("field", name))
    }

    /// Puts a value in the place of what was there, or at the end.
    ///
    /// # Errors
    /// Never for a value of ours.
    pub fn set(&mut self, name: &str, value: &impl Serialize) -> Result<()> {
        let value = serde_json::value::to_raw_value(value).map_err(Error::internal)?;
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
        Ok(())
    }

    /// # Errors
    /// Never; kept for the encoder.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(Error::internal)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(member) = map.next_entry()? {
                    fields.push(member);
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(Members)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_stays_as_it_was_written() {
        let body = br#"{"model": "a/b", "x": [1.0, 1e2, "\u00e9"], "big": 123456789012345678901234567890, "n": null}"#;
        let mut fields = Fields::read(body).unwrap();
        fields.set("model", &"b").unwrap();
        fields.set("stream", &true).unwrap();
        let out = String::from_utf8(fields.bytes().unwrap()).unwrap();
        let expected =
            r#"{"model":"b","x":[1.0, 1e2, "\u00e9"],"big":123456789012345678901234567890,"n":null,"stream":true}"#;
        assert_eq!(out, expected);
        assert_eq!(fields.get::<String>("model").unwrap().as_deref(), Some("b"));
        assert!(fields.get::<u8>("model").is_err() && fields.get::<u8>("absent").unwrap().is_none());
    }

    #[test]
    fn no_member_chooses_a_server() {
        for body in [
            r#"{"api_base":"http://evil"}"#,
            r#"{"base_url":1}"#,
            r#"{"API_KEY":"x"}"#,
            r#"{"\u0061pi_base":"http://evil"}"#,
            r#"{"model":"a","model":"b"}"#,
            "[]",
            "{",
        ] {
            assert!(Fields::read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
