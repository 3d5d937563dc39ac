//! The table of operations: path, what a strict server asks of the request, who answers.

use super::{
    super::{
        durations::Durations,
        exchange::{Call, Outcome},
    },
    Visit, deployment, jobs, network, scan, sessions, settings, storage, vms, volumes,
};

/// What a request must carry to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The fixed token, before and during deployment.
    Fixed,
    /// Nothing, but only on a member.
    None,
    /// A session, only on a member.
    Session,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// Nothing; a GET may carry `{}`.
    Empty,
    Json,
    Multipart,
    /// Not documented: anything.
    Free,
}

#[derive(Clone, Copy)]
pub struct Route {
    /// The stable name that faults, holds and the ledger use.
    pub operation: &'static str,
    pub method: &'static str,
    /// `{}` stands for one segment.
    pub path: &'static str,
    pub changing: bool,
    pub token: Token,
    pub body: BodyKind,
    /// Exactly these query parameters.
    pub query: &'static [&'static str],
    /// Site seconds until the answer.
    pub delay: fn(&Durations) -> f64,
    pub run: fn(&mut Visit<'_>) -> Outcome,
}

type Run = fn(&mut Visit<'_>) -> Outcome;

const fn read(operation: &'static str, path: &'static str, run: Run) -> Route {
    Route {
        operation,
        method: "GET",
        path,
        changing: false,
        token: Token::Session,
        body: BodyKind::Empty,
        query: &[],
        delay: |_| 0.0,
        run,
    }
}

const fn write(operation: &'static str, method: &'static str, path: &'static str, run: Run) -> Route {
    Route { method, changing: true, body: BodyKind::Json, ..read(operation, path, run) }
}

impl Route {
    const fn token(self, token: Token) -> Self {
        Self { token, ..self }
    }

    const fn query(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }

    const fn body(self, body: BodyKind) -> Self {
        Self { body, ..self }
    }

    const fn delay(self, delay: fn(&Durations) -> f64) -> Self {
        Self { delay, ..self }
    }

    /// The `{}` segments when the path fits.
    fn matches(&self, path: &str) -> Option<Vec<String>> {
        let (mut wanted, mut given) = (self.path.split('/'), path.split('/'));
        let mut params = Vec::new();
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return Some(params),
                (Some("{}"), Some(value)) if !value.is_empty() => params.push(value.to_owned()),
                (Some(wanted), Some(given)) if wanted == given => {}
                _ => return None,
            }
        }
    }
}

const CHUNK_QUERY: &[&str] = &["zbs_volume_id", "chunk_num", "image_uuid"];

#[rustfmt::skip] // a table reads better with one operation per entry
const ROUTES: &[Route] = &[
    read("fisheye.scan.host", "/api/v2/deployment/host", scan::host)
        .token(Token::Fixed).delay(|d| d.host_scan),
    read("fisheye.scan.cluster", "/api/v2/deployment/cluster", scan::cluster)
        .token(Token::Fixed).delay(|d| d.host_scan),
    write("fisheye.deploy", "POST", "/api/v2/deployment/cluster", deployment::deploy)
        .token(Token::Fixed).delay(|d| d.deploy_answer),
    read("fisheye.deploy.status", "/api/v2/deployment/host/deploy_status", deployment::status)
        .token(Token::Fixed).query(&["host_ip"]),
    read("fisheye.deploy.verify", "/api/v2/deployment/deploy_verify", deployment::verify)
        .token(Token::Fixed),
    write("fisheye.setup_root", "POST", "/api/v3/users:setupRoot", sessions::setup_root)
        .token(Token::None),
    Route { changing: false, ..write("fisheye.sessions", "POST", "/api/v3/sessions", sessions::open) }
        .token(Token::None),
    read("fisheye.job", "/api/v2/jobs/{}", jobs::show),
    write("fisheye.vip", "PUT", "/api/v2/settings/vip", settings::vip),
    write("fisheye.dns", "PUT", "/api/v2/settings/dns", settings::dns),
    write("fisheye.ntp", "PUT", "/api/v2/settings/ntp", settings::ntp),
    write("fisheye.ipmi", "POST", "/api/v2/ipmi/upsert_accounts", settings::ipmi),
    read("fisheye.licence", "/api/v2/tools/license", settings::licence),
    read("fisheye.vds.list", "/api/v2/network/vds", network::list),
    read("fisheye.vds.detail", "/api/v2/network/vds/{}", network::detail),
    write("fisheye.vds.create", "POST", "/api/v2/network/vds", network::create),
    read("fisheye.vlan.list", "/api/v2/network/vds/{}/vlans", network::vlans),
    write("fisheye.vlan.create", "POST", "/api/v2/network/vds/{}/vlans", network::create_vlan)
        .delay(|d| d.vlan_create),
    read("fisheye.cpu.recommended", "/api/v2/elf/cluster_recommended_cpu_models", settings::cpu_models),
    read("fisheye.cpu.read", "/api/v2/elf/cluster_cpu_compatibility", settings::cpu_model),
    write("fisheye.cpu.write", "PUT", "/api/v2/elf/cluster_cpu_compatibility", settings::set_cpu_model)
        .delay(|d| d.cpu_model),
    write("fisheye.svt.create_volume", "POST", "/api/v2/svt_image/create_volume", volumes::create_svt)
        .body(BodyKind::Empty).query(&["name", "size"]),
    write("fisheye.svt.upload_template", "POST", volumes::SVT_CHUNK, volumes::chunk)
        .body(BodyKind::Multipart).query(CHUNK_QUERY).delay(|d| d.chunk),
    read("fisheye.image.list", "/api/v2/images", volumes::images),
    write("fisheye.image.create", "POST", "/api/v2/images/upload/volume", volumes::create_image)
        .body(BodyKind::Empty).query(&["name", "size", "description", "device", "task_id"]),
    write("fisheye.image.chunk", "POST", volumes::IMAGE_CHUNK, volumes::chunk)
        .body(BodyKind::Multipart).query(CHUNK_QUERY).delay(|d| d.chunk),
    write("fisheye.image.delete", "DELETE", "/api/v2/images/{}", volumes::delete)
        .body(BodyKind::Empty),
    read("fisheye.storage_policies", "/api/v2/storage_policies", storage::policies),
    read("fisheye.vm.list", "/api/v2/vms", vms::list),
    write("fisheye.vm.create", "POST", "/api/v2/vms", vms::create),
    read("fisheye.vm.detail", "/api/v2/vms/{}", vms::show),
    write("fisheye.vm.update", "PUT", "/api/v2/vms/{}", vms::set_network),
    write("fisheye.vm.start", "POST", "/api/v2/vms/{}/start", vms::start).body(BodyKind::Free),
    write("fisheye.vm.stop", "POST", "/api/v2/vms/{}/stop", vms::stop).body(BodyKind::Free),
    write("fisheye.vm.delete", "DELETE", "/api/v2/vms/{}", vms::delete),
];

/// The names that faults may use.
pub fn operations() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|route| route.operation)
}

/// Which operation a request is.
pub enum Found {
    Route(&'static Route, Vec<String>),
    WrongMethod,
    Unknown,
}

pub fn find(call: &Call) -> Found {
    let mut known = false;
    for route in ROUTES {
        if let Some(params) = route.matches(&call.path) {
            if route.method == call.method {
                return Found::Route(route, params);
            }
            known = true;
        }
    }
    if known { Found::WrongMethod } else { Found::Unknown }
}
