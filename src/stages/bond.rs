//! The plan's bond modes in the words of the cluster API.

use crate::{clients::fisheye, plan::model};

/// The mode as the client knows it, which picks the name per call (api-fisheye §9-6).
pub fn on_the_wire(mode: model::BondMode) -> fisheye::BondMode {
    match mode {
        model::BondMode::ActiveBackup => fisheye::BondMode::ActiveBackup,
        model::BondMode::BalanceSlb => fisheye::BondMode::BalanceSlb,
        model::BondMode::BalanceTcp => fisheye::BondMode::Lacp,
    }
}
