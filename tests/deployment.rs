//! What an installation is run with, away from the developer's machine: files, units, images, backups.

mod backup;
mod damage;
