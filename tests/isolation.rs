//! P2: no way leads to another organisation's rows, from the catalogue to the wire.

mod catalogue;
mod lint;

use devsphere_boot::Module;

/// Every module whose tables hold rows of organisations.
const MODULES: [Module; 2] = [devsphere_identity::MODULE, devsphere_crm::MODULE];
