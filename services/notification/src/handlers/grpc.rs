//! The RPCs: letters of other services, and what a person takes along.

use crate::service::Notices;
use platform::{Error, service::require_service};
use proto::notification::v1::{self as pb, notifications_server::NotificationsServer};
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

pub fn routes(notices: Notices) -> Routes {
    Routes::new(NotificationsServer::new(notices))
}

#[tonic::async_trait]
impl pb::notifications_server::Notifications for Notices {
    async fn ability(&self, request: Request<pb::AbilityRequest>) -> Result<Response<pb::AbilityAnswer>, Status> {
        require_service(&request, &["auth"])?;
        Ok(Response::new(pb::AbilityAnswer { configured: self.has_mail() }))
    }

    async fn send(&self, request: Request<pb::SendRequest>) -> Result<Response<pb::Sent>, Status> {
        require_service(&request, &["auth"])?;
        let pb::SendRequest { template, to, language, fields } = request.into_inner();
        let queued = self.send_letter(template, to, language, fields.into_iter().collect()).await?;
        Ok(Response::new(pb::Sent { queued }))
    }

    async fn export(&self, request: Request<pb::ExportRequest>) -> Result<Response<pb::Exported>, Status> {
        require_service(&request, &["chat"])?;
        let person =
            Uuid::from_slice(&request.get_ref().person).map_err(|_| Error::invalid("person", "has not 16 bytes"))?;
        let notices = serde_json::to_string(&self.all(person).await?).map_err(Error::internal)?;
        let preferences = serde_json::to_string(&self.preferences(person).await?).map_err(Error::internal)?;
        Ok(Response::new(pb::Exported { notices, preferences }))
    }
}
