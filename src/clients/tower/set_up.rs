//! First-run set-up: readiness, the root user, the organization, NTP, the licence (api-cloudtower §3,
//! graphql-operations §2).

use jiff::Timestamp;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Named, Tower, TowerReader, graphql,
    rest::{self, Made},
};
use crate::{
    clients::{http::Answer, lenient, problem::Problem, retry::Auth},
    failure::Result,
    messages::message,
    text::Text,
};

/// `createRootUser.root_password` for `HC!r0cks`: the only password whose encoding is known (§1.3).
const ENCODED_DEFAULT: &str = "NzllNTE3NTgxYWY5NDY3ODM4ZTczMTg1MDc4YmM3YzQ6eVpSSTlodUNxNDBNL3J4ZTViZ1dqZz09";

/// Whether CloudTower answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Its version.
    Ready(String),
    /// Nothing listens, or nginx shows its own pages: why.
    NotYet(Text),
}

/// How far the first-run set-up went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetUp {
    pub root_created: bool,
    /// At most one of them, which may hide another.
    pub organizations: Vec<Named>,
}

/// CloudTower's own licence.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Licence {
    #[serde(rename = "license_serial", deserialize_with = "lenient::text")]
    pub serial: String,
    /// `TRIAL`, `SUBSCRIPTION` or `PERPETUAL`.
    #[serde(rename = "type", default, deserialize_with = "lenient::text")]
    pub kind: String,
    #[serde(rename = "software_edition", default, deserialize_with = "lenient::text")]
    pub edition: String,
    /// ISO text.
    #[serde(rename = "expire_date", default, deserialize_with = "lenient::text")]
    pub expires: String,
}

impl TowerReader {
    /// One look at whether the API answers (§2); needs no account.
    ///
    /// # Errors
    /// Something answers that is not trusted, or the transcript cannot be written.
    pub async fn readiness(&self) -> Result<Readiness> {
        let doing = message("clients.tower.version", &[]);
        let call = rest::read_bare("tower.get-version", doing, Method::GET).polled();
        let result = self.http.call(&call, &self.site.route, Auth::None, rest::body::<String>).await;
        match result {
            Ok(version) => Ok(Readiness::Ready(version)),
            Err(problem @ (Problem::NotSent { .. } | Problem::Lost { .. } | Problem::Refused(_))) => {
                Ok(Readiness::NotYet(Text::same(problem.words(self.http.wire().redactor()))))
            }
            Err(problem) => self.told(&call, Err(problem)),
        }
    }

    /// What exists of the first-run set-up; needs no account.
    pub async fn check_set_up(&self) -> Result<SetUp> {
        #[derive(Deserialize)]
        struct Reply {
            #[serde(default, deserialize_with = "lenient::list")]
            organizations: Vec<Named>,
            #[serde(rename = "userCreated")]
            user_created: Created,
        }
        #[derive(Deserialize)]
        struct Created {
            #[serde(deserialize_with = "lenient::flag")]
            created: bool,
        }
        let doing = message("clients.tower.check_set_up", &[]);
        let read = |answer: &Answer| {
            let data = graphql::data(answer)?;
            serde_json::from_value::<Reply>(data).map_err(|why| Problem::unreadable(answer, why))
        };
        let call = graphql::query("tower.checkTowerIsSetup", doing, &json!({}));
        let reply = self.call_openly(call, read).await?;
        Ok(SetUp { root_created: reply.user_created.created, organizations: reply.organizations })
    }

    /// The NTP servers of CloudTower itself; none before any was set.
    pub async fn ntp_servers(&self) -> Result<Vec<String>> {
        let doing = message("clients.tower.ntp", &[]);
        let call = rest::read_bare("tower.get-ntp-service-url", doing, Method::POST);
        Ok(self.call(call, rest::body::<NtpUrl>).await?.servers())
    }

    /// The licence of this CloudTower; `None` while it has none.
    pub async fn licence(&self) -> Result<Option<Licence>> {
        #[derive(Deserialize)]
        struct Deploy {
            #[serde(default)]
            license: Option<Licence>,
        }
        let doing = message("clients.tower.licence", &[]);
        let call = graphql::query("tower.deployedLicense", doing, &json!({}));
        let deploys = self.call(call, |answer| graphql::root::<Vec<Deploy>>(answer, "deploys")).await?;
        Ok(deploys.into_iter().find_map(|deploy| deploy.license).filter(|licence| !licence.serial.is_empty()))
    }
}

impl Tower {
    /// Creates the account `root` with the default password by the captured route. One that exists already is no
    /// failure: the next login tells whose it is.
    pub async fn create_default_root(&self, now: Timestamp) -> Result<()> {
        #[derive(Serialize)]
        struct Variables {
            root_password: &'static str,
            now: String,
        }
        let variables = Variables {
            root_password: ENCODED_DEFAULT,
            now: now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        };
        let doing = message("clients.tower.create_root", &[]);
        let call = graphql::mutation("tower.createRootUser", doing, &variables);
        let result = self.http.call(&call, &self.site.route, Auth::None, read_id("createUser")).await;
        self.leave().await;
        self.told(&call, unless_exists(result))
    }

    /// Creates the account `root` with the planned password, in clear text by REST. `false`: this CloudTower
    /// refuses the call; nothing happened.
    pub async fn create_planned_root(&self) -> Result<bool> {
        #[derive(Serialize)]
        struct Body<'a> {
            password: &'a str,
        }
        let body = Body { password: self.site.session.planned.expose() };
        let doing = message("clients.tower.create_root", &[]);
        let call = rest::write("tower.create-root-user", doing, &body);
        let result = self.http.call(&call, &self.site.route, Auth::None, rest::made).await;
        self.leave().await;
        match result {
            Ok(_) => Ok(true),
            Err(problem) if rest::is_starting(&problem) => self.told(&call, Err(problem)),
            // Asking for time is no refusal of the call.
            Err(Problem::Refused(refused))
                if (400..500).contains(&refused.status) && !matches!(refused.status, 408 | 429) =>
            {
                Ok(false)
            }
            Err(problem) => self.told(&call, Err(problem)),
        }
    }

    /// Creates the organization; one that exists already is no failure.
    pub async fn create_organization(&self, name: &str) -> Result<()> {
        let doing = message("clients.tower.create_organization", &[("name", &name)]);
        let variables = json!({"data": {"name": name}});
        let call = graphql::mutation("tower.createOrganization", doing, &variables);
        let result = self.call_raw(&call, read_id("createOrganization")).await;
        self.told(&call, unless_exists(result))
    }

    /// Sets the NTP servers of CloudTower itself.
    pub async fn set_ntp_servers(&self, servers: &[String]) -> Result<()> {
        let doing = message("clients.tower.set_ntp", &[]);
        let variables = json!({"data": {"ntp_service_url": servers.join(",")}});
        let call = graphql::mutation("tower.updateCloudTowerNtpUrl", doing, &variables);
        self.call(call, |answer| graphql::root::<NtpUrl>(answer, "updateCloudTowerNtpUrl")).await.map(drop)
    }
}

#[derive(Deserialize)]
struct NtpUrl {
    /// Without it the answer is somebody else's, and does not say that there are none.
    #[serde(deserialize_with = "lenient::text")]
    ntp_service_url: String,
}

impl NtpUrl {
    /// Sent with `,`, answered with `;`.
    fn servers(&self) -> Vec<String> {
        let parts = self.ntp_service_url.split([',', ';']).map(str::trim);
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }
}

fn read_id(root: &'static str) -> impl Fn(&Answer) -> Result<Made, Problem> {
    move |answer| {
        let made = graphql::root::<Named>(answer, root)?;
        Ok(Made { id: Some(made.id), task_id: None })
    }
}

fn unless_exists(result: Result<Made, Problem>) -> Result<(), Problem> {
    match result {
        Err(problem) if graphql::exists_already(&problem) => Ok(()),
        result => result.map(drop),
    }
}
