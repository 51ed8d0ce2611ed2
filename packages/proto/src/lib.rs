//! The RPC messages and events of all services, generated from `services/*/proto`. Nothing here is
//! written by hand: a service's contract lies beside the service.
#![allow(clippy::all, missing_docs)]

pub mod ai {
    pub mod v1 {
        tonic::include_proto!("ai.v1");
    }
}
pub mod analytics {
    pub mod v1 {
        tonic::include_proto!("analytics.v1");
    }
}
pub mod auth {
    pub mod v1 {
        tonic::include_proto!("auth.v1");
    }
}
pub mod chat {
    pub mod v1 {
        tonic::include_proto!("chat.v1");
    }
}
pub mod notification {
    pub mod v1 {
        tonic::include_proto!("notification.v1");
    }
}
pub mod session {
    pub mod v1 {
        tonic::include_proto!("session.v1");
    }
}
pub mod user {
    pub mod v1 {
        tonic::include_proto!("user.v1");
    }
}

pub use prost::Message;
