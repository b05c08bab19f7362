//! The modules of the mesh: a new service is one line here.

use devsphere_boot::Module;
use devsphere_db::Schema;

/// In the order in which they start; identity first, the others ask it for its keys.
pub(crate) const MODULES: &[Module] = &[
    devsphere_identity::MODULE,
    devsphere_administration::MODULE,
    devsphere_crm::MODULE,
    devsphere_seo::MODULE,
    devsphere_agent::MODULE,
];

/// Their schemas.
pub(crate) fn schemas() -> Vec<Schema> {
    MODULES.iter().map(|module| module.schema).collect()
}
