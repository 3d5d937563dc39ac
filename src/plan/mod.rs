//! The plan: from the planning workbook to typed values that know their cells.

pub mod cell;
pub mod model;

pub use cell::{CellRef, Located, Origin};
pub use model::Plan;
