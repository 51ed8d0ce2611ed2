//! A provider that lists a model and then never begins to answer, as one that loads a large model.

use anyhow::Result;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Where it is, as an OpenAI-compatible base URL. It lives as long as the test's runtime.
pub async fn silent_provider() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    Ok(url)
}

async fn serve(mut stream: TcpStream) -> Result<()> {
    let mut head = vec![0; 64 * 1024];
    let read = stream.read(&mut head).await?;
    if head[..read].starts_with(b"GET ") {
        let body = r#"{"object":"list","data":[{"id":"quiet","object":"model"}]}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await?;
    } else {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    Ok(())
}
