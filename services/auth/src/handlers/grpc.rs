//! The RPCs: the gateway asks what people and keys may do, user asks what roles allow, and the
//! command line makes links.

use crate::service::{Auth, KeyHolder, Linked};
use platform::{
    Error,
    principal::{Permission, Permissions, Role},
    service::require_service,
};
use proto::auth::v1::{self as pb, auth_server::AuthServer};
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

const GATEWAY: &[&str] = &["gateway"];
/// Whoever judges what may be given to whom.
const JUDGES: &[&str] = &["ai", "user"];
const COMMAND_LINE: &[&str] = &["taifas"];

pub fn routes(auth: Auth) -> Routes {
    Routes::new(AuthServer::new(auth))
}

#[tonic::async_trait]
impl pb::auth_server::Auth for Auth {
    async fn authorize(&self, request: Request<pb::AuthorizeRequest>) -> Result<Response<pb::Authorized>, Status> {
        require_service(&request, GATEWAY)?;
        let pb::AuthorizeRequest { user, looks } = request.into_inner();
        let user = Uuid::from_slice(&user).map_err(|_| Error::invalid("user", "has not 16 bytes"))?;
        let found = Self::authorize(self, user, looks).await?;
        Ok(Response::new(pb::Authorized { rights: found.map(|(role, permissions)| rights(&role, permissions)) }))
    }

    async fn resolve_key(&self, request: Request<pb::ResolveKeyRequest>) -> Result<Response<pb::ResolvedKey>, Status> {
        require_service(&request, GATEWAY)?;
        let found = Self::resolve_key(self, &request.get_ref().secret).await?;
        let holder = found.map(|KeyHolder { key, user, role, permissions }| pb::KeyHolder {
            key: key.as_bytes().into(),
            user: user.as_bytes().into(),
            rights: Some(rights(&role, permissions)),
        });
        Ok(Response::new(pb::ResolvedKey { holder }))
    }

    async fn rights_of(&self, request: Request<pb::RightsOfRequest>) -> Result<Response<pb::RightsOfAnswer>, Status> {
        require_service(&request, JUDGES)?;
        let found = self.rights_of_roles(request.into_inner().roles).await?;
        let rights = found.into_iter().map(|(role, permissions)| rights(&role, permissions)).collect();
        Ok(Response::new(pb::RightsOfAnswer { rights }))
    }

    async fn create_admin(&self, request: Request<pb::CreateAdminRequest>) -> Result<Response<pb::Linked>, Status> {
        require_service(&request, COMMAND_LINE)?;
        let asked = request.into_inner();
        Ok(Response::new(linked(Self::create_admin(self, asked.name, asked.email).await?)))
    }

    async fn reset_link(&self, request: Request<pb::ResetLinkRequest>) -> Result<Response<pb::Linked>, Status> {
        require_service(&request, COMMAND_LINE)?;
        Ok(Response::new(linked(Self::reset_link(self, request.into_inner().email).await?)))
    }
}

fn rights(role: &Role, permissions: Permissions) -> pb::Rights {
    let permissions = permissions.iter().map(Permission::name).map(str::to_owned).collect();
    pb::Rights { role: role.name().into(), permissions }
}

fn linked(linked: Linked) -> pb::Linked {
    pb::Linked {
        user: linked.user.as_bytes().into(),
        link: linked.link,
        expires_at: linked.expires_at.timestamp_millis(),
    }
}
