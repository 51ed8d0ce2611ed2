//! The RPCs: sign-in opens and closes sessions, the gateway asks whose token it was shown.

use crate::{
    presence::Present,
    service::{Opened, Opening, Sessions},
};
use platform::{Error, principal::Role, service::require_service};
use proto::session::v1::{self as pb, sessions_server::SessionsServer};
use secrecy::ExposeSecret as _;
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

const CALLERS: &[&str] = &["auth", "gateway"];
/// Whoever decides by it whether a person is looking.
const ASKING: &[&str] = &["auth", "gateway", "notification"];

pub fn routes(sessions: Sessions) -> Routes {
    Routes::new(SessionsServer::new(sessions))
}

#[tonic::async_trait]
impl pb::sessions_server::Sessions for Sessions {
    async fn open(&self, request: Request<pb::OpenRequest>) -> Result<Response<pb::Opened>, Status> {
        // the gateway may recognise people but never sign them in
        require_service(&request, &["auth"])?;
        let asked = request.into_inner();
        let Opened { id: session, token, absolute } = Self::open(self, opening(&asked)?).await?;
        Ok(Response::new(pb::Opened {
            session: session.as_bytes().into(),
            token: token.expose_secret().into(),
            absolute: absolute.num_seconds(),
        }))
    }

    async fn resolve(&self, request: Request<pb::ResolveRequest>) -> Result<Response<pb::Resolved>, Status> {
        require_service(&request, CALLERS)?;
        let asked = request.get_ref();
        let found = match asked.looks {
            true => self.look(&asked.token).await?,
            false => self.resolve(&asked.token, &asked.address).await?,
        };
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

    async fn close_all(&self, request: Request<pb::CloseAllRequest>) -> Result<Response<pb::ClosedAll>, Status> {
        require_service(&request, &["auth"])?;
        let asked = request.into_inner();
        let closed = Self::close_all(self, id(&asked.user)?, maybe_id(&asked.but)?).await?;
        Ok(Response::new(pb::ClosedAll { closed }))
    }

    async fn arrive(&self, request: Request<pb::ArriveRequest>) -> Result<Response<pb::Arrived>, Status> {
        require_service(&request, &["gateway"])?;
        let asked = request.into_inner();
        self.presence.arrive(id(&asked.user)?, maybe_id(&asked.session)?, id(&asked.connection)?).await?;
        Ok(Response::new(pb::Arrived {}))
    }

    async fn leave(&self, request: Request<pb::LeaveRequest>) -> Result<Response<pb::Left>, Status> {
        require_service(&request, &["gateway"])?;
        let asked = request.into_inner();
        self.presence.leave(id(&asked.user)?, id(&asked.connection)?).await?;
        Ok(Response::new(pb::Left {}))
    }

    async fn present(&self, request: Request<pb::PresentRequest>) -> Result<Response<pb::Presence>, Status> {
        require_service(&request, ASKING)?;
        let Present { any, sessions } = self.presence.present(id(&request.get_ref().user)?).await?;
        let sessions = sessions.into_iter().map(|session| session.as_bytes().into()).collect();
        Ok(Response::new(pb::Presence { present: any, sessions }))
    }

    async fn device(&self, request: Request<pb::DeviceRequest>) -> Result<Response<pb::DeviceAnswer>, Status> {
        require_service(&request, ASKING)?;
        let asked = request.into_inner();
        let device = Self::device(self, id(&asked.user)?, id(&asked.session)?).await?;
        Ok(Response::new(pb::DeviceAnswer { device }))
    }
}

fn opening(asked: &pb::OpenRequest) -> Result<Opening, Error> {
    Ok(Opening {
        user: id(&asked.user)?,
        role: Role::parse(&asked.role)?,
        device: asked.device.clone(),
        address: asked.address.clone(),
        instead_of: maybe_id(&asked.instead_of)?,
    })
}

/// An id, or none for no bytes at all.
fn maybe_id(bytes: &[u8]) -> Result<Option<Uuid>, Error> {
    if bytes.is_empty() { Ok(None) } else { id(bytes).map(Some) }
}

fn id(bytes: &[u8]) -> Result<Uuid, Error> {
    Uuid::from_slice(bytes).map_err(|_| Error::invalid("id", "has not 16 bytes"))
}
