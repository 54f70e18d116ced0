//! The planner against tables, and its laws against random days.

mod case;
mod laws;
mod tables;
