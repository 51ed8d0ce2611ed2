//! The RPCs, for sign-in and the gateway alone: who has an account is nobody else's business.

use crate::{
    domain::{Account, Wrong},
    service::{Users, first_wrong},
};
use platform::{Error, service::require_service};
use proto::user::v1::{self as pb, user_server::UserServer};
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

const CALLERS: &[&str] = &["auth", "gateway", "ai"];

pub fn routes(users: Users) -> Routes {
    Routes::new(UserServer::new(users))
}

#[tonic::async_trait]
impl pb::user_server::User for Users {
    async fn create_first(&self, request: Request<pb::CreateFirstRequest>) -> Result<Response<pb::Account>, Status> {
        require_service(&request, CALLERS)?;
        let asked = request.into_inner();
        Ok(Response::new(account(Self::create_first(self, id(&asked.id)?, &asked.name, &asked.email).await?)))
    }

    async fn by_email(&self, request: Request<pb::ByEmailRequest>) -> Result<Response<pb::MaybeAccount>, Status> {
        require_service(&request, CALLERS)?;
        let (found, email_key) = Self::by_email(self, &request.get_ref().email).await?;
        Ok(Response::new(pb::MaybeAccount { account: found.map(account), email_key }))
    }

    async fn by_id(&self, request: Request<pb::ByIdRequest>) -> Result<Response<pb::MaybeAccount>, Status> {
        require_service(&request, CALLERS)?;
        let found = Self::by_id(self, id(&request.get_ref().id)?).await?;
        Ok(Response::new(pb::MaybeAccount { account: found.map(account), email_key: String::new() }))
    }

    async fn check(&self, request: Request<pb::CheckRequest>) -> Result<Response<pb::CheckAnswer>, Status> {
        require_service(&request, CALLERS)?;
        let asked = request.into_inner();
        let Wrong { field, why } = first_wrong(&asked.name, &asked.email).unwrap_or(Wrong { field: "", why: "" });
        Ok(Response::new(pb::CheckAnswer { field: field.into(), why: why.into() }))
    }

    async fn any(&self, request: Request<pb::AnyRequest>) -> Result<Response<pb::AnyAnswer>, Status> {
        require_service(&request, CALLERS)?;
        Ok(Response::new(pb::AnyAnswer { any: Self::any(self).await? }))
    }
}

fn id(bytes: &[u8]) -> Result<Uuid, Error> {
    Uuid::from_slice(bytes).map_err(|_| Error::invalid("id", "has not 16 bytes"))
}

fn account(account: Account) -> pb::Account {
    pb::Account {
        id: account.id.as_bytes().into(),
        name: account.name,
        email: account.email,
        role: account.role.name().into(),
    }
}
