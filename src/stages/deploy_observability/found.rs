//! Which Observability is ours: recognised by id, address or name; where these contradict each other it is nobody's
//! to touch (api-applications §2.6, D5, D6).

use std::net::Ipv4Addr;

use crate::{
    clients::tower::{Instance, Observability},
    engine::{Fact, handle::Handle},
    failure::{Failure, Kind, Result},
    messages::message,
    plan::{Located, Plan},
    stages::world::WorldRead,
    text::Text,
};

/// The id of our Observability.
pub const INSTANCE: Fact<String> = Fact::new("observability");
/// What creating it answered.
pub const MADE: Fact<String> = Fact::new("observability_made");

/// Names under which deployments are known; the planned one comes first.
const NAMES: [&str; 2] = ["obs", "observability"];

pub enum Found {
    Nothing,
    Ours(Box<Instance>),
    /// Name and address belong to different ones.
    Other(Text),
}

/// The planned address, or why there is nothing to do.
pub fn planned(plan: &Plan) -> Result<&Located<Ipv4Addr>, Text> {
    plan.observability.ip.as_ref().ok_or_else(|| message("stages.observability.none", &[]))
}

/// Looks for ours.
pub fn find(plan: &Plan, handle: &Handle, all: &Observability) -> Found {
    let Some(ip) = &plan.observability.ip else { return Found::Nothing };
    let known = handle.remembered(&MADE).or_else(|| handle.fact(&INSTANCE));
    judge(&plan.observability.vm_name, ip, known.as_deref(), &all.instances)
}

fn judge(name: &Located<String>, ip: &Located<Ipv4Addr>, known: Option<&str>, all: &[Instance]) -> Found {
    let planned_ip = ip.value.to_string();
    let named = |one: &&Instance| {
        one.name.eq_ignore_ascii_case(&name.value)
            || NAMES.iter().any(|known| one.name.eq_ignore_ascii_case(known))
    };
    let by_id = all.iter().find(|one| known == Some(one.id.as_str()));
    let by_ip = all.iter().find(|one| one.ip() == planned_ip);
    let ours = by_id.or(by_ip).or_else(|| {
        let exact = all.iter().find(|one| one.name.eq_ignore_ascii_case(&name.value));
        exact.or_else(|| all.iter().find(named))
    });
    let Some(ours) = ours else { return Found::Nothing };
    if ours.ip().is_empty() || ours.ip() == planned_ip {
        return Found::Ours(Box::new(ours.clone()));
    }
    let found = ours.ip();
    let args: [(&str, &dyn crate::text::Say); 4] =
        [("name", &ours.name), ("found", &found), ("planned", &ip.value), ("cell", &ip.cell)];
    Found::Other(message("stages.observability.other_address", &args))
}

/// Our Observability as it is now, for the steps that need it.
pub async fn need(world: &WorldRead, handle: &Handle) -> Result<Instance> {
    let doing = || Failure::new(Kind::Site, handle.manifest().title.clone());
    match find(&world.plan, handle, &world.tower(handle).observability().await?) {
        Found::Ours(instance) => Ok(*instance),
        Found::Nothing => Err(doing().meaning(message("stages.observability.gone", &[]))),
        Found::Other(conflict) => Err(doing().meaning(conflict)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::{CellRef, Origin};

    fn instance(id: &str, name: &str, ip: &str) -> Instance {
        serde_json::from_value(json!({"id": id, "name": name, "vm_spec": {"ip": ip}})).unwrap()
    }

    fn judged(known: Option<&str>, all: &[Instance]) -> String {
        let cell = |column| CellRef::new("集群管理信息", 4, column);
        let (raw, origin) = (String::new(), Origin::Cell);
        let name = Located { value: "watch".to_owned(), cell: cell(2), raw: raw.clone(), origin };
        let ip = Located { value: Ipv4Addr::new(10, 0, 20, 3), cell: cell(5), raw, origin };
        match judge(&name, &ip, known, all) {
            Found::Nothing => "nothing".to_owned(),
            Found::Ours(instance) => instance.id,
            Found::Other(_) => "conflict".to_owned(),
        }
    }

    #[test]
    fn id_address_and_name_are_asked_in_that_order_and_must_not_contradict_each_other() {
        let all = [
            instance("a", "obs", "10.0.20.9"),
            instance("b", "theirs", "10.0.20.3"),
            instance("c", "watch", ""),
        ];
        assert_eq!(judged(None, &all), "b", "whatever its name");
        assert_eq!(judged(Some("c"), &all), "c");
        assert_eq!(judged(Some("a"), &all), "conflict");
        assert_eq!(judged(None, &all[..1]), "conflict");
        assert_eq!(judged(None, &all[2..]), "c");
        assert_eq!(judged(None, &[instance("d", "OBS", "10.0.20.3")]), "d");
        assert_eq!(judged(None, &[instance("e", "other", "10.0.20.9")]), "nothing");
    }
}
