//! Faults that several tests inject.

use voyager::sim::fault::{Action, Fault, HoldPoint};

/// Holds the next request of this operation.
pub fn hold(operation: &str, point: HoldPoint) -> Fault {
    Fault { count: 1, ..always(operation, Action::Hold(point)) }
}

/// Meets every request of this operation as long as the test runs.
pub fn always(operation: &str, action: Action) -> Fault {
    Fault {
        operation: operation.to_owned(),
        address: None,
        chunk: None,
        nth: 1,
        probability: None,
        from_seconds: None,
        until_seconds: None,
        count: 0,
        action,
        met: 0,
        acted: 0,
    }
}

/// The same at one address only.
pub fn always_at(address: &str, operation: &str, action: Action) -> Fault {
    Fault { address: Some(address.parse().expect("an address")), ..always(operation, action) }
}
