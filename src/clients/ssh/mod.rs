//! SSH to hosts and guests: login tests for probes, sessions for acts (DESIGN §6, api-fisheye §6.8).

mod command;
mod connection;
mod login;
mod passwords;
mod record;
mod session;
mod sudo;

pub use command::{Command, End, KEPT, Output, Stream};
pub use login::{Ssh, SshReader};
pub use session::Session;
