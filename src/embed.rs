//! Files compiled into the binary, so that one file is all an engineer carries.

/// The message catalogue, one file per module: `(module, content)`.
pub const MESSAGES: &[(&str, &str)] = &[
    ("cli", include_str!("../templates/messages/cli.toml")),
    ("clients", include_str!("../templates/messages/clients.toml")),
    ("engine", include_str!("../templates/messages/engine.toml")),
    ("failure", include_str!("../templates/messages/failure.toml")),
    ("plan", include_str!("../templates/messages/plan.toml")),
    ("report", include_str!("../templates/messages/report.toml")),
    ("sim", include_str!("../templates/messages/sim.toml")),
    ("stages", include_str!("../templates/messages/stages.toml")),
    ("ui", include_str!("../templates/messages/ui.toml")),
];

/// The cell map of the planning workbook.
pub const WORKBOOK: &str = include_str!("../templates/workbook.toml");

/// The rules of the plan: ids, severities and words.
pub const RULES: &str = include_str!("../templates/rules.toml");

/// The blank planning workbook.
pub const TEMPLATE: &str = include_str!("../templates/template.toml");

/// The manifests of the runbook, in order.
pub const STAGES: &[(&str, &str)] = &[
    ("01-prepare", include_str!("../stages/01-prepare.toml")),
    ("02-init-cluster", include_str!("../stages/02-init-cluster.toml")),
    ("03-config-cluster", include_str!("../stages/03-config-cluster.toml")),
    ("04-deploy-cloudtower", include_str!("../stages/04-deploy-cloudtower.toml")),
    ("05-attach-cluster", include_str!("../stages/05-attach-cluster.toml")),
    ("06-config-cloudtower", include_str!("../stages/06-config-cloudtower.toml")),
    ("07-verify", include_str!("../stages/07-verify.toml")),
    ("08-deploy-observability", include_str!("../stages/08-deploy-observability.toml")),
    ("09-deploy-backup", include_str!("../stages/09-deploy-backup.toml")),
    ("10-deploy-packages", include_str!("../stages/10-deploy-packages.toml")),
    ("11-inspect", include_str!("../stages/11-inspect.toml")),
    ("14-handover", include_str!("../stages/14-handover.toml")),
];

/// The name grammar of the VM tools image.
pub const VM_TOOLS_PACKAGE: &str = include_str!("../templates/packages/vmtools.toml");

/// The name grammar of the Observability package.
pub const OBSERVABILITY_PACKAGE: &str = include_str!("../templates/packages/observability.toml");

/// The GraphQL documents of CloudTower: `(operation name, text)` (graphql-operations).
pub const GRAPHQL: &[(&str, &str)] = &[
    ("checkTowerIsSetup", include_str!("../templates/graphql/checkTowerIsSetup.graphql")),
    (
        "createBundleApplicationInstance",
        include_str!("../templates/graphql/createBundleApplicationInstance.graphql"),
    ),
    (
        "cloudTowerApplicationPackages",
        include_str!("../templates/graphql/cloudTowerApplicationPackages.graphql"),
    ),
    ("createBackupService", include_str!("../templates/graphql/createBackupService.graphql")),
    ("createUploadTask", include_str!("../templates/graphql/createUploadTask.graphql")),
    ("getBackupServices", include_str!("../templates/graphql/getBackupServices.graphql")),
    ("updateBackupService", include_str!("../templates/graphql/updateBackupService.graphql")),
    (
        "uploadCloudTowerApplicationPackage",
        include_str!("../templates/graphql/uploadCloudTowerApplicationPackage.graphql"),
    ),
    ("createOrganization", include_str!("../templates/graphql/createOrganization.graphql")),
    ("createRootUser", include_str!("../templates/graphql/createRootUser.graphql")),
    ("deployedLicense", include_str!("../templates/graphql/deployedLicense.graphql")),
    ("globalAlertRules", include_str!("../templates/graphql/globalAlertRules.graphql")),
    ("login", include_str!("../templates/graphql/login.graphql")),
    (
        "observabilityInstanceAndApps",
        include_str!("../templates/graphql/observabilityInstanceAndApps.graphql"),
    ),
    (
        "updateBundleApplicationInstanceConnectClusters",
        include_str!("../templates/graphql/updateBundleApplicationInstanceConnectClusters.graphql"),
    ),
    ("updateCloudTowerNtpUrl", include_str!("../templates/graphql/updateCloudTowerNtpUrl.graphql")),
    ("updateClusterSettings", include_str!("../templates/graphql/updateClusterSettings.graphql")),
    ("updateGlobalAlertRule", include_str!("../templates/graphql/updateGlobalAlertRule.graphql")),
    (
        "updateObservabilityConnectedClusterTrafficEnabled",
        include_str!("../templates/graphql/updateObservabilityConnectedClusterTrafficEnabled.graphql"),
    ),
    (
        "updateObservabilityConnectedSystemServices",
        include_str!("../templates/graphql/updateObservabilityConnectedSystemServices.graphql"),
    ),
    ("updateObservabilityNtpUrl", include_str!("../templates/graphql/updateObservabilityNtpUrl.graphql")),
];

/// The name grammar of the CloudTower installation image.
pub const CLOUDTOWER_PACKAGE: &str = include_str!("../templates/packages/cloudtower.toml");

/// The name grammar of the backup service's package.
pub const BACKUP_PACKAGE: &str = include_str!("../templates/packages/backup.toml");

/// The name grammars of the packages that are sent and not installed.
pub const EVEROUTE_PACKAGE: &str = include_str!("../templates/packages/everoute.toml");
pub const FILE_STORAGE_PACKAGE: &str = include_str!("../templates/packages/file-storage.toml");
pub const KUBERNETES_PACKAGE: &str = include_str!("../templates/packages/kubernetes.toml");

/// The monitoring views and graphs that every cluster gets.
pub const DASHBOARDS: &str = include_str!("../templates/dashboards.toml");

/// The alert rules of CloudTower as a system service of Observability.
pub const ALERT_RULES: &str = include_str!("../templates/observability/alert-rules.toml");

/// The configuration's defaults: the commented example is the default.
pub const CONFIG: &str = include_str!("../examples/voyager.toml");

/// CloudTower's official request schemas, as far as stages 04–07 use them: a cut of the OpenAPI document.
pub const TOWER_OPENAPI: &str = include_str!("../templates/contract/cloudtower.openapi.json");

/// What is known of CloudTower's GraphQL schema, in schema definition language.
pub const TOWER_GRAPHQL: &str = include_str!("../templates/contract/cloudtower.graphql");

/// The style sheet of the acceptance page.
pub const REPORT_STYLE: &str = include_str!("../templates/reports/acceptance.css");

/// The version and the items that the inspector knows.
pub const INSPECTION_CONTRACT: &str = include_str!("../templates/contract/inspection.json");

/// What an inspection looks at, and what its report tells of.
pub const INSPECTION: &str = include_str!("../templates/inspection.toml");

/// What associating CloudTower with Observability carries, as the simulated CloudTower checks it.
pub const OBSERVABILITY_CONTRACT: &str = include_str!("../templates/contract/observability.json");
