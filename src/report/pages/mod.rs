//! The pages of the papers, in order: what it comes to, the settings, the steps, the times.

mod deviations;
mod inspection;
mod overview;
mod products;
mod settings;
mod steps;
mod times;

use super::{
    acceptance::Acceptance,
    document::{Column, Document, Page},
    site_time::moment,
};
use crate::{
    messages::message,
    text::{Lang, Text},
};

pub fn document(acceptance: &Acceptance, lang: Lang) -> Document {
    let say = |text: &Text| text.get(lang).to_owned();
    let site = site_name(acceptance);
    let args: &[(&str, &dyn crate::text::Say)] =
        &[("site", &site), ("run", &acceptance.run.id), ("at", &moment(acceptance.at))];
    let page = |name: Text, sections| Page { name: say(&name), sections };
    Document {
        lang,
        title: say(&message("report.document.title", &[])),
        subtitle: say(&message("report.document.subtitle", args)),
        banner: acceptance.run.simulated.then(|| say(&message("report.document.simulated", &[]))),
        at: acceptance.at,
        pages: vec![
            page(message("report.page.overview", &[]), overview::sections(acceptance, lang)),
            page(message("report.page.settings", &[]), settings::sections(acceptance, lang)),
            page(message("report.page.steps", &[]), steps::sections(acceptance, lang)),
            page(message("report.page.times", &[]), times::sections(acceptance, lang)),
        ],
    }
}

/// What people call the site: the cluster's name, else its key.
fn site_name(acceptance: &Acceptance) -> String {
    let values = acceptance.plan.iter().flat_map(|plan| &plan.values);
    let named = values.into_iter().find(|(key, _)| key == "cluster.name");
    named.map_or_else(|| acceptance.site.clone(), |(_, name)| name.clone())
}

/// A step by its title and id.
fn step_name(acceptance: &Acceptance, id: &str, lang: Lang) -> String {
    let steps = acceptance.stages.iter().flat_map(|stage| &stage.steps);
    match steps.into_iter().find(|step| step.id == id) {
        Some(step) => format!("{} ({id})", step.title.get(lang)),
        None => id.to_owned(),
    }
}

fn columns<const N: usize>(lang: Lang, columns: [(Text, u8); N]) -> Vec<Column> {
    let column = |(title, width): (Text, u8)| Column { title: title.get(lang).to_owned(), width };
    columns.into_iter().map(column).collect()
}
