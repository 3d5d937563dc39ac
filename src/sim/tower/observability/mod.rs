//! The simulated Observability service (api-applications §2): its package, its instance and what that is told.

mod clusters;
mod end_state;
mod instances;
mod knobs;
mod machine;
mod operator;
mod packages;
mod placement;
mod services;
mod uploads;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::{instances::Instance, knobs::ErrorCode, packages::Package, uploads::Upload};
pub use self::{
    knobs::{ObservabilityFate, ObservabilityQuirks, ObservabilityVariants},
    operator::{Operation, chunk_number, run},
};
use super::{
    super::{appended::Appended, clock::Moment, fault::Action, random, site::State},
    graphql::Asked,
    visit::Visit,
};

/// KSUIDs (site-behaviour §12).
const KSUID: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What the operator and its instances remember.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Observability {
    /// In order of their creation.
    uploads: Vec<Upload>,
    packages: Vec<Package>,
    instances: Vec<Instance>,
    /// How many of the scenario's packages and instances are there.
    found: (usize, usize),
    /// KSUIDs given out so far.
    drawn: u64,
}

impl Observability {
    pub(super) fn growing_uploads(&mut self) -> impl Iterator<Item = (String, &mut Appended)> {
        let open = self.uploads.iter_mut().filter(|upload| !upload.committed);
        open.map(|upload| (upload.id.clone(), &mut upload.bytes))
    }
}

/// The names that faults may use.
pub fn operations() -> impl Iterator<Item = &'static str> {
    Operation::ALL.into_iter().map(|operation| operation.name().0)
}

impl State {
    /// A new identifier of the kind that the operator gives.
    fn new_ksuid(&mut self) -> String {
        self.tower.observability.drawn += 1;
        let number = self.tower.observability.drawn.to_string();
        random::text(self.seed(), KSUID, 27, &["ksuid", &self.twin_id, &number])
    }

    /// What the scenario wants to be found; a site that lives already may be given more.
    fn install_observability(&mut self, now: Moment) {
        let quirks = &self.quirks.tower.observability;
        let (packages, instances) = (quirks.packages.len(), quirks.instances.len());
        if self.tower.installation.is_some() && self.tower.observability.found != (packages, instances) {
            self.install_packages(now);
            self.install_instances(now);
            self.tower.observability.found = (packages, instances);
        }
    }
}

impl Visit<'_> {
    /// What a fault does to what this request begins.
    fn observability_fate(&self) -> Option<ObservabilityFate> {
        self.course.actions.iter().find_map(|action| match action {
            Action::Observability(fate) => Some(*fate),
            _ => None,
        })
    }

    /// Refuses a mutation that keeps to the schema and breaks the contract all the same.
    fn against_contract(&mut self, what: impl Into<String>) -> String {
        let what = what.into();
        self.state.breach(self.now, self.call.address, "POST /api", &what);
        what
    }
}

/// Why a checked document is not answered here although the schema has all of it. Nobody can know in advance, so
/// asking is no breach.
pub fn unknown_field(state: &State, asked: &Asked) -> Option<String> {
    let variant = state.variants.tower.observability.error_code;
    let selects = |asked: &Asked| {
        let roots = asked.roots.iter().filter(|root| root.name == "bundleApplicationInstances");
        roots.flat_map(|root| &root.children).any(|child| child.name == "error_code")
    };
    (variant == ErrorCode::Unknown && selects(asked))
        .then(|| "Cannot query field \"error_code\" on type \"BundleApplicationInstance\".".to_owned())
}

/// The value of a root field of this service; none: it is another's. Errors: the message of `errors`.
pub fn resolve(
    visit: &mut Visit<'_>,
    name: &str,
    arguments: &Map<String, Value>,
) -> Option<Result<Value, String>> {
    let none = Value::Null;
    let argument = |name: &str| arguments.get(name).unwrap_or(&none);
    Some(match name {
        "bundleApplicationPackages" => Ok(json!(visit.state.bundle_rows(visit.now))),
        "bundleApplicationInstances" => Ok(json!(visit.state.instance_rows(visit.now))),
        "createBundleApplicationInstance" => instances::create(visit, argument("data")),
        "updateObservabilityNtpUrl" => clusters::set_ntp(visit, argument("where"), argument("data")),
        "updateBundleApplicationInstanceConnectClusters" => {
            clusters::connect(visit, argument("where"), argument("data"))
        }
        "updateObservabilityConnectedClusterTrafficEnabled" => {
            clusters::set_traffic(visit, argument("where"), argument("data"))
        }
        "updateObservabilityConnectedSystemServices" => {
            let name = argument("ovm_name").as_str().unwrap_or_default();
            services::associate(visit, name, argument("connected_system_services"))
        }
        _ => return None,
    })
}
