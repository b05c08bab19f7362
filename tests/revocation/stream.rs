//! A stream under way ends with what its caller stood on.

use std::time::Duration;

use devsphere_proto::crm::v1::{
    ExportLeadsRequest, ExportLeadsResponse, lead_service_client::LeadServiceClient,
};
use sqlx::Executor as _;
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use super::people::Someone;
use crate::whole::Mesh;

/// Far more than lies in any buffer on the way.
const LEADS: i32 = 60_000;

async fn rest(mut stream: Streaming<ExportLeadsResponse>) -> (i32, Option<Status>) {
    let mut rows = 0;
    loop {
        match stream.message().await {
            Ok(Some(message)) => rows += message.row_count,
            Ok(None) => return (rows, None),
            Err(status) => return (rows, Some(status)),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_cut_at_the_gateway_and_at_the_service() {
    let mesh = Mesh::start().await;
    let ceo = mesh.founder().await;
    let org: Uuid = ceo.grant.organization_id.parse().unwrap();
    let many = sqlx::query(
        "insert into crm.lead (org_id, lead_id, display_name, note)
         select $1, gen_random_uuid(), 'Lead ' || n, repeat('x', 500) from generate_series(1, $2) as n",
    );
    mesh.world.admin().await.execute(many.bind(org).bind(LEADS)).await.unwrap();
    let end = sqlx::query("update identity.session set end_time = now() where session_id = $1");
    let someone = Someone::arrange(&mesh, org).await;

    let request = ExportLeadsRequest::default;
    let at_crm = mesh.world.with_assertion("crm", &someone.assertion);
    let at_crm = LeadServiceClient::new(at_crm).export_leads(request()).await.unwrap();
    let at_gateway = LeadServiceClient::new(someone.signed(&mesh));
    let at_gateway = { at_gateway }.export_leads(request()).await.unwrap();
    let mut streams = [at_crm.into_inner(), at_gateway.into_inner()];
    for stream in &mut streams {
        assert!(stream.message().await.unwrap().unwrap().row_count > 0);
    }

    end.bind(someone.session).execute(&mut mesh.world.admin().await).await.unwrap();
    let since = std::time::Instant::now();
    for place in ["crm", "gateway"] {
        assert!(someone.let_in(&mesh, place, since).await < Duration::from_secs(1), "{place}");
    }
    for stream in streams {
        let (rows, status) = rest(stream).await;
        println!("{rows} rows were on their way");
        assert_eq!(status.map(|status| status.code()), Some(Code::Unauthenticated));
        assert!(rows < LEADS / 2, "{rows}");
    }
}
