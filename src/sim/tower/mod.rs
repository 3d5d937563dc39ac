//! The simulated CloudTower service (api-cloudtower, graphql-operations; site-behaviour §7).

mod handle;
mod phase;

pub use handle::handle;
