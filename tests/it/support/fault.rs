//! Faults that several tests inject.

use voyager::sim::fault::{Action, Fault, HoldPoint};

/// Holds the next request of this operation.
pub fn hold(operation: &str, point: HoldPoint) -> Fault {
    Fault {
        operation: operation.to_owned(),
        address: None,
        chunk: None,
        nth: 1,
        probability: None,
        from_seconds: None,
        until_seconds: None,
        count: 1,
        action: Action::Hold(point),
        met: 0,
        acted: 0,
    }
}
