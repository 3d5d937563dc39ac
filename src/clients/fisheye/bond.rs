//! The bond modes and what each call names them (api-fisheye §3.4, §6.5, §9-6).

/// A planned bond mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BondMode {
    ActiveBackup,
    BalanceSlb,
    Lacp,
}

impl BondMode {
    /// The name in the deployment request.
    pub(super) fn on_deploy(self) -> &'static str {
        match self {
            Self::ActiveBackup => "active-backup",
            Self::BalanceSlb => "balance-slb",
            Self::Lacp => "balance-tcp",
        }
    }

    /// The names for a VDS in the order to try: one release refuses the first, another the second.
    pub(super) fn on_vds(self) -> &'static [&'static str] {
        match self {
            Self::ActiveBackup => &["active-backup"],
            Self::BalanceSlb => &["balance-slb"],
            Self::Lacp => &["balance-tcp", "lacp"],
        }
    }

    /// What a site's name means; `None` for a mode that no plan can ask for.
    pub fn of_site(name: &str) -> Option<Self> {
        match name {
            "active-backup" => Some(Self::ActiveBackup),
            "balance-slb" => Some(Self::BalanceSlb),
            "balance-tcp" | "lacp" => Some(Self::Lacp),
            _ => None,
        }
    }
}
