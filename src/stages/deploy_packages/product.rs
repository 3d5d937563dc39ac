//! The products of stage 10, and what is known of a package that CloudTower has.

use serde::{Deserialize, Serialize};

use crate::{
    engine::Fact,
    failure::Result,
    stages::{
        app_settings::{App, Apps},
        media::{MediaFile, Package, Search},
        world::WorldRead,
    },
    text::Text,
};

/// A product with a package of its own.
pub struct Product {
    /// As people call it.
    pub name: &'static str,
    /// The name of its application, where an operator's file makes one.
    pub application: &'static str,
    package: fn() -> Package,
    settings: fn(&Apps) -> &App,
    pub fact: Fact<Registered>,
    /// CloudTower keeps its packages in a list of their own, for which the REST interface has no upload.
    pub own_list: bool,
}

pub const EVEROUTE: Product = Product {
    name: "Everoute",
    application: "everoute",
    package: Package::everoute,
    settings: |apps| &apps.everoute,
    fact: Fact::new("everoute"),
    own_list: true,
};

pub const FILE_STORAGE: Product = Product {
    name: "SFS",
    application: "sfs",
    package: Package::file_storage,
    settings: |apps| &apps.file_storage,
    fact: Fact::new("file_storage"),
    own_list: false,
};

pub const KUBERNETES: Product = Product {
    name: "SKS",
    application: "sks",
    package: Package::kubernetes,
    settings: |apps| &apps.kubernetes,
    fact: Fact::new("kubernetes"),
    own_list: false,
};

/// All of them, in the order of the steps.
pub const ALL: [&Product; 3] = [&EVEROUTE, &FILE_STORAGE, &KUBERNETES];

/// How far a product has come. None of these means that it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    AlreadyPresent,
    UploadedNotInstalled,
    /// An application made by the operator's own file says that it runs; nobody has checked what it does.
    RunningUnverified,
}

/// A package that CloudTower has, and what is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    pub state: State,
    /// The state in words, with what is left for the operator.
    pub told: Text,
    pub file: String,
    /// CloudTower's id of it.
    pub package: String,
    pub version: String,
    pub architecture: String,
}

impl Product {
    pub fn settings<'w>(&self, world: &'w WorldRead) -> &'w App {
        (self.settings)(&world.services.apps)
    }

    /// The name grammar: the configured one, else the one that is expected.
    pub fn package(&self, world: &WorldRead) -> Package {
        let own = (self.package)();
        match self.settings(world).pattern.as_str() {
            "" => own,
            pattern => own.called(pattern),
        }
    }

    /// The newest file of this architecture.
    pub fn file(&self, world: &WorldRead, arch: &str) -> Result<Option<MediaFile>> {
        let search = match &world.media {
            Some(folder) => self.package(world).search(folder, Some(arch))?,
            None => Search::default(),
        };
        Ok(search.newest)
    }
}
