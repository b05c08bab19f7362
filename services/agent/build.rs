//! A new migration is a new build: the macro that takes them in looks only once.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
