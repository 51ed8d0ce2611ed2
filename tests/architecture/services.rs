//! The shape of a service: routes have policies, and its RPCs its name.

use crate::{
    Faults, fires, none,
    repository::below,
    text::{parts, shipped},
};
use anyhow::{Result, ensure};

/// The one table of routes that are not a service's own.
const GATEWAY: &str = "services/gateway/src/routes.rs";

fn routes_have_policies(source: &str) -> Faults {
    let code = shipped(&parts(source).code).split_whitespace().collect::<String>();
    let mut faults = Faults::new();
    for (at, call) in code.match_indices(".route(") {
        // Spelled out, or a constant's name: the type of `Api::route` sees to the rest.
        let policy = code[at + call.len()..].split(',').next().unwrap_or_default();
        let constant = !policy.is_empty() && policy.bytes().all(|c| c.is_ascii_uppercase() || c == b'_');
        if !policy.starts_with("Policy::") && !constant {
            faults.push("a route without a policy; add it to an Api".into());
        }
    }
    for way in ["Router::new(", "Router::<", ".route_service(", ".nest(", ".nest_service(", "OpenApiRouter::"] {
        if code.contains(way) {
            faults.push(format!("{way}…: a way around policies; add routes to an Api"));
        }
    }
    faults
}

#[test]
fn each_route_has_a_policy() -> Result<()> {
    let (mut faults, mut routes) = (Faults::new(), 0);
    for file in below("services/", ".rs")? {
        if file.path.contains("/src/") && file.path != GATEWAY {
            routes += file.text.matches("routes!(").count();
            faults.extend(routes_have_policies(&file.text).into_iter().map(|fault| format!("{}: {fault}", file.path)));
        }
    }
    ensure!(routes > 5, "only {routes} routes are found");
    none(&faults)
}

fn package_is(service: &str, proto: &str) -> Faults {
    let package = format!("package {service}.v1;");
    let has = proto.lines().any(|line| line.trim() == package);
    (!has).then(|| format!("does not say \"{package}\"")).into_iter().collect()
}

#[test]
fn each_proto_has_its_services_name() -> Result<()> {
    let mut faults = Faults::new();
    for file in below("services/", ".proto")? {
        let mut folders = file.path.split('/').skip(1);
        let service = folders.next().unwrap_or_default();
        faults.extend(package_is(service, &file.text).into_iter().map(|fault| format!("{} {fault}", file.path)));
        ensure!(
            file.path == format!("services/{service}/proto/{service}.proto"),
            "{} lies in another place",
            file.path
        );
    }
    none(&faults)
}

#[test]
fn the_rules_fire() {
    fires(
        routes_have_policies,
        &[
            "fn api() { Api::default().route(\"/a\", get(a)) }",
            "fn api() { Api::default()\n    .route(\n        policy(), routes!(a)) }",
            "fn api() { Router::new() }",
            "fn api() { router.nest(\"/a\", b) }",
        ],
        &[
            "fn api() { Api::default().route(Policy::Person, routes!(a)) }",
            "fn api() { Api::default().route(READ, routes!(a)) }",
            "#[cfg(test)] mod tests { fn a() { Router::new() } }",
        ],
    );
    fires(
        |proto| package_is("chat", proto),
        &["", "package chat;", "package ai.v1;", "// package chat.v1;"],
        &["package chat.v1;\n"],
    );
}
