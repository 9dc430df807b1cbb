//! The fields of the second vendor's calls, which the contract does not describe by call.

use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::{DEFAULT_APP_ID, DEFAULT_APP_TOKEN};

use crate::support::TestEmulator;

/// The fields of every call, with those that a vendor documents and the emulator ignores.
const COMMON: [&str; 5] = ["output=JSON", "condensed=yes", "callback=", "API=1.6", "user_api_key="];
/// The fields of each type, in an order in which the calls succeed.
const TYPES: [(&str, &str); 3] = [
    (
        "record_customer",
        "customer_action=new&code=1&campaign_id=1&card_number=2&first_name=a&last_name=b&phone=3&email=c&street1=d\
         &street2=e&city=f&state=g&postal_code=4&country=h&custom_date=2024-01-01&custom_field=i&customer_username=j\
         &customer_password=k&new_code=&card_number_generate=",
    ),
    (
        "customer_info",
        "code=1&card_number=2&hide_custom_field=Y&include_balances=N&campaign_id=1&show_only_belong_to=Y",
    ),
    ("customer_delete", "code=1"),
];

#[tokio::test]
async fn the_documented_fields_of_each_type_are_known_and_others_are_refused() {
    let emulator = TestEmulator::with(Clock::System, |config| config.strict = true).await;
    let account = format!("user_id={DEFAULT_APP_ID}&user_password={DEFAULT_APP_TOKEN}&account_id=Sandbox%20Project");
    let caller = emulator.caller(&[]);
    for (kind, fields) in TYPES {
        let fields = format!("{account}&{}&type={kind}&{fields}", COMMON.join("&"));
        let refused = r#"{"status":"error","error":"Property .invented is unknown"}"#;
        let answer = caller.get(&format!("/stickystreet?{fields}&invented=1")).await.expect(200);
        assert_eq!(answer.text, refused, "{kind} by query");
        let answer = caller.form("/stickystreet/api.php", &format!("{fields}&invented=1")).await.expect(200);
        assert_eq!(answer.text, refused, "{kind} by form");
        let answer = caller.form("/stickystreet?invented=1", &fields).await.expect(200);
        assert_eq!(answer.text, refused, "{kind} by form with a query");
        let answer = caller.form("/stickystreet", &fields).await.expect(200);
        assert!(answer.text.starts_with(r#"{"status":"success""#), "{kind}: {}", answer.text);
    }
}
