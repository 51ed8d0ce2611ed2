//! What can be chosen from short lists, under the names it has on the wire and in the tables.

use platform::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! choice {
    ($(#[$about:meta])* $name:ident { $($(#[$note:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        $(#[$about])*
        #[serde(rename_all = "lowercase")]
        pub enum $name {
            $($(#[$note])* $variant),+
        }

        impl $name {
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }

            /// Reads what is stored.
            ///
            /// # Errors
            /// `internal` for a text that this program never stores.
            pub fn read(text: &str) -> Result<Self> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err(Error::internal(format!("unknown {} \"{other}\"", stringify!($name)))),
                }
            }
        }
    };
}

choice! {
    /// The language of what a person reads.
    Language {
        En = "en",
        Ro = "ro",
        /// As the browser says.
        System = "system",
    }
}

choice! {
    /// Light or dark.
    Theme {
        Light = "light",
        Dark = "dark",
        /// As the device says.
        System = "system",
    }
}

choice! {
    /// The colour of what can be pressed.
    Accent {
        Azurite = "azurite",
        Moss = "moss",
        Plum = "plum",
        Rust = "rust",
        Graphite = "graphite",
    }
}

choice! {
    /// What can be done with an account.
    #[schema(as = AccountState)]
    State {
        Active = "active",
        /// Nobody can sign in with it.
        Disabled = "disabled",
        /// Deleted after the grace time, unless it is kept.
        Leaving = "leaving",
    }
}
