//! The runbook in code: the world of the steps, one folder per stage, one file per step.

pub mod app_settings;
pub mod facts;
pub mod handover;
pub mod hardware;
pub mod inspect;
pub mod media;
pub mod registry;
pub mod settings;
pub mod workbook;
pub mod world;

mod attach_cluster;
mod bond;
mod config_cloudtower;
mod config_cluster;
mod deploy_backup;
mod deploy_cloudtower;
mod deploy_observability;
mod deploy_packages;
mod digesting;
mod editions;
mod init_cluster;
mod jobs;
mod ownership;
mod patience;
mod prepare;
mod serials;
mod shared;
mod tasks;
mod travelling;
mod uploading;
mod verify;
mod vm_networks;
