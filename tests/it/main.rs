//! Behaviour of the whole tool, one file per behaviour.

#![cfg(test)] // tells clippy that all of this is test code: unwrap is allowed here

mod acceptance;
mod backup;
mod canaries;
mod cli_usage;
mod client_and_site;
mod client_faults;
mod deploy_cloudtower;
mod displays;
mod dry_run;
mod dry_run_and_diff;
mod full_disk;
mod fuzz;
mod golden_requests;
mod house_rules;
mod inspection;
mod interruptions;
mod kill_matrix;
mod locks;
mod machine;
mod message_catalogue;
mod mishaps;
mod module_edges;
mod observability;
mod openssh;
mod packages;
mod perturbation;
mod pipeline;
mod plan_check;
mod plan_command;
mod plan_corrections;
mod plan_rules;
mod random_walks;
mod real_workbooks;
mod simulated_site;
mod ssh;
mod support;
mod template;
mod terminal;
mod tower;
mod tower_contract;
mod uploads;
mod verification;
mod windows;
mod write_back;
