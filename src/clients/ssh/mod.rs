//! SSH to hosts and guests: logins and looks for probes, sessions for acts (DESIGN §6, api-fisheye §6.8).

mod command;
mod connection;
mod detached;
mod log;
mod login;
mod look;
mod passwords;
mod record;
mod session;
mod sudo;

pub use command::{Command, End, KEPT, Output, Stream};
pub use detached::Detached;
pub use log::LogTail;
pub use login::{Ssh, SshReader};
pub use look::{Looker, RemoteFile};
pub use session::Session;
