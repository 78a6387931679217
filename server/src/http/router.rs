//! The table of routes.

use axum::Router;
use axum::middleware;
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;

use super::{admin, dispatch, health, login, observe, read_out};
use crate::app::App;
use crate::replication;

/// All that the server answers. Package protocols have paths of their own making, so what no route
/// here matches goes to the dispatcher.
pub(crate) fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/login/{id}", get(login::show).post(login::submit))
        .nest("/api/v1", admin::routes())
        .merge(replication::routes())
        .fallback(dispatch::dispatch)
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn(read_out::read_out))
        .layer(middleware::from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}
