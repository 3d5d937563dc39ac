//! The arguments of `createBackupService`, as §3.5 of api-applications has them.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub struct NewService {
    pub name: String,
    #[serde(rename = "entityAsyncStatus")]
    pub async_status: String,
    pub status: String,
    pub application: Application,
    pub kube_config: String,
    #[serde(flatten)]
    pub networks: Networks,
}

#[derive(Debug, Deserialize)]
pub struct Application {
    pub create: NewApplication,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewApplication {
    pub instances: Value,
    pub state: String,
    pub instance_statuses: Value,
    pub name: String,
    pub resource_version: i64,
    pub vm_spec: Value,
    pub target_package: String,
}

/// Every network field of a service, under the names that it is shown by.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Networks {
    pub storage_network_type: String,
    pub backup_network_type: String,
    pub management_network_gateway: Ipv4Addr,
    pub management_network_ip: Ipv4Addr,
    pub management_network_subnet_mask: Ipv4Addr,
    /// Ids of VM networks, not tags.
    pub management_network_vlan: String,
    pub storage_network_ip: Ipv4Addr,
    pub storage_network_subnet_mask: Ipv4Addr,
    pub storage_network_vlan: String,
    pub backup_network_gateway: Ipv4Addr,
    pub backup_network_ip: Ipv4Addr,
    pub backup_network_subnet_mask: Ipv4Addr,
    pub backup_network_vlan: String,
}

#[derive(Debug, Deserialize)]
pub struct Effect {
    pub running_cluster: String,
    pub running_host: String,
}

/// One address within its subnet.
#[derive(Clone, Copy)]
pub struct Place {
    pub ip: Ipv4Addr,
    pub mask: Ipv4Addr,
}

impl Place {
    /// Whether the mask is one, and the address neither the network's nor its broadcast address.
    pub fn is_host(self) -> bool {
        let mask = self.mask.to_bits();
        let contiguous = mask.leading_ones() + mask.trailing_zeros() == 32;
        let host = self.ip.to_bits() & !mask;
        contiguous && host != 0 && host != !mask
    }

    /// Whether another address lies in the same subnet.
    pub fn has(self, other: Ipv4Addr) -> bool {
        self.ip.to_bits() & self.mask.to_bits() == other.to_bits() & self.mask.to_bits()
    }
}

impl Networks {
    pub fn management(&self) -> Place {
        Place { ip: self.management_network_ip, mask: self.management_network_subnet_mask }
    }

    pub fn storage(&self) -> Place {
        Place { ip: self.storage_network_ip, mask: self.storage_network_subnet_mask }
    }

    /// Whether the backup network is the management network, field by field.
    pub fn backup_is_management(&self) -> bool {
        (
            self.backup_network_gateway,
            self.backup_network_ip,
            self.backup_network_subnet_mask,
            &self.backup_network_vlan,
        ) == (
            self.management_network_gateway,
            self.management_network_ip,
            self.management_network_subnet_mask,
            &self.management_network_vlan,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_knows_its_subnet() {
        let place = |ip: &str, mask: &str| Place { ip: ip.parse().unwrap(), mask: mask.parse().unwrap() };
        assert!(place("10.0.21.4", "255.255.255.0").is_host());
        assert!(place("10.0.21.4", "255.255.255.0").has([10, 0, 21, 200].into()));
        assert!(!place("10.0.21.4", "255.255.255.0").has([10, 0, 22, 4].into()));
        for (ip, mask) in [
            ("10.0.21.0", "255.255.255.0"),
            ("10.0.21.255", "255.255.255.0"),
            ("10.0.21.4", "255.0.255.0"),
            ("10.0.21.4", "255.255.255.255"),
        ] {
            assert!(!place(ip, mask).is_host(), "{ip}/{mask}");
        }
    }
}
