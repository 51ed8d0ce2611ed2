//! The RPCs.

use crate::service::Ai;
use platform::{Error, service::require_service};
use proto::ai::v1::{self as pb, ai_server::AiServer};
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

pub fn routes(ai: Ai) -> Routes {
    Routes::new(AiServer::new(ai))
}

#[tonic::async_trait]
impl pb::ai_server::Ai for Ai {
    async fn resolve_model(&self, request: Request<pb::ResolveModelRequest>) -> Result<Response<pb::Model>, Status> {
        require_service(&request, &["chat"])?;
        let asked = request.into_inner();
        let found = self.catalogue.find(&asked.id, &asked.role).await?;
        if !asked.role.is_empty() {
            found.settings.allow(&asked.role)?;
        }
        Ok(Response::new(pb::Model { vision: found.sees(), id: found.id }))
    }

    async fn title(&self, request: Request<pb::TitleRequest>) -> Result<Response<pb::Titled>, Status> {
        require_service(&request, &["chat"])?;
        let pb::TitleRequest { space, model, question, answer } = request.into_inner();
        let space = Uuid::from_slice(&space).map_err(|_| Error::invalid("space", "has not 16 bytes"))?;
        let title = Self::title(self, space, &model, &question, &answer).await?;
        Ok(Response::new(pb::Titled { title }))
    }
}
