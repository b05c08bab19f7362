//! The mesh, from outside: each service on its socket, and the gateway as clients find it.

use devsphere_boot::{Endpoint, channel};

use super::{Fault, Report};
use crate::{folder::Folder, mesh, out, state::State};

const START: &str = "start it: `devsphere up`";

pub(super) async fn check(report: &mut Report, folder: &Folder, running: Option<State>) {
    let Some(state) = running else {
        let what = format!("nothing runs in {}", folder.path().display());
        return report.note("mesh", Err(Fault::new(what, START)));
    };
    report.note("mesh", Ok(format!("process {}", state.pid)));
    for (name, endpoint) in mesh::endpoints(folder) {
        let found = serves(&endpoint, "").await;
        report.note(&format!("service {name}"), found.map(|()| endpoint.to_string()));
    }
    let gateway = mesh::gateway(folder);
    report.note("gateway", serves(&gateway, "").await.map(|()| state.gateway));
    match mesh::public_services() {
        Ok(services) => {
            for service in services {
                let found = serves(&gateway, &service).await;
                report.note(&service, found.map(|()| "served by the gateway".into()));
            }
        }
        Err(error) => report.note("contracts", Err(Fault::new(error, "build anew"))),
    }
}

async fn serves(endpoint: &Endpoint, service: &str) -> Result<(), Fault> {
    match mesh::is_serving(&channel(endpoint), service).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Fault::new(
            "answers that it does not serve now",
            "its log says why; look at PostgreSQL first",
        )),
        Err(error) => {
            Err(Fault::new(format!("{endpoint}: {}", out::whole(&error)), "restart `devsphere up`"))
        }
    }
}
