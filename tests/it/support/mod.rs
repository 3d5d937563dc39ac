//! What the tests share: a way to run the tool, and a simulated site to run it against.

pub mod fault;
pub mod runbook;
pub mod site;
pub mod tool;
pub mod workbook;
pub mod workbook_xml;
