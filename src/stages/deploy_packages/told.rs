//! What is told of a product: its state, that its installation is the operator's, and what the plan has for that.

use super::product::Product;
use crate::{
    messages::message,
    plan::Plan,
    text::{Say, Text},
};

/// The state, and what it leaves to do.
pub fn told(product: &Product, plan: &Plan, state: &Text) -> Text {
    let by_hand = message("stages.apps.by_hand", &[("product", &product.name)]);
    let told = join(state, &by_hand);
    match values(product, plan) {
        Some(values) => join(&told, &values),
        None => told,
    }
}

/// What the plan holds for whoever installs it.
fn values(product: &Product, plan: &Plan) -> Option<Text> {
    if !product.own_list {
        return None;
    }
    let vip = plan.er.vip.as_ref()?;
    let nodes: Vec<String> =
        plan.er.nodes.iter().map(|node| format!("{} ({})", node.value, node.cell)).collect();
    let args: [(&str, &dyn Say); 3] =
        [("vip", &vip.value), ("cell", &vip.cell), ("nodes", &nodes.join(", "))];
    Some(message("stages.apps.everoute_values", &args))
}

fn join(one: &Text, other: &Text) -> Text {
    Text::new(format!("{}；{}", one.zh, other.zh), format!("{}; {}", one.en, other.en))
}
