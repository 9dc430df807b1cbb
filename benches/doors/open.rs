//! The emulator in this process, with its own authority, or with one that asks for nothing.

use std::sync::Arc;

use tokio::net::TcpListener;
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::Config;
use voucherify_emulator::db::pool::{Pool, PoolSettings};
use voucherify_emulator::domain::credential::Family;
use voucherify_emulator::http::{self, JsonListener};
use voucherify_emulator::service::authority::{Authority, Presented};
use voucherify_emulator::{app, control};

/// Serves, with `how` being `asked` or `open` and the URL of the database, until it is killed.
pub fn serve(how: &str) {
    let (how, url) = how.split_once(' ').unwrap();
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let pool = Pool::new(url.parse().unwrap(), PoolSettings::default());
        let mut app = app::app(&Config::default(), Clock::System, pool, address).await.unwrap();
        let keys = Presented::Pair { family: Family::Server, id: "bench", token: "bench" };
        let principal = app.authority.resolve(&app.core, keys).await.unwrap().unwrap();
        if how == "open" {
            app.authority = Authority::open_to(principal);
        }
        println!("ready on http://{address}");
        axum::serve(JsonListener(listener), http::router(Arc::new(app), control::routes())).await.unwrap();
    });
}
