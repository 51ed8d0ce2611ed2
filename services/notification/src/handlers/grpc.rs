//! The RPCs: letters of other services.

use crate::service::Notices;
use platform::service::require_service;
use proto::notification::v1::{self as pb, mail_server::MailServer};
use tonic::{Request, Response, Status, service::Routes};

pub fn routes(notices: Notices) -> Routes {
    Routes::new(MailServer::new(notices))
}

#[tonic::async_trait]
impl pb::mail_server::Mail for Notices {
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
}
