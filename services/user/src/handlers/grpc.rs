//! The RPCs, for named services alone: who has an account is nobody else's business.

use crate::{
    domain::{Account, Wrong},
    service::{Making, Users, first_wrong},
};
use platform::{Error, principal::Role, service::require_service};
use proto::user::v1::{self as pb, user_server::UserServer};
use tonic::{Request, Response, Status, service::Routes};
use uuid::Uuid;

const AUTH: &[&str] = &["auth"];
/// Whoever has to know whose an id is.
const READERS: &[&str] = &["ai", "analytics", "auth", "chat", "gateway", "notification", "session"];

pub fn routes(users: Users) -> Routes {
    Routes::new(UserServer::new(users))
}

#[tonic::async_trait]
impl pb::user_server::User for Users {
    async fn create_first(&self, request: Request<pb::CreateFirstRequest>) -> Result<Response<pb::Account>, Status> {
        require_service(&request, AUTH)?;
        let asked = request.into_inner();
        Ok(Response::new(account(Self::create_first(self, id(&asked.id)?, &asked.name, &asked.email).await?)))
    }

    async fn create(&self, request: Request<pb::CreateRequest>) -> Result<Response<pb::Account>, Status> {
        require_service(&request, AUTH)?;
        let asked = request.into_inner();
        let actor = if asked.actor.is_empty() { None } else { Some(id(&asked.actor)?) };
        let making =
            Making { id: id(&asked.id)?, name: asked.name, email: asked.email, role: Role::parse(&asked.role)?, actor };
        Ok(Response::new(account(Self::create(self, making).await?)))
    }

    async fn by_email(&self, request: Request<pb::ByEmailRequest>) -> Result<Response<pb::MaybeAccount>, Status> {
        require_service(&request, AUTH)?;
        let (found, email_key) = Self::by_email(self, &request.get_ref().email).await?;
        Ok(Response::new(pb::MaybeAccount { account: found.map(account), email_key }))
    }

    async fn by_id(&self, request: Request<pb::ByIdRequest>) -> Result<Response<pb::MaybeAccount>, Status> {
        require_service(&request, READERS)?;
        let found = Self::by_id(self, id(&request.get_ref().id)?).await?;
        Ok(Response::new(pb::MaybeAccount { account: found.map(account), email_key: String::new() }))
    }

    async fn get_many(&self, request: Request<pb::GetManyRequest>) -> Result<Response<pb::Accounts>, Status> {
        require_service(&request, READERS)?;
        let ids = request.get_ref().ids.iter().map(|bytes| id(bytes)).collect::<Result<_, _>>()?;
        let accounts = Self::get_many(self, ids).await?.into_iter().map(account).collect();
        Ok(Response::new(pb::Accounts { accounts }))
    }

    async fn recognise(&self, request: Request<pb::ByIdRequest>) -> Result<Response<pb::MaybeAccount>, Status> {
        require_service(&request, AUTH)?;
        let found = Self::recognise(self, id(&request.get_ref().id)?).await?;
        Ok(Response::new(pb::MaybeAccount { account: found.map(account), email_key: String::new() }))
    }

    async fn instructions(
        &self,
        request: Request<pb::ByIdRequest>,
    ) -> Result<Response<pb::InstructionsAnswer>, Status> {
        require_service(&request, &["ai", "chat"])?;
        let found = Self::instructions(self, id(&request.get_ref().id)?).await?;
        Ok(Response::new(pb::InstructionsAnswer {
            enabled: found.enabled,
            nickname: found.nickname,
            occupation: found.occupation,
            about: found.about,
            style: found.style,
        }))
    }

    async fn check(&self, request: Request<pb::CheckRequest>) -> Result<Response<pb::CheckAnswer>, Status> {
        require_service(&request, AUTH)?;
        let asked = request.into_inner();
        let Wrong { field, why } = first_wrong(&asked.name, &asked.email).unwrap_or(Wrong { field: "", why: "" });
        Ok(Response::new(pb::CheckAnswer { field: field.into(), why: why.into() }))
    }

    async fn any(&self, request: Request<pb::AnyRequest>) -> Result<Response<pb::AnyAnswer>, Status> {
        require_service(&request, AUTH)?;
        Ok(Response::new(pb::AnyAnswer { any: Self::any(self).await? }))
    }

    async fn count_role(&self, request: Request<pb::CountRoleRequest>) -> Result<Response<pb::RoleCount>, Status> {
        require_service(&request, AUTH)?;
        let accounts = Self::count_role(self, Role::parse(&request.get_ref().role)?).await?;
        Ok(Response::new(pb::RoleCount { accounts }))
    }

    async fn leave(&self, request: Request<pb::LeaveRequest>) -> Result<Response<pb::Account>, Status> {
        require_service(&request, AUTH)?;
        let asked = request.into_inner();
        Ok(Response::new(account(Self::leave(self, id(&asked.id)?, id(&asked.actor)?).await?)))
    }

    async fn keep(&self, request: Request<pb::KeepRequest>) -> Result<Response<pb::Account>, Status> {
        require_service(&request, AUTH)?;
        let asked = request.into_inner();
        Ok(Response::new(account(Self::keep(self, id(&asked.id)?, id(&asked.actor)?).await?)))
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
        role: account.role.into(),
        state: account.state.name().into(),
        language: account.language.name().into(),
        theme: account.theme.name().into(),
        accent: account.accent.name().into(),
        version: account.version,
        created_at: account.created_at.timestamp_millis(),
        deletes_at: account.deletes_at.map_or(0, |at| at.timestamp_millis()),
    }
}
