//! Whose token is it, and where is it kept?

use crate::{ANA, EVA, House};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use session::Config;

#[tokio::test]
async fn a_token_is_its_persons_until_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let (here, there) = (house.open(ANA, "admin").await, house.open(ANA, "admin").await);
    assert_ne!(here.token, there.token);
    assert_eq!(here.absolute, 90 * 24 * 3600);

    let session = house.resolve(&here.token).await.unwrap();
    assert_eq!(
        (session.id.as_slice(), session.user.as_slice(), session.role.as_str()),
        (here.session.as_slice(), ANA.as_bytes().as_slice(), "admin")
    );

    // somebody else's name does not end it
    house.close(EVA, &here.session).await.unwrap();
    assert!(house.resolve(&here.token).await.is_some());
    for _ in 0..2 {
        house.close(ANA, &here.session).await.unwrap();
        assert!(house.resolve(&here.token).await.is_none());
    }
    assert!(house.resolve(&there.token).await.is_some());
    assert_eq!(house.number("select count(*) from session_events where kind = 'session.opened'").await, 2);
    assert_eq!(house.number("select count(*) from session_events where kind = 'session.closed'").await, 1);
}

#[tokio::test]
async fn an_altered_or_unknown_token_is_nobodys() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let token = house.open(ANA, "user").await.token;
    for at in 0..token.len() {
        let mut altered = token.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        assert!(house.resolve(str::from_utf8(&altered).unwrap()).await.is_none(), "character {at}");
    }
    // the random part of Ana's token under Eva's name
    let eva = house.open(EVA, "user").await.token;
    let (ana, eva) = (BASE64_URL_SAFE_NO_PAD.decode(&token).unwrap(), BASE64_URL_SAFE_NO_PAD.decode(eva).unwrap());
    let crossed = BASE64_URL_SAFE_NO_PAD.encode([&eva[..16], &ana[16..]].concat());
    let huge = token.repeat(20_000);
    for unknown in
        ["", "x", &token[1..], &format!("{token}A"), &format!(" {token}"), &crossed, "' or 1=1 --", "\0", &huge]
    {
        assert!(house.resolve(unknown).await.is_none());
    }
    assert!(house.resolve(&token).await.is_some());
}

#[tokio::test]
async fn a_restart_keeps_sessions_and_the_disk_holds_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::start(folder.path(), Config::default()).await;
    let token = house.open(ANA, "user").await.token;
    drop(house);
    let secret = &BASE64_URL_SAFE_NO_PAD.decode(&token).unwrap()[16..];
    let house = House::start(folder.path(), Config::default()).await;
    assert!(house.resolve(&token).await.is_some());
    for file in
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
    {
        let bytes = std::fs::read(&file).unwrap();
        for needle in [token.as_bytes(), secret] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{}", file.display());
        }
    }
}
