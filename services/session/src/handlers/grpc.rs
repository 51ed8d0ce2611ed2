//! The RPCs: sign-in opens and closes sessions, the gateway asks whose token it was shown.

use crate::service::{Opened, Sessions};
use platform::{Error, principal::Role, service::require_service};
use proto::session::v1::{self as pb, sessions_server::SessionsServer};
use secrecy::ExposeSecret as _;
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

const CALLERS: &[&str] = &["auth", "gateway"];

pub fn routes(sessions: Sessions) -> Routes {
    Routes::new(SessionsServer::new(sessions))
}

#[tonic::async_trait]
impl pb::sessions_server::Sessions for Sessions {
    async fn open(&self, request: Request<pb::OpenRequest>) -> Result<Response<pb::Opened>, Status> {
        // the gateway may recognise people but never sign them in
        require_service(&request, &["auth"])?;
        let asked = request.into_inner();
        let Opened { id: session, token, absolute } =
            Self::open(self, id(&asked.user)?, Role::parse(&asked.role)?, &asked.device).await?;
        Ok(Response::new(pb::Opened {
            session: session.as_bytes().into(),
            token: token.expose_secret().into(),
            absolute: absolute.num_seconds(),
        }))
    }

    async fn resolve(&self, request: Request<pb::ResolveRequest>) -> Result<Response<pb::Resolved>, Status> {
        require_service(&request, CALLERS)?;
        let found = Self::resolve(self, &request.get_ref().token).await?;
        let session = found.map(|session| pb::Session {
            id: session.id.as_bytes().into(),
            user: session.user.as_bytes().into(),
            role: session.role.name().into(),
        });
        Ok(Response::new(pb::Resolved { session }))
    }

    async fn close(&self, request: Request<pb::CloseRequest>) -> Result<Response<pb::Closed>, Status> {
        require_service(&request, CALLERS)?;
        let asked = request.into_inner();
        Self::close(self, id(&asked.user)?, id(&asked.session)?).await?;
        Ok(Response::new(pb::Closed {}))
    }
}

fn id(bytes: &[u8]) -> Result<Uuid, Error> {
    Uuid::from_slice(bytes).map_err(|_| Error::invalid("id", "has not 16 bytes"))
}
