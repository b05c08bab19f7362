//! PostgreSQL that dies, stops, goes away or has no disk left, under writes through the gateway.

mod disk;
mod kill;
mod load;
mod postgres;
mod silence;
