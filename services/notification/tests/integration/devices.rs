//! A sign-in from a device that was not known before.

use crate::house::House;

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

#[tokio::test]
async fn a_further_device_is_told_of_once() {
    let house = House::new().await;
    // the first one is where the account was made
    house.sign_in(&house.ana, FIREFOX).await;
    house.sign_in(&house.ana, &FIREFOX.replace("145.0", "146.0")).await;
    house.has_notices(&house.ana, 0).await;
    house.sign_in(&house.ana, "curl/8.0").await;
    house.sign_in(&house.ana, "curl/8.1").await;
    let notices = house.has_notices(&house.ana, 1).await;
    assert_eq!(notices[0]["kind"], "new_device");
    assert_eq!(notices[0]["data"]["device"], "curl/8.0");
    assert!(notices[0]["data"]["session_id"].is_string());
    // what is known to one is not known to another
    house.sign_in(&house.dan, FIREFOX).await;
    house.sign_in(&house.dan, "curl/8.0").await;
    house.has_notices(&house.dan, 1).await;
}
