//! Fields that carry secrets and that nobody needs: who selects one is counted (api-applications §0).

use super::{super::visit::Visit, check::Selected};

const FIELDS: [&str; 4] = ["kube_config", "instanceStatuses", "env", "vmSpec"];

/// Counts every such field of a request.
pub fn count(visit: &mut Visit<'_>, selected: &[Selected]) {
    for field in selected {
        if FIELDS.contains(&field.name.as_str()) {
            visit.state.ledger.secret_selections.entry(field.name.clone()).or_default().add(visit.now);
        }
        count(visit, &field.children);
    }
}
