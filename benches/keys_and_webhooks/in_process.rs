//! The emulator in this process, with or without authentication.

use std::sync::Arc;

use tokio::net::TcpListener;
use voucherify_emulator::app;
use voucherify_emulator::clock::Clock;
use voucherify_emulator::config::Config;
use voucherify_emulator::db::pool::{Pool, PoolSettings};
use voucherify_emulator::db::session::Database;
use voucherify_emulator::domain::credential::Family;
use voucherify_emulator::domain::database_schema::DatabaseSchema;
use voucherify_emulator::http::{ConnectionLimits, HttpServer};
use voucherify_emulator::metrics::ConnectionGauge;
use voucherify_emulator::service::authenticator::{Authenticator, RequestCredentials};

/// Serves until the process is killed. `settings` are `authenticated` or `open`, a space, and the URL of the database.
pub fn serve(settings: &str) {
    let (mode, url) = settings.split_once(' ').unwrap();
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let database = Database::new(url.parse().unwrap(), DatabaseSchema::default());
        let pool = Pool::new(database, PoolSettings::default());
        let mut app = app::app(&Config::default(), Clock::System, pool, &address.into()).await.unwrap();
        let keys = RequestCredentials::Pair { family: Family::Server, id: "bench", token: "bench" };
        let principal = app.authenticator.authenticate(&app.core, keys).await.unwrap().unwrap();
        if mode == "open" {
            app.authenticator = Authenticator::with_auth_disabled(principal);
        }
        println!("ready on http://{address}");
        let _server = HttpServer::start(
            vec![listener],
            app::service(&Config::default(), Arc::new(app), &address.into()),
            ConnectionLimits::default(),
            ConnectionGauge::default(),
            None,
        );
        std::future::pending::<()>().await;
    });
}
