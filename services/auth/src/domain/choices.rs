//! What the description says of texts that user and the browser choose from short lists. Auth hands
//! them on as they are; here are the lists, under the names that user gives them.

use utoipa::ToSchema;

macro_rules! described {
    ($name:ident: $($variant:ident),+) => {
        #[derive(ToSchema)]
        #[schema(rename_all = "lowercase")]
        #[allow(dead_code, reason = "carries the description of a text")]
        pub enum $name {
            $($variant),+
        }
    };
}

described!(Language: En, Ro, System);
described!(Theme: Light, Dark, System);
described!(Accent: Azurite, Moss, Plum, Rust, Graphite);
described!(AccountState: Active, Disabled, Leaving);
