//! Stories through the gateway, as people live them.

mod bad_input;
mod first_day;
mod hand_over;
