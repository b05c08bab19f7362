//! The key goes to the provider, and nowhere else.

use devsphere_testkit::provider::{Script, Wire};

use crate::{
    log,
    stage::{KEY, Stage, question},
};

#[tokio::test]
async fn the_key_stands_in_no_message_and_no_log() {
    let told = format!("no such key as {KEY}, see your keys");
    for wire in Wire::ALL {
        for script in [
            Script::refusal(400, "invalid_request_error", &told),
            Script::refusal(401, "authentication_error", &told),
            Script::refusal(403, "permission_error", &told),
            Script::refusal(404, "not_found_error", &told),
            Script::refusal(500, "api_error", &told),
            Script::text("Once").error_after(2, 400, &told),
            Script::text("Once").raw_after(1, &format!("data: {KEY}\n\n")),
        ] {
            let stage = Stage::always(wire, script).await;

            let failure = stage.ask(&question()).await.unwrap_err();

            let shown =
                format!("{failure} {failure:?} {:?} {:?}", stage.provider(), stage.connection());
            assert!(!shown.contains(KEY), "{shown}");
            assert_eq!(stage.scripted.calls()[0].key, KEY);
        }
    }
    let log = log::so_far();
    assert!(log.contains("asking the provider again"), "nothing was logged");
    assert!(!log.contains(KEY), "the log shows the key");
}
