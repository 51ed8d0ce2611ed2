//! The RPC: what a person takes along.

use crate::{domain::Span, service::Usage};
use platform::{Error, service::require_service};
use proto::analytics::v1::{self as pb, analytics_server::AnalyticsServer};
use serde_json::json;
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

pub fn routes(usage: Usage) -> Routes {
    Routes::new(AnalyticsServer::new(usage))
}

#[tonic::async_trait]
impl pb::analytics_server::Analytics for Usage {
    async fn export(&self, request: Request<pb::ExportRequest>) -> Result<Response<pb::Exported>, Status> {
        require_service(&request, &["chat"])?;
        let person =
            Uuid::from_slice(&request.get_ref().person).map_err(|_| Error::invalid("person", "has not 16 bytes"))?;
        let (days, totals) = self.of_person(person, Span::whole()).await?;
        Ok(Response::new(pb::Exported { usage: json!({"days": days, "totals": totals}).to_string() }))
    }
}
