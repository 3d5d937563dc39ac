//! The laptop's clock against the hosts' HTTP `Date`: the deployment sets the cluster's time from the laptop.

use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};

use super::report::Report;
use crate::{engine::handle::Handle, messages::message, plan::model::Host, stages::world::WorldRead, units};

/// Adds what is wrong with the clocks to the report. Hosts that do not answer are told of elsewhere.
pub(super) async fn compare(world: &WorldRead, handle: &Handle, report: &mut Report) {
    let cluster = world.cluster(handle);
    let looks = stream::iter(&world.plan.hosts)
        .map(|host| {
            let cluster = &cluster;
            async move { (host, skew(cluster.clock(host.mgmt_ip.value).await.ok().flatten())) }
        })
        .buffered(world.settings.parallel_hosts.max(1));
    let skews: Vec<(&Host, Option<SignedDuration>)> = looks.collect().await;
    for (host, skew) in skews {
        let Some(skew) = skew else { continue };
        let by = skew.unsigned_abs();
        let (name, ahead) = (&host.hostname.value, units::duration(by));
        let direction = if skew.is_negative() {
            message("stages.clock.behind", &[])
        } else {
            message("stages.clock.ahead", &[])
        };
        let text = message("stages.clock.skew", &[("host", name), ("by", &ahead), ("direction", &direction)]);
        if by > world.settings.clock_limit {
            report.errors.push(text);
        } else if by > world.settings.clock_warning {
            report.warnings.push(text);
        }
    }
}

/// How far a host is ahead of us. `Date` has whole seconds, which is far finer than what matters.
fn skew(date: Option<Timestamp>) -> Option<SignedDuration> {
    Some(date?.duration_since(Timestamp::now()))
}
