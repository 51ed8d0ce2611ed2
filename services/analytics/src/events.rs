//! What analytics hears. It tells nobody anything: what it knows follows from what others said.

use crate::domain::Used;
use platform::{Error, Result, bus::Delivery, events::Topic};
use proto::{Message as _, ai::v1 as ai};

/// What ai says.
pub const AI: Topic = platform::topic!("ai");
/// What user says.
pub const USERS: Topic = platform::topic!("user");

/// Something that analytics counts or forgets.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Used { model: String, used: Used },
    PersonGone,
    Other,
}

/// # Errors
/// `internal` for a payload that is none.
pub fn read(delivery: &Delivery) -> Result<Heard> {
    let payload = delivery.payload.as_slice();
    let (model, usage, cost) = match delivery.kind.as_str() {
        "generation.finished" => {
            let finished = ai::GenerationFinished::decode(payload).map_err(Error::internal)?;
            (finished.model, finished.usage, finished.cost)
        }
        "request.finished" => {
            let finished = ai::RequestFinished::decode(payload).map_err(Error::internal)?;
            (finished.model, finished.usage, finished.cost)
        }
        "user.deleted" => return Ok(Heard::PersonGone),
        _ => return Ok(Heard::Other),
    };
    let ai::Usage { input, output, .. } = usage.unwrap_or_default();
    Ok(Heard::Used { model, used: Used::request(input, output, cost) })
}
