//! The SSH side of the simulated hosts.

use std::{net::Ipv4Addr, sync::Arc};

use super::{site::Site, wire::Wire};

/// Serves one SSH connection to the planned `address`.
pub async fn serve(wire: Wire, site: Arc<Site>, address: Ipv4Addr) {
    let _ = (wire, site, address);
}
