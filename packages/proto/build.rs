//! Generates the RPC messages and events from the services' own `.proto` files, without protoc.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let services = ["ai", "analytics", "auth", "chat", "notification", "session", "user"];
    let files: Vec<_> = services.iter().map(|name| format!("{name}.proto")).collect();
    let folders: Vec<_> = services.iter().map(|name| format!("../../services/{name}/proto")).collect();
    for folder in &folders {
        println!("cargo:rerun-if-changed={folder}");
    }
    let mut config = tonic_prost_build::Config::new();
    // What holds a token must not be able to print it.
    config.skip_debug([
        "auth.v1.Linked",
        "auth.v1.ResolveKeyRequest",
        "session.v1.Opened",
        "session.v1.ResolveRequest",
    ]);
    tonic_prost_build::configure()
        .build_transport(false)
        .compile_fds_with_config(protox::compile(&files, &folders)?, config)?;
    Ok(())
}
