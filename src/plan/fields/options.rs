//! The cluster's options: features, storage and network architecture (planning-sheet 4.6).

use super::{Parsed, Reject};
use crate::plan::model::{Feature, NetworkArchitecture, StorageArchitecture};

/// 集群功能启用: tokens in any order; `None` stands alone.
pub fn features(text: &str) -> Parsed<Vec<Feature>> {
    let separator =
        |c: char| matches!(c, '+' | ',' | ';' | '/' | '\\' | '|' | '，' | '；' | '、') || c.is_whitespace();
    let (mut features, mut none) = (Vec::new(), false);
    for token in text.split(separator).filter(|token| !token.is_empty()) {
        let feature = match token.to_ascii_lowercase().as_str() {
            "boost" | "vhost" => Feature::Boost,
            "rdma" => Feature::Rdma,
            "none" => {
                none = true;
                continue;
            }
            _ => return Err(Reject::because("PLAN-303", token)),
        };
        if !features.contains(&feature) {
            features.push(feature);
        }
    }
    if none && !features.is_empty() {
        return Err(Reject::because("PLAN-303", "None"));
    }
    Ok(features)
}

/// 存储架构: `全闪` alone does not say whether it is tiered.
pub fn storage_architecture(text: &str) -> Parsed<StorageArchitecture> {
    match without(text, &[' ', '-', '－', '—']).as_str() {
        "全闪不分层" | "不分层" => Ok(StorageArchitecture::Untiered),
        "混闪分层" | "混闪" | "分层" | "全闪分层" => Ok(StorageArchitecture::Tiered),
        _ => Err(Reject::new("PLAN-305")),
    }
}

/// 网络架构: 三网融合 is known and refused (PLAN-222).
pub fn network_architecture(text: &str) -> Parsed<NetworkArchitecture> {
    match without(text, &[' ', '、', '/', ',']).as_str() {
        "三网独立" => Ok(NetworkArchitecture::Separate),
        "存储独立" | "管理&业务融合存储独立" | "管理业务融合存储独立" | "管理&业务融合" => {
            Ok(NetworkArchitecture::StorageSeparate)
        }
        "三网融合" => Err(Reject::new("PLAN-222")),
        _ => Err(Reject::new("PLAN-221")),
    }
}

fn without(text: &str, dropped: &[char]) -> String {
    text.chars().filter(|c| !dropped.contains(c) && !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_tokens_and_none_stands_alone() {
        assert_eq!(features("Boost").unwrap(), [Feature::Boost]);
        assert_eq!(features("vhost").unwrap(), [Feature::Boost]);
        assert_eq!(features("RDMA+Boost").unwrap(), [Feature::Rdma, Feature::Boost]);
        assert_eq!(features("none").unwrap(), []);
        assert_eq!(features("").unwrap(), []);
        for text in ["None+Boost", "Turbo", "Boost,fast"] {
            assert_eq!(features(text).unwrap_err().rule, "PLAN-303", "{text}");
        }
    }

    #[test]
    fn untiered_is_recognised_before_tiered() {
        for text in ["混闪-分层", "混闪", "分层", "全闪-分层", "全闪 分层"] {
            assert_eq!(storage_architecture(text), Ok(StorageArchitecture::Tiered), "{text}");
        }
        for text in ["全闪-不分层", "不分层"] {
            assert_eq!(storage_architecture(text), Ok(StorageArchitecture::Untiered), "{text}");
        }
        for text in ["全闪", "tiered", "混合"] {
            assert!(storage_architecture(text).is_err(), "{text}");
        }
    }

    #[test]
    fn three_networks_in_one_are_refused_by_name() {
        assert_eq!(network_architecture("三网独立"), Ok(NetworkArchitecture::Separate));
        for text in ["存储独立", "管理&业务融合、存储独立", "管理业务融合/存储独立", "管理&业务融合"]
        {
            assert_eq!(network_architecture(text), Ok(NetworkArchitecture::StorageSeparate), "{text}");
        }
        assert_eq!(network_architecture("三网融合").unwrap_err().rule, "PLAN-222");
        assert_eq!(network_architecture("四网").unwrap_err().rule, "PLAN-221");
    }
}
