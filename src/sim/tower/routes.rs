//! The table of REST operations: what each needs and who answers.

use super::{
    accounts, alerts, applications, boards, clusters, denied::Outcome, graphql, inspector, networks,
    observability, organizations, racks, settings, setup, tables::Table, visit::Visit,
};

#[derive(Clone, Copy)]
pub enum Run {
    List(Table),
    Act(fn(&mut Visit<'_>) -> Outcome),
}

#[derive(Clone, Copy)]
pub struct Route {
    /// The stable name that faults, holds and the ledger use: `tower.` and the operation of the path.
    pub operation: &'static str,
    pub method: &'static str,
    pub changing: bool,
    /// Open without a token (api-cloudtower §1.1).
    pub open: bool,
    /// Its body is a form, not JSON.
    pub form: bool,
    pub run: Run,
}

impl Route {
    /// The operation as the path has it.
    pub fn name(&self) -> &'static str {
        self.operation.trim_start_matches("tower.")
    }

    const fn open(self) -> Self {
        Self { open: true, ..self }
    }

    const fn form(self) -> Self {
        Self { form: true, ..self }
    }
}

const fn list(operation: &'static str, table: Table) -> Route {
    Route { operation, method: "POST", changing: false, open: false, form: false, run: Run::List(table) }
}

const fn act(operation: &'static str, run: fn(&mut Visit<'_>) -> Outcome) -> Route {
    Route { operation, method: "POST", changing: true, open: false, form: false, run: Run::Act(run) }
}

const fn ask(operation: &'static str, run: fn(&mut Visit<'_>) -> Outcome) -> Route {
    Route { changing: false, ..act(operation, run) }
}

#[rustfmt::skip] // a table reads better with one operation per line
const ROUTES: &[Route] = &[
    ask("tower.login", accounts::login).open(),
    Route { method: "GET", ..ask("tower.get-version", setup::version).open() },
    act("tower.create-root-user", accounts::create_root_user).open(),
    list("tower.get-users", Table::Users),
    act("tower.update-user", accounts::update_user),
    list("tower.get-organizations", Table::Organizations),
    act("tower.create-organization", organizations::create),
    list("tower.get-datacenters", Table::Datacenters),
    act("tower.create-datacenter", organizations::create_datacenter),
    ask("tower.get-ntp-service-url", setup::ntp_service_url),
    list("tower.get-licenses", Table::Licenses),
    list("tower.get-deploys", Table::Deploys),
    act("tower.connect-cluster", clusters::connect),
    act("tower.update-cluster", clusters::update),
    list("tower.get-clusters", Table::Clusters),
    list("tower.get-cluster-settingses", Table::ClusterSettings),
    act("tower.update-cluster-ha-setting", settings::set_ha),
    list("tower.get-hosts", Table::Hosts),
    list("tower.get-vdses", Table::Vdses),
    list("tower.get-vlans", Table::Vlans),
    list("tower.get-vms", Table::Vms),
    list("tower.get-tasks", Table::Tasks),
    list("tower.get-views", Table::Views),
    act("tower.create-view", boards::create_view),
    list("tower.get-graphs", Table::Graphs),
    act("tower.create-graph", boards::create_graph),
    list("tower.get-global-alert-rules", Table::GlobalAlertRules),
    list("tower.get-alert-rules", Table::AlertRules),
    act("tower.update-customize-alert-rule", alerts::customize),
    list("tower.get-cluster-topoes", Table::ClusterTopoes),
    list("tower.get-zone-topoes", Table::ZoneTopoes),
    list("tower.get-rack-topoes", Table::RackTopoes),
    act("tower.create-rack-topo", racks::create_rack),
    list("tower.get-brick-topoes", Table::BrickTopoes),
    act("tower.create-brick-topo", racks::create_brick),
    act("tower.move-brick-topo", racks::move_brick),
    list("tower.get-node-topoes", Table::NodeTopoes),
    act("tower.move-node-topo", racks::move_nodes),
    act("tower.create-vm-vlan", networks::create),
    act("tower.upload-cloudtower-application-package", applications::upload).form(),
    list("tower.get-upload-tasks", Table::UploadTasks),
    act("tower.cancel-upload-task", applications::cancel),
    list("tower.get-cloudtower-application-packages", Table::ApplicationPackages),
    list("tower.get-cloudtower-applications", Table::Applications),
    act("tower.deploy-cloudtower-application", applications::deploy),
    list("tower.get-everoute-packages", Table::EveroutePackages),
    list("tower.get-everoute-clusters", Table::EverouteClusters),
    list("tower.get-backup-services", Table::BackupServices),
];

/// The names that faults may use.
pub fn operations() -> impl Iterator<Item = &'static str> {
    let graphql = graphql::OPERATIONS.map(|(operation, _)| operation);
    ROUTES
        .iter()
        .map(|route| route.operation)
        .chain(graphql)
        .chain(inspector::operations())
        .chain(observability::operations())
}

/// The route of `/v2/api/<operation>`.
pub fn find(path: &str) -> Option<&'static Route> {
    let name = path.strip_prefix("/v2/api/")?;
    ROUTES.iter().find(|route| route.name() == name)
}
